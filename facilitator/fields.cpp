#include "facilitator/fields.h"

#include <algorithm>
#include <charconv>

namespace facilitator {
namespace {

constexpr std::string_view kDigitsRule = "allowed: decimal digits in quotes, without sign, leading zeros or exponent";
constexpr std::size_t kDigitsMax = 39;  // of 2^128 - 1

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<base::u128> parse_decimal(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > kDigitsMax) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  base::u128 number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<base::u128>(c - '0');
    if (number > (~base::u128{0} - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

std::string decimal(base::u128 number) {
  std::string result;
  do {
    result += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number != 0);
  std::reverse(result.begin(), result.end());
  return result;
}

void Fields::fail(std::string path, std::string message) {
  if (!mistake_) mistake_ = JsonMistake{std::move(path), std::move(message)};
}

const JsonNode* Fields::member(const JsonNode& object, std::string_view key, JsonKind kind, bool required) {
  if (!good()) return nullptr;
  const JsonNode* node = document_.member(object, key);
  if (node == nullptr) {
    if (required) fail(document_.path(object, key), "missing; this must be " + std::string(describe(kind)));
    return nullptr;
  }
  if (node->kind == kind) return node;
  fail(*node, "this is " + std::string(describe(node->kind)) + "; it must be " + std::string(describe(kind)));
  return nullptr;
}

std::string_view Fields::text(const JsonNode& in, std::string_view key) {
  const JsonNode* node = member(in, key, JsonKind::text, true);
  return node == nullptr ? std::string_view() : node->text;
}

std::string_view Fields::optional_text(const JsonNode& in, std::string_view key) {
  const JsonNode* node = member(in, key, JsonKind::text, false);
  return node == nullptr ? std::string_view() : node->text;
}

std::uint64_t Fields::whole_number(const JsonNode& in, std::string_view key, std::uint64_t maximum,
                                   std::uint64_t fallback, bool required) {
  const JsonNode* node = member(in, key, JsonKind::number, required);
  if (node == nullptr) return fallback;
  std::uint64_t value = 0;
  const char* const end = node->text.data() + node->text.size();
  const auto [stop, failure] = std::from_chars(node->text.data(), end, value);
  if (failure == std::errc{} && stop == end && value <= maximum) return value;
  fail(*node, "not a whole number in 0 to " + std::to_string(maximum));
  return fallback;
}

base::u128 Fields::u128(const JsonNode& in, std::string_view key) {
  if (!good()) return 0;
  const JsonNode* node = document_.member(in, key);
  if (node == nullptr) {
    fail(document_.path(in, key), "missing; " + std::string(kDigitsRule));
    return 0;
  }
  const std::optional<base::u128> number = node->kind == JsonKind::text ? parse_decimal(node->text) : std::nullopt;
  if (number) return *number;
  fail(*node, node->kind != JsonKind::text
                  ? "this is " + std::string(describe(node->kind)) + "; " + std::string(kDigitsRule)
                  : "not a number below 2^128; " + std::string(kDigitsRule));
  return 0;
}

std::uint64_t Fields::u64(const JsonNode& in, std::string_view key) {
  const base::u128 number = u128(in, key);
  if (number <= UINT64_MAX) return static_cast<std::uint64_t>(number);
  fail(document_.path(in, key), "too large; allowed: 0 to 2^64 - 1");
  return 0;
}

base::Amount Fields::amount(const JsonNode& in, std::string_view key) {
  const base::u128 number = u128(in, key);
  const std::optional<base::Amount> amount = base::Amount::from_units(number);
  if (amount) return *amount;
  fail(document_.path(in, key), "too large; allowed: 0 to 2^127 - 1");
  return {};
}

void Fields::read_hex(const JsonNode& in, std::string_view key, std::uint8_t* out, std::size_t size) {
  const JsonNode* node = member(in, key, JsonKind::text, true);
  if (node == nullptr) return;
  const std::string_view text = node->text;
  bool fits = text.size() == 2 + 2 * size && text[0] == '0' && text[1] == 'x';
  for (std::size_t i = 0; fits && i < size; ++i) {
    const int high = hex_digit(text[2 + 2 * i]), low = hex_digit(text[3 + 2 * i]);
    fits = high >= 0 && low >= 0;
    if (fits) out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (!fits)
    fail(*node, "this must be \"0x\" and " + std::to_string(2 * size) + " hexadecimal digits (" + std::to_string(size) +
                    " bytes)");
}

void Fields::only(const JsonNode& in, std::initializer_list<std::string_view> keys) {
  if (!good()) return;
  for (const JsonNode* node = document_.first(in); node != nullptr; node = document_.next(*node))
    if (std::find(keys.begin(), keys.end(), node->key) == keys.end())
      return fail(*node, "unknown here; what is not signed must not stand beside what is");
}

}  // namespace facilitator
