#include "cli/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/suggest.h"

namespace cli {

Result<std::optional<std::string>> Members::text(std::string_view name) {
  seen_.emplace_back(name);
  const Json* value = object_.if_contains(name);
  if (value == nullptr || value->is_null()) return std::optional<std::string>();
  if (value->is_string()) return std::optional<std::string>(std::string(value->get_string()));
  if (value->is_int64() || value->is_uint64()) return std::optional<std::string>(to_line(*value));
  return usage_failure(fmt::format("{}: {} must be text (in quotes) or a whole number, not {}.", where_, name,
                                   to_line(*value).substr(0, 40)),
                       "Amounts with decimals are written in quotes: \"0.05\".");
}

Result<std::string> Members::required(std::string_view name, std::string_view why) {
  CLI_TRY(std::optional<std::string> value, text(name));
  if (!value) return usage_failure(fmt::format("{}: {} is missing: {}.", where_, name, why));
  return std::move(*value);
}

const JsonArray* Members::array(std::string_view name) {
  seen_.emplace_back(name);
  const Json* value = object_.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

Outcome Members::finish() const {
  for (const auto& member : object_) {
    const std::string name(member.key());
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) continue;
    const std::string meant = closest(name, seen_);
    return usage_failure(fmt::format("{}: there is no field \"{}\" here.", where_, name),
                         meant.empty() ? "" : fmt::format("Did you mean \"{}\"?", meant));
  }
  return {};
}

std::string Members::at(std::string_view name) const { return fmt::format("{}: {}", where_, name); }

}  // namespace cli
