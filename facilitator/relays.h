#pragma once

// Plans a relay and waits for it. However often and however concurrently the same one is asked for, there is one
// settlement, at most one transaction under way, and every asker hears how it ended.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "facilitator/scheme.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"
#include "ledger/api/reader.h"

namespace facilitator {

struct RelayAnswer {
  enum class Kind : std::uint8_t {
    done,     // confirmed by the rail, or further
    pending,  // not decided in time: ask again with the same plan; `settlement.reference` is the hash, if there is one
    failed,   // definitely; `settlement.detail` begins with the refusal's name (evm/refusal.h)
    refused,  // the ledger did not take it: `status` and `detail`
  };
  Kind kind = Kind::refused;
  ledger::core::Settlement settlement;  // with all but refused
  base::Status status = base::Status::ok;
  std::string detail;
};
using RelayDone = std::function<void(const RelayAnswer&)>;

// Of a RelayAnswer that the ledger did not take, for the asker.
Refusal refusal_of(const RelayAnswer& answer);
// The answer while a transaction is under way; `response` has network, payer and transaction.
SettleResponse pending_answer(SettleResponse response);

struct RelayParts {
  ledger::api::LedgerService& service;
  const ledger::api::LedgerReader& reader;
  Post post;
  After after;
};

// Belongs to the facilitator's thread, but for on_committed(). Outlives the last answer of the ledger.
class Relays {
 public:
  explicit Relays(RelayParts parts) : parts_(std::move(parts)) {}
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  // What makes two plans the same: rail, key and order; or the key alone, which then says all that matters, and whoever
  // asks with another order hears about the first.
  enum class Same : std::uint8_t { order, key };

  // Asked for again after a definite failure it is tried once more; after an unknown outcome never.
  void run(ledger::core::PlanRelay plan, std::uint64_t wait_ms, RelayDone done) {
    run(std::move(plan), Same::order, wait_ms, std::move(done));
  }
  void run(ledger::core::PlanRelay plan, Same same, std::uint64_t wait_ms, RelayDone done);
  // The relay that was planned with this key: how it ended, or will end. Plans and retries nothing: refused with
  // not_found if there is none.
  void find(const base::Hash& key, std::uint64_t wait_ms, RelayDone done);

  // Answers all who wait with `pending`, now; whoever asks later is not kept waiting.
  void hurry();

  // From the ledger's observer, on its thread: wakes whoever waits for a settlement that moved.
  void on_committed(const ledger::api::CommittedSegment& segment);

 private:
  struct Waiter {
    std::uint64_t number = 0;
    bool may_retry = false;           // it has failed before this asker came
    std::uint32_t failed_before = 0;  // the attempt that this asker saw failed, and had tried again
    RelayDone done;
  };
  struct Wait {
    std::vector<Waiter> waiters;
    std::uint32_t retrying = 0;  // the failed attempt after which the ledger was asked for another; 0: it has answered
  };
  void planned(const ledger::api::CommandReceipt& receipt, bool may_retry, std::uint64_t wait_ms, RelayDone done);
  void look(ledger::core::SettlementId id);
  bool decide(Wait& wait, Waiter& waiter, const ledger::core::Settlement& settlement);
  void retry(Wait& wait, const ledger::core::Settlement& settlement);
  RelayAnswer pending(ledger::core::SettlementId id) const;
  void give_up(ledger::core::SettlementId id, std::uint64_t number);

  const RelayParts parts_;
  std::unordered_map<std::uint64_t, Wait> waiting_;  // by settlement
  std::uint64_t last_number_ = 0;
  bool hurrying_ = false;
  std::atomic<std::size_t> watched_{0};  // size of waiting_, for the ledger's thread
};

}  // namespace facilitator
