#pragma once

// The dispatcher's inside. dispatcher.cpp: start, stop, what runs when. operation.cpp: one settlement's way to the rail
// and back. Everything runs on the io_context thread except where a member says otherwise.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <set>
#include <unordered_map>

#include "settlers/breaker.h"
#include "settlers/dispatcher.h"

namespace settlers {

class Dispatcher::Impl : public std::enable_shared_from_this<Dispatcher::Impl> {
 public:
  Impl(boost::asio::io_context& io, ledger::api::LedgerService& service, const ledger::api::LedgerReader& reader,
       const base::Clock& clock, DispatcherOptions options, DispatcherObserver* observer);

  void add(std::unique_ptr<Settler> settler);
  void start(Done<base::Result<void>> done);
  void stop(std::function<void()> done);
  void wake();                                            // any thread
  bool set_enabled(std::string_view rail, bool enabled);  // any thread
  DispatcherStatus status() const;                        // any thread
  Inbox& inbox() { return *inbox_; }                      // any thread
  // Any thread, after start().
  std::vector<std::string> rails() const;
  void movements(std::string_view rail, MovementQuery query, Done<base::Result<MovementPage>> done);
  bool keeps_record(std::string_view rail, const Settlement& settlement) const;
  void detach();  // the dispatcher is gone: completions that still come are dropped

 private:
  struct Rail {
    std::unique_ptr<Settler> settler;
    std::string name;
    Capabilities capabilities;
    Breaker breaker;
    std::set<std::uint64_t> in_flight;  // settlements sending, accepted or unknown
    std::size_t probes = 0;             // calls of probe() under way
    std::size_t sends = 0;              // settlements between prepare() and the answer to send()
    std::atomic<bool> enabled{true};
    RailStatus shown;  // guarded by status_mutex_
    explicit Rail(BreakerOptions options) : breaker(options) {}
  };
  // One settlement that is being worked on.
  struct Operation {
    Rail* rail = nullptr;
    Instruction instruction;
    Prepared prepared;
    NoticeId notices_read;  // the last one of the settlement, whichever rail's
    bool trial = false;     // of the breaker
    bool is_probe = false;
    bool begun = false;  // the breaker waits for end()
    std::uint32_t commits_retried = 0;
    const Settlement& settlement() const { return instruction.settlement; }
  };
  using OperationPtr = std::shared_ptr<Operation>;
  // A settlement that is due in the ledger and not to be looked at before a time.
  struct Deferral {
    std::uint64_t until_ns = 0;
    SettlementState state = SettlementState::ready;
    std::uint32_t attempt = 0;
    std::uint32_t technical_retries = 0;
    base::Time next_action;  // changes when something is to be done before: a notice, a retry on request
  };
  class LedgerInbox;

  // dispatcher.cpp
  void start_next(std::size_t index, Done<base::Result<void>> done);
  base::Result<void> adopt_open();
  void schedule(std::uint64_t delay_ms);
  void tick();
  void look();
  void sweep();
  void consider(const Settlement& settlement);
  bool deferred(const Settlement& settlement);
  void forget_old_deferrals();
  void finish_stop();
  Rail* find(std::string_view name) const;
  std::uint64_t random();

  // operation.cpp
  void begin(Rail& rail, const Settlement& settlement, bool is_probe);
  base::Result<Instruction> resolve(const Settlement& settlement) const;
  base::Result<void> read_notices(Instruction& instruction, NoticeId& last) const;
  // The rail that is asked cannot do it: a failure without a settler.
  void fail_unsent(const Settlement& settlement, std::string detail, FailureClass failure = FailureClass::no_mandate);
  bool another_rail_is_here(const Settlement& settlement);
  void on_prepared(const OperationPtr& operation, base::Result<Prepared> prepared);
  void commit_sending(const OperationPtr& operation);
  void on_sending(const OperationPtr& operation, const ledger::api::CommandReceipt& receipt);
  void on_outcome(const OperationPtr& operation, const Outcome& outcome);
  void judge_fee(const OperationPtr& operation, Outcome& outcome);
  void record(const OperationPtr& operation, Outcome outcome);
  void on_recorded(const OperationPtr& operation, const Outcome& outcome, SettlementState to,
                   const ledger::api::CommandReceipt& receipt);
  void fail_definitely(const OperationPtr& operation, FailureClass failure, std::string detail, std::string code = {});
  void end(const OperationPtr& operation, std::uint64_t defer_ms);
  void rail_answered(const OperationPtr& operation, RailHealth health, std::string_view detail);
  bool defer(const Settlement& settlement, std::uint64_t delay_ms);
  void submit(ledger::core::StepSettlement step, std::function<void(ledger::api::CommandReceipt)> done);
  base::Time after_ms(std::uint64_t delay_ms) const;
  void problem(std::string_view rail, SettlementId id, std::string_view message);

  boost::asio::io_context& io_;
  ledger::api::LedgerService& service_;
  const ledger::api::LedgerReader& reader_;
  const base::Clock& clock_;
  const DispatcherOptions options_;
  DispatcherObserver* const observer_;
  std::unique_ptr<Inbox> inbox_;

  std::vector<std::unique_ptr<Rail>> rails_;  // constant after start()
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer stop_timer_;
  std::atomic<bool> wake_pending_{false};
  bool running_ = false;
  bool detached_ = false;
  bool tick_scheduled_soon_ = false;
  std::uint64_t last_look_ns_ = 0;
  std::uint64_t last_sweep_ns_ = 0;
  std::size_t sweep_state_ = 0;  // index into the swept states
  SettlementId sweep_after_;
  std::unordered_map<std::uint64_t, OperationPtr> operations_;
  std::unordered_map<std::uint64_t, Deferral> deferrals_;
  std::function<void()> stop_done_;
  std::uint64_t random_state_;

  mutable std::mutex status_mutex_;
  bool shown_running_ = false;           // guarded by status_mutex_
  std::size_t shown_scheduled_ = 0;      // guarded by status_mutex_
  std::set<std::string> missing_rails_;  // guarded by status_mutex_
};

// The settlement is between sending and confirmed: it takes one of the rail's places.
inline bool takes_place(SettlementState state) {
  return state == SettlementState::sending || state == SettlementState::accepted || state == SettlementState::unknown;
}
// The rail may still say something about it.
inline bool is_probed(SettlementState state) {
  return takes_place(state) || state == SettlementState::confirmed || state == SettlementState::settled ||
         state == SettlementState::disputed;
}

}  // namespace settlers
