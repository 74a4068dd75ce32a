// [rails.card].

#include <algorithm>

#include "ops/config_reader.h"

namespace ops {
namespace {

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
// The provider keeps idempotency keys for a day; an hour for clocks.
constexpr std::uint64_t kAbsentMin = 25 * kHour;

CardAssetConfig read_card_asset(Section& section, const Config& config) {
  CardAssetConfig result;
  std::string symbol;
  section.required_text("asset", symbol);
  const auto asset =
      std::find_if(config.assets.begin(), config.assets.end(),
                   [&symbol](const ledger::core::Asset& candidate) { return candidate.symbol == symbol; });
  if (asset != config.assets.end()) {
    result.asset = asset->id;
  } else if (!symbol.empty()) {
    section.mistake("asset", "\"" + symbol + "\" is no asset of this file; allowed: the symbol of an [[asset]]");
  }
  for (const CardAssetConfig& other : config.card.assets)
    if (other.asset == result.asset && asset != config.assets.end())
      section.mistake("asset", "\"" + symbol + "\" has a currency already; allowed: one for each asset");
  section.required_text("currency", result.currency);
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (!result.currency.empty() &&
      (result.currency.size() != 3 || !std::all_of(result.currency.begin(), result.currency.end(), lower)))
    section.mistake("currency",
                    "\"" + result.currency + "\" is no currency; allowed: an ISO 4217 code in lower case, \"usd\"");
  section.text("rate", result.rate);
  const auto rate = base::Amount::parse_decimal(result.rate, 9);
  if (!rate || rate->is_zero())
    section.mistake("rate", "\"" + result.rate +
                                "\" is no rate; allowed: a decimal above zero with at most 9 digits after the "
                                "point, such as \"0.92\": what one unit of the asset is in the currency");
  section.finish();
  return result;
}

void check_card(Section& section, const Config& config) {
  const CardConfig& card = config.card;
  if (card.api_key_file.empty())
    section.mistake("api_key_file",
                    "missing; allowed: a file with the provider's secret key (sk_... or rk_...), or "
                    "\"credential:NAME\"");
  if (card.assets.empty()) section.mistake("asset", "no currency is listed; add a [[rails.card.asset]]");
  if (!card.livemode) return;
  // The card networks limit how often one card may be asked; once a day keeps below every one of the limits.
  const auto rail = base::RailName::parse("card");
  for (const ledger::core::Plan& plan : config.plans) {
    const bool by_card = std::find(plan.rails.begin(), plan.rails.end(), *rail) != plan.rails.end();
    const bool hasty = std::any_of(plan.dunning_s.begin(), plan.dunning_s.end(),
                                   [](std::uint64_t wait_s) { return wait_s * kSecond < kDay; });
    if (by_card && hasty)
      section.mistake("livemode", "the plan \"" + plan.label +
                                      "\" would ask a declined card again within a day; allowed: "
                                      "plan.dunning of 1d and more where a plan's rails have \"card\"");
    if (by_card && plan.dunning_s.size() > 14)
      section.mistake("livemode", "the plan \"" + plan.label +
                                      "\" would ask a declined card more than 15 times; allowed: at "
                                      "most 14 waits in plan.dunning");
  }
}

}  // namespace

void read_card(Section section, Config& config) {
  CardConfig& card = config.card;
  section.flag("enabled", card.enabled);
  section.text("base_url", card.base_url);
  if (card.base_url.rfind("http://", 0) != 0 && card.base_url.rfind("https://", 0) != 0)
    section.mistake("base_url", "\"" + card.base_url + "\" is not supported; allowed: https://host[:port]");
  section.path("ca_file", card.ca_file);
  section.text("api_version", card.api_version);
  section.flag("livemode", card.livemode);
  if (card.livemode && card.base_url.rfind("http://", 0) == 0) section.mistake("base_url", "real money needs https://");
  section.text("account", card.account);
  if (!card.account.empty() && card.account.rfind("acct_", 0) != 0)
    section.mistake("account", "\"" + card.account + "\" is no account of the provider; allowed: acct_...");
  section.secret_file("api_key_file", card.api_key_file);
  section.text("statement_descriptor_suffix", card.statement_descriptor_suffix);
  if (card.statement_descriptor_suffix.size() > 22)
    section.mistake("statement_descriptor_suffix",
                    "too long; allowed: 22 characters together with the account's prefix");
  section.duration_ms("request_timeout", 100, 5 * kMinute, card.request_timeout_ms);
  section.integer("in_flight_max", 1, 256, card.in_flight_max);
  section.integer("requests_per_s", 1, 10'000, card.requests_per_s);
  section.integer("endpoint_requests_per_s", 1, 10'000, card.endpoint_requests_per_s);
  section.duration_ms("poll_interval", 10, kHour, card.poll_interval_ms);
  section.duration_ms("settled_interval", kSecond, 30 * kDay, card.settled_interval_ms);
  section.duration_ms("final_after", 0, 730 * kDay, card.final_after_ms);
  section.duration_ms("absent_after", 0, 30 * kDay, card.absent_after_ms);
  if (card.absent_after_ms != 0 && card.absent_after_ms < kAbsentMin)
    section.mistake("absent_after",
                    "too short; allowed: \"0s\" (the operator decides), or \"25h\" and more: the provider "
                    "keeps idempotency keys for a day");
  section.secret_file("webhook_secret_file", card.webhook_secret_file);
  section.duration_ms("events_interval", 0, kDay, card.events_interval_ms);
  section.duration_ms("events_lookback", 0, 30 * kDay, card.events_lookback_ms);
  for (Section& asset : section.sections("asset")) card.assets.push_back(read_card_asset(asset, config));
  if (card.enabled) check_card(section, config);
  section.finish();
}

}  // namespace ops
