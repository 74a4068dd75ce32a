#pragma once

// What follows from a bank's reason code: the policy of this rail, as data. ISO 20022 external status and return
// reasons as SEPA uses them (EPC173-14), and NACHA return reasons.

#include <string_view>

#include "ledger/core/types.h"

namespace settlers::bank {

enum class ReturnCategory : std::uint8_t { other = 0, unauthorized = 1, administrative = 2 };

struct ReasonPolicy {
  std::string_view code;
  std::string_view meaning;
  ledger::core::FailureClass failure = ledger::core::FailureClass::rejected;
  int presentations_max = 1;    // of one collection, the first included; beyond it the payment is refused unsent
  int wait_business_days = 0;   // before it may be presented again
  bool blocks_account = false;  // nothing is collected from this account under this mandate any more
  bool alarm = false;  // our fault or the bank's view of us: collections are held until the operator has looked
  ReturnCategory category = ReturnCategory::other;  // for the return rates of NACHA
};

// A code that is not known is `rejected`.
const ReasonPolicy& reason_policy(std::string_view code) noexcept;
// Whether the bank says that it has this already. Then one of two stands, and nothing may be sent again.
bool is_duplicate(std::string_view code) noexcept;

}  // namespace settlers::bank
