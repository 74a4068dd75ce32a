// [rails.sandbox], [rails.sandbox2] and [rails.stablecoin].

#include <algorithm>
#include <array>
#include <charconv>

#include "ops/config_reader.h"

namespace ops {
namespace {

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

// The names of settlers/sandbox/sandbox.h; a daemon test compares them.
constexpr std::array<std::string_view, 12> kScripts = {"success",   "insufficient_funds", "no_mandate",   "rejected",
                                                       "technical", "lost_accepted",      "lost_absent",  "unreachable",
                                                       "returned",  "refused_at_prepare", "needs_action", "stray"};

void read_script(Section& section, std::string_view key, std::string& script) {
  section.required_text(key, script);
  if (script.empty() || std::find(kScripts.begin(), kScripts.end(), script) != kScripts.end()) return;
  std::string allowed;
  for (const std::string_view name : kScripts) allowed += (allowed.empty() ? "" : ", ") + std::string(name);
  section.mistake(key, "\"" + script + "\" is no script of the sandbox; allowed: " + allowed);
}

void read_block_rule(Section& section, std::string_view key, BlockRuleConfig& rule) {
  std::string text;
  section.text(key, text);
  if (text.empty()) return;
  std::uint64_t depth = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), depth);
  if (text == "safe") {
    rule = {BlockRuleConfig::Kind::safe, 0};
  } else if (text == "finalized") {
    rule = {BlockRuleConfig::Kind::finalized, 0};
  } else if (failure == std::errc{} && end == text.data() + text.size() && depth >= 1 && depth <= 100'000) {
    rule = {BlockRuleConfig::Kind::depth, depth};
  } else {
    section.mistake(key, "\"" + text +
                             "\" is no rule for blocks; allowed: \"safe\", \"finalized\", or how deep a block must be, "
                             "\"1\" (the newest) to \"100000\"");
  }
}

TokenConfig read_token(Section& section, const Config& config) {
  TokenConfig token;
  std::string symbol;
  section.required_text("asset", symbol);
  const auto asset =
      std::find_if(config.assets.begin(), config.assets.end(),
                   [&symbol](const ledger::core::Asset& candidate) { return candidate.symbol == symbol; });
  if (asset != config.assets.end()) {
    token.asset = asset->id;
    token.decimals = asset->rail_scale;
  } else if (!symbol.empty()) {
    section.mistake("asset", "\"" + symbol + "\" is no asset of this file; allowed: the symbol of an [[asset]]");
  }
  section.address("address", token.address);
  if (section.node("address") == nullptr) section.mistake("address", "missing; allowed: the token's contract, 0x...");
  section.required_text("eip712_name", token.eip712_name);
  section.text("eip712_version", token.eip712_version);
  const std::uint32_t moved = token.decimals;
  section.integer("decimals", 0, 36, token.decimals);
  if (token.decimals < moved)
    section.mistake("decimals", "fewer than the asset's rail_scale, " + std::to_string(moved) +
                                    ": statements would have digits that the token cannot move");
  section.finish();
  return token;
}

void check_enabled(Section& section, const StablecoinConfig& coin) {
  if (coin.rpc_url.empty())
    section.mistake("rpc_url", "missing; allowed: http[s]://host[:port][/path] of a chain node");
  if (coin.chain_id == 0) section.mistake("chain_id", "missing; allowed: the chain's number, such as 8453");
  if (coin.signer_key_file.empty())
    section.mistake("signer_key_file", "missing; allowed: a key file or \"credential:NAME\"");
  if (coin.tokens.empty()) section.mistake("token", "no token is listed; add a [[rails.stablecoin.token]]");
}

}  // namespace

void read_sandbox(Section section, SandboxConfig& sandbox) {
  section.flag("enabled", sandbox.enabled);
  section.duration_ms("reply_delay", 0, kHour, sandbox.reply_delay_ms);
  section.duration_ms("confirm_delay", 0, kDay, sandbox.confirm_delay_ms);
  section.duration_ms("final_delay", 0, 366 * kDay, sandbox.final_delay_ms);
  section.duration_ms("return_delay", 0, 366 * kDay, sandbox.return_delay_ms);
  section.integer("in_flight_max", 1, 100'000, sandbox.in_flight_max);
  section.flag("forgotten_is_final", sandbox.forgotten_is_final);
  section.flag("announce", sandbox.announce);
  Section payers = section.section("payers");
  for (const std::string& name : payers.names()) {
    SandboxConfig::PayerRule rule;
    read_script(payers, name, rule.script);
    if (const auto payer = base::address_from_hex(name)) {
      rule.payer = *payer;
      sandbox.payers.push_back(rule);
    } else {
      payers.mistake(name, "this is not an address; allowed: 0x and 40 hexadecimal digits, in quotes");
    }
  }
  for (Section& entry : section.sections("amount")) {
    SandboxConfig::AmountRule rule;
    rule.modulus = base::Amount(1);
    entry.amount("remainder", 0, rule.remainder);
    entry.amount("modulus", 0, rule.modulus);
    if (rule.modulus.is_zero()) entry.mistake("modulus", "zero; allowed: \"1\" or more, in the rail's smallest unit");
    read_script(entry, "script", rule.script);
    entry.finish();
    sandbox.amounts.push_back(rule);
  }
  section.finish();
}

void read_stablecoin(Section section, Config& config) {
  StablecoinConfig& coin = config.stablecoin;
  section.flag("enabled", coin.enabled);
  section.text("rpc_url", coin.rpc_url);
  if (!coin.rpc_url.empty() && coin.rpc_url.rfind("http://", 0) != 0 && coin.rpc_url.rfind("https://", 0) != 0)
    section.mistake(
        "rpc_url",
        "\"" + coin.rpc_url + "\" is not supported; allowed: http://host[:port][/path] or https://host[:port][/path]");
  section.integer("chain_id", 1, 1ULL << 53, coin.chain_id);
  section.secret_file("signer_key_file", coin.signer_key_file);
  coin.state_directory = config.data_dir + "/stablecoin";
  section.path("state_directory", coin.state_directory);
  read_block_rule(section, "confirmed", coin.confirmed);
  read_block_rule(section, "finality", coin.finality);
  section.integer("max_fee_gwei", 1, 1'000'000, coin.max_fee_gwei);
  section.integer("max_priority_fee_gwei", 0, 1'000'000, coin.max_priority_fee_gwei);
  section.integer("gas_limit_max", 21'000, 30'000'000, coin.gas_limit_max);
  section.integer("gas_balance_min_gwei", 0, 1ULL << 53, coin.gas_balance_min_gwei);
  section.duration_ms("poll_interval", 10, kHour, coin.poll_interval_ms);
  section.duration_ms("rpc_timeout", 100, 10 * kMinute, coin.rpc_timeout_ms);
  section.duration_ms("stuck_after", kSecond, kDay, coin.stuck_after_ms);
  section.duration_ms("gap_after", kSecond, kDay, coin.gap_after_ms);
  section.integer("in_flight_max", 1, 16, coin.in_flight_max);
  section.addresses("contracts", coin.contracts);
  section.integer("relay_lookback_blocks", 0, 1ULL << 32, coin.relay_lookback_blocks);
  for (Section& token : section.sections("token")) coin.tokens.push_back(read_token(token, config));
  if (coin.enabled) check_enabled(section, coin);
  section.finish();
}

}  // namespace ops
