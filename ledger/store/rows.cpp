#include "ledger/store/rows.h"

#include <memory>

namespace ledger::store {

namespace {

rocksdb::ReadOptions read_options(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  return options;
}

// For reads of long stretches: large reads ahead, and the cache keeps what it has.
rocksdb::ReadOptions scan_options(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options = read_options(snapshot);
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  return options;
}

}  // namespace

base::Result<base::Bytes> get(const Database& database, Family family, base::ByteView key, std::string_view what,
                              const rocksdb::Snapshot* snapshot) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database.db().Get(read_options(snapshot), database.family(family), slice(key), &value);
  if (status.IsNotFound()) return base::error(base::ErrorCode::not_found, std::string("there is no ") += what);
  if (!status.ok()) return tl::unexpected(to_error(status, std::string("read ") += what, database.path()));
  const base::ByteView bytes = view(value);
  return base::Bytes(bytes.begin(), bytes.end());
}

base::Result<void> scan(const Database& database, Family family, base::ByteView prefix, base::ByteView from,
                        const RowVisitor& row, const rocksdb::Snapshot* snapshot) {
  base::Bytes start(prefix.begin(), prefix.end());
  start.insert(start.end(), from.begin(), from.end());
  const std::unique_ptr<rocksdb::Iterator> at(
      database.db().NewIterator(read_options(snapshot), database.family(family)));
  for (at->Seek(slice(start)); at->Valid() && at->key().starts_with(slice(prefix)); at->Next()) {
    ASSIGN_OR_RETURN(const bool more, row(view(at->key()), view(at->value())));
    if (!more) return {};
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read rows", database.path()));
  return {};
}

base::Result<base::Bytes> segment_bytes(const Database& database, core::Sequence sequence,
                                        const rocksdb::Snapshot* snapshot) {
  const std::unique_ptr<rocksdb::Iterator> at(
      database.db().NewIterator(read_options(snapshot), database.family(Family::journal)));
  at->SeekForPrev(slice(journal_key(sequence).view()));
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database.path()));
  const std::string name = "entry " + std::to_string(sequence.value);
  if (!at->Valid()) return base::error(base::ErrorCode::not_found, "there is no " + name);
  const base::ByteView bytes = view(at->value());
  ASSIGN_OR_RETURN(const core::Segment segment, core::decode_segment_header(bytes));
  if (sequence.value - segment.header.first_sequence.value >= segment.header.count)
    return base::error(base::ErrorCode::not_found, "there is no " + name);
  return base::Bytes(bytes.begin(), bytes.end());
}

base::Result<void> scan_segments(const Database& database, core::Sequence from, const SegmentVisitor& segment) {
  const std::unique_ptr<rocksdb::Iterator> at(
      database.db().NewIterator(scan_options(nullptr), database.family(Family::journal)));
  at->SeekForPrev(slice(journal_key(from).view()));
  if (!at->Valid() && at->status().ok()) at->SeekToFirst();
  for (; at->Valid(); at->Next()) {
    ASSIGN_OR_RETURN(const bool more, segment(view(at->value())));
    if (!more) return {};
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database.path()));
  return {};
}

}  // namespace ledger::store
