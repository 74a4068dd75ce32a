#pragma once

// Many ECDSA signatures checked at once, at a half to a third of the cost of each alone. Needs the sources of
// libsecp256k1 at build time (tools/setup.sh fetches them); a build without them checks one by one behind the same
// interface.
//
// Every signature names its point R (r is its x, v says which of two), so it is good exactly when u1 G + u2 Q - R is
// the point at infinity. A batch computes one sum of all of these, each multiplied by a number of 127 bits that is
// drawn after the batch is fixed. If any signature is bad, the sum is infinity for at most one value of that
// signature's number, whatever the others are: a chance of 2^-127. So a batch accepts and refuses what verify() does
// (SECURITY.md).

#include <cstdint>
#include <memory>
#include <span>

#include "crypto/secp256k1.h"

namespace crypto {

// Whether this build has the curve arithmetic that batches need.
bool batch_verification_built() noexcept;

// What a BatchVerifier did so far. Counters.
struct BatchTally {
  std::uint64_t batches = 0;         // sums over two or more signatures that were the whole of a call
  std::uint64_t failed_batches = 0;  // those of them that found a bad signature among theirs
  std::uint64_t items = 0;           // signatures that a sum proved
  std::uint64_t single_items = 0;    // signatures that were checked one by one for whatever reason
  BatchTally& operator+=(const BatchTally& other) noexcept;
};

// Keeps its working memory between calls, about 2 KiB for each signature of the largest batch. For one thread at a
// time.
class BatchVerifier {
 public:
  // Fills the span with bytes that no submitter can foresee. Tests pass others to show what happens then.
  using Fill = void (*)(std::span<std::uint8_t>);
  // At most so many signatures in one sum.
  static constexpr std::size_t kItemsMax = 1024;

  explicit BatchVerifier(Fill fill = nullptr);  // null: random_bytes, fresh from the operating system for each sum
  ~BatchVerifier();
  BatchVerifier(const BatchVerifier&) = delete;
  BatchVerifier& operator=(const BatchVerifier&) = delete;

  // Answers as verify() does, in order. Items without a key are recovered one by one.
  void verify(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers);
  const BatchTally& tally() const noexcept { return tally_; }

 private:
  struct Workspace;
  void verify_block(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers);
  bool sum_is_zero(std::size_t first, std::size_t count);
  void settle(std::size_t first, std::size_t count, bool known_bad);
  void settle_singly(std::size_t first, std::size_t count);

  const Fill fill_;
  BatchTally tally_;
  std::unique_ptr<Workspace> work_;  // made for the first batch
};

}  // namespace crypto
