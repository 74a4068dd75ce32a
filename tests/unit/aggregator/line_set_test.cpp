#include <map>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "aggregator/bill.h"
#include "base/limits.h"

namespace aggregator {
namespace {

Hash resource_of(std::uint32_t number) {
  Hash hash;
  hash.bytes[28] = static_cast<std::uint8_t>(number >> 24);
  hash.bytes[29] = static_cast<std::uint8_t>(number >> 16);
  hash.bytes[30] = static_cast<std::uint8_t>(number >> 8);
  hash.bytes[31] = static_cast<std::uint8_t>(number);
  return hash;
}

TEST(LineSet, AddsUpByPayeeAndResourceInOrderOfFirstUse) {
  LineSet lines;
  EXPECT_EQ(lines.add(PayeeId(2), resource_of(1), Amount(5), 10), 0u);
  EXPECT_EQ(lines.add(PayeeId(1), resource_of(1), Amount(7), 0), 1u);
  EXPECT_EQ(lines.add(PayeeId(2), resource_of(1), Amount(6), 1), 0u);
  EXPECT_EQ(lines.add(PayeeId(2), resource_of(0), Amount(0), 1), 2u);
  const std::vector<Line> expected = {{PayeeId(2), resource_of(1), Amount(11), 2, 11},
                                      {PayeeId(1), resource_of(1), Amount(7), 1, 0},
                                      {PayeeId(2), Hash{}, Amount(0), 1, 1}};
  EXPECT_EQ(lines.lines(), expected);
  lines.clear();
  EXPECT_TRUE(lines.lines().empty());
}

TEST(LineSet, IsSmall) { EXPECT_LE(sizeof(LineSet), 40u); }

TEST(LineSet, QuantitySaturates) {
  LineSet lines;
  lines.add(PayeeId(1), Hash{}, Amount(1), ~std::uint64_t{0} - 1);
  lines.add(PayeeId(1), Hash{}, Amount(1), 5);
  EXPECT_EQ(lines.lines()[0].quantity, ~std::uint64_t{0});
}

TEST(LineSet, FurtherResourcesGoToThePayeesZeroLine) {
  LineSet lines;
  const std::uint32_t max = static_cast<std::uint32_t>(base::limits::kWindowLinesMax);
  for (std::uint32_t i = 1; i <= max; ++i) EXPECT_EQ(lines.add(PayeeId(1), resource_of(i), Amount(1), 1), i - 1);
  EXPECT_EQ(lines.add(PayeeId(1), resource_of(max + 1), Amount(3), 1), max);
  EXPECT_EQ(lines.add(PayeeId(1), resource_of(max + 2), Amount(4), 1), max);
  EXPECT_EQ(lines.add(PayeeId(2), resource_of(1), Amount(9), 1), max + 1) << "a payee without lines gets its own";
  EXPECT_EQ(lines.add(PayeeId(1), resource_of(7), Amount(1), 1), 6u) << "known lines go on";
  EXPECT_EQ(lines.lines()[max], (Line{PayeeId(1), Hash{}, Amount(7), 2, 2}));
  EXPECT_EQ(lines.lines()[max + 1], (Line{PayeeId(2), Hash{}, Amount(9), 1, 1}));
}

// The naive version: a map and an order.
class NaiveLines {
 public:
  void add(PayeeId payee, const Hash& resource, Amount amount, std::uint64_t quantity) {
    auto key = std::make_pair(payee.value, resource);
    if (!at_.contains(key) && lines_.size() >= base::limits::kWindowLinesMax) key.second = Hash{};
    if (!at_.contains(key)) {
      at_[key] = lines_.size();
      lines_.push_back({payee, key.second, Amount{}, 0, 0});
    }
    Line& line = lines_[at_[key]];
    line.amount = base::add_checked(line.amount, amount);
    ++line.charges;
    line.quantity += quantity;
  }
  const std::vector<Line>& lines() const { return lines_; }

 private:
  std::map<std::pair<std::uint32_t, Hash>, std::size_t> at_;
  std::vector<Line> lines_;
};

TEST(LineSet, EqualsTheNaiveVersionThroughCopiesAndReloads) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 60; ++round) {
    LineSet lines;
    NaiveLines naive;
    const std::uint32_t payees = 1 + static_cast<std::uint32_t>(random() % 5);
    const std::uint32_t resources = 1 + static_cast<std::uint32_t>(random() % 150);
    for (int i = 0; i < 1500; ++i) {
      const PayeeId payee(1 + static_cast<std::uint32_t>(random() % payees));
      const Hash resource = resource_of(static_cast<std::uint32_t>(random() % resources));
      const Amount amount(random() % 1'000'000);
      const std::uint64_t quantity = random() % 1000;
      const std::size_t at = lines.add(payee, resource, amount, quantity);
      naive.add(payee, resource, amount, quantity);
      ASSERT_EQ(lines.lines()[at], naive.lines()[at]);
      if (random() % 400 == 0) {
        const LineSet copy = lines;
        lines = copy;
      }
      if (random() % 400 == 0) {
        LineSet loaded;
        for (const Line& line : lines.lines()) loaded.restore(line);
        lines = std::move(loaded);
      }
    }
    ASSERT_EQ(lines.lines(), naive.lines());
  }
}

TEST(LineSet, CopiesAreIndependent) {
  LineSet one;
  for (std::uint32_t i = 0; i < 40; ++i) one.add(PayeeId(1), resource_of(i), Amount(1), 1);
  LineSet two = one;
  two.add(PayeeId(1), resource_of(3), Amount(5), 1);
  two.add(PayeeId(1), resource_of(100), Amount(5), 1);
  EXPECT_EQ(one.lines().size(), 40u);
  EXPECT_EQ(one.lines()[3].amount, Amount(1));
  EXPECT_EQ(two.lines()[3].amount, Amount(6));
  EXPECT_EQ(two.lines().size(), 41u);
}

TEST(LineSetDeath, OverflowAndDoubleLinesAbort) {
  LineSet lines;
  lines.add(PayeeId(1), Hash{}, *Amount::from_units(Amount::kUnitsMax), 1);
  EXPECT_DEATH(lines.add(PayeeId(1), Hash{}, Amount(1), 1), "CHECK|check|amount");
  EXPECT_DEATH(lines.restore(lines.lines()[0]), "one line for each payee and resource");
}

}  // namespace
}  // namespace aggregator
