// What comes in over HTTP, from the bytes of a body to a payment of the tab binding. Nothing may be read out of bounds,
// every refusal must have a code and a sentence, and what is accepted must be the same after other spacing.

#include "base/check.h"
#include "facilitator/codec.h"
#include "facilitator/json_text.h"
#include "facilitator/tab_payload.h"
#include "tests/fuzz/target.h"

namespace {

using namespace facilitator;

// The same value, written again.
std::string written(const JsonDocument& document, const JsonNode& node) {
  JsonObject object;
  JsonArray array;
  for (const JsonNode* child = document.first(node); child != nullptr; child = document.next(*child)) {
    if (node.kind == JsonKind::array) array.add(" " + written(document, *child));
    if (node.kind != JsonKind::object) continue;
    const std::string key = json_quote(child->key);
    object.raw(std::string_view(key).substr(1, key.size() - 2), " " + written(document, *child));
  }
  switch (node.kind) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return node.boolean ? "true" : "false";
    case JsonKind::number: return std::string(node.text);
    case JsonKind::text: return json_quote(node.text);
    case JsonKind::array: return std::move(array).done();
    case JsonKind::object: return std::move(object).done();
  }
  return {};
}

bool is_payment(const JsonDocument& document, const TabAssets& assets) {
  const auto decoded = decode_request(Operation::settle, document, document.root());
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    CHECK(refusal->http_status == 400 && !refusal->code.empty() && !refusal->message.empty());
    return false;
  }
  const auto payment = decode_tab(std::get<PaymentRequest>(decoded), assets);
  if (const auto* rejection = std::get_if<TabRejection>(&payment)) {
    CHECK(!rejection->reason.empty() && !rejection->message.empty());
    return false;
  }
  return true;
}

}  // namespace

bool fuzz::run_input(base::ByteView bytes) {
  static const TabAssets assets = [] {
    ledger::core::Asset usd;
    usd.id = base::AssetId(1);
    usd.text = "USD";
    return TabAssets({usd});
  }();
  JsonDocument document, again;
  if (!document.parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), {})) {
    CHECK(!document.mistake().message.empty());
    return false;
  }
  CHECK(again.parse(written(document, document.root()), {}));
  CHECK(fingerprint(document, document.root()) == fingerprint(again, again.root()));
  const bool payment = is_payment(document, assets);
  CHECK(payment == is_payment(again, assets));
  return payment;
}
