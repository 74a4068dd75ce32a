#pragma once

// From a statement to the texts of its invoice, and from a credit note to those of its page. The same for whoever asks:
// operator, auditor and payer get the same page.

#include <functional>
#include <map>
#include <string>

#include "cli/settings.h"
#include "invoice/document.h"
#include "ledger/core/types.h"

namespace cli {

namespace core = ledger::core;

// What the ledger does not know of an invoice.
struct InvoiceTexts {
  InvoiceSettings from;
  std::vector<std::string> to_address;
  std::string to_tax_id;
  std::map<base::Hash, std::string> resources;  // by keccak-256 of the URL
};

// A payer or payee by label, or short address, and by its full address.
struct NamedParty {
  std::string name, address;
};

// What the ledger says beside the statement.
struct InvoiceBooks {
  std::string network;
  base::Address operator_key;
  core::Asset asset;
  NamedParty payer;
  std::function<NamedParty(base::PayeeId)> payee;
};

// usage: a verify_url that is none.
Result<invoice::Document> invoice_document(const core::Statement& statement, const InvoiceBooks& books,
                                           const InvoiceTexts& texts);
// `statement`: that it corrects; null for goodwill.
Result<invoice::CreditNote> note_document(const core::CreditNote& note, const core::Statement* statement,
                                          const InvoiceBooks& books, const InvoiceTexts& texts);

}  // namespace cli
