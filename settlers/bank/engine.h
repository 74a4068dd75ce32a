#pragma once

// The bank rail without threads and without a ledger: what settler.cpp drives. Private to settlers/bank. Not safe for
// concurrent use.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "aggregator/local_time.h"
#include "settlers/bank/account_text.h"
#include "settlers/bank/bank.h"
#include "settlers/bank/reasons.h"
#include "settlers/bank/reference.h"
#include "settlers/bank/report.h"
#include "settlers/bank/spool.h"

namespace settlers::bank {

// Behind what waits for it.
inline constexpr std::string_view kNotSending = "; waits: nothing is sent while the kill switch or the dry run is on";

// What prepare() made, read back.
struct Request {
  std::string reference;
  std::uint64_t cents = 0;
  bool collection = false;
  bool retry = false;  // ACH: a re-initiation
  Day not_before = 0;
  std::string remittance;
  Counterparty party;
};
base::Bytes write_request(const Request& request, const Fields& account);
base::Result<Request> read_request(const base::Bytes& bytes);

// What an entry says of a settlement, as it is kept in Notice::body.
struct NoticeBody {
  EntryKind kind = EntryKind::booked;
  std::string reference;
  std::string reason;
  std::string text;
  std::uint64_t cents = 0;
  std::uint64_t fee_cents = 0;
  bool incoming = false;
  bool notified = false;
  std::optional<Day> date;
  OtherSide other_side;  // only of what matches no settlement
};
base::Bytes write_notice_body(const NoticeBody& body);
std::optional<NoticeBody> read_notice_body(const base::Bytes& bytes);

// One file from the bank, ready to be recorded.
struct Incoming {
  std::string name;
  std::vector<Notice> notices;
  std::string problem;  // not empty: the file is refused
  std::vector<std::string> refused;
  std::vector<FiledMoney> money;
  std::vector<std::uint8_t> return_categories;
  std::vector<std::pair<std::string, std::string>> blocks;  // reference, reason
  std::string alarm;
};

class Engine {
 public:
  // `clock` must outlive it. The options have been checked.
  static base::Result<std::unique_ptr<Engine>> make(BankOptions options, const base::Clock& clock);

  void adopt(const Settlement& settlement);
  base::Result<Prepared> prepare(const Instruction& instruction) const;
  // Durable when it returns.
  base::Result<void> queue(const std::vector<Settlement>& settlements);
  Outcome probe(const Instruction& instruction) const;
  // Looks at out/ and gate/ and writes files that are due. The words are for the log.
  // What may leave waits in the state `written` while sending is not allowed.
  std::vector<std::string> tick(bool sending_allowed);
  void set_sending(bool allowed) { sending_ = allowed; }
  // Of each payment whose file the operator's word has moved since the last call: it is to be looked at at once.
  std::vector<Notice> take_answered();
  // The next file of in/; nothing if there is none. To be recorded, then finished; or asked for again.
  std::optional<Incoming> next_incoming() const;
  std::vector<std::string> finish_incoming(const Incoming& incoming);

  // What the bank's statements in archive/ say, a file at a time.
  base::Result<MovementPage> movements(const MovementQuery& query) const;

  std::string describe() const;
  std::vector<Gauge> gauges() const;
  BankFiles files() const;
  const Spool& spool() const { return *spool_; }

 private:
  struct Group;
  struct Reading;
  Engine(BankOptions options, const base::Clock& clock);
  std::string reference_of(const Settlement& settlement, Network network) const;
  bool is_reference_of(const Settlement& settlement, std::string_view reference) const;
  base::Result<std::uint64_t> cents_of(const Instruction& instruction, std::string& currency, std::string& note) const;
  std::optional<Prepared> refusal(const Instruction& instruction, const Request& request) const;
  void look_at_history(const Instruction& instruction, Request& request, std::string& refused) const;
  const FileTimes& times(Network network) const;
  const aggregator::LocalClock& local(Network network) const;
  Day today(Network network) const;

  bool in_window(Network network, Day& today) const;
  base::Time next_window(Network network) const;
  // Whether there was anything to file.
  bool build(Network network, Day today, std::vector<std::string>& news);
  base::Result<void> build_file(const Group& group, const std::vector<const QueuedPayment*>& payments, Day today,
                                std::vector<std::string>& news);
  std::string build_sepa(const Group& group, const std::vector<Request>& requests, SpoolFile& file) const;
  std::string build_ach(const Group& group, const std::vector<Request>& requests, SpoolFile& file, Day today) const;
  std::string hold_reason(const SpoolFile& file) const;
  std::string return_rate_problem() const;

  // A file from the bank: the reason if it cannot be read, or is not about an account of ours.
  base::Result<BankReport> read_own_report(const std::string& bytes) const;
  void add_notices(const BankReport& report, Incoming& incoming) const;
  void add_payment(const BankEntry& entry, const std::string& note, Reading& reading) const;
  bool add_whole_file(const BankEntry& entry, const SpoolFile& file, Reading& reading) const;
  std::string not_ours(const BankEntry& entry, const BankReport& report) const;
  std::string why_not_its_money(const BankEntry& entry, const base::Hash& key, const Reading& reading) const;
  void add_consequences(const BankEntry& entry, const base::Hash& key, bool its_own, Reading& reading) const;
  void set_money(const BankEntry& entry, Notice& notice) const;
  static void not_booked(const BankEntry& entry, const char* why, Notice& notice);
  base::Result<void> put_away(const Incoming& incoming, std::vector<std::string>& news);

  Outcome where_it_is(const Instruction& instruction, const Whereabouts& where) const;
  Outcome returned(const Instruction& instruction, const NoticeBody& body, bool booked) const;
  // `seen`: when we heard of it.
  Outcome booked(const Request& request, std::optional<Day> booked_on, base::Time seen) const;
  Outcome not_configured(const Request& request, SettlementState state, const std::string& what) const;
  base::Time can_come_back_until(const Request& request, Day date, Day days, base::Time seen) const;
  Amount fee_of(const Instruction& instruction, std::uint64_t cents) const;
  std::uint64_t ms_until(base::Time time) const;

  BankOptions options_;
  const base::Clock& clock_;
  base::Hash installation_;
  base::RailName rail_;
  std::unique_ptr<Spool> spool_;
  std::map<Network, aggregator::LocalClock> local_;
  std::map<Network, base::Time> last_round_;
  bool sending_ = true;
  std::map<std::uint64_t, std::string> answered_;  // files, and what to say of them
  std::set<std::string> stuck_;                    // names in in/ that could not be put away since the last tick
  std::map<std::string, std::string> said_stuck_;  // why, as the log has it
  std::uint64_t refused_files_ = 0, unmatched_ = 0;
  std::string problem_;
  mutable std::map<base::Hash, std::string> counted_;  // by movements(): notices, and the file that has them
  std::string degraded_;                               // why the last look at the spool failed; empty: it did not
};

}  // namespace settlers::bank
