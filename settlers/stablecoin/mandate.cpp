#include <algorithm>

#include "base/codec.h"
#include "crypto/eip3009.h"
#include "crypto/eip712.h"
#include "settlers/stablecoin/abi.h"
#include "settlers/stablecoin/stablecoin.h"

namespace settlers::stablecoin {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kItemsMax = 16;

void encode_signature(const base::Signature& signature, base::Encoder& out) {
  out.u8(signature.bytes[64]);
  out.raw(signature.view().first(64));
}

base::Signature decode_signature(base::Decoder& in) {
  base::Signature signature;
  signature.bytes[64] = in.u8();
  const base::ByteView scalars = in.raw(64);
  std::copy(scalars.begin(), scalars.end(), signature.bytes.begin());
  return signature;
}

// The words of both kinds in their stored order.
template <typename Item, typename Each>
void each_word(Item& item, const Each& each) {
  each(item.value);
  if (item.kind == MandateItem::Kind::permit) {
    each(item.deadline);
  } else {
    each(item.valid_after);
    each(item.valid_before);
    each(item.nonce);
  }
}

}  // namespace

base::Bytes encode_mandate(const std::vector<MandateItem>& items) {
  base::Bytes bytes;
  if (items.empty()) return bytes;
  base::Encoder out(bytes);
  out.u8(kVersion);
  for (const MandateItem& item : items) {
    out.u8(static_cast<std::uint8_t>(item.kind));
    out.fixed(item.token);
    out.fixed(item.owner);
    each_word(item, [&out](const base::Hash& word) { out.fixed(word); });
    encode_signature(item.signature, out);
  }
  return bytes;
}

base::Result<std::vector<MandateItem>> decode_mandate(base::ByteView bytes) {
  std::vector<MandateItem> items;
  if (bytes.empty()) return items;
  const auto refuse = [](const std::string& what) {
    return base::error(base::ErrorCode::invalid_argument, "the payer's stablecoin mandate " + what);
  };
  base::Decoder in(bytes);
  const std::uint8_t version = in.u8();
  if (version != kVersion) return refuse("has version " + std::to_string(version) + "; version 1 is known");
  while (in.ok() && !in.at_end()) {
    MandateItem item;
    const std::uint8_t kind = in.u8();
    if (kind != 1 && kind != 2)
      return refuse("has an item of kind " + std::to_string(kind) + "; 1 (permit) and 2 (authorisation) are known");
    item.kind = static_cast<MandateItem::Kind>(kind);
    item.token = in.fixed<base::Address>();
    item.owner = in.fixed<base::Address>();
    each_word(item, [&in](base::Hash& word) { word = in.fixed<base::Hash>(); });
    item.signature = decode_signature(in);
    if (!in.ok()) return refuse("ends within item " + std::to_string(items.size() + 1));
    const std::uint8_t v = item.signature.bytes[64];
    if (v != 27 && v != 28) return refuse("has a signature with v = " + std::to_string(v) + "; 27 or 28 is needed");
    if (items.size() == kItemsMax) return refuse("has more than 16 items");
    items.push_back(item);
  }
  if (items.empty()) return refuse("has no items; an empty mandate (no bytes) means a plain allowance");
  return items;
}

base::Hash permit_digest(const base::Hash& domain_separator, const base::Address& owner, const base::Address& spender,
                         const base::Hash& value, const base::Hash& nonce, const base::Hash& deadline) {
  static const base::Hash type =
      crypto::eip712_type_hash("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
  crypto::StructHasher hasher(type);
  hasher.address(owner).address(spender).word(value).word(nonce).word(deadline);
  return crypto::eip712_digest(domain_separator, hasher.hash());
}

base::Hash receive_authorization_digest(const base::Hash& domain_separator, const MandateItem& item,
                                        const base::Address& receiver) {
  return crypto::receive_authorization_digest(
      domain_separator,
      {item.owner, receiver, base::Uint256::from_word(item.value), base::Uint256::from_word(item.valid_after),
       base::Uint256::from_word(item.valid_before), item.nonce});
}

}  // namespace settlers::stablecoin
