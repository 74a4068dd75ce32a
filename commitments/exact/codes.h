#pragma once

// What x402 calls the refusals of `exact` on EVM chains. The numbers are ours and never leave the process; the texts
// are the protocol's (specs/x402-specification-v2.md, "Error handling"; where it has none, those of the package
// @x402/evm 2.27.0) and are permanent.

#include <cstdint>
#include <string_view>

namespace commitments::exact {

// X(name, x402 error code, sentence)
// clang-format off
#define TABD_EXACT_CODES(X)                                                                                                   \
  X(ok,                     "",                                                       "The payment is good.")                 \
  X(scheme,                 "invalid_exact_evm_scheme",                               "The scheme is not exact.")             \
  X(network_mismatch,       "invalid_exact_evm_network_mismatch",                     "Payload and requirements name different networks.") \
  X(missing_eip712_domain,  "invalid_exact_evm_missing_eip712_domain",                "The requirements lack the token's EIP-712 name or version in extra.") \
  X(token_name_mismatch,    "invalid_exact_evm_token_name_mismatch",                  "extra.name is not the token's EIP-712 name.") \
  X(token_version_mismatch, "invalid_exact_evm_token_version_mismatch",               "extra.version is not the token's EIP-712 version.") \
  X(not_supported,          "invalid_exact_evm_eip3009_not_supported",                "The asset is no token with EIP-3009 that is enabled here.") \
  X(signature,              "invalid_exact_evm_payload_signature",                    "The signature was not made by authorization.from over this authorisation, or not in the form that a chain takes (65 bytes, low s, v 27 or 28).") \
  X(recipient_mismatch,     "invalid_exact_evm_payload_recipient_mismatch",           "authorization.to is not payTo.")       \
  X(valid_before,           "invalid_exact_evm_payload_authorization_valid_before",   "validBefore has passed, or is too near to reach a block in time.") \
  X(valid_after,            "invalid_exact_evm_payload_authorization_valid_after",    "validAfter has not come.")             \
  X(value_mismatch,         "invalid_exact_evm_payload_authorization_value_mismatch", "authorization.value is not the amount.") \
  X(insufficient_funds,     "insufficient_funds",                                     "The payer's token balance is below the amount.") \
  X(nonce_used,             "invalid_exact_evm_nonce_already_used",                   "The authorisation was used or cancelled before.") \
  X(simulation_failed,      "invalid_exact_evm_transaction_simulation_failed",        "The token refuses the transfer.")      \
  X(transaction_failed,     "invalid_exact_evm_transaction_failed",                   "The transfer reverted.")               \
  X(event_mismatch,         "invalid_exact_evm_transfer_event_mismatch",              "The transaction did not move the amount.")
// clang-format on

enum class Code : std::uint8_t {
#define TABD_EXACT_ENUM(name, text, sentence) name,
  TABD_EXACT_CODES(TABD_EXACT_ENUM)
#undef TABD_EXACT_ENUM
};

std::string_view text(Code code) noexcept;  // "" for ok
std::string_view sentence(Code code) noexcept;

}  // namespace commitments::exact
