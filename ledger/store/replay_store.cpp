#include "ledger/store/replay_store.h"

#include <algorithm>

#include "base/limits.h"
#include "crypto/random.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

constexpr std::size_t kWaitingMax = 2;
// Entries without keys (settlements, windows) also lengthen what an open has to read.
constexpr std::uint64_t kEntriesPerKeyMax = 4;
// About 50 ms of reading at the next open.
constexpr std::size_t kCloseKeysMin = 10'000;

}  // namespace

ReplayStore::ReplayStore(Database& database, Follower& follower, Failure& failure, std::size_t recent_keys)
    : database_(database),
      follower_(follower),
      failure_(failure),
      generation_keys_(std::max<std::size_t>(recent_keys / 2, 1)),
      seed_(crypto::random_u64()),
      active_(new_generation()),
      active_since_(follower.indexed()),
      anything_on_disk_(follower.indexed().valid()) {}

std::shared_ptr<Generation> ReplayStore::new_generation() const {
  return std::make_shared<Generation>(seed_, generation_keys_ + base::limits::kSegmentEntriesMax);
}

std::optional<core::ReplayHit> ReplayStore::find(const core::ReplayKey& key) {
  if (std::optional<core::ReplayHit> hit = active_->keys.find(key)) return hit;
  for (const auto& generation : waiting_) {
    if (std::optional<core::ReplayHit> hit = generation->keys.find(key)) return hit;
  }
  if (!anything_on_disk_) return std::nullopt;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database_.db().Get(rocksdb::ReadOptions(), database_.family(Family::replay), slice(key.view()), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    failure_.fail(to_error(status, "read the replay index", database_.path()));
    return std::nullopt;  // reached in tests only: nothing is acknowledged after a failure
  }
  base::Result<core::ReplayHit> hit = decode_replay_hit(view(value));
  if (!hit) {
    failure_.fail(hit.error());
    return std::nullopt;
  }
  return *hit;
}

void ReplayStore::insert(const core::ReplayKey& key, const core::ReplayHit& hit) { active_->keys.insert(key, hit); }

void ReplayStore::segment_done(core::Sequence last) {
  while (!waiting_.empty() && waiting_.front()->on_disk.load()) {
    waiting_.erase(waiting_.begin());
    anything_on_disk_ = true;
  }
  const bool large = active_->keys.size() >= generation_keys_;
  const bool long_ago = last.value - active_since_.value >= kEntriesPerKeyMax * generation_keys_ &&
                        last.value - active_since_.value >= kCloseKeysMin;
  if (large || long_ago) hand_over(last);
}

void ReplayStore::close(core::Sequence last) {
  if (last.value - active_since_.value >= kCloseKeysMin) hand_over(last);
}

void ReplayStore::hand_over(core::Sequence last) {
  if (waiting_.size() >= kWaitingMax) follower_.wait_until_on_disk(*waiting_.front());
  follower_.add_generation(active_, last);
  waiting_.push_back(std::move(active_));
  active_ = new_generation();
  active_since_ = last;
}

}  // namespace ledger::store
