#pragma once

// Byte strings of fixed and variable length, and their hexadecimal form ("0x" + lower case).

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// N raw bytes, all zero unless said otherwise. Compared bytewise, so it sorts like its hexadecimal form.
template <std::size_t N>
struct FixedBytes {
  std::array<std::uint8_t, N> bytes{};

  static constexpr std::size_t kSize = N;
  constexpr const std::uint8_t* data() const noexcept { return bytes.data(); }
  constexpr std::uint8_t* data() noexcept { return bytes.data(); }
  static constexpr std::size_t size() noexcept { return N; }
  bool is_zero() const noexcept { return *this == FixedBytes{}; }
  ByteView view() const noexcept { return ByteView(bytes); }
  auto operator<=>(const FixedBytes&) const = default;
};

using Hash = FixedBytes<32>;       // keccak-256 or SHA-256
using Address = FixedBytes<20>;    // EVM address: the last 20 bytes of keccak-256(public key)
using Signature = FixedBytes<65>;  // r (32, big-endian) || s (32) || v (27 or 28)

// A short printable name in a fixed field: ASCII, no spaces, zero-padded. Used for units ("tokens") and rails ("card").
template <std::size_t N>
struct ShortText {
  std::array<char, N> chars{};

  // Empty if `text` is longer than N or has a byte outside '!'..'~'.
  static std::optional<ShortText> parse(std::string_view text) noexcept {
    if (text.size() > N) return std::nullopt;
    ShortText result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] < '!' || text[i] > '~') return std::nullopt;
      result.chars[i] = text[i];
    }
    return result;
  }
  std::string_view view() const noexcept {
    std::size_t length = 0;
    while (length < N && chars[length] != '\0') ++length;
    return {chars.data(), length};
  }
  auto operator<=>(const ShortText&) const = default;
};

using Unit = ShortText<8>;       // what a quantity counts: "request", "tokens", "kB", "seconds"
using RailName = ShortText<16>;  // "stablecoin", "card", "bank", "sandbox"

// "0x" and two lower-case digits for each byte.
std::string to_hex(ByteView bytes);
template <std::size_t N>
std::string to_hex(const FixedBytes<N>& value) {
  return to_hex(value.view());
}

// Accepts an optional "0x" and both cases; empty on an odd length or another character.
std::optional<Bytes> from_hex(std::string_view text);

// As from_hex, for exactly N bytes.
template <std::size_t N>
std::optional<FixedBytes<N>> fixed_from_hex(std::string_view text) {
  const std::optional<Bytes> bytes = from_hex(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  FixedBytes<N> result;
  std::memcpy(result.data(), bytes->data(), N);
  return result;
}
inline std::optional<Address> address_from_hex(std::string_view text) { return fixed_from_hex<20>(text); }
inline std::optional<Hash> hash_from_hex(std::string_view text) { return fixed_from_hex<32>(text); }

// Empty unless `bytes` has exactly N bytes.
template <typename Fixed>
std::optional<Fixed> fixed_from_bytes(ByteView bytes) {
  if (bytes.size() != Fixed::kSize) return std::nullopt;
  Fixed result;
  std::memcpy(result.data(), bytes.data(), Fixed::kSize);
  return result;
}

// For hash tables keyed by values that an outsider can choose: mixes all bytes with a 64-bit seed that the table draws
// once at start, so that collisions cannot be prepared.
std::uint64_t mix_bytes(ByteView bytes, std::uint64_t seed) noexcept;

}  // namespace base
