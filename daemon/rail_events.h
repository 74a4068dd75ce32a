#pragma once

// What the dispatcher tells, as log lines and metrics.

#include <atomic>

#include "ledger/api/observer.h"
#include "ledger/api/reconciliation.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "settlers/dispatcher.h"

namespace tabd_daemon {

// Calls come from the io_context thread.
class RailEvents final : public settlers::DispatcherObserver {
 public:
  // Both must outlive this.
  RailEvents(ops::Log& log, ops::Metrics& metrics) : log_(log), metrics_(metrics) {}

  void on_notices(const std::vector<settlers::Notice>& notices) override;
  void on_step(const settlers::Settlement& before, settlers::SettlementState to, settlers::FailureClass failure,
               std::string_view detail) override;
  void on_would_send(const settlers::Instruction& instruction, const settlers::Prepared& prepared) override;
  void on_breaker(std::string_view rail, settlers::BreakerState state) override;
  void on_problem(std::string_view rail, ledger::core::SettlementId id, std::string_view message) override;

 private:
  ops::Log& log_;
  ops::Metrics& metrics_;
};

// A line for each rail that was compared, and a warning for what differs.
void log_reconciliation(ops::Log& log, const ledger::api::Reconciliation& made);

// Wakes the dispatcher after each group commit: something may have become due. The dispatcher comes after the store and
// goes before it, hence set() and clear().
class DispatcherWaker final : public ledger::api::Observer {
 public:
  void set(settlers::Dispatcher& dispatcher) { dispatcher_ = &dispatcher; }
  // Waits until a call that is under way has returned.
  void clear();
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override;

 private:
  std::atomic<settlers::Dispatcher*> dispatcher_{nullptr};
  std::atomic<int> calling_{0};
};

}  // namespace tabd_daemon
