#include "cli/json.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>

namespace cli {
namespace {

void pretty(const Json& value, std::size_t depth, std::string& out) {
  const std::string inner(2 * (depth + 1), ' ');
  const std::string outer(2 * depth, ' ');
  if (const JsonObject* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& member : *object) {
      if (!first) out += ",\n";
      first = false;
      out += inner + boost::json::serialize(boost::json::string(member.key())) + ": ";
      pretty(member.value(), depth + 1, out);
    }
    out += "\n" + outer + "}";
  } else if (const JsonArray* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    bool first = true;
    for (const Json& member : *array) {
      if (!first) out += ",\n";
      first = false;
      out += inner;
      pretty(member, depth + 1, out);
    }
    out += "\n" + outer + "]";
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  boost::json::error_code reason;
  boost::json::stream_parser parser;
  const std::size_t used = parser.write_some(text.data(), text.size(), reason);
  std::size_t rest = used;
  while (rest < text.size() && (text[rest] == ' ' || text[rest] == '\t' || text[rest] == '\r' || text[rest] == '\n'))
    ++rest;
  if (!reason && rest == text.size()) parser.finish(reason);
  if (reason || rest != text.size()) {
    return usage_failure(fmt::format("{}: this is not JSON, from character {} on: {}.", where, used + 1,
                                     reason ? reason.message() : std::string("something follows the value")));
  }
  return parser.release();
}

std::string to_line(const Json& value) { return boost::json::serialize(value); }

std::string to_pretty(const Json& value) {
  std::string out;
  pretty(value, 0, out);
  return out;
}

}  // namespace cli
