#include "cli/items.h"
#include "cli/key_file.h"
#include "cli/mandates.h"
#include "cli/text.h"
#include "commitments/tab/sign.h"
#include "crypto/random.h"

namespace cli {
namespace {

namespace tab = commitments::tab;

struct SignOptions {
  OfflineOptions offline;
  std::string asset;
  std::string payer;  // empty: the key's own address
  std::string payee;
  std::string maximum;
  std::string resource;
  std::string nonce;
  std::string salt;
  std::string valid_after = "0";
  std::string valid_before;
  bool hold = false;
  std::string amount;
  std::uint64_t quantity = 1;
  std::string unit = "request";
  std::uint64_t first_index = 0;
};

base::u128 random_nonce() { return static_cast<base::u128>(crypto::random_u64()) << 64 | crypto::random_u64(); }

Outcome add_usage(const SignOptions& options, const core::Asset& asset, tab::Item& item) {
  tab::Usage usage;
  CLI_TRY(usage.amount,
          parse_money("--amount", options.amount.empty() ? options.maximum : options.amount, asset.scale));
  usage.quantity = options.quantity;
  const std::optional<base::Unit> unit = base::Unit::parse(options.unit);
  if (!unit)
    return usage_failure(fmt::format("--unit: \"{}\" is longer than 8 characters or has a space.", options.unit));
  usage.unit = *unit;
  CLI_TRY(usage.resource, parse_resource(options.resource));
  item.usages.push_back(usage);
  return {};
}

Outcome sign(Context& context, const SignOptions& options, tab::ItemKind kind) {
  CLI_TRY(const crypto::SecretKey key, context.key());
  CLI_TRY(const SigningFacts facts, signing_facts(context, options.offline));
  CLI_TRY(const core::Asset asset, facts.assets.find_or_only(options.asset));
  tab::Item item;
  item.kind = kind;
  base::Address payer = key.address();
  if (!options.payer.empty()) {
    CLI_TRY(payer, parse_address("--payer", options.payer));
  }
  CLI_TRY(const base::Address payee, parse_address("--payee", options.payee));
  CLI_TRY(const base::Amount maximum, parse_money("--maximum", options.maximum, asset.scale));
  CLI_TRY(const std::uint64_t valid_before, parse_when(options.valid_before, context.now()));
  if (kind == tab::ItemKind::voucher) {
    item.voucher = {payer, payee, asset.id, {}, maximum, valid_before};
    if (!options.salt.empty()) {
      CLI_TRY(item.voucher.salt, parse_hash("--salt", options.salt));
    }
    item.first_index = options.first_index;
  } else {
    item.single = {payer, payee, asset.id, maximum, {}, random_nonce(), 0, valid_before};
    CLI_TRY(item.single.resource, parse_resource(options.resource));
    CLI_TRY(item.single.valid_after, parse_when(options.valid_after, context.now()));
    if (!options.nonce.empty()) {
      CLI_TRY(item.single.nonce, parse_nonce(options.nonce));
    }
  }
  if (kind != tab::ItemKind::hold) CLI_CHECK(add_usage(options, asset, item));
  tab::sign_item(key, facts.domain, facts.assets.table(), item);
  context.write_json_line(item_to_json(item, facts.assets));
  return {};
}

Outcome sign_commitment(Context& context, const SignOptions& options) {
  return sign(context, options, options.hold ? tab::ItemKind::hold : tab::ItemKind::charge);
}

Outcome sign_voucher(Context& context, const SignOptions& options) {
  return sign(context, options, tab::ItemKind::voucher);
}

void define_common(CLI::App& app, SignOptions& options, const char* valid_before) {
  options.valid_before = valid_before;
  app.add_option("--payee", options.payee, "Who is paid, an address.")->required();
  app.add_option("--maximum", options.maximum, "The most that may be charged, as a decimal.")->required();
  app.add_option("--payer", options.payer, "Who pays, when the key is an agent's with a mandate.");
  app.add_option("--asset", options.asset, "Symbol, number or signed text; not needed when there is only one.");
  app.add_option("--valid-before", options.valid_before, "When the promise ends: a date, +1h, or never (vouchers).")
      ->capture_default_str();
  app.add_option("--amount", options.amount, "What the printed item charges; the maximum, if not given.");
  app.add_option("--quantity", options.quantity, "How many units that is.")->capture_default_str();
  app.add_option("--unit", options.unit, "What is counted, at most 8 characters.")->capture_default_str();
  app.add_option("--resource", options.resource, "URL of what is sold; any, if not given.");
  define_offline(app, options.offline);
}

void define_commitment(CLI::App& app, SignOptions& options) {
  define_common(app, options, "+1h");
  app.add_option("--nonce", options.nonce, "A number that this payer never used; random, if not given.");
  app.add_option("--valid-after", options.valid_after, "When it begins: a date, +1h, or seconds.");
  app.add_flag("--hold", options.hold, "Print a hold (reserve up to the maximum) in place of a charge.");
}

void define_voucher(CLI::App& app, SignOptions& options) {
  define_common(app, options, "never");
  app.add_option("--salt", options.salt, "Tells several tabs of the same parties apart: 0x and 64 digits.");
  app.add_option("--first-index", options.first_index, "The tab's next charge index.")->capture_default_str();
}

struct KeygenOptions {
  std::string file;
};

Json key_json(const std::string& file, const crypto::SecretKey& key) {
  JsonObject out;
  out["file"] = file;
  out["address"] = base::to_hex(key.address());
  return out;
}

Outcome keygen(Context& context, const KeygenOptions& options) {
  const crypto::SecretKey key = crypto::SecretKey::generate();
  CLI_CHECK(write_key_file(options.file, key));
  if (context.json())
    context.write_json(key_json(options.file, key));
  else
    context.write_line(base::to_hex(key.address()));
  context.note("The secret key is in {}, mode 0400. Keep a copy in a safe place: it cannot be made again.",
               options.file);
  return {};
}

Outcome address(Context& context, const KeygenOptions& options) {
  std::string file = options.file.empty() ? context.settings().key_file : options.file;
  if (file.empty()) return usage_failure("Which key? Name its file.");
  CLI_TRY(const crypto::SecretKey key, read_key_file(file));
  if (context.json())
    context.write_json(key_json(file, key));
  else
    context.write_line(base::to_hex(key.address()));
  return {};
}

}  // namespace

void add_sign_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "sign", "Sign what a payer or agent signs, and print it for `tabctl submit`.");
  add_command<SignOptions>(
      *group, chosen, "commitment", "A promise for one purchase. Offline with --network and --asset-text.",
      "  tabctl sign commitment --payee 0x90F7...b906 --maximum 0.05 --key payer.key\n"
      "  tabctl sign commitment --network acme:tab --asset-text USD --scale 2 --payee 0x90F7...b906 --maximum 0.05 "
      "--payer 0x7099...79c8 --key agent.key",
      define_commitment, sign_commitment);
  add_command<SignOptions>(*group, chosen, "voucher", "A promise that grows: all charges of the tab up to a maximum.",
                           "  tabctl sign voucher --payee 0x90F7...b906 --maximum 2 --amount 0.01 --key payer.key",
                           define_voucher, sign_voucher);
  add_command<SignMandateOptions>(
      *group, chosen, "mandate", "A permission for an agent's key. The same as `tabctl mandate sign`.",
      "  tabctl sign mandate --agent 0x15d3...6a65 --cap 5 --period day --key payer.key > mandate.json",
      define_sign_mandate, sign_mandate_command);
  add_command<KeygenOptions>(
      root, chosen, "keygen", "Make a secret key in a new file (mode 0400) and print its address.",
      "  tabctl keygen operator.key",
      [](CLI::App& app, KeygenOptions& options) {
        app.add_option("file", options.file, "Must not exist.")->required();
      },
      keygen);
  add_command<KeygenOptions>(
      root, chosen, "address", "Print the address of a secret key.", "  tabctl address operator.key",
      [](CLI::App& app, KeygenOptions& options) { app.add_option("file", options.file, "--key, if not given."); },
      address);
}

}  // namespace cli
