#include "base/text.h"

#include <cstdint>

namespace base {
namespace {

// Of one valid UTF-8 character.
char32_t code_point(std::string_view bytes) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<char32_t>(static_cast<std::uint8_t>(bytes[at])); };
  switch (bytes.size()) {
    case 2: return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3: return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    case 4: return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
    default: return byte(0);
  }
}

bool is_between(char32_t c, char32_t low, char32_t high) noexcept { return c >= low && c <= high; }

bool is_control(char32_t c) noexcept { return c < 0x20 || is_between(c, 0x7f, 0x9f) || is_between(c, 0x2028, 0x2029); }

bool turns_direction(char32_t c) noexcept {
  return c == 0x061c || is_between(c, 0x200e, 0x200f) || is_between(c, 0x202a, 0x202e) || is_between(c, 0x2066, 0x206f);
}

bool is_invisible(char32_t c) noexcept {
  return c == 0x00ad || c == 0x034f || c == 0x180e || c == 0x200b || is_between(c, 0x2060, 0x2065) || c == 0x3164 ||
         c == 0xfeff || c == 0xffa0 || is_between(c, 0xfff0, 0xfffb) || is_between(c, 0xe0000, 0xe0fff) ||
         (c & 0xfffe) == 0xfffe || is_between(c, 0xfdd0, 0xfdef);
}

}  // namespace

std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto byte = [&text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const auto follows = [&](std::size_t at, std::uint8_t low, std::uint8_t high) {
    return at < text.size() && byte(at) >= low && byte(at) <= high;
  };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const std::uint8_t low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

std::string_view flaw_of_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return "it is not UTF-8";
    const char32_t c = code_point(text.substr(0, length));
    if (is_control(c)) return "it has a control character";
    if (turns_direction(c)) return "it has a character that turns the direction of text";
    if (is_invisible(c)) return "it has an invisible character";
    text.remove_prefix(length);
  }
  return {};
}

std::string without_flaws(std::string_view text, std::size_t bytes_max) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view one = text.substr(0, length == 0 ? 1 : length);
    const std::string_view shown = flaw_of_text(one).empty() ? one : "?";
    if (result.size() + shown.size() > bytes_max) break;
    result += shown;
    text.remove_prefix(one.size());
  }
  return result;
}

}  // namespace base
