#include "ledger/core/period.h"

#include <gtest/gtest.h>

#include <ctime>

namespace ledger::core {
namespace {

using base::Time;
using commitments::tab::Period;

std::uint64_t start(Period period, std::uint64_t seconds) {
  return period_start(period, Time{seconds * 1'000'000 + 999'999}).seconds();
}

TEST(Period, KnownStarts) {
  constexpr std::uint64_t kTuesday = 1893456000;  // 2030-01-01T00:00:00Z
  EXPECT_EQ(start(Period::total, kTuesday + 5), 0u);
  EXPECT_EQ(start(Period::hour, kTuesday + 3 * 3600 + 59), kTuesday + 3 * 3600);
  EXPECT_EQ(start(Period::day, kTuesday + 86399), kTuesday);
  EXPECT_EQ(start(Period::week, kTuesday), kTuesday - 86400);
  EXPECT_EQ(start(Period::week, kTuesday + 6 * 86400 - 1), kTuesday - 86400);
  EXPECT_EQ(start(Period::week, kTuesday + 6 * 86400), kTuesday + 6 * 86400);
  EXPECT_EQ(start(Period::month, kTuesday + 31 * 86400 - 1), kTuesday);
  EXPECT_EQ(start(Period::month, kTuesday + 31 * 86400), kTuesday + 31 * 86400);
  EXPECT_EQ(start(Period::month, 951782400 + 5), 949363200u);  // 2000-02-29 -> 2000-02-01
  EXPECT_EQ(start(Period::week, 86400), 0u);                   // the week of 1970-01-01 is cut at 1970
}

TEST(Period, MonthsAgreeWithTheSystem) {
  for (std::uint64_t day = 0; day < 200 * 366; day += 3) {
    const std::time_t seconds = static_cast<std::time_t>(day * 86400 + 12345);
    std::tm parts{};
    ASSERT_NE(gmtime_r(&seconds, &parts), nullptr);
    const std::uint64_t expected = (day - static_cast<std::uint64_t>(parts.tm_mday - 1)) * 86400;
    ASSERT_EQ(start(Period::month, static_cast<std::uint64_t>(seconds)), expected) << day;
    const std::uint64_t since_monday = static_cast<std::uint64_t>((parts.tm_wday + 6) % 7);
    ASSERT_EQ(start(Period::week, static_cast<std::uint64_t>(seconds)),
              day < since_monday ? 0 : (day - since_monday) * 86400);
  }
}

}  // namespace
}  // namespace ledger::core
