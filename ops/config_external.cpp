// [[rails.external]].

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "ops/config_reader.h"

namespace ops {
namespace {

constexpr std::array<std::string_view, 6> kBuiltIn = {"stablecoin", "card", "bank", "sandbox", "sandbox2", "external"};

// Lower case, as it becomes a label of metrics and a word of commands.
bool is_name(const std::string& name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || name.size() > 16 || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

void read_name(Section& section, const Config& config, std::string& name) {
  section.required_text("name", name);
  if (name.empty()) return;
  const bool known = std::any_of(config.external.begin(), config.external.end(),
                                 [&](const ExternalRailConfig& other) { return other.name == name; });
  if (!is_name(name)) {
    section.mistake("name",
                    "\"" + name + "\" cannot be a rail's name; allowed: 1 to 16 of a-z, 0-9, - and _, first a letter");
  } else if (std::find(kBuiltIn.begin(), kBuiltIn.end(), name) != kBuiltIn.end()) {
    section.mistake("name", "\"" + name + "\" is a rail of tabd's own; allowed: any other name");
  } else if (known) {
    section.mistake("name", "\"" + name + "\" is used twice; allowed: one entry for each rail");
  }
}

// One key says which rail it serves.
void read_keys(Section& section, const Config& config, std::vector<base::Address>& keys) {
  section.addresses("keys", keys);
  if (keys.empty() && section.node("keys") == nullptr)
    section.mistake("keys", "missing; allowed: addresses of the keys whose settler may serve it (tabctl keygen)");
  for (const base::Address& key : keys) {
    const auto has = [&](const ExternalRailConfig& other) {
      return std::find(other.keys.begin(), other.keys.end(), key) != other.keys.end();
    };
    const auto other = std::find_if(config.external.begin(), config.external.end(), has);
    if (other != config.external.end())
      section.mistake("keys",
                      base::to_hex(key) + " serves \"" + other->name + "\"; allowed: a key of its own for each rail");
  }
}

}  // namespace

void read_external(std::vector<Section> sections, Config& config) {
  for (Section& section : sections) {
    ExternalRailConfig rail;
    read_name(section, config, rail.name);
    read_keys(section, config, rail.keys);
    section.flag("collects", rail.collects);
    section.flag("pays", rail.pays);
    section.flag("refunds", rail.refunds);
    if (!rail.collects && !rail.pays)
      section.mistake("collects", "it neither collects nor pays; allowed: collects = true, pays = true, or both");
    section.integer("in_flight_max", 1, 10'000, rail.in_flight_max);
    section.duration_ms("call_timeout", 100, 10 * 60'000, rail.call_timeout_ms);
    section.duration_ms("heartbeat", 100, 60'000, rail.heartbeat_ms);
    section.integer("notices_per_s", 1, 10'000, rail.notices_per_s);
    section.integer("notices_open_max", 1, 500'000, rail.notices_open_max);
    section.finish();
    if (config.external.size() == base::limits::kExternalRailsMax)
      section.mistake("name", "too many; allowed: at most " + std::to_string(base::limits::kExternalRailsMax));
    config.external.push_back(std::move(rail));
  }
}

}  // namespace ops
