#pragma once

// RpcCounters while they are counted. Any thread.

#include <atomic>
#include <cstdint>

#include "rpc/capnp/server.h"

namespace rpc {

struct LiveCounters {
  std::atomic<std::uint64_t> connections{0}, connections_total{0}, connections_refused_total{0},
      connections_closed_total{0}, logins_total{0}, login_failures_total{0}, batches_total{0}, items_total{0},
      items_malformed_total{0}, calls_in_flight{0}, overloaded_total{0}, subscribers{0}, subscribers_dropped_total{0};
  RpcCounters snapshot() const;
};

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace rpc
