#pragma once

// What happens when a ledger is large: ten million records to open again, a million payers to bill.

#include "bench/run.h"

namespace bench {

// Kills a process that fills a ledger and measures until a daemon on the same folder answers.
base::Result<void> bench_recovery(Context& context);

// Lets the windows of a million payers end at the same instant under a daemon that is loaded with signed traffic
// through RPC, before and meanwhile, and adds up afterwards whether every charge was billed once.
base::Result<void> bench_payers(Context& context);

}  // namespace bench
