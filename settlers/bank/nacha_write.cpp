#include <algorithm>

#include "base/check.h"
#include "settlers/bank/nacha.h"

namespace settlers::bank {
namespace {

constexpr std::size_t kRecord = 94;
constexpr std::size_t kBlock = 10;  // records

// Right-justified, filled with zeros; the last digits if it is too long.
std::string digits(std::uint64_t number, std::size_t width) {
  std::string text = std::to_string(number);
  if (text.size() > width) text.erase(0, text.size() - width);
  return std::string(width - text.size(), '0') + text;
}

// Left-justified, filled with spaces, cut.
std::string field(std::string_view text, std::size_t width) {
  std::string result(text.substr(0, width));
  result.resize(width, ' ');
  return result;
}

std::string short_date(Day day) {
  const CivilDate date = civil(day);
  return digits(static_cast<std::uint64_t>(date.year % 100), 2) + digits(date.month, 2) + digits(date.day, 2);
}

struct Totals {
  std::uint64_t records = 0;  // entries and addenda
  std::uint64_t hash = 0;
  std::uint64_t cents = 0;
};

class Lines {
 public:
  void add(const std::string& record) {
    CHECK_MSG(record.size() == kRecord, "a NACHA record has 94 characters");
    text_ += record;
    text_ += '\n';
    ++count_;
  }
  std::size_t count() const noexcept { return count_; }
  std::string done() && {
    while (count_ % kBlock != 0) add(std::string(kRecord, '9'));
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

std::string transaction_code(const AchEntry& entry, bool debit) {
  if (entry.savings) return debit ? "37" : "32";
  return debit ? "27" : "22";
}

void write_entry(Lines& lines, const AchFile& file, const AchEntry& entry, Totals& totals) {
  const bool has_addenda = !entry.remittance.empty() && file.entry_class == EntryClass::ccd;
  std::string discretionary = "  ";
  if (file.entry_class == EntryClass::web) discretionary = entry.single_entry ? "S " : "R ";
  lines.add("6" + transaction_code(entry, file.debits) + field(entry.routing_number, 9) + field(entry.account, 17) +
            digits(entry.cents, 10) + field(entry.reference, 15) + field(entry.name, 22) + discretionary +
            (has_addenda ? "1" : "0") + digits(entry.trace, 15));
  totals.records += 1;
  std::uint64_t bank = 0;
  for (const char c : std::string_view(entry.routing_number).substr(0, 8))
    bank = bank * 10 + static_cast<std::uint64_t>(c - '0');
  totals.hash += bank;
  totals.cents += entry.cents;
  if (!has_addenda) return;
  lines.add("705" + field(entry.remittance, 80) + digits(1, 4) + digits(entry.trace, 7));
  totals.records += 1;
}

std::string batch_header(const AchFile& file) {
  return std::string("5") + (file.debits ? "225" : "220") + field(file.company_name, 16) + field("", 20) +
         field(file.company_id, 10) + field(code(file.entry_class), 3) + field(file.description, 10) +
         short_date(file.created) + short_date(file.effective) + "   1" + field(file.odfi, 8) + digits(1, 7);
}

}  // namespace

std::string_view code(EntryClass entry_class) noexcept {
  switch (entry_class) {
    case EntryClass::ccd: return "CCD";
    case EntryClass::web: return "WEB";
    case EntryClass::ppd: break;
  }
  return "PPD";
}

std::string write_nacha(const AchFile& file) {
  Lines lines;
  lines.add("101" + field(file.destination, 10) + field(file.origin, 10) + short_date(file.created) +
            digits(file.created_minute / 60, 2) + digits(file.created_minute % 60, 2) + file.modifier + "094101" +
            field(file.destination_name, 23) + field(file.origin_name, 23) + field("", 8));
  lines.add(batch_header(file));
  Totals totals;
  for (const AchEntry& entry : file.entries) write_entry(lines, file, entry, totals);
  const std::uint64_t debits = file.debits ? totals.cents : 0, credits = file.debits ? 0 : totals.cents;
  lines.add(std::string("8") + (file.debits ? "225" : "220") + digits(totals.records, 6) + digits(totals.hash, 10) +
            digits(debits, 12) + digits(credits, 12) + field(file.company_id, 10) + field("", 19) + field("", 6) +
            field(file.odfi, 8) + digits(1, 7));
  const std::uint64_t blocks = (lines.count() + 1 + kBlock - 1) / kBlock;
  lines.add("9" + digits(1, 6) + digits(blocks, 6) + digits(totals.records, 8) + digits(totals.hash, 10) +
            digits(debits, 12) + digits(credits, 12) + field("", 39));
  return std::move(lines).done();
}

}  // namespace settlers::bank
