#pragma once

// What watcher and claims are made of, and what they tell. No socket, no thread and no clock of their own: all of that
// is passed in, so the same inputs give the same commands, relays and order.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "crypto/secp256k1.h"
#include "evm/chain.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"

namespace channels {

namespace core = ledger::core;

// Runs a function on the thread of channels, later. Safe from any thread.
using Post = std::function<void(std::function<void()>)>;
// Runs a function on that thread after so many milliseconds. Called on that thread.
using After = std::function<void(std::uint64_t ms, std::function<void()>)>;

// All must outlive what is made of them.
struct Parts {
  evm::Chain& chain;
  ledger::api::LedgerService& service;
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  Post post;
  After after;
};

struct Options {
  base::Address contract;                         // x402BatchSettlement on the chain
  std::uint64_t poll_ms = 2'000;                  // between two looks at the chain
  std::uint64_t tick_ms = 1'000;                  // between two looks at what is due
  std::uint64_t stale_after_ms = 30'000;          // so long after a look in_step() is still true; at least 30 s
  std::uint64_t sweep_interval_ms = 21'600'000;   // everything is read again, in case a node withheld an event
  std::uint64_t earnings_interval_ms = 600'000;   // earnings also change by channels that are not kept here
  const crypto::SecretKey* authorizer = nullptr;  // receiverAuthorizer of the channels claimed here; null: none are
  std::uint64_t claim_interval_ms = 3'600'000;    // the longest that a charge waits for its claim
  base::u128 claim_minimum = 0;                   // per channel, in the token's smallest units
  std::size_t claim_rows_max = 100;               // of one transaction; its bytes limit them too (batch.h)
  std::uint64_t claim_gas_max = 5'000'000;        // of one transaction
  base::u128 gas_price_max_wei = 0;               // above it claims wait, but for withdrawals; 0: at any price
  std::uint64_t settle_interval_ms = 86'400'000;
};

enum class RelayKind : std::uint8_t { claim = 0, settle = 1 };
inline constexpr std::size_t kRelayKinds = 2;

// On the thread of channels. Must return quickly and not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  // The chain or the ledger cannot be asked now, or says what cannot be: `part` is "watcher" or "claims". Once for each
  // new message; empty when it is over.
  virtual void on_problem(std::string_view /*part*/, std::string_view /*message*/) {}
  // A reorganisation deeper than the confirmations: the block that was looked at last is gone.
  virtual void on_rewound(std::uint64_t /*block*/) {}
  // Everything that is kept has been compared with the chain.
  virtual void on_synced(std::uint64_t /*channels*/, std::uint64_t /*block*/) {}
  // The payer wants the money back; it can be taken from `deadline_s` on. Once for each.
  virtual void on_withdrawal(const base::Hash& /*channel*/, std::uint64_t /*deadline_s*/, base::u128 /*unclaimed*/) {}
  virtual void on_planned(RelayKind, core::SettlementId, std::size_t /*rows*/, base::u128 /*amount*/) {}
  virtual void on_ended(RelayKind, const core::Settlement&, std::size_t /*rows*/, bool /*done*/) {}
  // `reason` empty: taken back.
  virtual void on_put_aside(const base::Hash& /*channel*/, std::string_view /*reason*/) {}
};

// Makes callbacks that run on the thread of channels, and not at all after the anchor is gone.
class Anchor {
 public:
  explicit Anchor(Post post) : post_(std::move(post)) {}

  template <typename T, typename Next>
  std::function<void(T)> then(Next next) const {
    return [post = post_, held = std::weak_ptr<char>(mark_), next = std::move(next)](T value) {
      post([held, next, value = std::move(value)]() mutable {
        if (!held.expired()) next(std::move(value));
      });
    };
  }
  template <typename Next>
  std::function<void()> later(Next next) const {
    return [held = std::weak_ptr<char>(mark_), next = std::move(next)] {
      if (!held.expired()) next();
    };
  }
  void drop() { mark_.reset(); }

 private:
  Post post_;
  std::shared_ptr<char> mark_ = std::make_shared<char>();
};

// Submits all, and calls `done` with the results in their order when the last is durable.
void submit_all(const Parts& parts, const Anchor& anchor, std::vector<core::Command> commands,
                std::function<void(const std::vector<core::CommandResult>&)> done);

// Tells the observer of each new problem once, and of its end.
class Problem {
 public:
  Problem(Observer& observer, std::string_view part) : observer_(observer), part_(part) {}
  void is(std::string message) {
    if (message == said_) return;
    said_ = std::move(message);
    observer_.on_problem(part_, said_);
  }
  void over() { is({}); }

 private:
  Observer& observer_;
  const std::string_view part_;
  std::string said_;
};

}  // namespace channels
