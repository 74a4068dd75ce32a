#pragma once

// Token buckets: one for all calls, one for each kind of call. When the provider says that it is too much, the kind (or
// everything) pauses as long as it says, and its rate halves; each second without a complaint gives a tenth back. Pure:
// time is passed in.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace settlers::card {

class TokenBucket {
 public:
  // At least 1 and at most 1,000,000 calls a second.
  explicit TokenBucket(std::uint32_t per_s);
  // How long until one more call may be made; 0: now. Takes nothing.
  std::uint64_t wait_ns(std::uint64_t now_ns);
  void take();  // after wait_ns() gave 0
  void pause(std::uint64_t now_ns, std::uint64_t for_ns);

 private:
  void refill(std::uint64_t now_ns);
  std::uint64_t full_milli_per_s_;
  std::uint64_t milli_per_s_;
  std::uint64_t tokens_;  // billionths of a call
  std::uint64_t filled_ns_ = 0;
  std::uint64_t paused_until_ns_ = 0;
};

class RateLimit {
 public:
  RateLimit(std::uint32_t total_per_s, std::uint32_t endpoint_per_s)
      : endpoint_per_s_(endpoint_per_s), total_(total_per_s) {}
  // `endpoint` is one of few names, such as "POST /v1/transfers".
  std::uint64_t wait_ns(std::string_view endpoint, std::uint64_t now_ns);
  void take(std::string_view endpoint);
  // `everything`: the account as a whole is limited.
  void pause(std::string_view endpoint, std::uint64_t now_ns, std::uint64_t for_ns, bool everything);

 private:
  TokenBucket& bucket(std::string_view endpoint);
  const std::uint32_t endpoint_per_s_;
  TokenBucket total_;
  std::map<std::string, TokenBucket, std::less<>> endpoints_;
};

}  // namespace settlers::card
