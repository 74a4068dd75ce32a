#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct OfPayerOptions {
  std::string payer;
  ListOptions list;
};

// The payer that the option names; zero for everybody, or for a payer's own session.
Result<base::Address> payer_of(Viewer& viewer, const std::string& name) {
  if (viewer.books() == nullptr || name.empty()) return base::Address{};
  return find_payer(*viewer.books(), name);
}

Outcome list(Context& context, const OfPayerOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const base::Address payer, payer_of(viewer, options.payer));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed, read_list<core::Statement>(options.list, [&](rpc::Page page) {
            return viewer.books() != nullptr ? viewer.books()->statements(payer, page)
                                             : viewer.payer()->statements(page);
          }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed,
                    [&](const core::Statement& statement) { return statement_json(statement, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("There are no statements yet: one is made when a billing window closes.");
    return {};
  }
  Table table({{"NUMBER", Align::right},
               {"PAYER"},
               {"WINDOW ENDED"},
               {"BILLED", Align::right},
               {"TO COLLECT", Align::right},
               {"ENTRIES", Align::right},
               {"STATE"},
               {"SETTLEMENT", Align::right}});
  for (const core::Statement& statement : listed.items) {
    table.row({std::to_string(statement.id.value), names.payer(statement.payer), time_text(statement.window.end),
               assets.text(statement.billed(), statement.asset),
               assets.decimal(statement.due_amount(), statement.asset), thousands(statement.entries),
               std::string(word(statement.mark.state)),
               statement.settlement.valid() ? std::to_string(statement.settlement.value) : "-"});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

struct NumberOptions {
  std::uint64_t id = 0;
};

void show_shares(Context& context, const char* title, const std::vector<aggregator::PayeeShare>& shares,
                 const core::Statement& statement, const AssetBook& assets, Names& names) {
  if (shares.empty()) return;
  Table table({{title}, {"AMOUNT", Align::right}});
  for (const aggregator::PayeeShare& share : shares)
    table.row({names.payee(share.payee), assets.text(share.amount, statement.asset)});
  context.write("\n" + table.render(context.color()));
}

Outcome show(Context& context, const NumberOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const AssetBook assets, context.assets());
  const core::StatementId id(options.id);
  CLI_TRY(const core::Statement statement,
          asked_for(fmt::format("statement {}", options.id),
                    viewer.books() != nullptr ? viewer.books()->statement(id) : viewer.payer()->statement(id)));
  Names names(viewer);
  if (context.json()) {
    context.write_json(statement_json(statement, assets, names));
    return {};
  }
  const auto text = [&](core::Amount amount) { return assets.text(amount, statement.asset); };
  Fields fields;
  fields.add("statement", fmt::format("{} ({})", statement.id.value, word(statement.mark.state)));
  fields.add("payer", fmt::format("{} ({})", names.payer(statement.payer), names.payer_address(statement.payer)));
  fields.add("window", fmt::format("number {}, {} to {}", statement.window_number, time_text(statement.window.start),
                                   time_text(statement.window.end)));
  fields.add("issued", time_text(statement.issued));
  fields.add("due", time_text(statement.due));
  fields.add("total", text(statement.total));
  fields.add("invoice", core::document_number(statement.series, statement.number));
  if (!statement.tax.is_zero() || !statement.tax_terms.label.empty()) {
    fields.add("net", text(statement.net));
    fields.add("tax", fmt::format("{} ({})", text(statement.tax), statement.tax_terms.label));
  }
  if (!statement.tax_terms.note.empty()) fields.add("tax note", statement.tax_terms.note);
  fields.add("billed", text(statement.billed()));
  if (!statement.credit_applied.is_zero()) fields.add("credit used", text(statement.credit_applied));
  if (!statement.mark.credited.is_zero()) fields.add("credited", text(statement.mark.credited));
  if (!statement.mark.paid.is_zero()) fields.add("paid in parts", text(statement.mark.paid));
  if (!statement.mark.refunded.is_zero()) fields.add("refunded", text(statement.mark.refunded));
  fields.add("to collect", text(statement.due_amount()));
  fields.add("settlement", statement.settlement.valid() ? std::to_string(statement.settlement.value) : "none needed");
  fields.add("entries",
             fmt::format("{} under the root {}", thousands(statement.entries), base::to_hex(statement.root)));
  fields.add("closed by", fmt::format("entry {} of the journal", statement.closed_by.value));
  context.write(fields.render());
  Table table(
      {{"PAYEE"}, {"RESOURCE"}, {"CHARGES", Align::right}, {"QUANTITY", Align::right}, {"AMOUNT", Align::right}});
  for (const aggregator::Line& line : statement.lines) {
    table.row({names.payee(line.payee), resource_text(line.resource), thousands(line.charges), thousands(line.quantity),
               text(line.amount)});
  }
  context.write("\n" + table.render(context.color()));
  show_shares(context, "CARRIED IN FOR", statement.carried_in, statement, assets, names);
  show_shares(context, "BILLED FOR", statement.shares, statement, assets, names);
  show_shares(context, "CARRIED ON FOR", statement.carried_out, statement, assets, names);
  return {};
}

Outcome charges(Context& context, const OfPayerOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  if (viewer.books() != nullptr && options.payer.empty())
    return usage_failure("Whose charges? Name the payer.", "tabctl charge list PAYER; see: tabctl payer list");
  CLI_TRY(const base::Address payer, payer_of(viewer, options.payer));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const auto listed, read_list<rpc::ChargeRecord>(options.list, [&](rpc::Page page) {
            return viewer.books() != nullptr ? viewer.books()->charges(payer, page) : viewer.payer()->charges(page);
          }));
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed,
                    [&](const rpc::ChargeRecord& charge) { return charge_json(charge, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.say("Nothing was charged{}.", options.list.after == 0 ? " yet" : " after this entry");
    return {};
  }
  Table table(
      {{"ENTRY", Align::right}, {"TIME"}, {"KIND"}, {"PAYEE"}, {"CHARGES", Align::right}, {"AMOUNT", Align::right}});
  for (const rpc::ChargeRecord& charge : listed.items) {
    table.row({std::to_string(charge.entry.sequence.value), time_text(charge.entry.time),
               std::string(rpc::name(charge.kind)), names.payee(charge.payee), std::to_string(charge.usages.size()),
               assets.text(charge.amount, charge.asset)});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

}  // namespace

void add_statement_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "statement", "Bills: what a closed window came to.");
  add_command<OfPayerOptions>(
      *group, chosen, "list", "List statements, of one payer or of all.",
      "  tabctl statement list\n  tabctl statement list --payer \"Crawler Inc\" --all\n"
      "  tabctl statement list --role payer --key payer.key",
      [](CLI::App& app, OfPayerOptions& options) {
        app.add_option("--payer", options.payer, "Address, number or label.");
        add_list_options(app, options.list);
      },
      list);
  add_command<NumberOptions>(
      *group, chosen, "show", "One statement with its lines and shares.", "  tabctl statement show 17",
      [](CLI::App& app, NumberOptions& options) {
        app.add_option("number", options.id, "Of the statement.")->required();
      },
      show);
  CLI::App* charge = add_group(root, "charge", "What a payer was charged, entry by entry.");
  add_command<OfPayerOptions>(
      *charge, chosen, "list", "List the charging entries of a payer; prove one with `tabctl prove`.",
      "  tabctl charge list \"Crawler Inc\" --limit 20\n  tabctl charge list --role payer --key payer.key",
      [](CLI::App& app, OfPayerOptions& options) {
        app.add_option("payer", options.payer, "Address, number or label; not needed with a payer's own key.");
        add_list_options(app, options.list);
      },
      charges);
}

}  // namespace cli
