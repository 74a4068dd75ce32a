#include "ledger/store/follower.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/thread.h"
#include "ledger/core/row.h"
#include "ledger/store/bulk_rows.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

// Segments waiting for the follower; far more than it ever needs, as it costs less than deciding does.
constexpr std::size_t kBacklogBytesMax = 64u << 20;
// A failure elsewhere does not wake those who wait here; they look for it this often.
constexpr std::chrono::milliseconds kFailurePoll{50};
constexpr std::size_t kTabCacheMax = 65'536;
// Indexes may lag; replies may not.
constexpr int kNice = 10;
// Bounds one history row (16 KiB) and so the cost of reading a page.
constexpr std::size_t kHistoryRowSequencesMax = 4096;

constexpr std::uint8_t kKindWindowClosed = 13;
constexpr std::uint8_t kKindCharged = 15;
constexpr std::uint8_t kKindHoldMade = 16;
constexpr std::uint8_t kKindHoldCaptured = 17;
constexpr std::uint8_t kKindVoucherCharged = 19;
static_assert(std::is_same_v<std::variant_alternative_t<kKindWindowClosed - 1, core::Entry>, core::WindowClosed>);
static_assert(std::is_same_v<std::variant_alternative_t<kKindCharged - 1, core::Entry>, core::Charged>);
static_assert(std::is_same_v<std::variant_alternative_t<kKindHoldMade - 1, core::Entry>, core::HoldMade>);
static_assert(std::is_same_v<std::variant_alternative_t<kKindHoldCaptured - 1, core::Entry>, core::HoldCaptured>);
static_assert(std::is_same_v<std::variant_alternative_t<kKindVoucherCharged - 1, core::Entry>, core::VoucherCharged>);

}  // namespace

Follower::Follower(Database& database, Failure& failure, core::Sequence indexed)
    : database_(database), failure_(failure), indexed_(indexed), tail_base_(indexed), processed_(indexed) {}

Follower::~Follower() { stop(); }

void Follower::start() {
  errand_.emplace();
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "tabd-follow");
}

void Follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
  errand_.reset();
}

void Follower::on_segment(std::shared_ptr<const api::CommittedSegment> segment) {
  std::unique_lock lock(mutex_);
  while (queue_bytes_ >= kBacklogBytesMax && !stopping_ && !failure_.failed()) progress_.wait_for(lock, kFailurePoll);
  queue_bytes_ += segment->body.size();
  queue_.push_back(std::move(segment));
  if (queue_.size() == 1) work_.notify_one();
}

void Follower::add_generation(std::shared_ptr<Generation> generation, core::Sequence last) {
  const std::lock_guard lock(mutex_);
  generation->last = last;
  generations_.push_back(std::move(generation));
}

void Follower::wait_until_on_disk(const Generation& generation) {
  std::unique_lock lock(mutex_);
  while (!generation.on_disk.load() && !stopping_ && !failure_.failed()) progress_.wait_for(lock, kFailurePoll);
}

void Follower::run() {
  base::give_way(kNice);
  std::deque<std::shared_ptr<const api::CommittedSegment>> taken;
  for (;;) {
    bool last_round = false;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
      last_round = stopping_ && queue_.empty();
      taken.swap(queue_);
      queue_bytes_ = 0;
    }
    progress_.notify_all();
    for (const auto& segment : taken) {
      if (failure_.failed()) break;
      const base::Result<void> done = process(segment->header, segment->body);
      if (!done) failure_.fail(done.error());
    }
    taken.clear();
    if (last_round || failure_.failed()) break;
  }
  // A generation that was closed at shutdown, after its last segment had been processed.
  if (!failure_.failed()) {
    const base::Result<void> done = move_complete_generations();
    if (!done) failure_.fail(done.error());
  }
  progress_.notify_all();
}

base::Result<void> Follower::process(const core::SegmentHeader& header, base::ByteView body) {
  ASSIGN_OR_RETURN(const std::vector<base::ByteView> entries, core::entries_of(body));
  CHECK(header.first_sequence.value == processed_.value + 1);
  Postings charging, windows;
  // tail_base_ changes on this thread only.
  std::uint32_t distance = static_cast<std::uint32_t>(header.first_sequence.value - tail_base_.value);
  for (const base::ByteView bytes : entries) {
    // Every kind that matters here starts with the number that leads to the payer, so nothing else is decoded.
    base::Decoder in(bytes);
    switch (in.u8()) {
      case kKindWindowClosed: windows.push_back({in.u32(), distance}); break;
      case kKindCharged:
      case kKindHoldMade: charging.push_back({in.u32(), distance}); break;
      case kKindHoldCaptured:
        in.u64();  // the hold's sequence
        charging.push_back({in.u32(), distance});
        break;
      case kKindVoucherCharged: {
        ASSIGN_OR_RETURN(const core::PayerId payer, payer_of_tab(in.id<core::TabId>()));
        charging.push_back({payer.value, distance});
        break;
      }
      default: break;
    }
    ++distance;
  }
  {
    const std::lock_guard lock(tail_mutex_);
    charging_.insert(charging_.end(), charging.begin(), charging.end());
    windows_.insert(windows_.end(), windows.begin(), windows.end());
  }
  processed_ = core::Sequence(header.first_sequence.value + header.count - 1);
  return move_complete_generations();
}

base::Result<core::PayerId> Follower::payer_of_tab(core::TabId tab) {
  const auto known = tabs_.find(tab.value);
  if (known != tabs_.end()) return known->second;
  const core::Bytes key = core::row_key(core::Table::tab, tab.value);
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database_.db().Get(rocksdb::ReadOptions(), database_.family(Family::state), slice(key), &value);
  if (!status.ok()) return tl::unexpected(to_error(status, "read a tab's row", database_.path()));
  ASSIGN_OR_RETURN(const core::Tab row, core::decode_row<core::Tab>(view(value)));
  if (tabs_.size() >= kTabCacheMax) tabs_.clear();
  tabs_.emplace(tab.value, row.payer);
  return row.payer;
}

base::Result<void> Follower::move_complete_generations() {
  for (;;) {
    std::shared_ptr<Generation> complete;
    {
      const std::lock_guard lock(mutex_);
      if (generations_.empty() || generations_.front()->last > processed_) return {};
      complete = generations_.front();
    }
    RETURN_IF_ERROR(move(*complete));
    progress_.notify_all();
  }
}

namespace {

// `postings` are sorted by payer, then sequence.
void add_history(BulkRows& rows, HistoryClass of, core::Sequence tail_base,
                 const std::vector<Follower::Posting>& postings) {
  core::Bytes value;
  for (std::size_t begin = 0; begin < postings.size();) {
    value.clear();
    base::Encoder out(value);
    std::size_t end = begin + 1;
    while (end < postings.size() && postings[end].payer == postings[begin].payer &&
           end - begin < kHistoryRowSequencesMax) {
      out.u32(postings[end].distance - postings[begin].distance);
      ++end;
    }
    const core::Sequence first(tail_base.value + postings[begin].distance);
    rows.add(history_key(core::PayerId(postings[begin].payer), of, first).view(), value);
    begin = end;
  }
}

}  // namespace

base::Result<void> Follower::move(Generation& generation) {
  CHECK_MSG(generation.last == processed_, "a generation ends with a segment");
  // Only this thread changes them, so it may read them without the lock.
  Postings charging = charging_, windows = windows_;
  std::sort(charging.begin(), charging.end());
  std::sort(windows.begin(), windows.end());

  BulkRows replay(Family::replay);
  for (const RecentKeys::Row& row : generation.keys.rows()) replay.add(row.key.view(), encode(row.hit).view());
  BulkRows history(Family::history);
  add_history(history, HistoryClass::charging, tail_base_, charging);
  add_history(history, HistoryClass::window_closed, tail_base_, windows);
  ASSIGN_OR_RETURN(const std::vector<BulkFile> files, write_files(database_, replay, history));
  base::Result<void> taken_in;
  const auto take = [&] { taken_in = take_in(database_, files); };
  if (errand_) {
    errand_->run(take);
  } else {
    take();  // while the ledger opens
  }
  RETURN_IF_ERROR(taken_in);

  core::Bytes mark;
  base::Encoder(mark).id(processed_);
  // Not synced: if the mark is lost, the same rows are written again.
  const rocksdb::Status status = database_.db().Put(rocksdb::WriteOptions(), database_.family(Family::meta),
                                                    slice(kMetaIndexed.view()), slice(mark));
  if (!status.ok()) return tl::unexpected(to_error(status, "write the index mark", database_.path()));

  {
    const std::lock_guard lock(tail_mutex_);
    charging_.clear();
    windows_.clear();
    indexed_ = processed_;
    tail_base_ = processed_;
  }
  const std::lock_guard lock(mutex_);
  generation.on_disk.store(true);
  generations_.pop_front();
  return {};
}

std::vector<core::Sequence> Follower::tail(core::PayerId payer, HistoryClass of, core::Sequence after,
                                           std::size_t limit) const {
  const std::lock_guard lock(tail_mutex_);
  const Postings& postings = of == HistoryClass::charging ? charging_ : windows_;
  std::vector<core::Sequence> found;
  for (const Posting& posting : postings) {
    if (posting.payer != payer.value) continue;
    const core::Sequence sequence(tail_base_.value + posting.distance);
    if (sequence <= after) continue;
    if (found.size() == limit) break;
    found.push_back(sequence);
  }
  return found;
}

core::Sequence Follower::indexed() const {
  const std::lock_guard lock(tail_mutex_);
  return indexed_;
}

}  // namespace ledger::store
