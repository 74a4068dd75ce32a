#pragma once

// A rail as data, and a rail that somebody else's process serves. The dispatcher's side of it is settlers/settler.h,
// the wire's is rpc/schema/settler.capnp; they meet here and see nothing of each other.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/core/command.h"
#include "ledger/core/types.h"

namespace ledger::api::rail {

using core::Amount;
using core::Asset;
using core::Bytes;
using core::FailureClass;
using core::Hash;
using core::Notice;
using core::Settlement;
using core::SettlementState;

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
  Asset asset;                  // relays: may be none
  core::Address payer_address;  // collections, refunds
  Bytes payer_rail_mandate;  // collections, refunds: of Payer::rail_mandates the one of this rail; empty: there is none
  std::string origin_reference;  // refunds: the rail's own id of the collection that is refunded
  Bytes origin_request;          // refunds: Settlement::request of that collection
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
  // rest is due again. More: the surplus is the payer's credit once it is settled, so it is said with settled too.
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

// ---- a rail in another process

// What its settler is told at registration.
struct Opening {
  std::string rail;
  std::string network;            // the operator's
  std::size_t in_flight_max = 0;  // as configured
  std::uint64_t call_ms = 0;      // how long an answer may take
  std::uint64_t heartbeat_ms = 0;
  bool sending = false;  // as Peer::set_sending
};

struct Report {
  std::string description;
  std::vector<Gauge> gauges;
};

// A settler at the other end of a connection. The calls are settlers::Settler's; what comes back is what the other end
// said, in bounds and otherwise unchecked. From any thread; each returns at once and keeps nothing of its arguments.
// `done` is called at most once, on a thread of the connection's, and perhaps never: the caller has a deadline of its
// own. An Error says that there is no answer, never that nothing happened.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void capabilities(Done<base::Result<Capabilities>> done) = 0;
  virtual void start(const Opening& opening, Done<base::Result<void>> done) = 0;
  virtual void adopt(const std::vector<Settlement>& settlements, Done<base::Result<void>> done) = 0;
  virtual void set_sending(bool allowed) = 0;
  virtual void stop() = 0;
  virtual void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) = 0;
  virtual void abandon(const Prepared& prepared) = 0;
  virtual void send(const Instruction& instruction, Done<base::Result<Outcome>> done) = 0;
  virtual void probe(const Instruction& instruction, Done<base::Result<Outcome>> done) = 0;
  virtual void report(Done<base::Result<Report>> done) = 0;
  // Ends the connection, with a reason for the log.
  virtual void close(const std::string& reason) = 0;
};

// Where such settlers come to. From any thread; `done` is called once, on any thread, or not at all after the rail has
// stopped.
class Desk {
 public:
  virtual ~Desk() = default;
  // The rail that this key serves; empty: none.
  virtual std::string rail_of(const core::Address& key) const = 0;
  // Makes `peer` the settler of `rail`: asks what it can do, starts it and hands it what is open. Every refusal is an
  // Error: unavailable (another one is registered; try again later), invalid_argument (it cannot do what the
  // configuration promises), otherwise what the peer did wrong.
  virtual void enter(const std::string& rail, std::shared_ptr<Peer> peer, Done<base::Result<void>> done) = 0;
  // The peer has gone, or wants to. Nothing happens if it is not the rail's.
  virtual void leave(const std::string& rail, const std::shared_ptr<Peer>& peer, const std::string& reason) = 0;
  // What the rail says on its own; only from the registered peer. Notice::rail is set here. As
  // ledger::core::RecordNotices otherwise; unavailable: not now, all can be given again.
  virtual void record(const std::string& rail, const std::shared_ptr<Peer>& peer, std::vector<Notice> notices,
                      Done<base::Result<std::vector<core::NoticeAnswer>>> done) = 0;
};

}  // namespace ledger::api::rail
