#include "daemon/options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "ops/page.h"
#include "ops/secret.h"
#include "ops/version.h"

namespace tabd_daemon {
namespace {

constexpr std::uint64_t kWeiPerGwei = 1'000'000'000;

settlers::sandbox::Script script_of(const std::string& name) {
  const auto script = settlers::sandbox::script_from_name(name);
  CHECK_MSG(script.has_value(), "ops/config_rails.cpp admits a script that the sandbox does not know");
  return *script;
}

settlers::stablecoin::BlockRule rule_of(const ops::BlockRuleConfig& config) {
  using settlers::stablecoin::BlockRule;
  switch (config.kind) {
    case ops::BlockRuleConfig::Kind::depth: return {BlockRule::Kind::depth, config.depth};
    case ops::BlockRuleConfig::Kind::safe: return {BlockRule::Kind::safe, 0};
    case ops::BlockRuleConfig::Kind::finalized: return {BlockRule::Kind::finalized, 0};
  }
  return {};
}

}  // namespace

ledger::store::StoreOptions store_options(const ops::Config& config) {
  ledger::store::StoreOptions options;
  options.path = config.data_dir + "/ledger";
  options.network = config.network;
  options.memory_bytes = config.ledger.memory_bytes;
  options.recent_replay_keys = config.ledger.recent_replay_keys;
  return options;
}

ledger::ingest::VerifyPoolOptions verify_options(const ops::Config& config) {
  ledger::ingest::VerifyPoolOptions options;
  options.together = config.verify.batch;
  options.threads = config.verify.threads;
  options.key_cache_entries = config.verify.key_cache_entries;
  return options;
}

settlers::DispatcherOptions dispatcher_options(const ops::Config& config) {
  settlers::DispatcherOptions options;
  options.dry_run = config.settlement.dry_run;
  options.disabled_rails = config.settlement.disabled_rails;
  options.poll_ms = config.settlement.poll_interval_ms;
  options.breaker.failures_to_open = config.settlement.breaker_failures;
  options.breaker.open_ms = config.settlement.breaker_pause_ms;
  options.breaker.open_ms_max = config.settlement.breaker_pause_max_ms;
  return options;
}

settlers::sandbox::SandboxOptions sandbox_options(const ops::SandboxConfig& config, std::string rail) {
  settlers::sandbox::SandboxOptions options;
  options.rail = std::move(rail);
  options.announce = config.announce;
  options.in_flight_max = config.in_flight_max;
  options.reply_ms = config.reply_delay_ms;
  options.confirm_ms = config.confirm_delay_ms;
  options.final_ms = config.final_delay_ms;
  options.return_ms = config.return_delay_ms;
  options.forgotten_is_final = config.forgotten_is_final;
  for (const ops::SandboxConfig::PayerRule& rule : config.payers) options.by_payer[rule.payer] = script_of(rule.script);
  for (const ops::SandboxConfig::AmountRule& rule : config.amounts)
    options.by_amount.push_back({rule.remainder, rule.modulus, script_of(rule.script)});
  return options;
}

namespace {

settlers::bank::FileTimes file_times(const ops::FileTimesConfig& config) {
  settlers::bank::FileTimes times;
  times.time_zone = config.time_zone;
  times.cut_off_s = static_cast<std::uint32_t>(config.cut_off_ms / 1000);
  times.window_s = config.write_before_ms / 1000;
  times.interval_s = config.write_every_ms / 1000;
  times.collection_lead_days = static_cast<int>(config.collection_lead_days);
  times.payout_lead_days = static_cast<int>(config.payout_lead_days);
  return times;
}

settlers::bank::SepaOptions sepa_options(const ops::SepaConfig& config) {
  settlers::bank::SepaOptions options;
  options.own.name = config.name;
  options.own.iban = config.iban;
  options.own.bic = config.bic;
  options.creditor_id = config.creditor_id;
  options.times = file_times(config.times);
  options.batch_booking = config.batch_booking;
  options.notifications_book = config.notifications_book;
  options.core_final_days = static_cast<settlers::bank::Day>(config.core_final_days);
  options.b2b_final_days = static_cast<settlers::bank::Day>(config.b2b_final_days);
  options.payout_final_days = static_cast<settlers::bank::Day>(config.payout_final_days);
  return options;
}

settlers::bank::AchOptions ach_options(const ops::AchConfig& config) {
  settlers::bank::AchOptions options;
  options.destination = config.bank_routing_number;
  options.destination_name = config.bank_name;
  options.origin = config.origin;
  options.company_name = config.company_name;
  options.company_id = config.company_id;
  options.odfi = config.odfi;
  options.description = config.description;
  options.web_description = config.web_description;
  options.times = file_times(config.times);
  options.settled_after_days = static_cast<int>(config.settled_after_days);
  options.consumer_final_days = static_cast<settlers::bank::Day>(config.consumer_final_days);
  options.company_final_days = static_cast<settlers::bank::Day>(config.company_final_days);
  options.payout_final_days = static_cast<settlers::bank::Day>(config.payout_final_days);
  return options;
}

// Why a rail cannot move an asset; empty: it can.
std::string rail_doubt(const ops::Config& config, std::string_view rail, base::AssetId asset) {
  const std::string off = "is not enabled";
  const auto moves = [asset](const auto& assets) {
    return std::any_of(assets.begin(), assets.end(), [asset](const auto& one) { return one.asset == asset; });
  };
  if (rail == "sandbox") return config.sandbox.enabled ? "" : off;
  if (rail == "sandbox2") return config.sandbox2.enabled ? "" : off;
  if (rail == "stablecoin")
    return !config.stablecoin.enabled ? off : moves(config.stablecoin.tokens) ? "" : "has no token of the plan's asset";
  if (rail == "card")
    return !config.card.enabled ? off : moves(config.card.assets) ? "" : "has no currency for the plan's asset";
  if (rail == "bank") {
    if (!config.bank.enabled) return off;
    for (const ops::BankAssetConfig& one : config.bank.assets) {
      if (one.asset != asset) continue;
      const bool euro = one.currency == "EUR";
      const bool network = euro ? config.bank.sepa.enabled && config.bank.sepa.collections : config.bank.ach.enabled;
      return network ? "" : "has no network that collects " + one.currency;
    }
    return "has no currency for the plan's asset";
  }
  const bool known = std::any_of(config.external.begin(), config.external.end(),
                                 [rail](const ops::ExternalRailConfig& one) { return one.name == rail; });
  return known ? "" : "is no rail of this configuration";
}

}  // namespace

settlers::bank::BankOptions bank_options(const ops::Config& config) {
  const ops::BankConfig& bank = config.bank;
  settlers::bank::BankOptions options;
  options.spool_directory = bank.spool;
  options.installation = config.network;
  if (bank.sepa.enabled) options.sepa = sepa_options(bank.sepa);
  if (bank.ach.enabled) options.ach = ach_options(bank.ach);
  for (const ops::BankAssetConfig& asset : bank.assets)
    options.currencies.push_back({asset.asset, asset.scale, asset.currency, asset.rate});
  options.approve_above_cents = static_cast<std::uint64_t>(bank.approve_above.units());
  options.poll_ms = bank.poll_interval_ms;
  options.in_flight_max = bank.in_flight_max;
  options.demonstration_day_ms = bank.demonstration_day_ms;
  return options;
}

settlers::stablecoin::StablecoinOptions stablecoin_options(const ops::Config& config) {
  const ops::StablecoinConfig& coin = config.stablecoin;
  settlers::stablecoin::StablecoinOptions options;
  options.rpc_url = coin.rpc_url;
  options.chain_id = coin.chain_id;
  for (const ops::TokenConfig& token : coin.tokens) {
    options.tokens.push_back({token.asset, token.address, token.eip712_name, token.eip712_version,
                              static_cast<std::uint8_t>(token.decimals)});
  }
  options.state_directory = coin.state_directory;
  options.confirmed = rule_of(coin.confirmed);
  options.finality = rule_of(coin.finality);
  options.max_fee_per_gas_wei = coin.max_fee_gwei * kWeiPerGwei;
  options.max_priority_fee_per_gas_wei = coin.max_priority_fee_gwei * kWeiPerGwei;
  options.gas_limit_max = coin.gas_limit_max;
  options.gas_balance_min_wei = coin.gas_balance_min_gwei * kWeiPerGwei;
  options.poll_ms = coin.poll_interval_ms;
  options.rpc_timeout_ms = coin.rpc_timeout_ms;
  options.stuck_after_ms = coin.stuck_after_ms;
  options.gap_after_ms = coin.gap_after_ms;
  options.in_flight_max = coin.in_flight_max;
  options.contracts = coin.contracts;
  const base::Address& channels = config.x402.channels.contract;
  if (!channels.is_zero() && std::find(coin.contracts.begin(), coin.contracts.end(), channels) == coin.contracts.end())
    options.contracts.push_back(channels);
  if (!channels.is_zero())
    options.relay_gas_limit_max = std::max(coin.gas_limit_max, config.x402.channels.claim_gas_max);
  options.relay_lookback_blocks = coin.relay_lookback_blocks;
  return options;
}

settlers::external::Options external_options(const ops::ExternalRailConfig& config) {
  settlers::external::Options options;
  options.rail = config.name;
  options.keys = config.keys;
  options.collects = config.collects;
  options.pays = config.pays;
  options.refunds = config.refunds;
  options.in_flight_max = config.in_flight_max;
  options.call_ms = config.call_timeout_ms;
  options.heartbeat_ms = config.heartbeat_ms;
  options.notices_per_s = config.notices_per_s;
  options.notices_open_max = config.notices_open_max;
  return options;
}

settlers::ReconcilerOptions reconciler_options(const ops::Config& config) {
  settlers::ReconcilerOptions options;
  options.every_s = config.settlement.reconcile_every_ms / 1000;
  options.lookback_s = config.settlement.reconcile_lookback_ms / 1000;
  options.stuck_after_s = config.settlement.reconcile_stuck_after_ms / 1000;
  return options;
}

settlers::card::CardOptions card_options(const ops::Config& config) {
  const ops::CardConfig& card = config.card;
  settlers::card::CardOptions options;
  options.base_url = card.base_url;
  options.ca_file = card.ca_file;
  options.api_version = card.api_version;
  options.livemode = card.livemode;
  options.account = card.account;
  options.ledger = config.network;
  for (const ops::CardAssetConfig& asset : card.assets)
    options.assets.push_back({asset.asset, asset.currency, asset.rate});
  options.statement_descriptor_suffix = card.statement_descriptor_suffix;
  options.timeout_ms = card.request_timeout_ms;
  options.in_flight_max = card.in_flight_max;
  options.requests_per_s = card.requests_per_s;
  options.endpoint_requests_per_s = card.endpoint_requests_per_s;
  options.poll_ms = card.poll_interval_ms;
  options.settled_probe_s = card.settled_interval_ms / 1000;
  options.final_after_s = card.final_after_ms / 1000;
  options.absent_after_s = card.absent_after_ms / 1000;
  options.events_poll_ms = card.events_interval_ms;
  options.events_lookback_s = card.events_lookback_ms / 1000;
  return options;
}

base::Result<std::string> card_secrets(const ops::Config& config, settlers::card::CardOptions& options) {
  const auto without_end = [](std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
  };
  ASSIGN_OR_RETURN(std::string key, ops::read_secret(config.card.api_key_file));
  if (config.card.webhook_secret_file.empty()) return without_end(std::move(key));
  ASSIGN_OR_RETURN(const std::string secrets, ops::read_secret(config.card.webhook_secret_file));
  for (std::size_t at = 0; at < secrets.size();) {
    const std::size_t end = std::min(secrets.find('\n', at), secrets.size());
    std::string secret = without_end(secrets.substr(at, end - at));
    if (!secret.empty()) options.webhook_secrets.push_back(std::move(secret));
    at = end + 1;
  }
  if (options.webhook_secrets.empty())
    return base::error(base::ErrorCode::invalid_argument, "rails.card.webhook_secret_file: the file is empty");
  return without_end(std::move(key));
}

channels::Options channels_options(const ops::Config& config, const crypto::SecretKey* authorizer) {
  const ops::ChannelsConfig& from = config.x402.channels;
  channels::Options options;
  options.contract = from.contract;
  options.poll_ms = config.stablecoin.poll_interval_ms;
  options.authorizer = authorizer;
  options.claim_interval_ms = from.claim_interval_ms;
  options.claim_minimum = from.claim_minimum.units();
  options.claim_rows_max = from.claim_rows_max;
  options.claim_gas_max = from.claim_gas_max;
  options.gas_price_max_wei = base::u128{config.stablecoin.max_fee_gwei} * kWeiPerGwei;
  options.settle_interval_ms = from.settle_interval_ms;
  return options;
}

ops::HttpServerOptions http_options(const ops::HttpConfig& config) {
  return {config.listen.front(), config.connections_max, config.request_timeout_ms,
          config.page ? std::string(ops::kPagePrefix) : std::string()};
}

base::Result<rpc::RpcServerOptions> rpc_options(const ops::Config& config, const base::Address& operator_key) {
  rpc::RpcServerOptions options;
  options.unix_path = config.rpc.unix_socket;
  if (!config.rpc.listen.empty()) {
    options.tcp_host = config.rpc.listen.front().host;
    options.tcp_port = config.rpc.listen.front().port;
    options.certificate_file = config.rpc.tls_certificate_file;
    ASSIGN_OR_RETURN(options.key_file, ops::secret_path(config.rpc.tls_key_file));
    options.client_ca_file = config.rpc.tls_client_ca_file;
  }
  options.operators = config.operators;
  if (std::find(options.operators.begin(), options.operators.end(), operator_key) == options.operators.end())
    options.operators.push_back(operator_key);
  options.auditors = config.auditors;
  options.version = ops::kVersion;
  return options;
}

std::vector<rpc::http::ApiKey> api_keys(const ops::X402Config& config) {
  std::vector<rpc::http::ApiKey> keys;
  for (const ops::ApiKeyConfig& key : config.api_keys)
    keys.push_back({key.name, key.sha256, static_cast<rpc::http::KeyRole>(key.role), key.addresses, key.requests_per_s,
                    key.burst});
  return keys;
}

base::Result<rpc::http::ServerOptions> x402_options(const ops::X402Config& config) {
  rpc::http::ServerOptions options;
  options.host = config.listen.front().host;
  options.port = config.listen.front().port;
  options.certificate_file = config.tls_certificate_file;
  if (!config.tls_key_file.empty()) {
    ASSIGN_OR_RETURN(options.key_file, ops::secret_path(config.tls_key_file));
  }
  options.connections_max = config.connections_max;
  options.connections_per_address_max = config.connections_per_address_max;
  options.header_ms = config.header_timeout_ms;
  options.body_ms = config.body_timeout_ms;
  options.idle_ms = config.idle_timeout_ms;
  options.request_ms = config.request_timeout_ms;
  options.body_bytes_max = config.body_max_bytes;
  options.api_keys = api_keys(config);
  return options;
}

std::vector<std::string> doubts(const ops::Config& config) {
  std::vector<std::string> found;
  for (const ledger::core::Plan& plan : config.plans) {
    for (const base::RailName& rail : plan.rails) {
      const std::string why = rail_doubt(config, rail.view(), plan.asset);
      if (!why.empty())
        found.push_back("plan \"" + plan.label + "\": rail \"" + std::string(rail.view()) + "\" " + why +
                        "; its collections fail there and go to the plan's next rail, or wait");
    }
  }
  return found;
}

std::vector<std::string> check_files(const ops::Config& config, std::vector<std::string>& unchecked) {
  std::vector<std::string> problems;
  const auto check_secret = [&](const char* key, const std::string& name, bool is_key) {
    if (name.rfind("credential:", 0) == 0 && std::getenv("CREDENTIALS_DIRECTORY") == nullptr) {
      unchecked.push_back(std::string(key) + ": " + name + " is given by systemd when the service starts");
      return;
    }
    std::string problem;
    if (is_key) {
      const auto secret = ops::read_secret_key(name);
      if (!secret) problem = secret.error().message;
    } else {
      const auto path = ops::secret_path(name);
      if (!path) problem = path.error().message;
    }
    if (!problem.empty()) problems.push_back(std::string(key) + ": " + problem);
  };
  const auto check_file = [&problems](const char* key, const std::string& path) {
    std::error_code ignored;
    if (!path.empty() && !std::filesystem::is_regular_file(path, ignored))
      problems.push_back(std::string(key) + ": " + path + ": there is no such file");
  };
  check_secret("operator_key_file", config.operator_key_file, true);
  check_file("rpc.tls_certificate_file", config.rpc.tls_certificate_file);
  check_file("rpc.tls_client_ca_file", config.rpc.tls_client_ca_file);
  if (!config.rpc.tls_key_file.empty()) check_secret("rpc.tls_key_file", config.rpc.tls_key_file, false);
  check_file("x402.tls_certificate_file", config.x402.tls_certificate_file);
  if (!config.x402.tls_key_file.empty()) check_secret("x402.tls_key_file", config.x402.tls_key_file, false);
  if (!config.x402.listen.empty()) check_secret("x402.server_key_file", config.x402.server_key_file, true);
  if (!config.x402.channels.authorizer_key_file.empty())
    check_secret("x402.channels.authorizer_key_file", config.x402.channels.authorizer_key_file, true);
  if (config.bank.enabled) {
    if (const auto problem = settlers::bank::bank_options_problem(bank_options(config)))
      problems.push_back("rails.bank." + *problem);
  }
  if (config.stablecoin.enabled)
    check_secret("rails.stablecoin.signer_key_file", config.stablecoin.signer_key_file, true);
  if (config.card.enabled) {
    const std::size_t before = problems.size() + unchecked.size();
    check_secret("rails.card.api_key_file", config.card.api_key_file, false);
    if (!config.card.webhook_secret_file.empty())
      check_secret("rails.card.webhook_secret_file", config.card.webhook_secret_file, false);
    if (problems.size() + unchecked.size() == before) {
      settlers::card::CardOptions options = card_options(config);
      const base::Result<std::string> key = card_secrets(config, options);
      const base::Result<void> usable =
          key ? settlers::card::check_api_key(*key, config.card.livemode) : tl::unexpected<base::Error>(key.error());
      if (!usable) problems.push_back(usable.error().message);
    }
    check_file("rails.card.ca_file", config.card.ca_file);
  }
  return problems;
}

}  // namespace tabd_daemon
