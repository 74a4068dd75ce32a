#include "cli/command.h"
#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

constexpr std::uint8_t kPercentScale = 4;  // millionths as a percentage: 19.5 is 195,000 ppm

Json credit_note_json(const core::CreditNote& note, const AssetBook& assets, Names& names) {
  const core::Asset asset = assets.get(note.asset);
  JsonObject out;
  out["id"] = note.id.value;
  out["number"] = core::document_number(note.series, note.number);
  out["payer"] = names.payer(note.payer);
  out["payer_address"] = names.payer_address(note.payer);
  out["asset"] = asset.symbol;
  out["statement"] = note.statement.valid() ? Json(note.statement.value) : Json(nullptr);
  out["amount"] = note.amount.to_decimal_string(asset.scale);
  out["net"] = note.net.to_decimal_string(asset.scale);
  out["tax"] = note.tax.to_decimal_string(asset.scale);
  out["reduced_due"] = note.reduced_due.to_decimal_string(asset.scale);
  out["credited"] = note.credited.to_decimal_string(asset.scale);
  out["reason"] = note.reason;
  out["reference"] = note.reference;
  out["noted_by"] = note.noted_by.value;
  out["time"] = time_json(note.time);
  return out;
}

Json payment_json(const core::Payment& payment, const AssetBook& assets, Names& names) {
  const core::Asset asset = assets.get(payment.asset);
  JsonObject out;
  out["id"] = payment.id.value;
  out["payer"] = names.payer(payment.payer);
  out["payer_address"] = names.payer_address(payment.payer);
  out["asset"] = asset.symbol;
  out["amount"] = payment.amount.to_decimal_string(asset.scale);
  out["reference"] = payment.reference;
  out["received"] = time_json(payment.received);
  JsonArray parts;
  for (const core::Payment::Part& part : payment.parts) {
    JsonObject one;
    one["statement"] = part.statement.value;
    one["amount"] = part.amount.to_decimal_string(asset.scale);
    parts.emplace_back(std::move(one));
  }
  out["parts"] = std::move(parts);
  out["credited"] = payment.credited.to_decimal_string(asset.scale);
  out["time"] = time_json(payment.time);
  return out;
}

struct TaxOptions {
  std::string payer;
  std::string rate;
  std::string label;
  std::string note;
};

Outcome set_tax(Context& context, const TaxOptions& options) {
  core::SetTax wanted;
  CLI_TRY(const core::Amount rate, parse_money("rate", options.rate, kPercentScale));
  if (rate.units() > 1'000'000) return usage_failure("A tax of more than 100 % is none.", "--rate 19 is 19 %.");
  wanted.tax = {static_cast<std::uint32_t>(rate.units()), options.label, options.note};
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(wanted.payer, find_payer(session, options.payer));
  CLI_TRY(const auto receipt, decided(session.set_tax(wanted)));
  context.report(receipt, fmt::format("From the next statement on {} pays {} % tax.", options.payer, options.rate));
  return {};
}

struct RefundOptions {
  std::string payer;
  std::string amount;
  std::string asset;
  std::string reason;
  std::string reference;
  std::uint64_t statement = 0;
};

Outcome refund(Context& context, const RefundOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  core::RefundPayer wanted;
  CLI_TRY(wanted.payer, find_payer(session, options.payer));
  wanted.asset = asset.id;
  wanted.statement = core::StatementId(options.statement);
  CLI_TRY(wanted.amount, parse_money("amount", options.amount, asset.scale));
  wanted.reason = options.reason;
  wanted.reference = options.reference;
  CLI_TRY(const auto receipt, decided(session.refund(wanted)));
  context.report(receipt, fmt::format("Settlement {} refunds {} of statement {}; see: tabctl settlement show {}",
                                      receipt.result.id, money(wanted.amount, asset.scale, asset.symbol),
                                      options.statement, receipt.result.id));
  return {};
}

struct PaymentOptions {
  std::string payer;
  std::string amount;
  std::string asset;
  std::string reference;
  std::string received;
  std::uint64_t statement = 0;
};

Outcome record_payment(Context& context, const PaymentOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Asset asset, assets.find_or_only(options.asset));
  core::RecordPayment wanted;
  CLI_TRY(wanted.payer, find_payer(session, options.payer));
  wanted.asset = asset.id;
  wanted.statement = core::StatementId(options.statement);
  CLI_TRY(wanted.amount, parse_money("amount", options.amount, asset.scale));
  wanted.reference = options.reference;
  if (!options.received.empty()) {
    CLI_TRY(const std::uint64_t seconds, parse_when(options.received, context.now()));
    wanted.received = base::Time::from_seconds(seconds);
  }
  CLI_TRY(const auto receipt, decided(session.record_payment(wanted)));
  context.report(receipt,
                 fmt::format("Payment {} of {} is recorded; see: tabctl payment list --payer {}", receipt.result.id,
                             money(wanted.amount, asset.scale, asset.symbol), base::to_hex(wanted.payer)));
  return {};
}

struct TermsOptions {
  std::string payee;
  std::vector<std::string> release;
  std::optional<std::string> every;
  bool defaults = false;
};

// RAIL:HOLD or RAIL:HOLD:BASIS_POINTS, such as card:7d:1000.
Result<core::ReleaseRule> parse_rule(const std::string& text) {
  const auto wrong = [&] {
    return usage_failure(fmt::format("\"{}\" is not a rule.", text),
                         "RAIL:HOLD or RAIL:HOLD:RESERVE, such as card:7d:1000 (a tenth is held back until final).");
  };
  const std::size_t first = text.find(':');
  if (first == std::string::npos) return wrong();
  const std::size_t second = text.find(':', first + 1);
  core::ReleaseRule rule;
  const std::optional<base::RailName> rail = base::RailName::parse(std::string_view(text).substr(0, first));
  if (!rail || first == 0) return wrong();
  rule.rail = *rail;
  CLI_TRY(rule.hold_s, parse_duration(std::string_view(text).substr(first + 1, second - first - 1)));
  if (second != std::string::npos) {
    CLI_TRY(rule.reserve_bp, parse_basis_points(text.substr(second + 1)));
  }
  return rule;
}

// What the command line does not name stays as it is.
Outcome set_terms(Context& context, const TermsOptions& options) {
  if (options.release.empty() && !options.every && !options.defaults)
    return usage_failure("Nothing to change: name --release, --every or --default.",
                         fmt::format("What there is: tabctl payee show {}", options.payee));
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const base::Address address, find_payee(session, options.payee));
  CLI_TRY(rpc::PayeeAccount account, asked_for("payee " + base::to_hex(address), session.payee(address)));
  core::ReleaseDefaults terms;
  if (account.payee.own_terms && !options.defaults) terms = {account.payee.release, account.payee.payout_every};
  const bool none = options.release == std::vector<std::string>{"none"};
  if (!options.release.empty()) terms.release.clear();
  for (const std::string& text : none ? std::vector<std::string>() : options.release) {
    CLI_TRY(terms.release.emplace_back(), parse_rule(text));
  }
  if (options.every) {
    terms.payout_every = core::ReleaseDefaults().payout_every;
    if (*options.every != "asap") {
      CLI_TRY(terms.payout_every, parse_window(*options.every));
    }
  }
  account.payee.own_terms = !options.defaults;
  account.payee.release = terms.release;
  account.payee.payout_every = terms.payout_every;
  CLI_TRY(const auto receipt, decided(session.set_payee(account.payee)));
  context.report(receipt, options.defaults ? fmt::format("Payee {} has the terms of the configuration.", options.payee)
                                           : fmt::format("Payee {} has terms of its own; see: tabctl payee show {}",
                                                         options.payee, base::to_hex(address)));
  return {};
}

struct OfPayer {
  std::string payer;
  ListOptions list;
};

Result<base::Address> filter(Viewer& viewer, const std::string& payer) {
  if (payer.empty()) return base::Address{};
  return find_payer(*viewer.books(), payer);
}

Outcome list_payments(Context& context, const OfPayer& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const base::Address payer, filter(viewer, options.payer));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed, read_list<core::Payment>(
                                 options.list, [&](rpc::Page page) { return viewer.books()->payments(payer, page); }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Payment& one) { return payment_json(one, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("No payment came by itself yet.");
    return {};
  }
  Table table({{"NUMBER", Align::right},
               {"PAYER"},
               {"RECEIVED"},
               {"AMOUNT", Align::right},
               {"STATEMENTS"},
               {"CREDIT", Align::right},
               {"REFERENCE"}});
  for (const core::Payment& one : listed.items) {
    std::string statements;
    for (const core::Payment::Part& part : one.parts) {
      statements += (statements.empty() ? "" : " ") + std::to_string(part.statement.value);
    }
    table.row({std::to_string(one.id.value), names.payer(one.payer), time_text(one.received),
               assets.text(one.amount, one.asset), statements.empty() ? "-" : statements,
               assets.decimal(one.credited, one.asset), one.reference});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

Outcome list_notes(Context& context, const OfPayer& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  base::Address payer;
  if (viewer.books() != nullptr) {
    CLI_TRY(payer, filter(viewer, options.payer));
  }
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed, read_list<core::CreditNote>(options.list, [&](rpc::Page page) {
            return viewer.books() != nullptr ? viewer.books()->credit_notes(payer, page)
                                             : viewer.payer()->credit_notes(page);
          }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::CreditNote& one) { return credit_note_json(one, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no credit notes yet.");
    return {};
  }
  Table table({{"ID", Align::right},
               {"NUMBER"},
               {"PAYER"},
               {"MADE"},
               {"STATEMENT", Align::right},
               {"AMOUNT", Align::right},
               {"TAX IN IT", Align::right},
               {"AS CREDIT", Align::right},
               {"REFERENCE"},
               {"REASON"}});
  for (const core::CreditNote& one : listed.items) {
    table.row({std::to_string(one.id.value), core::document_number(one.series, one.number), names.payer(one.payer),
               time_text(one.time), one.statement.valid() ? std::to_string(one.statement.value) : "-",
               assets.text(one.amount, one.asset), assets.decimal(one.tax, one.asset),
               assets.decimal(one.credited, one.asset), one.reference, one.reason});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

void define_of_payer(CLI::App& app, OfPayer& options) {
  app.add_option("--payer", options.payer, "Address, number or label.");
  add_list_options(app, options.list);
}

}  // namespace

void add_billing_commands(CLI::App& root, Chosen& chosen) {
  add_command<TaxOptions>(
      *root.get_subcommand("payer"), chosen, "tax", "Say what tax is put on a payer's statements.",
      "  tabctl payer tax \"Crawler Inc\" 19 --label \"VAT 19 %\"\n"
      "  tabctl payer tax 3 0 --note \"reverse charge\"",
      [](CLI::App& app, TaxOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label.")->required();
        app.add_option("rate", options.rate, "Percent, with at most four decimals; 0: none.")->required();
        app.add_option("--label", options.label, "Its name on the invoice.");
        app.add_option("--note", options.note, "A sentence on the invoice.");
      },
      set_tax);
  add_command<TermsOptions>(
      *root.get_subcommand("payee"), chosen, "terms", "Say when a payee gets its share, and how often it is paid.",
      "  tabctl payee terms weather-api --release card:7d:1000 --release bank:3d --every week\n"
      "  tabctl payee terms weather-api --default",
      [](CLI::App& app, TermsOptions& options) {
        app.add_option("payee", options.payee, "Address, number or label.")->required();
        app.add_option("--release", options.release,
                       "RAIL:HOLD[:RESERVE]: so long after the rail has settled, less the reserve (basis points or %) "
                       "until final. All rules together; none: at final, on every rail.");
        app.add_option("--every", options.every, "asap, day, week, month (of a zone: week@Europe/Berlin), a duration.");
        app.add_flag("--default", options.defaults, "Those of the configuration again.");
      },
      set_terms);
  add_command<RefundOptions>(
      root, chosen, "refund", "Send a payer's credit back by the rail that collected a statement.",
      "  tabctl credit-note \"Crawler Inc\" 1.50 --statement 17 --reason \"service was down\" --reference ticket-4711\n"
      "  tabctl refund \"Crawler Inc\" 1.50 --statement 17 --reason \"asked for it\" --reference ticket-4711",
      [](CLI::App& app, RefundOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label.")->required();
        app.add_option("amount", options.amount, "As a decimal; at most the payer's credit.")->required();
        app.add_option("--statement", options.statement, "Whose collection is refunded.")->required();
        app.add_option("--asset", options.asset, "Not needed when there is only one.");
        app.add_option("--reason", options.reason, "For the journal.")->required();
        app.add_option("--reference", options.reference, kReferenceHelp)->required();
      },
      refund);
  CLI::App* payment = add_group(root, "payment", "Payments that came by themselves, and what they paid.");
  add_command<PaymentOptions>(
      *payment, chosen, "record", "Record a payment that came by itself; what it does not pay is the payer's credit.",
      "  tabctl payment record \"Crawler Inc\" 120 --reference \"wire 2026-11-20/17\"\n"
      "  tabctl payment record 3 50 --statement 17 --reference \"cheque 4711\"",
      [](CLI::App& app, PaymentOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label.")->required();
        app.add_option("amount", options.amount, "As a decimal.")->required();
        app.add_option("--statement", options.statement, "Which it pays; otherwise the open ones, the oldest first.");
        app.add_option("--asset", options.asset, "Not needed when there is only one.");
        app.add_option("--reference", options.reference, "Of the payment: the same is recorded once.")->required();
        app.add_option("--received", options.received,
                       "When it came (2026-11-20, an ISO 8601 time); now, if not given.");
      },
      record_payment);
  add_command<OfPayer>(*payment, chosen, "list", "List the payments that came by themselves.",
                       "  tabctl payment list --payer \"Crawler Inc\"", define_of_payer, list_payments);
  add_command<OfPayer>(root, chosen, "credit-notes", "List credit notes, of all payers or of one.",
                       "  tabctl credit-notes\n  tabctl credit-notes --payer 3 --json", define_of_payer, list_notes);
}

}  // namespace cli
