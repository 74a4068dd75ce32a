#include "settlers/bank/text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace settlers::bank {
namespace {

struct Transcription {
  std::uint32_t from;  // the first code point of a run
  const char* to;      // what its letters become, separated by '|'
};

// Runs of neighbouring code points. Latin-1, Latin Extended-A, Greek (ISO 843), Bulgarian and common Cyrillic.
constexpr Transcription kRuns[] = {
    {0xC0,
     "A|A|A|A|Ae|A|Ae|C|E|E|E|E|I|I|I|I|D|N|O|O|O|O|Oe|x|O|U|U|U|Ue|Y|Th|ss|a|a|a|a|ae|a|ae|c|e|e|e|e|i|i|i|i|d|"
     "n|o|o|o|o|oe|.|o|u|u|u|ue|y|th|y"},
    {0x100,
     "A|a|A|a|A|a|C|c|C|c|C|c|C|c|D|d|D|d|E|e|E|e|E|e|E|e|E|e|G|g|G|g|G|g|G|g|H|h|H|h|I|i|I|i|I|i|I|i|I|i|IJ|ij|"
     "J|j|K|k|q|L|l|L|l|L|l|L|l|L|l|N|n|N|n|N|n|n|N|n|O|o|O|o|O|o|OE|oe|R|r|R|r|R|r|S|s|S|s|S|s|S|s|T|t|T|t|T|t|"
     "U|u|U|u|U|u|U|u|U|u|U|u|W|w|Y|y|Y|Z|z|Z|z|Z|z|s"},
    {0x218, "S|s|T|t"},
    {0x386,
     "A|.|E|I|I|.|O|.|Y|O|i|A|V|G|D|E|Z|I|TH|I|K|L|M|N|X|O|P|R|.|S|T|Y|F|CH|PS|O|I|Y|a|e|i|i|y|a|v|g|d|e|z|i|th|"
     "i|k|l|m|n|x|o|p|r|s|s|t|y|f|ch|ps|o|i|y|o|y|o"},
    {0x401,
     "E|Dj|G|Ye|Dz|I|Yi|J|Lj|Nj|C|K|I|U|Dz|A|B|V|G|D|E|Zh|Z|I|Y|K|L|M|N|O|P|R|S|T|U|F|H|Ts|Ch|Sh|Sht|A|Y|Y|E|Yu|"
     "Ya|a|b|v|g|d|e|zh|z|i|y|k|l|m|n|o|p|r|s|t|u|f|h|ts|ch|sh|sht|a|y|y|e|yu|ya|e|e|dj|g|ye|dz|i|yi|j|lj|nj|c|"
     "k|i|u|dz"},
    {0x1E9E, "SS"},
    {0x2010, "-|-|-|-|-|-"},
    {0x2018, "'|'|,|'|'|'"},
    {0x20AC, "E"}};

// A code point of `utf8` at `at`, which moves on; U+FFFD for bytes that are no UTF-8.
std::uint32_t next_code_point(std::string_view utf8, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(utf8[i]); };
  const std::uint8_t lead = byte(at++);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || utf8.size() - at < more) return 0xFFFD;
  std::uint32_t value = lead & (0x3Fu >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0xFFFD;
    value = value << 6 | (byte(at + i) & 0x3Fu);
  }
  at += more;
  return value;
}

std::string_view transcribed(std::uint32_t code_point) {
  for (const Transcription& run : kRuns) {
    if (code_point < run.from) continue;
    std::string_view rest = run.to;
    for (std::uint32_t skip = code_point - run.from; skip > 0; --skip) {
      const std::size_t bar = rest.find('|');
      if (bar == std::string_view::npos) {
        rest = {};
        break;
      }
      rest.remove_prefix(bar + 1);
    }
    if (!rest.empty()) return rest.substr(0, rest.find('|'));
  }
  return ".";
}

bool is_sepa_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/-?:().,'+ ").find(c) != std::string_view::npos;
}

std::string_view ascii_replacement(char c) {
  switch (c) {
    case '&': return "+";
    case '_':
    case '~': return "-";
    case '"':
    case '`': return "'";
    case ';': return ",";
    case '[':
    case '{':
    case '<': return "(";
    case ']':
    case '}':
    case '>': return ")";
    case '\\':
    case '|': return "/";
    default: return ".";
  }
}

void append(std::string& out, std::string_view piece) {
  for (const char c : piece) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
}

}  // namespace

bool is_sepa_text(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), is_sepa_char); }

std::string to_sepa_text(std::string_view utf8, std::size_t length_max) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size() && out.size() < length_max;) {
    const std::uint32_t code_point = next_code_point(utf8, at);
    if (code_point >= 0x300 && code_point < 0x370) continue;  // a mark of the letter before it
    if (code_point <= ' ' || code_point == 0xA0) {
      append(out, " ");
    } else if (code_point < 0x7F) {
      const char c = static_cast<char>(code_point);
      append(out, is_sepa_char(c) ? std::string_view(&c, 1) : ascii_replacement(c));
    } else {
      append(out, transcribed(code_point));
    }
  }
  if (out.size() > length_max) out.resize(length_max);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::optional<std::string> reference_problem(std::string_view reference, std::size_t length_max) {
  if (reference.empty()) return "is empty";
  if (reference.size() > length_max)
    return "has " + std::to_string(reference.size()) + " characters; at most " + std::to_string(length_max) + " fit";
  if (!is_sepa_text(reference))
    return "has a character that SEPA does not know; allowed: letters, digits, / - ? : ( ) . , ' + and space";
  if (reference.front() == '/' || reference.back() == '/') return "starts or ends with a slash";
  if (reference.find("//") != std::string_view::npos) return "contains two slashes in a row";
  if (reference.front() == ' ' || reference.back() == ' ') return "starts or ends with a space";
  return std::nullopt;
}

std::string to_nacha_text(std::string_view utf8, std::size_t length_max) {
  std::string out = to_sepa_text(utf8, length_max);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '+') c = '&';
    if (c == '?' || c == ':' || c == '(' || c == ')') c = ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string base32(const unsigned char* bytes, std::size_t count) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    buffer = (buffer << 8 | bytes[i]) & 0xFFFFu;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += kAlphabet[buffer >> bits & 31u];
    }
  }
  if (bits > 0) out += kAlphabet[buffer << (5 - bits) & 31u];
  return out;
}

}  // namespace settlers::bank
