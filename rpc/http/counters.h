#pragma once

// What the HTTP front counts. Written by its thread, read by scrapes.

#include <array>
#include <atomic>
#include <cstdint>

#include "rpc/http/message.h"

namespace rpc::http {

using Count = std::atomic<std::uint64_t>;

inline constexpr std::size_t kStatusClasses = 4;  // 2xx, 4xx, 429, 5xx
inline constexpr std::array<const char*, kStatusClasses> kStatusClassNames = {"2xx", "4xx", "429", "5xx"};

struct Counters {
  Count connections{0};                // open
  Count connections_total{0};          // accepted
  Count connections_refused_total{0};  // over a cap
  Count tls_failures_total{0};
  Count timeouts_total{0};      // connections that a deadline ended
  Count bad_requests_total{0};  // bytes that are no acceptable HTTP request
  Count in_flight{0};           // requests without an answer
  Count unauthorised_total{0};  // no API key, or an unknown one
  Count payments_total{0};      // verified or settled, batch items included
  Count request_us_total{0};    // from the last byte of a request to its answer
  std::array<std::array<Count, kStatusClasses>, kRoutes> answers{};

  void count(Route route, unsigned status) {
    const std::size_t of = status < 400 ? 0 : status == 429 ? 2 : status < 500 ? 1 : 3;
    ++answers[static_cast<std::size_t>(route)][of];
  }
};

}  // namespace rpc::http
