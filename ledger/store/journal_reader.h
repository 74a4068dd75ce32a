#pragma once

// Entries and segments by number, and the history of a payer. Internal to ledger/store; any thread.

#include <vector>

#include "ledger/api/reader.h"
#include "ledger/store/database.h"
#include "ledger/store/keys.h"

namespace ledger::store {

class Follower;

class JournalReader {
 public:
  // `follower` null: the history family reaches as far as its mark says, and the rest is not found by payer.
  JournalReader(const Database& database, const Follower* follower) : database_(database), follower_(follower) {}

  base::Result<std::vector<api::StoredEntry>> entries(core::Sequence from, std::size_t limit) const;
  base::Result<api::StoredEntry> entry(core::Sequence sequence) const;
  base::Result<std::vector<api::StoredEntry>> of_payer(core::PayerId payer, HistoryClass of, core::Sequence after,
                                                       std::size_t limit) const;
  base::Result<core::Segment> segment_of(core::Sequence sequence) const;
  base::Result<core::Segment> segment(core::SegmentId id) const;
  base::Result<std::vector<core::Hash>> segment_hashes(core::SegmentId first, std::size_t count) const;

 private:
  base::Result<std::vector<core::Sequence>> indexed(core::PayerId payer, HistoryClass of, core::Sequence after,
                                                    std::size_t limit) const;

  const Database& database_;
  const Follower* follower_;
};

}  // namespace ledger::store
