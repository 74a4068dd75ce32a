#include "facilitator/tab_mandates.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "commitments/tab/verify.h"
#include "facilitator/codec.h"
#include "facilitator/fields.h"
#include "facilitator/json_text.h"

namespace facilitator {
namespace {

namespace core = ledger::core;
namespace limits = base::limits;
namespace tab = commitments::tab;
using base::Status;

constexpr std::array<std::string_view, tab::kPeriods> kPeriodNames = {"total", "hour", "day", "week", "month"};

// `detail` is the ledger's.
Refusal refused(Status status, std::string detail = {}) {
  if (status == Status::item_malformed)
    detail = "Payer and agent are neither zero nor equal; validAfter is below validBefore unless that is 0.";
  const bool later = status == Status::overloaded || status == Status::shutting_down;
  const bool conflict = status == Status::mandate_nonce_old || status == Status::limit_reached;
  std::string message(base::info(status).sentence);
  if (!detail.empty()) message += " " + detail;
  if (later)
    return {503, std::string(base::name(status)), std::move(message), "Send the same again after Retry-After.", 1000};
  return {conflict ? 409U : 400U, std::string(base::name(status)), std::move(message),
          "docs/bindings/tab.md, sections 9 and 13, say what to do."};
}

tab::Period read_period(Fields& fields, const JsonNode& in) {
  const JsonNode* node = fields.member(in, "period", JsonKind::text, true);
  if (node == nullptr) return {};
  const auto found = std::find(kPeriodNames.begin(), kPeriodNames.end(), node->text);
  if (found == kPeriodNames.end())
    fields.fail(*node, R"(unknown; allowed: "total", "hour", "day", "week", "month")");
  else
    return static_cast<tab::Period>(found - kPeriodNames.begin());
  return {};
}

std::vector<base::Address> read_payees(Fields& fields, const JsonDocument& document, const JsonNode& in) {
  std::vector<base::Address> result;
  const JsonNode* list = fields.member(in, "payees", JsonKind::array, true);
  if (list == nullptr) return result;
  if (list->count > limits::kMandatePayeesMax)
    fields.fail(*list, "too many; allowed: at most " + std::to_string(limits::kMandatePayeesMax));
  for (const JsonNode* one = document.first(*list); one != nullptr && fields.good(); one = document.next(*one)) {
    const bool marked = one->kind == JsonKind::text && one->text.starts_with("0x");
    const auto address = marked ? base::address_from_hex(one->text) : std::nullopt;
    if (!address) {
      fields.fail(*one, "this must be an address: \"0x\" and 40 hexadecimal digits");
    } else if (!result.empty() && *address <= result.back()) {
      fields.fail(*one, "payees must be in ascending order, each once");
    } else {
      result.push_back(*address);
    }
  }
  return result;
}

// The asset that was signed; none if this operator does not have it.
base::AssetId read_asset(Fields& fields, const JsonNode& in, const TabAssets& assets) {
  const auto found = assets.by_text.find(std::string(fields.text(in, "asset")));
  return found == assets.by_text.end() ? base::AssetId() : found->second;
}

// What stands around a mandate and a revocation alike. The object in it; null with a mistake.
const JsonNode* read_envelope(Fields& fields, const JsonNode& root, std::string_view inner, std::string_view network,
                              base::Signature& signature) {
  if (root.kind != JsonKind::object)
    fields.fail(root, "this is " + std::string(describe(root.kind)) + ", not an object");
  fields.only(root, {"network", inner, "signature"});
  const JsonNode* named = fields.member(root, "network", JsonKind::text, true);
  if (named != nullptr && named->text != network)
    fields.fail(*named, "another operator's network; allowed: " + json_quote(network));
  const JsonNode* object = fields.object(root, inner);
  signature = fields.bytes<base::Signature::kSize>(root, "signature");
  return object;
}

std::string said_of(const base::Address& payer, const base::Address& agent, std::uint64_t nonce) {
  JsonObject said;
  said.text("payer", base::to_hex(payer)).text("agent", base::to_hex(agent)).text("nonce", std::to_string(nonce));
  return std::move(said).done();
}

}  // namespace

TabMandates::TabMandates(TabMandateParts parts, TabAssets assets)
    : parts_(std::move(parts)), assets_(std::move(assets)) {}

void TabMandates::set(const JsonDocument& document, Told told) {
  Fields fields(document);
  core::SetMandate command;
  tab::Mandate& mandate = command.mandate;
  const JsonNode* node = read_envelope(fields, document.root(), "mandate", parts_.domain.network, command.signature);
  if (node != nullptr) {
    fields.only(*node, {"payer", "agent", "asset", "cap", "period", "payees", "validAfter", "validBefore", "nonce"});
    mandate.payer = fields.bytes<20>(*node, "payer");
    mandate.agent = fields.bytes<20>(*node, "agent");
    mandate.asset = read_asset(fields, *node, assets_);
    mandate.cap = fields.amount(*node, "cap");
    mandate.period = read_period(fields, *node);
    mandate.payees = read_payees(fields, document, *node);
    mandate.valid_after = fields.u64(*node, "validAfter");
    mandate.valid_before = fields.u64(*node, "validBefore");
    mandate.nonce = fields.u64(*node, "nonce");
  }
  if (!fields.good()) return told(malformed(fields.mistake()));
  const Status status = tab::verify_mandate(parts_.domain, assets_.table, mandate, command.signature);
  if (status != Status::ok) return told(refused(status));
  std::string said = said_of(mandate.payer, mandate.agent, mandate.nonce);
  submit(std::move(command), std::move(said), std::move(told));
}

void TabMandates::revoke(const JsonDocument& document, Told told) {
  Fields fields(document);
  core::RevokeMandate command;
  tab::MandateRevocation& revocation = command.revocation;
  const JsonNode* node = read_envelope(fields, document.root(), "revocation", parts_.domain.network, command.signature);
  if (node != nullptr) {
    fields.only(*node, {"payer", "agent", "asset", "nonce"});
    revocation.payer = fields.bytes<20>(*node, "payer");
    revocation.agent = fields.bytes<20>(*node, "agent");
    revocation.asset = read_asset(fields, *node, assets_);
    revocation.nonce = fields.u64(*node, "nonce");
  }
  if (!fields.good()) return told(malformed(fields.mistake()));
  // Also refuses the zero signature, with which the ledger marks the operator's own revocations.
  const Status status = tab::verify_revocation(parts_.domain, assets_.table, revocation, command.signature);
  if (status != Status::ok) return told(refused(status));
  std::string said = said_of(revocation.payer, revocation.agent, revocation.nonce);
  submit(std::move(command), std::move(said), std::move(told));
}

void TabMandates::submit(core::Command command, std::string said, Told told) {
  parts_.ledger.submit(std::move(command), [post = parts_.post, said = std::move(said),
                                            told = std::move(told)](const ledger::api::CommandReceipt& receipt) {
    const core::CommandResult& result = receipt.result;
    if (base::accepted(result.status)) {
      post([told, said] { told(said); });
    } else {
      post([told, refusal = refused(result.status, result.detail)] { told(refusal); });
    }
  });
}

}  // namespace facilitator
