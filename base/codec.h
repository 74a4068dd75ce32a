#pragma once

// The one binary encoding of everything that tabd stores or hashes: little-endian fixed-width integers, raw bytes, and
// byte strings behind a u32 length. No padding, no optional fields, one encoding for each value.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"

namespace base {

// Appends to a byte string. Cannot fail.
class Encoder {
 public:
  explicit Encoder(Bytes& out) noexcept : out_(out) {}

  template <std::unsigned_integral T>
  void integer(T value) {
    std::uint8_t raw[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = static_cast<std::uint8_t>(value >> (8 * i));
    out_.insert(out_.end(), raw, raw + sizeof(T));
  }
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { integer(value); }
  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void wide(u128 value) {
    u64(static_cast<std::uint64_t>(value));
    u64(static_cast<std::uint64_t>(value >> 64));
  }
  void amount(Amount value) { wide(value.units()); }
  void signed_wide(i128 value) { wide(static_cast<u128>(value)); }  // two's complement
  void time(Time value) { u64(value.us); }
  template <typename Tag, typename Number>
  void id(Id<Tag, Number> value) {
    integer(value.value);
  }
  template <std::size_t N>
  void fixed(const FixedBytes<N>& value) {
    out_.insert(out_.end(), value.bytes.begin(), value.bytes.end());
  }
  template <std::size_t N>
  void text(const ShortText<N>& value) {
    out_.insert(out_.end(), value.chars.begin(), value.chars.end());
  }
  // u32 length, then the bytes.
  void bytes(ByteView value) {
    u32(static_cast<std::uint32_t>(value.size()));
    raw(value);
  }
  void string(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    out_.insert(out_.end(), value.begin(), value.end());
  }
  void raw(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }

 private:
  Bytes& out_;
};

// Reads what Encoder wrote. After the first read past the end every read gives zero and ok() is false, so a caller
// reads all fields and asks once.
class Decoder {
 public:
  explicit Decoder(ByteView in) noexcept : in_(in) {}

  template <std::unsigned_integral T>
  T integer() noexcept {
    T value = 0;
    if (!need(sizeof(T))) return value;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(in_[position_ + i]) << (8 * i)));
    position_ += sizeof(T);
    return value;
  }
  std::uint8_t u8() noexcept { return integer<std::uint8_t>(); }
  std::uint16_t u16() noexcept { return integer<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return integer<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return integer<std::uint64_t>(); }
  u128 wide() noexcept {
    const u128 low = u64();
    return low | (static_cast<u128>(u64()) << 64);
  }
  // An encoded amount above the maximum makes ok() false.
  Amount amount() noexcept {
    const std::optional<Amount> value = Amount::from_units(wide());
    if (!value) ok_ = false;
    return value.value_or(Amount{});
  }
  i128 signed_wide() noexcept { return static_cast<i128>(wide()); }
  Time time() noexcept { return Time{u64()}; }
  template <typename IdType>
  IdType id() noexcept {
    return IdType(integer<typename IdType::Value>());
  }
  template <typename Fixed>
  Fixed fixed() noexcept {
    Fixed value;
    if (!need(Fixed::kSize)) return value;
    std::memcpy(value.data(), in_.data() + position_, Fixed::kSize);
    position_ += Fixed::kSize;
    return value;
  }
  template <typename Text>
  Text text() noexcept {
    Text value;
    if (!need(value.chars.size())) return value;
    std::memcpy(value.chars.data(), in_.data() + position_, value.chars.size());
    position_ += value.chars.size();
    return value;
  }
  // A view into the input: valid as long as the input is.
  ByteView bytes() noexcept { return raw(u32()); }
  std::string string() {
    const ByteView view = bytes();
    return {view.begin(), view.end()};
  }
  ByteView raw(std::size_t count) noexcept {
    if (!need(count)) return {};
    const ByteView view = in_.subspan(position_, count);
    position_ += count;
    return view;
  }

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return position_ == in_.size(); }
  // Everything was read and nothing was missing: the only success for a whole record.
  bool complete() const noexcept { return ok_ && at_end(); }
  std::size_t position() const noexcept { return position_; }
  void fail() noexcept { ok_ = false; }

 private:
  bool need(std::size_t count) noexcept {
    if (ok_ && in_.size() - position_ >= count) return true;
    ok_ = false;
    return false;
  }

  ByteView in_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace base
