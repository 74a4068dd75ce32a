#pragma once

// Whether account numbers and identifiers can be right: lengths, characters and check digits. Each gives nothing, or a
// sentence that says what is wrong. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace settlers::bank {

// Spaces taken out, letters in upper case.
std::string compact(std::string_view text);

// ISO 13616, `iban` compact: a SEPA country, its length, check digits by ISO 7064 mod 97-10.
std::optional<std::string> iban_problem(std::string_view iban);
// Banks of these countries take part in SEPA from outside the European Economic Area: a debtor there needs an address.
bool is_outside_eea(std::string_view country) noexcept;
// ISO 9362, 8 or 11 characters.
std::optional<std::string> bic_problem(std::string_view bic);
// SEPA creditor identifier (EPC262-08): country, two check digits over what follows the business code, business code.
std::optional<std::string> creditor_id_problem(std::string_view id);
// Nine digits with the ABA check digit (weights 3, 7, 1).
std::optional<std::string> routing_number_problem(std::string_view number);

}  // namespace settlers::bank
