#pragma once

// The configuration of tabd: one TOML file, read at start, immutable afterwards but for the API keys (SIGHUP).
// ops/deploy/tabd.toml documents every key with its default; a test compares the two. Unknown keys are mistakes.
// Secrets are never in the file: keys name files or systemd credentials (ops/secret.h).
//
// Relative paths in the file are relative to the file's own directory.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/calendar.h"
#include "base/bytes.h"
#include "base/result.h"
#include "ledger/core/types.h"

namespace ops {

// Where a TCP server listens. Port 0: the system chooses one.
struct Endpoint {
  std::string host;  // an IP address, without brackets
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
// "127.0.0.1:9402", "[::1]:9402".
std::string to_string(const Endpoint& endpoint);
bool is_loopback(const Endpoint& endpoint);

struct RpcConfig {
  std::string unix_socket;  // empty: none
  std::uint32_t unix_socket_mode = 0660;
  std::vector<Endpoint> listen;      // TCP with TLS; empty: none
  std::string tls_certificate_file;  // PEM chain
  std::string tls_key_file;          // PEM, secret
  std::string tls_client_ca_file;    // PEM; when set, clients must show a certificate that it signed
  bool operator==(const RpcConfig&) const = default;
};

struct HttpConfig {
  std::vector<Endpoint> listen;  // at most one; empty: no operations server
  std::uint32_t connections_max = 64;
  std::uint64_t request_timeout_ms = 10'000;
  bool page = false;                    // the web page (ops/page.h): shows money, has no login
  std::vector<std::string> page_hosts;  // names by which browsers may reach it, besides addresses and localhost
  bool operator==(const HttpConfig&) const = default;
};

// A key that opens the x402 port to somebody (rpc/http/api_keys.h).
struct ApiKeyConfig {
  enum class Role : std::uint8_t { server, payer, payee };
  std::string name;
  base::Hash sha256;  // of the key's text
  Role role = Role::server;
  std::vector<base::Address> addresses;
  std::uint32_t requests_per_s = 1'000;  // 0: no quota
  std::uint32_t burst = 2'000;
  bool operator==(const ApiKeyConfig&) const = default;
};

// Payment channels: x402 `batch-settlement` on the stablecoin rail's chain (facilitator/channel_scheme.h, channels/).
struct ChannelsConfig {
  base::Address contract;           // x402BatchSettlement; zero: channels are not served
  base::Address collector;          // its collector of EIP-3009 deposits
  std::string authorizer_key_file;  // secret: signs claims and refunds; empty: the receivers' servers sign them
  std::uint64_t withdraw_delay_ms = 86'400'000;  // suggested to servers; whole seconds
  std::uint64_t claim_interval_ms = 3'600'000;
  base::Amount claim_minimum;  // in the token's smallest units
  std::uint32_t claim_rows_max = 100;
  std::uint64_t claim_gas_max = 5'000'000;
  std::uint64_t settle_interval_ms = 86'400'000;
  bool operator==(const ChannelsConfig&) const = default;
};

// x402 over HTTP (rpc/http/server.h).
struct X402Config {
  std::vector<Endpoint> listen;  // at most one; empty: not served
  std::string server_key_file;   // secret: the front's key as a resource server of the ledger
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::uint32_t connections_max = 1'024;
  std::uint32_t connections_per_address_max = 256;
  std::uint64_t header_timeout_ms = 10'000;
  std::uint64_t body_timeout_ms = 30'000;
  std::uint64_t idle_timeout_ms = 60'000;
  std::uint64_t request_timeout_ms = 60'000;
  std::uint64_t body_max_bytes = 1 << 20;
  std::uint64_t settle_wait_ms = 15'000;  // for a chain; then the answer is settlement_pending
  ChannelsConfig channels;
  std::vector<ApiKeyConfig> api_keys;
  bool operator==(const X402Config&) const = default;
};

struct LedgerConfig {
  std::uint64_t memory_bytes = 256ULL << 20;
  std::uint32_t recent_replay_keys = 1u << 19;
  std::string checkpoint_root;  // checkpoints are made below it
  bool operator==(const LedgerConfig&) const = default;
};

struct VerifyConfig {
  bool batch = true;          // signatures that wait are checked together
  std::uint32_t threads = 0;  // 0: one for each core
  std::uint32_t key_cache_entries = 1u << 20;
  bool operator==(const VerifyConfig&) const = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };
struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  bool operator==(const LogConfig&) const = default;
};

// What the dispatcher does on every rail (settlers/dispatcher.h).
struct SettlementConfig {
  bool dry_run = false;                     // prepare and say what would be sent; send nothing
  std::vector<std::string> disabled_rails;  // kill switches that are on from the start
  std::uint64_t poll_interval_ms = 500;
  std::uint32_t breaker_failures = 5;       // faults in a row that open a rail's circuit breaker
  std::uint64_t breaker_pause_ms = 10'000;  // doubles with each failed trial
  std::uint64_t breaker_pause_max_ms = 300'000;
  std::uint64_t reconcile_every_ms = 86'400'000;  // zero: only on request
  std::uint64_t reconcile_lookback_ms = 35ULL * 86'400'000;
  std::uint64_t reconcile_stuck_after_ms = 7ULL * 86'400'000;
  bool operator==(const SettlementConfig&) const = default;
};

// The rail that moves nothing (settlers/sandbox/sandbox.h). Scripts by their names there.
struct SandboxConfig {
  struct PayerRule {
    base::Address payer;
    std::string script;
    bool operator==(const PayerRule&) const = default;
  };
  struct AmountRule {
    base::Amount remainder;
    base::Amount modulus;  // not zero
    std::string script;
    bool operator==(const AmountRule&) const = default;
  };
  bool enabled = false;
  std::uint64_t reply_delay_ms = 0;
  std::uint64_t confirm_delay_ms = 0;
  std::uint64_t final_delay_ms = 0;
  std::uint64_t return_delay_ms = 0;
  std::uint32_t in_flight_max = 64;
  bool forgotten_is_final = true;
  bool announce = false;
  std::vector<PayerRule> payers;
  std::vector<AmountRule> amounts;
  bool operator==(const SandboxConfig&) const = default;
};

struct TokenConfig {
  base::AssetId asset;
  base::Address address;
  std::string eip712_name;
  std::string eip712_version = "2";
  std::uint32_t decimals = 0;  // of the contract; at least the asset's rail_scale
  bool operator==(const TokenConfig&) const = default;
};

// "safe", "finalized", or a number of blocks.
struct BlockRuleConfig {
  enum class Kind : std::uint8_t { depth, safe, finalized };
  Kind kind = Kind::depth;
  std::uint64_t depth = 0;  // for Kind::depth
  bool operator==(const BlockRuleConfig&) const = default;
};

// ERC-20 tokens on one EVM chain (settlers/stablecoin/stablecoin.h).
struct StablecoinConfig {
  bool enabled = false;
  std::string rpc_url;
  std::uint64_t chain_id = 0;
  std::string signer_key_file;
  std::string state_directory;
  std::vector<TokenConfig> tokens;
  BlockRuleConfig confirmed{BlockRuleConfig::Kind::depth, 12};
  BlockRuleConfig finality{BlockRuleConfig::Kind::finalized, 0};
  std::uint64_t max_fee_gwei = 200;
  std::uint64_t max_priority_fee_gwei = 5;
  std::uint64_t gas_limit_max = 300'000;
  std::uint64_t gas_balance_min_gwei = 10'000'000;
  std::uint64_t poll_interval_ms = 2'000;
  std::uint64_t rpc_timeout_ms = 10'000;
  std::uint64_t stuck_after_ms = 30'000;
  std::uint64_t gap_after_ms = 10'000;
  std::uint32_t in_flight_max = 8;
  std::vector<base::Address> contracts;  // that relays may call beside the tokens
  std::uint64_t relay_lookback_blocks = 50'000;
  bool operator==(const StablecoinConfig&) const = default;
};

struct CardAssetConfig {
  base::AssetId asset;
  std::string currency;  // ISO 4217, lower case
  std::string rate = "1";
  bool operator==(const CardAssetConfig&) const = default;
};

// Cards through a provider with Stripe's REST interface (settlers/card/card.h).
struct CardConfig {
  bool enabled = false;
  std::string base_url = "https://api.stripe.com";
  std::string ca_file;  // empty: the system's
  std::string api_version = "2026-10-28.endive";
  bool livemode = false;
  std::string account;
  std::string api_key_file;
  std::string statement_descriptor_suffix;
  std::uint64_t request_timeout_ms = 30'000;
  std::uint32_t in_flight_max = 16;
  std::uint32_t requests_per_s = 50;
  std::uint32_t endpoint_requests_per_s = 15;
  std::uint64_t poll_interval_ms = 30'000;
  std::uint64_t settled_interval_ms = 7 * 86'400'000ULL;
  std::uint64_t final_after_ms = 120 * 86'400'000ULL;
  std::uint64_t absent_after_ms = 0;  // 0: the operator decides
  std::string webhook_secret_file;    // empty: no webhook
  std::uint64_t events_interval_ms = 60'000;
  std::uint64_t events_lookback_ms = 3 * 86'400'000ULL;
  std::vector<CardAssetConfig> assets;
  bool operator==(const CardConfig&) const = default;
};

// When files for a bank are written (settlers/bank/bank.h).
struct FileTimesConfig {
  std::string time_zone;
  std::uint64_t cut_off_ms = 0;  // after local midnight
  std::uint64_t write_before_ms = 30 * 60'000;
  std::uint64_t write_every_ms = 30 * 60'000;
  std::uint32_t collection_lead_days = 1;
  std::uint32_t payout_lead_days = 0;
  bool operator==(const FileTimesConfig&) const = default;
};

struct SepaConfig {
  bool enabled = false;
  std::string name;
  std::string iban;
  std::string bic;
  bool collections = true;
  std::string creditor_id;
  bool batch_booking = true;
  bool notifications_book = false;
  std::uint32_t core_final_days = 57;
  std::uint32_t b2b_final_days = 8;
  std::uint32_t payout_final_days = 10;
  FileTimesConfig times{"Europe/Berlin", 10 * 3'600'000, 30 * 60'000, 30 * 60'000, 1, 0};
  bool operator==(const SepaConfig&) const = default;
};

struct AchConfig {
  bool enabled = false;
  std::string bank_routing_number;
  std::string bank_name;
  std::string origin;
  std::string company_name;
  std::string company_id;
  std::string odfi;
  std::string description = "PAYMENT";
  std::string web_description = "PURCHASE";
  std::uint32_t settled_after_days = 3;
  std::uint32_t consumer_final_days = 62;
  std::uint32_t company_final_days = 7;
  std::uint32_t payout_final_days = 7;
  FileTimesConfig times{"America/New_York", 15 * 3'600'000, 30 * 60'000, 30 * 60'000, 1, 1};
  bool operator==(const AchConfig&) const = default;
};

struct BankAssetConfig {
  base::AssetId asset;
  std::uint32_t scale = 0;  // of the asset's ledger unit
  std::string currency;
  std::string rate = "1";
  bool operator==(const BankAssetConfig&) const = default;
};

// Files for a bank (settlers/bank/bank.h).
struct BankConfig {
  bool enabled = false;
  std::string spool;
  base::Amount approve_above;  // in cents; zero: never
  std::uint64_t poll_interval_ms = 5'000;
  std::uint32_t in_flight_max = 200'000;
  std::uint64_t demonstration_day_ms = 0;  // how long a day of the bank lasts; zero: a day
  SepaConfig sepa;
  AchConfig ach;
  std::vector<BankAssetConfig> assets;
  bool operator==(const BankConfig&) const = default;
};

// A rail whose settler is another process (settlers/external/external.h).
struct ExternalRailConfig {
  std::string name;
  std::vector<base::Address> keys;  // that may log in as its settler
  bool collects = true;
  bool pays = false;
  bool refunds = false;
  std::uint32_t in_flight_max = 64;
  std::uint64_t call_timeout_ms = 30'000;
  std::uint64_t heartbeat_ms = 5'000;
  std::uint32_t notices_per_s = 100;
  std::uint32_t notices_open_max = 10'000;
  bool operator==(const ExternalRailConfig&) const = default;
};

struct Config {
  std::string network;  // "acme:tab"
  std::string data_dir;
  std::string operator_key_file;
  std::vector<base::Address> operators;  // keys that may log in as operator; the operator key itself always may
  std::vector<base::Address> auditors;
  RpcConfig rpc;
  HttpConfig http;
  X402Config x402;
  LedgerConfig ledger;
  VerifyConfig verify;
  LogConfig log;
  SettlementConfig settlement;
  SandboxConfig sandbox;
  SandboxConfig sandbox2;  // a second one, to try what happens between rails
  StablecoinConfig stablecoin;
  CardConfig card;
  BankConfig bank;
  std::vector<ExternalRailConfig> external;
  std::vector<ledger::core::Asset> assets;
  std::vector<ledger::core::Plan> plans;  // ids unassigned: the ledger finds plans by label
  ledger::core::ReleaseDefaults payouts;  // of payees without own terms
  bool operator==(const Config&) const = default;
};

// Reads `text`. `file` names it in messages and is what relative paths are relative to. On failure the message has one
// line for each mistake, in the file's order:
//   tabd.toml:12:8: rpc.unix_socket_mode: "999" is not a file mode; allowed: "0600" to "0777", octal
base::Result<Config> parse_config(std::string_view text, const std::string& file, const aggregator::Calendar& calendar);
// The same for a file; io or not_found if it cannot be read.
base::Result<Config> load_config(const std::string& file, const aggregator::Calendar& calendar);

}  // namespace ops
