#pragma once

// The commitments of holds that this front made or met, so that a settlement of the very same commitment captures its
// hold without another look at it. A commitment that is not here is shown to the ledger again: slower, same answer.

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "base/bytes.h"
#include "commitments/tab/types.h"

namespace facilitator {

// Not safe for concurrent use.
class HoldCache {
 public:
  // `seed` keeps outsiders from preparing collisions. Beyond `capacity` the oldest goes.
  HoldCache(std::size_t capacity, std::uint64_t seed);

  void insert(const commitments::tab::Item& hold);
  // Same payer, nonce and everything else that was signed, and the same signature.
  bool holds(const commitments::tab::Item& hold) const;

 private:
  struct Key {
    base::Address payer;
    base::u128 nonce = 0;
    bool operator==(const Key&) const = default;
  };
  struct HashKey {
    std::uint64_t seed;
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Signed {
    commitments::tab::SingleUse single;
    base::Address signer;
    base::Signature signature;
  };
  static Key key_of(const commitments::tab::Item& hold) { return {hold.single.payer, hold.single.nonce}; }

  const std::size_t capacity_;
  std::unordered_map<Key, Signed, HashKey> signed_;
  std::deque<Key> order_;
};

}  // namespace facilitator
