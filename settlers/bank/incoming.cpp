// From a bank's file to notices. Nothing is decided here: an entry is matched by its reference or trace, or by the file
// that it speaks of, and said as it is; what matches nothing goes to suspense.

#include <algorithm>
#include <set>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "settlers/bank/engine.h"

namespace settlers::bank {
namespace {

using ledger::core::Direction;
using ledger::core::NoticeKind;

constexpr std::size_t kSourceMax = 256, kDetailMax = 512;
constexpr unsigned kRateDigits = 9;

NoticeKind kind_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::accepted: return NoticeKind::accepted;
    case EntryKind::rejected: return NoticeKind::rejected;
    case EntryKind::booked: return NoticeKind::booked;
    case EntryKind::returned: return NoticeKind::returned;
    case EntryKind::corrected: return NoticeKind::changed;
  }
  return NoticeKind::event;
}

base::Hash hash_of(std::string_view text) {
  return crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

bool is_about_money(const BankEntry& entry) {
  return entry.kind == EntryKind::booked || entry.kind == EntryKind::returned;
}

// Whether the bank's own reference names the entry, and not the lack of a name.
bool is_name(std::string_view reference) {
  constexpr std::string_view kNoNames[] = {"NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOTAVAILABLE", "NONE",
                                           "NOREF",  "UNKNOWN",     "NULL",         "NA",           "N/A"};
  std::string upper(reference);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (std::find(std::begin(kNoNames), std::end(kNoNames), upper) != std::end(kNoNames)) return false;
  return upper.find_first_not_of("0 -./X") != std::string::npos;
}

// The same entry has the same text whatever file brings it: by the bank's name for it, or by its statement; what is
// equal in all of this is told apart by its count in the file.
std::string identity(const BankReport& report, const BankEntry& entry, const std::string& reference) {
  std::string name = report.id + "|" + std::to_string(entry.number);
  if (is_name(entry.servicer_reference)) {
    name = entry.servicer_reference;
  } else if (entry.date && !entry.notified) {
    name = "statement|" + entry.statement;
  }
  return "tabd bank entry 2|" + report.type + "|" + report.account + "|" + name + "|" +
         (entry.date ? date_text(*entry.date) : std::string()) + "|" + reference + "|" +
         std::to_string(static_cast<unsigned>(entry.kind)) + "|" + std::to_string(entry.cents) + entry.currency +
         (entry.incoming ? "in|" : "out|") + entry.reason + "|" + std::to_string(entry.trace);
}

// `from "Crawler Inc", DE89370400440532013000: "INV 4711"`, as much of it as the bank says.
std::string other_side_text(const BankEntry& entry) {
  const OtherSide& side = entry.other_side;
  std::string text;
  if (!side.name.empty()) text = "\"" + side.name + "\"";
  if (!side.account.empty()) text += (text.empty() ? "" : ", ") + side.account;
  if (!text.empty()) text = (entry.incoming ? "; from " : "; to ") + text;
  if (!side.remittance.empty()) text += "; for \"" + side.remittance + "\"";
  return text;
}

base::u128 power_of_ten(unsigned exponent) {
  base::u128 result = 1;
  for (; exponent > 0; --exponent) result *= 10;
  return result;
}

}  // namespace

// One file from the bank while it is read.
struct Engine::Reading {
  using Named = std::pair<std::string, EntryKind>;  // a reference, and what is said of it

  const BankReport& report;
  Incoming& incoming;
  std::map<std::string, int> seen;    // equal entries so far
  std::map<Named, base::Hash> money;  // the notices of bookings and returns that are what was filed
  std::set<Named> statuses;           // of whole files
  std::set<Named> sums;               // the same, by the file's name
};

base::Result<BankReport> Engine::read_own_report(const std::string& bytes) const {
  ASSIGN_OR_RETURN(BankReport report, read_report(bytes));
  if (!report.type.starts_with("camt")) return report;
  const auto refused = [](const std::string& why) {
    return base::error(base::ErrorCode::invalid_argument, "line 1, Acct: " + why);
  };
  if (!options_.sepa) return refused("SEPA is not configured, so no account is known here as ours");
  if (report.account.empty()) return refused("the file does not say by IBAN which account it is about");
  if (report.account != options_.sepa->own.iban)
    return refused("the file is about account " + report.account.substr(0, 40) + ", which is not ours");
  return report;
}

std::optional<Incoming> Engine::next_incoming() const {
  const std::vector<std::string> names = spool_->incoming();
  const auto name =
      std::find_if(names.begin(), names.end(), [this](const std::string& each) { return stuck_.count(each) == 0; });
  if (name == names.end()) return std::nullopt;
  Incoming incoming;
  incoming.name = *name;
  const base::Result<std::string> bytes = spool_->read_incoming(incoming.name);
  const base::Result<BankReport> report =
      bytes ? read_own_report(*bytes) : base::Result<BankReport>(tl::unexpected<base::Error>(bytes.error()));
  if (report) {
    add_notices(*report, incoming);
    return incoming;
  }
  incoming.problem = report.error().message;
  Notice notice;
  notice.rail = rail_;
  notice.key = hash_of("tabd bank refused file 1|" + incoming.name + "|" + (bytes ? *bytes : std::string()));
  notice.source = incoming.name.substr(0, kSourceMax);
  notice.recorded_as = NoticeState::refused;
  notice.detail = (incoming.name + ", " + incoming.problem).substr(0, kDetailMax);
  notice.received = clock_.now();
  incoming.notices.push_back(std::move(notice));
  return incoming;
}

void Engine::add_notices(const BankReport& report, Incoming& incoming) const {
  Reading reading{report, incoming, {}, {}, {}, {}};
  for (const BankEntry& entry : report.entries) {
    if (entry.scope == EntryScope::payment) {
      add_payment(entry, {}, reading);
      continue;
    }
    const SpoolFile* file =
        spool_->find_message(entry.payment_information_id.empty() ? entry.message_id : entry.payment_information_id);
    if (file == nullptr) file = spool_->find_message(entry.message_id);
    if (file != nullptr && add_whole_file(entry, *file, reading)) continue;
    add_payment(entry,
                file == nullptr ? "of a file that is not known here"
                                : "not the sum of what is open of " + file->name + ", " + cents_text(file->cents),
                reading);
  }
}

// One notice for each payment of a file, where the bank speaks of the file as a whole.
bool Engine::add_whole_file(const BankEntry& entry, const SpoolFile& file, Reading& reading) const {
  std::uint64_t rest = 0, count = 0;
  for (const FiledPayment& payment : file.payments) {
    if (payment.refused) continue;
    rest += payment.cents;
    ++count;
  }
  const bool money = is_about_money(entry);
  if (money && (entry.cents != rest || (entry.payments != 0 && entry.payments != count))) return false;
  if (money && entry.incoming != (file.collection == (entry.kind == EntryKind::booked))) return false;
  if (money && !reading.sums.insert({file.name, entry.kind}).second) return false;
  for (const FiledPayment& payment : file.payments) {
    if (payment.refused) continue;
    // A status twice, as of the block and of the message, says nothing more.
    if (!money && !reading.statuses.insert({payment.reference, entry.kind}).second) continue;
    BankEntry one = entry;
    one.reference = payment.reference;
    if (money) one.cents = payment.cents;
    add_payment(one, {}, reading);
  }
  return true;
}

// ACH: whether an entry is of the payment whose trace number it names, in all that it repeats of it. Anybody's file can
// hold any number. Empty: it is.
std::string Engine::not_ours(const BankEntry& entry, const BankReport& report) const {
  if (!options_.ach) return "ACH is not configured";
  const AchOptions& own = *options_.ach;
  const auto is_ours = [&own](std::string_view party) {
    return !party.empty() && (party == own.origin || party == own.destination || party == own.company_id);
  };
  if (entry.company_id != own.company_id) return "of company " + entry.company_id + ", which is not ours";
  if (!is_ours(report.destination) && !is_ours(report.origin))
    return "in a file from " + report.origin + " to " + report.destination + ", neither of them ours";
  const FiledPayment* filed = spool_->find_trace(entry.trace);
  if (filed == nullptr) return "of a trace number that is not ours";
  if (filed->reference != entry.reference)
    return "its trace number is that of " + filed->reference + ", its identification is not";
  return {};
}

// Why the money of an entry is not that of the payment it names; empty: it is. A payment is booked once and comes back
// once, whole; anything else is money of its own, and the operator says whose.
std::string Engine::why_not_its_money(const BankEntry& entry, const base::Hash& key, const Reading& reading) const {
  const bool back = entry.kind == EntryKind::returned;
  if (is_duplicate(entry.reason)) return "a duplicate went back, while the first may stand";
  const FiledPayment* filed = spool_->find_filed(entry.reference);
  // Where the spool is not what it was, the settlement's own record decides.
  if (filed == nullptr) return spool_->complete() ? "names a payment that is in no file here" : std::string();
  const SpoolFile& file = *spool_->find(entry.reference).file;
  if (file.state == FileState::voided) return "names a payment of " + file.name + ", which is void";
  if (filed->refused) return "names a payment that the bank refused";
  if (spool_->is_superseded(*filed)) return "names an earlier attempt of its settlement";
  if (entry.incoming != (file.collection != back)) return "in the direction that its payment does not have";
  // Some banks state what came back with their charges in it.
  if (entry.cents != filed->cents && !(back && entry.cents == filed->cents + entry.fee_cents))
    return "another amount than its payment's, " + cents_text(filed->cents);
  const auto here = reading.money.find({entry.reference, entry.kind});
  const base::Hash& before = here != reading.money.end() ? here->second : back ? filed->returned : filed->booked;
  if (before.is_zero() || before == key) return {};
  return std::string("its payment was ") + (back ? "returned" : "booked") + " before";
}

void Engine::add_payment(const BankEntry& entry, const std::string& note, Reading& reading) const {
  const bool duplicate = is_duplicate(entry.reason);
  const bool money = is_about_money(entry) && !entry.notified;
  const std::string foreign = reading.report.type == "nacha" ? not_ours(entry, reading.report) : std::string();
  const std::optional<PaymentName> name =
      foreign.empty() ? parse_reference(installation_, entry.reference) : std::nullopt;
  const std::string same = identity(reading.report, entry, entry.reference);
  Notice notice;
  notice.rail = rail_;
  notice.key = hash_of(same + "|" + std::to_string(++reading.seen[same]));
  notice.source = (reading.report.type + " " + reading.incoming.name + " entry " + std::to_string(entry.number))
                      .substr(0, kSourceMax);
  notice.external_id = entry.reference.empty() ? entry.servicer_reference.substr(0, kSourceMax) : entry.reference;
  // The bank refuses what it says it has already: then it has it, and to fail the payment would be to send it twice.
  const EntryKind kind = duplicate && entry.kind == EntryKind::rejected ? EntryKind::accepted : entry.kind;
  notice.kind = kind_of(kind);
  std::string why_not = foreign;
  if (name && money) why_not = why_not_its_money(entry, notice.key, reading);
  if (name && why_not.empty()) notice.settlement = name->settlement;
  notice.received = clock_.now();
  NoticeBody body;
  body.kind = kind;
  body.reference = entry.reference;
  body.reason = entry.reason;
  body.text = entry.text;
  body.cents = entry.cents;
  body.fee_cents = entry.fee_cents;
  body.incoming = entry.incoming;
  body.notified = entry.notified;
  body.date = entry.date;
  // Of payments of ours it is known, and need not be kept twice for ever.
  if (!name) body.other_side = entry.other_side;
  notice.body = write_notice_body(body);
  notice.detail = reading.incoming.name + ", line " + std::to_string(entry.line) + ", " + entry.element;
  if (!entry.reason.empty())
    notice.detail += ": " + entry.reason + " " + std::string(reason_policy(entry.reason).meaning);
  if (!note.empty()) notice.detail += ": " + note;
  if (!why_not.empty())
    notice.detail += ": " + why_not + (name ? ", settlement " + std::to_string(name->settlement.value) : std::string());
  if (money) set_money(entry, notice);
  if (!name) notice.detail += other_side_text(entry);
  notice.detail = base::without_flaws(notice.detail, kDetailMax);
  const base::Hash key = notice.key;
  reading.incoming.notices.push_back(std::move(notice));
  if (name && (why_not.empty() || duplicate)) add_consequences(entry, key, why_not.empty(), reading);
}

// What the spool is to remember of an entry that is of a payment of ours.
void Engine::add_consequences(const BankEntry& entry, const base::Hash& key, bool its_own, Reading& reading) const {
  Incoming& incoming = reading.incoming;
  if (its_own && is_about_money(entry) && !entry.notified) {
    reading.money[{entry.reference, entry.kind}] = key;
    incoming.money.push_back({entry.reference, entry.kind == EntryKind::returned, key});
  }
  if (entry.kind != EntryKind::rejected && entry.kind != EntryKind::returned) return;
  const ReasonPolicy& policy = reason_policy(entry.reason);
  if (policy.alarm) incoming.alarm = entry.reason + ", " + std::string(policy.meaning) + ", in " + incoming.name;
  if (is_duplicate(entry.reason)) return;
  if (entry.kind == EntryKind::rejected) incoming.refused.push_back(entry.reference);
  if (entry.trace != 0) incoming.return_categories.push_back(static_cast<std::uint8_t>(policy.category));
  if (policy.blocks_account) incoming.blocks.emplace_back(entry.reference, entry.reason);
}

// Money that the books have no place for is the operator's: as a refused notice it is kept and shown.
void Engine::not_booked(const BankEntry& entry, const char* why, Notice& notice) {
  notice.recorded_as = NoticeState::refused;
  notice.settlement = {};
  notice.detail = "not booked: " + cents_text(entry.cents) + " " + entry.currency +
                  (entry.incoming ? " in, " : " out, ") + why + "; " + notice.detail;
}

void Engine::set_money(const BankEntry& entry, Notice& notice) const {
  const auto found = std::find_if(options_.currencies.begin(), options_.currencies.end(),
                                  [&](const BankCurrency& each) { return each.currency == entry.currency; });
  if (entry.cents == 0) return;
  if (found == options_.currencies.end()) return not_booked(entry, "which no asset here is", notice);
  const auto rate = Amount::parse_decimal(found->rate, kRateDigits);
  const auto units =
      Amount(entry.cents)
          .multiply_divide(power_of_ten(found->scale + kRateDigits - 2), rate->units(), base::Rounding::down);
  if (!units || units->is_zero()) return not_booked(entry, "which the asset's scale or rate cannot express", notice);
  notice.asset = found->asset;
  notice.amount = *units;
  notice.direction = entry.incoming ? Direction::in : Direction::out;
}

// The notices are durable by now. Everything here may happen twice; nothing is lost if it is cut off in the middle.
std::vector<std::string> Engine::finish_incoming(const Incoming& incoming) {
  std::vector<std::string> news;
  const base::Result<void> done = put_away(incoming, news);
  if (done) {
    stuck_.erase(incoming.name);
    said_stuck_.erase(incoming.name);
    return news;
  }
  // The others go on; this one is tried again at the next look.
  stuck_.insert(incoming.name);
  std::string& said = said_stuck_[incoming.name];
  if (std::exchange(said, done.error().message) == done.error().message) return {};
  news.push_back("in/" + incoming.name + " stays there: " + done.error().message);
  return news;
}

base::Result<void> Engine::put_away(const Incoming& incoming, std::vector<std::string>& news) {
  if (!incoming.problem.empty()) {
    if (said_stuck_.count(incoming.name) == 0) ++refused_files_;
    RETURN_IF_ERROR(spool_->reject_incoming(incoming.name, incoming.problem));
    news.push_back("in/" + incoming.name + " is refused: " + incoming.problem);
    return {};
  }
  RETURN_IF_ERROR(spool_->mark_money(incoming.money));
  RETURN_IF_ERROR(spool_->mark_refused(incoming.refused));
  std::vector<std::pair<base::Hash, BlockedAccount>> blocked;
  for (const auto& [reference, reason] : incoming.blocks) {
    const FiledPayment* filed = spool_->find_filed(reference);
    if (filed != nullptr) blocked.push_back({filed->account, {reason, {}}});
  }
  RETURN_IF_ERROR(spool_->block(blocked));
  if (!incoming.alarm.empty()) RETURN_IF_ERROR(spool_->raise_alarm(incoming.alarm));
  RETURN_IF_ERROR(spool_->archive_incoming(incoming.name));
  for (const Notice& notice : incoming.notices) unmatched_ += notice.settlement.valid() ? 0U : 1U;
  news.push_back("in/" + incoming.name + ": " + std::to_string(incoming.notices.size()) + " entries");
  // Once: a file that stays in in/ is read again and again.
  if (local_.count(Network::ach) == 0) return {};
  const base::Result<void> noted = spool_->note_returns(today(Network::ach), incoming.return_categories);
  if (!noted) news.push_back(noted.error().message);
  return {};
}

}  // namespace settlers::bank
