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
  std::string html;
  std::string pdf;
  bool print_template = false;
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
  std::vector<std::string> all = texts.from.address;
  all.insert(all.end(), texts.to_address.begin(), texts.to_address.end());
  all.insert(all.end(), {texts.from.name, texts.from.tax_id, texts.to_tax_id});
  for (const std::string& text : all) {
    if (const std::string_view flaw = base::flaw_of_text(text); !flaw.empty())
      return usage_failure(fmt::format("\"{}\" cannot stand on an invoice: {}.", base::without_flaws(text, 100), flaw));
  }
  return {};
}

Result<std::string> page_of(Context& context, const InvoiceOptions& options, InvoiceTexts& texts,
                            invoice::Document& document) {
  CLI_CHECK(complete_texts(context, texts));
  CLI_TRY(texts.resources, read_resources(options.resources));
  std::string page_template(invoice::default_template());
  if (!texts.from.page_template.empty()) {
    CLI_TRY(page_template, read_whole_file(texts.from.page_template));
  }
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const AssetBook assets, context.assets());
  const core::StatementId id(options.statement);
  CLI_TRY(const core::Statement statement,
          asked_for(fmt::format("statement {}", options.statement),
                    viewer.books() != nullptr ? viewer.books()->statement(id) : viewer.payer()->statement(id)));
  CLI_TRY(const tabd::Client* client, context.client());
  Names names(viewer);
  const InvoiceBooks books = {client->info().network,
                              client->info().operator_key,
                              assets.get(statement.asset),
                              {names.payer(statement.payer), names.payer_address(statement.payer)},
                              [&names](base::PayeeId payee) {
                                return NamedParty{names.payee(payee), names.payee_address(payee)};
                              }};
  CLI_TRY(document, invoice_document(statement, books, texts));
  base::Result<std::string> html = invoice::render(document, page_template);
  if (html) return std::move(*html);
  return usage_failure(
      fmt::format("{}: {}.", texts.from.page_template.empty() ? "the invoice" : texts.from.page_template,
                  html.error().message),
      "The template that is used without --template is a good start: tabctl invoice --print-template");
}

Outcome make(Context& context, const InvoiceOptions& options) {
  if (options.print_template) {
    context.write(std::string(invoice::default_template()));
    return {};
  }
  if (options.statement == 0)
    return usage_failure("Of which statement? Give its number.", "tabctl invoice 17; see: tabctl statement list");
  InvoiceTexts texts = options.texts;
  invoice::Document document;
  CLI_TRY(const std::string html, page_of(context, options, texts, document));
  if (!options.html.empty()) CLI_CHECK(write_file(options.html, html));
  if (!options.pdf.empty()) CLI_CHECK(write_pdf(html, options.pdf));
  if (context.json()) {
    JsonObject out;
    out["statement"] = options.statement;
    out["number"] = document.number;
    out["state"] = document.state;
    out["root"] = document.root;
    out["verify"] = document.verify_text;
    out["html"] = options.html.empty() ? Json(nullptr) : Json(options.html);
    out["pdf"] = options.pdf.empty() ? Json(nullptr) : Json(options.pdf);
    context.write_json(out);
    return {};
  }
  if (options.html.empty() && options.pdf.empty()) {
    context.write(html);
    return {};
  }
  for (const std::string& file : {options.html, options.pdf}) {
    if (!file.empty())
      context.say("{} {} of statement {} is in {}.", document.title, document.number, options.statement, file);
  }
  return {};
}

void define(CLI::App& app, InvoiceOptions& options) {
  app.add_option("statement", options.statement, "The statement's number; see: tabctl statement list");
  app.add_option("--html", options.html, "A file for the page; it is printed, if neither --html nor --pdf is given.")
      ->type_name("FILE");
  app.add_option("--pdf", options.pdf, "A file for the same page as PDF. Needs the program weasyprint.")
      ->type_name("FILE");
  app.add_option("--template", options.texts.from.page_template, "A page of your own, in Mustache.")->type_name("FILE");
  app.add_flag("--print-template", options.print_template, "Print the template that is used otherwise, and stop.");
  app.add_option("--from-name", options.texts.from.name, "The operator's name.");
  app.add_option("--from-address", options.texts.from.address, "A line of the operator's address; repeat it.");
  app.add_option("--from-tax-id", options.texts.from.tax_id, "The operator's tax number.");
  app.add_option("--to-address", options.texts.to_address, "A line of the payer's address; repeat it.");
  app.add_option("--to-tax-id", options.texts.to_tax_id, "The payer's tax number.");
  app.add_option("--resources", options.resources, "URLs, one a line: these are shown by name.")->type_name("FILE");
  app.add_option("--verify-url", options.texts.from.verify_url, "A page of yours to which the QR code leads.");
}

}  // namespace

void add_invoice_commands(CLI::App& root, Chosen& chosen) {
  add_command<InvoiceOptions>(
      root, chosen, "invoice", "A statement as an invoice: a page of HTML, or a PDF.",
      "  tabctl invoice 17 --html invoice.html --pdf invoice.pdf\n"
      "  tabctl invoice 17 --role payer --key payer.key > invoice.html\n"
      "  tabctl invoice 17 --from-name \"Acme\" --from-address \"1 Main St\" --from-address \"Springfield\"",
      define, make);
}

}  // namespace cli
