#pragma once

// EIP-712 typed structured data: the few building blocks that our fixed types need. Each struct hash is
// keccak256(typeHash || one 32-byte word for each member); StructHasher collects the words.

#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"

namespace crypto {

// keccak256 of a type string such as "Voucher(bytes32 tab,uint128 maximum)".
base::Hash eip712_type_hash(std::string_view encoded_type);

// Collects the 32-byte words of one struct. At most 15 members, as our types are small.
class StructHasher {
 public:
  explicit StructHasher(const base::Hash& type_hash) noexcept { word(type_hash); }
  StructHasher& word(const base::Hash& value) noexcept;        // bytes32, or the hash of a nested value
  StructHasher& address(const base::Address& value) noexcept;  // left-padded
  StructHasher& number(base::u128 value) noexcept;             // uintN, big-endian
  StructHasher& string(std::string_view value) noexcept;       // keccak256 of the bytes
  StructHasher& bytes(base::ByteView value) noexcept;          // keccak256 of the bytes
  base::Hash hash() const noexcept;

 private:
  static constexpr std::size_t kWordsMax = 16;
  std::array<std::uint8_t, 32 * kWordsMax> words_{};
  std::size_t used_ = 0;
};

// EIP712Domain(string name,string version,bytes32 salt): for domains without a contract.
base::Hash eip712_domain_with_salt(std::string_view name, std::string_view version, const base::Hash& salt);
// EIP712Domain(string name,string version,uint256 chainId,address verifyingContract): for tokens.
base::Hash eip712_domain_with_contract(std::string_view name, std::string_view version, std::uint64_t chain_id,
                                       const base::Address& contract);

// keccak256(0x1901 || domain separator || struct hash): what is signed.
base::Hash eip712_digest(const base::Hash& domain_separator, const base::Hash& struct_hash) noexcept;

}  // namespace crypto
