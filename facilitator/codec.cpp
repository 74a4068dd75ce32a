#include "facilitator/codec.h"

#include <algorithm>
#include <vector>

#include "crypto/sha256.h"
#include "facilitator/fields.h"

namespace facilitator {
namespace {

// Decimal digits of seconds: a year; more is a mistake of units.
constexpr std::uint64_t kTimeoutSecondsMax = 366ULL * 24 * 3600;
constexpr std::size_t kIdentifierMin = 16;
constexpr std::size_t kIdentifierMax = 128;

PaymentRequirements read_requirements(Fields& fields, const JsonNode& node) {
  PaymentRequirements result;
  result.scheme = fields.text(node, "scheme");
  result.network = fields.text(node, "network");
  result.amount = fields.u128(node, "amount");
  result.asset = fields.text(node, "asset");
  result.pay_to = fields.bytes<20>(node, "payTo");
  result.max_timeout_s = fields.whole_number(node, "maxTimeoutSeconds", kTimeoutSecondsMax, 0, true);
  result.extra = fields.member(node, "extra", JsonKind::object, false);
  return result;
}

bool identifier_ok(std::string_view id) {
  return id.size() >= kIdentifierMin && id.size() <= kIdentifierMax && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// extensions["payment-identifier"] = {"info": {"required"?: bool, "id"?: text}, ...}
std::string_view read_identifier(Fields& fields, const JsonNode& payload) {
  const JsonNode* extensions = fields.member(payload, "extensions", JsonKind::object, false);
  if (extensions == nullptr) return {};
  const JsonNode* extension = fields.member(*extensions, "payment-identifier", JsonKind::object, false);
  if (extension == nullptr) return {};
  const JsonNode* info = fields.object(*extension, "info");
  if (info == nullptr) return {};
  const JsonNode* required = fields.member(*info, "required", JsonKind::boolean, false);
  const JsonNode* id = fields.member(*info, "id", JsonKind::text, required != nullptr && required->boolean);
  if (id == nullptr) return {};
  if (!identifier_ok(id->text))
    fields.fail(*id, "a payment identifier has 16 to 128 characters of A-Z, a-z, 0-9, - and _");
  return id->text;
}

// "requestId": the server's own name for one reservation.
base::FixedBytes<16> read_request_id(Fields& fields, const JsonNode& request) {
  const JsonNode* node = fields.member(request, "requestId", JsonKind::text, false);
  if (node == nullptr) return {};
  const auto id = node->text.substr(0, 2) == "0x" ? std::nullopt : base::fixed_from_hex<16>(node->text);
  if (!id || id->is_zero()) fields.fail(*node, "allowed: 32 hexadecimal digits, not all zero");
  return id.value_or(base::FixedBytes<16>{});
}

Refusal wrong_version(const JsonDocument& document, const JsonNode& node) {
  return {400, "invalid_x402_version", document.path(node) + ": this facilitator speaks x402 version 2 alone",
          "Send \"x402Version\": 2, a number."};
}

// Null if the member is absent or 2.
const JsonNode* other_version(const JsonDocument& document, const JsonNode& object) {
  const JsonNode* version = document.member(object, "x402Version");
  const bool fits = version == nullptr || (version->kind == JsonKind::number && version->text == "2");
  return fits ? nullptr : version;
}

void add_canonical(const JsonDocument& document, const JsonNode& node, std::string& out) {
  const auto add_text = [&out](std::string_view text) {
    out += std::to_string(text.size());
    out += ':';
    out.append(text);
  };
  out += static_cast<char>('0' + static_cast<int>(node.kind));
  if (node.kind == JsonKind::boolean) out += node.boolean ? 't' : 'f';
  if (node.kind == JsonKind::text || node.kind == JsonKind::number) add_text(node.text);
  std::vector<const JsonNode*> children;
  for (const JsonNode* child = document.first(node); child != nullptr; child = document.next(*child))
    children.push_back(child);
  if (node.kind == JsonKind::object)
    std::sort(children.begin(), children.end(), [](const JsonNode* a, const JsonNode* b) { return a->key < b->key; });
  out += std::to_string(children.size()) + ",";
  for (const JsonNode* child : children) {
    add_text(child->key);
    add_canonical(document, *child, out);
  }
}

}  // namespace

Refusal malformed(const JsonMistake& mistake) {
  return {400, "invalid_request", mistake.to_string(), "Send the request as /openapi.json describes it."};
}

base::Hash fingerprint(const JsonDocument& document, const JsonNode& node) {
  std::string canonical;
  add_canonical(document, node, canonical);
  return crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(canonical.data()), canonical.size()));
}

std::variant<PaymentRequest, Refusal> decode_request(Operation operation, const JsonDocument& document,
                                                     const JsonNode& request) {
  Fields fields(document);
  PaymentRequest result;
  result.operation = operation;
  result.document = &document;
  if (request.kind != JsonKind::object)
    return malformed({document.path(request), "this is " + std::string(describe(request.kind)) + ", not an object"});
  if (const JsonNode* version = other_version(document, request)) return wrong_version(document, *version);
  const JsonNode* payload = fields.object(request, "paymentPayload");
  const JsonNode* requirements = payload == nullptr ? nullptr : fields.object(request, "paymentRequirements");
  if (requirements == nullptr) return malformed(fields.mistake());
  if (const JsonNode* version = other_version(document, *payload)) return wrong_version(document, *version);
  fields.whole_number(*payload, "x402Version", kX402Version, 0, true);
  result.requirements = read_requirements(fields, *requirements);
  if (const JsonNode* accepted = fields.member(*payload, "accepted", JsonKind::object, false))
    result.accepted = read_requirements(fields, *accepted);
  result.payload = fields.object(*payload, "payload");
  if (const JsonNode* resource = fields.member(*payload, "resource", JsonKind::object, false))
    result.resource_url = fields.optional_text(*resource, "url");
  result.payment_identifier = read_identifier(fields, *payload);
  if (operation == Operation::reserve) result.request_id = read_request_id(fields, request);
  if (operation == Operation::capture && document.member(request, "reservation") != nullptr)
    result.reservation = fields.u64(request, "reservation");
  if (!fields.good()) return malformed(fields.mistake());
  if (!result.payment_identifier.empty()) result.payload_fingerprint = fingerprint(document, *payload);
  return result;
}

}  // namespace facilitator
