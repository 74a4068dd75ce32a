#include "ledger/store/committer.h"

#include <pthread.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "ledger/store/rows_to_batch.h"

namespace ledger::store {

Group::Group() : rows(std::make_unique<rocksdb::WriteBatch>()) {}
Group::~Group() = default;

void Group::clear() {
  segment.reset();
  rows->Clear();
  replies.clear();
  assets.reset();
  timings = {};
}

base::Result<void> write_segment(Database& database, const commitments::tab::Domain& domain,
                                 const crypto::SecretKey& operator_key, core::Segment& segment, const core::Hash& hash,
                                 rocksdb::WriteBatch& rows) {
  segment.signature = operator_key.sign(commitments::tab::segment_digest(domain, segment.header.number.value, hash));
  const core::Bytes encoded = core::encode(segment);
  const Key<40> place = encode(SegmentPlace{segment.header.first_sequence, hash});
  rocksdb::Status status = rows.Put(database.family(Family::journal),
                                    slice(journal_key(segment.header.first_sequence).view()), slice(encoded));
  if (status.ok()) {
    status = rows.Put(database.family(Family::meta), slice(meta_segment_key(segment.header.number).view()),
                      slice(place.view()));
  }
  if (status.ok()) {
    rocksdb::WriteOptions options;
    options.sync = true;
    status = database.db().Write(options, &rows);
  }
  if (!status.ok()) {
    const std::string doing = "write segment " + std::to_string(segment.header.number.value);
    return tl::unexpected(to_error(status, doing, database.path()));
  }
  return {};
}

Committer::Committer(Parts parts) : parts_(std::move(parts)) {}

Committer::~Committer() { stop(); }

void Committer::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "tabd-commit");
}

void Committer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Committer::submit(std::unique_ptr<Group> group) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return !busy_.load(); });
    busy_.store(true, std::memory_order_release);
    next_ = std::move(group);
  }
  work_.notify_one();
}

std::unique_ptr<Group> Committer::take_empty() {
  {
    const std::lock_guard lock(mutex_);
    if (spare_ != nullptr) return std::move(spare_);
  }
  return std::make_unique<Group>();
}

void Committer::run() {
  for (;;) {
    std::unique_ptr<Group> group;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return next_ != nullptr || stopping_; });
      if (next_ == nullptr) return;
      group = std::move(next_);
    }
    if (!parts_.failure.failed()) commit(*group);
    if (!parts_.failure.failed()) publish(*group);
    group->clear();  // after a failure: forgets the callbacks without calling them
    {
      const std::lock_guard lock(mutex_);
      spare_ = std::move(group);
      busy_.store(false, std::memory_order_release);
    }
    room_.notify_one();
    parts_.on_idle();
  }
}

void Committer::commit(Group& group) {
  if (!group.segment) return;
  const std::uint64_t start_ns = parts_.clock.monotonic_ns();
  const base::Result<void> written =
      write_segment(parts_.database, parts_.domain, parts_.operator_key, *group.segment, group.hash, *group.rows);
  if (!written) return parts_.failure.fail(written.error());
  group.timings.write_ns = parts_.clock.monotonic_ns() - start_ns;
  const core::SegmentHeader& header = group.segment->header;
  parts_.acknowledged.set(core::Sequence(header.first_sequence.value + header.count - 1));
}

void Committer::publish(Group& group) {
  if (group.assets != nullptr) parts_.on_assets(std::move(group.assets));
  if (parts_.observer != nullptr) count_refused(group);
  for (Reply& reply : group.replies) std::visit([](auto& each) { each.done(std::move(each.receipt)); }, reply);
  if (!group.segment) return;
  auto committed = std::make_shared<api::CommittedSegment>();
  committed->header = group.segment->header;
  committed->hash = group.hash;
  committed->signature = group.segment->signature;
  committed->body = std::move(group.segment->body);
  parts_.follower.on_segment(committed);
  if (parts_.observer != nullptr) parts_.observer->on_committed(committed, group.timings);
}

void Committer::count_refused(const Group& group) {
  constexpr std::size_t kNumbers = 128;
  std::array<std::size_t, kNumbers> counts{};
  const auto count = [&counts](base::Status status, std::size_t by = 1) {
    const auto number = static_cast<std::size_t>(status);
    CHECK(number < kNumbers);
    if (!base::accepted(status) && status != base::Status::dry_run) counts[number] += by;
  };
  for (const Reply& reply : group.replies) {
    if (const auto* batch = std::get_if<BatchReply>(&reply)) {
      count(batch->receipt.status);
      for (const core::ItemResult& item : batch->receipt.items) count(item.status);
    } else {
      count(std::get<CommandReply>(reply).receipt.result.status);
    }
  }
  for (std::size_t number = 0; number < kNumbers; ++number) {
    if (counts[number] > 0) parts_.observer->on_refused(static_cast<base::Status>(number), counts[number]);
  }
}

}  // namespace ledger::store
