#pragma once

// What card providers take as an amount: an integer in a currency's minor unit, whose number of decimals depends on the
// currency, with a minimum, a maximum, and for some currencies a step. Docs: docs.stripe.com/currencies. The table is
// data; what it lacks has two decimals and no minimum here, and the provider says the rest.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/result.h"

namespace settlers::card {

enum class Operation : std::uint8_t { charge = 1, transfer = 2, refund = 3 };

struct CurrencyRules {
  unsigned exponent = 2;               // decimals of the minor unit as it is sent
  std::uint64_t minimum = 1;           // minor units; of the currency that is charged
  std::uint64_t step = 1;              // the amount is a multiple of it
  std::uint64_t maximum = 99'999'999;  // eight digits
};
// `currency` is an ISO 4217 code in lower case.
CurrencyRules currency_rules(std::string_view currency, Operation operation) noexcept;
// Three letters a to z.
bool is_currency(std::string_view text) noexcept;

// A decimal such as "1" or "0.925", with at most 9 decimals, above zero.
struct Rate {
  base::u128 numerator = 1;
  base::u128 denominator = 1;
  bool is_one() const noexcept { return numerator == denominator; }
};
std::optional<Rate> parse_rate(std::string_view text) noexcept;

struct MinorAmount {
  std::uint64_t units = 0;
  std::string rounding;  // for people: what was rounded off, exactly; empty if nothing was
};
// `amount` with `scale` decimals, in minor units of `currency`. With rate 1 nothing is rounded: what has more decimals
// than the currency is refused. With another rate the result is rounded half to even. invalid_argument says why the
// currency cannot take the amount: decimals, below the minimum, above the maximum, not a multiple of its step.
base::Result<MinorAmount> to_minor(base::Amount amount, unsigned scale, std::string_view currency, const Rate& rate,
                                   Operation operation);

// The way back, for what a provider says (a fee): empty unless rate is 1 and nothing would be lost.
std::optional<base::Amount> from_minor(std::uint64_t units, unsigned scale, std::string_view currency,
                                       const Rate& rate) noexcept;

}  // namespace settlers::card
