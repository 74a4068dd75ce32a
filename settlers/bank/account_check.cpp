#include "settlers/bank/account_check.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace settlers::bank {
namespace {

struct SepaCountry {
  std::string_view code;
  std::size_t iban_length;
  bool outside_eea;
};

// EPC409-09: the countries of the SEPA schemes, and the length of their IBANs.
constexpr SepaCountry kCountries[] = {
    {"AD", 24, true},  {"AL", 28, true},  {"AT", 20, false}, {"BE", 16, false}, {"BG", 22, false}, {"CH", 21, true},
    {"CY", 28, false}, {"CZ", 24, false}, {"DE", 22, false}, {"DK", 18, false}, {"EE", 20, false}, {"ES", 24, false},
    {"FI", 18, false}, {"FR", 27, false}, {"GB", 22, true},  {"GI", 23, true},  {"GR", 27, false}, {"HR", 21, false},
    {"HU", 28, false}, {"IE", 22, false}, {"IS", 26, false}, {"IT", 27, false}, {"LI", 21, false}, {"LT", 20, false},
    {"LU", 20, false}, {"LV", 21, false}, {"MC", 27, true},  {"MD", 24, true},  {"ME", 22, true},  {"MK", 19, true},
    {"MT", 31, false}, {"NL", 18, false}, {"NO", 15, false}, {"PL", 28, false}, {"PT", 25, false}, {"RO", 24, false},
    {"RS", 22, true},  {"SE", 24, false}, {"SI", 19, false}, {"SK", 24, false}, {"SM", 27, true},  {"VA", 22, true}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alphanumeric(char c) { return is_digit(c) || is_upper(c); }

const SepaCountry* country_of(std::string_view code) {
  const auto* found =
      std::find_if(std::begin(kCountries), std::end(kCountries), [&](const auto& each) { return each.code == code; });
  return found == std::end(kCountries) ? nullptr : found;
}

// ISO 7064 mod 97-10: letters count as 10 to 35.
unsigned mod97(std::string_view text, unsigned remainder = 0) {
  for (const char c : text) {
    const unsigned value = is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(c - 'A' + 10);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

}  // namespace

std::string compact(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ' ') continue;
    result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return result;
}

bool is_outside_eea(std::string_view code) noexcept {
  const SepaCountry* country = country_of(code);
  return country != nullptr && country->outside_eea;
}

std::optional<std::string> iban_problem(std::string_view iban) {
  if (iban.size() < 5 || !std::all_of(iban.begin(), iban.end(), is_alphanumeric))
    return "this is no IBAN: two letters of a country, two check digits, and the account in letters and digits";
  const SepaCountry* country = country_of(iban.substr(0, 2));
  if (country == nullptr) return "the IBAN's country " + std::string(iban.substr(0, 2)) + " is not in SEPA";
  if (iban.size() != country->iban_length)
    return "an IBAN of " + std::string(country->code) + " has " + std::to_string(country->iban_length) +
           " characters, not " + std::to_string(iban.size());
  if (!is_digit(iban[2]) || !is_digit(iban[3]) || mod97(iban.substr(0, 4), mod97(iban.substr(4))) != 1)
    return "the IBAN's check digits " + std::string(iban.substr(2, 2)) + " are wrong: a character is mistyped";
  return std::nullopt;
}

std::optional<std::string> bic_problem(std::string_view bic) {
  const bool ok = (bic.size() == 8 || bic.size() == 11) && std::all_of(bic.begin(), bic.end(), is_alphanumeric) &&
                  is_upper(bic[4]) && is_upper(bic[5]);
  if (ok) return std::nullopt;
  return "this is no BIC: 8 or 11 letters and digits, the country's two letters in the fifth place";
}

std::optional<std::string> creditor_id_problem(std::string_view id) {
  constexpr std::size_t kBusinessCodeEnd = 7;
  const bool shape = id.size() > kBusinessCodeEnd && id.size() <= 35 && is_upper(id[0]) && is_upper(id[1]) &&
                     is_digit(id[2]) && is_digit(id[3]) && std::all_of(id.begin(), id.end(), is_alphanumeric);
  if (!shape)
    return "this is no creditor identifier: two letters of a country, two check digits, a business code of three "
           "characters (ZZZ), and the national identifier in letters and digits; at most 35 characters";
  if (mod97(id.substr(0, 4), mod97(id.substr(kBusinessCodeEnd))) != 1)
    return "the creditor identifier's check digits " + std::string(id.substr(2, 2)) +
           " are wrong: a character is mistyped";
  return std::nullopt;
}

std::optional<std::string> routing_number_problem(std::string_view number) {
  constexpr std::array<unsigned, 3> kWeights = {3, 7, 1};
  if (number.size() != 9 || !std::all_of(number.begin(), number.end(), is_digit))
    return "this is no routing number: nine digits";
  unsigned sum = 0;
  for (std::size_t i = 0; i < number.size(); ++i) sum += kWeights[i % 3] * static_cast<unsigned>(number[i] - '0');
  if (sum == 0 || sum % 10 != 0) return "the routing number's check digit is wrong: a digit is mistyped";
  return std::nullopt;
}

}  // namespace settlers::bank
