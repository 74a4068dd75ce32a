#include "ops/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/limits.h"
#include "ops/config_reader.h"

namespace ops {
namespace {

namespace limits = base::limits;
using base::error;
using base::ErrorCode;
using ledger::core::Asset;
using ledger::core::Plan;

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

// An x402 network of ours is "<operator>:tab" (docs/bindings/tab.md).
bool network_ok(std::string_view network) {
  const std::size_t colon = network.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 32 || network.substr(colon) != ":tab") return false;
  return network.substr(0, colon).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

void read_top(Section& top, Config& config) {
  top.required_text("network", config.network);
  if (!config.network.empty() && !network_ok(config.network))
    top.mistake("network",
                "\"" + config.network +
                    "\" is not a network; allowed: 1 to 32 of a-z, 0-9 and -, then \":tab\", such as \"acme:tab\"");
  config.data_dir = "/var/lib/tabd";
  top.path("data_dir", config.data_dir);
  config.operator_key_file = "credential:operator.key";
  top.secret_file("operator_key_file", config.operator_key_file);
  top.addresses("operators", config.operators);
  top.addresses("auditors", config.auditors);
}

void read_rpc(Section section, RpcConfig& rpc) {
  rpc.unix_socket = "/run/tabd/tabd.sock";
  section.path("unix_socket", rpc.unix_socket);
  section.file_mode("unix_socket_mode", rpc.unix_socket_mode);
  section.endpoint("listen", rpc.listen);
  section.path("tls_certificate_file", rpc.tls_certificate_file);
  section.secret_file("tls_key_file", rpc.tls_key_file);
  section.path("tls_client_ca_file", rpc.tls_client_ca_file);
  if (!rpc.listen.empty() && rpc.tls_certificate_file.empty())
    section.mistake("listen", "TCP needs TLS; set tls_certificate_file and tls_key_file too, or use unix_socket alone");
  if (rpc.tls_certificate_file.empty() != rpc.tls_key_file.empty())
    section.mistake(rpc.tls_key_file.empty() ? "tls_certificate_file" : "tls_key_file",
                    "a certificate and its key belong together; set both tls_certificate_file and tls_key_file");
  if (rpc.unix_socket.empty() && rpc.listen.empty())
    section.mistake("unix_socket", "nothing to listen on; set unix_socket or listen");
  // sockaddr_un holds 108 bytes with the final zero.
  if (rpc.unix_socket.size() > 107)
    section.mistake("unix_socket", "the path has " + std::to_string(rpc.unix_socket.size()) +
                                       " bytes; allowed: at most 107 for a Unix socket");
  section.finish();
}

void read_http(Section section, HttpConfig& http) {
  http.listen = {Endpoint{"127.0.0.1", 9402}};
  section.endpoint("listen", http.listen);
  section.integer("connections_max", 1, 10'000, http.connections_max);
  section.duration_ms("request_timeout", 100, 10 * kMinute, http.request_timeout_ms);
  section.flag("page", http.page);
  section.texts("page_hosts", http.page_hosts);
  for (const std::string& name : http.page_hosts)
    if (name.empty() || name.find_first_of(":/ ") != std::string::npos)
      section.mistake("page_hosts", "\"" + name +
                                        "\" is not a host name; allowed: names without scheme and port, "
                                        "such as \"tabd.example.net\"");
  if (http.page && http.listen.empty())
    section.mistake("page", "there is no http.listen that could serve it; set http.listen, or page = false");
  section.finish();
}

void read_ledger(Section section, LedgerConfig& ledger, const std::string& data_dir) {
  section.size_bytes("memory", 16ULL << 20, 1ULL << 40, ledger.memory_bytes);
  section.integer("recent_replay_keys", 1024, 1u << 28, ledger.recent_replay_keys);
  ledger.checkpoint_root = data_dir + "/checkpoints";
  section.path("checkpoint_root", ledger.checkpoint_root);
  section.finish();
}

void read_verify(Section section, VerifyConfig& verify) {
  section.flag("batch", verify.batch);
  section.integer("threads", 0, 1024, verify.threads);
  section.integer("key_cache_entries", 64, 1u << 28, verify.key_cache_entries);
  section.finish();
}

void read_log(Section section, LogConfig& log) {
  section.choice<LogLevel>("level",
                           {{"debug", LogLevel::debug},
                            {"info", LogLevel::info},
                            {"warning", LogLevel::warning},
                            {"error", LogLevel::error}},
                           log.level);
  section.choice<LogFormat>("format", {{"text", LogFormat::text}, {"json", LogFormat::json}}, log.format);
  section.finish();
}

void read_settlement(Section section, SettlementConfig& settlement) {
  section.flag("dry_run", settlement.dry_run);
  section.texts("disabled_rails", settlement.disabled_rails);
  section.duration_ms("poll_interval", 10, kHour, settlement.poll_interval_ms);
  section.integer("breaker_failures", 1, 1000, settlement.breaker_failures);
  section.duration_ms("breaker_pause", 10, kDay, settlement.breaker_pause_ms);
  section.duration_ms("breaker_pause_max", 10, kDay, settlement.breaker_pause_max_ms);
  section.duration_ms("reconcile_every", 0, 31 * kDay, settlement.reconcile_every_ms);
  section.duration_ms("reconcile_lookback", kHour, 400 * kDay, settlement.reconcile_lookback_ms);
  section.duration_ms("reconcile_stuck_after", kSecond, 400 * kDay, settlement.reconcile_stuck_after_ms);
  if (settlement.breaker_pause_max_ms < settlement.breaker_pause_ms)
    section.mistake("breaker_pause_max", "shorter than breaker_pause; allowed: " +
                                             duration_text(settlement.breaker_pause_ms) + " or longer");
  section.finish();
}

Asset read_asset(Section& section, const std::vector<Asset>& earlier) {
  Asset asset;
  std::uint64_t id = 0, scale = asset.scale;
  section.integer("id", 1, 65'535, id);
  if (id == 0 && section.node("id") == nullptr)
    section.mistake("id", "missing; allowed: 1 to 65535, never changed later");
  asset.id = base::AssetId(static_cast<std::uint16_t>(id));
  section.required_text("text", asset.text);
  section.required_text("symbol", asset.symbol);
  section.integer("scale", 0, 18, scale);
  std::uint64_t rail_scale = scale;
  section.integer("rail_scale", 0, 18, rail_scale);
  if (rail_scale > scale) section.mistake("rail_scale", "finer than scale; allowed: 0 to " + std::to_string(scale));
  asset.scale = static_cast<std::uint8_t>(scale);
  asset.rail_scale = static_cast<std::uint8_t>(std::min(rail_scale, scale));
  for (const Asset& other : earlier) {
    if (other.id == asset.id && asset.id.valid())
      section.mistake("id", std::to_string(id) + " is the id of \"" + other.symbol + "\" already");
    if (other.symbol == asset.symbol) section.mistake("symbol", "\"" + asset.symbol + "\" is used twice");
    if (other.text == asset.text) section.mistake("text", "\"" + asset.text + "\" is used twice");
  }
  if (asset.symbol.size() > 16) section.mistake("symbol", "too long; allowed: at most 16 bytes");
  if (asset.text.size() > limits::kLabelBytesMax)
    section.mistake("text", "too long; allowed: at most " + std::to_string(limits::kLabelBytesMax) + " bytes");
  section.finish();
  return asset;
}

// "day", "week", "month", or a duration of whole seconds; `text`: if the key is absent.
void read_window(Section& section, const aggregator::Calendar& calendar, std::string_view key, std::string text,
                 aggregator::WindowSpec& window) {
  section.text(key, text);
  section.text("time_zone", window.time_zone);
  if (text == "day") {
    window.kind = aggregator::WindowKind::day;
  } else if (text == "week") {
    window.kind = aggregator::WindowKind::week;
  } else if (text == "month") {
    window.kind = aggregator::WindowKind::month;
  } else {
    const std::optional<std::uint64_t> ms = parse_duration_ms(text);
    if (!ms || *ms % kSecond != 0 || *ms < limits::kWindowSecondsMin * kSecond) {
      section.mistake(key, "\"" + text +
                               "\" is not a billing window; allowed: \"day\", \"week\", \"month\", or whole seconds "
                               "or longer, such as \"20s\", \"1h\"");
      return;
    }
    window.kind = aggregator::WindowKind::duration;
    window.duration_s = *ms / kSecond;
  }
  if (const base::Result<void> checked = calendar.check(window); !checked)
    section.mistake("time_zone", checked.error().message);
}

void read_series(Section& section, std::string_view key, ledger::core::SeriesName& series) {
  std::string text(series.view());
  section.text(key, text);
  const std::optional<ledger::core::SeriesName> name = ledger::core::SeriesName::parse(text);
  const bool fits =
      name && !text.empty() &&
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (fits) {
    series = *name;
  } else {
    section.mistake(key, "\"" + text + "\" is not a series; allowed: 1 to 16 letters, digits and '-', such as \"INV\"");
  }
}

// When payees without own terms get their shares, and how often they are paid.
void read_payouts(Section section, const aggregator::Calendar& calendar, ledger::core::ReleaseDefaults& payouts) {
  std::string every = "asap";
  section.text("every", every);
  if (every == "asap") {
    section.text("time_zone", payouts.payout_every.time_zone);
    payouts.payout_every = {aggregator::WindowKind::duration, 0, "UTC"};
  } else {
    read_window(section, calendar, "every", every, payouts.payout_every);
  }
  for (Section& one : section.sections("release")) {
    ledger::core::ReleaseRule rule;
    std::string name;
    one.required_text("rail", name);
    const std::optional<base::RailName> rail = base::RailName::parse(name);
    if (!rail) one.mistake("rail", "\"" + name + "\" is not a rail");
    if (rail) rule.rail = *rail;
    for (const ledger::core::ReleaseRule& other : payouts.release) {
      if (other.rail == rule.rail) one.mistake("rail", "\"" + name + "\" has a rule already");
    }
    std::uint64_t hold_ms = 0;
    one.duration_ms("hold", 0, 366 * kDay, hold_ms);
    rule.hold_s = hold_ms / kSecond;
    one.integer("reserve_bp", 0, 10'000, rule.reserve_bp);
    one.finish();
    payouts.release.push_back(rule);
  }
  if (payouts.release.size() > limits::kReleaseRulesMax)
    section.mistake("release", "too many; allowed: at most " + std::to_string(limits::kReleaseRulesMax));
  section.finish();
}

void read_rails(Section& section, Plan& plan) {
  std::vector<std::string> names;
  section.texts("rails", names);
  for (const std::string& name : names) {
    const std::optional<base::RailName> rail = base::RailName::parse(name);
    if (!rail || name.empty()) {
      section.mistake(
          "rails",
          "\"" + name +
              "\" is not a rail; allowed: \"stablecoin\", \"card\", \"bank\", \"sandbox\", or a rails.external.name");
    } else {
      plan.rails.push_back(*rail);
    }
  }
  if (plan.rails.empty() && section.node("rails") == nullptr)
    section.mistake("rails", "missing; allowed: a list in order of preference, such as [\"stablecoin\"]");
  if (plan.rails.size() > limits::kRailsPerPlanMax)
    section.mistake("rails", "too many; allowed: at most " + std::to_string(limits::kRailsPerPlanMax));
}

Plan read_plan(Section& section, const Config& config, const aggregator::Calendar& calendar) {
  Plan plan;
  section.required_text("label", plan.label);
  for (const Plan& other : config.plans)
    if (other.label == plan.label) section.mistake("label", "\"" + plan.label + "\" is used twice");
  std::string symbol;
  section.required_text("asset", symbol);
  const auto asset = std::find_if(config.assets.begin(), config.assets.end(),
                                  [&symbol](const Asset& candidate) { return candidate.symbol == symbol; });
  unsigned scale = 18;
  if (asset != config.assets.end()) {
    plan.asset = asset->id;
    scale = asset->scale;
  } else if (!symbol.empty()) {
    section.mistake("asset", "\"" + symbol + "\" is no asset of this file; allowed: the symbol of an [[asset]]");
  }
  read_window(section, calendar, "window", "day", plan.window);
  read_series(section, "series", plan.series);
  read_series(section, "credit_note_series", plan.credit_note_series);
  section.amount("settle_threshold", scale, plan.settle_threshold);
  section.amount("minimum", scale, plan.minimum);
  if (section.node("credit_limit") == nullptr)
    section.mistake("credit_limit", "missing; allowed: a decimal in quotes, such as \"50\": the most a payer may owe");
  section.amount("credit_limit", scale, plan.credit_limit);
  std::uint64_t terms_ms = 0;
  section.duration_ms("terms", 0, 366 * kDay, terms_ms);
  plan.terms_s = terms_ms / kSecond;
  read_rails(section, plan);
  plan.dunning_s = {86'400, 3 * 86'400, 7 * 86'400};
  section.durations_s("dunning", plan.dunning_s);
  if (plan.dunning_s.size() > limits::kDunningStepsMax)
    section.mistake("dunning", "too many; allowed: at most " + std::to_string(limits::kDunningStepsMax));
  section.finish();
  return plan;
}

std::string describe(const std::string& file, const std::vector<Mistake>& mistakes) {
  std::string result;
  for (const Mistake& mistake : mistakes) {
    if (!result.empty()) result += '\n';
    result += file + ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column) + ": ";
    if (!mistake.key.empty()) result += mistake.key + ": ";
    result += mistake.message;
  }
  return result;
}

Config read_all(ConfigContext& context, const toml::table& table, const aggregator::Calendar& calendar) {
  Config config;
  Section top(context, &table, "");
  read_top(top, config);
  read_rpc(top.section("rpc"), config.rpc);
  read_http(top.section("http"), config.http);
  read_ledger(top.section("ledger"), config.ledger, config.data_dir);
  read_verify(top.section("verify"), config.verify);
  read_log(top.section("log"), config.log);
  for (Section& section : top.sections("asset")) config.assets.push_back(read_asset(section, config.assets));
  for (Section& section : top.sections("plan")) config.plans.push_back(read_plan(section, config, calendar));
  read_payouts(top.section("payouts"), calendar, config.payouts);
  read_settlement(top.section("settlement"), config.settlement);
  Section rails = top.section("rails");
  read_sandbox(rails.section("sandbox"), config.sandbox);
  read_sandbox(rails.section("sandbox2"), config.sandbox2);
  read_stablecoin(rails.section("stablecoin"), config);
  read_card(rails.section("card"), config);
  read_bank(rails.section("bank"), config);
  read_external(rails.sections("external"), config);
  rails.finish();
  read_x402(top.section("x402"), config);
  top.finish();
  return config;
}

}  // namespace

base::Result<Config> parse_config(std::string_view text, const std::string& file,
                                  const aggregator::Calendar& calendar) {
  ConfigContext context{file, {}};
  Config config;
  try {
    const toml::table table = toml::parse(text, file);
    config = read_all(context, table, calendar);
  } catch (const toml::parse_error& failure) {
    context.mistakes.push_back({failure.source().begin.line, failure.source().begin.column, "",
                                "this is not TOML: " + std::string(failure.description())});
  }
  if (context.mistakes.empty()) return config;
  std::stable_sort(context.mistakes.begin(), context.mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  return error(ErrorCode::invalid_argument, describe(file, context.mistakes));
}

base::Result<Config> load_config(const std::string& file, const aggregator::Calendar& calendar) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    return error(ErrorCode::invalid_argument, file + ": this is a directory; give the configuration file itself");
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    return error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                 file + ": cannot read the configuration: " + std::strerror(errno));
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_config(text.str(), file, calendar);
}

}  // namespace ops
