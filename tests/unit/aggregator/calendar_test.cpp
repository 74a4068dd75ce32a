#include "aggregator/calendar.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace aggregator {
namespace {

using base::Time;
using ::testing::HasSubstr;

constexpr std::uint64_t kHour = 3600;
constexpr std::uint64_t kDay = 24 * kHour;

WindowSpec spec_of(WindowKind kind, const std::string& zone) { return {kind, 0, zone}; }

class CalendarTest : public ::testing::Test {
 protected:
  // Bounds in seconds.
  std::pair<std::uint64_t, std::uint64_t> at(WindowKind kind, const std::string& zone, std::uint64_t seconds) {
    const WindowSpec spec = spec_of(kind, zone);
    const base::Result<void> checked = calendar_->check(spec);
    EXPECT_TRUE(checked.has_value()) << checked.error().to_string();
    const WindowBounds bounds = calendar_->window_at(spec, Time::from_seconds(seconds));
    return {bounds.start.seconds(), bounds.end.seconds()};
  }

  std::unique_ptr<Calendar> calendar_ = make_calendar();
};

using Bounds = std::pair<std::uint64_t, std::uint64_t>;

TEST_F(CalendarTest, BerlinDaysAcrossBothChanges) {
  // 2026-03-29 has 23 hours: 2026-03-28T23:00Z .. 2026-03-29T22:00Z.
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 1774746000), (Bounds{1774738800, 1774738800 + 23 * kHour}));
  // 2026-10-25 has 25 hours: 2026-10-24T22:00Z .. 2026-10-25T23:00Z.
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 1792900000), (Bounds{1792879200, 1792879200 + 25 * kHour}));
  // The day before and the day after have 24.
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 1792879199), (Bounds{1792879200 - kDay, 1792879200}));
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 1792879200 + 25 * kHour),
            (Bounds{1792879200 + 25 * kHour, 1792879200 + 49 * kHour}));
}

// A limit that the README states. When this fails because the rule is applied, strike the limit.
TEST_F(CalendarTest, DaylightSavingEndsWith2037) {
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 2131272000), (Bounds{2131221600, 2131221600 + kDay}));  // 2037-07-15
  EXPECT_EQ(at(WindowKind::day, "Europe/Berlin", 2225966400), (Bounds{2225919600, 2225919600 + kDay}));  // 2040-07-15
}

TEST_F(CalendarTest, NewYorkDaysAcrossBothChanges) {
  // 2026-03-08: from 05:00Z, 23 hours. 2026-11-01: from 04:00Z, 25 hours.
  EXPECT_EQ(at(WindowKind::day, "America/New_York", 1772960400), (Bounds{1772946000, 1772946000 + 23 * kHour}));
  EXPECT_EQ(at(WindowKind::day, "America/New_York", 1793520000), (Bounds{1793505600, 1793505600 + 25 * kHour}));
}

TEST_F(CalendarTest, WeeksStartOnMonday) {
  // Sunday 2026-11-22T23:59:59Z and Monday 2026-11-23T00:00Z.
  EXPECT_EQ(at(WindowKind::week, "UTC", 1795391999), (Bounds{1794787200, 1795392000}));
  EXPECT_EQ(at(WindowKind::week, "UTC", 1795392000), (Bounds{1795392000, 1795392000 + 7 * kDay}));
  // In Berlin the same Monday starts an hour earlier; the week of the change in March has 167 hours.
  EXPECT_EQ(at(WindowKind::week, "Europe/Berlin", 1795391999).first, 1795392000 - kHour);
  EXPECT_EQ(at(WindowKind::week, "Europe/Berlin", 1774746000), (Bounds{1774220400, 1774220400 + 167 * kHour}));
}

TEST_F(CalendarTest, MonthLengthsAndLeapYears) {
  struct Case {
    std::uint64_t inside;
    std::uint64_t start;
    std::uint64_t days;
  };
  const Case cases[] = {
      {1772323199, 1769904000, 28},  // 2026-02-28T23:59:59Z
      {1835395200, 1832976000, 29},  // 2028-02-29
      {951782400, 949363200, 29},    // 2000-02-29: a century that is a leap year
      {4107456000, 4105123200, 28},  // 2100-02-28: one that is not
      {1798675200, 1796083200, 31},  // 2026-12-31
      {1796083199, 1793491200, 30},  // 2026-11-30
  };
  for (const Case& c : cases) {
    EXPECT_EQ(at(WindowKind::month, "UTC", c.inside), (Bounds{c.start, c.start + c.days * kDay})) << c.inside;
  }
  // March 2026 in Berlin: 31 days less one hour. October: one hour more.
  EXPECT_EQ(at(WindowKind::month, "Europe/Berlin", 1774746000), (Bounds{1772319600, 1772319600 + 31 * kDay - kHour}));
  EXPECT_EQ(at(WindowKind::month, "Europe/Berlin", 1792900000), (Bounds{1790805600, 1790805600 + 31 * kDay + kHour}));
}

TEST_F(CalendarTest, MidnightThatDoesNotExistStartsAtTheChange) {
  // Sao Paulo, 2018-11-04: the clock jumped from 00:00 to 01:00 at 03:00Z; that day has 23 hours.
  EXPECT_EQ(at(WindowKind::day, "America/Sao_Paulo", 1541300400), (Bounds{1541300400, 1541300400 + 23 * kHour}));
  EXPECT_EQ(at(WindowKind::day, "America/Sao_Paulo", 1541300399), (Bounds{1541300400 - kDay, 1541300400}));
  // Beirut, 2022-03-27: from 00:00 to 01:00 at 2022-03-26T22:00Z.
  EXPECT_EQ(at(WindowKind::day, "Asia/Beirut", 1648332000), (Bounds{1648332000, 1648332000 + 23 * kHour}));
}

TEST_F(CalendarTest, MidnightThatComesTwiceStartsAtTheFirst) {
  // Havana, 2023-11-05: from 01:00 back to 00:00 at 05:00Z. The day starts at 04:00Z and has 25 hours.
  const Bounds day{1699156800, 1699156800 + 25 * kHour};
  EXPECT_EQ(at(WindowKind::day, "America/Havana", 1699156800), day);
  EXPECT_EQ(at(WindowKind::day, "America/Havana", 1699160400), day);
  // St John's, 2006-10-29: at 00:01 back to 23:01 of the day before (02:31Z). The day had started at 02:30Z, and the
  // hour that came again belongs to it.
  const Bounds back{1162089000, 1162089000 + 25 * kHour};
  EXPECT_EQ(at(WindowKind::day, "America/St_Johns", 1162089000), back);
  EXPECT_EQ(at(WindowKind::day, "America/St_Johns", 1162089060), back);
  EXPECT_EQ(at(WindowKind::day, "America/St_Johns", 1162089060 + kHour), back);
  EXPECT_EQ(at(WindowKind::day, "America/St_Johns", 1162088999).second, back.first);
}

TEST_F(CalendarTest, DateThatWasSkippedHasNoWindow) {
  // Samoa went from 2011-12-29T23:59:59-10:00 to 2011-12-31T00:00+14:00 at 2011-12-30T10:00Z.
  EXPECT_EQ(at(WindowKind::day, "Pacific/Apia", 1325239199), (Bounds{1325239200 - kDay, 1325239200}));
  EXPECT_EQ(at(WindowKind::day, "Pacific/Apia", 1325239200), (Bounds{1325239200, 1325239200 + kDay}));
}

TEST_F(CalendarTest, DurationsCountFrom1970) {
  const WindowSpec ten{WindowKind::duration, 10, "nowhere at all"};
  ASSERT_TRUE(calendar_->check(ten)) << "the zone does not matter to a duration";
  EXPECT_EQ(calendar_->window_at(ten, Time{1'234'567'890'123'456}),
            (WindowBounds{Time::from_seconds(1'234'567'890), Time::from_seconds(1'234'567'900)}));
  const WindowSpec one{WindowKind::duration, 1, "UTC"};
  EXPECT_EQ(calendar_->window_at(one, Time{999'999}), (WindowBounds{Time{0}, Time{1'000'000}}));
  EXPECT_EQ(calendar_->window_at(one, Time{1'000'000}), (WindowBounds{Time{1'000'000}, Time{2'000'000}}));
}

TEST_F(CalendarTest, RefusesWhatItCannotUseAndSaysWhy) {
  const auto message = [&](const WindowSpec& spec) {
    const base::Result<void> checked = calendar_->check(spec);
    EXPECT_FALSE(checked.has_value());
    if (checked) return std::string();
    EXPECT_EQ(checked.error().code, base::ErrorCode::invalid_argument);
    return checked.error().message;
  };
  for (const char* zone : {"Europe/Atlantis", "", "berlin", "../../../etc/passwd", "right/UTC", "posix/Europe/Berlin",
                           "zone.tab", "tzdata.zi", "localtime", "posixrules", "Europe"}) {
    EXPECT_THAT(message(spec_of(WindowKind::day, zone)), HasSubstr(std::string("\"") + zone + "\""));
  }
  EXPECT_THAT(message({WindowKind::duration, 0, "UTC"}), HasSubstr("0 s"));
  EXPECT_THAT(message({WindowKind::duration, base::limits::kWindowSecondsMax + 1, "UTC"}), HasSubstr("seconds"));
  EXPECT_THAT(message({static_cast<WindowKind>(9), 60, "UTC"}), HasSubstr("9"));
}

TEST_F(CalendarTest, WindowsTileTimeInEveryKindAndZone) {
  const char* const zones[] = {"UTC",          "Europe/Berlin",      "America/New_York", "America/Sao_Paulo",
                               "Asia/Beirut",  "America/Havana",     "Pacific/Apia",     "America/St_Johns",
                               "Asia/Kolkata", "Australia/Lord_Howe"};
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::uint64_t> any_time(0, 4'102'444'800'000'000);  // 1970 .. 2100
  for (const char* const zone : zones) {
    for (const WindowKind kind : {WindowKind::duration, WindowKind::day, WindowKind::week, WindowKind::month}) {
      const WindowSpec spec{kind, 1 + random() % 100'000, zone};
      ASSERT_TRUE(calendar_->check(spec));
      for (int i = 0; i < 300; ++i) {
        const Time time{any_time(random)};
        const WindowBounds bounds = calendar_->window_at(spec, time);
        ASSERT_LE(bounds.start, time);
        ASSERT_LT(time, bounds.end);
        // Every other instant of the window gives the same window; its neighbours touch it.
        const Time inside{bounds.start.us + random() % (bounds.end.us - bounds.start.us)};
        ASSERT_EQ(calendar_->window_at(spec, inside), bounds) << zone << " " << time.us;
        ASSERT_EQ(calendar_->window_at(spec, bounds.end).start, bounds.end) << zone << " " << time.us;
        if (bounds.start.us > 0) {
          ASSERT_EQ(calendar_->window_at(spec, Time{bounds.start.us - 1}).end, bounds.start) << zone << " " << time.us;
        }
      }
    }
  }
}

TEST_F(CalendarTest, TilesAroundEveryHourOfMidnightChanges) {
  const std::pair<const char*, std::uint64_t> changes[] = {
      {"America/Sao_Paulo", 1541300400}, {"America/Havana", 1699160400}, {"America/St_Johns", 1162089060},
      {"Pacific/Apia", 1325239200},      {"Asia/Beirut", 1648332000},    {"Europe/Berlin", 1792890000}};
  for (const auto& [zone, change] : changes) {
    Bounds last = at(WindowKind::day, zone, change - 3 * kDay);
    for (std::uint64_t t = change - 3 * kDay; t < change + 3 * kDay; t += 60) {
      const Bounds bounds = at(WindowKind::day, zone, t);
      ASSERT_LE(bounds.first, t);
      ASSERT_LT(t, bounds.second);
      if (bounds != last) {
        ASSERT_EQ(bounds.first, last.second) << zone << " " << t;
      }
      last = bounds;
    }
  }
}

TEST_F(CalendarTest, AnswersFromManyThreads) {
  const WindowSpec berlin = spec_of(WindowKind::day, "Europe/Berlin");
  const WindowSpec havana = spec_of(WindowKind::week, "America/Havana");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t k = 0; k < 2000; ++k) {
        const Time time = Time::from_seconds(1'700'000'000 + k * (i + 1) * 7919);
        for (const WindowSpec& spec : {berlin, havana}) {
          const WindowBounds bounds = calendar_->window_at(spec, time);
          if (!(bounds.start <= time && time < bounds.end)) ++wrong[i];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace aggregator
