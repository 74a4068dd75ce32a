#pragma once

// NACHA files: one batch of debits or credits, records of 94 characters. Pure: the same description gives the same
// bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "settlers/bank/business_days.h"

namespace settlers::bank {

// The class of an entry decides which returns are possible: PPD and WEB for consumers, CCD for companies.
enum class EntryClass : std::uint8_t { ppd = 1, ccd = 2, web = 3 };
std::string_view code(EntryClass entry_class) noexcept;  // "PPD"

struct AchEntry {
  std::string routing_number;  // nine digits
  std::string account;         // at most 17 characters
  bool savings = false;
  std::uint64_t cents = 0;    // 1 .. 9,999,999,999
  std::string reference;      // at most 15 characters: comes back with a return
  std::string name;           // at most 22 characters of to_nacha_text()
  bool single_entry = false;  // WEB: S, not R
  std::string remittance;     // CCD: an addenda record, at most 80 characters; empty: none
  std::uint64_t trace = 0;    // 15 digits: the bank's eight and a number that rises within the file
};

struct AchFile {
  EntryClass entry_class = EntryClass::ppd;
  bool debits = true;
  std::string destination, origin;            // ten characters each: the bank's routing number and what it gave us
  std::string destination_name, origin_name;  // at most 23
  Day created = 0;                            // local date
  std::uint32_t created_minute = 0;           // of the local day
  char modifier = 'A';                        // A-Z, 0-9: tells the files of one day apart
  std::string company_name;                   // at most 16
  std::string company_id;                     // ten characters
  std::string description;                    // at most 10: "PAYMENT", "PURCHASE", "RETRY PYMT"
  Day effective = 0;
  std::string odfi;  // eight digits
  std::vector<AchEntry> entries;
};

std::string write_nacha(const AchFile& file);

// What the rules of NACHA demand and what our own files must keep, over the bytes; empty: the file may leave.
std::vector<std::string> nacha_rule_findings(std::string_view text);

inline constexpr std::uint64_t kAchCentsMax = 9'999'999'999;
inline constexpr std::string_view kRetryDescription = "RETRY PYMT";

}  // namespace settlers::bank
