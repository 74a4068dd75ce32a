#pragma once

// Claims and payouts as relays: which rows fit one transaction, what it calls, and what proves it. Pure.

#include <span>
#include <string>
#include <vector>

#include "channels/parts.h"
#include "commitments/channel/verify.h"
#include "evm/order.h"
#include "ledger/core/command.h"

namespace channels {

// One row: a kept channel, and the total that its claim raises the chain's to.
struct Candidate {
  core::Channel channel;
  base::u128 total = 0;
  base::u128 gain = 0;  // by which the total rises, as the newest block has it
};

// What the newest block makes of a channel's claim.
struct Judgement {
  enum class Kind : std::uint8_t {
    claim,    // `candidate`
    nothing,  // it has been claimed already
    lost,     // the money is gone: `reason`
  };
  Kind kind = Kind::nothing;
  Candidate candidate;
  std::string reason;
};
// Where the balance has become smaller than what was charged, what is left of it is claimed.
Judgement judge(const core::Channel& channel, const commitments::channel::Snapshot& newest);

// Rows of one transaction under the limits; at least 1.
std::size_t rows_max(std::size_t rows, std::uint64_t gas_max);

// claimWithSignature over the rows (1 .. rows_max), signed by their receiver authorizer; proved by all of them.
evm::RelayOrder claim_order(const commitments::channel::Domain& domain, std::span<const Candidate> rows,
                            const crypto::SecretKey& authorizer, std::uint64_t gas_max);

// The relays. Their keys follow from what they do: the same again is the same relay, also after a restart. A settlement
// is one for each receiver, token and interval.
core::PlanRelay claim_relay(const evm::Chain& chain, std::span<const Candidate> rows, const evm::RelayOrder& order);
core::PlanRelay settle_relay(const evm::Chain& chain, const commitments::channel::Domain& domain,
                             const base::Address& receiver, const base::Address& token, std::uint64_t interval,
                             base::u128 amount);

// What a relay's order is about, if it is one of these. Read again after a restart.
struct Planned {
  RelayKind kind = RelayKind::claim;
  std::vector<base::Hash> channels;  // claim
  base::Address receiver;            // settle
  base::Address token;               // settle
};
std::optional<Planned> read_order(base::ByteView order, std::uint64_t chain_id, const base::Address& contract);

}  // namespace channels
