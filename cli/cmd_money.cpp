#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct BalanceOptions {
  std::string payer;
  std::string payee;
};

Outcome payer_balance(Context& context, Viewer& viewer, const std::string& name, const AssetBook& assets) {
  rpc::PayerAccount account;
  if (viewer.books() != nullptr) {
    CLI_TRY(const base::Address address, find_payer(*viewer.books(), name));
    CLI_TRY(account, asked_for("payer " + base::to_hex(address), viewer.books()->payer(address)));
  } else {
    CLI_TRY(account, asked(viewer.payer()->account()));
  }
  Names names(viewer);
  if (context.json()) {
    JsonObject out;
    out["payer"] = base::to_hex(account.payer.address);
    JsonArray tallies;
    for (const rpc::TallyView& tally : account.tallies) tallies.emplace_back(tally_json(tally, assets, names));
    out["items"] = std::move(tallies);
    context.write_json(out);
    return {};
  }
  if (account.tallies.empty()) {
    context.say("This payer owes nothing and never did.");
    return {};
  }
  Table table({{"ASSET"},
               {"UNBILLED", Align::right},
               {"BILLED", Align::right},
               {"HELD", Align::right},
               {"CREDIT", Align::right},
               {"LIMIT", Align::right},
               {"AVAILABLE", Align::right}});
  for (const rpc::TallyView& tally : account.tallies) {
    const auto text = [&](core::Amount amount) { return assets.decimal(amount, tally.asset); };
    table.row({assets.get(tally.asset).symbol, text(tally.unbilled), text(tally.billed), text(tally.held),
               text(tally.credit), text(tally.credit_limit),
               text(base::subtract_to_zero(tally.credit_limit, tally.exposure()))});
  }
  context.write(table.render(context.color()));
  return {};
}

Outcome payee_balance(Context& context, Viewer& viewer, const std::string& name, const AssetBook& assets) {
  CLI_TRY(const base::Address address, find_payee(*viewer.books(), name));
  CLI_TRY(const rpc::PayeeAccount account, asked_for("payee " + base::to_hex(address), viewer.books()->payee(address)));
  if (context.json()) {
    JsonObject out;
    out["payee"] = base::to_hex(address);
    JsonArray balances;
    for (const core::PayeeBalance& one : account.balances) balances.emplace_back(payee_balance_json(one, assets));
    out["items"] = std::move(balances);
    context.write_json(out);
    return {};
  }
  if (account.balances.empty()) {
    context.say("Nothing was earned yet.");
    return {};
  }
  Table table({{"ASSET"},
               {"NOT YET COLLECTED", Align::right},
               {"IN RESERVE", Align::right},
               {"TO GIVE BACK", Align::right},
               {"PAYABLE NOW", Align::right},
               {"PAID OUT", Align::right},
               {"FEES", Align::right}});
  for (const core::PayeeBalance& one : account.balances) {
    const core::Asset asset = assets.get(one.asset);
    table.row({asset.symbol, signed_decimal(-(one.accrued.posted + one.accrued.pending), asset.scale),
               signed_decimal(-one.reserve.posted, asset.scale), signed_decimal(one.recoverable.posted, asset.scale),
               one.payable_now.to_decimal_string(asset.scale), one.paid_out.to_decimal_string(asset.scale),
               one.fees.to_decimal_string(asset.scale)});
  }
  context.write(table.render(context.color()));
  return {};
}

Outcome operator_balance(Context& context, Viewer& viewer, const AssetBook& assets) {
  CLI_TRY(const std::vector<core::OperatorBalance> balances, asked(viewer.books()->operator_balances()));
  if (context.json()) {
    JsonObject out;
    JsonArray items;
    for (const core::OperatorBalance& one : balances) items.emplace_back(operator_balance_json(one, assets));
    out["items"] = std::move(items);
    context.write_json(out);
    return {};
  }
  if (balances.empty()) {
    context.say("The operator's accounts are empty: nothing was collected yet.");
    return {};
  }
  Table table({{"ASSET"}, {"ACCOUNT"}, {"POSTED", Align::right}, {"PENDING", Align::right}});
  for (const core::OperatorBalance& one : balances) {
    const core::Asset asset = assets.get(one.asset);
    const auto row = [&](const char* account, const core::Balance& balance, bool credit_normal) {
      const base::i128 sign = credit_normal ? -1 : 1;
      table.row({asset.symbol, account, signed_decimal(sign * balance.posted, asset.scale),
                 signed_decimal(sign * balance.pending, asset.scale)});
    };
    row("cash", one.cash, false);
    row("collected, under way", one.in_transit, false);
    row("paid out, under way", one.out_transit, true);
    row("revenue", one.revenue, true);
    row("bad debt", one.bad_debt, false);
    row("rounding", one.rounding, true);
    row("kept by rails", one.rail_fees, false);
    row("suspense", one.suspense, true);
    row("tax to be paid", one.tax, true);
    row("refunds to be paid", one.refunds, true);
  }
  context.write(table.render(context.color()));
  return {};
}

Outcome balance(Context& context, const BalanceOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const AssetBook assets, context.assets());
  if (viewer.books() == nullptr || !options.payer.empty()) return payer_balance(context, viewer, options.payer, assets);
  if (!options.payee.empty()) return payee_balance(context, viewer, options.payee, assets);
  return operator_balance(context, viewer, assets);
}

struct MoneyOptions {
  std::string payer;
  std::string amount;
  std::string asset;
  std::string reason;
  std::string reference;
  std::uint64_t statement = 0;
};

Outcome credit_note(Context& context, const MoneyOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  core::CreateCreditNote note;
  CLI_TRY(note.payer, find_payer(session, options.payer));
  note.asset = asset.id;
  note.statement = core::StatementId(options.statement);
  CLI_TRY(note.amount, parse_money("amount", options.amount, asset.scale));
  note.reason = options.reason;
  note.reference = options.reference;
  CLI_TRY(const auto receipt, decided(session.credit_note(note)));
  const std::string amount = money(note.amount, asset.scale, asset.symbol);
  const std::string what = options.statement == 0
                               ? fmt::format("{} has {} credit, which the next bill uses", options.payer, amount)
                               : fmt::format("statement {} is credited with {}", options.statement, amount);
  context.report(receipt, fmt::format("By credit note {} {}; see: tabctl invoice --credit-note {}", receipt.result.id,
                                      what, receipt.result.id));
  return {};
}

Outcome write_off(Context& context, const MoneyOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto receipt, decided(session.write_off(core::StatementId(options.statement), options.reason)));
  context.report(receipt, fmt::format("Statement {} is written off.", options.statement));
  return {};
}

Outcome close(Context& context, const MoneyOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  CLI_TRY(const base::Address payer, find_payer(session, options.payer));
  CLI_TRY(const auto receipt, decided(session.close_now(payer, asset.id)));
  context.report(receipt, receipt.result.id == 0
                              ? fmt::format("The window of {} is closed; nothing was billed.", options.payer)
                              : fmt::format("The window of {} is closed; see: tabctl statement list --payer {}",
                                            options.payer, base::to_hex(payer)));
  return {};
}

}  // namespace

void add_money_commands(CLI::App& root, Chosen& chosen) {
  add_command<BalanceOptions>(
      root, chosen, "balance", "The books: of the operator, of a payer or of a payee.",
      "  tabctl balance\n  tabctl balance --payer \"Crawler Inc\"\n  tabctl balance --payee weather-api",
      [](CLI::App& app, BalanceOptions& options) {
        CLI::Option* payer = app.add_option("--payer", options.payer, "Address, number or label.");
        app.add_option("--payee", options.payee, "Address, number or label.")->excludes(payer);
      },
      balance);
  add_command<MoneyOptions>(
      root, chosen, "credit-note", "Give a payer money back on a statement, or as goodwill on the next.",
      "  tabctl credit-note \"Crawler Inc\" 1.50 --statement 17 --reason \"service was down\" --reference ticket-4711",
      [](CLI::App& app, MoneyOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label.")->required();
        app.add_option("amount", options.amount, "As a decimal.")->required();
        app.add_option("--statement", options.statement, "At most what was billed on it; goodwill, if not given.");
        app.add_option("--asset", options.asset, "Not needed when there is only one.");
        app.add_option("--reason", options.reason, "For the journal and the payer.")->required();
        app.add_option("--reference", options.reference, kReferenceHelp)->required();
      },
      credit_note);
  add_command<MoneyOptions>(
      root, chosen, "write-off", "Give up a statement that cannot be collected.",
      "  tabctl write-off 17 --reason \"payer is insolvent\"",
      [](CLI::App& app, MoneyOptions& options) {
        app.add_option("statement", options.statement, "Its number.")->required();
        app.add_option("--reason", options.reason, "For the journal.")->required();
      },
      write_off);
  add_command<MoneyOptions>(
      root, chosen, "close", "Close a payer's open window now, before its end.", "  tabctl close \"Crawler Inc\"",
      [](CLI::App& app, MoneyOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label.")->required();
        app.add_option("--asset", options.asset, "Not needed when there is only one.");
      },
      close);
}

}  // namespace cli
