#pragma once

// Reading the members of a JSON object that a person wrote: every mistake is named with its place.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"

namespace cli {

// The members of one JSON object; what was not asked for by the end is a mistake.
class Members {
 public:
  // `object` must outlive this. `where` ("line 3") begins every message.
  Members(const JsonObject& object, std::string_view where) : object_(object), where_(where) {}

  bool has(std::string_view name) const { return object_.contains(name); }
  // Text, or a whole number, which is taken as its digits. An empty optional if the member is missing or null.
  Result<std::optional<std::string>> text(std::string_view name);
  // As text(); `why` explains a missing member.
  Result<std::string> required(std::string_view name, std::string_view why);
  // Null if the member is missing or no array.
  const JsonArray* array(std::string_view name);
  // Call last: fails on a member that nobody asked for.
  Outcome finish() const;

  std::string at(std::string_view name) const;
  const std::string& where() const noexcept { return where_; }

 private:
  const JsonObject& object_;
  std::string where_;
  std::vector<std::string> seen_;
};

// Puts the place in front of the message that a parser of cli/text.h made.
template <typename T>
Result<T> located(std::string_view where, Result<T> result) {
  if (!result) result.error().message = std::string(where) + ": " + result.error().message;
  return result;
}

}  // namespace cli
