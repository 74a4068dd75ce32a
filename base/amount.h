#pragma once

// Money: unsigned 128-bit integers in an asset's smallest ledger unit, overflow-checked. No floating point anywhere.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

enum class Rounding : std::uint8_t { down, up };

// A count of an asset's smallest ledger units, 0 .. 2^127-1 (so that any difference fits an i128).
class Amount {
 public:
  constexpr Amount() = default;
  constexpr explicit Amount(std::uint64_t units) noexcept : units_(units) {}

  // Empty above 2^127-1.
  static constexpr std::optional<Amount> from_units(u128 units) noexcept {
    if (units > kUnitsMax) return std::nullopt;
    Amount result;
    result.units_ = units;
    return result;
  }
  // Decimal digits only, no sign, no exponent, no leading "0x"; empty on anything else or above the maximum.
  static std::optional<Amount> parse_units(std::string_view digits) noexcept;
  // A decimal with at most `scale` fraction digits: parse_decimal("1.25", 6) is 1250000 units.
  static std::optional<Amount> parse_decimal(std::string_view text, unsigned scale) noexcept;

  constexpr u128 units() const noexcept { return units_; }
  constexpr i128 signed_units() const noexcept { return static_cast<i128>(units_); }
  constexpr bool is_zero() const noexcept { return units_ == 0; }

  // Empty on overflow (add) or when `other` is larger (subtract).
  constexpr std::optional<Amount> add(Amount other) const noexcept {
    return from_units(units_ + other.units_);  // both < 2^127: no wrap
  }
  constexpr std::optional<Amount> subtract(Amount other) const noexcept {
    if (other.units_ > units_) return std::nullopt;
    return from_units(units_ - other.units_);
  }
  // units * numerator / denominator with the given rounding; exact 256-bit intermediate. Empty if the result does not
  // fit. `denominator` must not be zero.
  std::optional<Amount> multiply_divide(u128 numerator, u128 denominator, Rounding rounding) const noexcept;

  std::string to_units_string() const;                  // "1250000"
  std::string to_decimal_string(unsigned scale) const;  // scale 6: "1.250000"

  constexpr auto operator<=>(const Amount&) const = default;

  static constexpr u128 kUnitsMax = (static_cast<u128>(1) << 127) - 1;

 private:
  u128 units_ = 0;
};

// For values that the ledger has already proven to fit: CHECKs instead of returning empty.
Amount add_checked(Amount a, Amount b);
Amount subtract_checked(Amount a, Amount b);
// a - b, or zero.
Amount subtract_to_zero(Amount a, Amount b);

std::string to_string(i128 value);

}  // namespace base
