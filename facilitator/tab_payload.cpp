#include "facilitator/tab_payload.h"

#include <utility>

#include "crypto/keccak.h"
#include "facilitator/fields.h"

namespace facilitator {
namespace {

namespace tab = commitments::tab;
using base::Status;

constexpr std::string_view kPrefix = "invalid_batch_settlement_tab_";

base::Hash hash_of(std::string_view text) {
  return crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

TabRejection mismatch(std::string_view what, std::string message) {
  return {std::string(kPrefix) + std::string(what) + "_mismatch", std::move(message)};
}

// Sets item.signature. A text of hexadecimal digits of another length has its own status.
void read_signature(Fields& fields, const JsonDocument& document, const JsonNode& payload, tab::Item& item) {
  const JsonNode* node = document.member(payload, "signature");
  if (node != nullptr && node->kind == JsonKind::text && node->text.substr(0, 2) == "0x" &&
      node->text.size() != 2 + 2 * base::Signature::kSize && base::from_hex(node->text)) {
    item.signature_length_ok = false;
    return;
  }
  item.signature = fields.bytes<base::Signature::kSize>(payload, "signature");
}

tab::SingleUse read_commitment(Fields& fields, const JsonNode& node, std::string_view& asset) {
  fields.only(node, {"payer", "payee", "asset", "maximum", "resource", "nonce", "validAfter", "validBefore"});
  tab::SingleUse result;
  result.payer = fields.bytes<20>(node, "payer");
  result.payee = fields.bytes<20>(node, "payee");
  asset = fields.text(node, "asset");
  result.maximum = fields.amount(node, "maximum");
  result.resource = fields.bytes<32>(node, "resource");
  result.nonce = fields.u128(node, "nonce");
  result.valid_after = fields.u64(node, "validAfter");
  result.valid_before = fields.u64(node, "validBefore");
  return result;
}

tab::Voucher read_voucher(Fields& fields, const JsonNode& node, std::string_view& asset) {
  fields.only(node, {"payer", "payee", "asset", "salt", "maximum", "validBefore"});
  tab::Voucher result;
  result.payer = fields.bytes<20>(node, "payer");
  result.payee = fields.bytes<20>(node, "payee");
  asset = fields.text(node, "asset");
  result.salt = fields.bytes<32>(node, "salt");
  result.maximum = fields.amount(node, "maximum");
  result.valid_before = fields.u64(node, "validBefore");
  return result;
}

// Reads the payload into `item`; `asset` is what the payer signed.
void read_payload(Fields& fields, const PaymentRequest& request, tab::Item& item, std::string_view& asset) {
  const JsonNode& payload = *request.payload;
  const JsonNode* type = fields.member(payload, "type", JsonKind::text, true);
  if (type == nullptr) return;
  if (type->text == "commitment") {
    item.kind = tab::ItemKind::hold;
    if (const JsonNode* node = fields.object(payload, "commitment"))
      item.single = read_commitment(fields, *node, asset);
  } else if (type->text == "voucher") {
    item.kind = tab::ItemKind::voucher;
    if (const JsonNode* node = fields.object(payload, "voucher")) item.voucher = read_voucher(fields, *node, asset);
    item.first_index = fields.u64(payload, "index");
  } else {
    fields.fail(*type, "unknown; allowed: \"commitment\", \"voucher\"");
  }
  if (request.document->member(payload, "signer") != nullptr) item.signer = fields.bytes<20>(payload, "signer");
  read_signature(fields, *request.document, payload, item);
}

// What is counted, if the server says: {"quantity": "3238", "unit": "tokens"}; else one request.
bool read_usage(Fields& fields, const PaymentRequirements& wanted, tab::Usage& usage) {
  usage.quantity = 1;
  usage.unit = *base::Unit::parse("request");
  const JsonNode* said =
      wanted.extra == nullptr ? nullptr : fields.member(*wanted.extra, "usage", JsonKind::object, false);
  if (said == nullptr) return fields.good();
  fields.only(*said, {"quantity", "unit"});
  usage.quantity = fields.u64(*said, "quantity");
  const JsonNode* node = fields.member(*said, "unit", JsonKind::text, true);
  const auto unit = node == nullptr ? std::nullopt : base::Unit::parse(node->text);
  if (unit) usage.unit = *unit;
  if (node != nullptr && !unit) fields.fail(*node, "allowed: up to 8 printable ASCII characters without spaces");
  return fields.good();
}

}  // namespace

TabAssets::TabAssets(std::vector<ledger::core::Asset> all) : list(std::move(all)) {
  for (const ledger::core::Asset& asset : list) {
    table.add(asset.id, asset.text);
    by_text.emplace(asset.text, asset.id);
  }
}

std::variant<TabPayment, TabRejection> decode_tab(const PaymentRequest& request, const TabAssets& assets) {
  Fields fields(*request.document);
  TabPayment payment;
  tab::Item& item = payment.item;
  std::string_view signed_asset;
  read_payload(fields, request, item, signed_asset);
  if (!fields.good()) return TabRejection{"invalid_payload", fields.mistake().to_string()};
  const bool voucher = item.kind == tab::ItemKind::voucher;

  const PaymentRequirements& wanted = request.requirements;
  const base::Address& payee = voucher ? item.voucher.payee : item.single.payee;
  if (payee != wanted.pay_to) return mismatch("payee", "the commitment's payee is not paymentRequirements.payTo");
  if (signed_asset != wanted.asset)
    return mismatch("asset", "the commitment's asset is not paymentRequirements.asset, byte for byte");
  const auto asset = assets.by_text.find(std::string(signed_asset));
  if (asset == assets.by_text.end())
    return TabRejection{"invalid_payment_requirements", "paymentRequirements.asset: not an asset of this operator",
                        Status::asset_unknown};
  (voucher ? item.voucher.asset : item.single.asset) = asset->second;
  if (!item.signature_length_ok)
    return TabRejection{"invalid_signature", std::string(base::info(Status::signature_length).sentence),
                        Status::signature_length};

  const std::optional<base::Amount> amount = base::Amount::from_units(wanted.amount);
  if (!amount)
    return TabRejection{"invalid_payment_requirements", "paymentRequirements.amount: allowed: 0 to 2^127 - 1"};
  payment.usage.amount = *amount;
  if (!read_usage(fields, wanted, payment.usage))
    return TabRejection{"invalid_payment_requirements", fields.mistake().to_string()};
  if (!request.resource_url.empty()) payment.usage.resource = hash_of(request.resource_url);
  if (!voucher && !item.single.resource.is_zero()) {
    if (!request.resource_url.empty() && payment.usage.resource != item.single.resource)
      return mismatch("resource", "the commitment's resource is not the keccak-256 of paymentPayload.resource.url");
    payment.usage.resource = item.single.resource;
  }
  if (voucher) item.usages = {payment.usage};
  return payment;
}

}  // namespace facilitator
