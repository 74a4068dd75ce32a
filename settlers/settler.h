#pragma once

// A settler moves money on one rail. It is honest about what it can do, never decides whether to try again, and keeps
// no state that money depends on: the dispatcher commits key and request bytes to the ledger before send().
//
// Threads: all calls come from the dispatcher's io_context thread; completions must be called on it, exactly once, and
// may be called before the starting call returns. Calls for different settlements overlap up to in_flight_max.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/api/rail.h"
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

// What passes between dispatcher and settler is in ledger/api/rail.h.
using ledger::api::rail::Capabilities;
using ledger::api::rail::Done;
using ledger::api::rail::Gauge;
using ledger::api::rail::Instruction;
using ledger::api::rail::Outcome;
using ledger::api::rail::Prepared;

// A movement of money that the rail has on record, as the rail itself says it. For reconciliation.
struct RailMovement {
  std::string reference;         // the rail's own, as Settlement::reference
  SettlementId settlement;       // whose it says it is; none: it does not say
  bool incoming = false;         // seen from the operator's account
  ledger::core::AssetId asset;   // none: of no asset that moves on this rail
  std::optional<Amount> amount;  // ledger scale, without what went back; none: it cannot be compared (a rate)
  Time time;
  std::string detail;  // for people; may be empty
};
struct MovementQuery {
  Time from, to;      // [from, to), by the rail's clock
  std::string after;  // MovementPage::next of the page before; empty: the first
  std::vector<Asset> assets;
};
struct MovementPage {
  std::vector<RailMovement> movements;  // at most a few thousand, in any order
  std::string next;                     // empty: that was all
};

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
  // Calls of probe() at a time: enough to keep a connection busy, few enough not to flood it.
  virtual std::size_t probes_max() const { return 32; }
  // False: nobody is there to be asked (the settler is another process, and away). Nothing is prepared, sent or probed
  // then; settlements wait as they are. Cheap; from any thread.
  virtual bool available() const { return true; }
  // What the rail has on record, page by page: asked of the rail, not remembered by the settler. An Error: it cannot be
  // read now, or not at all.
  virtual void movements(const MovementQuery& /*query*/, Done<base::Result<MovementPage>> done) {
    done(base::error(base::ErrorCode::unsupported, "this rail has no record that can be read"));
  }
  // Whether movements() must have what moved for this settlement. From any thread.
  virtual bool keeps_record(const Settlement& /*settlement*/) const { return true; }
  // One line for `tabctl status` and metrics: balance, lag, degraded reason. Cheap; from any thread.
  virtual std::string describe() const = 0;
  // The same as numbers. Cheap; from any thread.
  virtual std::vector<Gauge> gauges() const { return {}; }
};

}  // namespace settlers
