#include "cli/lists.h"
#include "cli/mandates.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

namespace tab = commitments::tab;

struct SetOptions {
  std::string file;
  MandateOptions mandate;
};

Outcome set(Context& context, const SetOptions& options) {
  CLI_TRY(tabd::PayerSession session, context.payer_session());
  CLI_TRY(const AssetBook assets, context.assets());
  SignedMandate signed_mandate;
  if (!options.file.empty()) {
    CLI_TRY(signed_mandate, read_mandate_file(options.file, assets));
  } else {
    if (options.mandate.agent.empty())
      return usage_failure("Which mandate?", "Name a signed file (see: tabctl mandate sign), or --agent and --cap.");
    CLI_TRY(const crypto::SecretKey key, context.key());
    CLI_TRY(tabd::Client * client, context.client());
    CLI_TRY(signed_mandate, sign_mandate(key, client->domain(), assets, options.mandate, context.now()));
  }
  CLI_TRY(const auto receipt, decided(session.set_mandate(signed_mandate.mandate, signed_mandate.signature)));
  const tab::Mandate& mandate = signed_mandate.mandate;
  context.report(receipt,
                 fmt::format("Agent {} may spend {} ({}) for {}.", base::to_hex(mandate.agent),
                             assets.text(mandate.cap, mandate.asset),
                             mandate.period == tab::Period::total ? std::string("in total")
                                                                  : fmt::format("each {}", period_name(mandate.period)),
                             base::to_hex(mandate.payer)));
  return {};
}

struct RevokeOptions {
  std::string agent;
  std::string asset;
  std::string payer;
};

Outcome revoke(Context& context, const RevokeOptions& options) {
  tab::MandateRevocation revocation;
  CLI_TRY(revocation.agent, parse_address("agent", options.agent));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  revocation.asset = asset.id;
  revocation.nonce = context.now().us;
  if (!options.payer.empty()) {
    CLI_TRY(tabd::OperatorSession session, context.operator_session());
    CLI_TRY(revocation.payer, find_payer(session, options.payer));
    CLI_TRY(const auto receipt, decided(session.revoke_mandate(revocation)));
    context.report(receipt, fmt::format("The mandate of agent {} is revoked, by the operator.", options.agent));
    return {};
  }
  CLI_TRY(tabd::PayerSession session, context.payer_session());
  CLI_TRY(const crypto::SecretKey key, context.key());
  revocation.payer = key.address();
  CLI_TRY(tabd::Client * client, context.client());
  const tab::AssetTable table = assets.table();
  const base::Signature signature = tab::sign(key, client->domain(), revocation, *table.text_hash(asset.id));
  CLI_TRY(const auto receipt, decided(session.revoke_mandate(revocation, signature)));
  context.report(receipt, fmt::format("The mandate of agent {} is revoked.", options.agent));
  return {};
}

struct MandateListOptions {
  std::string payer;
  ListOptions list;
};

std::string_view state_of(const core::MandateState& state, base::Time now) {
  if (state.revoked) return "revoked";
  if (state.mandate.valid_before != 0 && state.mandate.valid_before <= now.seconds()) return "expired";
  if (state.mandate.valid_after > now.seconds()) return "not yet valid";
  return "valid";
}

Outcome list(Context& context, const MandateListOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  base::Address payer;
  if (viewer.books() != nullptr) {
    if (options.payer.empty())
      return usage_failure("Whose mandates? Name the payer.", "tabctl mandate list PAYER; see: tabctl payer list");
    CLI_TRY(payer, find_payer(*viewer.books(), options.payer));
  }
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed, read_list<core::MandateState>(options.list, [&](rpc::Page page) {
            return viewer.books() != nullptr ? viewer.books()->mandates(payer, page) : viewer.payer()->mandates(page);
          }));
  if (context.json()) {
    write_list_json(context, listed,
                    [&](const core::MandateState& state) { return mandate_state_json(state, assets); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no mandates: no agent may sign for this payer.");
    return {};
  }
  Table table({{"ID", Align::right},
               {"AGENT"},
               {"CAP", Align::right},
               {"PERIOD"},
               {"SPENT", Align::right},
               {"HELD", Align::right},
               {"PAYEES"},
               {"VALID UNTIL"},
               {"STATE"}});
  for (const core::MandateState& state : listed.items) {
    const tab::Mandate& mandate = state.mandate;
    table.row({std::to_string(state.id.value), base::to_hex(mandate.agent), assets.text(mandate.cap, mandate.asset),
               std::string(period_name(mandate.period)), assets.decimal(state.spent(), mandate.asset),
               assets.decimal(state.held, mandate.asset),
               mandate.payees.empty() ? "any" : std::to_string(mandate.payees.size()),
               mandate.valid_before == 0 ? "no end" : time_text(base::Time::from_seconds(mandate.valid_before)),
               std::string(state_of(state, context.now()))});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

struct RailOptions {
  std::string mandate;
  std::string rail;
  std::string payer;
  bool text = false;
};

Outcome rail(Context& context, const RailOptions& options) {
  core::SetRailMandate wanted;
  const std::optional<base::RailName> name = base::RailName::parse(options.rail);
  if (!name || options.rail.empty())
    return usage_failure("A rail's name has 1 to 16 characters.", "See: tabctl rails list");
  wanted.rail = *name;
  if (options.text) {
    wanted.mandate.assign(options.mandate.begin(), options.mandate.end());
  } else {
    const std::optional<base::Bytes> bytes = base::from_hex(options.mandate);
    if (!bytes) return usage_failure("The rail mandate is not hexadecimal.", "With --text it is taken as it is.");
    wanted.mandate = *bytes;
  }
  ledger::api::CommandReceipt receipt;
  if (!options.payer.empty()) {
    CLI_TRY(tabd::OperatorSession session, context.operator_session());
    CLI_TRY(wanted.payer, find_payer(session, options.payer));
    CLI_TRY(receipt, decided(session.set_rail_mandate(wanted)));
  } else {
    CLI_TRY(tabd::PayerSession session, context.payer_session());
    CLI_TRY(receipt, decided(session.set_rail_mandate(options.rail, wanted.mandate)));
  }
  context.report(receipt, wanted.mandate.empty() ? fmt::format("There is no mandate for {} any more.", options.rail)
                                                 : fmt::format("The mandate for {} is set: {} bytes.", options.rail,
                                                               wanted.mandate.size()));
  return {};
}

}  // namespace

void add_mandate_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "mandate", "A payer's permissions for its agents' keys.");
  add_command<SignMandateOptions>(
      *group, chosen, "sign", "Sign a mandate and print it. Offline with --network and --asset-text.",
      "  tabctl mandate sign --agent 0x15d3...6a65 --cap 5 --period day --key payer.key > mandate.json\n"
      "  tabctl mandate sign --network acme:tab --asset-text USD --scale 2 --agent 0x15d3...6a65 --cap 5 --key "
      "payer.key",
      [](CLI::App& app, SignMandateOptions& options) { define_sign_mandate(app, options); }, sign_mandate_command);
  add_command<SetOptions>(
      *group, chosen, "set", "Give an agent a mandate, with the payer's key.",
      "  tabctl mandate set mandate.json --key payer.key\n"
      "  tabctl mandate set --agent 0x15d3...6a65 --cap 5 --period day --valid-before +30d --key payer.key",
      [](CLI::App& app, SetOptions& options) {
        app.add_option("file", options.file, "A signed mandate; - is standard input.");
        define_mandate(app, options.mandate, false);
      },
      set);
  add_command<RevokeOptions>(
      *group, chosen, "revoke", "Take a mandate back, with the payer's key or (with --payer) as operator.",
      "  tabctl mandate revoke 0x15d3...6a65 --key payer.key\n  tabctl mandate revoke 0x15d3...6a65 --payer \"Crawler "
      "Inc\"",
      [](CLI::App& app, RevokeOptions& options) {
        app.add_option("agent", options.agent, "The agent's address.")->required();
        app.add_option("--asset", options.asset, "Not needed when there is only one.");
        app.add_option("--payer", options.payer, "As operator: whose mandate. Address, number or label.");
      },
      revoke);
  add_command<MandateListOptions>(
      *group, chosen, "list", "The mandates of a payer, with what was spent of them.",
      "  tabctl mandate list \"Crawler Inc\"\n  tabctl mandate list --role payer --key payer.key",
      [](CLI::App& app, MandateListOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label; not needed with a payer's own key.");
        add_list_options(app, options.list);
      },
      list);
  add_command<RailOptions>(
      *group, chosen, "rail", "Store what one of the payer's rails needs to pull, such as an EIP-2612 permit.",
      "  tabctl mandate rail 0x01... --rail stablecoin --key payer.key\n"
      "  tabctl mandate rail --rail card --payer \"Crawler Inc\" --text \"cus_123;pm_456\"\n"
      "  tabctl mandate rail --rail bank --payer \"Crawler Inc\" --text "
      "\"scheme=sepa-core;name=Crawler Inc;iban=DE02120300000000202051;mandate=M-1;signed=2026-11-01\"",
      [](CLI::App& app, RailOptions& options) {
        app.add_option("mandate", options.mandate, "Hexadecimal, or --text; \"0x\" takes it away.")->required();
        app.add_option("--rail", options.rail, "Which one; see: tabctl rails list")->required();
        app.add_flag("--text", options.text, "The mandate is text, stored as it is.");
        app.add_option("--payer", options.payer, "As operator: whose mandate. Address, number or label.");
      },
      rail);
}

}  // namespace cli
