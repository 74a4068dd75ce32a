#include "settlers/bank/engine.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "crypto/sha256.h"
#include "settlers/bank/text.h"

namespace settlers::bank {
namespace {

constexpr Day kRetentionDays = 100;  // ACH debits come back for 60 days, and statements are late
constexpr Day kReinitiationDays = 180;
constexpr std::uint64_t kUsPerSecond = 1'000'000;
constexpr std::uint64_t kLookMs = 3'600'000;  // an answer can come any time; a notice makes the settlement due at once
constexpr std::uint64_t kLookLaterMs = 86'400'000;
constexpr unsigned kRateDigits = 9;

base::Hash hash_of(std::string_view text) {
  return crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Outcome outcome(SettlementState state, std::string detail, std::uint64_t next_probe_ms) {
  Outcome result;
  result.state = state;
  result.detail = std::move(detail);
  result.next_probe_ms = next_probe_ms;
  return result;
}

Outcome failed(FailureClass failure, std::string code, std::string detail) {
  Outcome result;
  result.state = SettlementState::failed;
  result.failure = failure;
  result.code = std::move(code);
  result.detail = std::move(detail);
  return result;
}

Prepared refused(FailureClass failure, std::string code, std::string detail) {
  Prepared prepared;
  prepared.failure = failure;
  prepared.code = std::move(code);
  prepared.detail = std::move(detail);
  return prepared;
}

bool moved(SettlementState state) {
  return state == SettlementState::confirmed || state == SettlementState::settled || state == SettlementState::disputed;
}

base::u128 power_of_ten(unsigned exponent) {
  base::u128 result = 1;
  for (; exponent > 0; --exponent) result *= 10;
  return result;
}

}  // namespace

Engine::Engine(BankOptions options, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      installation_(hash_of("tabd bank " + options_.installation)),
      rail_(base::RailName::parse(options_.rail).value_or(base::RailName{})) {}

base::Result<std::unique_ptr<Engine>> Engine::make(BankOptions options, const base::Clock& clock) {
  if (const auto problem = bank_options_problem(options))
    return base::error(base::ErrorCode::invalid_argument, *problem);
  std::unique_ptr<Engine> engine(new Engine(std::move(options), clock));
  if (engine->options_.sepa) {
    ASSIGN_OR_RETURN(auto local, aggregator::LocalClock::make(engine->options_.sepa->times.time_zone));
    engine->local_.emplace(Network::sepa, std::move(local));
  }
  if (engine->options_.ach) {
    ASSIGN_OR_RETURN(auto local, aggregator::LocalClock::make(engine->options_.ach->times.time_zone));
    engine->local_.emplace(Network::ach, std::move(local));
  }
  const Day today = static_cast<Day>(clock.now().seconds() / 86'400);
  ASSIGN_OR_RETURN(engine->spool_, Spool::open(engine->options_.spool_directory, today, kRetentionDays));
  return engine;
}

const FileTimes& Engine::times(Network network) const {
  return network == Network::sepa ? options_.sepa->times : options_.ach->times;
}
const aggregator::LocalClock& Engine::local(Network network) const { return local_.at(network); }
Day Engine::today(Network network) const { return local(network).at(clock_.now()).day; }

std::uint64_t Engine::ms_until(base::Time time) const {
  const std::uint64_t now_us = clock_.now().us;
  return time.us > now_us ? (time.us - now_us) / 1000 + 1 : 0;
}

std::string Engine::reference_of(const Settlement& settlement, Network network) const {
  const PaymentName name{settlement.id, settlement.attempt, settlement.technical_retries};
  return network == Network::sepa ? sepa_reference(installation_, name) : ach_reference(installation_, name);
}

bool Engine::is_reference_of(const Settlement& settlement, std::string_view reference) const {
  const PaymentName name{settlement.id, settlement.attempt, settlement.technical_retries};
  const std::optional<PaymentName> parsed = parse_reference(installation_, reference);
  return parsed && *parsed == name;
}

// What the ledger says is in the spool must be in it; otherwise the spool was lost or is an old copy.
void Engine::adopt(const Settlement& settlement) {
  if (settlement.request.empty() || settlement.state == SettlementState::settled) return;
  const base::Result<Request> request = read_request(settlement.request);
  if (!request) return;
  const Whereabouts where = spool_->find(request->reference);
  const bool expected = settlement.state == SettlementState::accepted || spool_->was_made_now();
  const bool recent = settlement.submitted.us == 0 ||
                      clock_.now().seconds() < settlement.submitted.seconds() + kRetentionDays * 86'400ULL;
  if (!where.queued && where.file == nullptr && expected && recent) {
    spool_->mark_incomplete();
    problem_ = "the spool does not know settlement " + std::to_string(settlement.id.value) +
               ", which the ledger has as sent: it was lost or is an old copy. Restore it from a backup";
  }
}

base::Result<std::uint64_t> Engine::cents_of(const Instruction& instruction, std::string& currency,
                                             std::string& note) const {
  const auto found = std::find_if(options_.currencies.begin(), options_.currencies.end(),
                                  [&](const BankCurrency& each) { return each.asset == instruction.asset.id; });
  if (found == options_.currencies.end())
    return base::error(base::ErrorCode::invalid_argument,
                       "the asset " + instruction.asset.symbol + " has no currency on the bank rail");
  currency = found->currency;
  const auto rate = Amount::parse_decimal(found->rate, kRateDigits);
  // cents = units * rate * 100 / 10^scale, half to even.
  const base::u128 divisor = power_of_ten(found->scale + kRateDigits - 2);
  const auto down = instruction.settlement.amount.multiply_divide(rate->units(), divisor, base::Rounding::down);
  const auto up = instruction.settlement.amount.multiply_divide(rate->units(), divisor, base::Rounding::up);
  if (!down || !up || up->units() > kSepaCentsMax)
    return base::error(base::ErrorCode::invalid_argument, "the amount is larger than a bank can move at once");
  std::uint64_t cents = static_cast<std::uint64_t>(down->units());
  if (*down != *up) {
    if (found->rate == "1")
      return base::error(base::ErrorCode::invalid_argument,
                         "the amount is not whole cents: lower the asset's rail_scale");
    // Twice the rest against the divisor tells the half.
    const base::u128 product = instruction.settlement.amount.units() * rate->units();
    const base::u128 twice = (product - down->units() * divisor) * 2;
    if (twice > divisor || (twice == divisor && cents % 2 == 1)) ++cents;
    note = "; rounded to the cent at the rate " + found->rate;
  } else if (found->rate != "1") {
    note = "; at the rate " + found->rate;
  }
  return cents;
}

// What the bank said of earlier attempts on this rail decides whether and when there may be another.
void Engine::look_at_history(const Instruction& instruction, Request& request, std::string& why_not) const {
  int presented = 0;
  std::optional<Day> first, last;
  std::string code;
  for (const Notice& notice : instruction.notices) {
    const std::optional<NoticeBody> body = read_notice_body(notice.body);
    if (!body || (body->kind != EntryKind::rejected && body->kind != EntryKind::returned)) continue;
    const std::optional<PaymentName> name = parse_reference(installation_, body->reference);
    if (!name || name->settlement != instruction.settlement.id) continue;
    const Day day = body->date.value_or(static_cast<Day>(notice.received.seconds() / 86'400));
    if (!first) first = day;
    last = day;
    code = body->reason;
    ++presented;
  }
  if (presented == 0) return;
  const ReasonPolicy& policy = reason_policy(code);
  // What only another account mends is left to the blocked accounts: the payer may have given one.
  const bool counted = policy.failure != FailureClass::no_mandate;
  if (counted && presented >= policy.presentations_max)
    why_not = "presented " + std::to_string(presented) + " times; the last answer was " + code + ", " +
              std::string(policy.meaning) + ", after which it may not be presented again";
  if (policy.wait_business_days > 0)
    request.not_before = add_business_days(BusinessCalendar::target, *last, policy.wait_business_days);
  if (request.party.network != Network::ach || policy.failure != FailureClass::insufficient_funds) return;
  request.retry = true;
  if (today(Network::ach) - *first > kReinitiationDays)
    why_not = "the first return is more than 180 days ago: a new authorisation is needed";
}

std::optional<Prepared> Engine::refusal(const Instruction& instruction, const Request& request) const {
  if (!request.collection) return std::nullopt;
  const BlockedAccount* blocked = spool_->blocked(fingerprint(request.party));
  if (blocked == nullptr || blocked->reason.empty() || blocked->except == instruction.settlement.id)
    return std::nullopt;
  const std::string_view meaning = reason_policy(blocked->reason).meaning;
  return refused(FailureClass::no_mandate, blocked->reason.substr(0, 64),
                 "nothing is collected from this account under this mandate any more: " + blocked->reason + ", " +
                     std::string(meaning) + ". The payer must give another account or mandate");
}

base::Result<Prepared> Engine::prepare(const Instruction& instruction) const {
  const Settlement& settlement = instruction.settlement;
  if (settlement.kind == SettlementKind::relay)
    return base::error(base::ErrorCode::invalid_argument, "the bank rail makes no transactions for others");
  Request request;
  request.collection = settlement.kind == SettlementKind::collection;
  const bool refund = settlement.kind == SettlementKind::refund;
  const Bytes& mandate = instruction.payer_rail_mandate;
  if ((request.collection || refund) && mandate.empty())
    return base::error(base::ErrorCode::invalid_argument,
                       refund ? "the payer's bank mandate is gone, so nobody knows the account to refund to"
                              : "the payer has given no bank mandate");
  ASSIGN_OR_RETURN(Fields account,
                   parse_fields(settlement.kind == SettlementKind::payout
                                    ? std::string_view(instruction.payee_account)
                                    : std::string_view(reinterpret_cast<const char*>(mandate.data()), mandate.size())));
  if (refund) account = credit_account(account);
  ASSIGN_OR_RETURN(request.party, read_counterparty(account, request.collection));
  const Network network = request.party.network;
  if (local_.count(network) == 0)
    return refused(FailureClass::no_mandate, {},
                   network == Network::sepa ? "SEPA is not configured" : "ACH is not configured");
  if (request.collection && network == Network::sepa && options_.sepa->creditor_id.empty())
    return refused(FailureClass::no_mandate, {}, "there is no creditor identifier: nothing can be collected by SEPA");
  std::string currency, note;
  ASSIGN_OR_RETURN(request.cents, cents_of(instruction, currency, note));
  const std::string_view wanted = network == Network::sepa ? "EUR" : "USD";
  if (currency != wanted)
    return refused(FailureClass::no_mandate, {}, "this account takes " + std::string(wanted) + ", not " + currency);
  if (request.cents == 0 || request.cents > (network == Network::sepa ? kSepaCentsMax : kAchCentsMax))
    return refused(FailureClass::rejected, {}, "the amount is outside of what one payment can move");
  request.reference = reference_of(settlement, network);
  if (request.reference.empty())
    return refused(FailureClass::rejected, {}, "too many attempts: a reference has no room for their number");
  std::string why_not;
  look_at_history(instruction, request, why_not);
  if (!why_not.empty()) return refused(FailureClass::rejected, {}, why_not);
  if (const std::optional<Prepared> no = refusal(instruction, request)) return *no;
  const std::string statement = "tatement " + std::to_string(settlement.statement.value);
  request.remittance = request.collection ? "S" + statement
                       : refund           ? "Refund of s" + statement
                                          : "Payout " + std::to_string(settlement.id.value);
  Prepared prepared;
  prepared.idempotency_key = hash_of("tabd bank key 1 " + base::to_hex(installation_) + " " + request.reference);
  prepared.request = write_request(request, account);
  prepared.reference = request.reference;
  prepared.detail = std::string(request.collection ? "collect "
                                : refund           ? "refund "
                                                   : "pay ") +
                    cents_text(request.cents) + " " + currency + " in the file before " +
                    date_text(local(network).at(next_window(network)).day) + note;
  return prepared;
}

base::Result<void> Engine::queue(const std::vector<Settlement>& settlements) {
  std::vector<QueuedPayment> payments;
  for (const Settlement& settlement : settlements) {
    ASSIGN_OR_RETURN(const Request request, read_request(settlement.request));
    payments.push_back({request.reference, settlement.id, settlement.request});
  }
  return spool_->queue(payments);
}

Amount Engine::fee_of(const Instruction& instruction, std::uint64_t cents) const {
  const auto found = std::find_if(options_.currencies.begin(), options_.currencies.end(),
                                  [&](const BankCurrency& each) { return each.asset == instruction.asset.id; });
  if (found == options_.currencies.end()) return {};
  const auto rate = Amount::parse_decimal(found->rate, kRateDigits);
  const auto units =
      Amount(cents).multiply_divide(power_of_ten(found->scale + kRateDigits - 2), rate->units(), base::Rounding::up);
  return units.value_or(Amount{});
}

Outcome Engine::probe(const Instruction& instruction) const {
  const Settlement& settlement = instruction.settlement;
  const base::Result<Request> request = read_request(settlement.request);
  if (!request)
    return outcome(settlement.state, "the request of this settlement cannot be read: " + request.error().message,
                   kLookLaterMs);
  std::optional<NoticeBody> rejected, booking, back;
  base::Time booking_seen;
  std::string note;
  std::uint64_t fee = 0;
  for (const Notice& notice : instruction.notices) {
    const std::optional<NoticeBody> body = read_notice_body(notice.body);
    if (!body || !is_reference_of(settlement, body->reference)) continue;
    fee = std::max(fee, body->fee_cents);
    switch (body->kind) {
      case EntryKind::accepted: note = "; the bank has accepted it"; break;
      case EntryKind::corrected: note = "; the bank corrects the account: " + body->reason + " " + body->text; break;
      case EntryKind::rejected: rejected = body; break;
      case EntryKind::returned:
      case EntryKind::booked: {
        const bool came_back = body->kind == EntryKind::returned;
        const bool whole =
            body->cents == request->cents || (came_back && body->cents == request->cents + body->fee_cents);
        if (body->notified && !(options_.sepa && options_.sepa->notifications_book)) {
          note = "; notified, not on a statement yet";
        } else if (!whole || body->incoming != (request->collection != came_back) || is_duplicate(body->reason)) {
          note = "; the bank booked " + cents_text(body->cents) + (body->incoming ? " in" : " out") + " for it instead";
        } else if (came_back) {
          if (!back) back = body;
        } else if (!booking) {
          booking = body;
          booking_seen = notice.received;
        }
        break;
      }
    }
  }
  Outcome result;
  if (back) {
    result = returned(instruction, *back, booking.has_value() || moved(settlement.state));
  } else if (booking) {
    result = booked(*request, booking->date, booking_seen);
  } else if (rejected) {
    const ReasonPolicy& policy = reason_policy(rejected->reason);
    result = failed(policy.failure, rejected->reason, rejected->reason + ": " + std::string(policy.meaning));
  } else {
    result = where_it_is(instruction, spool_->find(request->reference));
    result.detail += note;
  }
  if (fee > 0) result.fee = fee_of(instruction, fee);
  result.reference = request->reference;
  return result;
}

Outcome Engine::returned(const Instruction&, const NoticeBody& body, bool was_booked) const {
  const ReasonPolicy& policy = reason_policy(body.reason);
  Outcome result = failed(policy.failure, body.reason, body.reason + ": " + std::string(policy.meaning));
  if (was_booked) result.state = SettlementState::returned;
  return result;
}

base::Time Engine::can_come_back_until(const Request& request, Day date, Day days, base::Time seen) const {
  if (options_.demonstration_day_ms == 0) return local(request.party.network).instant({date + days, 0});
  return {seen.us + static_cast<std::uint64_t>(days) * options_.demonstration_day_ms * 1000};
}

Outcome Engine::not_configured(const Request& request, SettlementState state, const std::string& what) const {
  const std::string name = request.party.network == Network::sepa ? "SEPA" : "ACH";
  return outcome(state, what + "; " + name + " is not configured: it waits until it is again", kLookMs);
}

Outcome Engine::booked(const Request& request, std::optional<Day> booked_on, base::Time seen) const {
  if (local_.count(request.party.network) == 0) return not_configured(request, SettlementState::settled, "booked");
  const Day date = booked_on.value_or(today(request.party.network));
  Day days = 0;
  if (request.party.network == Network::sepa) {
    days = !request.collection                            ? options_.sepa->payout_final_days
           : request.party.sepa_scheme == SepaScheme::b2b ? options_.sepa->b2b_final_days
                                                          : options_.sepa->core_final_days;
  } else {
    days = !request.collection                            ? options_.ach->payout_final_days
           : request.party.entry_class == EntryClass::ccd ? options_.ach->company_final_days
                                                          : options_.ach->consumer_final_days;
  }
  const base::Time end = can_come_back_until(request, date, days, seen);
  if (clock_.now() >= end)
    return outcome(SettlementState::final, "booked on " + date_text(date) + ", and the time for returns is over", 0);
  return outcome(SettlementState::settled,
                 "booked on " + date_text(date) + "; can come back until " + date_text(date + days), ms_until(end));
}

Outcome Engine::where_it_is(const Instruction& instruction, const Whereabouts& where) const {
  const Settlement& settlement = instruction.settlement;
  const base::Result<Request> request = read_request(settlement.request);
  const Network network = request->party.network;
  const bool configured = local_.count(network) != 0;
  if (where.file != nullptr) {
    const SpoolFile& file = *where.file;
    const std::string in_file = "in " + file.name + ", due " + date_text(file.due);
    switch (file.state) {
      case FileState::voided:
        return failed(FailureClass::technical, "void", file.name + " has never reached the bank: " + file.hold_reason);
      case FileState::held: return outcome(SettlementState::accepted, in_file + ", held: " + file.hold_reason, kLookMs);
      case FileState::written:
        if (!sending_) return outcome(SettlementState::accepted, in_file + std::string(kNotSending), kLookMs);
        [[fallthrough]];
      case FileState::handing:
      case FileState::out: return outcome(SettlementState::accepted, in_file + ", waits for its transport", kLookMs);
      case FileState::taken: break;
    }
    const bool by_time = file.ach && configured &&
                         business_days_between(BusinessCalendar::federal_reserve, file.due, today(Network::ach)) >=
                             options_.ach->settled_after_days;
    if (by_time) return booked(*request, file.due, clock_.now());
    // A state that was reached before is not lost by looking again.
    const SettlementState state = moved(settlement.state) ? settlement.state : SettlementState::accepted;
    return outcome(state, in_file + ", delivered", kLookMs * 6);
  }
  if (where.queued && !configured) return not_configured(*request, SettlementState::accepted, "waits for a file");
  if (where.queued)
    return outcome(SettlementState::accepted,
                   "waits for the file of " + date_text(local(network).at(next_window(network)).day),
                   ms_until(next_window(network)) + 60'000);
  const bool unsent = settlement.state == SettlementState::sending || settlement.state == SettlementState::unknown;
  if (!unsent) {
    if (network == Network::ach && settlement.submitted.us != 0 && moved(settlement.state))
      return booked(*request, static_cast<Day>(settlement.submitted.seconds() / 86'400) + 2, clock_.now());
    return outcome(settlement.state, "its file is no longer kept in the spool", kLookLaterMs);
  }
  if (!spool_->complete()) return outcome(SettlementState::unknown, problem_, kLookMs);
  return failed(FailureClass::technical, {}, "it never reached the spool: nothing was sent");
}

std::string Engine::describe() const {
  std::map<FileState, std::size_t> counts;
  std::string held;
  for (const auto& [number, file] : spool_->files()) {
    ++counts[file.state];
    if (file.state == FileState::held) held = file.name + ": " + file.hold_reason;
  }
  std::string text = std::to_string(spool_->queued().size()) + " payments wait";
  for (const auto& [network, clock] : local_) {
    const base::Time next = next_window(network);
    const aggregator::LocalTime at = clock.at(next);
    const std::string minutes = std::to_string(at.second / 60 % 60);
    text += std::string(network == Network::sepa ? "; SEPA" : "; ACH") + " files from " + date_text(at.day) + " " +
            std::to_string(at.second / 3600) + ":" + (minutes.size() < 2 ? "0" : "") + minutes + " " +
            times(network).time_zone;
  }
  text += "; " + std::to_string(counts[FileState::out]) + " files in out/, " + std::to_string(counts[FileState::held]) +
          " held";
  if (!held.empty()) text += " (" + held + ")";
  if (!sending_ && counts[FileState::written] > 0)
    text += "; " + std::to_string(counts[FileState::written]) + " may leave" + std::string(kNotSending);
  if (const std::string alarm = spool_->alarm(); !alarm.empty()) text += "; ALARM: " + alarm;
  if (const std::string rate = return_rate_problem(); !rate.empty()) text += "; " + rate;
  if (!problem_.empty()) text += "; " + problem_;
  if (!degraded_.empty()) text += "; DEGRADED: " + degraded_;
  return text;
}

std::vector<Gauge> Engine::gauges() const {
  std::map<FileState, std::int64_t> counts;
  for (const auto& [number, file] : spool_->files()) ++counts[file.state];
  std::vector<Gauge> gauges = {
      {"queued_payments", static_cast<std::int64_t>(spool_->queued().size())},
      {"out_files", counts[FileState::out]},
      {"held_files", counts[FileState::held]},
      {"taken_files", counts[FileState::taken]},
      {"refused_files_total", static_cast<std::int64_t>(refused_files_)},
      {"unmatched_entries_total", static_cast<std::int64_t>(unmatched_)},
      {"spool_complete", spool_->complete() ? 1 : 0},
      {"alarm", spool_->alarm().empty() ? 0 : 1},
  };
  if (options_.ach) {
    const Spool::ReturnCounts counted = spool_->returns_since(today(Network::ach) - 60);
    gauges.push_back({"ach_recent_debits", static_cast<std::int64_t>(counted.debits)});
    gauges.push_back({"ach_recent_returns", static_cast<std::int64_t>(counted.all)});
    gauges.push_back({"ach_recent_unauthorized_returns", static_cast<std::int64_t>(counted.unauthorized)});
    gauges.push_back({"ach_recent_administrative_returns", static_cast<std::int64_t>(counted.administrative)});
  }
  return gauges;
}

std::vector<Notice> Engine::take_answered() {
  std::vector<Notice> notices;
  const base::Time now = clock_.now();
  for (const auto& [number, said] : std::exchange(answered_, {})) {
    const SpoolFile& file = spool_->files().at(number);
    for (const FiledPayment& payment : file.payments) {
      Notice& notice = notices.emplace_back();
      notice.rail = rail_;
      notice.key = hash_of("tabd bank answer 1|" + file.name + "|" + payment.reference + "|" +
                           std::string(name(file.state)) + "|" + std::to_string(now.us));
      notice.source = file.name;
      notice.external_id = payment.reference;
      notice.kind = ledger::core::NoticeKind::event;
      notice.settlement = payment.settlement;
      notice.detail = said;
      notice.received = now;
    }
  }
  return notices;
}

BankFiles Engine::files() const {
  constexpr std::size_t kShownMax = 1'000;
  BankFiles shown;
  shown.alarm = spool_->alarm();
  const std::map<std::string, std::string> waiting = waiting_answers(options_.spool_directory);
  for (auto it = spool_->files().rbegin(); it != spool_->files().rend(); ++it) {
    const SpoolFile& file = it->second;
    if (shown.files.size() >= kShownMax && file.state != FileState::held) continue;
    const auto answer = waiting.find(file.name);
    const bool not_sending = file.state == FileState::written && !sending_;
    shown.files.push_back(
        {file.name, std::string(name(file.state)), not_sending ? std::string(kNotSending.substr(2)) : file.hold_reason,
         answer == waiting.end() ? std::string() : answer->second, file.refused_answer, file.may_have_left,
         file.collection, file.due, file.cents, file.payments.size(), file.sha256});
  }
  std::reverse(shown.files.begin(), shown.files.end());
  return shown;
}

}  // namespace settlers::bank
