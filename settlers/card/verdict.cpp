#include "settlers/card/verdict.h"

#include <algorithm>

#include "base/limits.h"

namespace settlers::card {

namespace {

constexpr std::uint64_t kProbeMsMin = 1'000;
constexpr std::uint64_t kProbeMsMax = 15 * 60'000;
// A balance transaction usually exists at once; with asynchronous capture within an hour.
constexpr std::uint64_t kBalanceProbeMs = 60'000;
constexpr std::uint64_t kDisputeProbeMs = 6 * 3'600'000;
// Until when a bank may send a refund back: the provider speaks of up to 30 days.
constexpr std::uint64_t kRefundFinalSeconds = 30 * 86'400;

std::string money(std::uint64_t units, const std::string& currency) {
  const unsigned exponent = currency_rules(currency, Operation::charge).exponent;
  return base::Amount(units).to_decimal_string(exponent) + " " + currency;
}

std::string common_mismatch(const Marks& marks, std::uint64_t amount, const std::string& currency, bool live,
                            const StoredRequest& request, const Hash& key, bool livemode) {
  if (marks.key != key_text(key)) return "it has another key";
  if (amount != request.units || currency != request.currency)
    return "it is about " + money(amount, currency) + " and not " + money(request.units, request.currency);
  if (live != livemode) return live ? "it is about real money" : "it is of the provider's test mode";
  return {};
}

std::string raw_code(std::string_view code) { return std::string(code.substr(0, base::limits::kRailCodeBytesMax)); }

// What disputes take of a charge, in its minor units.
struct Disputed {
  const Dispute* last = nullptr;  // the last one
  std::uint64_t units = 0;
};

Disputed disputed_of(const std::vector<Dispute>& disputes, DisputeStatus status, std::uint64_t charge_units) {
  Disputed sum;
  for (const Dispute& one : disputes) {
    if (one.status != status) continue;
    sum.last = &one;
    sum.units += std::min(one.amount, charge_units);
  }
  return sum;
}

// A dispute of another currency than the charge's cannot be put beside it.
const Dispute* incomparable(const std::vector<Dispute>& disputes, const std::string& currency) {
  for (const Dispute& one : disputes) {
    const bool takes = one.status == DisputeStatus::open || one.status == DisputeStatus::lost;
    if (takes && !one.currency.empty() && one.currency != currency) return &one;
  }
  return nullptr;
}

std::uint64_t ms_until(std::uint64_t when_s, base::Time now) {
  return when_s > now.seconds() ? (when_s - now.seconds()) * 1000 : 0;
}

std::string evidence_due(const Dispute& dispute, base::Time now) {
  if (dispute.due_by_s == 0) return {};
  return "; evidence is due in " + std::to_string(ms_until(dispute.due_by_s, now) / 86'400'000) + " days";
}

}  // namespace

std::string mismatch(const Intent& intent, const StoredRequest& request, const Hash& key, bool livemode) {
  return common_mismatch(intent.marks, intent.amount, intent.currency, intent.livemode, request, key, livemode);
}

std::string mismatch(const Transfer& transfer, const StoredRequest& request, const Hash& key, bool livemode) {
  if (transfer.destination != request.party) return "it goes to " + transfer.destination;
  return common_mismatch(transfer.marks, transfer.amount, transfer.currency, transfer.livemode, request, key, livemode);
}

std::string mismatch(const Refund& refund, const StoredRequest& request, const Hash& key) {
  if (refund.payment_intent != request.party) return "it is of " + refund.payment_intent;
  // Refunds do not say their mode; their payment does.
  return common_mismatch(refund.marks, refund.amount, refund.currency, false, request, key, false);
}

Outcome failed(FailureClass failure, std::string detail) {
  Outcome outcome;
  outcome.state = SettlementState::failed;
  outcome.failure = failure;
  outcome.detail = std::move(detail);
  return outcome;
}

Outcome unknown(std::string detail, std::uint64_t created_s, base::Time now, bool fault) {
  Outcome outcome;
  outcome.state = SettlementState::unknown;
  outcome.detail = std::move(detail);
  outcome.rail_fault = fault;
  const std::uint64_t age_ms = now.seconds() > created_s ? (now.seconds() - created_s) * 1000 : 0;
  outcome.next_probe_ms = std::clamp(age_ms / 4, kProbeMsMin, kProbeMsMax);
  return outcome;
}

Outcome declined(const DeclineText& decline, std::string_view reference) {
  const Bucket bucket = bucket_of(decline.view());
  std::string detail = "declined";
  if (!decline.empty()) detail += ", " + std::string(decline.raw());
  detail += " (" + std::string(name(bucket)) + ")";
  if (!decline.message.empty() && !is_confidential(decline.view())) detail += ": " + decline.message;
  if (is_confidential(decline.view())) detail += "; tell the payer of a declined card, and not why";
  Outcome outcome = failed(failure_of(bucket), std::move(detail));
  outcome.code = raw_code(decline.raw());
  outcome.reference = std::string(reference);
  return outcome;
}

Outcome refused(const ApiError& error, const Reply& reply, Operation operation) {
  const std::string& at = error.parameter;
  const bool about_party = at == "customer" || at == "payment_method" || at == "destination";
  FailureClass failure = FailureClass::rejected;
  if (about_party) {
    failure = FailureClass::no_mandate;
  } else if (error.code == "balance_insufficient") {
    failure = FailureClass::insufficient_funds;  // of the platform's own balance
  } else if (error.code.starts_with("parameter_") && !at.starts_with("amount") && at != "currency") {
    failure = FailureClass::technical;  // our request is wrong for this account: nobody's fault but ours
  } else if (operation == Operation::charge && !error.decline.decline_code.empty()) {
    failure = failure_of(bucket_of(error.decline.view()));
  }
  Outcome outcome = failed(failure, reply.problem);
  outcome.code = raw_code(error.decline.decline_code.empty() ? error.code : error.decline.decline_code);
  return outcome;
}

namespace {

// Whether disputes decide what became of the charge: they take all of it.
bool judge_disputes(const std::vector<Dispute>& disputes, const StoredRequest& request, base::Time now,
                    Outcome& outcome) {
  if (const Dispute* other = incomparable(disputes, request.currency)) {
    outcome.state = SettlementState::unknown;
    outcome.code = raw_code(other->reason);
    outcome.detail = "the dispute " + other->id + " (" + other->status_text + ") is about " +
                     money(other->amount, other->currency) + " of a charge of " +
                     money(request.units, request.currency) + "; look at it on the provider's dashboard";
    outcome.next_probe_ms = kDisputeProbeMs;
    return true;
  }
  const Disputed open = disputed_of(disputes, DisputeStatus::open, request.units);
  const Disputed lost = disputed_of(disputes, DisputeStatus::lost, request.units);
  if (open.last != nullptr && open.units + lost.units >= request.units) {
    outcome.state = SettlementState::disputed;
    outcome.code = raw_code(open.last->reason);
    outcome.detail = "disputed (" + open.last->reason + "), " + open.last->id + " is " + open.last->status_text +
                     evidence_due(*open.last, now);
    outcome.next_probe_ms = kDisputeProbeMs;
    return true;
  }
  if (lost.last == nullptr || lost.units < request.units) return false;
  outcome.state = SettlementState::returned;
  outcome.code = raw_code(lost.last->reason);
  outcome.detail = "the dispute " + lost.last->id + " (" + lost.last->reason + ") was lost";
  return true;
}

// Disputes of a part. True: one is not decided yet.
bool tell_parts(const std::vector<Dispute>& disputes, const StoredRequest& request, base::Time now, Outcome& outcome) {
  const Disputed open = disputed_of(disputes, DisputeStatus::open, request.units);
  const Disputed lost = disputed_of(disputes, DisputeStatus::lost, request.units);
  if (lost.last != nullptr) {
    outcome.code = raw_code(lost.last->reason);
    outcome.detail += "; " + money(lost.units, request.currency) + " of it was lost in a dispute, " + lost.last->id +
                      " (" + lost.last->reason + ")";
  }
  if (open.last == nullptr) return false;
  outcome.code = raw_code(open.last->reason);
  outcome.detail += "; " + money(open.units, request.currency) + " of it is disputed (" + open.last->reason + "), " +
                    open.last->id + " is " + open.last->status_text + evidence_due(*open.last, now);
  return true;
}

}  // namespace

Outcome progress(const Intent& intent, const StoredRequest& request, const std::vector<Dispute>& disputes,
                 const CardOptions& options, const Instruction& instruction, base::Time now) {
  Outcome outcome;
  outcome.reference = intent.id;
  if (intent.status == IntentStatus::processing) {
    outcome.state = SettlementState::accepted;
    outcome.detail = "the bank is processing it";
    outcome.next_probe_ms = options.poll_ms;
    return outcome;
  }
  if (intent.amount_received != request.units) {
    outcome.state = SettlementState::unknown;
    outcome.rail_fault = true;
    outcome.next_probe_ms = kProbeMsMax;
    outcome.detail = intent.id + " succeeded with " + money(intent.amount_received, intent.currency) + " instead of " +
                     money(request.units, request.currency) + "; look at it on the provider's dashboard";
    return outcome;
  }
  const BalanceTransaction* balance = intent.charge && intent.charge->balance ? &*intent.charge->balance : nullptr;
  if (balance != nullptr && balance->currency == request.currency) {
    if (const std::optional<Rate> rate = parse_rate(request.rate))
      outcome.fee = from_minor(balance->fee, instruction.asset.scale, request.currency, *rate);
  }
  if (judge_disputes(disputes, request, now, outcome)) return outcome;
  if (intent.charge && (intent.charge->refunded || intent.charge->amount_refunded >= request.units)) {
    outcome.state = SettlementState::returned;
    outcome.detail = "refunded, " + intent.charge->id;
    return outcome;
  }
  outcome.detail = "paid";
  if (intent.charge && intent.charge->amount_refunded > 0)
    outcome.detail += "; " + money(intent.charge->amount_refunded, intent.currency) + " of it was refunded";
  const bool contested = tell_parts(disputes, request, now, outcome);
  if (balance == nullptr) {
    outcome.state = SettlementState::confirmed;
    outcome.next_probe_ms = kBalanceProbeMs;
    return outcome;
  }
  outcome.detail += "; the provider kept " + money(balance->fee, balance->currency);
  if (!balance->available && balance->available_on_s > now.seconds()) {
    outcome.state = SettlementState::confirmed;
    outcome.next_probe_ms = std::max(kProbeMsMin, ms_until(balance->available_on_s, now));
    return outcome;
  }
  const std::uint64_t final_s = intent.created_s + options.final_after_s;
  outcome.state = final_s <= now.seconds() && !contested ? SettlementState::final : SettlementState::settled;
  outcome.next_probe_ms = std::max(kProbeMsMin, std::min(ms_until(final_s, now), options.settled_probe_s * 1000));
  if (contested) outcome.next_probe_ms = std::max(outcome.next_probe_ms, kDisputeProbeMs);
  return outcome;
}

Amount lost_part(const Dispute& dispute, const StoredRequest& request, Amount amount) {
  if (dispute.amount >= request.units) return amount;
  // In two steps: the product would leave 128 bits.
  const base::u128 whole = amount.units() / request.units * dispute.amount;
  return Amount::from_units(whole + amount.units() % request.units * dispute.amount / request.units).value_or(amount);
}

Outcome progress(const Transfer& transfer, const StoredRequest& request) {
  Outcome outcome;
  outcome.reference = transfer.id;
  if (transfer.amount_reversed >= request.units) {
    outcome.state = SettlementState::returned;
    outcome.detail = "the transfer was reversed";
    return outcome;
  }
  // The money is in the connected account's balance, from where only a reversal by the operator brings it back.
  outcome.state = SettlementState::final;
  outcome.detail = "transferred to " + transfer.destination;
  if (transfer.amount_reversed > 0)
    outcome.detail += "; " + money(transfer.amount_reversed, transfer.currency) + " of it was reversed";
  return outcome;
}

Outcome progress(const Refund& refund, const CardOptions& options, const Instruction& instruction,
                 const StoredRequest& request, base::Time now) {
  Outcome outcome;
  outcome.reference = refund.id;
  switch (refund.status) {
    case RefundStatus::pending:
      outcome.state = SettlementState::accepted;
      outcome.detail = refund.status_text == "requires_action" ? "the payer has to say where the refund goes"
                                                               : "the bank is processing it";
      outcome.next_probe_ms = std::max(options.poll_ms, kBalanceProbeMs);
      return outcome;
    case RefundStatus::succeeded: {
      const std::uint64_t final_s = request.created_s + kRefundFinalSeconds;
      outcome.state = final_s <= now.seconds() ? SettlementState::final : SettlementState::settled;
      outcome.detail = "refunded";
      outcome.next_probe_ms = std::max(kProbeMsMin, std::min(ms_until(final_s, now), options.settled_probe_s * 1000));
      return outcome;
    }
    case RefundStatus::failed: break;
  }
  const SettlementState was = instruction.settlement.state;
  const bool had_gone = was == SettlementState::confirmed || was == SettlementState::settled;
  outcome.state = had_gone ? SettlementState::returned : SettlementState::failed;
  if (!had_gone) outcome.failure = FailureClass::rejected;
  outcome.code = raw_code(refund.failure_reason);
  outcome.detail = "the refund " + refund.id + " " + (refund.status_text == "canceled" ? "was canceled" : "failed");
  if (!refund.failure_reason.empty()) outcome.detail += ", " + refund.failure_reason;
  outcome.detail += "; the money is on the provider's balance";
  return outcome;
}

}  // namespace settlers::card
