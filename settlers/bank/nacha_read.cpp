#include <algorithm>
#include <set>

#include "base/limits.h"
#include "settlers/bank/account_check.h"
#include "settlers/bank/nacha.h"
#include "settlers/bank/report.h"

namespace settlers::bank {
namespace {

constexpr std::size_t kRecord = 94;
constexpr std::uint64_t kHashModulus = 10'000'000'000;
// WEB: of e-commerce goods this description is demanded since 20 March 2026; the daemon's configuration chooses it.
constexpr std::size_t kFindingsMax = 20;

struct Record {
  std::string_view text;
  std::uint32_t line;
  char type() const { return text[0]; }
  std::string_view at(std::size_t first, std::size_t last) const { return text.substr(first - 1, last - first + 1); }
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

tl::unexpected<base::Error> wrong(std::uint32_t line, const std::string& what) {
  return base::error(base::ErrorCode::invalid_argument, "line " + std::to_string(line) + ", " + what);
}

base::Result<std::uint64_t> number(const Record& record, std::size_t first, std::size_t last, const char* what) {
  std::uint64_t value = 0;
  for (const char c : record.at(first, last)) {
    if (c < '0' || c > '9')
      return wrong(record.line, std::string(what) + " (positions " + std::to_string(first) + " to " +
                                    std::to_string(last) + "): \"" + std::string(record.at(first, last)) +
                                    "\" is no number");
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// The records, without the nines that fill the last block.
base::Result<std::vector<Record>> records_of(std::string_view text) {
  if (text.size() > base::limits::kBankFileBytesMax) return wrong(1, "file: larger than what is read");
  std::vector<Record> records;
  std::uint32_t line = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view row = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
    // A file without line ends: records follow one another.
    do {
      ++line;
      std::string_view piece = row.substr(0, kRecord);
      row.remove_prefix(piece.size());
      if (trimmed(piece).empty() || piece.find_first_not_of('9') == std::string_view::npos) continue;
      if (piece.size() != kRecord)
        return wrong(line, "record: has " + std::to_string(piece.size()) + " characters instead of 94");
      if (std::any_of(piece.begin(), piece.end(), [](char c) { return c < ' ' || c > '~'; }))
        return wrong(line, "record: has a character that is no printable ASCII");
      records.push_back({piece, line});
    } while (!row.empty());
  }
  return records;
}

struct Sums {
  std::uint64_t records = 0, hash = 0, debits = 0, credits = 0;
};

bool is_debit_code(std::string_view code) { return code.size() == 2 && code[1] >= '5'; }

class Reader {
 public:
  explicit Reader(BankReport& report) : report_(report) {}

  base::Result<void> read(const std::vector<Record>& records) {
    if (records.empty() || records.front().type() != '1')
      return wrong(1, "file header: a NACHA file starts with a record of type 1");
    report_.id = std::string(trimmed(records.front().at(24, 34)));
    report_.destination = trimmed(records.front().at(4, 13));
    report_.origin = trimmed(records.front().at(14, 23));
    for (std::size_t i = 1; i < records.size(); ++i) {
      const Record& record = records[i];
      if (ended_) return wrong(record.line, "record: follows the file control record");
      switch (record.type()) {
        case '5': RETURN_IF_ERROR(begin_batch(record)); break;
        case '6': RETURN_IF_ERROR(read_entry(record)); break;
        case '7': RETURN_IF_ERROR(read_addenda(record)); break;
        case '8': RETURN_IF_ERROR(end_batch(record)); break;
        case '9': RETURN_IF_ERROR(end_file(record)); break;
        default: return wrong(record.line, "record: type " + std::string(1, record.type()) + " does not exist");
      }
    }
    if (!ended_) return wrong(records.back().line, "file control: the file ends without a record of type 9");
    return {};
  }

  // Of the last entry and batch, for those who check files rather than read them.
  std::vector<Record> entries, batches;

 private:
  base::Result<void> begin_batch(const Record& record) {
    if (in_batch_) return wrong(record.line, "batch header: the batch before it has no control record");
    in_batch_ = true;
    batch_ = {};
    batches.push_back(record);
    return {};
  }

  base::Result<void> read_entry(const Record& record) {
    if (!in_batch_) return wrong(record.line, "entry detail: outside of a batch");
    ASSIGN_OR_RETURN(const std::uint64_t cents, number(record, 30, 39, "entry detail, amount"));
    ASSIGN_OR_RETURN(const std::uint64_t bank, number(record, 4, 11, "entry detail, receiving bank"));
    ASSIGN_OR_RETURN(const std::uint64_t ignored, number(record, 80, 94, "entry detail, trace number"));
    static_cast<void>(ignored);
    batch_.records += 1;
    batch_.hash += bank;
    (is_debit_code(record.at(2, 3)) ? batch_.debits : batch_.credits) += cents;
    entries.push_back(record);
    last_ = record;
    has_entry_ = true;
    return {};
  }

  base::Result<void> read_addenda(const Record& record) {
    if (!in_batch_ || !has_entry_) return wrong(record.line, "addenda: without an entry before it");
    batch_.records += 1;
    const std::string_view type = record.at(2, 3);
    if (type != "99" && type != "98") return {};
    const bool is_return = type == "99";
    ASSIGN_OR_RETURN(const std::uint64_t trace, number(record, 7, 21, "addenda, original trace number"));
    ASSIGN_OR_RETURN(const std::uint64_t cents, number(last_, 30, 39, "entry detail, amount"));
    const std::string_view reason = record.at(4, 6);
    if (reason[0] != (is_return ? 'R' : 'C'))
      return wrong(record.line, "addenda, reason code: \"" + std::string(reason) + "\" does not belong to type " +
                                    std::string(type));
    BankEntry& entry = report_.entries.emplace_back();
    entry.kind = is_return ? EntryKind::returned : EntryKind::corrected;
    entry.reference = trimmed(last_.at(40, 54));
    entry.trace = trace;
    entry.company_id = trimmed(batches.back().at(41, 50));
    entry.servicer_reference = record.at(80, 94);
    entry.cents = is_return ? cents : 0;
    entry.currency = "USD";
    // A debit of ours that comes back takes money out of our account, a credit brings it in again.
    entry.incoming = is_return && !is_debit_code(last_.at(2, 3));
    entry.reason = reason;
    entry.text = trimmed(is_return ? record.at(36, 79) : record.at(36, 64));
    entry.line = record.line;
    entry.element = "addenda " + std::string(type);
    entry.number = static_cast<std::uint32_t>(report_.entries.size());
    return {};
  }

  base::Result<void> end_batch(const Record& record) {
    if (!in_batch_) return wrong(record.line, "batch control: without a batch");
    in_batch_ = has_entry_ = false;
    RETURN_IF_ERROR(compare(record, 5, 10, batch_.records, "batch control, entry and addenda count"));
    RETURN_IF_ERROR(compare(record, 11, 20, batch_.hash % kHashModulus, "batch control, entry hash"));
    RETURN_IF_ERROR(compare(record, 21, 32, batch_.debits, "batch control, total debits"));
    RETURN_IF_ERROR(compare(record, 33, 44, batch_.credits, "batch control, total credits"));
    file_.records += batch_.records;
    file_.hash += batch_.hash;
    file_.debits += batch_.debits;
    file_.credits += batch_.credits;
    return {};
  }

  base::Result<void> end_file(const Record& record) {
    if (in_batch_) return wrong(record.line, "file control: the last batch has no control record");
    ended_ = true;
    RETURN_IF_ERROR(compare(record, 2, 7, batches.size(), "file control, batch count"));
    RETURN_IF_ERROR(compare(record, 14, 21, file_.records, "file control, entry and addenda count"));
    RETURN_IF_ERROR(compare(record, 22, 31, file_.hash % kHashModulus, "file control, entry hash"));
    RETURN_IF_ERROR(compare(record, 32, 43, file_.debits, "file control, total debits"));
    return compare(record, 44, 55, file_.credits, "file control, total credits");
  }

  static base::Result<void> compare(const Record& record, std::size_t first, std::size_t last, std::uint64_t counted,
                                    const char* what) {
    ASSIGN_OR_RETURN(const std::uint64_t stated, number(record, first, last, what));
    if (stated == counted) return {};
    return wrong(record.line, std::string(what) + ": says " + std::to_string(stated) + ", the records give " +
                                  std::to_string(counted));
  }

  BankReport& report_;
  bool in_batch_ = false, has_entry_ = false, ended_ = false;
  Record last_{};
  Sums batch_, file_;
};

void check_entries(const std::vector<Record>& entries, const std::vector<Record>& batches,
                   std::vector<std::string>& findings) {
  const auto add = [&findings](const Record& record, const std::string& what) {
    if (findings.size() < kFindingsMax) findings.push_back("line " + std::to_string(record.line) + ", " + what);
  };
  for (const Record& batch : batches) {
    const std::string_view entry_class = batch.at(51, 53);
    if (entry_class != "PPD" && entry_class != "CCD" && entry_class != "WEB")
      add(batch, "batch header: the class " + std::string(entry_class) + " is not one that is written here");
    if (trimmed(batch.at(5, 20)).empty()) add(batch, "batch header: no company name");
    if (trimmed(batch.at(41, 50)).empty()) add(batch, "batch header: no company identification");
    if (trimmed(batch.at(54, 63)).empty()) add(batch, "batch header: no entry description");
  }
  std::set<std::string_view> references;
  std::string_view trace;
  for (const Record& entry : entries) {
    if (const auto problem = routing_number_problem(entry.at(4, 12))) add(entry, "entry detail: " + *problem);
    if (trimmed(entry.at(13, 29)).empty()) add(entry, "entry detail: no account number");
    if (entry.at(30, 39) == "0000000000") add(entry, "entry detail: the amount is zero");
    if (trimmed(entry.at(55, 76)).empty()) add(entry, "entry detail: no name");
    const std::string_view reference = trimmed(entry.at(40, 54));
    if (reference.empty() || !references.insert(reference).second)
      add(entry, "entry detail: the individual identification is missing or used twice");
    if (entry.at(80, 94) <= trace) add(entry, "entry detail: trace numbers must rise");
    trace = entry.at(80, 94);
  }
  if (entries.size() > base::limits::kBankFileEntriesMax)
    add(entries.back(), "file: more than " + std::to_string(base::limits::kBankFileEntriesMax) + " entries");
}

}  // namespace

base::Result<BankReport> read_nacha_report(std::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<Record> records, records_of(text));
  BankReport report;
  report.type = "nacha";
  RETURN_IF_ERROR(Reader(report).read(records));
  return report;
}

std::vector<std::string> nacha_rule_findings(std::string_view text) {
  const base::Result<std::vector<Record>> records = records_of(text);
  if (!records) return {records.error().message};
  BankReport report;
  Reader reader(report);
  if (const base::Result<void> read = reader.read(*records); !read) return {read.error().message};
  std::vector<std::string> findings;
  if (reader.entries.empty()) findings.push_back("line 1, file: has no entries");
  check_entries(reader.entries, reader.batches, findings);
  return findings;
}

}  // namespace settlers::bank
