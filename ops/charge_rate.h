#pragma once

// How many charges were recorded in each of the last seconds, by the ledger's clock.

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace ops {

// Safe from any thread. add() is cheap enough for the thread that acknowledges commits.
class ChargeRate {
 public:
  static constexpr std::size_t kSecondsMax = 299;  // that before() can give: five minutes, less the running second

  // `when` must not be far before earlier ones: a second that has left the ring is forgotten.
  void add(base::Time when, std::uint64_t charges);
  // The `seconds` (at most kSecondsMax) whole seconds before the one of `now`, oldest first.
  std::vector<std::uint64_t> before(base::Time now, std::size_t seconds) const;

 private:
  struct Bucket {
    std::uint64_t second = 0;
    std::uint64_t charges = 0;
  };
  mutable std::mutex mutex_;
  std::array<Bucket, kSecondsMax + 1> buckets_{};  // guarded by mutex_; a second is in bucket second % size
};

}  // namespace ops
