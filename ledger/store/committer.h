#pragma once

// Makes groups durable, one at a time and in order, and only then lets their replies out: the reply gate. While one
// group is being synced the writer applies the next.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "commitments/tab/types.h"
#include "crypto/secp256k1.h"
#include "ledger/store/acknowledged.h"
#include "ledger/store/database.h"
#include "ledger/store/failure.h"
#include "ledger/store/follower.h"
#include "ledger/store/group.h"

namespace ledger::store {

// Signs the segment and writes it with its rows and its place in one synced batch. Also used by open() for the first
// segment of a new ledger. `rows` keeps what was written.
base::Result<void> write_segment(Database& database, const commitments::tab::Domain& domain,
                                 const crypto::SecretKey& operator_key, core::Segment& segment, const core::Hash& hash,
                                 rocksdb::WriteBatch& rows);

class Committer {
 public:
  struct Parts {
    Database& database;
    Follower& follower;
    Failure& failure;
    Acknowledged& acknowledged;
    const base::Clock& clock;
    const crypto::SecretKey& operator_key;
    const commitments::tab::Domain& domain;
    api::Observer* observer;        // may be null
    std::function<void()> on_idle;  // wakes the writer
    std::function<void(std::shared_ptr<const commitments::tab::AssetTable>)> on_assets;
  };
  explicit Committer(Parts parts);
  ~Committer();

  void start();
  // Finishes what it has and ends the thread. Idempotent.
  void stop();

  // Writer thread. `idle` is whether submit() would not wait.
  bool idle() const noexcept { return !busy_.load(std::memory_order_acquire); }
  void submit(std::unique_ptr<Group> group);
  // An empty group for the writer to fill.
  std::unique_ptr<Group> take_empty();

 private:
  void run();
  void commit(Group& group);
  void publish(Group& group);
  void count_refused(const Group& group);

  Parts parts_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::unique_ptr<Group> next_;
  std::unique_ptr<Group> spare_;
  bool stopping_ = false;
  std::atomic<bool> busy_{false};
  std::thread thread_;
};

}  // namespace ledger::store
