#include "settlers/breaker.h"

#include <algorithm>

#include "base/check.h"

namespace settlers {

std::string_view name(BreakerState state) noexcept {
  switch (state) {
    case BreakerState::closed: return "closed";
    case BreakerState::open: return "open";
    case BreakerState::half_open: return "half_open";
  }
  return "closed";
}

bool Breaker::would_begin(std::uint64_t now_ns) const {
  if (state_ == BreakerState::closed) return true;
  if (state_ == BreakerState::open) return now_ns >= open_until_ns_;
  return !trial_running_;
}

bool Breaker::begin(std::uint64_t now_ns, bool& trial) {
  trial = false;
  if (!would_begin(now_ns)) return false;
  if (state_ == BreakerState::closed) return true;
  state_ = BreakerState::half_open;
  trial_running_ = true;
  trial = true;
  return true;
}

void Breaker::end(std::uint64_t now_ns, bool trial, RailHealth health) {
  if (trial) {
    CHECK(trial_running_);
    trial_running_ = false;
    if (health == RailHealth::good) {
      state_ = BreakerState::closed;
      faults_in_a_row_ = 0;
      openings_ = 0;
    } else if (health == RailHealth::fault) {
      open(now_ns);
    }
    return;
  }
  // An operation from before the opening says nothing about the rail now.
  if (state_ != BreakerState::closed) return;
  if (health == RailHealth::good) {
    faults_in_a_row_ = 0;
    openings_ = 0;
  } else if (health == RailHealth::fault && ++faults_in_a_row_ >= options_.failures_to_open) {
    open(now_ns);
  }
}

void Breaker::open(std::uint64_t now_ns) {
  std::uint64_t wait_ms = options_.open_ms;
  for (std::uint32_t i = 0; i < openings_ && wait_ms < options_.open_ms_max; ++i) wait_ms *= 2;
  wait_ms = std::min(wait_ms, options_.open_ms_max);
  ++openings_;
  faults_in_a_row_ = 0;
  state_ = BreakerState::open;
  open_until_ns_ = now_ns + wait_ms * 1'000'000;
}

}  // namespace settlers
