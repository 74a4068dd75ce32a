#pragma once

// The bank rail: SEPA direct debits and credit transfers (ISO 20022), US ACH debits and credits (NACHA), by files in a
// spool directory (spool.h). docs/rails/bank.md is the manual.
//
// A settlement is `accepted` when the spool has it durably, under a reference that is the same for the same settlement,
// attempt and retry. At the cut-off all that wait become files. What happens then is said by files from the bank alone:
// each entry becomes a notice, and probe() reads notices and where the payment is in the spool.
//
//   in the spool, in a file, in out/, taken           accepted
//   pain.002 RJCT                                     failed, by the reason's class (reasons.h)
//   booked in a statement (camt.053)                  settled
//   ACH: no return for some business days             settled
//   returned                                          returned, or failed where no booking was seen
//   the risk of a return is over                      final
//   `sending` after a crash, and not in the spool     failed, technical: nothing was sent
//   `sending`, and the spool is not what it was       unknown, until the operator has restored it
//   the operator says the bank never got the file     failed, technical

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "settlers/bank/sepa.h"
#include "settlers/inbox.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers::bank {

// An asset as money of a bank.
struct BankCurrency {
  ledger::core::AssetId asset;
  unsigned scale = 6;      // of the asset's ledger unit
  std::string currency;    // "EUR" moves by SEPA, "USD" by ACH
  std::string rate = "1";  // currency for one whole unit of the asset: a decimal with at most 9 fraction digits
};

// Cut-offs are local times of the bank's; a file is written in the window before them, on its business days.
struct FileTimes {
  std::string time_zone;
  std::uint32_t cut_off_s = 10 * 3600;  // after local midnight
  std::uint64_t window_s = 1800;        // before the cut-off
  std::uint64_t interval_s = 1800;      // between two rounds of files in one window
  int collection_lead_days = 1;         // business days from the file to the due date
  int payout_lead_days = 0;
};

struct SepaOptions {
  SepaParty own;
  std::string creditor_id;  // empty: no collections
  FileTimes times{"Europe/Berlin", 10 * 3600, 1800, 1800, 1, 0};
  bool batch_booking = true;
  bool notifications_book = false;  // camt.054 counts as booking, for banks whose camt.053 has no details
  Day core_final_days = 57;         // calendar days after booking: eight weeks, and one
  Day b2b_final_days = 8;           // returns of B2B: three business days
  Day payout_final_days = 10;       // returns and recalls
};

struct AchOptions {
  std::string destination;  // the bank's routing number
  std::string destination_name;
  std::string origin;  // ten characters, from the bank
  std::string company_name;
  std::string company_id;               // ten characters
  std::string odfi;                     // eight digits
  std::string description = "PAYMENT";  // PPD and CCD
  std::string web_description = "PURCHASE";
  FileTimes times{"America/New_York", 15 * 3600, 1800, 1800, 1, 1};
  int settled_after_days = 3;    // business days after the effective date without a return
  Day consumer_final_days = 62;  // calendar days: PPD, WEB
  Day company_final_days = 7;    // CCD
  Day payout_final_days = 7;
  // Return rates over 60 days at which collections are held, in parts of 10,000; counted from `rate_entries_min`
  // debits.
  std::uint32_t unauthorized_max = 50, administrative_max = 300, all_max = 1'500;
  std::uint32_t rate_entries_min = 100;
};

struct BankOptions {
  std::string rail = "bank";
  std::string spool_directory;
  std::string installation;  // what makes references ours: the network's name
  std::optional<SepaOptions> sepa;
  std::optional<AchOptions> ach;
  std::vector<BankCurrency> currencies;
  std::uint64_t approve_above_cents = 0;  // a file of more waits for the operator; zero: never
  std::uint64_t poll_ms = 5'000;          // how often in/, out/ and gate/ are looked at
  std::size_t in_flight_max = 200'000;
  // For demonstrations: every moment is before a cut-off, a file is written once in this time, and each of the
  // *_final_days lasts so long, from the moment when the booking was read. Zero: banks live by the calendar.
  std::uint64_t demonstration_day_ms = 0;
};

// A file for the bank, as an operator sees it.
struct BankFile {
  std::string name;
  std::string state;           // "held", "out", "taken", ...: settlers/bank/spool.h
  std::string reason;          // held, void, or written and not leaving: why
  std::string answer;          // the operator's word that is not carried out yet: "release", ...; empty: none
  std::string refused_answer;  // the last one, if it made no sense, and why: "void: ..."; until the process ends
  bool may_have_left = false;  // it was in out/, or that is not known
  bool collection = false;
  Day due = 0;
  std::uint64_t cents = 0;
  std::uint64_t payments = 0;
  base::Hash sha256;
};
struct BankFiles {
  std::vector<BankFile> files;  // the newest last, at most 1,000: all that wait, and the newest of the others
  std::string alarm;            // not empty: collections are held until it is cleared
};
// What an operator may say of a file: docs/rails/bank.md.
enum class FileAnswer : std::uint8_t { release = 1, resend = 2, sent = 3, void_ = 4, clear_alarm = 5 };

class BankSettler : public Settler {
 public:
  // As of the last look at the spool. From any thread.
  virtual BankFiles files() const = 0;
  // Carried out in a moment, and once, also after a crash: it is put into gate/ durably before this returns, and is
  // BankFile::answer until it is carried out. Not safe to call before start(). not_found: there is no such file;
  // invalid_argument: it makes no sense for this file now, or another answer waits.
  virtual base::Result<void> answer(const std::string& file, FileAnswer answer) = 0;
};

// For logs: something that a person may want to know. Called on the rail's own thread.
using BankLog = std::function<void(std::string_view message)>;

// Checks the options; invalid_argument names the option as the configuration does ("sepa.creditor_id"). All references
// must outlive the settler. The settler has one thread of its own, for the disk. start() fails with permission if
// another process uses the spool.
base::Result<std::unique_ptr<BankSettler>> make_bank(boost::asio::io_context& io, BankOptions options, Inbox& inbox,
                                                     const base::Clock& clock, BankLog log = {});

// What is wrong with the options; nothing: they can be used.
std::optional<std::string> bank_options_problem(const BankOptions& options);

}  // namespace settlers::bank
