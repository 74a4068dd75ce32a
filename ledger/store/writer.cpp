#include "ledger/store/writer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "ledger/store/rows_to_batch.h"

namespace ledger::store {

namespace {

namespace limits = base::limits;

// With the committer idle, a group of this many items goes out although more is queued: the two threads then work at
// the same time, and nobody waits for a long group.
constexpr std::size_t kHandOverItems = 512;
// Decided items and commands in one group, whether they became entries or not: bounds the replies that wait.
constexpr std::size_t kGroupItemsMax = limits::kSegmentEntriesMax;
// Entries that one item can cause beside its own: a window closed and opened, a tab opened.
constexpr std::size_t kEntriesPerItemMax = 4;
// An entry's fixed part with its length, and one usage; for estimating whether a batch still fits.
constexpr std::size_t kEntryBytesMax = 512;
constexpr std::size_t kUsageBytes = 64;
constexpr std::size_t kNoticeBytesMax = limits::kNoticeBodyBytesMax + 2 * limits::kNoticeTextBytesMax + 1024;
// Entries that a timer slice or a command may append.
constexpr std::size_t kCommandEntriesMax = 4 * limits::kCloseSliceWindows;
// The wall clock may jump and tests move it by hand, so an idle writer looks at it at least this often.
constexpr std::uint64_t kIdleSleepUsMax = 100'000;
// A timer that was due and did nothing is not asked again before, or before something has changed.
constexpr std::uint64_t kTimerRestUs = 100'000;
// While the committer is busy, single items wait for company: waking up for each costs more than deciding it.
constexpr std::size_t kCompany = 32;
constexpr std::uint32_t kRetryAfterMs = 100;
constexpr unsigned kTimers = 4;
// Batches that came so recently mean that others will: timers then work in small slices, whose commit takes about a
// millisecond, as a batch may wait for two of them. After each they rest for a multiple of the time that it took: the
// processors belong to those who wait for answers, and the slower the machine is at the moment, the longer the rest.
constexpr std::uint64_t kBusyNs = 200'000'000;
constexpr std::size_t kBusySlice = 32;
constexpr std::uint64_t kBusyRestFactor = 9;
}  // namespace

Writer::Writer(Parts parts) : parts_(parts), assets_(parts.machine.asset_table()) {}

Writer::~Writer() { stop(); }

void Writer::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "tabd-writer");
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakeup_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_at_ != 0) wakeup_.notify_one();
}

std::size_t Writer::queued_batches() const {
  const std::lock_guard lock(mutex_);
  return queued_batches_;
}

bool Writer::admit(std::unique_lock<std::mutex>& lock, std::size_t items, std::size_t commands, base::Status& refusal) {
  lock = std::unique_lock(mutex_);
  if (stopping_) {
    refusal = base::Status::shutting_down;
    return false;
  }
  // A batch is admitted into an empty queue whatever its size.
  const bool items_fit = items == 0 || queued_items_ == 0 || queued_items_ + items <= limits::kIngestQueueItemsMax;
  if (!items_fit || queued_commands_ + commands > limits::kCommandQueueMax) {
    refusal = base::Status::overloaded;
    return false;
  }
  queued_items_ += items;
  queued_commands_ += commands;
  if (items > 0) ++queued_batches_;
  return true;
}

void Writer::enqueue(std::unique_lock<std::mutex>& lock, Work work) {
  queue_.push_back(std::move(work));
  const bool wake = wake_at_ != 0 && queued_items_ + queued_commands_ >= wake_at_;
  lock.unlock();
  if (wake) wakeup_.notify_one();
}

void Writer::submit(commitments::tab::VerifiedBatch batch, api::BatchDone done) {
  std::unique_lock<std::mutex> lock;
  api::BatchReceipt refusal;
  const std::size_t items = std::max<std::size_t>(batch.items().size(), 1);
  if (!admit(lock, items, 0, refusal.status)) {
    if (lock.owns_lock()) lock.unlock();
    if (refusal.status == base::Status::overloaded) refusal.retry_after_ms = kRetryAfterMs;
    if (parts_.observer != nullptr) parts_.observer->on_refused(refusal.status, items);
    done(std::move(refusal));
    return;
  }
  enqueue(lock, Work{BatchWork{std::move(batch), std::move(done)}, parts_.clock.monotonic_ns()});
}

void Writer::submit(core::Command command, api::CommandDone done) {
  std::unique_lock<std::mutex> lock;
  api::CommandReceipt refusal;
  if (!admit(lock, 0, 1, refusal.result.status)) {
    if (lock.owns_lock()) lock.unlock();
    refusal.result.detail = refusal.result.status == base::Status::overloaded
                                ? "the ledger's command queue is full: try again in a moment"
                                : "the ledger is stopping";
    if (parts_.observer != nullptr) parts_.observer->on_refused(refusal.result.status, 1);
    done(std::move(refusal));
    return;
  }
  enqueue(lock, Work{CommandWork{std::move(command), std::move(done)}, parts_.clock.monotonic_ns()});
}

void Writer::run() {
  for (;;) {
    if (!has_work()) take_queued();
    if (!has_work() && !wait_for_work()) break;
    open_group();
    if (!next_recalled().valid()) run_timers();
    for (;;) {
      while (has_work() && fits(taken_[next_])) {
        execute(taken_[next_++]);
        if (decided() >= kHandOverItems && parts_.committer.idle()) break;
      }
      if (has_work()) break;
      // Batches that were checked together come right after one another: the rest of them goes out in the same group.
      if (decided() < kHandOverItems) take_queued();
      if (has_work()) continue;
      if (parts_.committer.idle()) break;
      // The committer is busy: whatever comes meanwhile joins this group.
      wait_for_committer_or_work();
      take_queued();
      if (!has_work() && parts_.committer.idle()) break;
    }
    hand_over();
  }
}

void Writer::take_queued() {
  std::size_t items = 0;
  {
    const std::lock_guard lock(mutex_);
    taken_.clear();
    next_ = 0;
    taken_.swap(queue_);
    items = queued_items_;
    queued_items_ = queued_commands_ = queued_batches_ = 0;
  }
  if (!taken_.empty()) report_depth(items);
}

void Writer::report_depth(std::size_t items) {
  if (parts_.observer != nullptr && items != reported_depth_) parts_.observer->on_queue_depth("writer", items);
  reported_depth_ = items;
}

// Sleeps until something is queued or a timer is due; false when it is time to end.
bool Writer::wait_for_work() {
  report_depth(0);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (queue_.empty() && stopping_) return false;
    }
    if (due_timer(std::max(parts_.machine.head().last_time, parts_.clock.now()))) return true;
    const base::Time now = parts_.clock.now();
    const base::Time due = std::min({parts_.machine.next_window_end(), parts_.machine.next_hold_expiry(),
                                     parts_.machine.next_payout(), parts_.machine.next_release()});
    std::uint64_t sleep_us =
        due.us <= now.us ? kIdleSleepUsMax : std::min<std::uint64_t>(due.us - now.us, kIdleSleepUsMax);
    const std::uint64_t now_ns = parts_.clock.monotonic_ns();
    if (now_ns < slices_rest_until_ns_) sleep_us = std::min(sleep_us, (slices_rest_until_ns_ - now_ns) / 1000 + 1);
    std::unique_lock lock(mutex_);
    wake_at_ = 1;
    wakeup_.wait_for(lock, std::chrono::microseconds(sleep_us), [this] { return !queue_.empty() || stopping_; });
    wake_at_ = 0;
    if (!queue_.empty()) {
      lock.unlock();
      take_queued();
      return true;
    }
  }
}

void Writer::wait_for_committer_or_work() {
  std::unique_lock lock(mutex_);
  wake_at_ = kCompany;
  wakeup_.wait(lock, [this] { return queued_items_ + queued_commands_ >= kCompany || parts_.committer.idle(); });
  wake_at_ = 0;
}

void Writer::open_group() {
  group_ = parts_.committer.take_empty();
  const core::LedgerHead& head = parts_.machine.head();
  const base::Time time = std::max(head.last_time, parts_.clock.now());
  builder_.emplace(core::SegmentId(head.last_segment.value + 1), core::Sequence(head.last_sequence.value + 1), time);
  group_started_ns_ = parts_.clock.monotonic_ns();
  oldest_submitted_ns_ = group_started_ns_;
}

// At most one slice in each group, so that batches never wait for more than one.
void Writer::run_timers() {
  const std::optional<core::Command> command = due_timer(builder_->time());
  if (!command) return;
  parts_.machine.execute(*command, parts_.replay, *builder_);
  const std::uint64_t now_ns = parts_.clock.monotonic_ns();
  if (busy()) slices_rest_until_ns_ = now_ns + kBusyRestFactor * (now_ns - group_started_ns_);
  if (builder_->empty()) timers_rest_until_ = base::Time{builder_->time().us + kTimerRestUs};
}

bool Writer::busy() const { return last_batch_ns_ != 0 && parts_.clock.monotonic_ns() - last_batch_ns_ < kBusyNs; }

// The next timer that has something to do, taking turns.
std::optional<core::Command> Writer::due_timer(base::Time now) {
  if (now < timers_rest_until_) return std::nullopt;
  const bool is_busy = busy();
  if (is_busy && parts_.clock.monotonic_ns() < slices_rest_until_ns_) return std::nullopt;
  const std::size_t slice = is_busy ? kBusySlice : limits::kCloseSliceWindows;
  for (unsigned turn = 0; turn < kTimers; ++turn) {
    const unsigned timer = (next_timer_ + turn) % kTimers;
    std::optional<core::Command> command;
    switch (static_cast<Timer>(timer)) {
      case Timer::close_due:
        if (parts_.machine.next_window_end() <= now) command = core::CloseDue{slice};
        break;
      case Timer::expire_holds:
        if (parts_.machine.next_hold_expiry() <= now) command = core::ExpireHolds{slice};
        break;
      case Timer::plan_payouts:
        if (parts_.machine.payouts_waiting() || parts_.machine.next_payout() <= now) command = core::PlanPayouts{slice};
        break;
      case Timer::release_due:
        if (parts_.machine.next_release() <= now) command = core::ReleaseDue{slice};
        break;
    }
    if (command) {
      next_timer_ = timer + 1;
      return command;
    }
  }
  return std::nullopt;
}

std::size_t Writer::decided() const { return group_->timings.items + group_->replies.size(); }

bool Writer::fits(const Work& work) const {
  if (decided() >= kGroupItemsMax) return false;
  if (builder_->empty()) return true;
  if (next_recalled().valid()) return false;  // its rows are read first: everything before it must be in them
  std::size_t entries = kCommandEntriesMax;
  std::size_t bytes = entries * kEntryBytesMax;
  if (const auto* batch = std::get_if<BatchWork>(&work.what)) {
    const auto& items = batch->batch.items();
    std::size_t usages = 0;
    for (const auto& item : items) usages += item.item().usages.size();
    entries = items.size() * kEntriesPerItemMax + 1;
    bytes = entries * kEntryBytesMax + usages * kUsageBytes;
  }
  const auto* command = std::get_if<CommandWork>(&work.what);
  if (const auto* notices = command == nullptr ? nullptr : std::get_if<core::RecordNotices>(&command->command)) {
    entries = notices->notices.size();
    bytes = entries * kNoticeBytesMax;
  }
  return builder_->count() + entries <= limits::kSegmentEntriesMax &&
         builder_->bytes() + bytes <= limits::kSegmentBytesMax;
}

void Writer::execute(Work& work) {
  if (parts_.failure.failed()) return;  // forgotten without an answer: nothing may be said any more
  oldest_submitted_ns_ = std::min(oldest_submitted_ns_, work.submitted_ns);
  std::visit(
      [this](auto& what) {
        if constexpr (std::is_same_v<std::decay_t<decltype(what)>, BatchWork>) {
          execute_batch(what);
        } else {
          execute_command(what);
        }
      },
      work.what);
}

void Writer::execute_batch(BatchWork& work) {
  last_batch_ns_ = group_started_ns_;
  BatchReply reply{std::move(work.done), {}};
  reply.receipt.status = work.batch.status();
  reply.receipt.time = builder_->time();
  if (work.batch.status() == base::Status::ok) {
    reply.receipt.items.resize(work.batch.items().size());
    const std::size_t before = builder_->count();
    parts_.machine.execute_batch(work.batch, parts_.replay, *builder_, reply.receipt.items);
    group_->timings.items += reply.receipt.items.size();
    if (builder_->count() > before) {
      reply.receipt.segment = core::SegmentId(parts_.machine.head().last_segment.value + 1);
      reply.receipt.segment_first = core::Sequence(builder_->next_sequence().value - builder_->count());
    }
  }
  work.batch = {};  // its memory goes back here, not on the committer's time
  group_->replies.emplace_back(std::move(reply));
}

void Writer::execute_command(CommandWork& work) {
  CommandReply reply{std::move(work.done), {}};
  if (const core::StatementId id = parts_.machine.recalls(work.command); id.valid()) recall(work.command, id);
  const std::size_t before = builder_->count();
  reply.receipt.result = parts_.machine.execute(work.command, parts_.replay, *builder_);
  reply.receipt.time = builder_->time();
  ++group_->timings.items;
  if (builder_->count() > before) reply.receipt.segment = core::SegmentId(parts_.machine.head().last_segment.value + 1);
  group_->replies.emplace_back(std::move(reply));
}

core::StatementId Writer::next_recalled() const {
  if (!has_work()) return {};
  const auto* command = std::get_if<CommandWork>(&taken_[next_].what);
  return command == nullptr ? core::StatementId{} : parts_.machine.recalls(command->command);
}

// Reads what memory no longer has. The group is empty, so all that was decided is with the committer: when that is
// idle, it is in the rows.
void Writer::recall(core::Command& command, core::StatementId id) {
  {
    std::unique_lock lock(mutex_);
    wake_at_ = std::numeric_limits<std::size_t>::max();
    wakeup_.wait(lock, [this] { return parts_.committer.idle(); });
    wake_at_ = 0;
  }
  if (parts_.failure.failed()) return;
  const base::Result<core::Statement> statement = parts_.reader.statement(id);
  if (!statement) return;  // refused for what it lacks
  base::Result<core::Settlement> collection = base::error(base::ErrorCode::not_found, "none");
  if (statement->settlement.valid()) {
    collection = parts_.reader.settlement(statement->settlement);
    if (!collection) return;
  }
  core::ClosedStatement closed = core::closed_of(*statement, collection ? &*collection : nullptr);
  if (auto* note = std::get_if<core::CreateCreditNote>(&command)) note->closed = std::move(closed);
  if (auto* refund = std::get_if<core::RefundPayer>(&command)) refund->closed = std::move(closed);
}

void Writer::hand_over() {
  if (!builder_->empty()) finish_segment();
  builder_.reset();
  if (!group_->segment && group_->replies.empty()) return;
  std::shared_ptr<const commitments::tab::AssetTable> assets = parts_.machine.asset_table();
  if (assets != assets_) group_->assets = assets_ = std::move(assets);
  parts_.committer.submit(std::move(group_));
}

void Writer::finish_segment() {
  const core::LedgerHead& head = parts_.machine.head();
  const core::Hash previous = head.last_segment_hash;
  group_->segment = builder_->finish(previous, head.segments.root());
  group_->hash = core::hash_of(group_->segment->header);
  parts_.machine.segment_done(group_->segment->header, group_->hash);
  RowsToBatch sink(parts_.database.family(Family::state), *group_->rows);
  parts_.machine.drain_changes(sink);
  const core::SegmentHeader& header = group_->segment->header;
  parts_.replay.segment_done(core::Sequence(header.first_sequence.value + header.count - 1));
  timers_rest_until_ = {};
  const std::uint64_t now_ns = parts_.clock.monotonic_ns();
  group_->timings.apply_ns = now_ns - group_started_ns_;
  group_->timings.queue_ns = group_started_ns_ - oldest_submitted_ns_;
}

}  // namespace ledger::store
