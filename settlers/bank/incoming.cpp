// From a bank's file to notices. Nothing is decided here: an entry is matched by its reference or trace, or by the file
// that it speaks of, and said as it is; what matches nothing goes to suspense.

#include <algorithm>

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

// The bank refuses what it says it has already: then it has it, and to fail the payment would be to send it twice.
bool is_refused_as_duplicate(const BankEntry& entry) {
  return entry.kind == EntryKind::rejected && (entry.reason == "AM05" || entry.reason == "DUPL");
}

base::Hash hash_of(std::string_view text) {
  return crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

// The same entry has the same key whatever file brings it, as far as the bank names its entries.
std::string identity(const BankReport& report, const BankEntry& entry, const std::string& reference) {
  const bool named = !entry.servicer_reference.empty();
  std::string text = "tabd bank entry 1|" + report.type + "|" + report.account + "|" +
                     (named ? entry.servicer_reference : report.id + "|" + std::to_string(entry.number)) + "|" +
                     reference + "|" + std::to_string(static_cast<unsigned>(entry.kind)) + "|" +
                     std::to_string(entry.cents) + (entry.incoming ? "in|" : "out|") + entry.reason + "|" +
                     std::to_string(entry.trace);
  return text;
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

std::optional<Incoming> Engine::next_incoming() const {
  const std::vector<std::string> names = spool_->incoming();
  if (names.empty()) return std::nullopt;
  Incoming incoming;
  incoming.name = names.front();
  const base::Result<std::string> bytes = spool_->read_incoming(incoming.name);
  base::Result<BankReport> report =
      bytes ? read_report(*bytes) : base::Result<BankReport>(tl::unexpected<base::Error>(bytes.error()));
  if (report && !report->account.empty() && options_.sepa && report->account != options_.sepa->own.iban)
    report = base::error(base::ErrorCode::invalid_argument,
                         "line 1, Acct: the file is about account " + report->account + ", which is not ours");
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
  std::map<std::string, int> seen;
  for (const BankEntry& entry : report.entries) {
    if (entry.scope != EntryScope::payment) {
      const SpoolFile* file =
          spool_->find_message(entry.payment_information_id.empty() ? entry.message_id : entry.payment_information_id);
      if (file == nullptr) file = spool_->find_message(entry.message_id);
      if (file != nullptr && add_whole_file(entry, *file, incoming, report, seen)) continue;
      add_payment(entry, nullptr,
                  file == nullptr ? "of a file that is not known here"
                                  : "a sum that is not that of " + file->name + ", " + cents_text(file->cents),
                  incoming, report, seen);
      continue;
    }
    const FiledPayment* filed = entry.trace == 0 ? nullptr : spool_->find_trace(entry.trace);
    add_payment(entry, filed, {}, incoming, report, seen);
  }
}

// One notice for each payment of a file, where the bank speaks of the file as a whole.
bool Engine::add_whole_file(const BankEntry& entry, const SpoolFile& file, Incoming& incoming, const BankReport& report,
                            std::map<std::string, int>& seen) const {
  std::uint64_t rest = 0, count = 0;
  for (const FiledPayment& payment : file.payments) {
    if (payment.refused) continue;
    rest += payment.cents;
    ++count;
  }
  const bool money = entry.kind == EntryKind::booked || entry.kind == EntryKind::returned;
  if (money && (entry.cents != rest || (entry.payments != 0 && entry.payments != count))) return false;
  if (money && entry.incoming != (file.collection == (entry.kind == EntryKind::booked))) return false;
  for (const FiledPayment& payment : file.payments) {
    if (payment.refused) continue;
    BankEntry one = entry;
    one.reference = payment.reference;
    if (money) one.cents = payment.cents;
    add_payment(one, &payment, {}, incoming, report, seen);
  }
  return true;
}

void Engine::add_payment(const BankEntry& entry, const FiledPayment* filed, const std::string& note, Incoming& incoming,
                         const BankReport& report, std::map<std::string, int>& seen) const {
  const std::string reference = filed != nullptr ? filed->reference : entry.reference;
  const std::optional<PaymentName> name = parse_reference(installation_, reference);
  const std::string same = identity(report, entry, reference);
  Notice notice;
  notice.rail = rail_;
  notice.key = hash_of(same + "|" + std::to_string(++seen[same]));
  notice.source = (report.type + " " + incoming.name + " entry " + std::to_string(entry.number)).substr(0, kSourceMax);
  notice.external_id = reference.empty() ? entry.servicer_reference.substr(0, kSourceMax) : reference;
  const bool duplicate = is_refused_as_duplicate(entry);
  const EntryKind kind = duplicate ? EntryKind::accepted : entry.kind;
  notice.kind = kind_of(kind);
  if (name) notice.settlement = name->settlement;
  notice.received = clock_.now();
  NoticeBody body;
  body.kind = kind;
  body.reference = reference;
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
  notice.detail = incoming.name + ", line " + std::to_string(entry.line) + ", " + entry.element;
  if (!entry.reason.empty())
    notice.detail += ": " + entry.reason + " " + std::string(reason_policy(entry.reason).meaning);
  if (!note.empty()) notice.detail += ": " + note;
  const bool money = (entry.kind == EntryKind::booked || entry.kind == EntryKind::returned) && !entry.notified;
  if (money) set_money(entry, notice);
  if (!name) notice.detail += other_side_text(entry);
  notice.detail = base::without_flaws(notice.detail, kDetailMax);
  incoming.notices.push_back(std::move(notice));
  if (!name) return;
  const bool no = entry.kind == EntryKind::rejected || entry.kind == EntryKind::returned;
  if (!no) return;
  const ReasonPolicy& policy = reason_policy(entry.reason);
  if (policy.alarm) incoming.alarm = entry.reason + ", " + std::string(policy.meaning) + ", in " + incoming.name;
  if (duplicate) return;
  if (entry.kind == EntryKind::rejected) incoming.refused.push_back(reference);
  if (entry.trace != 0) incoming.return_categories.push_back(static_cast<std::uint8_t>(policy.category));
  if (policy.blocks_account) incoming.blocks.emplace_back(reference, entry.reason);
}

void Engine::set_money(const BankEntry& entry, Notice& notice) const {
  const auto found = std::find_if(options_.currencies.begin(), options_.currencies.end(),
                                  [&](const BankCurrency& each) { return each.currency == entry.currency; });
  if (found == options_.currencies.end() || entry.cents == 0) {
    notice.detail += ": " + cents_text(entry.cents) + " " + entry.currency + ", which no asset here is";
    return;
  }
  const auto rate = Amount::parse_decimal(found->rate, kRateDigits);
  const auto units =
      Amount(entry.cents)
          .multiply_divide(power_of_ten(found->scale + kRateDigits - 2), rate->units(), base::Rounding::down);
  if (!units) return;
  notice.asset = found->asset;
  notice.amount = *units;
  notice.direction = entry.incoming ? Direction::in : Direction::out;
}

// The notices are durable by now. Everything here may happen twice; nothing is lost if it is cut off in the middle.
std::vector<std::string> Engine::finish_incoming(const Incoming& incoming) {
  std::vector<std::string> news;
  const auto note = [&news](const base::Result<void>& result) {
    if (!result) news.push_back(result.error().message);
    return result.has_value();
  };
  if (!incoming.problem.empty()) {
    ++refused_files_;
    note(spool_->reject_incoming(incoming.name, incoming.problem));
    news.push_back("in/" + incoming.name + " is refused: " + incoming.problem);
    return news;
  }
  for (const Notice& notice : incoming.notices) unmatched_ += notice.settlement.valid() ? 0U : 1U;
  if (!note(spool_->mark_refused(incoming.refused))) return news;
  std::vector<std::pair<base::Hash, BlockedAccount>> blocked;
  for (const auto& [reference, reason] : incoming.blocks) {
    const FiledPayment* filed = spool_->find_filed(reference);
    if (filed != nullptr) blocked.push_back({filed->account, {reason, {}}});
  }
  if (!note(spool_->block(blocked))) return news;
  if (!incoming.alarm.empty() && !note(spool_->raise_alarm(incoming.alarm))) return news;
  if (local_.count(Network::ach) != 0 && !note(spool_->note_returns(today(Network::ach), incoming.return_categories)))
    return news;
  if (note(spool_->archive_incoming(incoming.name)))
    news.push_back("in/" + incoming.name + ": " + std::to_string(incoming.notices.size()) + " entries");
  return news;
}

}  // namespace settlers::bank
