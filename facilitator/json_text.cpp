#include "facilitator/json_text.h"

#include "base/text.h"

namespace facilitator {

std::string json_quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  result.reserve(text.size() + 2);
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      const auto code = static_cast<unsigned char>(c);
      result += "\\u00";
      result += kHex[code >> 4];
      result += kHex[code & 15];
    } else if (length = base::utf8_length(text); length == 0) {
      result += "\xEF\xBF\xBD";
      length = 1;
    } else {
      result.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  result += '"';
  return result;
}

}  // namespace facilitator
