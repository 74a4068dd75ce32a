#pragma once

// The spool: where payments wait for their file, where files wait for their transport, and the durable record of both.
//
//   out/          files for the bank. The transport takes one, delivers it, and moves it to archive/ (or removes it).
//   in/           files from the bank, put there by the transport under another name first and then renamed.
//   in/rejected/  those that could not be read, each with a .reason beside it.
//   archive/      files that are done with, both ways.
//   gate/         the operator's answers: an empty file FILE.release, .resend, .sent or .void, or alarm.clear.
//   files/        every file that was written, as it was written, for a resend of the same bytes.
//   journal       what is queued and filed; appended with fdatasync, rewritten at start.
//
// A payment is in at most one file, for ever. A file's bytes are durable, and recorded with their SHA-256, before the
// file can be seen in out/. If the process ends in the moment of handing over, the file is held until the operator says
// what the bank has. All calls from one thread; a lock on the directory keeps other processes out.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/ids.h"
#include "base/result.h"
#include "settlers/bank/bank.h"
#include "settlers/bank/business_days.h"

namespace settlers::bank {

struct QueuedPayment {
  std::string reference;  // settlers/bank/reference.h
  base::SettlementId settlement;
  base::Bytes request;  // Prepared::request
};

struct FiledPayment {
  std::string reference;
  base::SettlementId settlement;
  std::uint64_t cents = 0;
  std::uint64_t trace = 0;  // ACH
  bool refused = false;     // the bank said no to it before it was booked
  base::Hash account;       // fingerprint() of the other side
  base::Hash booked;        // the key of the notice that its booking was recorded as; zero: none was
  base::Hash returned;      // the same of its return
};

enum class FileState : std::uint8_t {
  written = 1,  // its bytes are durable; nobody has seen it
  handing = 2,  // about to appear in out/
  out = 3,      // in out/
  taken = 4,    // gone from out/: the transport has it
  held = 5,     // waits for the operator, see hold_reason and may_have_left
  voided = 6,   // the operator says that the bank has never got it, and never will
};
std::string_view name(FileState state) noexcept;

// Money of a payment that was recorded under `key`.
struct FiledMoney {
  std::string reference;
  bool returned = false;  // otherwise booked
  base::Hash key;
};

struct SpoolFile {
  std::uint64_t number = 0;
  std::string name;        // in out/
  std::string message_id;  // SEPA
  base::Hash sha256;
  bool collection = false;
  bool ach = false;
  bool consumer = false;  // ACH: PPD and WEB, which can come back for 60 days
  Day due = 0;
  Day written_on = 0;
  std::uint64_t cents = 0;
  FileState state = FileState::written;
  std::string hold_reason;
  bool may_have_left = false;  // it was in out/, or that is not known: then the bank may have it
  std::string refused_answer;  // the operator's last word on it, and why it made no sense; forgotten at the end
  std::vector<FiledPayment> payments;
};

// "release", "resend", "sent", "void", as in gate/FILE.WORD.
std::string_view word(FileAnswer answer) noexcept;
std::optional<FileAnswer> answer_from_word(std::string_view word) noexcept;
// Why the answer makes no sense for this file in this state ("held", ...); empty: it does.
std::string answer_problem(const std::string& spool, const std::string& file, std::string_view state,
                           bool may_have_left, FileAnswer answer);
// Puts an answer into gate/, durably.
base::Result<void> put_answer(const std::string& spool, const std::string& name);
// The answers in gate/ that are not carried out yet, by file; the alarm's by "alarm".
std::map<std::string, std::string> waiting_answers(const std::string& spool);

struct SpoolNews {
  std::vector<std::string> words;       // for the log
  std::vector<std::uint64_t> answered;  // files on which an answer was carried out
};

// Where a payment is.
struct Whereabouts {
  bool queued = false;
  const SpoolFile* file = nullptr;  // valid until the next call that changes the spool
};

struct BlockedAccount {
  std::string reason;         // a bank's code, or why
  base::SettlementId except;  // may be presented again all the same (a one-off mandate's own collection)
};

class Spool {
 public:
  // Makes what is missing. permission: another process has it. `retention_days` from a file's due date.
  static base::Result<std::unique_ptr<Spool>> open(const std::string& directory, Day today, Day retention_days);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // All of them, or an Error: then none is relied on. The same reference again changes nothing.
  base::Result<void> queue(const std::vector<QueuedPayment>& payments);
  Whereabouts find(const std::string& reference) const;
  const std::map<std::string, QueuedPayment>& queued() const noexcept { return queued_; }

  std::uint64_t next_file_number() const noexcept { return next_file_; }
  std::uint64_t next_trace() const noexcept { return next_trace_; }
  // Takes the payments out of the queue and keeps the bytes; the state is written, or held with a reason.
  base::Result<void> add_file(SpoolFile file, const std::string& bytes);
  base::Result<void> hand_over(std::uint64_t number);
  base::Result<void> hold(std::uint64_t number, const std::string& reason);
  // Marks payments that the bank refused, so that a sum for the rest of their file can be recognised.
  base::Result<void> mark_refused(const std::vector<std::string>& references);
  // Remembers which notices the bank's word on a payment rests on: all other money of it is somebody else's question.
  base::Result<void> mark_money(const std::vector<FiledMoney>& money);
  // What the transport and the operator did since. Hands nothing over: what may leave is `written` then.
  base::Result<SpoolNews> look();
  const std::map<std::uint64_t, SpoolFile>& files() const noexcept { return files_; }
  const SpoolFile* find_message(std::string_view message_id) const;
  const FiledPayment* find_trace(std::uint64_t trace) const;
  // Whether these are the bytes of a file that was made here and is still kept.
  bool is_written_here(const std::string& bytes) const;
  const FiledPayment* find_filed(const std::string& reference) const;
  // Whether a later attempt of the same settlement is queued or filed.
  bool is_superseded(const FiledPayment& payment) const;

  // Names in in/ that are complete, in order.
  std::vector<std::string> incoming() const;
  base::Result<std::string> read_incoming(const std::string& name) const;
  base::Result<void> archive_incoming(const std::string& name);
  // Names in archive/, in order: what the bank sent, what it got, and the operator's answers.
  std::vector<std::string> archived() const;
  base::Result<std::string> read_archived(const std::string& name) const;
  base::Result<void> reject_incoming(const std::string& name, const std::string& reason);

  // All with one sync: a file has ten thousand of them.
  base::Result<void> block(const std::vector<std::pair<base::Hash, BlockedAccount>>& accounts);
  const BlockedAccount* blocked(const base::Hash& account) const;

  // Collections are held until the operator clears it; empty: there is none.
  base::Result<void> raise_alarm(const std::string& reason);
  std::string alarm() const;

  // Returns of ACH debits by day and category (reasons.h), for the rates.
  base::Result<void> note_returns(Day day, const std::vector<std::uint8_t>& categories);
  struct ReturnCounts {
    std::uint64_t debits = 0, unauthorized = 0, administrative = 0, all = 0;
  };
  ReturnCounts returns_since(Day day) const;

  // Whether everything that the ledger believes to be here is here. Once false it stays so until the process ends:
  // then nothing is said to be absent.
  bool complete() const noexcept { return complete_; }
  void mark_incomplete() noexcept { complete_ = false; }
  bool was_made_now() const noexcept { return made_now_; }

 private:
  explicit Spool(std::string directory);
  base::Result<void> prepare_directories();
  base::Result<void> load(Day oldest_due);
  base::Result<void> rewrite();
  base::Result<void> append(const std::vector<base::Bytes>& records);
  bool apply(base::ByteView record);
  bool apply_file(base::Decoder& in);
  bool apply_money(base::Decoder& in);
  void recover_handing();
  base::Result<void> set_state(std::uint64_t number, FileState state, const std::string& reason);
  base::Result<std::string> answer_gate(const std::string& name, SpoolNews& news);

  std::string directory_;
  int lock_fd_ = -1, journal_fd_ = -1;
  bool broken_ = false, complete_ = true, made_now_ = false;
  std::uint64_t next_file_ = 1, next_trace_ = 1;
  std::map<std::string, QueuedPayment> queued_;
  std::map<std::uint64_t, SpoolFile> files_;
  using Place = std::pair<std::uint64_t, std::size_t>;  // a file, and a payment in it
  std::unordered_map<std::string, Place> filed_;        // by reference
  std::unordered_map<std::uint64_t, Place> by_trace_;
  std::unordered_map<std::uint64_t, std::string> latest_;  // by settlement: the reference that came last
  std::map<base::Hash, BlockedAccount> blocked_;
  std::map<std::pair<Day, std::uint8_t>, std::uint64_t> returns_;
};

}  // namespace settlers::bank
