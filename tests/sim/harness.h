#pragma once

// Runs one ledger state machine the way the store does, in memory: segments, rows, a replay index, restarts.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/calendar.h"
#include "base/check.h"
#include "ledger/core/state_machine.h"

namespace sim {

namespace core = ledger::core;

// An exact replay index in a map.
class MapReplayIndex final : public core::ReplayIndex {
 public:
  std::optional<core::ReplayHit> find(const core::ReplayKey& key) override;
  void insert(const core::ReplayKey& key, const core::ReplayHit& hit) override;
  const std::map<core::ReplayKey, core::ReplayHit>& hits() const { return hits_; }

 private:
  std::map<core::ReplayKey, core::ReplayHit> hits_;
};

// Rows as a store would hold them. CHECKs that nothing is erased that was not there.
class MapRows final : public core::RowSink {
 public:
  void put(base::ByteView key, base::ByteView value) override;
  void erase(base::ByteView key) override;
  const std::map<core::Bytes, core::Bytes>& rows() const { return rows_; }

  // The object of one key, or of every key of a table.
  template <typename T>
  std::optional<T> get(const core::Bytes& key) const {
    const auto at = rows_.find(key);
    if (at == rows_.end()) return std::nullopt;
    return decoded<T>(at->second);
  }
  template <typename T, typename Visit>
  void for_each(core::Table table, const Visit& visit) const {
    const core::Bytes prefix = core::table_prefix(table);
    for (auto at = rows_.lower_bound(prefix); at != rows_.end() && at->first[0] == prefix[0]; ++at) {
      visit(at->first, decoded<T>(at->second));
    }
  }

 private:
  template <typename T>
  static T decoded(const core::Bytes& value) {
    base::Result<T> row = core::decode_row<T>(value);
    CHECK_MSG(row.has_value(), "the machine gave a row that cannot be read");
    return std::move(*row);
  }
  std::map<core::Bytes, core::Bytes> rows_;
};

// Gives the command the closed statement that it is about, from the rows, as the store does.
void recall(const core::StateMachine& machine, const MapRows& rows, core::Command& command);

// A stored entry of the journal.
struct JournalEntry {
  core::Sequence sequence;
  core::Entry entry;
  base::Hash leaf;
  base::Time time;
};

class Harness {
 public:
  Harness(const aggregator::Calendar& calendar, const std::string& network, const base::Address& operator_key,
          base::Time start);

  base::Time now() const { return now_; }
  void advance_to(base::Time time) { now_ = std::max(now_, time); }

  // Each makes one segment if anything was written. The new entries are the journal's end from `first_new` on.
  std::vector<core::ItemResult> submit(const commitments::tab::VerifiedBatch& batch);
  core::CommandResult execute(core::Command command);

  const core::StateMachine& machine() const { return *machine_; }
  const MapRows& store() const { return store_; }
  const std::vector<JournalEntry>& journal() const { return journal_; }
  std::size_t first_new() const { return first_new_; }

  // A new machine from the stored rows, given in a random order.
  void restart(std::uint64_t seed);
  // "" if the books add up and the machine's rows are the store's.
  std::string check_rows() const;
  // "" if a second machine that applies the journal comes to the same rows and replay index.
  std::string check_replay() const;

 private:
  void finish_segment(core::SegmentBuilder& builder);

  const aggregator::Calendar& calendar_;
  std::unique_ptr<core::StateMachine> machine_;
  MapReplayIndex replay_;
  MapRows store_;
  std::vector<JournalEntry> journal_;
  std::vector<core::SegmentHeader> segments_;
  std::size_t first_new_ = 0;
  base::Time now_;
};

}  // namespace sim
