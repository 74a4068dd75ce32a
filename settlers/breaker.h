#pragma once

// A circuit breaker for one rail: after several faults in a row nothing is tried for a while, then one operation at a
// time is let through as a trial. A decline is not a fault: it shows that the rail works.

#include <cstdint>

#include "settlers/dispatcher.h"

namespace settlers {

// What an operation showed about the rail.
enum class RailHealth : std::uint8_t {
  good,     // it answered, whatever the answer
  fault,    // it did not, or its machinery failed
  unknown,  // it was not asked
};

// Times are base::Clock::monotonic_ns(). Not safe for concurrent use.
class Breaker {
 public:
  explicit Breaker(BreakerOptions options) : options_(options) {}

  // Whether an operation may begin now. If so, `trial` says whether the breaker waits for its result; every begun
  // operation is reported with end().
  bool begin(std::uint64_t now_ns, bool& trial);
  void end(std::uint64_t now_ns, bool trial, RailHealth health);
  // Whether begin() would say yes.
  bool would_begin(std::uint64_t now_ns) const;

  BreakerState state() const { return state_; }

 private:
  void open(std::uint64_t now_ns);

  BreakerOptions options_;
  BreakerState state_ = BreakerState::closed;
  bool trial_running_ = false;
  std::uint32_t faults_in_a_row_ = 0;
  std::uint32_t openings_ = 0;  // without a success in between
  std::uint64_t open_until_ns_ = 0;
};

}  // namespace settlers
