#include "ledger/store/recovery.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "crypto/secp256k1.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

using base::ErrorCode;

tl::unexpected<base::Error> damaged(std::string what) {
  return base::error(ErrorCode::corruption, std::move(what) + "; " + std::string(kRestoreRemedy));
}

base::Result<core::Segment> last_segment(const Database& database, core::Hash& previous_hash) {
  const std::unique_ptr<rocksdb::Iterator> at(
      database.db().NewIterator(rocksdb::ReadOptions(), database.family(Family::journal)));
  at->SeekToLast();
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database.path()));
  if (!at->Valid()) return damaged("the journal is empty although the state has rows");
  base::Result<core::Segment> segment = core::decode_segment(view(at->value()));
  if (!segment) {
    if (segment.error().code != ErrorCode::corruption) return segment;
    return damaged("the last segment cannot be read: " + segment.error().message);
  }
  if (view(at->key()).size() != 8 || get_big_endian(view(at->key())) != segment->header.first_sequence.value)
    return damaged("segment " + std::to_string(segment->header.number.value) + " is stored under another sequence");
  at->Prev();
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database.path()));
  if (at->Valid()) {
    ASSIGN_OR_RETURN(const core::Segment before, core::decode_segment_header(view(at->value())));
    previous_hash = core::hash_of(before.header);
  }
  return segment;
}

base::Result<void> verify_head(const core::LedgerHead& head, const core::SegmentHeader& header,
                               const core::Hash& hash) {
  const std::string name = "segment " + std::to_string(header.number.value);
  const std::uint64_t last = header.first_sequence.value + header.count - 1;
  if (head.last_segment != header.number) {
    return damaged("the state is that of segment " + std::to_string(head.last_segment.value) +
                   "; the journal ends with " + name);
  }
  if (head.last_sequence.value != last) {
    return damaged(name + " ends with entry " + std::to_string(last) + "; the state has " +
                   std::to_string(head.last_sequence.value));
  }
  if (head.last_segment_hash != hash) {
    return damaged(name + ": its hash is " + base::to_hex(hash) + "; the state has " +
                   base::to_hex(head.last_segment_hash));
  }
  return {};
}

}  // namespace

base::Result<bool> has_ledger(const Database& database) {
  base::Result<base::Bytes> format = get(database, Family::meta, kMetaFormat.view(), "format row");
  if (!format) {
    if (format.error().code != ErrorCode::not_found) return tl::unexpected(format.error());
    // A crash while the directory was being made: nothing was ever acknowledged from it.
    const std::unique_ptr<rocksdb::Iterator> at(
        database.db().NewIterator(rocksdb::ReadOptions(), database.family(Family::journal)));
    at->SeekToFirst();
    if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database.path()));
    if (at->Valid()) return damaged("the ledger's format row is missing");
    return false;
  }
  base::Decoder in(*format);
  const std::uint16_t version = in.u16();
  if (!in.complete()) return damaged("the ledger's format row has a wrong length");
  if (version > kStoreFormatVersion) {
    return base::error(ErrorCode::unsupported, "the ledger in " + database.path() + " has store format " +
                                                   std::to_string(version) + "; this build reads up to " +
                                                   std::to_string(kStoreFormatVersion) + ": install a newer version");
  }
  if (version < kStoreFormatVersion) {
    return base::error(ErrorCode::unsupported,
                       "the ledger in " + database.path() + " has store format " + std::to_string(version) +
                           ", made by an older build; this build reads format " + std::to_string(kStoreFormatVersion) +
                           " alone. Open it with the build that made it, or start a new ledger in another directory");
  }
  return true;
}

base::Result<core::LedgerHead> verify_end(const Database& database) {
  base::Result<base::Bytes> row = get(database, Family::state, core::table_prefix(core::Table::head), "head row");
  if (!row) {
    if (row.error().code != ErrorCode::not_found) return tl::unexpected(row.error());
    return damaged("the state's head row is missing");
  }
  base::Result<core::LedgerHead> head = core::decode_row<core::LedgerHead>(*row);
  if (!head) return damaged("the state's head row cannot be read: " + head.error().message);
  core::Hash previous_hash;
  ASSIGN_OR_RETURN(const core::Segment segment, last_segment(database, previous_hash));
  const core::Hash hash = core::hash_of(segment.header);
  RETURN_IF_ERROR(verify_head(*head, segment.header, hash));

  const std::string name = "segment " + std::to_string(segment.header.number.value);
  if (segment.header.previous != previous_hash) {
    return damaged(name + " follows a segment with hash " + base::to_hex(segment.header.previous) +
                   "; the one before it has " + base::to_hex(previous_hash));
  }
  const commitments::tab::Domain domain(head->network);
  const crypto::Recovered signer =
      crypto::recover(commitments::tab::segment_digest(domain, segment.header.number.value, hash), segment.signature);
  if (signer.check != crypto::SignatureCheck::ok || crypto::address_of(signer.key) != head->operator_key)
    return damaged(name + " is not signed by the operator's key " + base::to_hex(head->operator_key));
  ASSIGN_OR_RETURN(const base::Bytes place_row,
                   get(database, Family::meta, meta_segment_key(segment.header.number).view(), name + "'s place row"));
  ASSIGN_OR_RETURN(const SegmentPlace place, decode_segment_place(place_row));
  if (place.first_sequence != segment.header.first_sequence || place.hash != hash)
    return damaged(name + "'s place row does not agree with the journal");
  return *head;
}

base::Result<void> verify_acknowledged(const core::LedgerHead& head, core::Sequence acknowledged) {
  if (acknowledged <= head.last_sequence) return {};
  return damaged("the journal ends with entry " + std::to_string(head.last_sequence.value) + ", but entry " +
                 std::to_string(acknowledged.value) +
                 " was acknowledged: the write-ahead log is damaged or incomplete");
}

base::Result<void> load_state(const Database& database, core::StateMachine& machine, const Progress& progress) {
  std::uint64_t expected = 0;
  database.db().GetIntProperty(database.family(Family::state), "rocksdb.estimate-num-keys", &expected);
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.family(Family::state)));
  constexpr std::uint64_t kReportEvery = 65'536;
  std::uint64_t rows = 0;
  for (at->SeekToFirst(); at->Valid();) {
    const auto table = static_cast<core::Table>(view(at->key())[0]);
    if (!core::StateMachine::loads(table)) {
      const base::Bytes next{static_cast<std::uint8_t>(static_cast<unsigned>(table) + 1)};
      at->Seek(slice(next));
      continue;
    }
    const base::Result<void> loaded = machine.load_row(view(at->key()), view(at->value()));
    if (!loaded) return damaged("the state cannot be loaded: " + loaded.error().message);
    if (progress && ++rows % kReportEvery == 0) progress("load state", rows, std::max(rows, expected));
    at->Next();
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "load the state", database.path()));
  const base::Result<void> fits = machine.finish_load();
  if (!fits) return damaged("the state's rows do not fit together: " + fits.error().message);
  return {};
}

base::Result<core::Sequence> indexed_up_to(const Database& database) {
  base::Result<base::Bytes> row = get(database, Family::meta, kMetaIndexed.view(), "index mark");
  if (!row && row.error().code == ErrorCode::not_found) return core::Sequence();
  if (!row) return tl::unexpected(row.error());
  base::Decoder in(*row);
  const auto indexed = in.id<core::Sequence>();
  if (!in.complete()) return damaged("the index mark has a wrong length");
  return indexed;
}

base::Result<void> forget_indexes(const Database& database) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status =
      database.db().Delete(options, database.family(Family::meta), slice(kMetaIndexed.view()));
  if (!status.ok()) return tl::unexpected(to_error(status, "forget the index mark", database.path()));
  return {};
}

namespace {

// A segment, and what the replay index keeps of its entries.
struct ReadSegment {
  core::SegmentHeader header;
  core::Bytes body;
  std::vector<core::StateMachine::ReplayRecord> records;
};

// Checks and decodes. Most of it is hashing: the entries' root, and each item's digest and leaf.
base::Result<ReadSegment> read_segment(base::ByteView bytes, const core::StateMachine& machine) {
  base::Result<core::Segment> segment = core::decode_segment(bytes);
  if (!segment) return tl::unexpected(segment.error());
  ReadSegment read;
  read.header = segment->header;
  read.body = std::move(segment->body);
  ASSIGN_OR_RETURN(const std::vector<base::ByteView> entries, core::entries_of(read.body));
  read.records.reserve(entries.size());
  std::uint64_t sequence = read.header.first_sequence.value;
  for (const base::ByteView entry_bytes : entries) {
    ASSIGN_OR_RETURN(const core::Entry entry, core::decode_entry(entry_bytes));
    if (const auto record = machine.replay_record(entry, core::Sequence(sequence++))) read.records.push_back(*record);
  }
  return read;
}

// Reads segments in order, some at a time on all cores, and puts them into the indexes one after the other.
class IndexRebuild {
 public:
  IndexRebuild(const core::StateMachine& machine, ReplayStore& replay, Follower& follower, const Progress& progress)
      : machine_(machine),
        replay_(replay),
        follower_(follower),
        progress_(progress),
        indexed_(follower.indexed().value),
        last_(machine.head().last_sequence.value) {}

  base::Result<void> add(base::ByteView bytes) {
    waiting_bytes_ += bytes.size();
    waiting_.emplace_back(bytes.begin(), bytes.end());
    return waiting_bytes_ < kBytesAtOnce ? base::Result<void>{} : take_in();
  }

  base::Result<void> take_in() {
    std::vector<base::Result<ReadSegment>> segments(waiting_.size(), ReadSegment{});
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> helpers;
    const auto work = [&] {
      for (std::size_t i = next++; i < waiting_.size(); i = next++) segments[i] = read_segment(waiting_[i], machine_);
    };
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t i = 1; i < std::min(cores, waiting_.size()); ++i) helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers) helper.join();
    for (base::Result<ReadSegment>& segment : segments) RETURN_IF_ERROR(take_in(segment));
    waiting_.clear();
    waiting_bytes_ = 0;
    return {};
  }

  // The entry that would come next.
  std::uint64_t expected() const noexcept { return expected_; }

 private:
  static constexpr std::size_t kBytesAtOnce = 16u << 20;

  base::Result<void> take_in(base::Result<ReadSegment>& segment) {
    if (!segment)
      return damaged("the journal cannot be read at entry " + std::to_string(expected_) + ": " +
                     segment.error().message);
    const core::SegmentHeader& header = segment->header;
    if (header.first_sequence.value + header.count <= expected_) return {};  // ends at the mark
    if (header.first_sequence.value != expected_)
      return damaged("the journal has no segment that starts with entry " + std::to_string(expected_));
    for (const auto& record : segment->records) replay_.insert(record.key, record.hit);
    expected_ += header.count;
    replay_.segment_done(core::Sequence(expected_ - 1));
    RETURN_IF_ERROR(follower_.process(header, segment->body));
    if (progress_) progress_("read journal", expected_ - 1 - indexed_, last_ - indexed_);
    return {};
  }

  const core::StateMachine& machine_;
  ReplayStore& replay_;
  Follower& follower_;
  const Progress& progress_;
  const std::uint64_t indexed_;
  const std::uint64_t last_;
  std::uint64_t expected_ = indexed_ + 1;
  std::vector<core::Bytes> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace

base::Result<std::uint64_t> rebuild_indexes(const Database& database, const core::StateMachine& machine,
                                            ReplayStore& replay, Follower& follower, const Progress& progress) {
  const core::Sequence indexed = follower.indexed();
  const std::uint64_t last = machine.head().last_sequence.value;
  if (indexed.value > last) return damaged("the index mark is beyond the journal's end");
  IndexRebuild rebuild(machine, replay, follower, progress);
  const auto read = [&](base::ByteView bytes) -> base::Result<bool> {
    RETURN_IF_ERROR(rebuild.add(bytes));
    return true;
  };
  if (indexed.value < last) RETURN_IF_ERROR(scan_segments(database, core::Sequence(indexed.value + 1), read));
  RETURN_IF_ERROR(rebuild.take_in());
  if (rebuild.expected() != last + 1)
    return damaged("the journal ends with entry " + std::to_string(rebuild.expected() - 1) + "; the state has " +
                   std::to_string(last));
  return last - indexed.value;
}

}  // namespace ledger::store
