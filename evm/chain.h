#pragma once

// What can be asked of one EVM chain: the facilitator's eyes. Reads of the newest block, never of a cache. Implemented
// over the stablecoin rail's connection (settlers/stablecoin/chain_reader.h) and joined in daemon/.
//
// Threads: from any thread; `done` is called once, on the implementation's thread, later. After the implementation has
// stopped, or at once when too many reads wait, the answer is an Error (unavailable).

#include <functional>
#include <string>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/result.h"
#include "commitments/channel/verify.h"

namespace evm {

template <typename T>
using Done = std::function<void(base::Result<T>)>;

// A token of the allow-list, checked against its contract when the daemon started.
struct TokenInfo {
  base::Address address;
  std::string name;     // of its EIP-712 domain
  std::string version;  // same
  std::uint8_t decimals = 0;
};

struct Simulation {
  bool succeeds = false;
  std::string reason;  // of a revert: what revert_reason() says (refusal.h), or the node's message
  base::Bytes data;    // returned, or of the revert
};

// Asked together; a block may have come in between.
struct AuthorizationState {
  base::u128 balance = 0;  // of the owner, in the token's units; 2^127 - 1 if it is larger
  bool used = false;       // EIP-3009 authorizationState: used or cancelled
  Simulation simulation;   // of the call that would redeem it, sent by relayer()
  std::uint64_t block_number = 0;
  std::uint64_t block_time_s = 0;
};

// A channel of the settlement contract (x402BatchSettlement), asked together; a block may have come in between.
struct ChannelState {
  commitments::channel::Snapshot channel;
  std::uint64_t block_number = 0;
  std::uint64_t block_time_s = 0;
};

class Chain {
 public:
  virtual ~Chain() = default;

  // Configuration; constant.
  virtual std::uint64_t chain_id() const = 0;
  virtual base::Address relayer() const = 0;  // the account that sends relays
  virtual const std::vector<TokenInfo>& tokens() const = 0;
  virtual const std::vector<base::Address>& contracts() const = 0;  // beside the tokens, what relays may call
  virtual std::string_view rail() const = 0;                        // the name that PlanRelay takes

  // A call that relayer() would send. A revert is an answer, not an Error.
  virtual void simulate(const base::Address& to, const base::Bytes& data, Done<Simulation> done) = 0;
  // One round trip for everything that verifying an EIP-3009 payment needs. `data`: the call that redeems it.
  virtual void authorization(const base::Address& token, const base::Address& owner, const base::Hash& nonce,
                             const base::Bytes& data, Done<AuthorizationState> done) = 0;
  virtual void balance(const base::Address& token, const base::Address& owner, Done<base::u128> done) = 0;
  virtual void channel(const base::Address& contract, const base::Hash& id, Done<ChannelState> done) = 0;
};

}  // namespace evm
