#pragma once

// Collections by the million: planned, written as SEPA files, refused and booked by a bank's answers, posted; and what
// the daemon takes in of webhooks. docs/performance.md says what each figure is.

#include "base/result.h"
#include "bench/run.h"

namespace bench {

base::Result<void> bench_rails(Context& context);

}  // namespace bench
