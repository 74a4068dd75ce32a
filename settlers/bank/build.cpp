// From the queue to files: what may go together, when, and what must be looked at by the operator first.

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "settlers/bank/account_check.h"
#include "settlers/bank/engine.h"
#include "settlers/bank/text.h"

namespace settlers::bank {
namespace {

constexpr Day kRateDays = 60;
constexpr std::uint32_t kDaySeconds = 86'400;
constexpr char kModifiers[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::uint64_t kTraceMax = 9'999'999;

std::string digits(std::uint64_t number, std::size_t width) {
  const std::string text = std::to_string(number);
  return std::string(text.size() < width ? width - text.size() : 0, '0') + text;
}

BusinessCalendar calendar_of(Network network) {
  return network == Network::sepa ? BusinessCalendar::target : BusinessCalendar::federal_reserve;
}

}  // namespace

// What all payments of one file have in common.
struct Engine::Group {
  Network network = Network::sepa;
  bool collection = false;
  SepaScheme scheme = SepaScheme::core;
  SequenceType sequence = SequenceType::recurring;
  EntryClass entry_class = EntryClass::ppd;
  bool retry = false;
  Day due = 0;

  auto key() const { return std::tie(network, collection, scheme, sequence, entry_class, retry, due); }
  bool operator<(const Group& other) const { return key() < other.key(); }
  std::string label() const {
    std::string text;
    if (network == Network::ach) {
      for (const char c : code(entry_class)) text += static_cast<char>(c - 'A' + 'a');
      return text + (collection ? (retry ? "-debit-retry" : "-debit") : "-credit");
    }
    if (!collection) return scheme == SepaScheme::instant_transfer ? "instant" : "transfer";
    text = scheme == SepaScheme::b2b ? "b2b-" : "core-";
    for (const char c : code(sequence)) text += static_cast<char>(c - 'A' + 'a');
    return text;
  }
};

bool Engine::in_window(Network network, Day& day) const {
  const FileTimes& when = times(network);
  day = today(network);
  if (options_.demonstration_day_ms != 0) return true;
  if (!is_business_day(calendar_of(network), day)) return false;
  const base::Time end = local(network).instant({day, when.cut_off_s});
  const base::Time begin{end.us - std::min(end.us, when.window_s * 1'000'000)};
  const base::Time now = clock_.now();
  return begin <= now && now < end;
}

base::Time Engine::next_window(Network network) const {
  const FileTimes& when = times(network);
  const base::Time now = clock_.now();
  if (options_.demonstration_day_ms != 0) return now;
  for (Day day = today(network);; ++day) {
    if (!is_business_day(calendar_of(network), day)) continue;
    const base::Time end = local(network).instant({day, when.cut_off_s});
    const base::Time begin{end.us - std::min(end.us, when.window_s * 1'000'000)};
    if (now < end) return std::max(begin, now);
  }
}

std::vector<std::string> Engine::tick(bool sending_allowed) {
  sending_ = sending_allowed;
  base::Result<SpoolNews> looked = spool_->look();
  stuck_.clear();
  const std::string before = std::exchange(degraded_, looked ? std::string() : looked.error().message);
  if (!looked) return before == degraded_ ? std::vector<std::string>{} : std::vector<std::string>{degraded_};
  std::vector<std::string> news = std::move(looked->words);
  for (const std::uint64_t number : looked->answered) {
    const SpoolFile& file = spool_->files().at(number);
    answered_[number] = file.name + " is " + std::string(name(file.state)) + " by the operator's word";
    if (file.state == FileState::written && !sending_allowed) news.push_back(file.name + std::string(kNotSending));
  }
  if (!sending_allowed) return news;
  for (const auto& [number, file] : spool_->files()) {
    if (file.state != FileState::written) continue;
    if (const base::Result<void> handed = spool_->hand_over(number); !handed) news.push_back(handed.error().message);
    if (file.state == FileState::written) continue;  // its bytes cannot be read now; tried again
    answered_[number] = file.name + " is " + std::string(name(file.state)) + " by the operator's word";
  }
  for (const auto& [network, clock] : local_) {
    Day day = 0;
    if (!in_window(network, day)) continue;
    const auto last = last_round_.find(network);
    const base::Time now = clock_.now();
    const std::uint64_t interval_us = options_.demonstration_day_ms != 0 ? options_.demonstration_day_ms * 1000
                                                                         : times(network).interval_s * 1'000'000;
    if (last != last_round_.end() && now.us < last->second.us + interval_us) continue;
    if (build(network, day, news)) last_round_[network] = now;
  }
  return news;
}

bool Engine::build(Network network, Day today, std::vector<std::string>& news) {
  const FileTimes& when = times(network);
  std::map<Group, std::vector<const QueuedPayment*>> groups;
  for (const auto& [reference, payment] : spool_->queued()) {
    const base::Result<Request> request = read_request(payment.request);
    if (!request) {
      news.push_back("payment " + reference + " cannot be filed: " + request.error().message);
      continue;
    }
    if (request->party.network != network) continue;
    Group group;
    group.network = network;
    group.collection = request->collection;
    group.scheme = request->party.sepa_scheme;
    group.sequence = request->party.sequence;
    group.entry_class = request->party.entry_class;
    group.retry = request->retry;
    if (network == Network::ach) group.sequence = SequenceType::recurring;
    const int lead = request->collection ? when.collection_lead_days : when.payout_lead_days;
    group.due = add_business_days(calendar_of(network), today, lead);
    if (request->not_before > group.due) group.due = add_business_days(calendar_of(network), request->not_before, 0);
    groups[group].push_back(&payment);
  }
  for (const auto& [group, payments] : groups) {
    for (std::size_t from = 0; from < payments.size(); from += base::limits::kBankFileEntriesMax) {
      const std::size_t to = std::min(payments.size(), from + base::limits::kBankFileEntriesMax);
      const std::vector<const QueuedPayment*> part(payments.begin() + static_cast<std::ptrdiff_t>(from),
                                                   payments.begin() + static_cast<std::ptrdiff_t>(to));
      if (const base::Result<void> built = build_file(group, part, today, news); !built) {
        problem_ = built.error().message;
        news.push_back(built.error().message);
        return true;
      }
    }
  }
  return !groups.empty();
}

base::Result<void> Engine::build_file(const Group& group, const std::vector<const QueuedPayment*>& payments, Day today,
                                      std::vector<std::string>& news) {
  std::vector<Request> requests;
  SpoolFile file;
  file.number = spool_->next_file_number();
  std::string date = date_text(today);
  date.erase(std::remove(date.begin(), date.end(), '-'), date.end());
  file.message_id = "TABD-" + base::to_hex(installation_).substr(2, 8) + "-" + date + "-" + digits(file.number, 6);
  file.name = file.message_id + "-" + group.label() + (group.network == Network::sepa ? ".xml" : ".ach");
  file.collection = group.collection;
  file.ach = group.network == Network::ach;
  file.consumer = file.ach && group.entry_class != EntryClass::ccd;
  file.due = group.due;
  file.written_on = today;
  for (const QueuedPayment* payment : payments) {
    ASSIGN_OR_RETURN(Request request, read_request(payment->request));
    file.payments.push_back(
        {request.reference, payment->settlement, request.cents, 0, false, fingerprint(request.party), {}, {}});
    file.cents += request.cents;
    requests.push_back(std::move(request));
  }
  const std::string bytes = file.ach ? build_ach(group, requests, file, today) : build_sepa(group, requests, file);
  if (bytes.empty()) {
    news.push_back("36 ACH files were written today; the others wait for tomorrow");
    return {};
  }
  const std::vector<std::string> findings = file.ach ? nacha_rule_findings(bytes) : sepa_rule_findings(bytes);
  file.hold_reason = hold_reason(file);
  if (!findings.empty()) {
    // Nothing of it leaves: its payments fail before they were sent, with the reason.
    file.hold_reason = "the scheme's rules: " + findings.front();
    problem_ = file.name + " breaks " + file.hold_reason;
  }
  if (!file.hold_reason.empty()) file.state = findings.empty() ? FileState::held : FileState::voided;
  news.push_back(file.name + ": " + std::to_string(file.payments.size()) + " payments, " + cents_text(file.cents) +
                 ", due " + date_text(file.due) + (file.hold_reason.empty() ? "" : "; held: " + file.hold_reason));
  const std::uint64_t number = file.number;
  const bool leaves = file.state == FileState::written;
  std::vector<std::pair<base::Hash, BlockedAccount>> used_up;
  for (const Request& request : requests) {
    const bool last =
        request.collection && request.party.network == Network::sepa &&
        (request.party.sequence == SequenceType::one_off || request.party.sequence == SequenceType::final);
    const std::size_t at = static_cast<std::size_t>(&request - requests.data());
    if (last) used_up.push_back({file.payments[at].account, {"used", file.payments[at].settlement}});
  }
  RETURN_IF_ERROR(spool_->add_file(std::move(file), bytes));
  RETURN_IF_ERROR(spool_->block(used_up));
  return leaves ? spool_->hand_over(number) : base::Result<void>();
}

std::string Engine::build_sepa(const Group& group, const std::vector<Request>& requests, SpoolFile& file) const {
  SepaFile sepa;
  sepa.scheme = group.scheme;
  sepa.sequence = group.sequence;
  sepa.message_id = sepa.payment_information_id = file.message_id;
  sepa.created = clock_.now();
  sepa.own = options_.sepa->own;
  sepa.own.name = to_sepa_text(sepa.own.name, 70);
  sepa.creditor_id = options_.sepa->creditor_id;
  sepa.due = group.due;
  sepa.batch_booking = options_.sepa->batch_booking;
  for (const Request& request : requests) {
    SepaPayment payment;
    payment.end_to_end_id = request.reference;
    payment.cents = request.cents;
    payment.party = {to_sepa_text(request.party.name, 70), request.party.iban, request.party.bic,
                     request.party.address};
    payment.mandate = request.party.mandate;
    payment.remittance = to_sepa_text(request.remittance, 140);
    sepa.payments.push_back(std::move(payment));
  }
  return write_sepa(sepa);
}

std::string Engine::build_ach(const Group& group, const std::vector<Request>& requests, SpoolFile& file,
                              Day today) const {
  const AchOptions& own = *options_.ach;
  std::size_t today_files = 0;
  for (const auto& [number, other] : spool_->files()) today_files += other.ach && other.written_on == today ? 1 : 0;
  if (today_files >= sizeof(kModifiers) - 1) return {};
  AchFile ach;
  ach.entry_class = group.entry_class;
  ach.debits = group.collection;
  ach.destination = " " + own.destination;
  ach.destination_name = to_nacha_text(own.destination_name, 23);
  ach.origin = own.origin;
  ach.origin_name = to_nacha_text(own.company_name, 23);
  ach.company_name = to_nacha_text(own.company_name, 16);
  ach.company_id = own.company_id;
  ach.created = today;
  ach.created_minute = local(Network::ach).at(clock_.now()).second / 60;
  ach.modifier = kModifiers[today_files];
  ach.description = group.entry_class == EntryClass::web ? own.web_description : own.description;
  if (group.retry) ach.description = kRetryDescription;
  ach.effective = group.due;
  ach.odfi = own.odfi;
  std::uint64_t odfi = 0;
  for (const char c : own.odfi) odfi = odfi * 10 + static_cast<std::uint64_t>(c - '0');
  std::uint64_t sequence = spool_->next_trace();
  if (sequence + requests.size() > kTraceMax) sequence = 1;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Counterparty& party = requests[i].party;
    AchEntry entry;
    entry.routing_number = party.routing_number;
    entry.account = party.account;
    entry.savings = party.savings;
    entry.cents = requests[i].cents;
    entry.reference = requests[i].reference;
    entry.name = to_nacha_text(party.name, 22);
    entry.single_entry = party.single_entry;
    if (group.entry_class == EntryClass::ccd) entry.remittance = to_nacha_text(requests[i].remittance, 80);
    entry.trace = odfi * (kTraceMax + 1) + sequence + i;
    file.payments[i].trace = entry.trace;
    ach.entries.push_back(std::move(entry));
  }
  return write_nacha(ach);
}

std::string Engine::return_rate_problem() const {
  if (!options_.ach) return {};
  const AchOptions& own = *options_.ach;
  const Spool::ReturnCounts counted = spool_->returns_since(today(Network::ach) - kRateDays);
  if (counted.debits < own.rate_entries_min) return {};
  const auto over = [&](std::uint64_t count, std::uint32_t limit) { return count * 10'000 > counted.debits * limit; };
  const auto say = [&](const char* what, std::uint64_t count) {
    return "the rate of " + std::string(what) + " ACH returns is above its limit: " + std::to_string(count) + " of " +
           std::to_string(counted.debits) + " debits in 60 days";
  };
  if (over(counted.unauthorized, own.unauthorized_max)) return say("unauthorised", counted.unauthorized);
  if (over(counted.administrative, own.administrative_max)) return say("administrative", counted.administrative);
  if (over(counted.all, own.all_max)) return say("all", counted.all);
  return {};
}

std::string Engine::hold_reason(const SpoolFile& file) const {
  if (!spool_->complete()) return problem_;
  if (options_.approve_above_cents != 0 && file.cents > options_.approve_above_cents)
    return "its sum " + cents_text(file.cents) + " is above approve_above";
  if (!file.collection) return {};
  if (const std::string alarm = spool_->alarm(); !alarm.empty()) return "alarm: " + alarm;
  return file.ach ? return_rate_problem() : std::string();
}

std::optional<std::string> bank_options_problem(const BankOptions& options) {
  const auto bad_times = [](const FileTimes& times) {
    return times.cut_off_s == 0 || times.cut_off_s >= kDaySeconds || times.window_s == 0 ||
           times.window_s > kDaySeconds || times.interval_s == 0 || times.collection_lead_days < 0 ||
           times.payout_lead_days < 0 || times.collection_lead_days > 14 || times.payout_lead_days > 14;
  };
  if (options.spool_directory.empty()) return "spool: missing";
  if (options.installation.empty()) return "network: missing";
  if (!options.sepa && !options.ach) return "neither sepa nor ach is configured";
  if (options.sepa) {
    const SepaOptions& sepa = *options.sepa;
    if (to_sepa_text(sepa.own.name, 70).empty()) return "sepa.name: missing";
    if (const auto problem = iban_problem(sepa.own.iban)) return "sepa.iban: " + *problem;
    if (!sepa.own.bic.empty()) {
      if (const auto problem = bic_problem(sepa.own.bic)) return "sepa.bic: " + *problem;
    }
    if (!sepa.creditor_id.empty()) {
      if (const auto problem = creditor_id_problem(sepa.creditor_id)) return "sepa.creditor_id: " + *problem;
    }
    if (bad_times(sepa.times)) return "sepa.cut_off: a time, window or lead is out of its range";
    if (sepa.times.collection_lead_days < 1) return "sepa.collection_lead_days: a collection needs one day at least";
  }
  if (options.ach) {
    const AchOptions& ach = *options.ach;
    if (const auto problem = routing_number_problem(ach.destination)) return "ach.destination: " + *problem;
    if (ach.origin.size() != 10) return "ach.origin: ten characters, as the bank gave them";
    if (to_nacha_text(ach.company_name, 16).empty()) return "ach.company_name: missing";
    if (ach.company_id.size() != 10) return "ach.company_id: ten characters, as the bank gave them";
    if (ach.odfi.size() != 8 ||
        !std::all_of(ach.odfi.begin(), ach.odfi.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return "ach.odfi: eight digits, the bank's routing number without its check digit";
    if (bad_times(ach.times)) return "ach.cut_off: a time, window or lead is out of its range";
  }
  for (const BankCurrency& each : options.currencies) {
    const auto rate = Amount::parse_decimal(each.rate, 9);
    if (!rate || rate->is_zero()) return "asset.rate: \"" + each.rate + "\" is no rate above zero";
    if (each.currency != "EUR" && each.currency != "USD")
      return "asset.currency: \"" + each.currency + "\" does not move here; allowed: EUR (SEPA), USD (ACH)";
    if (each.scale > 18) return "asset: more than 18 decimals";
  }
  return std::nullopt;
}

}  // namespace settlers::bank
