// Deciding on settlements: the dispatcher's steps, dunning, retries, cancelling.

#include <algorithm>
#include <span>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
using S = SettlementState;

CommandResult missing(SettlementId id, std::uint64_t last) {
  const std::string settlement = "settlement " + std::to_string(id.value);
  if (!id.valid() || id.value > last) return refuse(Status::not_found, "there is no " + settlement);
  return refuse(Status::wrong_state, settlement + " is finished");
}

SettlementStepped entry_of(SettlementId id, const SettlementRecord& record, S to) {
  SettlementStepped entry;
  entry.id = id;
  entry.attempt = record.attempt;
  entry.from = record.state;
  entry.to = to;
  entry.technical_retries = record.technical_retries;
  entry.dunning_step = record.dunning_step;
  entry.rail_fee = record.rail_fee();
  return entry;
}

std::string check_step(const StepSettlement& command) {
  if (command.request.size() > base::limits::kSettlementRequestBytesMax) {
    return "request: at most " + std::to_string(base::limits::kSettlementRequestBytesMax) + " bytes";
  }
  if (command.reference.size() > kReferenceBytesMax) {
    return "reference: at most " + std::to_string(kReferenceBytesMax) + " bytes";
  }
  if (command.to == S::sending && command.idempotency_key.is_zero()) return "idempotency_key: it is zero";
  if (command.to == S::failed && command.failure == FailureClass::none) {
    return "failure: a failed settlement needs its class";
  }
  if (command.to != S::failed && command.failure != FailureClass::none) {
    return "failure: only a failed settlement has a class";
  }
  return {};
}

// The first of the rails from `begin` on that has not refused; none: an empty name.
RailName first_usable(std::span<const RailName> rails, std::span<const RailRefusal> refusals) {
  for (const RailName& rail : rails) {
    const bool refused =
        std::any_of(refusals.begin(), refusals.end(), [&](const auto& one) { return one.rail == rail; });
    if (!refused) return rail;
  }
  return {};
}

// Where a new round begins: with the first rail that has not refused. If all have, with one where the payer only had to
// do something, as it may have been done since.
RailName first_of_round(std::span<const RailName> rails, std::span<const RailRefusal> refusals) {
  if (const RailName rail = first_usable(rails, refusals); !rail.view().empty()) return rail;
  for (const RailName& rail : rails) {
    for (const RailRefusal& refusal : refusals) {
      if (refusal.rail == rail && refusal.failure == FailureClass::needs_action) return rail;
    }
  }
  return {};
}

}  // namespace

bool refuses_rail(FailureClass failure) {
  return failure == FailureClass::rejected || failure == FailureClass::needs_action;
}

std::vector<RailRefusal> StateMachine::State::with_refusal(const SettlementRecord& record, FailureClass failure) const {
  std::vector<RailRefusal> refusals;
  if (record.remarks() != nullptr) refusals = record.remarks()->refusals;
  if (!refuses_rail(failure)) return refusals;
  const RailName& rail = rail_names[record.rail];
  std::erase_if(refusals, [&](const RailRefusal& one) { return one.rail == rail; });
  refusals.push_back({rail, failure});
  return refusals;
}

// What follows from a definite failure. A technical one is tried again on its rail. A collection goes to the next rail
// of its plan at once; after the last one it waits, by the plan, and begins with the first again. Anything else ends
// the automatic attempts. Every new sending is a new attempt.
void StateMachine::State::plan_after_failure(const SettlementRecord& record, FailureClass failure, Time again, Time now,
                                             SettlementStepped& entry) const {
  entry.to = SettlementState::failed;
  entry.failure = failure;
  const auto again_at = [&](Time when) {
    entry.to = SettlementState::ready;
    entry.attempt = record.attempt + 1;
    entry.next_action = std::max(when, now);
  };
  if (failure == FailureClass::technical) {
    ++entry.technical_retries;
    again_at(again);
    return;
  }
  entry.next_action = Time{};
  if (record.kind != SettlementKind::collection) return;
  const Plan& plan = find_plan(record.plan)->plan;
  const RailName& present = rail_names[record.rail];
  const std::vector<RailRefusal> refusals = with_refusal(record, failure);
  const auto at = std::find(plan.rails.begin(), plan.rails.end(), present);
  const std::span<const RailName> later(at == plan.rails.end() ? at : at + 1, plan.rails.end());
  RailName next = first_usable(later, refusals);
  if (!next.view().empty()) {
    again_at(now);
  } else {
    next = first_of_round(plan.rails, refusals);
    if (next.view().empty() || record.dunning_step >= plan.dunning_s.size()) return;
    again_at(Time{now.us + plan.dunning_s[record.dunning_step] * 1'000'000});
    ++entry.dunning_step;
  }
  entry.technical_retries = 0;
  if (next != present) entry.rail = next;
}

// What the rail moved, if that is not what it was asked for and not booked yet. A part is booked as soon as it is
// there: the rest is due again. A surplus is booked with the cash, as what is only confirmed may still be undone.
void StateMachine::State::take_moved(const SettlementRecord& record, const StepSettlement& command, Time now,
                                     SettlementStepped& entry) const {
  if (!command.moved || *command.moved == record.amount) return;
  const bool surplus = *command.moved > record.amount;
  const bool was_cash = stage_of(record.state) >= Stage::cash && !(surplus && record.state == S::disputed);
  if (was_cash || !record.bill().surplus.is_zero() || (surplus && stage_of(command.to) < Stage::cash)) return;
  entry.moved = *command.moved;
  if (surplus) return;
  plan_after_failure(record, FailureClass::insufficient_funds, now, now, entry);
  entry.detail = cleaned("the rail moved " + entry.moved.to_units_string() + " of " + record.amount.to_units_string() +
                             (command.detail.empty() ? "" : ": " + command.detail),
                         kDetailBytesMax);
}

// What became of it while its request was made.
std::optional<CommandResult> StateMachine::State::refuse_sending(const StepSettlement& command,
                                                                 const SettlementRecord& record) {
  if (command.amount && *command.amount != record.amount) {  // a part was paid or credited
    return refuse(Status::wrong_state, "amount: the request moves " + command.amount->to_units_string() + ", " +
                                           record.amount.to_units_string() + " are left of it");
  }
  if (record.kind == SettlementKind::refund) {
    const RefundSource source = refund_source(record.statement);
    if (std::string wrong = check_refund_now(source, record); !wrong.empty()) {
      return refuse(source.state == S::disputed ? Status::wrong_state : Status::value_invalid, "refund: " + wrong);
    }
  }
  if (const NoticeId notice = contradiction(command.id, record); notice.valid()) {
    return refuse(Status::wrong_state, "notice " + std::to_string(notice.value) +
                                           " says that it was paid before: the operator resolves it first");
  }
  return std::nullopt;
}

CommandResult StateMachine::State::decide(const StepSettlement& command, SegmentBuilder& out) {
  const SettlementRecord* record = find_settlement(command.id);
  if (record == nullptr || record->finished) return missing(command.id, head.settlements);
  if (command.attempt != record->attempt) {
    return refuse(Status::wrong_state, "attempt: the current one is " + std::to_string(record->attempt));
  }
  if (!edge_allowed(record->kind, record->state, command.to)) {
    return refuse(Status::wrong_state, "a settlement cannot go from " + std::string(name(record->state)) + " to " +
                                           std::string(name(command.to)));
  }
  if (std::string wrong = check_step(command); !wrong.empty()) return refuse(Status::value_invalid, std::move(wrong));
  if (command.rail_fee && record->kind == SettlementKind::relay) {
    return refuse(Status::value_invalid, "rail_fee: what a relay costs is not in an asset of the ledger");
  }
  if (command.rail_fee && !rail_fee_fits(*record, *command.rail_fee)) {
    return refuse(Status::amount_overflow, "rail_fee: it is more than can be represented");
  }
  if (std::string wrong = check_moved(*record, command); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (command.to == S::sending) {
    if (std::optional<CommandResult> refused = refuse_sending(command, *record)) return std::move(*refused);
  }

  SettlementStepped entry = entry_of(command.id, *record, command.to);
  entry.reference = command.reference;
  entry.detail = command.detail.substr(0, kDetailBytesMax);
  if (command.to == S::sending) {
    entry.idempotency_key = command.idempotency_key;
    entry.request = command.request;
  }
  entry.code = cleaned(command.code, base::limits::kRailCodeBytesMax);
  entry.rail_fee = command.to == S::sending ? Amount{} : command.rail_fee.value_or(record->rail_fee());
  if (needs_action(command.to)) entry.next_action = std::max(command.next_action, out.time());
  if (news_after(command.id, *record, command.notices_read) && command.to != S::failed && entry.next_action.us != 0) {
    entry.next_action = out.time();  // something was said that this answer does not know of
  }
  if (command.to == S::failed) plan_after_failure(*record, command.failure, command.next_action, out.time(), entry);
  take_moved(*record, command, out.time(), entry);
  const SettlementView before{record->state, rail_names[record->rail]};
  const PayerId payer = record->payer;
  const bool is_collection = record->kind == SettlementKind::collection;
  commit(entry, out);
  apply_notices(command, before, out);
  cancel_old_relays(out);
  if (is_collection && entry.to == S::failed && find_payer(payer)->standing == Standing::active) {
    commit(StandingSet{payer, Standing::suspended_by_dunning,
                       "settlement " + std::to_string(command.id.value) + " failed for good"},
           out);
  }
  if (is_collection && stage_of(entry.to) >= Stage::posted) {
    lift_suspension(payer, "settlement " + std::to_string(command.id.value) + " is paid", out);
  }
  return changed(head.last_sequence, command.id.value);
}

CommandResult StateMachine::State::decide(const RetrySettlement& command, SegmentBuilder& out) {
  const SettlementRecord* record = find_settlement(command.id);
  if (record == nullptr || record->finished) return missing(command.id, head.settlements);
  if (command.attempt != 0 && command.attempt != record->attempt) {
    return refuse(Status::wrong_state, "attempt: the current one is " + std::to_string(record->attempt));
  }
  const bool waiting = record->state == S::ready;
  if (!waiting && record->state != S::failed && record->state != S::returned) {
    return refuse(Status::wrong_state, "the settlement is " + std::string(name(record->state)) +
                                           "; it can be tried again when it is ready, failed or returned");
  }
  if (waiting && record->next_action <= out.time()) return unchanged(command.id.value);
  SettlementStepped entry = entry_of(command.id, *record, S::ready);
  if (!waiting) {
    ++entry.attempt;
    entry.technical_retries = 0;
    if (record->kind == SettlementKind::collection) {
      const RailName& first = find_plan(record->plan)->plan.rails.front();
      if (first != rail_names[record->rail]) entry.rail = first;
    }
  }
  entry.next_action = out.time();
  entry.detail = "tried again on request";
  return changed(commit(entry, out), command.id.value);
}

CommandResult StateMachine::State::decide(const CancelSettlement& command, SegmentBuilder& out) {
  const SettlementRecord* record = find_settlement(command.id);
  if (record == nullptr || record->finished) return missing(command.id, head.settlements);
  if (record->kind == SettlementKind::collection) {
    return refuse(Status::wrong_state, "a collection is not cancelled: use a credit note or write its statement off");
  }
  const bool came_back = record->kind == SettlementKind::relay && record->state == S::returned;
  if (record->state != S::ready && record->state != S::failed && !came_back) {
    return refuse(Status::wrong_state, "the settlement is " + std::string(name(record->state)) +
                                           "; it can be cancelled when it is ready or failed");
  }
  if (std::string wrong = check_text("reason", command.reason, kDetailBytesMax); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  SettlementStepped entry = entry_of(command.id, *record, S::cancelled);
  entry.detail = command.reason;
  return changed(commit(entry, out), command.id.value);
}

}  // namespace ledger::core
