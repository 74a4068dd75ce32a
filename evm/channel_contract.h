#pragma once

// The contract x402BatchSettlement as a chain speaks with it: calldata, what its views answer, its events. Pure; safe
// from any thread. The rules behind them: docs/bindings/channel.md. The contract's errors: refusal.h.

#include <optional>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "base/uint256.h"
#include "commitments/channel/verify.h"

namespace evm {

using commitments::channel::ChannelConfig;
using commitments::channel::Claim;

// ---- Transactions.
// `collector_data` is what the collector gets: collector_data() for EIP-3009.
base::Bytes call_deposit(const ChannelConfig& config, base::u128 amount, const base::Address& collector,
                         base::ByteView collector_data);
base::Bytes collector_data(const commitments::channel::Deposit& deposit);
base::Bytes call_claim(std::span<const Claim> claims);
base::Bytes call_claim_with_signature(std::span<const Claim> claims, base::ByteView authorizer_signature);
base::Bytes call_settle(const base::Address& receiver, const base::Address& token);
base::Bytes call_refund(const ChannelConfig& config, base::u128 amount);
base::Bytes call_refund_with_signature(const ChannelConfig& config, base::u128 amount, const base::Uint256& nonce,
                                       base::ByteView authorizer_signature);
base::Bytes call_multicall(std::span<const base::Bytes> calls);
base::Bytes call_initiate_withdraw(const ChannelConfig& config, base::u128 amount);
base::Bytes call_finalize_withdraw(const ChannelConfig& config);

// ---- Views, and what they answer; empty where the answer is not of that form.
base::Bytes call_get_channel_id(const ChannelConfig& config);
base::Bytes call_get_voucher_digest(const base::Hash& channel_id, base::u128 maximum);
base::Bytes call_get_refund_digest(const base::Hash& channel_id, const base::Uint256& nonce, base::u128 amount);
base::Bytes call_get_claim_batch_digest(std::span<const Claim> claims);
base::Bytes call_channels(const base::Hash& channel_id);
base::Bytes call_pending_withdrawals(const base::Hash& channel_id);
base::Bytes call_refund_nonce(const base::Hash& channel_id);
base::Bytes call_receivers(const base::Address& receiver, const base::Address& token);

// Of channels(), pendingWithdrawals() and refundNonce() at the same block.
std::optional<commitments::channel::Snapshot> decode_snapshot(base::ByteView channels, base::ByteView withdrawal,
                                                              base::ByteView refund_nonce);
struct Earnings {
  base::u128 total_claimed = 0;
  base::u128 total_settled = 0;
};
std::optional<Earnings> decode_receivers(base::ByteView answer);

// ---- Events. `sender` is who sent the transaction's call.
struct ChannelCreated {
  base::Hash channel_id;
  ChannelConfig config;
};
struct ChannelClosed {  // emptied before anything was claimed; may be created again
  base::Hash channel_id;
  ChannelConfig config;
};
struct Deposited {
  base::Hash channel_id;
  base::Address sender;
  base::u128 amount = 0;
  base::u128 new_balance = 0;
};
struct Claimed {
  base::Hash channel_id;
  base::Address sender;
  base::u128 amount = 0;  // by how much the total rose
  base::u128 new_total_claimed = 0;
};
struct Settled {
  base::Address receiver;
  base::Address token;
  base::Address sender;
  base::u128 amount = 0;
};
struct Refunded {
  base::Hash channel_id;
  base::Address sender;
  base::u128 amount = 0;
};
struct WithdrawInitiated {
  base::Hash channel_id;
  base::u128 amount = 0;
  std::uint64_t finalize_after_s = 0;  // Unix time from which the payer may take the money
};
struct WithdrawFinalized {
  base::Hash channel_id;
  base::Address sender;
  base::u128 amount = 0;
};
using ChannelEvent = std::variant<ChannelCreated, ChannelClosed, Deposited, Claimed, Settled, Refunded,
                                  WithdrawInitiated, WithdrawFinalized>;

// One log of the contract. Empty for other events, and for logs that are not as the contract writes them. The caller
// checks that the contract's address wrote the log.
std::optional<ChannelEvent> decode_channel_event(std::span<const base::Hash> topics, base::ByteView data);
// First topics, in the order of ChannelEvent: for eth_getLogs.
std::span<const base::Hash> channel_event_topics();

}  // namespace evm
