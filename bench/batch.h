#pragma once

// Figures of checking signatures together: the library alone, the daemon with and without, wrong signatures among good
// ones, and one server that sends nothing but wrong ones.

#include "bench/run.h"

namespace bench {

base::Result<void> bench_batch(Context& context);

}  // namespace bench
