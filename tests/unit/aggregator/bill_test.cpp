#include "aggregator/bill.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace aggregator {
namespace {

using base::u128;

Amount units(u128 value) { return Amount::from_units(value).value(); }
const Amount kMax = units(Amount::kUnitsMax);

std::vector<Amount> amounts(std::initializer_list<std::uint64_t> values) {
  std::vector<Amount> result;
  for (const std::uint64_t value : values) result.emplace_back(value);
  return result;
}

Line line_of(std::uint32_t payee, std::uint8_t resource, std::uint64_t amount) {
  Line line{PayeeId(payee), Hash{}, Amount(amount), 1, 1};
  line.resource.bytes[0] = resource;
  return line;
}

Amount sum_of(const std::vector<Amount>& parts) {
  return std::accumulate(parts.begin(), parts.end(), Amount{}, base::add_checked);
}
Amount sum_of(const std::vector<PayeeShare>& shares) {
  Amount sum;
  for (const PayeeShare& share : shares) sum = base::add_checked(sum, share.amount);
  return sum;
}

TEST(Split, ExactSharesAndTies) {
  EXPECT_EQ(split_largest_remainder(Amount(10), amounts({1, 1, 1})), amounts({4, 3, 3})) << "ties: the lower index";
  EXPECT_EQ(split_largest_remainder(Amount(11), amounts({1, 1, 1})), amounts({4, 4, 3}));
  EXPECT_EQ(split_largest_remainder(Amount(100), amounts({50, 30, 20})), amounts({50, 30, 20}));
  EXPECT_EQ(split_largest_remainder(Amount(7), amounts({60, 30, 10})), amounts({4, 2, 1})) << "4.2, 2.1, 0.7";
  EXPECT_EQ(split_largest_remainder(Amount(1), amounts({1, 2})), amounts({0, 1}));
  EXPECT_EQ(split_largest_remainder(Amount(0), amounts({1, 2})), amounts({0, 0}));
  EXPECT_EQ(split_largest_remainder(Amount(9), amounts({5})), amounts({9}));
}

TEST(Split, ZeroWeights) {
  EXPECT_EQ(split_largest_remainder(Amount(9), amounts({0, 0, 0})), amounts({9, 0, 0}));
  EXPECT_EQ(split_largest_remainder(Amount(5), amounts({0, 1, 0, 1})), amounts({0, 3, 0, 2}));
}

TEST(Split, HugeValues) {
  const u128 half = Amount::kUnitsMax / 2;  // kUnitsMax is odd
  const std::vector<Amount> parts = split_largest_remainder(kMax, std::vector<Amount>{units(half), units(half)});
  EXPECT_EQ(parts[0], units(half + 1));
  EXPECT_EQ(parts[1], units(half));
  const std::vector<Amount> skewed = split_largest_remainder(kMax, amounts({1, 2}));
  EXPECT_EQ(sum_of(skewed), kMax);
  EXPECT_EQ(skewed[0], units(Amount::kUnitsMax / 3)) << "2^127-1 leaves 1 when divided by 3: thirds .33 and .66";
  const std::vector<Amount> weights = {units(Amount::kUnitsMax - 2), Amount(1), Amount(1)};
  EXPECT_EQ(split_largest_remainder(Amount(3), weights), amounts({3, 0, 0}));
}

TEST(Split, SumsMonotoneAndNearTheIdealOnRandomInput) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Amount> weights(1 + random() % 12);
    const unsigned shift = static_cast<unsigned>(random() % 60);
    for (Amount& weight : weights) {
      if (random() % 5 != 0) weight = units(static_cast<u128>(random() % 1000 + 1) << shift);
    }
    const Amount total = units((static_cast<u128>(random()) << (random() % 62)) >> (random() % 64));
    const std::vector<Amount> parts = split_largest_remainder(total, weights);
    ASSERT_EQ(sum_of(parts), total);
    const Amount sum = sum_of(weights);
    if (sum.is_zero()) continue;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Amount down = *total.multiply_divide(weights[i].units(), sum.units(), base::Rounding::down);
      const Amount up = *total.multiply_divide(weights[i].units(), sum.units(), base::Rounding::up);
      ASSERT_TRUE(parts[i] == down || parts[i] == up);
      for (std::size_t j = 0; j < parts.size(); ++j) {
        if (weights[i] < weights[j]) {
          ASSERT_LE(parts[i], parts[j]);
        }
        if (weights[i] == weights[j] && i < j) {
          ASSERT_GE(parts[i], parts[j]);
        }
      }
    }
  }
}

TEST(SplitDeath, NothingToSplitOver) {
  EXPECT_DEATH(split_largest_remainder(Amount(1), {}), "nothing to split over");
  const std::vector<Amount> too_much = {kMax, Amount(1)};
  EXPECT_DEATH(split_largest_remainder(Amount(1), too_much), "");
}

TEST(MakeBill, NoRounding) {
  const std::vector<Line> lines = {line_of(3, 1, 100), line_of(1, 1, 50), line_of(3, 2, 7)};
  const std::vector<PayeeShare> carried = {{PayeeId(2), Amount(4)}, {PayeeId(3), Amount(1)}};
  const Bill bill = make_bill(lines, carried, 1);
  EXPECT_EQ(bill.total, Amount(162));
  EXPECT_EQ(bill.billed, Amount(162));
  EXPECT_EQ(bill.shares,
            (std::vector<PayeeShare>{{PayeeId(1), Amount(50)}, {PayeeId(2), Amount(4)}, {PayeeId(3), Amount(108)}}));
  EXPECT_TRUE(bill.carry_out.empty());
}

TEST(MakeBill, RoundsTowardThePayerAndCarriesTheRest) {
  // 1.2345 + 0.7777 in a currency of cents: 2.0122, of which 2.01 is billed.
  const std::vector<Line> lines = {line_of(1, 1, 12345), line_of(2, 1, 7777)};
  const Bill bill = make_bill(lines, {}, 100);
  EXPECT_EQ(bill.total, Amount(20122));
  EXPECT_EQ(bill.billed, Amount(20100));
  // 20100 * 12345 / 20122 = 12331.50..., 20100 * 7777 / 20122 = 7768.49...
  EXPECT_EQ(bill.shares, (std::vector<PayeeShare>{{PayeeId(1), Amount(12332)}, {PayeeId(2), Amount(7768)}}));
  EXPECT_EQ(bill.carry_out, (std::vector<PayeeShare>{{PayeeId(1), Amount(13)}, {PayeeId(2), Amount(9)}}));
  // The next window takes the remainders in, so that nothing is lost over time.
  const Bill next = make_bill({}, bill.carry_out, 1);
  EXPECT_EQ(next.billed, Amount(22));
}

TEST(MakeBill, BelowOneUnitOrWithKBillNothingEverythingIsCarried) {
  const std::vector<Line> lines = {line_of(2, 1, 60), line_of(1, 1, 39)};
  const std::vector<PayeeShare> all = {{PayeeId(1), Amount(39)}, {PayeeId(2), Amount(60)}};
  for (const u128 unit : {u128{100}, kBillNothing}) {
    const Bill bill = make_bill(lines, {}, unit);
    EXPECT_EQ(bill.total, Amount(99));
    EXPECT_TRUE(bill.billed.is_zero());
    EXPECT_TRUE(bill.shares.empty());
    EXPECT_EQ(bill.carry_out, all);
  }
  const Bill huge = make_bill({}, std::vector<PayeeShare>{{PayeeId(1), kMax}}, kBillNothing);
  EXPECT_TRUE(huge.billed.is_zero());
}

TEST(MakeBill, NothingAtAll) {
  const Bill bill = make_bill({}, {}, 100);
  EXPECT_TRUE(bill.total.is_zero() && bill.billed.is_zero() && bill.shares.empty() && bill.carry_out.empty());
  const Bill free = make_bill(std::vector<Line>{line_of(1, 1, 0)}, {}, 1);
  EXPECT_TRUE(free.shares.empty()) << "a payee that earned nothing has no share";
}

TEST(MakeBill, InvariantsOnRandomInput) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Line> lines;
    std::vector<PayeeShare> carried;
    Amount earned[8];
    const unsigned shift = static_cast<unsigned>(random() % 100);
    for (std::size_t i = random() % 20; i > 0; --i) {
      Line line = line_of(static_cast<std::uint32_t>(random() % 8), static_cast<std::uint8_t>(i), 0);
      line.amount = units(static_cast<u128>(random() % 1'000'000) << shift);
      lines.push_back(line);
      earned[line.payee.value] = base::add_checked(earned[line.payee.value], line.amount);
    }
    for (std::uint32_t payee = 0; payee < 8; ++payee) {
      if (random() % 3 != 0) continue;
      carried.push_back({PayeeId(payee), Amount(random() % 10'000)});
      earned[payee] = base::add_checked(earned[payee], carried.back().amount);
    }
    const u128 unit = u128{1} << (random() % 64);
    const Bill bill = make_bill(lines, carried, unit);
    ASSERT_TRUE(bill.billed.units() % unit == 0 && bill.billed <= bill.total);
    ASSERT_TRUE(base::subtract_checked(bill.total, bill.billed).units() < unit);
    ASSERT_EQ(sum_of(bill.shares), bill.billed);
    ASSERT_EQ(base::add_checked(sum_of(bill.shares), sum_of(bill.carry_out)), bill.total);
    Amount split[8];
    for (const auto* shares : {&bill.shares, &bill.carry_out}) {
      ASSERT_TRUE(std::is_sorted(shares->begin(), shares->end(),
                                 [](const PayeeShare& a, const PayeeShare& b) { return a.payee < b.payee; }));
      for (const PayeeShare& share : *shares) {
        ASSERT_FALSE(share.amount.is_zero());
        split[share.payee.value] = base::add_checked(split[share.payee.value], share.amount);
      }
    }
    for (std::size_t payee = 0; payee < 8; ++payee) ASSERT_EQ(split[payee], earned[payee]);
  }
}

TEST(FeeOf, RoundsDown) {
  EXPECT_EQ(fee_of(Amount(10'000), 250), Amount(250));
  EXPECT_EQ(fee_of(Amount(399), 250), Amount(9)) << "9.975";
  EXPECT_EQ(fee_of(Amount(39), 250), Amount(0));
  EXPECT_EQ(fee_of(Amount(12345), 10'000), Amount(12345));
  EXPECT_EQ(fee_of(Amount(12345), 0), Amount(0));
  EXPECT_EQ(fee_of(kMax, 10'000), kMax);
  EXPECT_DEATH(fee_of(Amount(1), 10'001), "basis_points");
}

}  // namespace
}  // namespace aggregator
