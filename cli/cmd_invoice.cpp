#include "base/text.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/invoice_view.h"
#include "cli/items.h"
#include "cli/names.h"
#include "cli/pdf.h"
#include "cli/text.h"

namespace cli {
namespace {

struct InvoiceOptions {
  std::uint64_t statement = 0;
  std::uint64_t credit_note = 0;
  std::string html;
  std::string pdf;
  bool print_template = false;
  std::string page_template;
  std::string resources;
  InvoiceTexts texts;
};

// One URL a line. What the ledger has of a resource is its hash, so a name that is not in the list stays a hash.
Result<std::map<base::Hash, std::string>> read_resources(const std::string& path) {
  std::map<base::Hash, std::string> names;
  if (path.empty()) return names;
  CLI_TRY(const std::string text, read_whole_file(path));
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    if (const std::string_view flaw = base::flaw_of_text(line); !flaw.empty())
      return usage_failure(fmt::format("{}, line {}: {}.", path, number, flaw));
    CLI_TRY(const base::Hash hash, parse_resource(line));
    names[hash] = line;
  }
  return names;
}

// What the command line does not say, the configuration does.
Outcome complete_texts(const Context& context, InvoiceTexts& texts) {
  const InvoiceSettings& configured = context.settings().invoice;
  const auto otherwise = [](auto& value, const auto& other) {
    if (value.empty()) value = other;
  };
  otherwise(texts.from.name, configured.name);
  otherwise(texts.from.address, configured.address);
  otherwise(texts.from.tax_id, configured.tax_id);
  otherwise(texts.from.verify_url, configured.verify_url);
  otherwise(texts.from.page_template, configured.page_template);
  otherwise(texts.from.note_template, configured.note_template);
  std::vector<std::string> all = texts.from.address;
  all.insert(all.end(), texts.to_address.begin(), texts.to_address.end());
  all.insert(all.end(), {texts.from.name, texts.from.tax_id, texts.to_tax_id});
  for (const std::string& text : all) {
    if (const std::string_view flaw = base::flaw_of_text(text); !flaw.empty())
      return usage_failure(fmt::format("\"{}\" cannot stand on an invoice: {}.", base::without_flaws(text, 100), flaw));
  }
  return {};
}

// Fills the template of this file, or the one that is built in.
template <typename Page>
Result<std::string> render_page(const Page& page, const std::string& file, std::string_view built_in) {
  std::string page_template(built_in);
  if (!file.empty()) {
    CLI_TRY(page_template, read_whole_file(file));
  }
  base::Result<std::string> html = invoice::render(page, page_template);
  if (html) return std::move(*html);
  return usage_failure(fmt::format("{}: {}.", file.empty() ? "the page" : file, html.error().message),
                       "The template that is used without --template is a good start: tabctl invoice --print-template");
}

Result<core::Statement> ask_for_statement(Viewer& viewer, core::StatementId id) {
  return asked_for(fmt::format("statement {}", id.value),
                   viewer.books() != nullptr ? viewer.books()->statement(id) : viewer.payer()->statement(id));
}

Result<InvoiceBooks> books_of(Context& context, Names& names, core::PayerId payer, core::AssetId asset) {
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const tabd::Client* client, context.client());
  return InvoiceBooks{client->info().network,
                      client->info().operator_key,
                      assets.get(asset),
                      {names.payer(payer), names.payer_address(payer)},
                      [&names](base::PayeeId payee) {
                        return NamedParty{names.payee(payee), names.payee_address(payee)};
                      }};
}

// What was made of a statement or credit note.
struct Made {
  std::string html;
  std::string title, number;
  std::string of;  // "statement 17"
  JsonObject json;
};

Result<Made> make_invoice(Context& context, const InvoiceOptions& options, InvoiceTexts& texts) {
  CLI_TRY(texts.resources, read_resources(options.resources));
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const core::Statement statement, ask_for_statement(viewer, core::StatementId(options.statement)));
  Names names(viewer);
  CLI_TRY(const InvoiceBooks books, books_of(context, names, statement.payer, statement.asset));
  CLI_TRY(const invoice::Document page, invoice_document(statement, books, texts));
  Made made;
  CLI_TRY(made.html, render_page(page, texts.from.page_template, invoice::default_template()));
  made.title = page.title;
  made.number = page.number;
  made.of = fmt::format("statement {}", options.statement);
  made.json["statement"] = options.statement;
  made.json["number"] = page.number;
  made.json["state"] = page.state;
  made.json["root"] = page.root;
  made.json["verify"] = page.verify_text;
  return made;
}

Result<Made> make_note(Context& context, const InvoiceOptions& options, const InvoiceTexts& texts) {
  CLI_TRY(Viewer viewer, context.viewer(true));
  const core::CreditNoteId id(options.credit_note);
  CLI_TRY(const core::CreditNote note, asked_for(fmt::format("credit note {}", options.credit_note),
                                                 viewer.books() != nullptr ? viewer.books()->credit_note_by_id(id)
                                                                           : viewer.payer()->credit_note_by_id(id)));
  core::Statement statement;
  if (note.statement.valid()) {
    CLI_TRY(statement, ask_for_statement(viewer, note.statement));
  }
  Names names(viewer);
  CLI_TRY(const InvoiceBooks books, books_of(context, names, note.payer, note.asset));
  CLI_TRY(const invoice::CreditNote page,
          note_document(note, note.statement.valid() ? &statement : nullptr, books, texts));
  Made made;
  CLI_TRY(made.html, render_page(page, texts.from.note_template, invoice::default_note_template()));
  made.title = page.title;
  made.number = page.number;
  made.of = fmt::format("credit note {}", options.credit_note);
  made.json["credit_note"] = options.credit_note;
  made.json["number"] = page.number;
  made.json["statement"] = note.statement.valid() ? Json(note.statement.value) : Json(nullptr);
  made.json["invoice"] = page.invoice.empty() ? Json(nullptr) : Json(page.invoice);
  made.json["verify"] = page.verify_text;
  return made;
}

Outcome make(Context& context, const InvoiceOptions& options) {
  const bool note = options.credit_note != 0;
  if (options.print_template) {
    context.write(std::string(note ? invoice::default_note_template() : invoice::default_template()));
    return {};
  }
  if (options.statement == 0 && !note)
    return usage_failure("Of which statement? Give its number.",
                         "tabctl invoice 17, or tabctl invoice --credit-note 3; see: tabctl statement list");
  InvoiceTexts texts = options.texts;
  (note ? texts.from.note_template : texts.from.page_template) = options.page_template;
  CLI_CHECK(complete_texts(context, texts));
  CLI_TRY(Made made, note ? make_note(context, options, texts) : make_invoice(context, options, texts));
  if (!options.html.empty()) CLI_CHECK(write_file(options.html, made.html));
  if (!options.pdf.empty()) CLI_CHECK(write_pdf(made.html, options.pdf));
  if (context.json()) {
    made.json["html"] = options.html.empty() ? Json(nullptr) : Json(options.html);
    made.json["pdf"] = options.pdf.empty() ? Json(nullptr) : Json(options.pdf);
    context.write_json(made.json);
    return {};
  }
  if (options.html.empty() && options.pdf.empty()) {
    context.write(made.html);
    return {};
  }
  for (const std::string& file : {options.html, options.pdf}) {
    if (!file.empty()) context.say("{} {} of {} is in {}.", made.title, made.number, made.of, file);
  }
  return {};
}

void define(CLI::App& app, InvoiceOptions& options) {
  CLI::Option* statement =
      app.add_option("statement", options.statement, "The statement's number; see: tabctl statement list");
  CLI::Option* note =
      app.add_option("--credit-note", options.credit_note, "A credit note instead, by its id; see: tabctl credit-notes")
          ->excludes(statement);
  app.add_option("--html", options.html, "A file for the page; it is printed, if neither --html nor --pdf is given.")
      ->type_name("FILE");
  app.add_option("--pdf", options.pdf, "A file for the same page as PDF. Needs the program weasyprint.")
      ->type_name("FILE");
  app.add_option("--template", options.page_template, "A page of your own, in Mustache.")->type_name("FILE");
  app.add_flag("--print-template", options.print_template, "Print the template that is used otherwise, and stop.");
  app.add_option("--from-name", options.texts.from.name, "The operator's name.");
  app.add_option("--from-address", options.texts.from.address, "A line of the operator's address; repeat it.");
  app.add_option("--from-tax-id", options.texts.from.tax_id, "The operator's tax number.");
  app.add_option("--to-address", options.texts.to_address, "A line of the payer's address; repeat it.");
  app.add_option("--to-tax-id", options.texts.to_tax_id, "The payer's tax number.");
  app.add_option("--resources", options.resources, "URLs, one a line: these are shown by name.")
      ->type_name("FILE")
      ->excludes(note);
  app.add_option("--verify-url", options.texts.from.verify_url, "A page of yours to which the QR code leads.");
}

}  // namespace

void add_invoice_commands(CLI::App& root, Chosen& chosen) {
  add_command<InvoiceOptions>(
      root, chosen, "invoice", "A statement as an invoice, or a credit note: a page of HTML, or a PDF.",
      "  tabctl invoice 17 --html invoice.html --pdf invoice.pdf\n"
      "  tabctl invoice 17 --role payer --key payer.key > invoice.html\n"
      "  tabctl invoice --credit-note 3 --pdf credit-note.pdf\n"
      "  tabctl invoice 17 --from-name \"Acme\" --from-address \"1 Main St\" --from-address \"Springfield\"",
      define, make);
}

}  // namespace cli
