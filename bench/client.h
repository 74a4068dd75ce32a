#pragma once

// The load generator: a resource server in a process of its own. It reads prepared batches, sends them through RPC and
// measures until the last answer. The clock of a paced batch starts when it was due, not when it was sent, so a stall
// of the daemon shows in every batch that it delayed.

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace bench {

struct LoadSpec {
  std::string socket;
  std::string traffic_file;
  std::size_t in_flight = 8;  // batches; the bound in both modes
  double batches_per_s = 0;   // 0: as fast as answers come
  std::uint64_t start_s = 0;  // since 1970; not before
  std::uint64_t server = 0;   // who sends: 0 or 1
  bool refusals = false;      // some items are to be refused
  std::string stop_file;      // ends early, answers in flight included, when this file exists
};

struct LoadResult {
  double seconds = 0;
  std::uint64_t accepted_items = 0;
  std::uint64_t refused_items = 0;
  double p50_ms = 0;  // of a batch's answer
  double p99_ms = 0;
  double max_ms = 0;
};

base::Result<LoadResult> run_load(const LoadSpec& spec, const base::Clock& clock);

// The same in a child process: starts this program again with `client ...` and reads its answer.
base::Result<LoadResult> run_load_process(const std::string& program, const LoadSpec& spec);
// What the child prints, one line.
std::string encode_result(const LoadResult& result);

}  // namespace bench
