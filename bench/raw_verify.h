#pragma once

#include "base/clock.h"

namespace bench {

// Signatures that libsecp256k1 verifies in a second on all cores: distinct digests, 64 keys already decoded, nothing
// else. The yardstick for everything that tabd does around a signature.
double raw_verifications_per_s(const base::Clock& clock, unsigned threads, double seconds);

}  // namespace bench
