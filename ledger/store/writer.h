#pragma once

// The one thread that owns the ledger's state: takes what is queued, decides and applies it into a segment, and gives
// the whole to the committer. Runs the timers (window ends, hold expiry, payouts) between the batches.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"
#include "ledger/core/state_machine.h"
#include "ledger/store/committer.h"
#include "ledger/store/replay_store.h"

namespace ledger::store {

class Writer final : public api::LedgerService {
 public:
  struct Parts {
    core::StateMachine& machine;
    ReplayStore& replay;
    Committer& committer;
    Failure& failure;
    Database& database;
    const api::LedgerReader& reader;  // of what is committed
    const base::Clock& clock;
    api::Observer* observer;  // may be null
  };
  explicit Writer(Parts parts);
  ~Writer() override;

  void start();
  // Refuses new work, finishes what is queued, ends the thread. Idempotent.
  void stop();

  using LedgerService::submit;
  void submit(commitments::tab::VerifiedBatch batch, api::BatchDone done) override;
  void submit(core::Command command, api::CommandDone done) override;

  // The committer has become idle.
  void wake();
  std::size_t queued_batches() const;

 private:
  struct BatchWork {
    commitments::tab::VerifiedBatch batch;
    api::BatchDone done;
  };
  struct CommandWork {
    core::Command command;
    api::CommandDone done;
  };
  struct Work {
    std::variant<BatchWork, CommandWork> what;
    std::uint64_t submitted_ns = 0;
  };
  enum class Timer : std::uint8_t { close_due = 0, expire_holds = 1, plan_payouts = 2, release_due = 3 };

  void run();
  void take_queued();
  bool wait_for_work();
  void wait_for_committer_or_work();
  void open_group();
  void run_timers();
  bool busy() const;
  std::optional<core::Command> due_timer(base::Time now);
  void execute(Work& work);
  void execute_batch(BatchWork& work);
  void execute_command(CommandWork& work);
  // The closed statement that the next work is about, if it has to be read.
  core::StatementId next_recalled() const;
  void recall(core::Command& command, core::StatementId id);
  std::size_t decided() const;
  bool fits(const Work& work) const;
  void report_depth(std::size_t items);
  bool has_work() const noexcept { return next_ < taken_.size(); }
  void hand_over();
  void finish_segment();
  bool admit(std::unique_lock<std::mutex>& lock, std::size_t items, std::size_t commands, base::Status& refusal);
  void enqueue(std::unique_lock<std::mutex>& lock, Work work);

  Parts parts_;

  mutable std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable wakeup_;
  std::vector<Work> queue_;
  std::size_t queued_items_ = 0;
  std::size_t queued_commands_ = 0;
  std::size_t queued_batches_ = 0;
  std::size_t wake_at_ = 0;  // the sleeping writer wants to be woken at this many queued items; 0: it is awake
  bool stopping_ = false;

  // Writer thread only.
  std::vector<Work> taken_;
  std::size_t next_ = 0;
  std::unique_ptr<Group> group_;
  std::optional<core::SegmentBuilder> builder_;
  std::size_t reported_depth_ = 0;
  std::uint64_t group_started_ns_ = 0;
  std::uint64_t oldest_submitted_ns_ = 0;
  base::Time timers_rest_until_;
  unsigned next_timer_ = 0;
  std::uint64_t slices_rest_until_ns_ = 0;  // while batches come
  std::uint64_t last_batch_ns_ = 0;         // when the group began that had the last batch; 0: none yet
  std::shared_ptr<const commitments::tab::AssetTable> assets_;
  std::thread thread_;
};

}  // namespace ledger::store
