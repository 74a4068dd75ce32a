#pragma once

// The periods of mandates, in UTC, and what is spent in them.

#include "base/clock.h"
#include "ledger/core/types.h"

namespace ledger::core {

// The start of the period that contains `time`: the hour, the day, the ISO week (Monday), the first of the month; for a
// total, 1970.
base::Time period_start(commitments::tab::Period period, base::Time time);

// What counts against the mandate's cap at `time`.
Amount spent_at(const MandateState& state, base::Time time);
// Forgets what was spent in periods that have ended at `time`, which must not be before `counted_at`.
void roll_periods(MandateState& state, base::Time time);
// Counts a charge at `time`.
void count_spending(MandateState& state, base::Time time, Amount amount);

}  // namespace ledger::core
