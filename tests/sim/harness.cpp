#include "tests/sim/harness.h"

#include <algorithm>
#include <random>

#include "base/check.h"
#include "crypto/merkle.h"

namespace sim {
namespace {

std::string key_text(const core::Bytes& key) { return base::to_hex(base::ByteView(key)); }

// "" or the first row that is in only one of the two, or different.
std::string first_difference(const std::map<core::Bytes, core::Bytes>& left,
                             const std::map<core::Bytes, core::Bytes>& right) {
  auto a = left.begin();
  auto b = right.begin();
  for (; a != left.end() || b != right.end(); ++a, ++b) {
    if (b == right.end() || (a != left.end() && a->first < b->first))
      return "row " + key_text(a->first) + " is only in the first";
    if (a == left.end() || b->first < a->first) return "row " + key_text(b->first) + " is only in the second";
    if (a->second != b->second) {
      return "row " + key_text(a->first) + " differs: " + key_text(a->second) + " and " + key_text(b->second);
    }
  }
  return "";
}

}  // namespace

std::optional<core::ReplayHit> MapReplayIndex::find(const core::ReplayKey& key) {
  const auto at = hits_.find(key);
  if (at == hits_.end()) return std::nullopt;
  return at->second;
}

void MapReplayIndex::insert(const core::ReplayKey& key, const core::ReplayHit& hit) {
  CHECK_MSG(hits_.emplace(key, hit).second, "a replay key was inserted twice");
}

void MapRows::put(base::ByteView key, base::ByteView value) {
  rows_[core::Bytes(key.begin(), key.end())].assign(value.begin(), value.end());
}

void MapRows::erase(base::ByteView key) { rows_.erase(core::Bytes(key.begin(), key.end())); }

Harness::Harness(const aggregator::Calendar& calendar, const std::string& network, const base::Address& operator_key,
                 base::Time start)
    : calendar_(calendar), machine_(std::make_unique<core::StateMachine>(calendar)), now_(start) {
  core::SegmentBuilder builder(core::SegmentId(1), core::Sequence(1), now_);
  machine_->create(network, operator_key, builder);
  finish_segment(builder);
}

std::vector<core::ItemResult> Harness::submit(const commitments::tab::VerifiedBatch& batch) {
  const core::LedgerHead& head = machine_->head();
  core::SegmentBuilder builder(core::SegmentId(head.last_segment.value + 1),
                               core::Sequence(head.last_sequence.value + 1), now_);
  std::vector<core::ItemResult> results(batch.items().size());
  machine_->execute_batch(batch, replay_, builder, results);
  finish_segment(builder);
  return results;
}

void recall(const core::StateMachine& machine, const MapRows& rows, core::Command& command) {
  const core::StatementId id = machine.recalls(command);
  if (!id.valid()) return;
  auto statement = rows.get<core::Statement>(core::row_key(core::Table::statement, id.value));
  if (!statement) return;
  const auto mark = rows.get<core::StatementMark>(core::row_key(core::Table::statement_mark, id.value));
  if (mark) statement->mark = *mark;
  const auto collection =
      rows.get<core::Settlement>(core::row_key(core::Table::settlement, statement->settlement.value));
  core::ClosedStatement closed = core::closed_of(*statement, collection ? &*collection : nullptr);
  if (auto* note = std::get_if<core::CreateCreditNote>(&command)) note->closed = std::move(closed);
  if (auto* refund = std::get_if<core::RefundPayer>(&command)) refund->closed = std::move(closed);
}

core::CommandResult Harness::execute(core::Command command) {
  recall(*machine_, store_, command);
  const core::LedgerHead& head = machine_->head();
  core::SegmentBuilder builder(core::SegmentId(head.last_segment.value + 1),
                               core::Sequence(head.last_sequence.value + 1), now_);
  const core::CommandResult result = machine_->execute(command, replay_, builder);
  finish_segment(builder);
  return result;
}

void Harness::finish_segment(core::SegmentBuilder& builder) {
  first_new_ = journal_.size();
  if (!builder.empty()) {
    const core::LedgerHead& head = machine_->head();
    const core::Segment segment = builder.finish(head.last_segment_hash, head.segments.root());
    base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment.body);
    CHECK(entries.has_value());
    std::uint64_t sequence = segment.header.first_sequence.value;
    for (const base::ByteView bytes : *entries) {
      base::Result<core::Entry> entry = core::decode_entry(bytes);
      CHECK_MSG(entry.has_value(), "the machine wrote an entry that cannot be read");
      journal_.push_back({core::Sequence(sequence++), std::move(*entry), crypto::merkle_leaf(bytes), now_});
    }
    machine_->segment_done(segment.header, core::hash_of(segment.header));
    segments_.push_back(segment.header);
  }
  machine_->drain_changes(store_);
}

void Harness::restart(std::uint64_t seed) {
  auto fresh = std::make_unique<core::StateMachine>(calendar_, seed);
  std::vector<const std::pair<const core::Bytes, core::Bytes>*> rows;
  for (const auto& row : store_.rows()) {
    if (core::StateMachine::loads(static_cast<core::Table>(row.first[0]))) rows.push_back(&row);
  }
  std::mt19937_64 random(seed);
  if (seed % 2 == 0) std::shuffle(rows.begin(), rows.end(), random);
  for (const auto* row : rows) {
    const base::Result<void> loaded = fresh->load_row(row->first, row->second);
    CHECK_MSG(loaded.has_value(), loaded ? "" : loaded.error().message.c_str());
  }
  const base::Result<void> finished = fresh->finish_load();
  CHECK_MSG(finished.has_value(), finished ? "" : finished.error().message.c_str());
  machine_ = std::move(fresh);
  MapRows changes;
  machine_->drain_changes(changes);
  CHECK_MSG(changes.rows().empty(), "loading changed rows");
}

std::string Harness::check_rows() const {
  if (const base::Result<void> books = machine_->check_books(); !books) return "books: " + books.error().message;
  MapRows dumped;
  machine_->dump_rows(dumped);
  for (const auto& [key, value] : dumped.rows()) {
    const auto at = store_.rows().find(key);
    if (at == store_.rows().end()) return "the machine has row " + key_text(key) + ", the store does not";
    if (at->second != value) return "row " + key_text(key) + ": the machine and the store differ";
  }
  return "";
}

std::string Harness::check_replay() const {
  core::StateMachine second(calendar_, 77);
  MapReplayIndex index;
  MapRows rows;
  std::size_t at = 0;
  for (const core::SegmentHeader& segment : segments_) {
    for (std::uint32_t i = 0; i < segment.count; ++i) {
      const JournalEntry& one = journal_[at++];
      const base::Result<void> applied = second.apply(one.entry, one.sequence, one.leaf, one.time, index);
      if (!applied) return "replay of entry " + std::to_string(one.sequence.value) + ": " + applied.error().message;
    }
    second.segment_done(segment, core::hash_of(segment));
    if (segment.number.value % 16 == 0) second.drain_changes(rows);
  }
  second.drain_changes(rows);
  if (const base::Result<void> books = second.check_books(); !books)
    return "books after replay: " + books.error().message;
  if (std::string difference = first_difference(store_.rows(), rows.rows()); !difference.empty())
    return "replay: " + difference;
  if (index.hits().size() != replay_.hits().size()) return "replay: the replay indexes have different sizes";
  for (const auto& [key, hit] : replay_.hits()) {
    const std::optional<core::ReplayHit> again = index.find(key);
    if (!again || again->sequence != hit.sequence || again->content != hit.content)
      return "replay: the replay indexes differ";
  }
  return "";
}

}  // namespace sim
