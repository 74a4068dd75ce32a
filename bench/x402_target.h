#pragma once

// What bench/x402/stage.mjs has set up, and the signed requests for it.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/secp256k1.h"

namespace bench {

// Somebody who signs promises that differ in one number: a channel's or a tab's vouchers, or single-use commitments.
struct X402Party {
  crypto::SecretKey key;
  std::function<base::Hash(std::uint64_t number)> digest;
  std::string body;        // JSON with @NUMBER@ and @SIGNATURE@
  std::uint64_t next = 1;  // the first promise that was not sent; promise n has the number n * kPrice
};

// One endpoint and those who pay at it.
struct X402Target {
  std::string name;
  std::uint16_t port = 0;
  std::string head;                                // of a request: the body follows, or goes in for @BASE64@
  std::string expect;                              // stands in every good answer
  std::vector<std::pair<std::string, int>> watch;  // processes: what they are, and their ids
  std::vector<X402Party> parties;
};

// The stage's manifest. An error names the member that is missing or wrong.
base::Result<std::vector<X402Target>> parse_targets(std::string_view json);

// `count` signed requests, spread over connections and over the first `parties` parties in turn; signed on `threads`
// threads. Takes nothing off: see mark_sent.
std::vector<std::vector<std::string>> make_requests(const X402Target& target, std::size_t connections,
                                                    std::size_t parties, std::size_t count, unsigned threads);
// After the connections sent so many of these requests: their promises are used.
void mark_sent(X402Target& target, std::size_t parties, const std::vector<std::uint64_t>& sent);

}  // namespace bench
