#pragma once

// Time is passed in. base/clock.cpp is the only file that reads the real clock (a lint test says so).

#include <compare>
#include <cstdint>

namespace base {

// Microseconds since 1970-01-01T00:00:00Z. Journal, statements and settlements use it; EIP-712 fields are in seconds.
struct Time {
  std::uint64_t us = 0;

  static constexpr Time from_seconds(std::uint64_t seconds) noexcept { return Time{seconds * 1'000'000}; }
  constexpr std::uint64_t seconds() const noexcept { return us / 1'000'000; }
  constexpr auto operator<=>(const Time&) const = default;
};

// The wall clock, and a steady clock for measuring. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;                    // may jump both ways
  virtual std::uint64_t monotonic_ns() const = 0;  // never goes back; only differences mean something
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  std::uint64_t monotonic_ns() const override;
};

// A clock that tests and the simulator set by hand. Not safe for use by several threads while it is being set.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : now_(start) {}
  Time now() const override { return now_; }
  std::uint64_t monotonic_ns() const override { return monotonic_ns_; }
  void set(Time time) { now_ = time; }
  void advance_us(std::uint64_t us) {
    now_.us += us;
    monotonic_ns_ += us * 1000;
  }

 private:
  Time now_;
  std::uint64_t monotonic_ns_ = 0;
};

}  // namespace base
