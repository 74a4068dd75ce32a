#include "base/bytes.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Bytes, HexRoundTrip) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xff, 0x1a}), "0x00ff1a");
  EXPECT_EQ(from_hex("0x00FF1a"), (Bytes{0x00, 0xff, 0x1a}));
  EXPECT_EQ(from_hex("00ff"), (Bytes{0x00, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
  EXPECT_FALSE(from_hex("0x0"));
  EXPECT_FALSE(from_hex("zz"));
}

TEST(Bytes, FixedNeedsTheExactLength) {
  EXPECT_TRUE(address_from_hex("0x00000000000000000000000000000000000000ff"));
  EXPECT_FALSE(address_from_hex("0x00ff"));
  EXPECT_FALSE(hash_from_hex("0x00000000000000000000000000000000000000ff"));
  EXPECT_FALSE(fixed_from_bytes<Signature>(Bytes(64)));
  EXPECT_FALSE(fixed_from_bytes<Signature>(Bytes(66)));
  EXPECT_TRUE(fixed_from_bytes<Signature>(Bytes(65)));
}

TEST(ShortText, HoldsPrintableNames) {
  EXPECT_EQ(Unit::parse("tokens")->view(), "tokens");
  EXPECT_EQ(Unit::parse("12345678")->view(), "12345678");
  EXPECT_FALSE(Unit::parse("123456789"));
  EXPECT_FALSE(Unit::parse("a b"));
  EXPECT_FALSE(Unit::parse("\n"));
  EXPECT_TRUE(Unit::parse("")->view().empty());
}

TEST(Bytes, MixDependsOnEveryByteAndTheSeed) {
  const Bytes data(20, 7);
  const std::uint64_t first = mix_bytes(data, 1);
  EXPECT_NE(first, mix_bytes(data, 2));
  for (std::size_t i = 0; i < data.size(); ++i) {
    Bytes changed = data;
    changed[i] ^= 1;
    EXPECT_NE(first, mix_bytes(changed, 1)) << i;
  }
  EXPECT_NE(mix_bytes(Bytes(3), 1), mix_bytes(Bytes(4), 1));
}

}  // namespace
}  // namespace base
