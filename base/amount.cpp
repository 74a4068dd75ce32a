#include "base/amount.h"

#include <algorithm>

#include "base/check.h"

namespace base {
namespace {

// A 256-bit unsigned integer as two halves.
struct Wide {
  u128 high;
  u128 low;
};

Wide multiply(u128 a, u128 b) noexcept {
  constexpr u128 kLowMask = ~std::uint64_t{0};
  const u128 a0 = a & kLowMask, a1 = a >> 64, b0 = b & kLowMask, b1 = b >> 64;
  const u128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const u128 middle = (p00 >> 64) + (p01 & kLowMask) + (p10 & kLowMask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (middle << 64) | (p00 & kLowMask)};
}

// Shift-and-subtract division; used once per bill line, never in the admission path.
// Returns the quotient's low half and sets `overflow` if it does not fit.
u128 divide(Wide dividend, u128 divisor, u128& remainder, bool& overflow) noexcept {
  overflow = dividend.high >= divisor;
  u128 rest = overflow ? 0 : dividend.high;
  u128 quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const bool carry = (rest >> 127) != 0;
    rest = (rest << 1) | ((dividend.low >> bit) & 1);
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= static_cast<u128>(1) << bit;
    }
  }
  remainder = rest;
  return quotient;
}

std::string digits_of(u128 value) {
  std::string text;
  do {
    text += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace

std::optional<Amount> Amount::parse_units(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > 39) return std::nullopt;
  u128 value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const u128 next_digit = static_cast<u128>(c - '0');
    if (value > (kUnitsMax - next_digit) / 10) return std::nullopt;
    value = value * 10 + next_digit;
  }
  return from_units(value);
}

std::optional<Amount> Amount::parse_decimal(std::string_view text, unsigned scale) noexcept {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty())) return std::nullopt;
  if (fraction.size() > scale || whole.size() + scale > 60) return std::nullopt;
  std::string digits(whole);
  digits += fraction;
  digits.append(scale - fraction.size(), '0');
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return parse_units(std::string_view(digits).substr(first));
}

std::optional<Amount> Amount::multiply_divide(u128 numerator, u128 denominator, Rounding rounding) const noexcept {
  CHECK(denominator != 0);
  u128 remainder = 0;
  bool overflow = false;
  const u128 quotient = divide(multiply(units_, numerator), denominator, remainder, overflow);
  if (overflow) return std::nullopt;
  if (rounding == Rounding::up && remainder != 0) {
    if (quotient >= kUnitsMax) return std::nullopt;
    return from_units(quotient + 1);
  }
  return from_units(quotient);
}

std::string Amount::to_units_string() const { return digits_of(units_); }

std::string Amount::to_decimal_string(unsigned scale) const {
  std::string digits = digits_of(units_);
  if (scale == 0) return digits;
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  digits.insert(digits.size() - scale, 1, '.');
  return digits;
}

Amount add_checked(Amount a, Amount b) {
  const std::optional<Amount> sum = a.add(b);
  CHECK_MSG(sum.has_value(), "amount overflow");
  return *sum;
}

Amount subtract_checked(Amount a, Amount b) {
  const std::optional<Amount> difference = a.subtract(b);
  CHECK_MSG(difference.has_value(), "amount below zero");
  return *difference;
}

Amount subtract_to_zero(Amount a, Amount b) { return a.subtract(b).value_or(Amount{}); }

std::string to_string(i128 value) {
  if (value >= 0) return digits_of(static_cast<u128>(value));
  return "-" + digits_of(static_cast<u128>(-(value + 1)) + 1);
}

}  // namespace base
