// ops/deploy/tabd.toml documents every key with its default. These tests keep it and the code in step.

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "ops/config.h"

namespace {

constexpr const char* kFile = "/etc/tabd/tabd.toml";

// How a line of the reference is to be read.
enum class Lines {
  as_shipped,     // examples stay comments
  with_examples,  // every example is switched on
  required_only   // table headers and required keys alone: everything else by its default
};

bool is_example(const std::string& line) {
  return line.size() > 1 && line[0] == '#' && (line[1] == '[' || line[1] == '"' || std::isalpha(line[1]) != 0);
}

std::string reference(Lines lines) {
  std::ifstream file(TABD_REFERENCE_CONFIG);
  EXPECT_TRUE(file) << TABD_REFERENCE_CONFIG;
  std::string result;
  for (std::string line; std::getline(file, line);) {
    // Channels need a chain, and the file shows it switched off.
    const bool channels = line.starts_with("#contract = ") || line.starts_with("#collector = ");
    if (lines != Lines::as_shipped && is_example(line) && !channels) line.erase(0, 1);
    const bool header = !line.empty() && line[0] == '[';
    const bool required = line.find("# required") != std::string::npos;
    if (lines == Lines::required_only && !header && !required) line.clear();
    result += line + "\n";
  }
  return result;
}

base::Result<ops::Config> parse(const std::string& text) {
  const auto calendar = aggregator::make_calendar();
  return ops::parse_config(text, kFile, *calendar);
}

// Every key that the code knows in each table, learnt from what it says about an unknown one.
std::set<std::string> known_keys() {
  std::set<std::string> keys;
  std::string text = reference(Lines::with_examples);
  // The sandbox's payers are keys that a user chooses.
  text = std::regex_replace(text, std::regex("\\[rails.sandbox.payers\\]\\n[^\\n]*"), "");
  text = "zzz = 1\n" + std::regex_replace(text, std::regex("(^|\\n)(\\[[^\\n]*\\]+)"), "$1$2\nzzz = 1");
  text = std::regex_replace(text, std::regex("zzz = 1\n\n\\[rails.sandbox.payers\\]"), "");
  const auto parsed = parse(text);
  EXPECT_FALSE(parsed.has_value());
  if (parsed) return keys;
  std::istringstream message(parsed.error().message);
  for (std::string line; std::getline(message, line);) {
    std::smatch match;
    static const std::regex pattern(": ([a-z0-9_.]*)zzz: unknown key; allowed here: (.*)");
    EXPECT_TRUE(std::regex_search(line, match, pattern)) << line;
    std::istringstream names(match[2].str());
    for (std::string name; std::getline(names, name, ',');)
      keys.insert(match[1].str() + name.substr(name.find_first_not_of(' ')));
  }
  return keys;
}

TEST(ReferenceConfig, ShippedFileLacksOnlyTheNetwork) {
  const auto parsed = parse(reference(Lines::as_shipped));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos) << parsed.error().message;
  EXPECT_NE(parsed.error().message.find("network: missing"), std::string::npos) << parsed.error().message;
}

TEST(ReferenceConfig, ExamplesAreValid) {
  const auto parsed = parse(reference(Lines::with_examples));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->plans.size(), 1u);
  EXPECT_EQ(parsed->assets.size(), 1u);
  EXPECT_EQ(parsed->stablecoin.tokens.size(), 1u);
  EXPECT_EQ(parsed->x402.api_keys.size(), 1u);
}

TEST(ReferenceConfig, EveryValueShownIsTheDefault) {
  // Examples of optional files are no defaults.
  const std::regex optional_files("\\n(tls_[a-z_]*|server_key_file|authorizer_key_file|webhook_secret_file) = [^\\n]*");
  const auto shown = parse(std::regex_replace(reference(Lines::with_examples), optional_files, "\n"));
  const auto defaults = parse(reference(Lines::required_only));
  ASSERT_TRUE(shown.has_value()) << shown.error().message;
  ASSERT_TRUE(defaults.has_value()) << defaults.error().message;
  EXPECT_EQ(shown->rpc, defaults->rpc);
  EXPECT_EQ(shown->http, defaults->http);
  EXPECT_EQ(shown->x402, defaults->x402);
  EXPECT_EQ(shown->ledger, defaults->ledger);
  EXPECT_EQ(shown->verify, defaults->verify);
  EXPECT_EQ(shown->log, defaults->log);
  EXPECT_EQ(shown->settlement, defaults->settlement);
  EXPECT_EQ(shown->sandbox, defaults->sandbox);
  EXPECT_EQ(shown->stablecoin, defaults->stablecoin);
  EXPECT_EQ(shown->card, defaults->card);
  EXPECT_EQ(shown->bank, defaults->bank);
  EXPECT_EQ(shown->assets, defaults->assets);
  EXPECT_EQ(shown->plans, defaults->plans);
  EXPECT_TRUE(*shown == *defaults);
}

TEST(ReferenceConfig, EveryKnownKeyIsDocumented) {
  std::set<std::string> documented;
  std::istringstream text(reference(Lines::with_examples));
  std::string table;
  for (std::string line; std::getline(text, line);) {
    std::smatch match;
    static const std::regex header("^\\[+([a-z0-9_.]+)\\]+");
    static const std::regex key("^#?([a-z0-9_]+) *=");
    if (std::regex_search(line, match, header)) table = match[1].str() + ".";
    if (std::regex_search(line, match, key)) documented.insert(table + match[1].str());
  }
  const std::set<std::string> tables = {"asset",
                                        "http",
                                        "ledger",
                                        "log",
                                        "payouts",
                                        "payouts.release",
                                        "plan",
                                        "rails",
                                        "rails.card",
                                        "rails.card.asset",
                                        "rails.sandbox",
                                        "rails.sandbox2",
                                        "rails.sandbox.amount",
                                        "rails.sandbox.payers",
                                        "rails.bank",
                                        "rails.external",
                                        "rails.bank.ach",
                                        "rails.bank.asset",
                                        "rails.bank.sepa",
                                        "rails.stablecoin",
                                        "rails.stablecoin.token",
                                        "rpc",
                                        "settlement",
                                        "verify",
                                        "x402",
                                        "x402.api_key",
                                        "x402.channels"};
  const std::set<std::string> known = known_keys();
  EXPECT_GT(known.size(), 60u);
  for (const std::string& key : known)
    EXPECT_TRUE(documented.contains(key) || tables.contains(key)) << key << " is not in the reference configuration";
}

}  // namespace
