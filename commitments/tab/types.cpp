#include "commitments/tab/types.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "crypto/eip712.h"
#include "crypto/keccak.h"
#include "crypto/merkle.h"

namespace commitments::tab {
namespace {

base::ByteView bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// EIP-712: an array is the hash of its members' words, one after the other.
Hash address_list_hash(const std::vector<Address>& addresses) {
  base::Bytes words(32 * addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    std::memcpy(words.data() + 32 * i + 12, addresses[i].data(), addresses[i].size());
  }
  return crypto::keccak256(words);
}

// Writes the fields of a leaf into a buffer that is known to be large enough.
class LeafWriter {
 public:
  explicit LeafWriter(std::uint8_t* out) noexcept : out_(out) {}
  template <typename Unsigned>
  void integer(Unsigned value) noexcept {
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) *out_++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void raw(const void* bytes, std::size_t size) noexcept {
    std::memcpy(out_, bytes, size);
    out_ += size;
  }

 private:
  std::uint8_t* out_;
};

constexpr std::size_t kLeafHeadBytes = 32 + 1 + 8 + 4;    // digest, kind, first_index, count
constexpr std::size_t kLeafUsageBytes = 16 + 8 + 8 + 32;  // amount, quantity, unit, resource
constexpr std::size_t kLeafUsagesOnStack = 4;             // most items have one usage: no allocation for them

void write_leaf(LeafWriter out, ItemKind kind, const Hash& digest, std::uint64_t first_index,
                const std::vector<Usage>& usages) noexcept {
  out.raw(digest.data(), digest.size());
  out.integer(static_cast<std::uint8_t>(kind));
  out.integer(first_index);
  out.integer(static_cast<std::uint32_t>(usages.size()));
  for (const Usage& usage : usages) {
    out.integer(usage.amount.units());
    out.integer(usage.quantity);
    out.raw(usage.unit.chars.data(), usage.unit.chars.size());
    out.raw(usage.resource.data(), usage.resource.size());
  }
}

Hash finish_item_digest(const SingleUse& single) noexcept {
  std::array<std::uint8_t, 36> bytes;
  std::memcpy(bytes.data(), single.payer.data(), 20);
  for (std::size_t i = 0; i < 16; ++i) bytes[35 - i] = static_cast<std::uint8_t>(single.nonce >> (8 * i));
  return crypto::keccak256(bytes);
}

}  // namespace

Domain::Domain(std::string_view network_name)
    : network(network_name),
      separator(crypto::eip712_domain_with_salt("tabd", "1", crypto::keccak256(bytes_of(network_name)))) {}

void AssetTable::add(AssetId id, std::string_view text) { hashes_[id] = crypto::keccak256(bytes_of(text)); }

const Hash* AssetTable::text_hash(AssetId id) const noexcept {
  const auto found = hashes_.find(id);
  return found == hashes_.end() ? nullptr : &found->second;
}

Hash tab_key(const Voucher& voucher, const Hash& asset_text_hash) {
  std::array<std::uint8_t, 20 + 20 + 32 + 32> bytes;
  std::memcpy(bytes.data(), voucher.payer.data(), 20);
  std::memcpy(bytes.data() + 20, voucher.payee.data(), 20);
  std::memcpy(bytes.data() + 40, asset_text_hash.data(), 32);
  std::memcpy(bytes.data() + 72, voucher.salt.data(), 32);
  return crypto::keccak256(bytes);
}

Hash digest(const Domain& domain, const SingleUse& value, const Hash& asset_text_hash) {
  static const Hash type = crypto::eip712_type_hash(
      "Commitment(address payer,address payee,string asset,uint128 maximum,bytes32 resource,uint128 nonce,"
      "uint64 validAfter,uint64 validBefore)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type)
                                                     .address(value.payer)
                                                     .address(value.payee)
                                                     .word(asset_text_hash)
                                                     .number(value.maximum.units())
                                                     .word(value.resource)
                                                     .number(value.nonce)
                                                     .number(value.valid_after)
                                                     .number(value.valid_before)
                                                     .hash());
}

Hash digest(const Domain& domain, const Voucher& value, const Hash& asset_text_hash) {
  static const Hash type = crypto::eip712_type_hash(
      "Voucher(address payer,address payee,string asset,bytes32 salt,uint128 maximum,uint64 validBefore)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type)
                                                     .address(value.payer)
                                                     .address(value.payee)
                                                     .word(asset_text_hash)
                                                     .word(value.salt)
                                                     .number(value.maximum.units())
                                                     .number(value.valid_before)
                                                     .hash());
}

Hash digest(const Domain& domain, const Mandate& value, const Hash& asset_text_hash) {
  static const Hash type = crypto::eip712_type_hash(
      "Mandate(address payer,address agent,string asset,uint128 cap,uint8 period,address[] payees,"
      "uint64 validAfter,uint64 validBefore,uint64 nonce)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type)
                                                     .address(value.payer)
                                                     .address(value.agent)
                                                     .word(asset_text_hash)
                                                     .number(value.cap.units())
                                                     .number(static_cast<std::uint8_t>(value.period))
                                                     .word(address_list_hash(value.payees))
                                                     .number(value.valid_after)
                                                     .number(value.valid_before)
                                                     .number(value.nonce)
                                                     .hash());
}

Hash digest(const Domain& domain, const MandateRevocation& value, const Hash& asset_text_hash) {
  static const Hash type =
      crypto::eip712_type_hash("MandateRevocation(address payer,address agent,string asset,uint64 nonce)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type)
                                                     .address(value.payer)
                                                     .address(value.agent)
                                                     .word(asset_text_hash)
                                                     .number(value.nonce)
                                                     .hash());
}

Hash digest(const Domain& domain, const BatchHeader& value) {
  static const Hash type = crypto::eip712_type_hash("Batch(address server,uint64 number,uint32 count,bytes32 root)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type)
                                                     .address(value.server)
                                                     .number(value.number)
                                                     .number(value.count)
                                                     .word(value.root)
                                                     .hash());
}

Hash segment_digest(const Domain& domain, std::uint64_t number, const Hash& segment_hash) {
  static const Hash type = crypto::eip712_type_hash("Segment(uint64 number,bytes32 hash)");
  return crypto::eip712_digest(domain.separator, crypto::StructHasher(type).number(number).word(segment_hash).hash());
}

Hash login_digest(const Domain& domain, std::string_view role, const Address& key, const Hash& challenge) {
  static const Hash type = crypto::eip712_type_hash("Login(string role,address key,bytes32 challenge)");
  return crypto::eip712_digest(domain.separator,
                               crypto::StructHasher(type).string(role).address(key).word(challenge).hash());
}

Hash item_digest(const Domain& domain, const Item& item, const Hash& asset_text_hash) {
  switch (item.kind) {
    case ItemKind::charge:
    case ItemKind::hold: return digest(domain, item.single, asset_text_hash);
    case ItemKind::capture:
    case ItemKind::release: return finish_item_digest(item.single);
    case ItemKind::voucher: return digest(domain, item.voucher, asset_text_hash);
  }
  return {};  // a kind of a later version: refused as malformed, and its place in the batch tree is still defined
}

Hash item_leaf(ItemKind kind, const Hash& item_digest, std::uint64_t first_index, const std::vector<Usage>& usages) {
  const std::size_t size = kLeafHeadBytes + kLeafUsageBytes * usages.size();
  if (usages.size() <= kLeafUsagesOnStack) {
    std::array<std::uint8_t, kLeafHeadBytes + kLeafUsageBytes * kLeafUsagesOnStack> bytes;
    write_leaf(LeafWriter(bytes.data()), kind, item_digest, first_index, usages);
    return crypto::merkle_leaf(base::ByteView(bytes).first(size));
  }
  base::Bytes bytes(size);
  write_leaf(LeafWriter(bytes.data()), kind, item_digest, first_index, usages);
  return crypto::merkle_leaf(bytes);
}

}  // namespace commitments::tab
