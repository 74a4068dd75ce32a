#pragma once

// What x402 calls the refusals of `batch-settlement` on EVM chains: "invalid_batch_settlement_evm_" and the name here.
// The names are the protocol's (scheme_batch_settlement_evm.md, "Error Codes") and permanent; the numbers are ours and
// never leave the process. Those of Permit2, EIP-2612 and sponsored approvals are missing: deposits come by EIP-3009
// only.

#include <cstdint>
#include <string_view>

namespace commitments::channel {

// X(name, sentence)
// clang-format off
#define TABD_CHANNEL_CODES(X)                                                                                            \
  X(scheme,                          "The scheme is not batch-settlement.")                                              \
  X(network_mismatch,                "Payload and requirements name different networks.")                                \
  X(payload_type,                    "payload.type is missing, unknown, or not for this operation.")                     \
  X(deposit_payload,                 "The deposit is malformed: a field is missing or out of range.")                    \
  X(voucher_payload,                 "The voucher is malformed: a field is missing or out of range.")                    \
  X(claim_payload,                   "The claim is malformed: no rows, too many, or a total above its voucher's maximum.") \
  X(settle_payload,                  "The settle payload is malformed.")                                                 \
  X(refund_payload,                  "The refund is malformed: a field is missing or out of range.")                     \
  X(unknown_settle_action,           "The settle payload asks for an unknown action.")                                   \
  X(channel_id_invalid,              "channelId is not 32 bytes in hexadecimal.")                                        \
  X(channel_id_mismatch,             "channelConfig does not hash to channelId on this chain and contract.")             \
  X(receiver_mismatch,               "The channel's receiver is not payTo.")                                             \
  X(receiver_authorizer_mismatch,    "The channel's receiverAuthorizer is zero, or not extra.receiverAuthorizer.")       \
  X(token_mismatch,                  "The channel's token is not the asset.")                                            \
  X(withdraw_delay_mismatch,         "The channel's withdrawDelay is not extra.withdrawDelay.")                          \
  X(withdraw_delay_out_of_range,     "withdrawDelay is below 15 minutes or above 30 days.")                              \
  X(voucher_signature,               "The voucher was not signed by the channel's payerAuthorizer, or not in the form that the contract takes (65 bytes, low s, v 27 or 28).") \
  X(channel_not_found,               "The channel has no money on the chain.")                                           \
  X(cumulative_exceeds_balance,      "maxClaimableAmount is above the channel's balance.")                               \
  X(cumulative_below_claimed,        "maxClaimableAmount is not above what was claimed on the chain.")                   \
  X(cumulative_amount_mismatch,      "maxClaimableAmount is not what was charged plus the amount; channelState and voucherState tell where the channel is.") \
  X(channel_busy,                    "Another request of this channel is being served; try again shortly.")              \
  X(charge_exceeds_signed_cumulative, "The charge would exceed the voucher's maxClaimableAmount.")                       \
  X(missing_channel,                 "The server has no record of this channel.")                                        \
  X(verification_state_unavailable,  "The channel's state could not be read; try again shortly.")                        \
  X(deposit_below_min_deposit,       "The deposit is below extra.minDeposit.")                                           \
  X(missing_eip712_domain,           "The requirements lack the token's EIP-712 name or version in extra.")              \
  X(erc3009_authorization_required,  "The deposit needs deposit.authorization.erc3009Authorization.")                    \
  X(payload_authorization_valid_before, "validBefore has passed, or is too near to reach a block in time.")              \
  X(payload_authorization_valid_after,  "validAfter has not come.")                                                      \
  X(receive_authorization_signature, "The deposit's authorisation was not signed by the payer for this channel and amount, or not in the form that a chain takes.") \
  X(insufficient_balance,            "The payer's token balance is below the deposit.")                                  \
  X(deposit_simulation_failed,       "The contract refuses the deposit.")                                                \
  X(deposit_transaction_failed,      "The deposit reverted.")                                                            \
  X(authorizer_address_mismatch,     "The claim or refund is not authorised by the channel's receiverAuthorizer.")       \
  X(authorizer_not_configured,       "No key signs claims and refunds here; send the authorizer's signature.")           \
  X(claim_simulation_failed,         "The contract refuses the claim.")                                                  \
  X(claim_transaction_failed,        "The claim reverted.")                                                              \
  X(nothing_to_settle,               "The receiver has no claimed and unsettled money in this token.")                   \
  X(settle_simulation_failed,        "The contract refuses the settlement.")                                             \
  X(settle_transaction_failed,       "The settlement reverted.")                                                         \
  X(refund_amount_invalid,           "The refund's amount is not a positive decimal number.")                            \
  X(refund_no_balance,               "Nothing is left to refund.")                                                       \
  X(refund_simulation_failed,        "The contract refuses the refund.")                                                 \
  X(refund_transaction_failed,       "The refund reverted.")                                                             \
  X(transaction_reverted,            "The transaction reverted.")                                                        \
  X(wait_for_receipt_failed,         "The chain did not tell in time whether the transaction is in a block.")            \
  X(channel_state_read_failed,       "The channel's state could not be read from the chain.")                            \
  X(rpc_read_failed,                 "The chain could not be read.")
// clang-format on

enum class Code : std::uint8_t {
  ok,
#define TABD_CHANNEL_ENUM(name, sentence) name,
  TABD_CHANNEL_CODES(TABD_CHANNEL_ENUM)
#undef TABD_CHANNEL_ENUM
};

std::string_view text(Code code) noexcept;  // with the prefix; "" for ok
std::string_view sentence(Code code) noexcept;

}  // namespace commitments::channel
