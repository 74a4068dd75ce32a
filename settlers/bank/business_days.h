#pragma once

// The days on which banks settle, by rule: TARGET (ECB, T2 calendar) and the US Federal Reserve Banks. A day is the
// number of days since 1970-01-01, in whatever place is meant. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settlers::bank {

using Day = std::int32_t;

struct CivilDate {
  std::int32_t year = 1970;
  std::uint32_t month = 1;  // 1 .. 12
  std::uint32_t day = 1;    // 1 .. 31
  bool operator==(const CivilDate&) const = default;
};

Day day_of(const CivilDate& date) noexcept;  // `date` must exist
CivilDate civil(Day day) noexcept;
// 0 Sunday .. 6 Saturday.
unsigned weekday(Day day) noexcept;
// "2026-11-21"; empty unless the text is exactly that and the date exists.
std::optional<Day> parse_date(std::string_view text) noexcept;
std::string date_text(Day day);  // "2026-11-21"

// The Sunday of Easter in the Gregorian calendar.
Day easter(std::int32_t year) noexcept;

enum class BusinessCalendar : std::uint8_t {
  target,          // SEPA: closed on weekends, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December
  federal_reserve  // ACH: closed on weekends and federal holidays; one on a Sunday is kept on Monday, on a Saturday not
};
bool is_business_day(BusinessCalendar calendar, Day day) noexcept;
// The business day `count` business days after `day`; with 0 the first that is not before `day`. A negative count goes
// back in the same way.
Day add_business_days(BusinessCalendar calendar, Day day, int count) noexcept;
// Business days in (from, to]; zero if `to` is not after `from`.
int business_days_between(BusinessCalendar calendar, Day from, Day to) noexcept;

}  // namespace settlers::bank
