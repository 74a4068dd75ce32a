#include "crypto/eip712.h"

#include <gtest/gtest.h>

#include "crypto/keccak.h"
#include "crypto/secp256k1.h"

namespace crypto {
namespace {

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// The example of EIP-712 itself ("Ether Mail"): Example.js and Example.sol in the assets of the EIP.
class Mail : public testing::Test {
 protected:
  static base::Hash person(std::string_view name, std::string_view wallet) {
    const base::Hash type = eip712_type_hash("Person(string name,address wallet)");
    return StructHasher(type).string(name).address(base::address_from_hex(wallet).value()).hash();
  }

  const base::Hash type =
      eip712_type_hash("Mail(Person from,Person to,string contents)Person(string name,address wallet)");
  const base::Hash domain = eip712_domain_with_contract(
      "Ether Mail", "1", 1, base::address_from_hex("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC").value());
  const base::Hash mail = StructHasher(type)
                              .word(person("Cow", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"))
                              .word(person("Bob", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"))
                              .string("Hello, Bob!")
                              .hash();
};

TEST_F(Mail, HashesAreThoseOfTheEip) {
  EXPECT_EQ(base::to_hex(type), "0xa0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
  EXPECT_EQ(base::to_hex(domain), "0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
  EXPECT_EQ(base::to_hex(mail), "0xc52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
  EXPECT_EQ(base::to_hex(eip712_digest(domain, mail)),
            "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

TEST_F(Mail, SignatureIsThatOfTheEip) {
  const std::optional<SecretKey> cow = SecretKey::from_bytes(keccak256(view("cow")).view());
  ASSERT_TRUE(cow.has_value());
  EXPECT_EQ(base::to_hex(cow->address()), "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826");
  const base::Hash digest = eip712_digest(domain, mail);
  const base::Signature signature = cow->sign(digest);
  EXPECT_EQ(base::to_hex(signature),
            "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
            "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"
            "1c");
  EXPECT_EQ(address_of(recover(digest, signature).key), cow->address());
}

TEST(StructHasher, WordsAreLaidOutAsInTheEip) {
  const base::Hash type = eip712_type_hash("T(uint128 n,address a,bytes b)");
  base::Bytes bytes(type.bytes.begin(), type.bytes.end());
  const auto append = [&](std::string_view hex) {
    const base::Bytes part = base::from_hex(hex).value();
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  append("000000000000000000000000000000000123456789abcdeffedcba9876543210");
  append("000000000000000000000000ffffffffffffffffffffffffffffffffffffffff");
  append("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");  // keccak256 of nothing
  const base::u128 number = (base::u128{0x0123456789abcdef} << 64) | 0xfedcba9876543210;
  base::Address address;
  address.bytes.fill(0xff);
  EXPECT_EQ(StructHasher(type).number(number).address(address).bytes({}).hash(), keccak256(bytes));
}

TEST(StructHasher, OrderMatters) {
  const base::Hash type = eip712_type_hash("T(uint64 a,uint64 b)");
  EXPECT_NE(StructHasher(type).number(1).number(2).hash(), StructHasher(type).number(2).number(1).hash());
}

TEST(StructHasherDeathTest, RefusesMoreMembersThanItHolds) {
  const auto overfill = [] {
    StructHasher hasher{base::Hash{}};
    for (int i = 0; i < 16; ++i) hasher.number(1);
  };
  EXPECT_DEATH(overfill(), "used_");
}

TEST(Domain, EveryFieldMatters) {
  const base::Hash salt = keccak256(view("salt"));
  const base::Hash domain = eip712_domain_with_salt("tabd", "1", salt);
  EXPECT_NE(domain, eip712_domain_with_salt("tabd", "2", salt));
  EXPECT_NE(domain, eip712_domain_with_salt("tabc", "1", salt));
  EXPECT_NE(domain, eip712_domain_with_salt("tabd", "1", {}));
  EXPECT_NE(eip712_domain_with_contract("tabd", "1", 1, {}), eip712_domain_with_contract("tabd", "1", 2, {}));
}

}  // namespace
}  // namespace crypto
