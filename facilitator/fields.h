#pragma once

// Reads the members of JSON objects by name and type, strictly. The first mistake is kept and everything after it gives
// defaults, so that a reader is a list of fields without branches.
//
// Numbers that money depends on are texts of decimal digits without sign, leading zero or exponent; JSON numbers are
// mistakes there. Byte strings are "0x" and exactly as many hexadecimal digits as needed, in either case.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"
#include "facilitator/json.h"

namespace facilitator {

// Digits only, no leading zero, below 2^128; empty otherwise.
std::optional<base::u128> parse_decimal(std::string_view digits) noexcept;
std::string decimal(base::u128 number);

class Fields {
 public:
  // `document` must outlive this.
  explicit Fields(const JsonDocument& document) : document_(document) {}

  bool good() const noexcept { return !mistake_; }
  const JsonMistake& mistake() const { return *mistake_; }
  void fail(std::string path, std::string message);
  void fail(const JsonNode& at, std::string message) { fail(document_.path(at), std::move(message)); }

  // Null (and a mistake when `required`) if the member is missing; null and a mistake if it is of another kind.
  const JsonNode* member(const JsonNode& object, std::string_view key, JsonKind kind, bool required);
  const JsonNode* object(const JsonNode& in, std::string_view key) { return member(in, key, JsonKind::object, true); }
  std::string_view text(const JsonNode& in, std::string_view key);
  std::string_view optional_text(const JsonNode& in, std::string_view key);
  // A JSON number that is a whole number in 0 .. maximum.
  std::uint64_t whole_number(const JsonNode& in, std::string_view key, std::uint64_t maximum, std::uint64_t fallback,
                             bool required);
  // Texts of digits.
  base::u128 u128(const JsonNode& in, std::string_view key);
  std::uint64_t u64(const JsonNode& in, std::string_view key);
  base::Amount amount(const JsonNode& in, std::string_view key);  // below 2^127
  template <std::size_t N>
  base::FixedBytes<N> bytes(const JsonNode& in, std::string_view key) {
    base::FixedBytes<N> result;
    read_hex(in, key, result.data(), N);
    return result;
  }
  // A mistake if the object has any other member.
  void only(const JsonNode& in, std::initializer_list<std::string_view> keys);

 private:
  void read_hex(const JsonNode& in, std::string_view key, std::uint8_t* out, std::size_t size);

  const JsonDocument& document_;
  std::optional<JsonMistake> mistake_;
};

}  // namespace facilitator
