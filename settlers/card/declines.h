#pragma once

// Why a card was declined, in four buckets (docs.stripe.com/declines/codes; advice of the card networks), and what the
// ledger makes of each.

#include <cstdint>
#include <string_view>

#include "ledger/core/types.h"

namespace settlers::card {

enum class Bucket : std::uint8_t {
  retry_later = 1,     // scheduled dunning
  payer_action = 2,    // the payer must authenticate or call the bank: no automatic retry
  new_instrument = 3,  // another card is needed
  never = 4,           // this card must not be tried again
};

struct Decline {
  std::string_view code;                 // error.code
  std::string_view decline_code;         // error.decline_code
  std::string_view advice_code;          // error.advice_code, outcome.advice_code
  std::string_view network_advice_code;  // of the card network
};

// The advice of the network and of the provider comes before the reason: reasons are often generic.
Bucket bucket_of(const Decline& decline) noexcept;
std::string_view name(Bucket bucket) noexcept;
ledger::core::FailureClass failure_of(Bucket bucket) noexcept;
// Reasons that are not told to the payer, who may be a thief: the payer is shown a generic decline.
bool is_confidential(const Decline& decline) noexcept;

}  // namespace settlers::card
