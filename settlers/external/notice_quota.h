#pragma once

// How many notices one rail may record: so many a second, and so many open ones. What rails say on their own is kept
// for ever, and the ledger keeps a bounded number of open ones for all rails together; one rail must not use up the
// others'. Times are base::Clock::monotonic_ns(). Not safe for concurrent use.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace settlers::external {

class NoticeQuota {
 public:
  // Recounted at most this often.
  static constexpr std::uint64_t kRecountNs = 30'000'000'000;
  // A pause is followed by as much as this many seconds' worth at once.
  static constexpr std::uint64_t kBurstS = 10;

  NoticeQuota(std::uint32_t per_second, std::size_t open_max)
      : per_second_(per_second), open_max_(open_max), tokens_(burst()) {}

  // Milliseconds to wait before `count` notices may come; 0: now, and they are counted.
  std::uint64_t take(std::uint64_t now_ns, std::size_t count) {
    refill(now_ns);
    const std::uint64_t wanted = std::min<std::uint64_t>(count, burst()) * kScale;
    if (tokens_ < wanted) return (wanted - tokens_) / per_second_ + 1;
    tokens_ -= wanted;
    return 0;
  }
  bool is_full(std::size_t more) const { return open_ + more > open_max_; }
  std::size_t open_max() const { return open_max_; }
  // What was recorded; perhaps it is open.
  void add(std::size_t count) { open_ += count; }
  // Whether it is time to count the open ones again; then set_open() follows.
  bool begin_recount(std::uint64_t now_ns) {
    if (recounted_ns_ && now_ns - *recounted_ns_ < kRecountNs) return false;
    recounted_ns_ = now_ns;
    return true;
  }
  void set_open(std::size_t count) { open_ = count; }

 private:
  static constexpr std::uint64_t kScale = 1000;  // tokens are thousandths of notices: one for each millisecond
  std::uint64_t burst() const { return std::uint64_t{per_second_} * kBurstS * kScale; }
  void refill(std::uint64_t now_ns) {
    const std::uint64_t now_ms = now_ns / 1'000'000;
    const std::uint64_t passed_ms = std::min<std::uint64_t>(now_ms - std::min(last_ms_, now_ms), kBurstS * 1000);
    tokens_ = std::min(burst(), tokens_ + passed_ms * per_second_);
    last_ms_ = now_ms;
  }

  const std::uint32_t per_second_;
  const std::size_t open_max_;
  std::uint64_t tokens_;
  std::uint64_t last_ms_ = 0;
  std::size_t open_ = 0;
  std::optional<std::uint64_t> recounted_ns_;
};

}  // namespace settlers::external
