#pragma once

// Unsigned 256-bit numbers as contracts and EIP-712 have them. For carrying and comparing, not for arithmetic: money
// that tabd calculates with is an Amount.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"

namespace base {

class Uint256 {
 public:
  constexpr Uint256() = default;
  explicit Uint256(u128 value) noexcept;
  // 32 bytes, big-endian: a word of the ABI.
  static Uint256 from_word(const Hash& word) noexcept;
  // 1 to 78 decimal digits and nothing else; empty above 2^256-1.
  static std::optional<Uint256> parse_decimal(std::string_view digits) noexcept;

  const Hash& word() const noexcept { return big_endian_; }
  std::optional<u128> to_u128() const noexcept;  // empty above 2^128-1
  std::string to_decimal_string() const;

  auto operator<=>(const Uint256&) const = default;

 private:
  Hash big_endian_;  // so that comparing bytes compares numbers
};

// The same for numbers below 2^128, as the channel contract has them: 1 to 39 decimal digits; empty above 2^128-1.
std::optional<u128> parse_u128(std::string_view digits) noexcept;
std::string to_decimal_string(u128 value);

}  // namespace base
