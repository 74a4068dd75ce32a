#pragma once

// The transactions that are sent for channels, by the facilitator and by the daemon's own claims: calls of the
// settlement contract, the events that prove them, and a key for each that is the same whenever the same thing is asked
// for. Pure; safe from any thread.

#include <optional>
#include <span>
#include <string>

#include "base/limits.h"
#include "commitments/channel/verify.h"
#include "crypto/secp256k1.h"
#include "evm/order.h"

namespace evm {

struct ChannelOrder {
  base::Hash key;
  RelayOrder order;
  std::string label;
};

// One deposit for each authorisation of the payer, for ever. `item` and `deposit` were verified.
ChannelOrder deposit_order(const commitments::channel::VoucherItem& item, const commitments::channel::Deposit& deposit,
                           const crypto::TokenDomain& token, const base::Address& collector);

// Which rows' events have to be there for a claim to have happened. All rows of a call are claimed or none is, so one
// proves them all, and a row that somebody else was faster with writes no event. Who asks for all of them can read from
// the order which channels it is about.
enum class ClaimProof : std::uint8_t { first_row, all_rows };

// The same rows with the same totals are the same claim. 1 to limits::kClaimRowsMax rows; with a proof of all of them 1
// to kOrderEventsMax.
base::Hash claim_key(const commitments::channel::Domain& domain, std::span<const commitments::channel::Claim> claims);
ChannelOrder claim_order(const commitments::channel::Domain& domain,
                         std::span<const commitments::channel::Claim> claims, const base::Signature& authorizer,
                         std::uint64_t gas_limit_max, ClaimProof proof = ClaimProof::first_row);

// Pays out what was claimed up to `total_claimed` (receivers() of the contract).
ChannelOrder settle_order(const commitments::channel::Domain& domain, const base::Address& receiver,
                          const base::Address& token, base::u128 total_claimed, std::uint64_t gas_limit_max = 0);

// First topics of the events that prove the two.
base::Hash claimed_topic();
base::Hash settled_topic();

// One refund for each refund nonce of a channel, amount and claims.
struct ChannelRefund {
  commitments::channel::ChannelConfig config;
  base::Hash channel_id;
  base::u128 amount = 0;
  base::Uint256 nonce;
  std::span<const commitments::channel::Claim> claims;  // go first, in the same transaction; may be empty
};
base::Hash refund_key(const commitments::channel::Domain& domain, const ChannelRefund& refund);
// `claim_signature` of the rows; not looked at without rows. `key`: of what was asked for.
ChannelOrder refund_order(const commitments::channel::Domain& domain, const base::Hash& key,
                          const ChannelRefund& refund, const base::Signature& refund_signature,
                          const base::Signature& claim_signature, std::uint64_t gas_limit_max);

}  // namespace evm
