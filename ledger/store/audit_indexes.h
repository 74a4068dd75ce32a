#pragma once

// The audit's view of the replay and history indexes: everything that the journal says must be in them, nothing else
// may be. Internal to ledger/store.

#include <optional>
#include <string>
#include <vector>

#include "ledger/core/replay_index.h"
#include "ledger/store/audit.h"
#include "ledger/store/database.h"
#include "ledger/store/keys.h"
#include "ledger/store/recent_keys.h"

namespace ledger::store {

class IndexAudit final : public core::ReplayIndex {
 public:
  // `indexed`: up to where the indexes on disk must be complete.
  IndexAudit(const Database& database, core::Sequence indexed);

  // What the replay of entry `sequence` gives, until the next call.
  void at(core::Sequence sequence) { sequence_ = sequence; }
  // An item that was accepted twice is a difference, wherever its first acceptance is.
  std::optional<core::ReplayHit> find(const core::ReplayKey& key) override;
  void insert(const core::ReplayKey& key, const core::ReplayHit& hit) override;
  void history(core::PayerId payer, HistoryClass of, core::Sequence sequence);

  // Compares what has been collected; call it now and then, and at the end before finish().
  base::Result<std::optional<AuditDifference>> compare();
  // Rows that the journal does not account for.
  base::Result<std::optional<AuditDifference>> finish();
  std::uint64_t keys() const noexcept { return keys_; }

 private:
  struct Pending {
    core::Sequence sequence;
    core::ReplayKey key;
    core::ReplayHit hit;
  };
  std::optional<AuditDifference> compare_one(const Pending& pending, const std::optional<core::ReplayHit>& stored);

  const Database& database_;
  const core::Sequence indexed_;
  core::Sequence sequence_;
  std::vector<Pending> pending_;
  RecentKeys recent_;  // keys after `indexed_`
  std::uint64_t keys_ = 0;
  std::uint64_t history_sum_ = 0;  // of a hash of each history fact up to `indexed_`
  std::uint64_t history_facts_ = 0;
};

}  // namespace ledger::store
