#include "crypto/eip712.h"

#include "base/check.h"
#include "crypto/keccak.h"

namespace crypto {
namespace {

base::ByteView bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

base::Hash eip712_type_hash(std::string_view encoded_type) { return keccak256(bytes_of(encoded_type)); }

StructHasher& StructHasher::word(const base::Hash& value) noexcept {
  CHECK(used_ + 32 <= words_.size());
  std::memcpy(words_.data() + used_, value.data(), 32);
  used_ += 32;
  return *this;
}

StructHasher& StructHasher::address(const base::Address& value) noexcept {
  CHECK(used_ + 32 <= words_.size());
  std::memset(words_.data() + used_, 0, 12);
  std::memcpy(words_.data() + used_ + 12, value.data(), 20);
  used_ += 32;
  return *this;
}

StructHasher& StructHasher::number(base::u128 value) noexcept {
  CHECK(used_ + 32 <= words_.size());
  std::memset(words_.data() + used_, 0, 16);
  for (std::size_t i = 0; i < 16; ++i) {
    words_[used_ + 31 - i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  used_ += 32;
  return *this;
}

StructHasher& StructHasher::string(std::string_view value) noexcept { return word(keccak256(bytes_of(value))); }

StructHasher& StructHasher::bytes(base::ByteView value) noexcept { return word(keccak256(value)); }

base::Hash StructHasher::hash() const noexcept { return keccak256(base::ByteView(words_).first(used_)); }

base::Hash eip712_domain_with_salt(std::string_view name, std::string_view version, const base::Hash& salt) {
  static const base::Hash type = eip712_type_hash("EIP712Domain(string name,string version,bytes32 salt)");
  return StructHasher(type).string(name).string(version).word(salt).hash();
}

base::Hash eip712_domain_with_contract(std::string_view name, std::string_view version, std::uint64_t chain_id,
                                       const base::Address& contract) {
  static const base::Hash type =
      eip712_type_hash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
  return StructHasher(type).string(name).string(version).number(chain_id).address(contract).hash();
}

base::Hash eip712_digest(const base::Hash& domain_separator, const base::Hash& struct_hash) noexcept {
  std::array<std::uint8_t, 66> bytes;
  bytes[0] = 0x19;
  bytes[1] = 0x01;
  std::memcpy(bytes.data() + 2, domain_separator.data(), 32);
  std::memcpy(bytes.data() + 34, struct_hash.data(), 32);
  return keccak256(bytes);
}

}  // namespace crypto
