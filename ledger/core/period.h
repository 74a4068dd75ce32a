#pragma once

// The periods of mandates, in UTC.

#include "base/clock.h"
#include "commitments/tab/types.h"

namespace ledger::core {

// The start of the period that contains `time`: the hour, the day, the ISO week (Monday), the first of the month; for a
// total, 1970.
base::Time period_start(commitments::tab::Period period, base::Time time);

}  // namespace ledger::core
