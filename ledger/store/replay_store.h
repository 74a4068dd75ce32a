#pragma once

// The exact record of accepted items: the last ones in memory, older ones in the `replay` family behind a Bloom filter,
// so that a new item costs no read from disk. Memory holds at most three generations of keys.

#include <cstdint>
#include <memory>
#include <vector>

#include "ledger/core/replay_index.h"
#include "ledger/store/database.h"
#include "ledger/store/failure.h"
#include "ledger/store/follower.h"

namespace ledger::store {

// Used by the writer thread (at open: by the opening thread).
class ReplayStore final : public core::ReplayIndex {
 public:
  // `recent_keys`: about how many keys stay in memory; half of them are one generation.
  ReplayStore(Database& database, Follower& follower, Failure& failure, std::size_t recent_keys);

  std::optional<core::ReplayHit> find(const core::ReplayKey& key) override;
  void insert(const core::ReplayKey& key, const core::ReplayHit& hit) override;

  // All keys up to `last`, the end of a segment, have been inserted. Starts a new generation when this one is large
  // enough, and waits when disk is two generations behind.
  void segment_done(core::Sequence last);
  // At shutdown: hands over the present generation if reading it again at the next open would take noticeable time.
  void close(core::Sequence last);

 private:
  void hand_over(core::Sequence last);
  std::shared_ptr<Generation> new_generation() const;

  Database& database_;
  Follower& follower_;
  Failure& failure_;
  std::size_t generation_keys_;
  std::uint64_t seed_;
  std::shared_ptr<Generation> active_;
  core::Sequence active_since_;
  std::vector<std::shared_ptr<Generation>> waiting_;  // handed over, oldest first
  bool anything_on_disk_;
};

}  // namespace ledger::store
