#pragma once

// What may be written into fields of bank files. Pure and deterministic: the same text always gives the same bytes.

#include <optional>
#include <string>
#include <string_view>

namespace settlers::bank {

// The characters of the SEPA schemes (EPC230-15): letters, digits, / - ? : ( ) . , ' + and space.
bool is_sepa_text(std::string_view text) noexcept;
// `utf8` in those characters: letters lose or spell out their marks (ä is ae, Ł is L, Greek and Cyrillic letters are
// transcribed), other characters become a full stop, white space a single space; cut at `length_max`.
std::string to_sepa_text(std::string_view utf8, std::size_t length_max);
// A reference must moreover not be empty, start or end with '/', or contain "//" or spaces at its ends. Gives what is
// wrong.
std::optional<std::string> reference_problem(std::string_view reference, std::size_t length_max);
// The same in upper-case ASCII letters, digits, space and . , - / & ' of a NACHA field, cut at `length_max`.
std::string to_nacha_text(std::string_view utf8, std::size_t length_max);

// RFC 4648 base32 without padding.
std::string base32(const unsigned char* bytes, std::size_t count);

}  // namespace settlers::bank
