#pragma once

// The yardstick: signature checks of the library alone, on every core, with nothing around them.

#include "base/clock.h"

namespace bench {

struct RawRate {
  double per_s = 0;   // of all threads together
  double cpu_us = 0;  // of one check
};

// With known keys, as the ledger checks those whom it has seen; or recovering the signer, as channels demand.
enum class RawCheck { known_key, recover };
RawRate raw_verifications(const base::Clock& clock, RawCheck check, unsigned threads, double seconds);

}  // namespace bench
