#include "base/uint256.h"

#include <algorithm>

namespace base {

Uint256::Uint256(u128 value) noexcept {
  for (std::size_t i = 0; i < 16; ++i) big_endian_.bytes[31 - i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Uint256 Uint256::from_word(const Hash& word) noexcept {
  Uint256 result;
  result.big_endian_ = word;
  return result;
}

std::optional<Uint256> Uint256::parse_decimal(std::string_view digits) noexcept {
  constexpr std::size_t kDigitsMax = 78;  // of 2^256-1
  if (digits.empty() || digits.size() > kDigitsMax) return std::nullopt;
  Uint256 result;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    unsigned carry = static_cast<unsigned>(c - '0');
    for (std::size_t i = 32; i-- > 0;) {
      carry += 10u * result.big_endian_.bytes[i];
      result.big_endian_.bytes[i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0) return std::nullopt;
  }
  return result;
}

std::optional<u128> Uint256::to_u128() const noexcept {
  const ByteView high = big_endian_.view().first(16);
  if (std::any_of(high.begin(), high.end(), [](std::uint8_t byte) { return byte != 0; })) return std::nullopt;
  u128 value = 0;
  for (const std::uint8_t byte : big_endian_.view().subspan(16)) value = (value << 8) | byte;
  return value;
}

std::string Uint256::to_decimal_string() const {
  if (const std::optional<u128> small = to_u128()) return base::to_decimal_string(*small);
  std::array<std::uint8_t, 32> left = big_endian_.bytes;
  std::string digits;
  do {
    unsigned remainder = 0;
    for (std::uint8_t& byte : left) {
      remainder = (remainder << 8) | byte;
      byte = static_cast<std::uint8_t>(remainder / 10);
      remainder %= 10;
    }
    digits.push_back(static_cast<char>('0' + remainder));
  } while (left != std::array<std::uint8_t, 32>{});
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<u128> parse_u128(std::string_view digits) noexcept {
  constexpr std::size_t kDigitsMax = 39;  // of 2^128-1
  if (digits.size() > kDigitsMax) return std::nullopt;
  const std::optional<Uint256> wide = Uint256::parse_decimal(digits);
  return wide ? wide->to_u128() : std::nullopt;
}

std::string to_decimal_string(u128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace base
