#include "rpc/http/books.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/limits.h"
#include "facilitator/fields.h"
#include "facilitator/json_text.h"

namespace rpc::http {
namespace {

namespace core = ledger::core;
namespace limits = base::limits;
using facilitator::JsonArray;
using facilitator::JsonObject;
using facilitator::Refusal;
using ledger::api::LedgerReader;
using ledger::api::StoredEntry;

tl::unexpected<Refusal> failed(const base::Error& error) {
  if (error.code == base::ErrorCode::not_found)
    return tl::unexpected(Refusal{404, "not_found", "there is no such object", "Look it up in the list first."});
  return tl::unexpected(Refusal{503, "unavailable", "the ledger cannot be read at the moment",
                                "Try again; ask the operator if it stays.", 1000});
}

std::string time_text(core::Time time) {
  std::string fraction = std::to_string(time.us % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(time.seconds()) + "." + fraction;
}

std::string_view name(core::StatementState state) {
  switch (state) {
    case core::StatementState::open: return "open";
    case core::StatementState::paid: return "paid";
    case core::StatementState::written_off: return "written_off";
    case core::StatementState::credited: return "credited";
  }
  return "unknown";
}

std::string_view name(core::SettlementKind kind) {
  switch (kind) {
    case core::SettlementKind::collection: return "collection";
    case core::SettlementKind::payout: return "payout";
    case core::SettlementKind::relay: return "relay";
    case core::SettlementKind::refund: return "refund";
  }
  return "unknown";
}

std::string_view name(core::SettlementState state) {
  switch (state) {
    case core::SettlementState::ready: return "ready";
    case core::SettlementState::sending: return "sending";
    case core::SettlementState::accepted: return "accepted";
    case core::SettlementState::confirmed: return "confirmed";
    case core::SettlementState::settled: return "settled";
    case core::SettlementState::final: return "final";
    case core::SettlementState::failed: return "failed";
    case core::SettlementState::unknown: return "unknown";
    case core::SettlementState::returned: return "returned";
    case core::SettlementState::disputed: return "disputed";
    case core::SettlementState::written_off: return "written_off";
    case core::SettlementState::cancelled: return "cancelled";
  }
  return "unknown";
}

// Names instead of numbers, looked up once a request.
class Names {
 public:
  explicit Names(const LedgerReader& reader) : reader_(reader) {}
  std::string asset(core::AssetId id) {
    return find(assets_, id.value, [&] {
      const auto asset = reader_.asset(id);
      return asset ? asset->text : std::string();
    });
  }
  std::string payer(core::PayerId id) {
    return find(payers_, id.value, [&] {
      const auto payer = reader_.payer(id);
      return payer ? base::to_hex(payer->address) : std::string();
    });
  }
  std::string payee(core::PayeeId id) {
    return find(payees_, id.value, [&] {
      const auto payee = reader_.payee(id);
      return payee ? base::to_hex(payee->address) : std::string();
    });
  }

 private:
  template <typename Map, typename Look>
  static std::string find(Map& map, std::uint64_t id, const Look& look) {
    const auto [at, fresh] = map.try_emplace(id);
    if (fresh) at->second = look();
    return at->second;
  }
  const LedgerReader& reader_;
  std::map<std::uint64_t, std::string> assets_, payers_, payees_;
};

// Whose books a key may see.
struct Scope {
  core::PayerId payer;             // of a payer's key
  std::set<core::PayeeId> payees;  // of the others
  bool of_payer = false;
  bool sees(core::PayeeId payee) const { return of_payer || payees.contains(payee); }
};

tl::expected<Scope, Refusal> scope_of(const LedgerReader& reader, const ApiKey& key) {
  Scope scope;
  scope.of_payer = key.role == KeyRole::payer;
  for (const base::Address& address : key.addresses) {
    if (scope.of_payer) {
      const auto payer = reader.payer(address);
      if (payer) {
        scope.payer = payer->id;
      } else if (payer.error().code != base::ErrorCode::not_found) {
        return failed(payer.error());
      }
    } else {
      const auto payee = reader.payee(address);
      if (payee) {
        scope.payees.insert(payee->id);
      } else if (payee.error().code != base::ErrorCode::not_found) {
        return failed(payee.error());
      }
    }
  }
  return scope;
}

std::string page_json(JsonArray items, std::uint64_t next) {
  JsonObject page;
  page.raw("items", std::move(items).done());
  if (next != 0) {
    page.text("next", std::to_string(next));
  } else {
    page.raw("next", "null");
  }
  return std::move(page).done();
}

// What the payer owes by it.
void add_billed(JsonObject& object, const core::Statement& statement) {
  object.text("invoice", core::document_number(statement.series, statement.number));
  object.text("total", statement.total.to_units_string()).text("net", statement.net.to_units_string());
  object.text("tax", statement.tax.to_units_string()).number("taxRatePpm", statement.tax_terms.rate_ppm);
  object.text("taxLabel", statement.tax_terms.label).text("taxNote", statement.tax_terms.note);
  object.text("billed", statement.billed().to_units_string());
  object.text("creditApplied", statement.credit_applied.to_units_string());
  object.text("credited", statement.mark.credited.to_units_string());
  object.text("paid", statement.mark.paid.to_units_string())
      .text("refunded", statement.mark.refunded.to_units_string());
  object.text("entries", std::to_string(statement.entries)).text("root", base::to_hex(statement.root));
}

// A statement for those who may see it: a payee sees its own lines and shares, not what the payer owes to others.
std::string statement_json(Names& names, const Scope& scope, const core::Statement& statement, bool with_lines) {
  JsonObject object;
  object.text("id", std::to_string(statement.id.value)).text("payer", names.payer(statement.payer));
  object.text("asset", names.asset(statement.asset)).text("state", name(statement.mark.state));
  object.text("windowStart", time_text(statement.window.start)).text("windowEnd", time_text(statement.window.end));
  object.text("issued", time_text(statement.issued)).text("due", time_text(statement.due));
  if (scope.of_payer) add_billed(object, statement);
  JsonArray shares;
  for (const aggregator::PayeeShare& share : statement.shares) {
    if (!scope.sees(share.payee)) continue;
    JsonObject one;
    one.text("payee", names.payee(share.payee)).text("amount", share.amount.to_units_string());
    shares.add(std::move(one).done());
  }
  object.raw("shares", std::move(shares).done());
  if (!with_lines) return std::move(object).done();
  JsonArray lines;
  for (const aggregator::Line& line : statement.lines) {
    if (!scope.sees(line.payee)) continue;
    JsonObject one;
    one.text("payee", names.payee(line.payee)).text("resource", base::to_hex(line.resource));
    one.text("amount", line.amount.to_units_string()).text("quantity", std::to_string(line.quantity));
    one.text("charges", std::to_string(line.charges));
    lines.add(std::move(one).done());
  }
  object.raw("lines", std::move(lines).done());
  return std::move(object).done();
}

std::string settlement_json(Names& names, const core::Settlement& settlement) {
  JsonObject object;
  object.text("id", std::to_string(settlement.id.value)).text("kind", name(settlement.kind));
  object.text("state", name(settlement.state)).text("rail", settlement.rail.view());
  if (settlement.payer.valid()) object.text("payer", names.payer(settlement.payer));
  if (settlement.payee.valid()) object.text("payee", names.payee(settlement.payee));
  if (settlement.statement.valid()) object.text("statement", std::to_string(settlement.statement.value));
  object.text("asset", names.asset(settlement.asset)).text("amount", settlement.amount.to_units_string());
  object.text("reference", settlement.reference).text("created", time_text(settlement.created));
  if (settlement.confirmed.us != 0) object.text("confirmed", time_text(settlement.confirmed));
  if (settlement.finalized.us != 0) object.text("final", time_text(settlement.finalized));
  return std::move(object).done();
}

bool concerns(const Scope& scope, const core::Statement& statement) {
  if (scope.of_payer) return statement.payer == scope.payer;
  return std::any_of(statement.lines.begin(), statement.lines.end(),
                     [&scope](const aggregator::Line& line) { return scope.sees(line.payee); }) ||
         std::any_of(statement.shares.begin(), statement.shares.end(),
                     [&scope](const aggregator::PayeeShare& share) { return scope.sees(share.payee); });
}

// What a charging entry says, with the hold behind a capture or release.
struct Charge {
  std::string_view kind;
  core::PayerId payer;
  core::PayeeId payee;
  core::AssetId asset;
  core::Amount amount;
  std::vector<commitments::tab::Usage> usages;
  std::optional<base::u128> nonce;
  std::optional<std::uint64_t> first_index;
};

void fill(Charge& charge, const core::SignedSingleUse& commitment) {
  charge.payer = commitment.payer;
  charge.payee = commitment.payee;
  charge.asset = commitment.asset;
  charge.nonce = commitment.nonce;
}

core::Amount sum_of(const std::vector<commitments::tab::Usage>& usages) {
  core::Amount sum;
  for (const commitments::tab::Usage& usage : usages) sum = base::add_checked(sum, usage.amount);
  return sum;
}

std::optional<Charge> of_finished_hold(const LedgerReader& reader, core::Sequence hold, std::string_view kind) {
  const auto made = reader.entry(hold);
  const auto* entry = made ? std::get_if<core::HoldMade>(&made->entry) : nullptr;
  if (entry == nullptr) return std::nullopt;
  Charge charge;
  charge.kind = kind;
  fill(charge, entry->commitment);
  return charge;
}

std::optional<Charge> charge_of(const LedgerReader& reader, const core::Entry& entry) {
  Charge charge;
  if (const auto* charged = std::get_if<core::Charged>(&entry)) {
    charge.kind = "charged";
    fill(charge, charged->commitment);
    charge.usages = {charged->usage};
  } else if (const auto* hold = std::get_if<core::HoldMade>(&entry)) {
    charge.kind = "held";
    fill(charge, hold->commitment);
    charge.amount = hold->commitment.maximum;
    return charge;
  } else if (const auto* captured = std::get_if<core::HoldCaptured>(&entry)) {
    std::optional<Charge> found = of_finished_hold(reader, captured->hold, "captured");
    if (!found) return std::nullopt;
    charge = std::move(*found);
    charge.usages = {captured->usage};
  } else if (const auto* released = std::get_if<core::HoldReleased>(&entry)) {
    return of_finished_hold(reader, released->hold,
                            released->reason == core::ReleaseReason::expired ? "expired" : "released");
  } else if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry)) {
    const auto tab = reader.tab(voucher->tab);
    if (!tab) return std::nullopt;
    charge.kind = "voucher";
    charge.payer = tab->payer;
    charge.payee = tab->payee;
    charge.asset = tab->asset;
    charge.first_index = voucher->first_index;
    charge.usages = voucher->usages;
  } else {
    return std::nullopt;
  }
  charge.amount = sum_of(charge.usages);
  return charge;
}

std::string charge_json(Names& names, const StoredEntry& entry, const Charge& charge) {
  JsonObject object;
  object.text("commitmentId", std::to_string(entry.sequence.value)).text("kind", charge.kind);
  object.text("segment", std::to_string(entry.segment.value)).text("time", time_text(entry.time));
  object.text("payer", names.payer(charge.payer)).text("payee", names.payee(charge.payee));
  object.text("asset", names.asset(charge.asset)).text("amount", charge.amount.to_units_string());
  if (charge.nonce) object.text("nonce", facilitator::decimal(*charge.nonce));
  if (charge.first_index) object.text("firstIndex", std::to_string(*charge.first_index));
  JsonArray usages;
  for (const commitments::tab::Usage& usage : charge.usages) {
    JsonObject one;
    one.text("amount", usage.amount.to_units_string()).text("quantity", std::to_string(usage.quantity));
    one.text("unit", usage.unit.view()).text("resource", base::to_hex(usage.resource));
    usages.add(std::move(one).done());
  }
  object.raw("usages", std::move(usages).done());
  return std::move(object).done();
}

// One page of what a key may see. `fetch(after)` gives up to `asked` objects behind a number, `number` says which an
// object has, and `show` is its JSON, or nothing if it does not concern the key.
template <typename Fetch, typename Number, typename Show>
BookAnswer read_page(const PageQuery& page, std::size_t asked, const Fetch& fetch, const Number& number,
                     const Show& show, std::size_t& looked) {
  JsonArray items;
  std::size_t found = 0;
  std::uint64_t after = page.after;
  for (looked = 0; looked < limits::kHttpScanMax;) {
    const auto list = fetch(after);
    if (!list) return failed(list.error());
    for (const auto& one : *list) {
      if (found == page.limit) return page_json(std::move(items), after);
      after = number(one);
      ++looked;
      const std::optional<std::string> shown = show(one);
      if (!shown) continue;
      items.add(*shown);
      ++found;
    }
    if (list->size() < asked) return page_json(std::move(items), 0);
  }
  return page_json(std::move(items), after);
}

}  // namespace

BookAnswer read_statements(const LedgerReader& reader, const ApiKey& key, const PageQuery& page, std::size_t& looked) {
  const auto scope = scope_of(reader, key);
  if (!scope) return tl::unexpected(scope.error());
  Names names(reader);
  const std::size_t asked = page.limit + 1;
  return read_page(
      page, asked,
      [&](std::uint64_t after) {
        return scope->of_payer ? reader.statements_of(scope->payer, core::StatementId(after), asked)
                               : reader.statements(core::StatementId(after), asked);
      },
      [](const core::Statement& statement) { return statement.id.value; },
      [&](const core::Statement& statement) -> std::optional<std::string> {
        if (!concerns(*scope, statement)) return std::nullopt;
        return statement_json(names, *scope, statement, false);
      },
      looked);
}

BookAnswer read_statement(const LedgerReader& reader, const ApiKey& key, std::uint64_t id) {
  const auto scope = scope_of(reader, key);
  if (!scope) return tl::unexpected(scope.error());
  const auto statement = reader.statement(core::StatementId(id));
  if (!statement) return failed(statement.error());
  if (!concerns(*scope, *statement)) return failed({base::ErrorCode::not_found, {}});
  Names names(reader);
  return statement_json(names, *scope, *statement, true);
}

BookAnswer read_settlements(const LedgerReader& reader, const ApiKey& key, const PageQuery& page, std::size_t& looked) {
  const auto scope = scope_of(reader, key);
  if (!scope) return tl::unexpected(scope.error());
  Names names(reader);
  const std::size_t asked = (scope->of_payer ? page.limit : limits::kHttpPageItemsMax) + 1;
  return read_page(
      page, asked,
      [&](std::uint64_t after) {
        return scope->of_payer ? reader.settlements_of(scope->payer, core::SettlementId(after), asked)
                               : reader.settlements(core::SettlementId(after), asked);
      },
      [](const core::Settlement& settlement) { return settlement.id.value; },
      [&](const core::Settlement& settlement) -> std::optional<std::string> {
        if (!scope->of_payer && !scope->payees.contains(settlement.payee)) return std::nullopt;
        return settlement_json(names, settlement);
      },
      looked);
}

BookAnswer read_charges(const LedgerReader& reader, const ApiKey& key, const PageQuery& page, std::size_t& looked) {
  const auto scope = scope_of(reader, key);
  if (!scope) return tl::unexpected(scope.error());
  Names names(reader);
  const std::size_t asked = (scope->of_payer ? page.limit : limits::kHttpPageItemsMax) + 1;
  return read_page(
      page, asked,
      [&](std::uint64_t after) {
        return scope->of_payer ? reader.payer_entries(scope->payer, core::Sequence(after), asked)
                               : reader.entries(core::Sequence(after + 1), asked);
      },
      [](const StoredEntry& entry) { return entry.sequence.value; },
      [&](const StoredEntry& entry) -> std::optional<std::string> {
        const std::optional<Charge> charge = charge_of(reader, entry.entry);
        if (!charge || !scope->sees(charge->payee)) return std::nullopt;
        return charge_json(names, entry, *charge);
      },
      looked);
}

namespace {

BookAnswer payer_exposure(const LedgerReader& reader, const Scope& scope) {
  Names names(reader);
  JsonArray items;
  const auto payer = reader.payer(scope.payer);
  if (!payer) return failed(payer.error());
  const auto tallies = reader.tallies(scope.payer);
  if (!tallies) return failed(tallies.error());
  for (const core::PlanId id : payer->plans) {
    const auto plan = reader.plan(id);
    if (!plan) return failed(plan.error());
    core::Tally tally;
    for (const core::Tally& one : *tallies)
      if (one.asset == plan->asset) tally = one;
    const core::Amount limit = tally.credit_limit_override.is_zero() ? plan->credit_limit : tally.credit_limit_override;
    JsonObject one;
    one.text("payer", base::to_hex(payer->address)).text("asset", names.asset(plan->asset));
    one.flag("active", payer->standing == core::Standing::active);
    one.text("limit", limit.to_units_string()).text("exposure", tally.exposure().to_units_string());
    one.text("available", base::subtract_to_zero(limit, tally.exposure()).to_units_string());
    one.text("held", tally.held.to_units_string()).text("unbilled", tally.unbilled.to_units_string());
    one.text("billed", tally.billed.to_units_string()).text("credit", tally.credit.to_units_string());
    items.add(std::move(one).done());
  }
  return page_json(std::move(items), 0);
}

std::string owed(base::i128 credit_balance) { return base::to_string(-credit_balance); }

BookAnswer payee_exposure(const LedgerReader& reader, const Scope& scope) {
  Names names(reader);
  JsonArray items;
  for (const core::PayeeId payee : scope.payees) {
    const auto balances = reader.payee_balances(payee);
    if (!balances) return failed(balances.error());
    for (const core::PayeeBalance& balance : *balances) {
      JsonObject one;
      one.text("payee", names.payee(payee)).text("asset", names.asset(balance.asset));
      one.text("accrued", owed(balance.accrued.posted + balance.accrued.pending));
      one.text("payable", balance.payable_now.to_units_string());
      one.text("paidOut", balance.paid_out.to_units_string()).text("fees", balance.fees.to_units_string());
      items.add(std::move(one).done());
    }
  }
  return page_json(std::move(items), 0);
}

}  // namespace

BookAnswer read_exposure(const LedgerReader& reader, const ApiKey& key) {
  const auto scope = scope_of(reader, key);
  if (!scope) return tl::unexpected(scope.error());
  if (!scope->of_payer) return payee_exposure(reader, *scope);
  if (!scope->payer.valid()) return page_json({}, 0);
  return payer_exposure(reader, *scope);
}

namespace {

bool sees(const ApiKey& key, const core::Channel& channel) {
  const base::Address& address = key.role == KeyRole::payer ? channel.config.payer : channel.config.receiver;
  return std::find(key.addresses.begin(), key.addresses.end(), address) != key.addresses.end();
}

std::string reservation_json(const core::ChannelReservation& reservation) {
  JsonObject object;
  object.text("reservation", std::to_string(reservation.sequence.value));
  object.text("kind", reservation.refund ? "refund" : "charge")
      .text("amount", facilitator::decimal(reservation.amount));
  object.text("maxClaimableAmount", facilitator::decimal(reservation.maximum));
  object.text("deposit", facilitator::decimal(reservation.deposit));
  if (reservation.expires.us != 0) object.number("expiresAt", reservation.expires.seconds());
  return std::move(object).done();
}

std::string channel_json(const core::Channel& channel) {
  const commitments::channel::ChannelConfig& config = channel.config;
  JsonObject object;
  object.text("channelId", base::to_hex(channel.key)).text("network", "eip155:" + std::to_string(channel.chain_id));
  object.text("contract", base::to_hex(channel.contract)).text("payer", base::to_hex(config.payer));
  object.text("payerAuthorizer", base::to_hex(config.payer_authorizer)).text("receiver", base::to_hex(config.receiver));
  object.text("receiverAuthorizer", base::to_hex(config.receiver_authorizer));
  object.text("token", base::to_hex(config.token)).number("withdrawDelay", config.withdraw_delay_s);
  object.text("salt", base::to_hex(config.salt)).text("balance", facilitator::decimal(channel.chain.balance));
  object.text("totalClaimed", facilitator::decimal(channel.chain.total_claimed));
  object.text("withdrawal", facilitator::decimal(channel.chain.withdrawal));
  object.number("withdrawRequestedAt", channel.chain.withdraw_requested_at_s);
  object.text("refundNonce", channel.chain.refund_nonce.to_decimal_string());
  object.text("block", std::to_string(channel.block));
  object.text("chargedCumulativeAmount", facilitator::decimal(channel.charged));
  object.text("charges", std::to_string(channel.charges));
  object.text("signedMaxClaimable", facilitator::decimal(channel.signed_maximum));
  object.text("opened", time_text(channel.opened));
  if (channel.charged_at.us != 0) object.text("charged", time_text(channel.charged_at));
  if (channel.reservation.sequence.valid()) object.raw("reservation", reservation_json(channel.reservation));
  if (!channel.put_aside.empty()) object.text("putAside", channel.put_aside);
  return std::move(object).done();
}

}  // namespace

BookAnswer read_channels(const LedgerReader& reader, const ApiKey& key, const PageQuery& page, std::size_t& looked) {
  JsonArray items;
  std::size_t found = 0;
  std::uint64_t after = page.after;
  for (looked = 0; looked < limits::kHttpScanMax;) {
    const auto list = reader.channels(core::ChannelId(after), limits::kHttpPageItemsMax);
    if (!list) return failed(list.error());
    for (const core::Channel& channel : *list) {
      if (found == page.limit) return page_json(std::move(items), after);
      after = channel.id.value;
      ++looked;
      if (!sees(key, channel)) continue;
      items.add(channel_json(channel));
      ++found;
    }
    if (list->size() < limits::kHttpPageItemsMax) return page_json(std::move(items), 0);
  }
  return page_json(std::move(items), after);
}

BookAnswer read_channel(const LedgerReader& reader, const ApiKey& key, const base::Hash& id) {
  const auto channel = reader.channel(id);
  if (!channel) return failed(channel.error());
  if (!sees(key, *channel)) return failed({base::ErrorCode::not_found, {}});
  return channel_json(*channel);
}

}  // namespace rpc::http
