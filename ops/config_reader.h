#pragma once

// Reads one table of a TOML file: each call takes one key, checks it and remembers that it is known. Mistakes are
// collected, so that a user sees all of them at once. Private to ops/config*.cpp.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "base/bytes.h"
#include "ops/config.h"

namespace ops {

struct Mistake {
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1, in characters
  std::string key;           // dotted: "rails.stablecoin.chain_id"
  std::string message;       // what is wrong, and what is allowed
};

// All mistakes of one file, and what its paths are relative to.
struct ConfigContext {
  std::string file;
  std::vector<Mistake> mistakes;
  void add(const toml::node* at, const std::string& key, std::string message);
};

class Section {
 public:
  // `table` may be null (the section is absent: every key has its default). `path` is its dotted name, empty for the
  // file's top.
  Section(ConfigContext& context, const toml::table* table, std::string path);

  bool present() const noexcept { return table_ != nullptr; }
  const toml::node* node(std::string_view key);

  // Each leaves `value` alone when the key is absent or wrong.
  void text(std::string_view key, std::string& value);
  void required_text(std::string_view key, std::string& value);
  void path(std::string_view key, std::string& value);         // a file or directory
  void secret_file(std::string_view key, std::string& value);  // a path, or "credential:NAME"
  void flag(std::string_view key, bool& value);
  void integer(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t& value);
  void integer(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint32_t& value);
  void duration_ms(std::string_view key, std::uint64_t minimum_ms, std::uint64_t maximum_ms, std::uint64_t& value);
  void size_bytes(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t& value);
  void file_mode(std::string_view key, std::uint32_t& value);
  void address(std::string_view key, base::Address& value);
  void addresses(std::string_view key, std::vector<base::Address>& value);
  void hash(std::string_view key, base::Hash& value);
  void endpoint(std::string_view key, std::vector<Endpoint>& value);  // "" gives none
  void texts(std::string_view key, std::vector<std::string>& value);
  void durations_s(std::string_view key, std::vector<std::uint64_t>& value);
  // An amount in whole units of an asset: a string, because money is not a floating-point number.
  void amount(std::string_view key, unsigned scale, base::Amount& value);
  template <typename Enum>
  void choice(std::string_view key, std::initializer_list<std::pair<std::string_view, Enum>> options, Enum& value) {
    std::string name;
    text(key, name);
    if (name.empty()) return;
    std::string allowed;
    for (const auto& [option, meaning] : options) {
      if (option == name) {
        value = meaning;
        return;
      }
      allowed += (allowed.empty() ? "\"" : ", \"") + std::string(option) + "\"";
    }
    mistake(key, "\"" + name + "\" is not known; allowed: " + allowed);
  }

  // The names in this table, for tables whose keys a user chooses.
  std::vector<std::string> names() const;
  Section section(std::string_view key);
  // The tables of [[key]].
  std::vector<Section> sections(std::string_view key);

  // At the key if it is there, else at the section.
  void mistake(std::string_view key, std::string message);
  // Names every key that was never asked for. Call it last.
  void finish();

 private:
  const std::string* string_at(std::string_view key);
  std::string dotted(std::string_view key) const;

  ConfigContext& context_;
  const toml::table* table_;
  std::string path_;
  std::vector<std::string> known_;
};

void read_sandbox(Section section, SandboxConfig& sandbox);
// Needs config.assets and config.data_dir.
void read_stablecoin(Section section, Config& config);
// Needs config.assets and config.plans.
void read_card(Section section, Config& config);
// Needs config.stablecoin and config.card.
// Needs config.assets and config.data_dir.
void read_bank(Section section, Config& config);
// The entries of [[rails.external]].
void read_external(std::vector<Section> sections, Config& config);
// Needs config.stablecoin.
void read_x402(Section section, Config& config);

// "1500ms", "1s", "15m", "2h", "1d": a whole number and a unit. Empty on anything else or overflow.
std::optional<std::uint64_t> parse_duration_ms(std::string_view text);
// "64KiB", "256MiB", "1GiB".
std::optional<std::uint64_t> parse_size_bytes(std::string_view text);
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string duration_text(std::uint64_t ms);

}  // namespace ops
