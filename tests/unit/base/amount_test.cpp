#include "base/amount.h"

#include <gtest/gtest.h>

namespace base {
namespace {

Amount units(const char* digits) { return *Amount::parse_units(digits); }

TEST(Amount, ParsesOnlyPlainDigits) {
  EXPECT_EQ(units("0").units(), 0U);
  EXPECT_EQ(units("1250000").to_units_string(), "1250000");
  EXPECT_EQ(units("0007").units(), 7U);
  for (const char* bad : {"", "-1", "+1", "0x10", "1e3", "1.0", " 1", "1 ", "abc"})
    EXPECT_FALSE(Amount::parse_units(bad)) << bad;
}

TEST(Amount, BoundIsTwoToThe127MinusOne) {
  const char* largest = "170141183460469231731687303715884105727";
  EXPECT_EQ(units(largest).to_units_string(), largest);
  EXPECT_FALSE(Amount::parse_units("170141183460469231731687303715884105728"));
  EXPECT_FALSE(Amount::parse_units("340282366920938463463374607431768211456"));
  EXPECT_FALSE(Amount::from_units(~u128{0}));
  EXPECT_FALSE(units(largest).add(Amount(1)));
  EXPECT_EQ(units(largest).add(Amount(0)), units(largest));
}

TEST(Amount, SubtractNeverGoesBelowZero) {
  EXPECT_EQ(Amount(5).subtract(Amount(5)), Amount(0));
  EXPECT_FALSE(Amount(5).subtract(Amount(6)));
  EXPECT_EQ(subtract_to_zero(Amount(5), Amount(6)), Amount(0));
}

TEST(Amount, DecimalsKeepTheirScale) {
  EXPECT_EQ(Amount::parse_decimal("1.25", 6), Amount(1250000));
  EXPECT_EQ(Amount::parse_decimal("3", 2), Amount(300));
  EXPECT_EQ(Amount::parse_decimal("0.000001", 6), Amount(1));
  EXPECT_FALSE(Amount::parse_decimal("0.0000001", 6)) << "more fraction digits than the scale";
  EXPECT_FALSE(Amount::parse_decimal("1.", 6));
  EXPECT_FALSE(Amount::parse_decimal(".5", 6));
  EXPECT_EQ(Amount(1).to_decimal_string(6), "0.000001");
  EXPECT_EQ(Amount(1250000).to_decimal_string(6), "1.250000");
  EXPECT_EQ(Amount(42).to_decimal_string(0), "42");
}

TEST(Amount, MultiplyDivideIsExactBeyond128Bits) {
  const Amount large = units("170141183460469231731687303715884105727");
  EXPECT_EQ(large.multiply_divide(7, 7, Rounding::down), large);
  EXPECT_EQ(large.multiply_divide(1, 2, Rounding::down), units("85070591730234615865843651857942052863"));
  EXPECT_EQ(large.multiply_divide(1, 2, Rounding::up), units("85070591730234615865843651857942052864"));
  EXPECT_FALSE(large.multiply_divide(2, 1, Rounding::down));
  EXPECT_EQ(Amount(10).multiply_divide(1, 3, Rounding::down), Amount(3));
  EXPECT_EQ(Amount(10).multiply_divide(1, 3, Rounding::up), Amount(4));
  EXPECT_EQ(Amount(9).multiply_divide(1, 3, Rounding::up), Amount(3));
}

TEST(Amount, SignedText) {
  EXPECT_EQ(to_string(i128{-5}), "-5");
  EXPECT_EQ(to_string(i128{0}), "0");
}

}  // namespace
}  // namespace base
