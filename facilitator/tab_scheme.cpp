#include "facilitator/tab_scheme.h"

#include <utility>

#include "base/limits.h"
#include "crypto/keccak.h"
#include "crypto/random.h"
#include "facilitator/fields.h"
#include "facilitator/hold_cache.h"
#include "facilitator/json_text.h"
#include "facilitator/tab_front.h"
#include "facilitator/tab_gather.h"
#include "facilitator/tab_payload.h"

namespace facilitator {
namespace {

namespace tab = commitments::tab;
using base::Status;
using tab::ItemKind;

constexpr std::string_view kReasonPrefix = "invalid_batch_settlement_tab_";
constexpr std::uint32_t kRetryAfterMs = 100;  // when this front itself is full

std::string reason_of(Status status) {
  const base::StatusInfo& info = base::info(status);
  return info.x402_code.empty() ? std::string(kReasonPrefix) + std::string(info.name) : std::string(info.x402_code);
}

// Statuses after which the tab's figures help the client to go on.
bool tells_tab(Status status) {
  switch (status) {
    case Status::ok:
    case Status::already_accepted:
    case Status::dry_run:
    case Status::tab_out_of_order:
    case Status::tab_conflict:
    case Status::voucher_below_charged: return true;
    default: return false;
  }
}

JsonObject status_json(Status status) {
  const base::StatusInfo& info = base::info(status);
  JsonObject result;
  result.number("status", static_cast<std::uint64_t>(status)).text("statusName", info.name);
  result.text("next", base::name(info.next_step));
  return result;
}

Refusal try_later(Status status, std::uint32_t retry_after_ms) {
  return {503, std::string(base::name(status)), std::string(base::info(status).sentence),
          "Send the same request again after the time in Retry-After.", retry_after_ms};
}

class TabScheme final : public Scheme {
 public:
  TabScheme(TabSchemeParts parts, std::vector<ledger::core::Asset> assets, const base::Address& operator_key)
      : parts_(std::move(parts)),
        assets_(std::move(assets)),
        operator_key_(operator_key),
        server_(parts_.server_key.address()),
        gather_({parts_.ingest, parts_.server_key, assets_.table, parts_.post}, parts_.clock.now().us),
        front_(parts_),
        holds_(base::limits::kFacilitatorHoldsMax, crypto::random_u64()) {}

  std::string_view scheme() const override { return kTabScheme; }
  std::string_view network() const override { return parts_.ingest.domain().network; }
  std::vector<std::pair<std::string, std::string>> signers() const override {
    return {{std::string(network()), base::to_hex(server_)}, {std::string(network()), base::to_hex(operator_key_)}};
  }
  std::string supported_extra() const override {
    JsonArray assets;
    for (const ledger::core::Asset& asset : assets_.list) {
      JsonObject one;
      one.text("asset", asset.text).text("symbol", asset.symbol).number("decimals", asset.scale);
      assets.add(std::move(one).done());
    }
    JsonObject extra;
    extra.text("binding", "tab").text("version", "1").raw("types", "[\"commitment\",\"voucher\"]");
    extra.raw("assets", std::move(assets).done()).text("operator", base::to_hex(operator_key_));
    return std::move(extra).done();
  }

  void run(const PaymentRequest& request, Done done) override;
  void flush() override { gather_.flush(); }

 private:
  // One request on its way through the ledger.
  struct Payment {
    Operation operation = Operation::verify;
    tab::Item item;  // hold or voucher
    tab::Usage usage;
    std::uint64_t client = 0;  // who brought it: commitments::tab::Submitter
    Done done;
    bool asked_front = false;  // the front was registered for this payee before this try
  };
  using Shared = std::shared_ptr<Payment>;
  using Step = void (TabScheme::*)(const Shared&, const TabOutcome&);

  bool is_voucher(const Payment& payment) const { return payment.item.kind == ItemKind::voucher; }
  tab::Item finishing(const Payment& payment) const;
  void submit(const Shared& payment, tab::Item item, bool check_only, Step then);

  void after_hold(const Shared& payment, const TabOutcome& outcome);
  void after_look_at_hold(const Shared& payment, const TabOutcome& outcome);
  void after_finish(const Shared& payment, const TabOutcome& outcome);
  void after_charge(const Shared& payment, const TabOutcome& outcome);
  void after_hold_of_settle(const Shared& payment, const TabOutcome& outcome);
  void after_voucher_check(const Shared& payment, const TabOutcome& outcome);
  void after_voucher_charge(const Shared& payment, const TabOutcome& outcome);

  std::string payer_of(const Payment& payment) const { return base::to_hex(payment.item.payer()); }
  std::string tab_state(const Payment& payment, const TabOutcome& outcome) const;
  void valid(const Payment& payment, std::string extra) const;
  void settled(const Payment& payment, const TabOutcome& outcome) const;
  void refused(const Payment& payment, const TabOutcome& outcome) const;

  const TabSchemeParts parts_;
  const TabAssets assets_;
  const base::Address operator_key_;
  const base::Address server_;
  TabGather gather_;
  TabFront front_;
  HoldCache holds_;
};

// Capture or release of the payment's hold: an amount of zero gives it back.
tab::Item TabScheme::finishing(const Payment& payment) const {
  tab::Item item;
  item.single.payer = payment.item.single.payer;
  item.single.nonce = payment.item.single.nonce;
  item.kind = payment.usage.amount.is_zero() ? ItemKind::release : ItemKind::capture;
  if (item.kind == ItemKind::capture) item.usages = {payment.usage};
  return item;
}

void TabScheme::submit(const Shared& payment, tab::Item item, bool check_only, Step then) {
  tab::Item again;
  if (!payment->asked_front) again = item;
  TabDone next = [this, payment, check_only, then, again = std::move(again)](const TabOutcome& outcome) mutable {
    const Status status = outcome.result.status;
    if (status == Status::overloaded || status == Status::shutting_down)
      return payment->done(try_later(status, outcome.retry_after_ms));
    const bool unregistered = status == Status::server_unknown || status == Status::server_not_for_payee;
    if (!unregistered || payment->asked_front) return (this->*then)(payment, outcome);
    payment->asked_front = true;
    const base::Address& payee = is_voucher(*payment) ? payment->item.voucher.payee : payment->item.single.payee;
    front_.admit(payee, [this, payment, check_only, then, outcome, item = std::move(again)](bool try_again) mutable {
      if (!try_again) return (this->*then)(payment, outcome);
      submit(payment, std::move(item), check_only, then);
      gather_.flush();
    });
  };
  const bool taken = check_only ? gather_.check(std::move(item), payment->client, std::move(next))
                                : gather_.record(std::move(item), payment->client, std::move(next));
  if (!taken) payment->done(try_later(Status::overloaded, kRetryAfterMs));
}

void TabScheme::run(const PaymentRequest& request, Done done) {
  std::variant<TabPayment, TabRejection> decoded = decode_tab(request, assets_);
  if (const auto* rejection = std::get_if<TabRejection>(&decoded)) {
    std::string extra;
    if (rejection->status != Status::ok) extra = std::move(status_json(rejection->status)).done();
    return done(rejected(request.operation, network(), rejection->reason, rejection->message, {}, std::move(extra)));
  }
  TabPayment& read = std::get<TabPayment>(decoded);
  auto payment = std::make_shared<Payment>();
  payment->operation = request.operation;
  payment->item = std::move(read.item);
  payment->usage = read.usage;
  payment->client = std::uint64_t{request.caller} + 1;
  payment->done = std::move(done);
  if (is_voucher(*payment)) {
    const bool verify = is_verifying(request.operation);
    return submit(payment, payment->item, verify,
                  verify ? &TabScheme::after_voucher_check : &TabScheme::after_voucher_charge);
  }
  if (is_verifying(request.operation)) {
    if (payment->usage.amount > payment->item.single.maximum) {
      TabOutcome outcome;
      outcome.result.status = Status::charge_above_maximum;
      outcome.result.limit = outcome.result.allowed = payment->item.single.maximum;
      return refused(*payment, outcome);
    }
    return submit(payment, payment->item, false, &TabScheme::after_hold);
  }
  if (holds_.holds(payment->item)) return submit(payment, finishing(*payment), false, &TabScheme::after_finish);
  tab::Item charge = payment->item;
  charge.kind = ItemKind::charge;
  charge.usages = {payment->usage};
  submit(payment, std::move(charge), false, &TabScheme::after_charge);
}

void TabScheme::after_hold(const Shared& payment, const TabOutcome& outcome) {
  if (!base::accepted(outcome.result.status)) return refused(*payment, outcome);
  holds_.insert(payment->item);
  if (outcome.result.status == Status::ok) return valid(*payment, {});
  // Made before. Whether it is still open is what a release would meet.
  tab::Item release = finishing(*payment);
  release.kind = ItemKind::release;
  release.usages.clear();
  submit(payment, std::move(release), true, &TabScheme::after_look_at_hold);
}

void TabScheme::after_look_at_hold(const Shared& payment, const TabOutcome& outcome) {
  if (outcome.result.status == Status::dry_run) return valid(*payment, "{\"repeated\":true}");
  TabOutcome ended = outcome;
  if (outcome.result.status == Status::already_accepted) ended.result.status = Status::hold_released;
  refused(*payment, ended);
}

void TabScheme::after_finish(const Shared& payment, const TabOutcome& outcome) {
  base::accepted(outcome.result.status) ? settled(*payment, outcome) : refused(*payment, outcome);
}

void TabScheme::after_charge(const Shared& payment, const TabOutcome& outcome) {
  if (base::accepted(outcome.result.status)) return settled(*payment, outcome);
  if (outcome.result.status != Status::nonce_conflict) return refused(*payment, outcome);
  // The nonce was used before. If for a hold of this very commitment, that is what is to be captured.
  submit(payment, payment->item, false, &TabScheme::after_hold_of_settle);
}

void TabScheme::after_hold_of_settle(const Shared& payment, const TabOutcome& outcome) {
  if (!base::accepted(outcome.result.status)) return refused(*payment, outcome);
  holds_.insert(payment->item);
  submit(payment, finishing(*payment), false, &TabScheme::after_finish);
}

void TabScheme::after_voucher_check(const Shared& payment, const TabOutcome& outcome) {
  if (outcome.result.status == Status::dry_run) {
    JsonObject extra;
    extra.raw("tabState", tab_state(*payment, outcome));
    return valid(*payment, std::move(extra).done());
  }
  TabOutcome used = outcome;
  if (outcome.result.status == Status::already_accepted) used.result.status = Status::tab_conflict;
  refused(*payment, used);
}

void TabScheme::after_voucher_charge(const Shared& payment, const TabOutcome& outcome) {
  base::accepted(outcome.result.status) ? settled(*payment, outcome) : refused(*payment, outcome);
}

std::string TabScheme::tab_state(const Payment& payment, const TabOutcome& outcome) const {
  const base::Hash* text_hash = assets_.table.text_hash(payment.item.voucher.asset);
  const ledger::core::TabFigures& figures = outcome.result.tab;
  JsonObject state;
  state.text("tab", base::to_hex(tab::tab_key(payment.item.voucher, *text_hash)));
  state.text("charged", figures.charged.to_units_string()).text("charges", std::to_string(figures.charges));
  state.text("maximum", figures.maximum.to_units_string());
  return std::move(state).done();
}

void TabScheme::valid(const Payment& payment, std::string extra) const {
  payment.done(VerifyResponse{true, {}, {}, payer_of(payment), std::move(extra)});
}

void TabScheme::settled(const Payment& payment, const TabOutcome& outcome) const {
  const std::string amount = payment.usage.amount.to_units_string();
  JsonObject extra;
  extra.text("commitmentId", std::to_string(outcome.result.sequence.value)).text("chargedAmount", amount);
  if (is_voucher(payment)) extra.raw("tabState", tab_state(payment, outcome));
  payment.done(
      SettleResponse{true, {}, {}, payer_of(payment), {}, std::string(network()), amount, std::move(extra).done()});
}

void TabScheme::refused(const Payment& payment, const TabOutcome& outcome) const {
  const ledger::core::ItemResult& result = outcome.result;
  JsonObject extra = status_json(result.status);
  if (!result.limit.is_zero() || !result.allowed.is_zero()) {
    extra.text("limit", result.limit.to_units_string());
    extra.text("allowed", result.allowed.to_units_string());
  }
  if (is_voucher(payment) && tells_tab(result.status)) extra.raw("tabState", tab_state(payment, outcome));
  payment.done(rejected(payment.operation, network(), reason_of(result.status),
                        std::string(base::info(result.status).sentence), payer_of(payment), std::move(extra).done()));
}

}  // namespace

base::Result<std::unique_ptr<Scheme>> make_tab_scheme(TabSchemeParts parts) {
  ASSIGN_OR_RETURN(std::vector<ledger::core::Asset> assets, parts.reader.assets());
  ASSIGN_OR_RETURN(const ledger::core::LedgerHead head, parts.reader.head());
  return std::make_unique<TabScheme>(std::move(parts), std::move(assets), head.operator_key);
}

base::Result<std::string> describe_tab(const ledger::api::LedgerReader& reader, const base::Address& server) {
  ASSIGN_OR_RETURN(const std::vector<ledger::core::Asset> list, reader.assets());
  ASSIGN_OR_RETURN(const ledger::core::LedgerHead head, reader.head());
  const tab::Domain domain(head.network);
  const base::ByteView network(reinterpret_cast<const std::uint8_t*>(head.network.data()), head.network.size());
  JsonArray assets;
  for (const ledger::core::Asset& asset : list) {
    JsonObject one;
    one.number("id", asset.id.value).text("asset", asset.text).text("symbol", asset.symbol);
    one.number("decimals", asset.scale);
    assets.add(std::move(one).done());
  }
  JsonObject eip712;
  eip712.text("name", "tabd").text("version", "1").text("salt", base::to_hex(crypto::keccak256(network)));
  JsonObject result;
  result.text("binding", "tab").text("version", "1").text("network", head.network);
  result.raw("domain", std::move(eip712).done()).text("domainSeparator", base::to_hex(domain.separator));
  result.text("operator", base::to_hex(head.operator_key)).text("server", base::to_hex(server));
  result.raw("assets", std::move(assets).done());
  result.number("validitySecondsMax", base::limits::kValiditySecondsMax);
  return std::move(result).done();
}

}  // namespace facilitator
