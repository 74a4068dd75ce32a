#include "ledger/core/period.h"

namespace ledger::core {
namespace {

using commitments::tab::Period;

constexpr std::uint64_t kHour = 3600;
constexpr std::uint64_t kDay = 24 * kHour;

// Days from 1970-01-01 to the first of the month of `day`. Years are counted from March 1st of year 0 of a 400-year
// cycle (146,097 days), so that leap days come last; after Hinnant, "chrono-compatible low-level date algorithms".
std::uint64_t month_start(std::uint64_t day) {
  const std::uint64_t shifted = day + 719'468;  // days since 0000-03-01
  const std::uint64_t day_of_era = shifted % 146'097;
  const std::uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t month = (5 * day_of_year + 2) / 153;  // from March = 0
  const std::uint64_t day_of_month = day_of_year - (153 * month + 2) / 5;
  return day - day_of_month;
}

}  // namespace

base::Time period_start(Period period, base::Time time) {
  const std::uint64_t seconds = time.seconds();
  const std::uint64_t day = seconds / kDay;
  switch (period) {
    case Period::total: return base::Time{};
    case Period::hour: return base::Time::from_seconds(seconds / kHour * kHour);
    case Period::day: return base::Time::from_seconds(day * kDay);
    case Period::week: {
      // 1970-01-01 was a Thursday: three days after a Monday. The first days of 1970 belong to a week cut at 1970.
      const std::uint64_t monday = (day + 3) / 7 * 7;
      return base::Time::from_seconds(monday < 3 ? 0 : (monday - 3) * kDay);
    }
    case Period::month: return base::Time::from_seconds(month_start(day) * kDay);
  }
  return base::Time{};
}

Time MandateState::period_start() const { return core::period_start(mandate.period, counted_at); }

Amount spent_at(const MandateState& state, base::Time time) {
  return period_start(state.mandate.period, time) == state.period_start() ? state.spent() : Amount{};
}

void roll_periods(MandateState& state, base::Time time) {
  if (period_start(Period::hour, time) != period_start(Period::hour, state.counted_at)) {
    for (const Period period : {Period::hour, Period::day, Period::week, Period::month}) {
      if (period_start(period, time) == period_start(period, state.counted_at)) continue;
      state.spent_by_period[static_cast<std::size_t>(period)] = Amount{};
    }
  }
  state.counted_at = time;
}

void count_spending(MandateState& state, base::Time time, Amount amount) {
  roll_periods(state, time);
  for (const Period period : {Period::hour, Period::day, Period::week, Period::month}) {
    Amount& spent = state.spent_by_period[static_cast<std::size_t>(period)];
    spent = base::add_checked(spent, amount);
  }
  if (state.mandate.period != Period::total) return;
  Amount& total = state.spent_by_period[static_cast<std::size_t>(Period::total)];
  total = base::add_checked(total, amount);
}

}  // namespace ledger::core
