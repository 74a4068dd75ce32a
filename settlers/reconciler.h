#pragma once

// Puts our books beside the rails': on request, and once a day by itself. A thread of its own reads the ledger page by
// page and asks each rail for what it has on record (Settler::movements); nothing is changed by it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger/api/reconciliation.h"
#include "settlers/dispatcher.h"

namespace settlers {

using ledger::api::Difference;
using ledger::api::DifferenceKind;
using ledger::api::ReconcileRequest;
using ledger::api::Reconciliation;

struct ReconcilerOptions {
  std::uint64_t every_s = 86'400;            // zero: only on request
  std::uint64_t first_after_s = 60;          // after the start
  std::uint64_t lookback_s = 35 * 86'400;    // what a run compares unless it is told
  std::uint64_t stuck_after_s = 7 * 86'400;  // from sending to settled; longer than any rail takes
  std::uint64_t answer_timeout_s = 120;      // for a page of a rail's record
  std::uint64_t movements_max = 2'000'000;   // of one rail in one run; 100 bytes and the reference each
  std::uint64_t pages_max = 100'000;         // of one rail's record in one run, also if nothing on them counts
  std::uint64_t rail_timeout_s = 3'600;      // for all of one rail's record
};

// One rail's side and ours, compared. Pure; in this order: add() everything that the rail has, explain() and compare()
// what the ledger has, finish().
class RailComparison {
 public:
  // Movements before `from` are only there to be found. `keeps_record`: Settler::keeps_record.
  RailComparison(std::string rail, Time from, Time to, std::function<bool(const Settlement&)> keeps_record);
  void add(const RailMovement& movement);
  // Money of this rail that is in the books without a settlement: what was in suspense, also if it is resolved now.
  void explain(const Notice& notice);
  std::size_t size() const noexcept { return groups_.size(); }
  void compare(const Settlement& settlement, std::vector<Difference>& found);
  // What no settlement claimed.
  void finish(std::vector<Difference>& found);
  const ledger::api::RailReconciliation& counts() const noexcept { return counts_; }
  void fail(std::string problem) { counts_.problem = std::move(problem); }

 private:
  // Everything that the rail did for one payment.
  struct Group {
    RailMovement last;
    base::i128 net = 0;  // seen from the operator's account
    std::uint32_t movements = 0;
    bool comparable = true;
    bool claimed = false;
  };
  Group* find(const Settlement& settlement);
  Difference difference(DifferenceKind kind, const Settlement& settlement) const;

  const Time from_, to_;
  const std::function<bool(const Settlement&)> keeps_record_;
  ledger::api::RailReconciliation counts_;
  std::vector<Group> groups_;
  std::unordered_map<std::uint64_t, std::size_t> by_settlement_;
  std::unordered_map<std::string, std::size_t> by_reference_;
};

class Reconciler {
 public:
  // Called from the reconciler's thread after each run.
  using Report = std::function<void(const Reconciliation&)>;

  // All must outlive this; the dispatcher must have been started, and be stopped after this.
  Reconciler(Dispatcher& dispatcher, const ledger::api::LedgerReader& reader, const base::Clock& clock,
             ReconcilerOptions options, Report report);
  ~Reconciler();
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  // The number of the run that will answer it; one that has not begun yet is taken over by a later request.
  std::uint64_t request(ReconcileRequest request);
  // The last run that ended; number zero: there is none. From any thread.
  std::shared_ptr<const Reconciliation> last() const;
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace settlers
