#pragma once

// x402 over HTTP beside the unmodified official npm packages: /verify, and complete paid requests.

#include "bench/run.h"

namespace bench {

base::Result<void> bench_x402(Context& context);

}  // namespace bench
