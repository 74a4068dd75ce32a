#include "ops/charge_rate.h"

#include <algorithm>

namespace ops {

void ChargeRate::add(base::Time when, std::uint64_t charges) {
  const std::uint64_t second = when.seconds();
  const std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_[second % buckets_.size()];
  if (bucket.second > second) return;
  if (bucket.second < second) bucket = {second, 0};
  bucket.charges += charges;
}

std::vector<std::uint64_t> ChargeRate::before(base::Time now, std::size_t seconds) const {
  const std::size_t count = std::min(seconds, kSecondsMax);
  std::vector<std::uint64_t> result;
  result.reserve(count);
  const std::lock_guard lock(mutex_);
  for (std::size_t ago = count; ago > 0; --ago) {
    if (now.seconds() < ago) {
      result.push_back(0);
      continue;
    }
    const std::uint64_t second = now.seconds() - ago;
    const Bucket& bucket = buckets_[second % buckets_.size()];
    result.push_back(bucket.second == second ? bucket.charges : 0);
  }
  return result;
}

}  // namespace ops
