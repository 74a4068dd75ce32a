#pragma once

// The other side of a payment as text: a payer's mandate on this rail and a payee's payout account. One `key=value` a
// line (or between semicolons). docs/rails/bank.md lists the keys. Pure.

#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "settlers/bank/nacha.h"
#include "settlers/bank/sepa.h"

namespace settlers::bank {

enum class Network : std::uint8_t { sepa = 1, ach = 2 };

struct Counterparty {
  Network network = Network::sepa;
  SepaScheme sepa_scheme = SepaScheme::core;
  EntryClass entry_class = EntryClass::ppd;
  std::string name;
  // SEPA
  std::string iban, bic;
  PostalAddress address;
  SepaMandate mandate;  // collections
  SequenceType sequence = SequenceType::recurring;
  // ACH
  std::string routing_number, account;
  bool savings = false;
  bool single_entry = false;
};

using Fields = std::map<std::string, std::string, std::less<>>;

// invalid_argument names the line's key and what is wrong. `separators`: characters that end a line.
base::Result<Fields> parse_fields(std::string_view text, std::string_view separators = "\n;");
std::string write_fields(const Fields& fields);  // one a line, in order of keys

base::Result<Counterparty> read_counterparty(const Fields& fields, bool collection);
// Where what was collected under a mandate can be sent back: the mandate's account in the form of a payout account.
Fields credit_account(const Fields& mandate);
// The account and what permits its debit: changes when the payer gives another account or mandate.
base::Hash fingerprint(const Counterparty& counterparty);

}  // namespace settlers::bank
