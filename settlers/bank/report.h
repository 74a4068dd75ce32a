#pragma once

// What banks write back, in one shape: pain.002 (status), camt.053 (statement), camt.054 (notification), and ACH files
// with returns and notifications of change. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "settlers/bank/business_days.h"

namespace settlers::bank {

enum class EntryKind : std::uint8_t {
  accepted = 1,   // the bank took it; no money moved
  rejected = 2,   // the bank did not take it; no money moved
  booked = 3,     // money moved
  returned = 4,   // money that had moved came back, or a payment bounced
  corrected = 5,  // account data is different from what was sent (a notification of change)
};
// What an entry speaks of.
enum class EntryScope : std::uint8_t {
  payment = 1,  // one payment, by reference or trace
  block = 2,    // all payments of a payment information block that nothing else is said of
  message = 3,  // a whole file
};

// Who paid or was paid, and what for, in the bank's words: for people. Any may be empty.
struct OtherSide {
  std::string name;
  std::string account;     // an IBAN, or whatever the bank calls it
  std::string remittance;  // unstructured lines and creditor references, or what the bank adds to the entry
};

struct BankEntry {
  EntryKind kind = EntryKind::booked;
  EntryScope scope = EntryScope::payment;
  std::string reference;               // EndToEndId, or the individual identification number of an ACH entry
  std::string payment_information_id;  // scope block
  std::string message_id;              // scope block and message: of the file that we sent
  std::uint64_t trace = 0;             // ACH: of the entry that we sent; zero: none
  std::string servicer_reference;      // the bank's own name for the entry
  std::string statement;               // number, page and opening balance of its statement, as far as they are given
  std::string company_id;              // ACH: of its batch
  bool incoming = false;               // as seen from our account; with booked and returned
  bool notified = false;               // a notification (camt.054), not the statement
  std::uint64_t cents = 0;
  std::string currency;
  std::uint64_t payments = 0;  // scope block: how many are booked in one sum; zero: not said
  std::string reason;          // "AM04", "R01", "C02"
  std::string text;            // the reason for people; with corrected the right data
  std::optional<Day> date;     // of booking, or of the file
  std::uint64_t fee_cents = 0;
  OtherSide other_side;
  std::uint32_t line = 0;    // from 1
  std::string element;       // "Stmt/Ntry", "entry detail"
  std::uint32_t number = 0;  // from 1: the entry's place in the file
};

struct BankReport {
  std::string type;                 // "camt.053", "nacha"
  std::string id;                   // statement or message id
  std::string account;              // IBAN or, if there is none, the other name of the account that the report is about
  std::string destination, origin;  // ACH: of the file, without blanks around them
  std::vector<BankEntry> entries;
};

// invalid_argument says what is wrong and names line and element.
base::Result<BankReport> read_report(std::string_view bytes);  // either of the two, by its first characters
base::Result<BankReport> read_sepa_report(std::string_view xml);
base::Result<BankReport> read_nacha_report(std::string_view text);

}  // namespace settlers::bank
