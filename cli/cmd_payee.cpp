#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct PayeeOptions {
  std::string payee;
  std::optional<std::string> label;
  std::optional<std::string> fee;
  std::optional<std::string> fee_fixed;
  std::optional<std::string> minimum;
  std::string rail;
  std::string account;
  std::string asset;
};

// Where it is paid goes with how: another rail knows other accounts.
Outcome read_payout(const PayeeOptions& options, bool is_new, core::Payee& payee) {
  if (options.rail.empty() && is_new) return usage_failure("A new payee needs --rail.", "See: tabctl rails list");
  if (!options.rail.empty()) {
    const std::optional<base::RailName> rail = base::RailName::parse(options.rail);
    if (!rail)
      return usage_failure(fmt::format("\"{}\" is not the name of a rail.", options.rail), "See: tabctl rails list");
    if (is_new || payee.payout_rail != *rail) payee.payout_account = base::to_hex(payee.address);
    payee.payout_rail = *rail;
  }
  if (!options.account.empty()) payee.payout_account = options.account;
  return {};
}

// What the command line does not name stays as it is.
Outcome add(Context& context, const PayeeOptions& options) {
  CLI_TRY(const base::Address address, parse_address("payee", options.payee));
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  const Result<rpc::PayeeAccount> known = asked(session.payee(address));
  if (!known && known.error().status != base::Status::not_found) return tl::unexpected<Failure>(known.error());
  core::Payee payee = known ? known->payee : core::Payee{};
  payee.address = address;
  if (options.label) payee.label = *options.label;
  if (options.fee) {
    CLI_TRY(payee.fee_basis_points, parse_basis_points(*options.fee));
  }
  CLI_CHECK(read_payout(options, !known.has_value(), payee));
  if (options.fee_fixed || options.minimum) {
    CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
    if (options.fee_fixed) {
      CLI_TRY(payee.fee_fixed, parse_money("--fee-fixed", *options.fee_fixed, asset.scale));
    }
    if (options.minimum) {
      CLI_TRY(payee.payout_minimum, parse_money("--minimum", *options.minimum, asset.scale));
    }
  }
  CLI_TRY(const auto receipt, decided(session.set_payee(payee)));
  context.report(receipt, fmt::format("Payee {} is {}; fee {}, paid by {} to {}.", receipt.result.id,
                                      party_text(payee.label, payee.address), basis_points_text(payee.fee_basis_points),
                                      payee.payout_rail.view(), payee.payout_account));
  return {};
}

Outcome list(Context& context, const ListOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed,
          read_list<core::Payee>(options, [&](rpc::Page page) { return viewer.books()->payees(page); }));
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Payee& payee) { return payee_json(payee, assets); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no payees yet; register one with: tabctl payee add");
    return {};
  }
  Table table({{"ID", Align::right}, {"LABEL"}, {"ADDRESS"}, {"FEE", Align::right}, {"RAIL"}, {"ACCOUNT"}, {"ACTIVE"}});
  for (const core::Payee& payee : listed.items) {
    table.row({std::to_string(payee.id.value), payee.label, base::to_hex(payee.address),
               basis_points_text(payee.fee_basis_points), std::string(payee.payout_rail.view()), payee.payout_account,
               payee.active ? "yes" : "no"});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

Outcome show(Context& context, const PayeeOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const base::Address address, find_payee(*viewer.books(), options.payee));
  CLI_TRY(const rpc::PayeeAccount account, asked_for("payee " + base::to_hex(address), viewer.books()->payee(address)));
  if (context.json()) {
    JsonObject out = payee_json(account.payee, assets).as_object();
    JsonArray balances;
    for (const auto& balance : account.balances) balances.emplace_back(payee_balance_json(balance, assets));
    out["balances"] = std::move(balances);
    context.write_json(out);
    return {};
  }
  Fields fields;
  fields.add("payee", fmt::format("{} {}", account.payee.id.value, account.payee.label));
  fields.add("address", base::to_hex(account.payee.address));
  fields.add("active", account.payee.active ? "yes" : "no");
  fields.add("fee", basis_points_text(account.payee.fee_basis_points));
  fields.add("paid by", fmt::format("{} to {}", account.payee.payout_rail.view(), account.payee.payout_account));
  if (account.payee.own_terms) {
    for (const core::ReleaseRule& rule : account.payee.release) {
      fields.add("gets its share", fmt::format("{} s after {} settled, {} basis points at final", rule.hold_s,
                                               rule.rail.view(), rule.reserve_bp));
    }
    if (account.payee.release.empty()) fields.add("gets its share", "at final");
  }
  const bool at_once = account.payee.payout_every == core::ReleaseDefaults().payout_every;
  fields.add("paid out", !account.payee.own_terms ? "as the configuration says"
                         : at_once                ? "as soon as there is something"
                                                  : "every " + window_text(account.payee.payout_every));
  const auto any_asset = [&assets](core::Amount amount) {  // they hold for each asset, in its own units
    return assets.all().size() == 1 ? assets.text(amount, assets.all().front().id)
                                    : amount.to_units_string() + " units";
  };
  if (!account.payee.payout_minimum.is_zero()) fields.add("paid out from", any_asset(account.payee.payout_minimum));
  if (!account.payee.fee_fixed.is_zero()) fields.add("fee of each payout", any_asset(account.payee.fee_fixed));
  fields.add("registered", time_text(account.payee.registered));
  context.write(fields.render());
  if (account.balances.empty()) {
    context.say("Nothing was earned yet.");
    return {};
  }
  Table table({{"ASSET"},
               {"ACCRUED", Align::right},
               {"PAYABLE", Align::right},
               {"PAID OUT", Align::right},
               {"FEES", Align::right},
               {"OPEN PAYOUT", Align::right}});
  for (const core::PayeeBalance& balance : account.balances) {
    const core::Asset asset = assets.get(balance.asset);
    table.row({asset.symbol, signed_decimal(-(balance.accrued.posted + balance.accrued.pending), asset.scale),
               balance.payable_now.to_decimal_string(asset.scale), balance.paid_out.to_decimal_string(asset.scale),
               balance.fees.to_decimal_string(asset.scale),
               balance.open_payout.valid() ? std::to_string(balance.open_payout.value) : "-"});
  }
  context.write("\n" + table.render(context.color()));
  return {};
}

Outcome set_active(Context& context, const std::string& name, bool active) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const base::Address address, find_payee(session, name));
  CLI_TRY(rpc::PayeeAccount account, asked_for("payee " + base::to_hex(address), session.payee(address)));
  account.payee.active = active;
  CLI_TRY(const auto receipt, decided(session.set_payee(account.payee)));
  context.report(receipt, fmt::format("Payee {} is {}.", name, active ? "active" : "suspended"));
  return {};
}

Outcome suspend(Context& context, const PayeeOptions& options) { return set_active(context, options.payee, false); }
Outcome resume(Context& context, const PayeeOptions& options) { return set_active(context, options.payee, true); }

struct ServerOptions {
  std::string key;
  std::string label;
  std::vector<std::string> payees;
};

Outcome server_add(Context& context, const ServerOptions& options) {
  core::SetServer command;
  CLI_TRY(command.key, parse_address("key", options.key));
  command.label = options.label;
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  if (const auto known = find_server(session, base::to_hex(command.key))) {
    command.active = known->active;
    if (options.label.empty()) command.label = known->label;
  }
  for (const std::string& name : options.payees) {
    CLI_TRY(command.payees.emplace_back(), find_payee(session, name));
  }
  CLI_TRY(const auto receipt, decided(session.set_server(command)));
  context.report(receipt, fmt::format("Server {} is {}; it may charge for {}.", receipt.result.id,
                                      party_text(command.label, command.key), fmt::join(options.payees, ", ")));
  return {};
}

Outcome server_list(Context& context, const ListOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const auto listed,
          read_list<core::Server>(options, [&](rpc::Page page) { return viewer.books()->servers(page); }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Server& server) { return server_json(server, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no resource servers yet; register one with: tabctl server add");
    return {};
  }
  Table table({{"ID", Align::right}, {"LABEL"}, {"KEY"}, {"ACTIVE"}, {"CHARGES FOR"}});
  for (const core::Server& server : listed.items) {
    std::vector<std::string> payees;
    for (const base::PayeeId payee : server.payees) payees.push_back(names.payee(payee));
    table.row({std::to_string(server.id.value), server.label, base::to_hex(server.key), server.active ? "yes" : "no",
               fmt::format("{}", fmt::join(payees, ", "))});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

Outcome server_show(Context& context, const ServerOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const core::Server server, find_server(*viewer.books(), options.key));
  Names names(viewer);
  if (context.json()) {
    context.write_json(server_json(server, names));
    return {};
  }
  Fields fields;
  fields.add("server", fmt::format("{} {}", server.id.value, server.label));
  fields.add("key", base::to_hex(server.key));
  fields.add("active", server.active ? "yes" : "no");
  for (const base::PayeeId payee : server.payees)
    fields.add("charges for", fmt::format("{} ({})", names.payee(payee), names.payee_address(payee)));
  context.write(fields.render());
  return {};
}

Outcome server_set_active(Context& context, const std::string& name, bool active) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const core::Server server, find_server(session, name));
  Names names(viewer);
  core::SetServer command{server.key, server.label, {}, active};
  for (const base::PayeeId payee : server.payees) {
    CLI_TRY(command.payees.emplace_back(), parse_address("payee", names.payee_address(payee)));
  }
  CLI_TRY(const auto receipt, decided(session.set_server(command)));
  context.report(receipt, fmt::format("Server {} is {}.", name, active ? "active" : "suspended"));
  return {};
}

Outcome server_suspend(Context& context, const ServerOptions& options) {
  return server_set_active(context, options.key, false);
}
Outcome server_resume(Context& context, const ServerOptions& options) {
  return server_set_active(context, options.key, true);
}

void define_payee(CLI::App& app, PayeeOptions& options) {
  app.add_option("payee", options.payee, "Address, number or label.")->required();
}

void define_server(CLI::App& app, ServerOptions& options) {
  app.add_option("server", options.key, "Address of its key, or label.")->required();
}

void add_server_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "server", "Resource servers: whose keys may submit, and for which payees.");
  add_command<ServerOptions>(
      *group, chosen, "add", "Register a resource server's key, or change its label and payees.",
      "  tabctl server add 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --label eu-1 --payee weather-api",
      [](CLI::App& app, ServerOptions& options) {
        app.add_option("key", options.key, "Address of the key that signs its batches.")->required();
        app.add_option("--label", options.label, "A name for people.");
        app.add_option("--payee", options.payees, "Address, number or label; may be repeated.")->required();
      },
      server_add);
  add_command<ListOptions>(*group, chosen, "list", "List resource servers.", "  tabctl server list", add_list_options,
                           server_list);
  add_command<ServerOptions>(*group, chosen, "show", "One resource server.", "  tabctl server show eu-1", define_server,
                             server_show);
  add_command<ServerOptions>(*group, chosen, "suspend", "Refuse a resource server's batches.",
                             "  tabctl server suspend eu-1", define_server, server_suspend);
  add_command<ServerOptions>(*group, chosen, "resume", "Accept a resource server's batches again.",
                             "  tabctl server resume eu-1", define_server, server_resume);
}

}  // namespace

void add_payee_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "payee", "Who is owed: register and look at payees.");
  add_command<PayeeOptions>(
      *group, chosen, "add", "Register a payee, or change what is given of one.",
      "  tabctl payee add 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --label weather-api --fee 2.5% --rail stablecoin\n"
      "  tabctl payee add 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --rail card --account acct_1Abc\n"
      "  tabctl payee add 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --rail bank --account "
      "\"scheme=sepa;name=Weather API GmbH;iban=DE02120300000000202051\"",
      [](CLI::App& app, PayeeOptions& options) {
        app.add_option("address", options.payee, "The address that commitments name.")->required();
        app.add_option("--label", options.label, "A name for people.");
        app.add_option("--fee", options.fee, "The operator's share of what is collected: 2.5% or 250 (basis points).");
        app.add_option("--fee-fixed", options.fee_fixed, "Taken from each payout.");
        app.add_option("--minimum", options.minimum, "Payouts wait until this much is payable.");
        app.add_option("--asset", options.asset, "The asset of these two amounts; not needed when there is only one.");
        app.add_option("--rail", options.rail, "How it is paid: stablecoin, card, bank, ...; a new payee needs it");
        app.add_option("--account", options.account,
                       "Where it is paid: an address (its own, if not given), by card acct_..., by bank "
                       "\"scheme=sepa;name=...;iban=...\".");
      },
      add);
  add_command<ListOptions>(*group, chosen, "list", "List payees.", "  tabctl payee list", add_list_options, list);
  add_command<PayeeOptions>(*group, chosen, "show", "One payee: terms and balances.", "  tabctl payee show weather-api",
                            define_payee, show);
  add_command<PayeeOptions>(*group, chosen, "suspend", "Refuse new charges for a payee.",
                            "  tabctl payee suspend weather-api", define_payee, suspend);
  add_command<PayeeOptions>(*group, chosen, "resume", "Accept charges for a payee again.",
                            "  tabctl payee resume weather-api", define_payee, resume);
  add_server_commands(root, chosen);
}

}  // namespace cli
