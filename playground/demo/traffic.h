#pragma once

// The resource servers: each a thread with its own connection, which sells to the agents, signs for everybody and
// submits what they promised. A few items are wrong on purpose. Everything that was acknowledged is added up here,
// independently of the ledger, so that the books can be compared with it.

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "playground/demo/stage.h"

namespace playground::demo {

struct TrafficStats {
  std::uint64_t items = 0;    // accepted, without repeated ones
  std::uint64_t charges = 0;  // what they charged: usages
  std::uint64_t batches = 0;
  std::uint64_t repeated = 0;                     // the same item again: the first result, no second charge
  std::map<base::Status, std::uint64_t> refused;  // as it must be
  std::vector<std::string> wrong;                 // answers that are not as they must be
  std::array<core::Amount, kPayers> charged;      // by payer
  std::uint64_t p50_us = 0;                       // of submit: from the call to the durable answer
  std::uint64_t p99_us = 0;
  std::string failure;  // a server could not go on
};

class Traffic {
 public:
  // `stage` must outlive this. Starts selling at once.
  Traffic(const Stage& stage, const tabd::Client& facts);
  ~Traffic() { finish(); }
  // No new sales; open holds are captured. Waits for the threads. Idempotent.
  void finish();
  TrafficStats stats() const;

 private:
  class Server;
  void record(const TrafficStats& part, std::uint64_t latency_us);
  void run_server(std::size_t index);

  const Stage& stage_;
  commitments::tab::Domain domain_;
  commitments::tab::AssetTable assets_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  TrafficStats stats_;                    // under mutex_, without percentiles
  std::vector<std::uint64_t> latencies_;  // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace playground::demo
