#pragma once

// SEPA payment files: ISO 20022 pain.008.001.08 (direct debits) and pain.001.001.09 (credit transfers), one payment
// information block each, under the EPC rulebooks 2025. Pure: the same description gives the same bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "settlers/bank/business_days.h"

namespace settlers::bank {

// Structured, as the schemes demand since 15 November 2026; empty: none is given.
struct PostalAddress {
  std::string street, building, postcode, town;
  std::string country;  // ISO 3166 alpha-2; with a town, or both are empty
  bool empty() const noexcept { return town.empty() && country.empty(); }
  bool operator==(const PostalAddress&) const = default;
};

struct SepaParty {
  std::string name;  // at most 70 characters of to_sepa_text()
  std::string iban;  // compact
  std::string bic;   // empty: NOTPROVIDED
  PostalAddress address;
  bool operator==(const SepaParty&) const = default;
};

enum class SepaScheme : std::uint8_t { core = 1, b2b = 2, transfer = 3, instant_transfer = 4 };
enum class SequenceType : std::uint8_t { recurring = 1, one_off = 2, first = 3, final = 4 };
std::string_view code(SequenceType sequence) noexcept;  // "RCUR", "OOFF", "FRST", "FNAL"
std::optional<SequenceType> sequence_from_code(std::string_view code) noexcept;
// Within this, in local terms: collections are debits of others, transfers credits to them.
inline bool is_collection(SepaScheme scheme) noexcept { return scheme <= SepaScheme::b2b; }

// A payer's permission. The last three are what changed since the last collection, to be sent with the next one.
struct SepaMandate {
  std::string id;  // at most 35 characters
  Day signed_on = 0;
  std::string previous_id;
  std::string previous_creditor_id;
  std::string previous_iban;  // or "SMNDA": another account, possibly of another bank
  bool is_amended() const noexcept {
    return !previous_id.empty() || !previous_creditor_id.empty() || !previous_iban.empty();
  }
  bool operator==(const SepaMandate&) const = default;
};

struct SepaPayment {
  std::string end_to_end_id;  // at most 35 characters; unique for ever
  std::uint64_t cents = 0;    // 1 .. 99,999,999,999
  SepaParty party;            // the other side: debtor of a collection, creditor of a transfer
  SepaMandate mandate;        // collections
  std::string remittance;     // at most 140 characters
};

struct SepaFile {
  SepaScheme scheme = SepaScheme::core;
  SequenceType sequence = SequenceType::recurring;  // collections
  std::string message_id;                           // at most 35 characters; the bank's guard against duplicates
  std::string payment_information_id;
  base::Time created;
  SepaParty own;
  std::string creditor_id;  // collections
  Day due = 0;              // collection or execution date
  bool batch_booking = true;
  std::vector<SepaPayment> payments;  // 1 .. limits::kBankFileEntriesMax
};

std::string write_sepa(const SepaFile& file);

// What the rulebooks (EPC130-08, EPC222-07, EPC125-05, EPC004-16) demand of such a file and the schemas leave optional.
// Reads the bytes, so it judges what would really leave. Each finding is a sentence that names line and element; empty:
// the file may leave.
std::vector<std::string> sepa_rule_findings(std::string_view xml);

// "12.30"
std::string cents_text(std::uint64_t cents);
// A decimal of at most two (or more, if zero) fraction digits; empty on anything else.
std::optional<std::uint64_t> parse_cents(std::string_view text) noexcept;

inline constexpr std::uint64_t kSepaCentsMax = 99'999'999'999;

}  // namespace settlers::bank
