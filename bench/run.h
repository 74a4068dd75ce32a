#pragma once

// One run of the benchmark: what it was told, where its figures go, and the child processes that it starts.

#include <algorithm>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "bench/client.h"
#include "bench/daemon.h"
#include "bench/report.h"
#include "bench/traffic.h"

namespace bench {

struct Options {
  std::string self;  // this program
  std::string tabd;
  std::string json = "bench.json";
  std::string directory;  // temporary
  bool quick = false;
  std::string part;                      // batch, large, rails, x402; empty: everything
  std::string target;                    // of HTTP, this one alone: for profiling
  std::string stage = TABD_BENCH_STAGE;  // bench/x402/stage.mjs
  std::uint64_t records = 10'000'000;
  std::uint64_t payers = 1'000'000;
  std::uint64_t collections = 1'000'000;
};

struct Context {
  const Options& options;
  Report& report;
  base::SystemClock clock;
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
};

// Signs one kind of traffic, valid for a day, into a file of the run's folder.
base::Result<std::string> sign_traffic(const Context& context, TrafficSpec traffic, const std::string& name);
// Sends it from a process of its own and says how it went; an error if an item was refused.
base::Result<LoadResult> send_traffic(const Context& context, const DaemonUnderTest& daemon, LoadSpec spec);

// Runs this program again with other words, passes on its lines of progress and returns its last line. `killed`: it
// ends by SIGKILL, and by nothing else.
base::Result<std::string> run_self(const Options& options, const std::string& words, bool killed);

}  // namespace bench
