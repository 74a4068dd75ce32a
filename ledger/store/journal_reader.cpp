#include "ledger/store/journal_reader.h"

#include <algorithm>
#include <utility>

#include "ledger/store/follower.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

using api::StoredEntry;
using base::ErrorCode;
using base::Result;

// A segment's bytes cut into entries. The body is not hashed again: RocksDB checks its own sums on every read.
class OpenSegment {
 public:
  static Result<OpenSegment> make(base::Bytes bytes) {
    OpenSegment open;
    open.bytes_ = std::move(bytes);
    ASSIGN_OR_RETURN(const core::Segment segment, core::decode_segment_header(open.bytes_));
    open.header_ = segment.header;
    if (open.bytes_.size() < open.header_.body_bytes)
      return base::error(ErrorCode::corruption, open.name() + " is shorter than its header says");
    const base::ByteView body = base::ByteView(open.bytes_).last(open.header_.body_bytes);
    ASSIGN_OR_RETURN(open.entries_, core::entries_of(body));
    if (open.entries_.size() != open.header_.count)
      return base::error(ErrorCode::corruption, open.name() + " has another number of entries than its header says");
    return open;
  }
  bool contains(core::Sequence sequence) const {
    return sequence >= header_.first_sequence && sequence.value - header_.first_sequence.value < header_.count;
  }
  core::Sequence last() const { return core::Sequence(header_.first_sequence.value + header_.count - 1); }
  Result<StoredEntry> at(core::Sequence sequence) const {
    const std::uint64_t index = sequence.value - header_.first_sequence.value;
    const base::ByteView bytes = entries_[index];
    base::Result<core::Entry> entry = core::decode_entry(bytes);
    if (!entry) return base::error(ErrorCode::corruption, name() + ": " + entry.error().message);
    return StoredEntry{sequence,
                       header_.number,
                       static_cast<std::uint32_t>(index),
                       header_.time,
                       core::Bytes(bytes.begin(), bytes.end()),
                       std::move(*entry)};
  }

 private:
  std::string name() const { return "segment " + std::to_string(header_.number.value); }
  base::Bytes bytes_;  // moving it keeps entries_ true
  core::SegmentHeader header_;
  std::vector<base::ByteView> entries_;
};

Result<OpenSegment> open_segment(const Database& database, core::Sequence sequence) {
  ASSIGN_OR_RETURN(base::Bytes bytes, segment_bytes(database, sequence));
  return OpenSegment::make(std::move(bytes));
}

}  // namespace

Result<std::vector<StoredEntry>> JournalReader::entries(core::Sequence from, std::size_t limit) const {
  std::vector<StoredEntry> found;
  core::Sequence next = from.valid() ? from : core::Sequence(1);
  while (found.size() < limit) {
    Result<OpenSegment> segment = open_segment(database_, next);
    if (!segment && segment.error().code == ErrorCode::not_found) break;
    if (!segment) return tl::unexpected(segment.error());
    for (; next <= segment->last() && found.size() < limit; ++next.value) {
      ASSIGN_OR_RETURN(StoredEntry entry, segment->at(next));
      found.push_back(std::move(entry));
    }
  }
  return found;
}

Result<StoredEntry> JournalReader::entry(core::Sequence sequence) const {
  ASSIGN_OR_RETURN(const OpenSegment segment, open_segment(database_, sequence));
  return segment.at(sequence);
}

// Sequences after `after` in the history family, ascending.
Result<std::vector<core::Sequence>> JournalReader::indexed(core::PayerId payer, HistoryClass of, core::Sequence after,
                                                           std::size_t limit) const {
  const Key<kHistoryKeyBytes> start = history_key(payer, of, core::Sequence(after.value));
  const base::ByteView prefix = start.view().first(5);
  const std::unique_ptr<rocksdb::Iterator> at(
      database_.db().NewIterator(rocksdb::ReadOptions(), database_.family(Family::history)));
  // The row that starts at or before `after` may reach beyond it.
  at->SeekForPrev(slice(start.view()));
  if (!at->Valid() || !at->key().starts_with(slice(prefix))) at->Seek(slice(start.view()));
  std::vector<core::Sequence> found;
  for (; at->Valid() && at->key().starts_with(slice(prefix)) && found.size() < limit; at->Next()) {
    ASSIGN_OR_RETURN(const std::vector<core::Sequence> row, decode_history_row(view(at->key()), view(at->value())));
    for (const core::Sequence sequence : row) {
      if (sequence > after && found.size() < limit) found.push_back(sequence);
    }
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read a payer's history", database_.path()));
  return found;
}

Result<std::vector<StoredEntry>> JournalReader::of_payer(core::PayerId payer, HistoryClass of, core::Sequence after,
                                                         std::size_t limit) const {
  // First the tail, then the family: what moves between the two reads is found twice rather than not at all.
  std::vector<core::Sequence> tail;
  if (follower_ != nullptr) tail = follower_->tail(payer, of, after, limit);
  ASSIGN_OR_RETURN(std::vector<core::Sequence> sequences, indexed(payer, of, after, limit));
  sequences.insert(sequences.end(), tail.begin(), tail.end());
  std::sort(sequences.begin(), sequences.end());
  sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
  if (sequences.size() > limit) sequences.resize(limit);

  std::vector<StoredEntry> found;
  found.reserve(sequences.size());
  std::optional<OpenSegment> segment;
  for (const core::Sequence sequence : sequences) {
    if (!segment || !segment->contains(sequence)) {
      ASSIGN_OR_RETURN(segment, open_segment(database_, sequence));
    }
    ASSIGN_OR_RETURN(StoredEntry entry, segment->at(sequence));
    found.push_back(std::move(entry));
  }
  return found;
}

Result<core::Segment> JournalReader::segment_of(core::Sequence sequence) const {
  ASSIGN_OR_RETURN(const base::Bytes bytes, segment_bytes(database_, sequence));
  return core::decode_segment(bytes);
}

Result<core::Segment> JournalReader::segment(core::SegmentId id) const {
  const std::string name = "segment " + std::to_string(id.value);
  ASSIGN_OR_RETURN(const base::Bytes row, get(database_, Family::meta, meta_segment_key(id).view(), name));
  ASSIGN_OR_RETURN(const SegmentPlace place, decode_segment_place(row));
  ASSIGN_OR_RETURN(const base::Bytes bytes,
                   get(database_, Family::journal, journal_key(place.first_sequence).view(), name));
  return core::decode_segment(bytes);
}

Result<std::vector<core::Hash>> JournalReader::segment_hashes(core::SegmentId first, std::size_t count) const {
  std::vector<core::Hash> hashes;
  if (count == 0) return hashes;
  const Key<9> start = meta_segment_key(first);
  RETURN_IF_ERROR(scan(database_, Family::meta, start.view().first(1), start.view().subspan(1),
                       [&](base::ByteView, base::ByteView value) -> Result<bool> {
                         ASSIGN_OR_RETURN(const SegmentPlace place, decode_segment_place(value));
                         hashes.push_back(place.hash);
                         return hashes.size() < count;
                       }));
  return hashes;
}

}  // namespace ledger::store
