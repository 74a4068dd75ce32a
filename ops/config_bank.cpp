// [rails.bank].

#include <algorithm>

#include "ops/config_reader.h"

namespace ops {
namespace {

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr unsigned kCentDigits = 2;

// "10:00", local time.
void read_time_of_day(Section& section, std::string_view key, std::uint64_t& ms) {
  std::string text;
  section.text(key, text);
  if (text.empty()) return;
  const auto digit = [&text](std::size_t at) {
    return text[at] >= '0' && text[at] <= '9' ? static_cast<std::uint64_t>(text[at] - '0') : 1000;
  };
  if (text.size() == 5 && text[2] == ':') {
    const std::uint64_t hours = digit(0) * 10 + digit(1), minutes = digit(3) * 10 + digit(4);
    if (hours < 24 && minutes < 60 && hours + minutes > 0) {
      ms = hours * kHour + minutes * kMinute;
      return;
    }
  }
  section.mistake(key, "\"" + text + "\" is no time of day; allowed: \"00:01\" to \"23:59\", local time of the bank");
}

void read_times(Section& section, FileTimesConfig& times) {
  section.text("time_zone", times.time_zone);
  read_time_of_day(section, "cut_off", times.cut_off_ms);
  section.duration_ms("write_before", kMinute, kDay, times.write_before_ms);
  section.duration_ms("write_every", kSecond, kDay, times.write_every_ms);
  section.integer("collection_lead_days", 1, 14, times.collection_lead_days);
  section.integer("payout_lead_days", 0, 14, times.payout_lead_days);
}

void require(Section& section, std::string_view key, const std::string& value, const char* allowed) {
  if (value.empty()) section.mistake(key, std::string("missing; allowed: ") + allowed);
}

void read_sepa(Section section, SepaConfig& sepa) {
  section.flag("enabled", sepa.enabled);
  section.text("name", sepa.name);
  section.text("iban", sepa.iban);
  sepa.iban.erase(std::remove(sepa.iban.begin(), sepa.iban.end(), ' '), sepa.iban.end());
  section.text("bic", sepa.bic);
  section.flag("collections", sepa.collections);
  section.text("creditor_id", sepa.creditor_id);
  section.flag("batch_booking", sepa.batch_booking);
  section.flag("notifications_book", sepa.notifications_book);
  section.integer("core_final_days", 1, 800, sepa.core_final_days);
  section.integer("b2b_final_days", 1, 800, sepa.b2b_final_days);
  section.integer("payout_final_days", 1, 800, sepa.payout_final_days);
  read_times(section, sepa.times);
  if (sepa.enabled) {
    require(section, "name", sepa.name, "the account's owner, as the bank knows it");
    require(section, "iban", sepa.iban, "the IBAN of the operator's account");
    if (sepa.collections)
      require(
          section, "creditor_id", sepa.creditor_id,
          "the SEPA creditor identifier, such as \"DE98ZZZ09999999999\"; or set collections = false to pay out only");
  }
  if (!sepa.collections) sepa.creditor_id.clear();
  section.finish();
}

void read_ach(Section section, AchConfig& ach) {
  section.flag("enabled", ach.enabled);
  section.text("bank_routing_number", ach.bank_routing_number);
  section.text("bank_name", ach.bank_name);
  section.text("origin", ach.origin);
  section.text("company_name", ach.company_name);
  section.text("company_id", ach.company_id);
  section.text("odfi", ach.odfi);
  section.text("description", ach.description);
  section.text("web_description", ach.web_description);
  section.integer("settled_after_days", 2, 60, ach.settled_after_days);
  section.integer("consumer_final_days", 1, 800, ach.consumer_final_days);
  section.integer("company_final_days", 1, 800, ach.company_final_days);
  section.integer("payout_final_days", 1, 800, ach.payout_final_days);
  read_times(section, ach.times);
  if (ach.enabled) {
    require(section, "bank_routing_number", ach.bank_routing_number, "the bank's routing number, nine digits");
    require(section, "origin", ach.origin, "ten characters, as the bank gave them");
    require(section, "company_name", ach.company_name, "what payers see, at most 16 characters");
    require(section, "company_id", ach.company_id, "ten characters, as the bank gave them");
    require(section, "odfi", ach.odfi, "the first eight digits of the bank's routing number");
  }
  section.finish();
}

BankAssetConfig read_asset(Section& section, const Config& config) {
  BankAssetConfig result;
  std::string symbol;
  section.required_text("asset", symbol);
  const auto asset =
      std::find_if(config.assets.begin(), config.assets.end(),
                   [&symbol](const ledger::core::Asset& candidate) { return candidate.symbol == symbol; });
  section.required_text("currency", result.currency);
  section.text("rate", result.rate);
  if (!result.currency.empty() && result.currency != "EUR" && result.currency != "USD")
    section.mistake("currency",
                    "\"" + result.currency + "\" does not move here; allowed: \"EUR\" (SEPA), \"USD\" (ACH)");
  const auto rate = base::Amount::parse_decimal(result.rate, 9);
  if (!rate || rate->is_zero())
    section.mistake("rate",
                    "\"" + result.rate + "\" is no rate; allowed: a decimal above zero with at most 9 fraction digits");
  if (asset != config.assets.end()) {
    result.asset = asset->id;
    result.scale = asset->scale;
  } else if (!symbol.empty()) {
    section.mistake("asset", "\"" + symbol + "\" is no asset of this file; allowed: the symbol of an [[asset]]");
  }
  section.finish();
  return result;
}

// "demo:tab", "demo-shop:tab": signatures and references of such a network are worth nothing in another.
bool is_demonstration(const std::string& network) {
  return network.rfind("demo:", 0) == 0 || network.rfind("demo-", 0) == 0;
}

void read_demonstration_day(Section& section, Config& config) {
  BankConfig& bank = config.bank;
  section.duration_ms("demonstration_day", 0, kHour, bank.demonstration_day_ms);
  if (bank.demonstration_day_ms == 0) return;
  if (!is_demonstration(config.network))
    section.mistake("demonstration_day",
                    "only for demonstrations: payees would be paid from money that can still be "
                    "returned; allowed in a network whose name begins with \"demo\", such as "
                    "\"demo:tab\"");
  if (bank.ach.enabled)
    section.mistake("demonstration_day", "ACH settles by the calendar alone; allowed: with [rails.bank.sepa] only");
}

}  // namespace

void read_bank(Section section, Config& config) {
  BankConfig& bank = config.bank;
  section.flag("enabled", bank.enabled);
  bank.spool = config.data_dir + "/bank";
  section.path("spool", bank.spool);
  section.amount("approve_above", kCentDigits, bank.approve_above);
  section.duration_ms("poll_interval", 100, kHour, bank.poll_interval_ms);
  section.integer("in_flight_max", 1, 10'000'000, bank.in_flight_max);
  read_sepa(section.section("sepa"), bank.sepa);
  read_ach(section.section("ach"), bank.ach);
  for (Section& asset : section.sections("asset")) bank.assets.push_back(read_asset(asset, config));
  read_demonstration_day(section, config);
  if (bank.enabled) {
    if (!bank.sepa.enabled && !bank.ach.enabled)
      section.mistake("sepa",
                      "neither network is enabled; set enabled = true in [rails.bank.sepa] or [rails.bank.ach]");
    if (bank.assets.empty()) section.mistake("asset", "no asset is listed; add a [[rails.bank.asset]]");
    for (const ledger::core::Asset& asset : config.assets) {
      const bool exact = std::any_of(bank.assets.begin(), bank.assets.end(), [&asset](const BankAssetConfig& each) {
        return each.asset == asset.id && each.rate == "1";
      });
      if (exact && asset.rail_scale > kCentDigits)
        section.mistake("asset", "the rail_scale of " + asset.symbol + " is " + std::to_string(asset.rail_scale) +
                                     "; banks move cents: set it to 2 in its [[asset]]");
    }
  }
  section.finish();
}

}  // namespace ops
