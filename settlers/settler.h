#pragma once

// A settler moves money on one rail. It is honest about what it can do, never decides whether to try again, and keeps
// no state that money depends on: the dispatcher commits key and request bytes to the ledger before send().
//
// Threads: all calls come from the dispatcher's io_context thread; completions must be called on it, exactly once, and
// may be called before the starting call returns. Calls for different settlements overlap up to in_flight_max.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/core/types.h"

namespace settlers {

using ledger::core::Amount;
using ledger::core::Asset;
using ledger::core::Bytes;
using ledger::core::FailureClass;
using ledger::core::Hash;
using ledger::core::Notice;
using ledger::core::NoticeId;
using ledger::core::NoticeState;
using ledger::core::Settlement;
using ledger::core::SettlementId;
using ledger::core::SettlementKind;
using ledger::core::SettlementState;
using ledger::core::Time;

struct Capabilities {
  bool pull = false;              // can collect from a payer who gave a mandate before
  bool push = false;              // can pay out
  bool refunds = false;           // can send back what it collected, wholly or in parts
  bool request = false;           // can only ask the payer to pay
  bool can_probe = false;         // probe() gives a definite answer sooner or later
  bool deduplicates = false;      // sending the same bytes twice moves money once
  std::size_t in_flight_max = 1;  // settlements between sending and confirmed at a time
  std::uint64_t finality_s = 0;   // usual time from accepted to final, for planning
};

// What one settlement is about, resolved.
struct Instruction {
  Settlement settlement;
  Asset asset;                          // relays: may be none
  ledger::core::Address payer_address;  // collections, refunds
  Bytes payer_rail_mandate;  // collections, refunds: of Payer::rail_mandates the one of this rail; empty: there is none
  std::string origin_reference;  // refunds: the rail's own id of the collection that is refunded
  std::string payee_account;     // payouts: Payee::payout_account
  Bytes relay_order;             // relays: Relay::order
  // What the rail said of this settlement on its own, oldest first: the last base::limits::kNoticesPerProbeMax, without
  // refused and resolved ones.
  std::vector<Notice> notices;
  bool dry_run = false;  // prepare() only: build what would be sent, reserve nothing
};

struct Prepared {
  Hash idempotency_key;
  Bytes request;          // everything that send() needs after a restart, exactly
  std::string reference;  // if known before sending (a transaction hash); may be empty
  // Other than none: the rail says that this instruction cannot succeed now (a simulation failed). Nothing was reserved
  // and nothing is to be sent; the fields above are unused.
  FailureClass failure = FailureClass::none;
  std::string code;    // with failure: the rail's own word; may be empty
  std::string detail;  // for people: what would be sent, or why not
};

// What a rail says. `state` is one of accepted, confirmed, settled, final, failed, unknown, returned, disputed.
struct Outcome {
  SettlementState state = SettlementState::unknown;
  FailureClass failure = FailureClass::none;  // with failed
  std::string reference;                      // empty: unchanged
  std::string code;                           // the rail's own word, raw, at most 64 bytes; empty: unchanged
  std::optional<Amount> fee;  // what the rail kept of this attempt so far, ledger scale; none: unchanged
  // Collections, with confirmed, settled or final: what the rail moved, if that is not what it was asked for. Less: the
  // rest is due again. More: the surplus is the payer's credit.
  std::optional<Amount> moved;
  std::string detail;                  // for people
  std::uint64_t next_probe_ms = 1000;  // when to look again, unless terminal
  bool rail_fault = false;  // the rail did not answer or answered nonsense: counts for the circuit breaker, as
                            // a technical failure does
};

// A number for metrics, in the unit that its name ends with: "signer_balance_gwei", "chain_lag_seconds".
struct Gauge {
  std::string name;
  std::int64_t value = 0;
};

template <typename T>
using Done = std::function<void(T)>;

class Settler {
 public:
  virtual ~Settler() = default;
  virtual std::string_view rail() const = 0;  // "stablecoin", "sandbox", ...
  virtual Capabilities capabilities() const = 0;
  // Checks configuration against the rail (chain id, token domain, account) and starts background work. An Error stops
  // the daemon's start with its message.
  virtual void start(Done<base::Result<void>> done) = 0;
  // After start() and before anything else: one call for each settlement of this rail that is between sending and
  // final, so that what it holds on the rail (an account nonce) is not given to another. `settlement.request` is set.
  virtual void adopt(const Settlement& /*settlement*/) {}
  // The kill switch. With false nothing leaves for the rail any more, repeated broadcasts included; probing goes on.
  virtual void set_sending(bool /*allowed*/) {}
  // Nothing may be sent after it returns; completions that are under way still come or are dropped.
  virtual void stop() = 0;
  // Builds key and exact bytes. An Error with invalid_argument is a definite failure of this instruction (class in the
  // dispatcher: no_mandate), any other is technical: nothing was sent.
  virtual void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) = 0;
  // What prepare() made was not recorded (somebody else changed the settlement) and will never be sent.
  virtual void abandon(const Prepared& /*prepared*/) {}
  // Sends what prepare() made; `instruction.settlement` carries key and request. After a crash the dispatcher never
  // calls it again for state `sending`; it probes.
  virtual void send(const Instruction& instruction, Done<Outcome> done) = 0;
  // Asks the rail what became of it. unknown is an honest answer.
  virtual void probe(const Instruction& instruction, Done<Outcome> done) = 0;
  // One line for `tabctl status` and metrics: balance, lag, degraded reason. Cheap; from any thread.
  virtual std::string describe() const = 0;
  // The same as numbers. Cheap; from any thread.
  virtual std::vector<Gauge> gauges() const { return {}; }
};

}  // namespace settlers
