#include "cli/mandates.h"

#include "cli/items.h"
#include "cli/members.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

namespace tab = commitments::tab;

Result<SignedMandate> mandate_from_json(const Json& value, const AssetBook& assets, const std::string& where) {
  const JsonObject* object = value.if_object();
  if (object == nullptr) return usage_failure(fmt::format("{}: a mandate is an object in braces.", where));
  Members in(*object, where);
  SignedMandate out;
  tab::Mandate& mandate = out.mandate;
  CLI_TRY(const std::string payer, in.required("payer", "the payer's address"));
  CLI_TRY(mandate.payer, parse_address(in.at("payer"), payer));
  CLI_TRY(const std::string agent, in.required("agent", "the agent's address"));
  CLI_TRY(mandate.agent, parse_address(in.at("agent"), agent));
  CLI_TRY(const std::string asset_name, in.required("asset", "symbol, number or signed text"));
  CLI_TRY(const core::Asset asset, located(where, assets.find(asset_name)));
  mandate.asset = asset.id;
  CLI_TRY(const std::string cap, in.required("cap", "the most that may be spent"));
  CLI_TRY(mandate.cap, parse_money(in.at("cap"), cap, asset.scale));
  CLI_TRY(const std::string period, in.required("period", "total, hour, day, week or month"));
  CLI_TRY(mandate.period, located(where, parse_period(period)));
  if (const JsonArray* payees = in.array("payees"); payees != nullptr) {
    for (const Json& payee : *payees) {
      if (!payee.is_string()) return usage_failure(fmt::format("{}: payees are addresses in quotes.", where));
      CLI_TRY(mandate.payees.emplace_back(), parse_address(in.at("payees"), std::string(payee.get_string())));
    }
  }
  for (auto [name, field] : {std::pair<const char*, std::uint64_t*>{"valid_after", &mandate.valid_after},
                             {"valid_before", &mandate.valid_before},
                             {"nonce", &mandate.nonce}}) {
    CLI_TRY(const std::string text, in.required(name, "a whole number, as it was signed"));
    CLI_TRY(*field, parse_number(in.at(name), text));
  }
  CLI_TRY(const std::string signature, in.required("signature", "65 bytes in hexadecimal"));
  const std::optional<base::Signature> bytes = base::fixed_from_hex<65>(signature);
  if (!bytes) return usage_failure(fmt::format("{}: this is not 65 bytes in hexadecimal.", in.at("signature")));
  out.signature = *bytes;
  CLI_CHECK(in.finish());
  return out;
}

}  // namespace

void define_mandate(CLI::App& app, MandateOptions& options, bool required) {
  app.add_option("--agent", options.agent, "The agent's address.")->required(required);
  app.add_option("--cap", options.cap, "The most that may be spent in each period, as a decimal.")->required(required);
  app.add_option("--period", options.period, "total, hour, day, week or month (UTC).")->capture_default_str();
  app.add_option("--asset", options.asset, "Symbol, number or signed text; not needed when there is only one.");
  app.add_option("--payee", options.payees, "Only these payees (addresses); any, if not given.");
  app.add_option("--valid-after", options.valid_after, "When it begins: a date, +1h, or seconds.");
  app.add_option("--valid-before", options.valid_before, "When it ends: a date, +30d, or never.")
      ->capture_default_str();
  app.add_option("--nonce", options.nonce, "The highest is in force; the time in microseconds, if not given.");
}

Result<SignedMandate> sign_mandate(const crypto::SecretKey& payer, const tab::Domain& domain, const AssetBook& assets,
                                   const MandateOptions& options, base::Time now) {
  SignedMandate out;
  tab::Mandate& mandate = out.mandate;
  mandate.payer = payer.address();
  CLI_TRY(mandate.agent, parse_address("--agent", options.agent));
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  mandate.asset = asset.id;
  if (options.cap.empty()) return usage_failure("How much may the agent spend? Add --cap.");
  CLI_TRY(mandate.cap, parse_money("--cap", options.cap, asset.scale));
  CLI_TRY(mandate.period, parse_period(options.period));
  for (const std::string& payee : options.payees) {
    CLI_TRY(mandate.payees.emplace_back(), parse_address("--payee", payee));
  }
  std::sort(mandate.payees.begin(), mandate.payees.end());
  mandate.payees.erase(std::unique(mandate.payees.begin(), mandate.payees.end()), mandate.payees.end());
  CLI_TRY(mandate.valid_after, parse_when(options.valid_after, now));
  CLI_TRY(mandate.valid_before, parse_when(options.valid_before, now));
  mandate.nonce = now.us;
  if (!options.nonce.empty()) {
    CLI_TRY(mandate.nonce, parse_number("--nonce", options.nonce));
  }
  const tab::AssetTable table = assets.table();
  out.signature = tab::sign(payer, domain, mandate, *table.text_hash(asset.id));
  return out;
}

Json signed_mandate_json(const SignedMandate& mandate, const AssetBook& assets) {
  JsonObject out = mandate_json(mandate.mandate, assets).as_object();
  out["signature"] = base::to_hex(mandate.signature);
  return out;
}

Result<SignedMandate> read_mandate_file(const std::string& path, const AssetBook& assets) {
  // The file may be indented: everything up to its end is one value.
  CLI_TRY(const std::string text, read_whole_file(path));
  const std::string where = path == "-" ? "standard input" : path;
  CLI_TRY(const Json value, parse_json(text, where));
  return mandate_from_json(value, assets, where);
}

void define_offline(CLI::App& app, OfflineOptions& options) {
  CLI::Option* network = app.add_option("--network", options.network, "Offline: the operator's network (acme:tab).");
  CLI::Option* text = app.add_option("--asset-text", options.asset_text, "Offline: the asset exactly as signed.");
  app.add_option("--scale", options.scale, "Offline: decimals of the asset.")
      ->capture_default_str()
      ->check(CLI::Range(0, 30));
  network->needs(text);
  text->needs(network);
}

Result<SigningFacts> signing_facts(Context& context, const OfflineOptions& options) {
  if (options.network.empty()) {
    CLI_TRY(tabd::Client * client, context.client());
    CLI_TRY(AssetBook assets, context.assets());
    return SigningFacts{client->domain(), std::move(assets)};
  }
  // Nobody gave the asset a number or a symbol here: its text stands for both.
  core::Asset asset;
  asset.id = base::AssetId(1);
  asset.text = options.asset_text;
  asset.symbol = options.asset_text;
  asset.scale = static_cast<std::uint8_t>(options.scale);
  return SigningFacts{tab::Domain(options.network), AssetBook({asset})};
}

void define_sign_mandate(CLI::App& app, SignMandateOptions& options) {
  define_mandate(app, options.mandate, true);
  define_offline(app, options.offline);
}

Outcome sign_mandate_command(Context& context, const SignMandateOptions& options) {
  CLI_TRY(const crypto::SecretKey key, context.key());
  CLI_TRY(const SigningFacts facts, signing_facts(context, options.offline));
  CLI_TRY(const SignedMandate mandate, sign_mandate(key, facts.domain, facts.assets, options.mandate, context.now()));
  context.write_json(signed_mandate_json(mandate, facts.assets));
  return {};
}

}  // namespace cli
