#include "commitments/tab/sign.h"

#include "base/check.h"
#include "crypto/merkle.h"

namespace commitments::tab {
namespace {

const Hash& text_hash_of(const AssetTable& assets, const Item& item) {
  static const Hash kNone;
  if (item.kind == ItemKind::capture || item.kind == ItemKind::release) return kNone;  // no asset in these
  const Hash* hash = assets.text_hash(item.kind == ItemKind::voucher ? item.voucher.asset : item.single.asset);
  CHECK_MSG(hash != nullptr, "the item's asset must be in the table");
  return *hash;
}

}  // namespace

Signature sign(const crypto::SecretKey& key, const Domain& domain, const SingleUse& value,
               const Hash& asset_text_hash) {
  return key.sign(digest(domain, value, asset_text_hash));
}

Signature sign(const crypto::SecretKey& key, const Domain& domain, const Voucher& value, const Hash& asset_text_hash) {
  return key.sign(digest(domain, value, asset_text_hash));
}

Signature sign(const crypto::SecretKey& key, const Domain& domain, const Mandate& value, const Hash& asset_text_hash) {
  return key.sign(digest(domain, value, asset_text_hash));
}

Signature sign(const crypto::SecretKey& key, const Domain& domain, const MandateRevocation& value,
               const Hash& asset_text_hash) {
  return key.sign(digest(domain, value, asset_text_hash));
}

Signature sign_login(const crypto::SecretKey& key, const Domain& domain, std::string_view role, const Hash& challenge) {
  return key.sign(login_digest(domain, role, key.address(), challenge));
}

void sign_item(const crypto::SecretKey& key, const Domain& domain, const AssetTable& assets, Item& item) {
  CHECK_MSG(item.kind != ItemKind::capture && item.kind != ItemKind::release, "these are not signed by the payer");
  const Address signer = key.address();
  item.signer = signer == item.payer() ? Address{} : signer;
  item.signature = key.sign(item_digest(domain, item, text_hash_of(assets, item)));
  item.signature_length_ok = true;
}

BatchHeader sign_batch(const crypto::SecretKey& server, const Domain& domain, const AssetTable& assets,
                       std::uint64_t number, std::span<const Item> items) {
  std::vector<Hash> leaves;
  leaves.reserve(items.size());
  for (const Item& item : items) {
    leaves.push_back(
        item_leaf(item.kind, item_digest(domain, item, text_hash_of(assets, item)), item.first_index, item.usages));
  }
  BatchHeader header;
  header.server = server.address();
  header.number = number;
  header.count = static_cast<std::uint32_t>(items.size());
  header.root = crypto::merkle_root(leaves);
  header.signature = server.sign(digest(domain, header));
  return header;
}

}  // namespace commitments::tab
