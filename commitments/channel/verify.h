#pragma once

// Checks of what is sent about a channel: first stateless (verify_...), then against what the chain says of it
// (check_...). Each answers with the first check that fails, in the order of docs/bindings/channel.md. Pure; safe from
// any thread.
//
// Signatures are checked as the contract checks them: 65 bytes, low s, v 27 or 28 and the right one of the two.
// Contract wallets (EIP-1271) are not supported: a signature that only a contract understands is refused.

#include <optional>
#include <span>
#include <vector>

#include "commitments/channel/codes.h"
#include "commitments/channel/types.h"
#include "crypto/eip3009.h"
#include "crypto/secp256k1.h"

namespace commitments::channel {

// What the receiver asks for (PaymentRequirements).
struct Terms {
  Address pay_to;
  Address receiver_authorizer;                    // extra.receiverAuthorizer
  Address asset;                                  // token
  std::optional<std::uint64_t> withdraw_delay_s;  // extra.withdrawDelay; any where absent
};

struct Voucher {
  Hash channel_id;   // as claimed
  u128 maximum = 0;  // maxClaimableAmount, cumulative; the token's smallest units
  Signature signature;
  bool signature_length_ok = true;  // false if it had another length than 65 bytes
};

// What the contract says about a channel at one block.
struct Snapshot {
  u128 balance = 0;
  u128 total_claimed = 0;
  u128 withdrawal = 0;                        // amount of the withdrawal under way; 0: none
  std::uint64_t withdraw_requested_at_s = 0;  // its start, Unix time; 0: none
  Uint256 refund_nonce;
  bool operator==(const Snapshot&) const = default;
};

struct Answer {
  Code code = Code::voucher_signature;
  crypto::SignatureCheck signature = crypto::SignatureCheck::wrong;  // why, when a signature is the reason
  // Set with ok where the channel has no payerAuthorizer: the payer's own key signed, and the contract will take it
  // only while the payer's address has no code. The caller asks the chain.
  bool payer_must_have_no_code = false;
};

// ---- Any payload: the channel is the one that the receiver asks for.
Code check_config(const Domain& domain, const ChannelConfig& config, const Hash& claimed_id, const Terms& terms);

// ---- Vouchers, of payloads of type voucher, deposit and refund.
struct VoucherItem {
  const Domain* domain = nullptr;  // outlives the call
  ChannelConfig config;
  Voucher voucher;
  Terms terms;
};
// check_config, then the signature; every item, in order.
void verify_vouchers(std::span<const VoucherItem> items, std::span<Answer> answers);
// The money behind a voucher. A refund's voucher may stand at what was claimed. `deposit` is what comes with it, else
// 0.
enum class Purpose : std::uint8_t { charge, refund };
Code check_voucher(u128 maximum, Purpose purpose, u128 deposit, const Snapshot& snapshot);

// ---- Deposits by EIP-3009.
struct Deposit {
  u128 amount = 0;
  Uint256 valid_after;   // Unix time, exclusive
  Uint256 valid_before;  // Unix time, exclusive
  Uint256 salt;
  Signature signature;
  bool signature_length_ok = true;
};
// What the payer signs for a deposit: the collector may fetch the amount, for this channel alone.
crypto::Authorization deposit_authorization(const ChannelConfig& config, const Hash& channel_id, const Deposit& deposit,
                                            const Address& collector);
// check_config, the deposit (amount, window around `now_s` with limits::kAuthorizationMarginSeconds, signature), then
// the voucher's signature.
Answer verify_deposit(const VoucherItem& item, const Deposit& deposit, const crypto::TokenDomain& token,
                      const Address& collector, std::uint64_t now_s);
// The payer's wallet, then as check_voucher.
Code check_deposit(const Deposit& deposit, u128 maximum, u128 payer_balance, const Snapshot& snapshot);

// ---- Claims: rows of (channel, voucher, new total).
struct Claim {
  ChannelConfig config;
  u128 maximum = 0;
  Signature signature;  // the payer's, over the voucher
  bool signature_length_ok = true;
  u128 total_claimed = 0;
};
// Every row by itself: the total is within the voucher, and the voucher is signed.
void verify_claims(const Domain& domain, std::span<const Claim> claims, std::span<Answer> answers);
// Whether a claim has a number of rows that is sent in one transaction (1 to limits::kClaimRowsMax) and one authorizer.
Code check_claim_batch(std::span<const Claim> claims);
// The rows as their receiver authorizer signs them.
std::vector<ClaimEntry> claim_entries(const Domain& domain, std::span<const Claim> claims);
// check_claim_batch, then the authorizer's signature. Does not look at the rows.
Code verify_claim_batch(const Domain& domain, std::span<const Claim> claims, const Signature& authorizer_signature);
// A row against the chain: ok; or cumulative_exceeds_balance, with which the contract reverts the whole batch; or
// cumulative_below_claimed, which the contract passes over and which costs gas for nothing.
Code check_claim(u128 total_claimed, const Snapshot& snapshot);

// ---- Refunds.
// The authorizer's signature over (channel, nonce, amount).
Code verify_refund(const Domain& domain, const ChannelConfig& config, const Uint256& nonce, u128 amount,
                   const Signature& authorizer_signature);
// `total_claimed`: after the claims that go before the refund in the same transaction. refund_amount_invalid for 0,
// refund_no_balance, or refund_simulation_failed for a nonce that is not the channel's next.
Code check_refund(u128 amount, const Uint256& nonce, u128 total_claimed, const Snapshot& snapshot);

}  // namespace commitments::channel
