#include "settlers/card/form.h"

namespace settlers::card {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kMarks = "-._~";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kMarks.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

Form& Form::add(std::string_view key, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  // Brackets stay readable: providers take them so.
  for (std::size_t at = 0; at < key.size();) {
    const std::size_t bracket = key.find_first_of("[]", at);
    text_ += percent_encoded(key.substr(at, bracket - at));
    if (bracket == std::string_view::npos) break;
    text_ += key[bracket];
    at = bracket + 1;
  }
  text_ += '=';
  text_ += percent_encoded(value);
  return *this;
}

}  // namespace settlers::card
