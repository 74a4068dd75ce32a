#pragma once

// What a revert says, and why a contract refused a call: by the wording of USDC (FiatToken), OpenZeppelin's strings,
// and the custom errors of ERC-6093, of OpenZeppelin and of the channel contract. The names of refusals are stable: a
// relay that failed for good has one, and a colon after it, at the start of its settlement's detail. Pure; safe from
// any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

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

// What the data of a revert says: the text of Error(string), printable and at most 200 characters; "panic 0x11"; of an
// error whose name is known "error ClaimExceedsBalance 0x<selector>", of another "error 0x<selector>". Empty data gives
// "".
std::string revert_reason(base::ByteView data);
// `reason` as revert_reason gives it, or a node's message.
Refusal refusal_of(std::string_view reason) noexcept;
// "insufficient_balance", ...
std::string_view name(Refusal refusal) noexcept;
// From the start of a settlement's detail; other if it has none.
Refusal refusal_in_detail(std::string_view detail) noexcept;

}  // namespace evm
