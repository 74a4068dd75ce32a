#include "facilitator/facilitator.h"

#include <algorithm>
#include <map>
#include <set>

#include "facilitator/codec.h"
#include "facilitator/json_text.h"

namespace facilitator {
namespace {

constexpr const char* kAcceptedHint =
    "Give the paymentRequirements that the client accepted; only the amount may be less.";

// Where what the client accepted and what the server asks differ; empty if they agree.
std::string_view difference(const PaymentRequest& request) {
  if (!request.accepted) return {};
  const PaymentRequirements& accepted = *request.accepted;
  const PaymentRequirements& wanted = request.requirements;
  if (accepted.scheme != wanted.scheme) return "scheme";
  if (accepted.network != wanted.network) return "network";
  if (accepted.asset != wanted.asset) return "asset";
  if (accepted.pay_to != wanted.pay_to) return "payTo";
  return {};
}

}  // namespace

Facilitator::Facilitator(const base::Clock& clock) : identifiers_(clock) {}
Facilitator::~Facilitator() = default;

void Facilitator::add(std::unique_ptr<Scheme> scheme) { schemes_.push_back(std::move(scheme)); }

std::string Facilitator::supported() const {
  JsonArray kinds, extensions;
  std::map<std::string, std::set<std::string>> signers;
  for (const std::unique_ptr<Scheme>& scheme : schemes_) {
    JsonObject kind;
    kind.number("x402Version", kX402Version).text("scheme", scheme->scheme()).text("network", scheme->network());
    if (const std::string extra = scheme->supported_extra(); !extra.empty()) kind.raw("extra", extra);
    kinds.add(std::move(kind).done());
    for (const auto& [network, address] : scheme->signers()) signers[network].insert(address);
  }
  extensions.add("\"payment-identifier\"");
  JsonObject addresses;
  for (const auto& [network, all] : signers) {
    JsonArray list;
    for (const std::string& address : all) list.add(json_quote(address));
    addresses.raw(network, std::move(list).done());
  }
  JsonObject result;
  result.raw("kinds", std::move(kinds).done()).raw("extensions", std::move(extensions).done());
  result.raw("signers", std::move(addresses).done());
  return std::move(result).done();
}

std::variant<Scheme*, Refusal> Facilitator::scheme_for(const PaymentRequirements& requirements) const {
  std::string networks, kinds;
  for (const std::unique_ptr<Scheme>& scheme : schemes_) {
    const bool same_scheme = scheme->scheme() == requirements.scheme;
    if (same_scheme && scheme->network() == requirements.network) return scheme.get();
    if (same_scheme) networks += (networks.empty() ? "" : ", ") + std::string(scheme->network());
    kinds += (kinds.empty() ? "" : ", ") + std::string(scheme->scheme()) + " on " + std::string(scheme->network());
  }
  const std::string hint = "Supported: " + kinds + ". GET /supported has the list.";
  if (networks.empty())
    return Refusal{400, "unsupported_scheme", "paymentRequirements.scheme: this scheme is not served here", hint};
  return Refusal{400, "invalid_network", "paymentRequirements.network: the scheme is not served on this network", hint};
}

void Facilitator::run(const Caller& caller, Operation operation, const JsonDocument& document, const JsonNode& request,
                      const Done& done) {
  std::variant<PaymentRequest, Refusal> decoded = decode_request(operation, document, request);
  if (auto* refusal = std::get_if<Refusal>(&decoded)) return done(std::move(*refusal));
  PaymentRequest& payment = std::get<PaymentRequest>(decoded);
  payment.payees = caller.payees;
  payment.caller = caller.id;
  std::variant<Scheme*, Refusal> found = scheme_for(payment.requirements);
  if (auto* refusal = std::get_if<Refusal>(&found)) return done(std::move(*refusal));
  if (!std::binary_search(caller.payees.begin(), caller.payees.end(), payment.requirements.pay_to))
    return done(Refusal{
        403, "payee_not_allowed",
        "paymentRequirements.payTo: this API key may not charge for " + base::to_hex(payment.requirements.pay_to),
        "Ask the operator to add the payee to the API key."});
  if (const std::string_view field = difference(payment); !field.empty())
    return done(rejected(
        operation, payment.requirements.network, "invalid_payment_requirements",
        "paymentPayload.accepted." + std::string(field) + " is not that of paymentRequirements. " + kAcceptedHint));
  if (!payment.payment_identifier.empty() &&
      !identifiers_.admit(caller.id, payment.payment_identifier, payment.payload_fingerprint))
    return done(
        Refusal{409, "payment_identifier_conflict",
                "paymentPayload.extensions.payment-identifier.info.id: it was used with another payment payload",
                "Repeat the first payload unchanged, or choose a new identifier."});
  std::get<Scheme*>(found)->run(payment, done);
}

void Facilitator::hurry() {
  for (const std::unique_ptr<Scheme>& scheme : schemes_) scheme->hurry();
}

void Facilitator::flush() {
  for (const std::unique_ptr<Scheme>& scheme : schemes_) scheme->flush();
}

}  // namespace facilitator
