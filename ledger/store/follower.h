#pragma once

// Builds the indexes that nobody waits for: replay keys that leave memory, and which entries charge a payer. Follows
// the journal on a thread of its own, collects in memory, and moves one generation at a time to disk in sorted order,
// followed by a mark up to where the indexes reach. What is after the mark is rebuilt from the journal at the next
// open.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "ledger/api/observer.h"
#include "ledger/store/database.h"
#include "ledger/store/errand.h"
#include "ledger/store/failure.h"
#include "ledger/store/keys.h"
#include "ledger/store/recent_keys.h"

namespace ledger::store {

// The replay keys of a stretch of the journal that ends with a whole segment.
struct Generation {
  Generation(std::uint64_t seed, std::size_t expected) : keys(seed, expected) {}
  RecentKeys keys;
  core::Sequence last;               // set when it is handed to the follower
  std::atomic<bool> on_disk{false};  // the keys can be found in the replay family
};

class Follower {
 public:
  // `indexed`: the mark that was read at open.
  Follower(Database& database, Failure& failure, core::Sequence indexed);
  ~Follower();

  // A durable segment, in order. `process` does the work on the calling thread (open); `on_segment` on the follower's
  // thread, and waits when the follower is more than kBacklogBytesMax behind.
  base::Result<void> process(const core::SegmentHeader& header, base::ByteView body);
  void on_segment(std::shared_ptr<const api::CommittedSegment> segment);
  // Its keys move to disk as soon as the segment that ends with `last` has been processed.
  void add_generation(std::shared_ptr<Generation> generation, core::Sequence last);
  // Waits until the keys are on disk (or everything has failed).
  void wait_until_on_disk(const Generation& generation);

  void start();
  // Processes what is queued, moves complete generations, ends the thread. Idempotent.
  void stop();

  // Sequences after `after` that are not in the history family yet, ascending, at most `limit`. Any thread. Ask before
  // reading the family: rows move from here to there.
  std::vector<core::Sequence> tail(core::PayerId payer, HistoryClass of, core::Sequence after, std::size_t limit) const;
  core::Sequence indexed() const;

  // One entry that charges a payer, or closes a window of it, in 8 bytes: a query looks through all of the tail.
  struct Posting {
    std::uint32_t payer;
    std::uint32_t distance;  // from the start of the tail
    auto operator<=>(const Posting&) const = default;
  };

 private:
  using Postings = std::vector<Posting>;

  void run();
  base::Result<void> move_complete_generations();
  base::Result<void> move(Generation& generation);
  base::Result<core::PayerId> payer_of_tab(core::TabId tab);

  Database& database_;
  Failure& failure_;

  std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable work_;
  std::condition_variable progress_;
  std::deque<std::shared_ptr<const api::CommittedSegment>> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<std::shared_ptr<Generation>> generations_;
  bool stopping_ = false;

  // Another lock, so that writer and committer never wait for one who reads the tail. What it guards, down to the blank
  // line, only the follower's thread changes.
  mutable std::mutex tail_mutex_;
  core::Sequence indexed_;
  core::Sequence tail_base_;  // postings count from here
  Postings charging_;
  Postings windows_;

  core::Sequence processed_;                               // follower's thread only (open: the opening thread)
  std::unordered_map<std::uint64_t, core::PayerId> tabs_;  // small cache: tab -> payer
  std::optional<Errand> errand_;                           // from start() to stop()
  std::thread thread_;
};

}  // namespace ledger::store
