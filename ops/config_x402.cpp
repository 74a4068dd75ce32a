// [x402] and [x402.channels].

#include <algorithm>

#include "base/limits.h"
#include "ops/config_reader.h"

namespace ops {
namespace {

namespace limits = base::limits;

constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kMinute = 60'000;
constexpr std::uint64_t kDay = 24 * 60 * kMinute;

ApiKeyConfig read_api_key(Section& section, const std::vector<ApiKeyConfig>& earlier) {
  using Role = ApiKeyConfig::Role;
  ApiKeyConfig key;
  section.required_text("name", key.name);
  section.hash("sha256", key.sha256);
  if (section.node("sha256") == nullptr)
    section.mistake("sha256",
                    "missing; allowed: 0x and 64 digits, as `tabctl apikey` prints them; never the key itself");
  section.choice<Role>("role", {{"server", Role::server}, {"payer", Role::payer}, {"payee", Role::payee}}, key.role);
  section.addresses("addresses", key.addresses);
  if (key.addresses.empty())
    section.mistake("addresses",
                    "missing; allowed: for a server the payees that it may charge for, else its own address");
  if (key.role == Role::payer && key.addresses.size() > 1)
    section.mistake("addresses", "a payer's key is for one payer; allowed: one address");
  if (key.addresses.size() > limits::kServerPayeesMax)
    section.mistake("addresses", "too many; allowed: at most " + std::to_string(limits::kServerPayeesMax));
  section.integer("requests_per_s", 0, 1'000'000, key.requests_per_s);
  section.integer("burst", 1, 10'000'000, key.burst);
  for (const ApiKeyConfig& other : earlier) {
    if (other.name == key.name) section.mistake("name", "\"" + key.name + "\" is used twice");
    if (other.sha256 == key.sha256 && !key.sha256.is_zero())
      section.mistake("sha256", "this is the key of \"" + other.name + "\" already");
  }
  section.finish();
  return key;
}

void read_channels(Section section, ChannelsConfig& channels, bool has_chain) {
  section.address("contract", channels.contract);
  section.address("collector", channels.collector);
  section.secret_file("authorizer_key_file", channels.authorizer_key_file);
  // The contract's own bounds (commitments/channel/types.h).
  section.duration_ms("withdraw_delay", 15 * kMinute, 30 * kDay, channels.withdraw_delay_ms);
  section.duration_ms("claim_interval", kSecond, 30 * kDay, channels.claim_interval_ms);
  section.amount("claim_minimum", 0, channels.claim_minimum);
  section.integer("claim_rows_max", 1, limits::kClaimRowsMax, channels.claim_rows_max);
  section.integer("claim_gas_max", 100'000, 30'000'000, channels.claim_gas_max);
  section.duration_ms("settle_interval", kSecond, 30 * kDay, channels.settle_interval_ms);
  if (channels.withdraw_delay_ms % kSecond != 0) section.mistake("withdraw_delay", "allowed: whole seconds");
  const bool on = !channels.contract.is_zero();
  if (on && channels.collector.is_zero())
    section.mistake("collector", "missing; allowed: the address of the contract's collector of EIP-3009 deposits");
  if (on && !has_chain)
    section.mistake("contract", "there is no chain to find it on; set [rails.stablecoin] enabled = true");
  if (!on && section.present() && section.node("collector") != nullptr)
    section.mistake("contract", "missing; allowed: the address of the settlement contract x402BatchSettlement");
  section.finish();
}

}  // namespace

void read_x402(Section section, Config& config) {
  X402Config& x402 = config.x402;
  section.endpoint("listen", x402.listen);
  section.secret_file("server_key_file", x402.server_key_file);
  section.path("tls_certificate_file", x402.tls_certificate_file);
  section.secret_file("tls_key_file", x402.tls_key_file);
  section.integer("connections_max", 1, 100'000, x402.connections_max);
  section.integer("connections_per_address_max", 1, 100'000, x402.connections_per_address_max);
  section.duration_ms("header_timeout", 100, 10 * kMinute, x402.header_timeout_ms);
  section.duration_ms("body_timeout", 100, 10 * kMinute, x402.body_timeout_ms);
  section.duration_ms("idle_timeout", 100, 60 * kMinute, x402.idle_timeout_ms);
  section.duration_ms("request_timeout", 100, 10 * kMinute, x402.request_timeout_ms);
  section.size_bytes("body_max", 16 << 10, 16 << 20, x402.body_max_bytes);
  section.duration_ms("settle_wait", 0, 5 * kMinute, x402.settle_wait_ms);
  if (x402.settle_wait_ms >= x402.request_timeout_ms)
    section.mistake("settle_wait",
                    "not below request_timeout, which would end the request before its answer; allowed: "
                    "a duration below request_timeout");
  read_channels(section.section("channels"), x402.channels, config.stablecoin.enabled);
  for (Section& key : section.sections("api_key")) x402.api_keys.push_back(read_api_key(key, x402.api_keys));
  if (x402.api_keys.size() > limits::kApiKeysMax)
    section.mistake("api_key", "too many; allowed: at most " + std::to_string(limits::kApiKeysMax));
  if (!x402.listen.empty() && x402.server_key_file.empty())
    section.mistake("server_key_file", "missing; allowed: a key file (`tabctl keygen`) or \"credential:NAME\"");
  if (x402.listen.empty() && config.card.enabled && !config.card.webhook_secret_file.empty())
    section.mistake("listen",
                    "missing, and the webhook of [rails.card] comes to this port; allowed: such as "
                    "\"127.0.0.1:9403\", or no rails.card.webhook_secret_file");
  if (x402.tls_certificate_file.empty() != x402.tls_key_file.empty())
    section.mistake(x402.tls_key_file.empty() ? "tls_certificate_file" : "tls_key_file",
                    "a certificate and its key belong together; set both tls_certificate_file and tls_key_file");
  section.finish();
}

}  // namespace ops
