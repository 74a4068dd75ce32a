#include "cli/invoice_view.h"

#include <fmt/format.h>

#include "cli/text.h"
#include "cli/views.h"
#include "invoice/reference.h"

namespace cli {
namespace {

using core::StatementState;

// Without a time zone of whoever runs it: "2026-11-21 04:58:21 UTC".
std::string utc_text(base::Time time) {
  std::string text = time_iso(time);
  if (text.size() < 19) return {};
  text.resize(19);
  text[10] = ' ';
  return text + " UTC";
}

base::Amount sum_of(const std::vector<aggregator::PayeeShare>& shares) {
  base::Amount sum;
  for (const aggregator::PayeeShare& share : shares) sum = base::add_checked(sum, share.amount);
  return sum;
}

std::string payment_text(const core::Statement& statement) {
  const std::string settlement = fmt::format("settlement {}", statement.settlement.value);
  switch (statement.mark.state) {
    case StatementState::open: return fmt::format("It is collected by {} when it is due.", settlement);
    case StatementState::paid:
      return statement.settlement.valid() ? fmt::format("Paid by {}.", settlement) : "Paid from credit.";
    case StatementState::written_off: return "Not collected any more: written off.";
    case StatementState::credited: return "Nothing is left to pay: settled by credit notes.";
  }
  return {};
}

// "Tax 19 %", of a rate that has no name.
std::string rate_text(const core::Tax& tax) {
  std::string rate = base::Amount(tax.rate_ppm).to_decimal_string(4);
  while (rate.back() == '0') rate.pop_back();
  if (rate.back() == '.') rate.pop_back();
  return fmt::format("Tax {} %", rate);
}

std::string tax_label(const core::Tax& tax) { return tax.label.empty() ? rate_text(tax) : tax.label; }

bool is_taxed(const core::Statement& statement) {
  return !statement.tax.is_zero() || statement.tax_terms.rate_ppm != 0;
}

// Of one without a series: the statement's own number.
std::string invoice_number(const core::Statement& statement) {
  std::string number = core::document_number(statement.series, statement.number);
  return number.empty() ? std::to_string(statement.id.value) : number;
}

std::string resource_name(const base::Hash& resource, const InvoiceTexts& texts) {
  const auto known = texts.resources.find(resource);
  if (known != texts.resources.end()) return known->second;
  return resource_text(resource);
}

}  // namespace

Result<invoice::Document> invoice_document(const core::Statement& statement, const InvoiceBooks& books,
                                           const InvoiceTexts& texts) {
  const core::Asset& asset = books.asset;
  const auto text = [&](base::Amount amount) { return amount.to_decimal_string(asset.scale); };
  const auto unless_zero = [&](base::Amount amount) { return amount.is_zero() ? std::string() : text(amount); };
  const bool open = statement.mark.state == StatementState::open;
  invoice::Document page;
  page.title = "Invoice";
  page.number = invoice_number(statement);
  page.statement = std::to_string(statement.id.value);
  page.from = {texts.from.name, base::to_hex(books.operator_key), texts.from.address, texts.from.tax_id};
  page.to = {books.payer.name, books.payer.address, texts.to_address, texts.to_tax_id};
  page.issued = utc_text(statement.issued);
  page.due = utc_text(statement.due);
  page.period_from = utc_text(statement.window.start);
  page.period_to = utc_text(statement.window.end);
  page.currency = asset.symbol;
  base::Amount charges;
  for (const aggregator::Line& line : statement.lines) {
    charges = base::add_checked(charges, line.amount);
    page.lines.push_back({books.payee(line.payee).name, resource_name(line.resource, texts), thousands(line.charges),
                          thousands(line.quantity), text(line.amount)});
  }
  page.charges = text(charges);
  page.carried_in = unless_zero(sum_of(statement.carried_in));
  page.carried_on = unless_zero(sum_of(statement.carried_out));
  page.net = text(statement.net);
  if (is_taxed(statement)) {
    page.tax = text(statement.tax);
    page.tax_label = tax_label(statement.tax_terms);
  }
  page.tax_note = statement.tax_terms.note;
  page.total = text(statement.billed());
  page.credit_applied = unless_zero(statement.credit_applied);
  page.credited = unless_zero(base::subtract_checked(statement.mark.credited, statement.mark.credited_paid));
  const base::Amount collected = statement.mark.state == StatementState::paid ? statement.due_amount() : base::Amount();
  page.paid = unless_zero(base::add_checked(statement.mark.paid, collected));
  page.to_pay = text(open ? statement.due_amount() : base::Amount());
  page.credited_after = unless_zero(statement.mark.credited_paid);
  page.refunded = unless_zero(statement.mark.refunded);
  for (const aggregator::PayeeShare& share : statement.shares) {
    const NamedParty payee = books.payee(share.payee);
    page.shares.push_back({payee.name, payee.address, text(share.amount)});
  }
  page.state = word(statement.mark.state);
  page.payment = payment_text(statement);
  page.network = books.network;
  page.root = base::to_hex(statement.root);
  page.entries = thousands(statement.entries);
  page.closed_by = std::to_string(statement.closed_by.value);
  const base::Result<std::string> reference =
      invoice::reference_text(invoice::Reference{books.network, books.operator_key, statement.id.value,
                                                 statement.closed_by.value, statement.root},
                              texts.from.verify_url);
  if (!reference) return usage_failure("--verify-url: " + reference.error().message + ".");
  page.verify_text = *reference;
  if (!texts.from.verify_url.empty()) page.verify_link = *reference;
  return page;
}

Result<invoice::CreditNote> note_document(const core::CreditNote& note, const core::Statement* statement,
                                          const InvoiceBooks& books, const InvoiceTexts& texts) {
  const core::Asset& asset = books.asset;
  const auto text = [&](base::Amount amount) { return amount.to_decimal_string(asset.scale); };
  const auto unless_zero = [&](base::Amount amount) { return amount.is_zero() ? std::string() : text(amount); };
  invoice::CreditNote page;
  page.title = "Credit note";
  page.number = core::document_number(note.series, note.number);
  page.reason = note.reason;
  page.reference = note.reference;
  page.from = {texts.from.name, base::to_hex(books.operator_key), texts.from.address, texts.from.tax_id};
  page.to = {books.payer.name, books.payer.address, texts.to_address, texts.to_tax_id};
  page.issued = utc_text(note.time);
  page.currency = asset.symbol;
  page.net = text(note.net);
  page.total = text(note.amount);
  page.reduced_due = unless_zero(note.reduced_due);
  page.credited = unless_zero(note.credited);
  if (statement != nullptr) {
    page.statement = std::to_string(statement->id.value);
    page.invoice = invoice_number(*statement);
    if (is_taxed(*statement)) {
      page.tax = text(note.tax);
      page.tax_label = tax_label(statement->tax_terms);
    }
    page.tax_note = statement->tax_terms.note;
  }
  page.network = books.network;
  page.entry = std::to_string(note.noted_by.value);
  const base::Result<std::string> reference =
      invoice::reference_text(invoice::NoteReference{books.network, books.operator_key, page.number,
                                                     note.statement.value, note.noted_by.value, note.net, note.tax},
                              texts.from.verify_url);
  if (!reference) return usage_failure("--verify-url: " + reference.error().message + ".");
  page.verify_text = *reference;
  if (!texts.from.verify_url.empty()) page.verify_link = *reference;
  return page;
}

}  // namespace cli
