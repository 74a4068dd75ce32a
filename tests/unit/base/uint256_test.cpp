#include "base/uint256.h"

#include <gtest/gtest.h>

namespace base {
namespace {

constexpr const char* kMax = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
constexpr const char* kMax128 = "340282366920938463463374607431768211455";

TEST(Uint256, ReadsAndWritesDecimals) {
  for (const char* digits :
       {"0", "1", "255", "256", "1000000", kMax128, "340282366920938463463374607431768211456", kMax}) {
    const auto number = Uint256::parse_decimal(digits);
    ASSERT_TRUE(number) << digits;
    EXPECT_EQ(number->to_decimal_string(), digits);
    EXPECT_EQ(Uint256::from_word(number->word()), *number);
  }
  EXPECT_EQ(Uint256::parse_decimal("007"), Uint256(7));
}

TEST(Uint256, RefusesAnythingElse) {
  const std::string above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
  for (const std::string& digits : {std::string(), std::string("-1"), std::string("+1"), std::string("0x10"),
                                    std::string("1e3"), std::string("1.0"), std::string(" 1"), std::string("1 "), above,
                                    std::string(79, '0'), std::string(100'000, '9')}) {
    EXPECT_FALSE(Uint256::parse_decimal(digits)) << digits.substr(0, 90);
  }
}

TEST(Uint256, ComparesAsNumbers) {
  EXPECT_LT(Uint256(255), Uint256(256));
  EXPECT_LT(Uint256(~u128{0}), *Uint256::parse_decimal(kMax));
  EXPECT_EQ(to_hex(Uint256(0x0102).word()), "0x" + std::string(60, '0') + "0102");
}

TEST(Uint256, NarrowsOnlyWhatFits) {
  EXPECT_EQ(Uint256::parse_decimal(kMax128)->to_u128(), ~u128{0});
  EXPECT_FALSE(Uint256::parse_decimal("340282366920938463463374607431768211456")->to_u128());
  EXPECT_EQ(parse_u128(kMax128), ~u128{0});
  EXPECT_FALSE(parse_u128("340282366920938463463374607431768211456"));
  EXPECT_FALSE(parse_u128(""));
  EXPECT_FALSE(parse_u128("0x1"));
  EXPECT_EQ(to_decimal_string(~u128{0}), kMax128);
  EXPECT_EQ(to_decimal_string(u128{0}), "0");
}

}  // namespace
}  // namespace base
