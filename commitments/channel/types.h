#pragma once

// x402 `batch-settlement` on EVM chains: payment channels in the contract x402BatchSettlement. What payers and
// receivers sign, as EIP-712 in the contract's domain. Pure; safe from any thread. Source:
// specs/schemes/batch-settlement/scheme_batch_settlement_evm.md of the protocol's repository and the contract's
// published interface; our reading of them: docs/bindings/channel.md.

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/uint256.h"

namespace commitments::channel {

using base::Address;
using base::Hash;
using base::Signature;
using base::u128;
using base::Uint256;

// The contract's bounds of a channel's withdraw delay, inclusive. Seconds.
inline constexpr std::uint64_t kWithdrawDelaySecondsMin = 15 * 60;
inline constexpr std::uint64_t kWithdrawDelaySecondsMax = 30ULL * 24 * 3600;

// The EIP-712 domain ("x402 Batch Settlement", "1") of one deployment of the contract on one chain.
struct Domain {
  Domain(std::uint64_t chain_id, const Address& contract);
  std::uint64_t chain_id;
  Address contract;
  Hash separator;
};

// What a channel is, for ever.
struct ChannelConfig {
  Address payer;                       // owns the money
  Address payer_authorizer;            // signs vouchers; zero: the payer itself, perhaps a contract (EIP-1271)
  Address receiver;                    // is paid
  Address receiver_authorizer;         // signs claims and refunds; never zero
  Address token;                       // ERC-20
  std::uint64_t withdraw_delay_s = 0;  // between the payer's wish to withdraw and the withdrawal; below 2^40
  Hash salt;                           // tells apart channels of the same parties
  auto operator<=>(const ChannelConfig&) const = default;
};

// A channel's identity: the EIP-712 digest of its configuration, so bound to chain and contract.
Hash channel_id(const Domain& domain, const ChannelConfig& config);

// Voucher(bytes32 channelId,uint128 maxClaimableAmount): all claims of the channel together stay at or below `maximum`.
Hash voucher_digest(const Domain& domain, const Hash& channel_id, u128 maximum);

// One row of a claim: the channel's total claimed becomes `total_claimed`, under a voucher of `maximum`.
struct ClaimEntry {
  Hash channel_id;
  u128 maximum = 0;
  u128 total_claimed = 0;
};
// ClaimBatch(ClaimEntry[] claims), signed by the receiver authorizer that all rows share.
Hash claim_batch_digest(const Domain& domain, std::span<const ClaimEntry> claims);

// Refund(bytes32 channelId,uint256 nonce,uint128 amount), signed by the receiver authorizer. `nonce` is the channel's
// refundNonce on the chain, which every refund raises.
Hash refund_digest(const Domain& domain, const Hash& channel_id, const Uint256& nonce, u128 amount);

// The nonce of the EIP-3009 authorisation of a deposit, which ties it to the channel: keccak256(channelId || salt).
Hash deposit_nonce(const Hash& channel_id, const Uint256& salt);

}  // namespace commitments::channel
