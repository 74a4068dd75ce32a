#pragma once

// What can be asked of one EVM chain: the eyes of facilitator and channels. Never a cache. Implemented over the
// stablecoin rail's connection (settlers/stablecoin/chain_reader.h) and joined in daemon/.
//
// Threads: from any thread; `done` is called once, on the implementation's thread, later. After the implementation has
// stopped, or at once when too many reads wait, the answer is an Error (unavailable). The same when the node does not
// answer, answers a part, or does not have a block that it named itself (nodes behind one address, one of which lags):
// half an answer is never given.

#include <functional>
#include <string>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/result.h"
#include "commitments/channel/verify.h"
#include "evm/channel_contract.h"

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

// Of one that does not succeed: whether that is the contract's word, and not the node's trouble (a limit on requests,
// a method that it does not have).
inline bool is_revert(const Simulation& simulation) {
  return !simulation.data.empty() || simulation.reason.find("revert") != std::string::npos;
}

// Asked together; a block may have come in between.
struct AuthorizationState {
  base::u128 balance = 0;  // of the owner, in the token's units; 2^127 - 1 if it is larger
  bool used = false;       // EIP-3009 authorizationState: used or cancelled
  Simulation simulation;   // of the call that would redeem it, sent by relayer()
  std::uint64_t block_number = 0;
  std::uint64_t block_time_s = 0;
};

// How deep the block is in which a question is answered.
enum class Depth : std::uint8_t {
  newest,     // what may still be undone
  confirmed,  // as deep as the rail's `confirmations` say: what the books rest on
};

struct BlockPoint {
  std::uint64_t number = 0;
  base::Hash hash;
  std::uint64_t time_s = 0;  // Unix time
  bool operator==(const BlockPoint&) const = default;
};
struct Head {
  BlockPoint newest;
  BlockPoint confirmed;  // block 0 as long as nothing is deep enough
};

// A channel of the settlement contract (x402BatchSettlement), as it stood in that block.
struct ChannelState {
  commitments::channel::Snapshot channel;
  std::uint64_t block_number = 0;
  std::uint64_t block_time_s = 0;
  base::Hash block_hash;
};

// What a receiver has earned in one token, over all its channels, in that block.
struct EarningsState {
  Earnings earnings;
  std::uint64_t block_number = 0;
};

// An event of the contract, and where it stands.
struct LoggedEvent {
  std::uint64_t block_number = 0;
  base::Hash block_hash;
  base::Hash transaction;
  std::uint64_t log_index = 0;  // in its block
  ChannelEvent event;
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

  // The newest block alone: one round trip of one call.
  virtual void newest(Done<BlockPoint> done) = 0;
  // The newest and the confirmed block. A node that lags may name older ones than before.
  virtual void head(Done<Head> done) = 0;
  // The block of that number on the chain as it is now; an Error if there is none yet.
  virtual void block(std::uint64_t number, Done<BlockPoint> done) = 0;
  // Everything of one answer is of one block; newest costs one round trip, confirmed two.
  virtual void channel(const base::Address& contract, const base::Hash& id, Depth depth, Done<ChannelState> done) = 0;
  // As many as `ids`, in their order. Asked in pieces that a node takes, all of the same block.
  virtual void channels(const base::Address& contract, std::vector<base::Hash> ids, Depth depth,
                        Done<std::vector<ChannelState>> done) = 0;
  virtual void earnings(const base::Address& contract, const base::Address& receiver, const base::Address& token,
                        Depth depth, Done<EarningsState> done) = 0;
  // The contract's events in these blocks (both included), in the order of the chain. Asked in pieces; a piece that the
  // node refuses (too many logs, too many blocks) is halved. `to_block` must be one that head() has named: an empty
  // answer of a node that does not have it yet is an Error.
  virtual void events(const base::Address& contract, std::uint64_t from_block, std::uint64_t to_block,
                      Done<std::vector<LoggedEvent>> done) = 0;
  virtual void gas_price(Done<base::u128> done) = 0;  // what a transaction pays now for a unit of gas; wei
};

}  // namespace evm
