#pragma once

// Carries settlements from the ledger to the rails and back. All that it knows about money is in the ledger; what it
// keeps itself is a schedule, which a restart rebuilds.
//
//   ready    -> prepare -> StepSettlement(sending, key and bytes) durable -> send -> StepSettlement(outcome)
//   sending after a restart, unknown, accepted, confirmed, settled -> probe at next_action, until final or failed
//
// Edges that it asks the ledger for, each with StepSettlement and the current attempt:
//   ready     -> sending | failed (found before anything was sent)
//   sending   -> accepted | confirmed | settled | final | failed | unknown
//   unknown   -> accepted | confirmed | settled | final | failed
//   accepted  -> confirmed | settled | final | failed
//   confirmed -> settled | final | returned | disputed | accepted
//   settled   -> final | returned | disputed             disputed -> settled | returned
//   a state   -> itself, only to postpone next_action or to note a reference
// The edge back from confirmed to accepted is a chain's reorganisation. An edge that the ledger refuses with
// wrong_state is dropped and the settlement read again.
//
// There is no way from `unknown` to a second send: only a definite failure makes the ledger ask for a new attempt.
// A technical failure is tried again by technical_delay_ms(); what any other failure leads to (the plan's next rail,
// dunning, suspension, operator) is decided by the ledger from its FailureClass.
//
// A rail that cannot do what is asked fails it definitely with no_mandate, and nothing is sent: it cannot pull
// (collections) or push (payouts), or it is not configured while another rail of the plan is. If none of them is
// configured, the settlement waits: that is the operator's to mend, not the payer's.
// A settlement of which a notice says that its money has moved is not sent before the operator has resolved the notice.
//
// Threads: one io_context thread runs everything. wake(), set_enabled() and status() are safe from any thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"
#include "settlers/inbox.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers {

struct BreakerOptions {
  std::uint32_t failures_to_open = 5;  // rail faults and technical failures in a row
  std::uint64_t open_ms = 10'000;      // how long nothing is tried; doubles with each failed trial
  std::uint64_t open_ms_max = 300'000;
};

struct DispatcherOptions {
  bool dry_run = false;                     // prepare and tell the observer; send nothing, change nothing
  std::vector<std::string> disabled_rails;  // kill switches that are on from the start
  std::uint64_t poll_ms = 500;              // how often to look for due settlements without being woken
  std::uint64_t wake_spacing_ms = 20;       // at most one look in this time, however often wake() is called
  std::size_t due_read_max = 1'024;         // rows read from the due list at a time, beside those already scheduled
  std::size_t scheduled_max = 1024;         // next probes kept in memory; beyond it they are written to the ledger
  std::uint64_t journal_delay_ms = 60'000;  // unchanged outcomes are written when the next probe is further away
  std::uint64_t stop_grace_ms = 10'000;     // how long stop() waits for calls in flight
  std::uint64_t jitter_seed = 1;            // of the retry jitter; any number
  BreakerOptions breaker;
};

// Full jitter in [0, min(60 s, 0.5 s * 2^retries)] for the first eight retries, then 5 min, 30 min, 2 h and 6 h, again
// 6 h from there. `random` is uniform over 64 bits.
std::uint64_t technical_delay_ms(std::uint32_t retries, std::uint64_t random) noexcept;

enum class BreakerState : std::uint8_t { closed = 0, open = 1, half_open = 2 };
std::string_view name(BreakerState state) noexcept;

struct RailStatus {
  std::string rail;
  bool enabled = true;  // kill switch off
  bool dry_run = false;
  bool available = true;  // Settler::available()
  BreakerState breaker = BreakerState::closed;
  std::size_t in_flight = 0;  // sending, accepted or unknown
  std::size_t in_flight_max = 0;
  std::uint64_t sent = 0;  // calls of send() since start
  std::uint64_t probed = 0;
  std::uint64_t faults = 0;  // rail faults and technical failures since start
  std::string last_error;    // empty: none since start
  base::Time last_error_time;
  std::string description;    // Settler::describe()
  std::vector<Gauge> gauges;  // Settler::gauges()
};

struct DispatcherStatus {
  bool running = false;
  std::vector<RailStatus> rails;           // in order of add()
  std::size_t scheduled = 0;               // probes waiting in memory
  std::vector<std::string> missing_rails;  // named by due settlements, without a settler here
};

// For logs and metrics. Called on the io_context thread; must return quickly and not throw.
class DispatcherObserver {
 public:
  virtual ~DispatcherObserver() = default;
  // A step that is durable. `before` is the settlement as it was.
  virtual void on_step(const Settlement& /*before*/, SettlementState /*to*/, FailureClass,
                       std::string_view /*detail*/) {}
  // Dry run: what would be sent.
  // Notices that are durable now, each once. Called on a thread of the ledger's.
  virtual void on_notices(const std::vector<Notice>&) {}
  virtual void on_would_send(const Instruction&, const Prepared&) {}
  virtual void on_breaker(std::string_view /*rail*/, BreakerState) {}
  // Something that a person may want to know; nothing is lost.
  virtual void on_problem(std::string_view /*rail*/, SettlementId, std::string_view /*message*/) {}
};

class Dispatcher {
 public:
  // All references and `observer` (may be null) must outlive this; `io` must run on one thread, and outlive the
  // ledger's threads, because their callbacks cross over to it.
  Dispatcher(boost::asio::io_context& io, ledger::api::LedgerService& service, const ledger::api::LedgerReader& reader,
             const base::Clock& clock, DispatcherOptions options, DispatcherObserver* observer);
  // On the io_context thread, or while nothing runs it. Without stop(), what is under way is dropped.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Before start(). One settler for each rail name: CHECKs that it is new.
  void add(std::unique_ptr<Settler> settler);
  // Starts the settlers, hands them what is open on their rails, and begins. `done` is called once on the io_context
  // thread, and not at all if stop() comes first; after an Error (which names the rail) nothing runs.
  void start(Done<base::Result<void>> done);
  // Starts nothing new, waits for calls in flight (at most stop_grace_ms), stops the settlers, then calls `done`.
  // What is cut off is found again in the ledger as `sending` and probed after the next start.
  void stop(std::function<void()> done);

  // Something in the ledger may have become due. Cheap; from any thread, also from a ledger's observer.
  void wake();
  // The kill switch. Without it nothing is prepared or sent on the rail; probing goes on. False if there is no such
  // rail. From any thread.
  bool set_enabled(std::string_view rail, bool enabled);
  // From any thread.
  DispatcherStatus status() const;
  // The rails' names, in the order of add(). Constant after start(); from any thread.
  std::vector<std::string> rails() const;
  // Settler::movements of a rail. From any thread; `done` is called on the io_context thread, and not at all once the
  // dispatcher is gone.
  void movements(std::string_view rail, MovementQuery query, Done<base::Result<MovementPage>> done);
  // Settler::keeps_record; false if there is no such rail. From any thread.
  bool keeps_record(std::string_view rail, const Settlement& settlement) const;
  // Where settlers record what their rails say on their own. Lives as long as this; from any thread.
  Inbox& inbox();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // completions that are under way may outlive the dispatcher
};

}  // namespace settlers
