#include "settlers/bank/business_days.h"

#include <cstdlib>

namespace settlers::bank {
namespace {

constexpr unsigned kSunday = 0, kMonday = 1, kThursday = 4, kSaturday = 6;

unsigned days_in_month(std::int32_t year, std::uint32_t month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// The `nth` (from 1) given weekday of a month.
Day nth_weekday(std::int32_t year, std::uint32_t month, unsigned wanted, unsigned nth) {
  const Day first = day_of({year, month, 1});
  return first + static_cast<Day>((wanted + 7 - weekday(first)) % 7 + 7 * (nth - 1));
}

Day last_weekday(std::int32_t year, std::uint32_t month, unsigned wanted) {
  const Day last = day_of({year, month, days_in_month(year, month)});
  return last - static_cast<Day>((weekday(last) + 7 - wanted) % 7);
}

bool is_target_holiday(Day day) {
  const CivilDate date = civil(day);
  if (date.month == 1 && date.day == 1) return true;
  if (date.month == 5 && date.day == 1) return true;
  if (date.month == 12 && (date.day == 25 || date.day == 26)) return true;
  const Day sunday = easter(date.year);
  return day == sunday - 2 || day == sunday + 1;
}

// A holiday with a fixed date: on the day itself, or on Monday when it is a Sunday.
bool is_fixed_holiday(Day day, std::int32_t year, std::uint32_t month, std::uint32_t of_month) {
  const Day date = day_of({year, month, of_month});
  return day == date || (weekday(date) == kSunday && day == date + 1);
}

bool is_federal_holiday(Day day) {
  const std::int32_t year = civil(day).year;
  constexpr std::int32_t kJuneteenthSince = 2022;
  if (is_fixed_holiday(day, year, 1, 1) || is_fixed_holiday(day, year, 7, 4) || is_fixed_holiday(day, year, 11, 11) ||
      is_fixed_holiday(day, year, 12, 25))
    return true;
  if (year >= kJuneteenthSince && is_fixed_holiday(day, year, 6, 19)) return true;
  return day == nth_weekday(year, 1, kMonday, 3) || day == nth_weekday(year, 2, kMonday, 3) ||
         day == last_weekday(year, 5, kMonday) || day == nth_weekday(year, 9, kMonday, 1) ||
         day == nth_weekday(year, 10, kMonday, 2) || day == nth_weekday(year, 11, kThursday, 4);
}

}  // namespace

// The two conversions count days in years that start on 1 March, in eras of 400 years.
Day day_of(const CivilDate& date) noexcept {
  const std::int32_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int32_t era = (year >= 0 ? year : year - 399) / 400;
  const std::uint32_t of_era = static_cast<std::uint32_t>(year - era * 400);
  const std::uint32_t of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
  const std::uint32_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
  return era * 146'097 + static_cast<std::int32_t>(day_of_era) - 719'468;
}

CivilDate civil(Day day) noexcept {
  const std::int32_t shifted = day + 719'468;
  const std::int32_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::uint32_t of_era = static_cast<std::uint32_t>(shifted - era * 146'097);
  const std::uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t month_index = (5 * of_year + 2) / 153;
  CivilDate date;
  date.day = of_year - (153 * month_index + 2) / 5 + 1;
  date.month = month_index < 10 ? month_index + 3 : month_index - 9;
  date.year = static_cast<std::int32_t>(year_of_era) + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

unsigned weekday(Day day) noexcept { return static_cast<unsigned>(((day % 7) + 7 + 4) % 7); }  // 1970-01-01: Thursday

std::optional<Day> parse_date(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  std::uint32_t numbers[3] = {};
  std::size_t part = 0;
  for (const char c : text) {
    if (c == '-') {
      ++part;
      continue;
    }
    if (c < '0' || c > '9' || part > 2) return std::nullopt;
    numbers[part] = numbers[part] * 10 + static_cast<std::uint32_t>(c - '0');
  }
  const auto year = static_cast<std::int32_t>(numbers[0]);
  if (part != 2 || year < 1 || numbers[1] < 1 || numbers[1] > 12) return std::nullopt;
  if (numbers[2] < 1 || numbers[2] > days_in_month(year, numbers[1])) return std::nullopt;
  return day_of({year, numbers[1], numbers[2]});
}

std::string date_text(Day day) {
  const CivilDate date = civil(day);
  const auto padded = [](std::uint32_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return std::string(digits.size() < width ? width - digits.size() : 0, '0') + digits;
  };
  return padded(static_cast<std::uint32_t>(date.year), 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2);
}

// Gauss's computus in the form without exceptions (Meeus/Jones/Butcher).
Day easter(std::int32_t year) noexcept {
  const std::int32_t golden = year % 19, century = year / 100, rest = year % 100;
  const std::int32_t correction = (century - (century + 8) / 25 + 1) / 3;
  const std::int32_t epact = (19 * golden + century - century / 4 - correction + 15) % 30;
  const std::int32_t to_sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
  const std::int32_t late = (golden + 11 * epact + 22 * to_sunday) / 451;
  const std::int32_t sum = epact + to_sunday - 7 * late + 114;
  return day_of({year, static_cast<std::uint32_t>(sum / 31), static_cast<std::uint32_t>(sum % 31 + 1)});
}

bool is_business_day(BusinessCalendar calendar, Day day) noexcept {
  const unsigned of_week = weekday(day);
  if (of_week == kSunday || of_week == kSaturday) return false;
  return calendar == BusinessCalendar::target ? !is_target_holiday(day) : !is_federal_holiday(day);
}

Day add_business_days(BusinessCalendar calendar, Day day, int count) noexcept {
  const Day step = count < 0 ? -1 : 1;
  if (count == 0) {
    while (!is_business_day(calendar, day)) ++day;
    return day;
  }
  for (int left = std::abs(count); left > 0;) {
    day += step;
    if (is_business_day(calendar, day)) --left;
  }
  return day;
}

int business_days_between(BusinessCalendar calendar, Day from, Day to) noexcept {
  int count = 0;
  for (Day day = from + 1; day <= to; ++day) count += is_business_day(calendar, day) ? 1 : 0;
  return count;
}

}  // namespace settlers::bank
