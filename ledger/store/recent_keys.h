#pragma once

// One generation of replay keys in memory: an insert-only hash table. Keys and hits lie densely in insertion order; the
// table proper holds 32-bit positions, so a key costs 48 bytes and two table cells. Seeded, because keys are chosen by
// outsiders. Written by one thread; once nobody writes, any thread may read.

#include <cstdint>
#include <optional>
#include <vector>

#include "ledger/core/replay_index.h"

namespace ledger::store {

class RecentKeys {
 public:
  struct Row {
    core::ReplayKey key;
    core::ReplayHit hit;
  };

  // Room for `expected` keys is set aside at once: growing later would delay one unlucky commit.
  RecentKeys(std::uint64_t seed, std::size_t expected);

  std::optional<core::ReplayHit> find(const core::ReplayKey& key) const;
  // CHECKs that the key is new: core asks find() first.
  void insert(const core::ReplayKey& key, const core::ReplayHit& hit);
  std::size_t size() const noexcept { return rows_.size(); }
  const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  static constexpr std::uint32_t kEmpty = UINT32_MAX;
  void grow();
  std::size_t cell_of(const core::ReplayKey& key) const;

  std::uint64_t seed_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> cells_;  // power of two, at most half full
};

}  // namespace ledger::store
