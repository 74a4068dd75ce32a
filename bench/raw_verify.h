#pragma once

// The yardstick: signature checks of the library alone, on every core, with nothing around them.

#include <cstddef>

#include "base/clock.h"
#include "base/limits.h"

namespace bench {

struct RawRate {
  double per_s = 0;   // of all threads together
  double cpu_us = 0;  // of one check
};

// With known keys one by one, as the ledger checks those whom it has seen when they come alone; recovering the signer,
// as channels demand; or with known keys `at_once` in one check (a divisor of 4096; the ledger's most without it).
// `wrong_share` of the signatures are wrong.
enum class RawCheck { known_key, recover, together };
RawRate raw_verifications(const base::Clock& clock, RawCheck check, unsigned threads, double seconds,
                          double wrong_share = 0, std::size_t at_once = base::limits::kVerifyTogetherItemsMax);

}  // namespace bench
