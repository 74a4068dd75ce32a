#include "settlers/card/currency.h"

#include <algorithm>
#include <array>

namespace settlers::card {

namespace {

using base::u128;

struct Row {
  std::string_view currency;
  unsigned exponent;
  std::uint64_t charge_minimum;
  std::uint64_t charge_step;
  std::uint64_t transfer_step;
};

// Sorted. Exponent 0: sent in whole units. ISK and UGX have no minor unit and are sent with two decimals all the same;
// currencies with three decimals end with 0. HUF and TWD are paid out in whole units only.
constexpr std::array<Row, 51> kRows = {{
    {"aed", 2, 200, 1, 1},     {"aud", 2, 50, 1, 1},      {"bgn", 2, 100, 1, 1},  {"bhd", 3, 10, 10, 10},
    {"bif", 0, 1, 1, 1},       {"brl", 2, 50, 1, 1},      {"cad", 2, 50, 1, 1},   {"chf", 2, 50, 1, 1},
    {"clp", 0, 1, 1, 1},       {"czk", 2, 1500, 1, 1},    {"djf", 0, 1, 1, 1},    {"dkk", 2, 250, 1, 1},
    {"eur", 2, 50, 1, 1},      {"gbp", 2, 30, 1, 1},      {"gnf", 0, 1, 1, 1},    {"hkd", 2, 400, 1, 1},
    {"huf", 2, 17500, 1, 100}, {"inr", 2, 50, 1, 1},      {"iqd", 3, 10, 10, 10}, {"isk", 2, 100, 100, 100},
    {"jod", 3, 10, 10, 10},    {"jpy", 0, 50, 1, 1},      {"kmf", 0, 1, 1, 1},    {"krw", 0, 1, 1, 1},
    {"kwd", 3, 10, 10, 10},    {"lyd", 3, 10, 10, 10},    {"mga", 0, 1, 1, 1},    {"mxn", 2, 1000, 1, 1},
    {"myr", 2, 200, 1, 1},     {"nok", 2, 300, 1, 1},     {"nzd", 2, 50, 1, 1},   {"omr", 3, 10, 10, 10},
    {"pln", 2, 200, 1, 1},     {"pyg", 0, 1, 1, 1},       {"ron", 2, 200, 1, 1},  {"rwf", 0, 1, 1, 1},
    {"sek", 2, 300, 1, 1},     {"sgd", 2, 50, 1, 1},      {"thb", 2, 1000, 1, 1}, {"tnd", 3, 10, 10, 10},
    {"twd", 2, 1, 1, 100},     {"ugx", 2, 100, 100, 100}, {"usd", 2, 50, 1, 1},   {"vnd", 0, 1, 1, 1},
    {"vuv", 0, 1, 1, 1},       {"xaf", 0, 1, 1, 1},       {"xcd", 2, 1, 1, 1},    {"xof", 0, 1, 1, 1},
    {"xpf", 0, 1, 1, 1},       {"zar", 2, 1, 1, 1},       {"zmw", 2, 1, 1, 1},
}};

constexpr unsigned kRateDecimalsMax = 9;
// Twelve digits before the point: above it products of amount and rate could leave 128 bits.
constexpr u128 kRateMax = u128{1'000'000'000'000} * 1'000'000'000;

u128 power_of_ten(unsigned exponent) {
  u128 result = 1;
  for (unsigned i = 0; i < exponent; ++i) result *= 10;
  return result;
}

std::string decimal(u128 units, unsigned scale) {
  return base::Amount::from_units(units).value_or(base::Amount{}).to_decimal_string(scale);
}

tl::unexpected<base::Error> refuse(std::string message) {
  return base::error(base::ErrorCode::invalid_argument, std::move(message));
}

}  // namespace

CurrencyRules currency_rules(std::string_view currency, Operation operation) noexcept {
  const auto found = std::lower_bound(kRows.begin(), kRows.end(), currency,
                                      [](const Row& row, std::string_view name) { return row.currency < name; });
  if (found == kRows.end() || found->currency != currency) return {};
  CurrencyRules rules;
  rules.exponent = found->exponent;
  // What was charged is sent back in the same steps, and in parts as small as these.
  rules.step = operation == Operation::transfer ? found->transfer_step : found->charge_step;
  rules.minimum = operation == Operation::charge ? found->charge_minimum : rules.step;
  return rules;
}

bool is_currency(std::string_view text) noexcept {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::optional<Rate> parse_rate(std::string_view text) noexcept {
  const std::optional<base::Amount> value = base::Amount::parse_decimal(text, kRateDecimalsMax);
  if (!value || value->is_zero() || value->units() > kRateMax) return std::nullopt;
  Rate rate{value->units(), power_of_ten(kRateDecimalsMax)};
  while (rate.denominator > 1 && rate.numerator % 10 == 0) {
    rate.numerator /= 10;
    rate.denominator /= 10;
  }
  return rate;
}

base::Result<MinorAmount> to_minor(base::Amount amount, unsigned scale, std::string_view currency, const Rate& rate,
                                   Operation operation) {
  const CurrencyRules rules = currency_rules(currency, operation);
  const std::string name(currency);
  // The maximum in ledger units, with room to spare: it keeps the product below 2^127.
  if (amount.units() / power_of_ten(scale) > rules.maximum * u128{1'000'000})
    return refuse(amount.to_decimal_string(scale) + " " + name + " is more than a card can be charged");
  const u128 product = amount.units() * rate.numerator;
  if (amount.units() != 0 && product / amount.units() != rate.numerator)
    return refuse("the amount times the rate of " + name + " is too large");
  const unsigned up = rules.exponent > scale ? rules.exponent - scale : 0;
  const unsigned down = scale > rules.exponent ? scale - rules.exponent : 0;
  const u128 numerator = product * power_of_ten(up);
  const u128 denominator = rate.denominator * power_of_ten(down);
  u128 units = numerator / denominator;
  const u128 rest = numerator % denominator;
  MinorAmount result;
  if (rest != 0 && rate.is_one())
    return refuse(amount.to_decimal_string(scale) + " has more decimals than " + name + " (" +
                  std::to_string(rules.exponent) + "); set the asset's rail_scale");
  if (rest != 0) {
    const u128 half = denominator - rest;
    const bool up_to = rest > half || (rest == half && units % 2 == 1);
    if (up_to) ++units;
    // In billionths of the minor unit: enough to see, not to book.
    const u128 off = (up_to ? half : rest) * 1'000'000'000 / denominator;
    result.rounding = std::string(up_to ? "rounded up by " : "rounded down by ") + decimal(off, 9) + " minor units";
  }
  const std::string shown = decimal(units, rules.exponent) + " " + name;
  if (units < rules.minimum)
    return refuse(shown + " is below the least that can be moved, " + decimal(rules.minimum, rules.exponent) + " " +
                  name);
  if (units > rules.maximum)
    return refuse(shown + " is above the most that can be moved, " + decimal(rules.maximum, rules.exponent) + " " +
                  name);
  if (units % rules.step != 0)
    return refuse(shown + " is not a multiple of " + decimal(rules.step, rules.exponent) + " " + name +
                  ", as cards demand; set the asset's rail_scale");
  result.units = static_cast<std::uint64_t>(units);
  return result;
}

std::optional<base::Amount> from_minor(std::uint64_t units, unsigned scale, std::string_view currency,
                                       const Rate& rate) noexcept {
  const unsigned exponent = currency_rules(currency, Operation::charge).exponent;
  if (!rate.is_one() || scale > 30) return std::nullopt;
  if (scale >= exponent) return base::Amount::from_units(u128{units} * power_of_ten(scale - exponent));
  const u128 divisor = power_of_ten(exponent - scale);
  if (units % divisor != 0) return std::nullopt;
  return base::Amount::from_units(units / divisor);
}

}  // namespace settlers::card
