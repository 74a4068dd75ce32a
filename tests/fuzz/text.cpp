// The parsers of numbers, hexadecimal and short names: what they accept must mean the same when it is written again.

#include <algorithm>
#include <string>

#include "base/amount.h"
#include "base/check.h"
#include "tests/fuzz/target.h"

namespace {

bool amounts(std::string_view text, unsigned scale) {
  const std::optional<base::Amount> units = base::Amount::parse_units(text);
  if (units) {
    CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
    CHECK(base::Amount::parse_units(units->to_units_string()) == units);
    CHECK(base::Amount::parse_decimal(text, 0) == units);
  }
  const std::optional<base::Amount> decimal = base::Amount::parse_decimal(text, scale);
  if (decimal) CHECK(base::Amount::parse_decimal(decimal->to_decimal_string(scale), scale) == decimal);
  return units.has_value() || decimal.has_value();
}

bool hexadecimal(std::string_view text) {
  const std::optional<base::Bytes> bytes = base::from_hex(text);
  if (bytes) CHECK(base::from_hex(base::to_hex(*bytes)) == bytes);
  const std::optional<base::Address> address = base::address_from_hex(text);
  CHECK(address.has_value() == (bytes.has_value() && bytes->size() == base::Address::kSize));
  if (address) CHECK(base::address_from_hex(base::to_hex(*address)) == address);
  CHECK(base::hash_from_hex(text).has_value() == (bytes.has_value() && bytes->size() == base::Hash::kSize));
  return bytes.has_value();
}

bool short_text(std::string_view text) {
  const std::optional<base::Unit> unit = base::Unit::parse(text);
  if (unit) CHECK(unit->view() == text);
  const std::optional<base::RailName> rail = base::RailName::parse(text);
  if (rail) CHECK(rail->view() == text);
  return rail.has_value();
}

}  // namespace

// The first byte is the scale of the asset, the rest is the text.
bool fuzz::run_input(base::ByteView bytes) {
  if (bytes.empty()) return false;
  const std::string text(bytes.begin() + 1, bytes.end());
  const bool number = amounts(text, bytes[0] % 31);
  const bool hex = hexadecimal(text);
  const bool name = short_text(text);
  return number || hex || name;
}
