#pragma once

// Why a contract refused a call, by the wording of USDC (FiatToken), OpenZeppelin's strings, and custom errors. The
// names are stable: a relay that failed for good has one, and a colon after it, at the start of its settlement's
// detail. Pure; safe from any thread.

#include <cstdint>
#include <string_view>

namespace evm {

enum class Refusal : std::uint8_t {
  other = 0,
  insufficient_balance = 1,
  insufficient_allowance = 2,
  authorization_used = 3,  // or cancelled
  authorization_expired = 4,
  authorization_not_yet_valid = 5,
  signature_invalid = 6,
  permit_expired = 7,
  caller_wrong = 8,   // the contract accepts this call from somebody else only
  not_permitted = 9,  // paused, or an account is blocked
};

// `reason` as evm::revert_reason gives it, or a node's message.
Refusal refusal_of(std::string_view reason) noexcept;
// "insufficient_balance", ...
std::string_view name(Refusal refusal) noexcept;
// From the start of a settlement's detail; other if it has none.
Refusal refusal_in_detail(std::string_view detail) noexcept;

}  // namespace evm
