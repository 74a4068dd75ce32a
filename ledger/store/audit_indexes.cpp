#include "ledger/store/audit_indexes.h"

#include <array>

#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

// Any number: nobody prepares collisions for a sum that is compared once.
constexpr std::uint64_t kSeed = 0x7461626461756474;
constexpr std::size_t kReadTogether = 64;

std::string text(const core::ReplayHit& hit) {
  return "entry " + std::to_string(hit.sequence.value) + ", content " + base::to_hex(hit.content);
}

AuditDifference replay_difference(core::Sequence sequence, const core::ReplayKey& key, std::string stored,
                                  std::string computed) {
  AuditDifference difference;
  difference.sequence = sequence;
  difference.kind = "row: replay index";
  difference.field = base::to_hex(key);
  difference.stored = std::move(stored);
  difference.computed = std::move(computed);
  return difference;
}

}  // namespace

IndexAudit::IndexAudit(const Database& database, core::Sequence indexed)
    : database_(database), indexed_(indexed), recent_(kSeed, 0) {}

// The replay of stored entries does not ask.
std::optional<core::ReplayHit> IndexAudit::find(const core::ReplayKey&) { return std::nullopt; }

void IndexAudit::insert(const core::ReplayKey& key, const core::ReplayHit& hit) {
  pending_.push_back({sequence_, key, hit});
}

void IndexAudit::history(core::PayerId payer, HistoryClass of, core::Sequence sequence) {
  if (sequence > indexed_) return;
  history_sum_ += base::mix_bytes(history_key(payer, of, sequence).view(), kSeed);
  ++history_facts_;
}

std::optional<AuditDifference> IndexAudit::compare_one(const Pending& pending,
                                                       const std::optional<core::ReplayHit>& stored) {
  const core::Sequence sequence = pending.sequence;
  if (stored && (stored->sequence != pending.hit.sequence || stored->content != pending.hit.content))
    return replay_difference(sequence, pending.key, text(*stored), text(pending.hit));
  if (sequence <= indexed_) {
    if (!stored) return replay_difference(sequence, pending.key, "no such row", text(pending.hit));
    ++keys_;
    return std::nullopt;
  }
  if (const std::optional<core::ReplayHit> first = recent_.find(pending.key))
    return replay_difference(sequence, pending.key, text(*first), "accepted again by " + text(pending.hit));
  recent_.insert(pending.key, pending.hit);
  // The mark may have been lost in a crash after the rows were taken in; then they are there all the same.
  if (stored) ++keys_;
  return std::nullopt;
}

base::Result<std::optional<AuditDifference>> IndexAudit::compare() {
  std::array<rocksdb::Slice, kReadTogether> keys;
  std::array<rocksdb::PinnableSlice, kReadTogether> values;
  std::array<rocksdb::Status, kReadTogether> statuses;
  for (std::size_t begin = 0; begin < pending_.size(); begin += kReadTogether) {
    const std::size_t count = std::min(kReadTogether, pending_.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      keys[i] = slice(pending_[begin + i].key.view());
      values[i].Reset();
    }
    database_.db().MultiGet(rocksdb::ReadOptions(), database_.family(Family::replay), count, keys.data(), values.data(),
                            statuses.data());
    for (std::size_t i = 0; i < count; ++i) {
      std::optional<core::ReplayHit> stored;
      if (statuses[i].ok()) {
        ASSIGN_OR_RETURN(stored, decode_replay_hit(view(values[i])));
      } else if (!statuses[i].IsNotFound()) {
        return tl::unexpected(to_error(statuses[i], "read the replay index", database_.path()));
      }
      if (std::optional<AuditDifference> difference = compare_one(pending_[begin + i], stored)) return difference;
    }
  }
  pending_.clear();
  return std::optional<AuditDifference>();
}

base::Result<std::optional<AuditDifference>> IndexAudit::finish() {
  std::uint64_t rows = 0;
  RETURN_IF_ERROR(scan(database_, Family::replay, {}, {}, [&](base::ByteView, base::ByteView) -> base::Result<bool> {
    ++rows;
    return true;
  }));
  if (rows != keys_) {
    AuditDifference difference;
    difference.kind = "row: replay index";
    difference.field = "number of rows";
    difference.stored = std::to_string(rows);
    difference.computed = std::to_string(keys_);
    return difference;
  }
  std::uint64_t sum = 0;
  std::uint64_t facts = 0;
  RETURN_IF_ERROR(
      scan(database_, Family::history, {}, {}, [&](base::ByteView key, base::ByteView value) -> base::Result<bool> {
        ASSIGN_OR_RETURN(const std::vector<core::Sequence> sequences, decode_history_row(key, value));
        const core::PayerId payer(static_cast<std::uint32_t>(get_big_endian(key.first(4))));
        for (const core::Sequence sequence : sequences) {
          if (sequence > indexed_) continue;  // as above
          sum += base::mix_bytes(history_key(payer, static_cast<HistoryClass>(key[4]), sequence).view(), kSeed);
          ++facts;
        }
        return true;
      }));
  if (sum == history_sum_ && facts == history_facts_) return std::optional<AuditDifference>();
  AuditDifference difference;
  difference.kind = "row: history index";
  difference.field = facts == history_facts_ ? "sum over all rows" : "number of entries";
  difference.stored = std::to_string(facts == history_facts_ ? sum : facts);
  difference.computed = std::to_string(facts == history_facts_ ? history_sum_ : history_facts_);
  return difference;
}

}  // namespace ledger::store
