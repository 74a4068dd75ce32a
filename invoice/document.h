#pragma once

// An invoice or a credit note as a page of HTML: from texts that are ready to be shown, and a template. Pure: no clock,
// no place, no locale, so the same document and template give the same bytes.
//
// Templates are Mustache (mustache(5)) without partials, other delimiters and unescaped tags: labels and resources come
// from users, and nothing of them may become markup. docs/invoices.md lists the names that a template may use.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace invoice {

// Longest template: there is room for a logo as a data: URL.
inline constexpr std::size_t kTemplateBytesMax = 4u << 20;

struct Party {
  std::string name;                // a label, or the operator's own name; may be empty
  std::string address;             // 0x...
  std::vector<std::string> lines;  // of a postal address
  std::string tax_id;
};

struct Line {
  std::string payee, resource, charges, quantity, amount;
};

struct Share {
  std::string payee, address, amount;
};

// Amounts are at the asset's full precision and without its symbol. An empty text: there is no such thing, and the
// template's section of that name is left out.
struct Document {
  std::string title;      // "Invoice"
  std::string number;     // "INV-000042"
  std::string statement;  // the ledger's number of it: "17"
  Party from, to;
  std::string issued, due, period_from, period_to;
  std::string currency;  // "USDC"
  std::vector<Line> lines;
  std::string charges, carried_in, carried_on;  // the sum of the lines; from the last window; to the next one
  std::string net, tax, tax_label, tax_note, total;
  std::string credit_applied, credited, paid;  // what reduces what is due
  std::string to_pay;
  std::string credited_after, refunded;  // after it was paid: credit notes, and what was sent back of them
  std::vector<Share> shares;             // of net: whom it is for
  std::string state;                     // "paid"
  std::string payment;                   // a sentence
  // What the ledger proves of it.
  std::string network, root, entries, closed_by;
  std::string verify_text;  // what the QR code says; see reference.h
  std::string verify_link;  // the same if it is a web address; otherwise empty
};

// As Document. It corrects one invoice, or none: then it is goodwill, and `statement` and `invoice` are empty.
struct CreditNote {
  std::string title;               // "Credit note"
  std::string number;              // "CN-000007"
  std::string statement, invoice;  // that it corrects: "17", "INV-000042"
  std::string reason, reference;   // of whoever asked for it
  Party from, to;
  std::string issued;
  std::string currency;
  std::string net, tax, tax_label, tax_note, total;
  std::string reduced_due;  // the part by which less is to pay ...
  std::string credited;     // ... and the part that had been paid, and is the payer's credit
  // What the ledger proves of it: its entry says all figures above.
  std::string network, entry;
  std::string verify_text, verify_link;
};

// Characters that cannot be shown to people are '?' (base::without_flaws). invalid_argument: what is wrong with the
// template, and in which line; or `verify_text` is empty or too long for a QR code.
base::Result<std::string> render(const Document& document, std::string_view page_template);
base::Result<std::string> render(const CreditNote& note, std::string_view page_template);

// The templates that are used if there is no other. They share what surrounds their tables.
std::string_view default_template();
std::string_view default_note_template();

}  // namespace invoice
