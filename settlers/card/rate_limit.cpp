#include "settlers/card/rate_limit.h"

#include <algorithm>

#include "base/amount.h"

namespace settlers::card {

namespace {

constexpr std::uint64_t kCall = 1'000'000'000;  // tokens of one call; also nanoseconds of a second
constexpr std::uint64_t kMilli = 1'000;
constexpr std::uint64_t kSlowestMilliPerSecond = 500;
// A pause of any length fills a bucket, and brings its rate back.
constexpr std::uint64_t kElapsedNsMax = 20 * kCall;
// The part of the full rate that each second gives back.
constexpr std::uint64_t kRecovery = 10;

}  // namespace

TokenBucket::TokenBucket(std::uint32_t per_s)
    : full_milli_per_s_(std::clamp(per_s, 1U, 1'000'000U) * kMilli),
      milli_per_s_(full_milli_per_s_),
      tokens_(full_milli_per_s_ / kMilli * kCall) {}

void TokenBucket::refill(std::uint64_t now_ns) {
  if (filled_ns_ == 0) filled_ns_ = now_ns;
  if (now_ns <= filled_ns_) return;
  const base::u128 elapsed_ns = std::min(now_ns - filled_ns_, kElapsedNsMax);
  filled_ns_ = now_ns;
  const std::uint64_t room = std::max(milli_per_s_ / kMilli, std::uint64_t{1}) * kCall;
  const auto gained = static_cast<std::uint64_t>(elapsed_ns * milli_per_s_ / kMilli);
  tokens_ = std::min(room, tokens_ + gained);
  const auto recovered = static_cast<std::uint64_t>(elapsed_ns * full_milli_per_s_ / (kRecovery * kCall));
  milli_per_s_ = std::min(full_milli_per_s_, milli_per_s_ + recovered);
}

std::uint64_t TokenBucket::wait_ns(std::uint64_t now_ns) {
  refill(now_ns);
  if (now_ns < paused_until_ns_) return paused_until_ns_ - now_ns;
  if (tokens_ >= kCall) return 0;
  return (kCall - tokens_) * kMilli / milli_per_s_ + 1;
}

void TokenBucket::take() { tokens_ -= std::min(tokens_, kCall); }

void TokenBucket::pause(std::uint64_t now_ns, std::uint64_t for_ns) {
  refill(now_ns);
  milli_per_s_ = std::max(kSlowestMilliPerSecond, milli_per_s_ / 2);
  paused_until_ns_ = std::max(paused_until_ns_, now_ns + for_ns);
}

TokenBucket& RateLimit::bucket(std::string_view endpoint) {
  const auto found = endpoints_.find(endpoint);
  if (found != endpoints_.end()) return found->second;
  return endpoints_.emplace(std::string(endpoint), TokenBucket(endpoint_per_s_)).first->second;
}

std::uint64_t RateLimit::wait_ns(std::string_view endpoint, std::uint64_t now_ns) {
  return std::max(total_.wait_ns(now_ns), bucket(endpoint).wait_ns(now_ns));
}

void RateLimit::take(std::string_view endpoint) {
  total_.take();
  bucket(endpoint).take();
}

void RateLimit::pause(std::string_view endpoint, std::uint64_t now_ns, std::uint64_t for_ns, bool everything) {
  bucket(endpoint).pause(now_ns, for_ns);
  if (everything) total_.pause(now_ns, for_ns);
}

}  // namespace settlers::card
