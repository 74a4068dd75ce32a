#pragma once

// The name of one attempt of one settlement, as banks carry it back to us: EndToEndId (SEPA) and individual
// identification number (ACH). It says which settlement and attempt it is of, and a check that depends on the
// installation tells ours from other people's. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace settlers::bank {

struct PaymentName {
  base::SettlementId settlement;
  std::uint32_t attempt = 0;
  std::uint32_t retries = 0;  // technical retries of that attempt
  bool operator==(const PaymentName&) const = default;
};

// 26 characters of base32. Empty if a number does not fit: attempt or retries above 65,535.
std::string sepa_reference(const base::Hash& installation, const PaymentName& name);
// 15 characters. Empty if a number does not fit: a settlement above 2^40, attempt above 255, retries above 511.
std::string ach_reference(const base::Hash& installation, const PaymentName& name);
// Either of the two; empty if it is not one of this installation's.
std::optional<PaymentName> parse_reference(const base::Hash& installation, std::string_view text);

}  // namespace settlers::bank
