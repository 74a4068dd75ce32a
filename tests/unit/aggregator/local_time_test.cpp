#include "aggregator/local_time.h"

#include <gtest/gtest.h>

namespace {

using aggregator::LocalClock;
using aggregator::LocalTime;
using base::Time;

constexpr std::uint32_t kHour = 3600;
constexpr std::int32_t kDay20260329 = 20'541;  // the clock goes forward in Berlin: 02:00 becomes 03:00
constexpr std::int32_t kDay20261025 = 20'751;  // and back: 03:00 becomes 02:00

TEST(LocalClock, UtcNeedsNoDatabase) {
  const auto utc = LocalClock::make("UTC");
  ASSERT_TRUE(utc);
  EXPECT_EQ(utc->at(Time::from_seconds(86'400 + 5)), (LocalTime{1, 5}));
  EXPECT_EQ(utc->instant({1, 5}), Time::from_seconds(86'405));
}

TEST(LocalClock, TenInTheMorningIsTenOnDaysOfAChange) {
  const auto berlin = LocalClock::make("Europe/Berlin");
  ASSERT_TRUE(berlin);
  const auto ten = [&](std::int32_t day) { return berlin->instant({day, 10 * kHour}).seconds() % 86'400 / kHour; };
  EXPECT_EQ(ten(kDay20260329 - 1), 9U);
  EXPECT_EQ(ten(kDay20260329), 8U);
  EXPECT_EQ(ten(kDay20261025 - 1), 8U);
  EXPECT_EQ(ten(kDay20261025), 9U);
  for (const std::int32_t day : {kDay20260329, kDay20261025})
    EXPECT_EQ(berlin->at(berlin->instant({day, 10 * kHour})), (LocalTime{day, 10 * kHour}));
}

TEST(LocalClock, AMissingHourIsTheMomentOfTheChangeAndADoubleHourTheFirst) {
  const auto berlin = LocalClock::make("Europe/Berlin");
  ASSERT_TRUE(berlin);
  const Time change = berlin->instant({kDay20260329, 3 * kHour});
  EXPECT_EQ(berlin->instant({kDay20260329, 2 * kHour + 1800}), change);
  EXPECT_EQ(change.seconds() % 86'400, kHour);
  EXPECT_EQ(berlin->instant({kDay20261025, 2 * kHour + 1800}).seconds() % 86'400, kHour / 2);  // summer time still
}

TEST(LocalClock, AnUnknownZoneIsNamed) {
  const auto nowhere = LocalClock::make("Europe/Atlantis");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("Europe/Atlantis"), std::string::npos);
}

}  // namespace
