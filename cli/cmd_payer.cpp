#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct AddOptions {
  std::string address;
  std::string label;
  std::vector<std::string> plans;
};

Outcome add(Context& context, const AddOptions& options) {
  core::SetPayer command;
  CLI_TRY(command.address, parse_address("payer", options.address));
  command.label = options.label;
  command.plans = options.plans;
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto receipt, decided(session.set_payer(command)));
  context.report(receipt, fmt::format("Payer {} is {}, on {}.", receipt.result.id,
                                      party_text(options.label, command.address), fmt::join(options.plans, ", ")));
  return {};
}

Outcome list(Context& context, const ListOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const auto listed,
          read_list<core::Payer>(options, [&](rpc::Page page) { return viewer.books()->payers(page); }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Payer& payer) { return payer_json(payer, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no payers{}.",
                options.after == 0 ? " yet; register one with: tabctl payer add" : " after this cursor");
    return {};
  }
  Table table({{"ID", Align::right}, {"LABEL"}, {"ADDRESS"}, {"STANDING"}, {"PLANS"}, {"REGISTERED"}});
  for (const core::Payer& payer : listed.items) {
    std::vector<std::string> plans;
    for (const base::PlanId plan : payer.plans) plans.push_back(names.plan(plan));
    table.row({std::to_string(payer.id.value), payer.label, base::to_hex(payer.address),
               std::string(word(payer.standing)), fmt::format("{}", fmt::join(plans, ", ")),
               time_text(payer.registered)});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

void add_tally(Context& context, const rpc::TallyView& tally, const AssetBook& assets, Names& names) {
  const auto text = [&](core::Amount amount) { return assets.text(amount, tally.asset); };
  Fields fields;
  fields.add("  plan", names.plan(tally.plan));
  fields.add("  exposure", fmt::format("{} of {}{}", text(tally.exposure()), text(tally.credit_limit),
                                       tally.credit_limit_override.is_zero() ? "" : " (own limit)"));
  fields.add("    held", text(tally.held));
  fields.add("    unbilled", text(tally.unbilled));
  fields.add("    billed", text(tally.billed));
  fields.add("  credit", text(tally.credit));
  if (tally.window.end.us == 0) {
    fields.add("  window", "none is open");
  } else {
    fields.add("  window", fmt::format("number {}, {} to {}", tally.window_number, time_text(tally.window.start),
                                       time_text(tally.window.end)));
    fields.add("  entries", thousands(tally.entries));
  }
  context.say("\n{}", assets.get(tally.asset).symbol);
  context.write(fields.render());
}

void show_lines(Context& context, const rpc::TallyView& tally, const AssetBook& assets, Names& names) {
  if (tally.lines.empty()) return;
  Table table(
      {{"  PAYEE"}, {"RESOURCE"}, {"CHARGES", Align::right}, {"QUANTITY", Align::right}, {"AMOUNT", Align::right}});
  for (const aggregator::Line& line : tally.lines) {
    table.row({"  " + names.payee(line.payee), resource_text(line.resource), thousands(line.charges),
               thousands(line.quantity), assets.text(line.amount, tally.asset)});
  }
  context.write(table.render(context.color()));
}

struct PayerOptions {
  std::string payer;
  std::string asset;
  std::string amount;
  std::string reason;
  std::vector<std::string> plans;
};

Result<rpc::PayerAccount> account_of(Viewer& viewer, const std::string& name) {
  if (viewer.books() == nullptr) return asked(viewer.payer()->account());
  CLI_TRY(const base::Address address, find_payer(*viewer.books(), name));
  CLI_TRY(rpc::PayerAccount account, asked_for("payer " + base::to_hex(address), viewer.books()->payer(address)));
  for (rpc::TallyView& tally : account.tallies)
    if (auto whole = viewer.books()->tally(address, tally.asset)) tally = std::move(*whole);
  return account;
}

Outcome show(Context& context, const PayerOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  if (viewer.books() != nullptr && options.payer.empty())
    return usage_failure("Which payer? Name it by address, number or label.", "See: tabctl payer list");
  CLI_TRY(const rpc::PayerAccount account, account_of(viewer, options.payer));
  CLI_TRY(const AssetBook assets, context.assets());
  Names names(viewer);
  if (context.json()) {
    JsonObject out = payer_json(account.payer, names).as_object();
    JsonArray tallies;
    for (const auto& tally : account.tallies) tallies.emplace_back(tally_json(tally, assets, names));
    out["tallies"] = std::move(tallies);
    context.write_json(out);
    return {};
  }
  Fields fields;
  fields.add("payer", fmt::format("{} {}", account.payer.id.value, account.payer.label));
  fields.add("address", base::to_hex(account.payer.address));
  fields.add("standing", std::string(word(account.payer.standing)));
  fields.add("registered", time_text(account.payer.registered));
  if (account.payer.rail_mandates.empty()) fields.add("rail mandates", "none");
  for (const core::RailMandate& one : account.payer.rail_mandates)
    fields.add(fmt::format("{} mandate", one.rail.view()), fmt::format("{} bytes", one.mandate.size()));
  context.write(fields.render());
  if (account.tallies.empty()) context.say("Nothing was charged yet.");
  for (const auto& tally : account.tallies) {
    add_tally(context, tally, assets, names);
    show_lines(context, tally, assets, names);
  }
  return {};
}

Outcome suspend(Context& context, const PayerOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const base::Address address, find_payer(session, options.payer));
  CLI_TRY(const auto receipt, decided(session.suspend(address, options.reason)));
  context.report(receipt, fmt::format("Payer {} is suspended: new commitments get payer_suspended.", options.payer));
  return {};
}

Outcome resume(Context& context, const PayerOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const base::Address address, find_payer(session, options.payer));
  CLI_TRY(const auto receipt, decided(session.resume(address, options.reason)));
  context.report(receipt, fmt::format("Payer {} is active.", options.payer));
  return {};
}

Outcome limit(Context& context, const PayerOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  core::SetCreditLimit command;
  CLI_TRY(command.payer, find_payer(session, options.payer));
  command.asset = asset.id;
  const bool of_plan = options.amount == "plan";
  if (!of_plan) {
    CLI_TRY(command.limit, parse_money("limit", options.amount, asset.scale));
    if (command.limit.is_zero())
      return usage_failure("A limit of zero cannot be set.",
                           "To stop a payer: tabctl payer suspend PAYER. For the "
                           "plan's limit again: tabctl payer limit PAYER plan");
  }
  CLI_TRY(const auto receipt, decided(session.set_credit_limit(command)));
  context.report(receipt, of_plan ? fmt::format("The limit of {} is the plan's.", options.payer)
                                  : fmt::format("The limit of {} is {}.", options.payer,
                                                money(command.limit, asset.scale, asset.symbol)));
  return {};
}

Outcome plan(Context& context, const PayerOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const base::Address address, find_payer(session, options.payer));
  CLI_TRY(const rpc::PayerAccount account, asked_for("payer " + base::to_hex(address), session.payer(address)));
  const core::SetPayer command{address, account.payer.label, options.plans};
  CLI_TRY(const auto receipt, decided(session.set_payer(command)));
  context.report(receipt, fmt::format("Payer {} is on {}.", options.payer, fmt::join(options.plans, ", ")));
  return {};
}

// What a resource server may know, or an operator sees.
Outcome exposure(Context& context, const PayerOptions& options) {
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  CLI_TRY(const Role role, context.settings().parsed_role());
  rpc::Exposure answer;
  Result<tabd::ServerSession> server = role == Role::any || role == Role::server
                                           ? context.server_session()
                                           : Result<tabd::ServerSession>(tl::unexpected<Failure>(Failure{}));
  if (server) {
    CLI_TRY(const base::Address address, parse_address("payer", options.payer));
    CLI_TRY(answer, asked(server->exposure(address, asset.id)));
  } else {
    if (role == Role::server || server.error().code == ExitCode::unreachable)
      return tl::unexpected<Failure>(server.error());
    CLI_TRY(Viewer viewer, context.viewer(false));
    CLI_TRY(const base::Address address, find_payer(*viewer.books(), options.payer));
    CLI_TRY(const rpc::PayerAccount account,
            asked_for("payer " + base::to_hex(address), viewer.books()->payer(address)));
    CLI_TRY(const rpc::TallyView tally, asked(viewer.books()->tally(address, asset.id)));
    answer = {account.payer.standing, tally.credit_limit, tally.exposure(),
              base::subtract_to_zero(tally.credit_limit, tally.exposure())};
  }
  if (context.json()) {
    JsonObject out;
    out["payer"] = options.payer;
    out["asset"] = asset.symbol;
    out["standing"] = text_json(word(answer.standing));
    out["limit"] = answer.limit.to_decimal_string(asset.scale);
    out["exposure"] = answer.exposure.to_decimal_string(asset.scale);
    out["available"] = answer.available.to_decimal_string(asset.scale);
    context.write_json(out);
    return {};
  }
  Fields fields;
  fields.add("standing", std::string(word(answer.standing)));
  fields.add("exposure", money(answer.exposure, asset.scale, asset.symbol));
  fields.add("limit", money(answer.limit, asset.scale, asset.symbol));
  fields.add("available", money(answer.available, asset.scale, asset.symbol));
  context.write(fields.render());
  return {};
}

void define_payer(CLI::App& app, PayerOptions& options) {
  app.add_option("payer", options.payer, "Address, number or label.")->required();
}

void define_reason(CLI::App& app, PayerOptions& options) {
  define_payer(app, options);
  app.add_option("--reason", options.reason, "For the journal and for the payer.")->required();
}

}  // namespace

void add_payer_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "payer", "Who owes: register, look at, limit and suspend payers.");
  add_command<AddOptions>(
      *group, chosen, "add", "Register a payer, or change its label and plans.",
      "  tabctl payer add 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --label \"Crawler Inc\" --plan daily-usdc",
      [](CLI::App& app, AddOptions& options) {
        app.add_option("address", options.address, "The address that signs.")->required();
        app.add_option("--label", options.label, "A name for people.");
        app.add_option("--plan", options.plans, "How it is billed; once for each asset. See: tabctl plan list")
            ->required();
      },
      add);
  add_command<ListOptions>(*group, chosen, "list", "List payers in order of registration.",
                           "  tabctl payer list\n  tabctl payer list --all --json", add_list_options, list);
  add_command<PayerOptions>(
      *group, chosen, "show", "One payer: standing, exposure, the open window and its lines.",
      "  tabctl payer show \"Crawler Inc\"\n  tabctl payer show 3 --json\n  tabctl payer show --role payer --key "
      "my.key",
      [](CLI::App& app, PayerOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label; not needed with a payer's own key.");
      },
      show);
  add_command<PayerOptions>(*group, chosen, "suspend", "Refuse new commitments of a payer.",
                            "  tabctl payer suspend 3 --reason \"asked by the payer\"", define_reason, suspend);
  add_command<PayerOptions>(*group, chosen, "resume", "Accept a payer's commitments again.",
                            "  tabctl payer resume 3 --reason \"card replaced\"", define_reason, resume);
  add_command<PayerOptions>(
      *group, chosen, "limit", "Give a payer its own credit limit, or the plan's again.",
      "  tabctl payer limit 3 250 --asset USDC\n  tabctl payer limit 3 plan",
      [](CLI::App& app, PayerOptions& options) {
        define_payer(app, options);
        app.add_option("amount", options.amount, "The limit as a decimal, or \"plan\".")->required();
        app.add_option("--asset", options.asset, "Symbol, number or signed text; not needed when there is only one.");
      },
      limit);
  add_command<PayerOptions>(
      *group, chosen, "plan", "Change how a payer is billed.", "  tabctl payer plan 3 monthly-usdc",
      [](CLI::App& app, PayerOptions& options) {
        define_payer(app, options);
        app.add_option("plan", options.plans, "Labels, one for each asset; they replace what is there.")->required();
      },
      plan);
  add_command<PayerOptions>(
      root, chosen, "exposure", "What a payer owes and may still spend. Works for servers, operators and auditors.",
      "  tabctl exposure 0x7099...79c8 --key server.key\n  tabctl exposure \"Crawler Inc\" --asset USDC",
      [](CLI::App& app, PayerOptions& options) {
        define_payer(app, options);
        app.add_option("--asset", options.asset, "Symbol, number or signed text; not needed when there is only one.");
      },
      exposure);
}

}  // namespace cli
