#include "cli/settings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cli/suggest.h"

namespace cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool exists(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0;
}

std::string default_config_file() {
  const std::string folder = environment("XDG_CONFIG_HOME");
  if (!folder.empty()) return folder + "/tabctl.toml";
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.config/tabctl.toml";
}

void keep_or(std::string& value, std::string other) {
  if (value.empty()) value = std::move(other);
}

// Each key of the file, as it is written, and where it goes.
struct Key {
  const char* name;
  std::string* text;                // of one text
  std::vector<std::string>* texts;  // of one or more
};

std::vector<Key> keys_of(Settings& settings) {
  InvoiceSettings& invoice = settings.invoice;
  return {{"socket", &settings.socket, nullptr},
          {"connect", &settings.connect, nullptr},
          {"ca", &settings.ca_file, nullptr},
          {"certificate", &settings.certificate_file, nullptr},
          {"tls_key", &settings.tls_key_file, nullptr},
          {"key", &settings.key_file, nullptr},
          {"role", &settings.role, nullptr},
          {"invoice.name", &invoice.name, nullptr},
          {"invoice.address", nullptr, &invoice.address},
          {"invoice.tax_id", &invoice.tax_id, nullptr},
          {"invoice.verify_url", &invoice.verify_url, nullptr},
          {"invoice.template", &invoice.page_template, nullptr},
          {"invoice.credit_note_template", &invoice.note_template, nullptr}};
}

Outcome read_config(const std::string& path, Settings& settings) {
  const std::vector<Key> keys = keys_of(settings);
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_file(path);
  } catch (const CLI::Error& problem) {
    return usage_failure(fmt::format("{}: {}", path, problem.what()));
  }
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // the beginning and the end of a section
    std::vector<std::string> names;
    for (const Key& key : keys) names.emplace_back(key.name);
    const auto found = std::find(names.begin(), names.end(), item.fullname());
    if (found == names.end()) {
      const std::string meant = closest(item.fullname(), names);
      return usage_failure(fmt::format("{}: there is no setting \"{}\".", path, item.fullname()),
                           meant.empty() ? fmt::format("Settings are {}.", fmt::join(names, ", "))
                                         : fmt::format("Did you mean \"{}\"?", meant));
    }
    const Key& key = keys[static_cast<std::size_t>(found - names.begin())];
    if (key.text == nullptr) {
      if (key.texts->empty()) *key.texts = item.inputs;
      continue;
    }
    if (item.inputs.size() != 1) return usage_failure(fmt::format("{}: {} takes one text.", path, item.fullname()));
    keep_or(*key.text, item.inputs.front());
  }
  return {};
}

}  // namespace

Result<Role> Settings::parsed_role() const {
  if (role.empty()) return Role::any;
  if (role == "server") return Role::server;
  if (role == "payer") return Role::payer;
  if (role == "operator") return Role::operator_;
  if (role == "auditor") return Role::auditor;
  return usage_failure(fmt::format("There is no role \"{}\".", role), "Roles are server, payer, operator and auditor.");
}

Outcome complete(Settings& settings) {
  // A socket on the command line is not overruled by a --connect from somewhere else, and the other way round.
  if (settings.socket.empty() && settings.connect.empty()) {
    settings.connect = environment("TABCTL_CONNECT");
    if (settings.connect.empty()) settings.socket = environment("TABCTL_SOCKET");
  }
  keep_or(settings.key_file, environment("TABCTL_KEY_FILE"));
  if (!environment("NO_COLOR").empty()) settings.no_color = true;

  const bool endpoint_known = !settings.socket.empty() || !settings.connect.empty();
  const Settings before = settings;
  const std::string path = settings.config_file.empty() ? default_config_file() : settings.config_file;
  if (!settings.config_file.empty() && !exists(path)) {
    return tl::unexpected<Failure>(
        Failure{ExitCode::unreachable, fmt::format("There is no configuration file {}.", path), "", base::Status::ok});
  }
  if (!path.empty() && exists(path)) {
    CLI_CHECK(read_config(path, settings));
  }
  if (endpoint_known) {
    settings.socket = before.socket;
    settings.connect = before.connect;
  }
  if (settings.connect.empty()) keep_or(settings.socket, kDefaultSocket);
  return {};
}

}  // namespace cli
