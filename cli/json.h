#pragma once

// JSON in and out of tabctl. Objects keep the order in which their members were added.

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "cli/exit_code.h"

namespace cli {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// One value and nothing else. `where` ("line 3") begins the message of a failure.
Result<Json> parse_json(std::string_view text, std::string_view where);

// One line.
std::string to_line(const Json& value);
// Indented by two spaces.
std::string to_pretty(const Json& value);

inline Json text_json(std::string_view text) { return Json(boost::json::string(text)); }

}  // namespace cli
