#pragma once

// A rail that moves nothing: settles in memory, with scripted outcomes. The default where no rail is configured, and
// the fault bench of the dispatcher's tests. It persists nothing: after a restart of the process it has forgotten every
// payment, and probes answer by `forgotten` (see SandboxOptions).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "settlers/inbox.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers::sandbox {

enum class Script : std::uint8_t {
  success = 0,  // accepted, then confirmed, settled and final after the delays
  insufficient_funds = 1,
  no_mandate = 2,
  rejected = 3,
  technical = 4,           // definite: nothing moved
  lost_accepted = 5,       // the reply to send() is lost; the money moved, and probe() finds it
  lost_absent = 6,         // the request was lost; probe() says so: failed, technical
  unreachable = 7,         // no answer to send() and nothing happened; probes answer nothing until the script changes
  returned = 8,            // success, and after `return_ms` the rail takes it back
  refused_at_prepare = 9,  // insufficient_funds, found before anything is sent
  needs_action = 10,       // the payer has to authenticate
  stray = 11,              // success, and the rail tells of the same amount once more, which matches nothing (inbox)
};
// "success", "lost_accepted", ... as in configuration and tests; empty on another word.
std::optional<Script> script_from_name(std::string_view name) noexcept;
std::string_view name(Script script) noexcept;

struct AmountRule {
  ledger::core::Amount remainder;  // applies when amount % modulus == remainder
  ledger::core::Amount modulus;    // not zero
  Script script = Script::success;
};

struct SandboxOptions {
  std::string rail = "sandbox";
  std::size_t in_flight_max = 64;
  std::uint64_t reply_ms = 0;    // delay of the answer to send() and probe(); "slow" with a large value
  std::uint64_t confirm_ms = 0;  // from send() to confirmed
  std::uint64_t final_ms = 0;    // from confirmed to final
  std::uint64_t return_ms = 0;   // script returned: from confirmed to returned
  std::map<ledger::core::Address, Script> by_payer;  // collections
  std::vector<AmountRule> by_amount;                 // first match, when no payer rule matches
  // A probe for a key that this process has not seen (a restart): true = it was accepted and is final, so that an
  // embedded ledger goes on; false = absent, a technical failure that leads to a new send.
  bool forgotten_is_final = true;
  bool announce = false;     // tells on its own, as a webhook would, that money moved (inbox)
  ledger::core::Amount fee;  // what the rail keeps of each payment that moves
};

// What the sandbox has done. Counts are per idempotency key, so a test can assert that no key moved money twice.
struct Moved {
  std::uint64_t sends = 0;  // calls of send() with this key
  std::uint64_t moved = 0;  // times money moved: 0 or 1, whatever is sent
  ledger::core::SettlementId settlement;
  ledger::core::AssetId asset;
  ledger::core::Amount amount;
  base::Time time;    // of the last send()
  bool back = false;  // the rail took it back
  SettlementKind kind = SettlementKind::collection;
};

class SandboxSettler final : public Settler {
 public:
  // `io`, `clock` and `inbox` (null: nothing is told) must outlive this.
  SandboxSettler(boost::asio::io_context& io, const base::Clock& clock, SandboxOptions options, Inbox* inbox = nullptr);
  ~SandboxSettler() override;

  std::string_view rail() const override;
  Capabilities capabilities() const override;
  void start(Done<base::Result<void>> done) override;
  void stop() override;
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override;
  void abandon(const Prepared& prepared) override;
  void send(const Instruction& instruction, Done<Outcome> done) override;
  void probe(const Instruction& instruction, Done<Outcome> done) override;
  void movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) override;
  // What moved before this process started is forgotten.
  bool keeps_record(const Settlement& settlement) const override { return settlement.submitted >= started_; }
  std::string describe() const override;

  // For tests, on the io_context thread. Queued scripts are used up first, one for each new key.
  void enqueue(Script script);
  void set_payer_script(const ledger::core::Address& payer, Script script);
  const std::map<ledger::core::Hash, Moved>& moved() const;
  std::size_t settlements_moved_twice() const;  // settlements for which more than one key moved money

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
  const base::Time started_;
};

}  // namespace settlers::sandbox
