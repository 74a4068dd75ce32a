// Effects of settlements: states, the books of money under way, dunning and suspension, payouts.

#include <algorithm>

#include "ledger/core/state.h"

namespace ledger::core {

// ---- the states (design: settlement) ----

Stage stage_of(SettlementState state) {
  switch (state) {
    case SettlementState::sending:
    case SettlementState::accepted:
    case SettlementState::unknown: return Stage::reserved;
    case SettlementState::confirmed: return Stage::posted;
    case SettlementState::settled:
    case SettlementState::disputed: return Stage::cash;
    case SettlementState::final: return Stage::released;
    case SettlementState::ready:
    case SettlementState::failed:
    case SettlementState::returned:
    case SettlementState::written_off:
    case SettlementState::cancelled: return Stage::none;
  }
  return Stage::none;
}

bool edge_allowed(SettlementKind kind, SettlementState from, SettlementState to) {
  using S = SettlementState;
  if (to == S::disputed && kind != SettlementKind::collection) return false;
  switch (from) {
    case S::ready: return to == S::sending || to == S::failed;  // failed: it could not even be prepared
    case S::sending:
    case S::unknown:
    case S::accepted:
      return to == S::accepted || to == S::confirmed || to == S::settled || to == S::final || to == S::failed ||
             to == S::unknown;
    case S::confirmed:
      return to == S::confirmed || to == S::accepted || to == S::settled || to == S::final || to == S::returned ||
             to == S::disputed;
    case S::settled: return to == S::settled || to == S::final || to == S::returned || to == S::disputed;
    case S::disputed: return to == S::disputed || to == S::settled || to == S::returned;
    case S::final:
    case S::failed:
    case S::returned:
    case S::written_off:
    case S::cancelled: return false;
  }
  return false;
}

bool needs_action(SettlementState state) {
  using S = SettlementState;
  return state == S::ready || state == S::sending || state == S::accepted || state == S::unknown ||
         state == S::confirmed || state == S::settled || state == S::disputed;
}

bool is_finished(SettlementKind kind, SettlementState state) {
  using S = SettlementState;
  if (state == S::final || state == S::written_off || state == S::cancelled) return true;
  if (kind == SettlementKind::refund) return state == S::returned || state == S::failed;
  return kind == SettlementKind::payout && state == S::returned;
}

bool can_change_amount(SettlementState state) {
  return state == SettlementState::ready || state == SettlementState::failed || state == SettlementState::returned;
}

std::string_view name(SettlementState state) {
  switch (state) {
    case SettlementState::ready: return "ready";
    case SettlementState::sending: return "sending";
    case SettlementState::accepted: return "accepted";
    case SettlementState::confirmed: return "confirmed";
    case SettlementState::settled: return "settled";
    case SettlementState::final: return "final";
    case SettlementState::failed: return "failed";
    case SettlementState::unknown: return "unknown";
    case SettlementState::returned: return "returned";
    case SettlementState::disputed: return "disputed";
    case SettlementState::written_off: return "written_off";
    case SettlementState::cancelled: return "cancelled";
  }
  return "unknown";
}

namespace {

// Edges that an entry may take: those of the rail, and those of retry, postponement and cancelling.
bool entry_edge_allowed(SettlementKind kind, SettlementState from, SettlementState to) {
  using S = SettlementState;
  if (to == S::ready) {
    if (from == S::returned) return kind != SettlementKind::payout;  // a refund that came back is over
    return from == S::ready || from == S::sending || from == S::unknown || from == S::accepted || from == S::failed;
  }
  if (to == S::cancelled) {
    if (kind == SettlementKind::relay && from == S::returned) return true;
    return kind != SettlementKind::collection && (from == S::ready || from == S::failed);
  }
  return edge_allowed(kind, from, to);
}

}  // namespace

void SettlementRecord::set_shares(std::span<const aggregator::PayeeShare> list) {
  if (list.size() == 1 && list.front().amount == net) {
    payee = list.front().payee;
    return;
  }
  share_count = static_cast<std::uint32_t>(list.size());
  shares = std::make_unique<aggregator::PayeeShare[]>(list.size());
  std::copy(list.begin(), list.end(), shares.get());
}

// ---- books ----

void StateMachine::State::book_collection(SettlementRecord& record, Stage from, Stage to) {
  AssetRecord& asset = *find_asset(record.asset);
  TallyRecord& owner = *find_tally(record.payer, record.asset);
  const auto move = [&](Phase phase, Balance& debit, Balance& credit) {
    transaction.debit(debit, phase, record.amount);
    transaction.credit(credit, phase, record.amount);
  };
  Balance& transit = asset.operators.in_transit;
  Balance& cash = asset.operators.cash;
  Balance& receivable = owner.receivable;
  for (Stage at = from; at < to;) {  // upwards, through every stage in between
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) + 1);
    if (at == Stage::reserved) move(Phase::pending, transit, receivable);
    if (at == Stage::posted) {
      move(Phase::pending, receivable, transit);
      move(Phase::posted, transit, receivable);
    }
    if (at == Stage::cash) move(Phase::posted, cash, transit);
  }
  for (Stage at = from; at > to;) {  // downwards: each step back
    if (at == Stage::cash) move(Phase::posted, transit, cash);
    if (at == Stage::posted) {
      move(Phase::posted, receivable, transit);
      move(Phase::pending, transit, receivable);
    }
    if (at == Stage::reserved) move(Phase::pending, receivable, transit);
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) - 1);
  }
  transaction.commit();
  touch(owner);
  touch_operators(asset);
}

void StateMachine::State::book_payout(SettlementRecord& record, SettlementId id, Stage from, Stage to) {
  AssetRecord& asset = *find_asset(record.asset);
  PayeeBalanceRecord& owner = payee_balance(record.payee, record.asset);
  const Amount whole = base::add_checked(record.amount, record.fee());
  Balance& transit = asset.operators.out_transit;
  Balance& revenue = asset.operators.revenue;
  const auto pay = [&](Phase phase) {
    transaction.debit(owner.balance.payable, phase, whole);
    transaction.credit(transit, phase, record.amount);
    transaction.credit(revenue, phase, record.fee());
  };
  const auto unpay = [&](Phase phase) {
    transaction.credit(owner.balance.payable, phase, whole);
    transaction.debit(transit, phase, record.amount);
    transaction.debit(revenue, phase, record.fee());
  };
  for (Stage at = from; at < to;) {
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) + 1);
    if (at == Stage::reserved) pay(Phase::pending);
    if (at == Stage::posted) {
      unpay(Phase::pending);
      pay(Phase::posted);
      owner.balance.paid_out = base::add_checked(owner.balance.paid_out, record.amount);
      owner.balance.fees = base::add_checked(owner.balance.fees, record.fee());
    }
    if (at == Stage::cash) {
      transaction.debit(transit, Phase::posted, record.amount);
      transaction.credit(asset.operators.cash, Phase::posted, record.amount);
    }
  }
  for (Stage at = from; at > to;) {
    if (at == Stage::cash) {
      transaction.credit(transit, Phase::posted, record.amount);
      transaction.debit(asset.operators.cash, Phase::posted, record.amount);
    }
    if (at == Stage::posted) {
      unpay(Phase::posted);
      pay(Phase::pending);
      owner.balance.paid_out = base::subtract_checked(owner.balance.paid_out, record.amount);
      owner.balance.fees = base::subtract_checked(owner.balance.fees, record.fee());
    }
    if (at == Stage::reserved) unpay(Phase::pending);
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) - 1);
  }
  transaction.commit();
  touch(owner);
  touch_operators(asset);
  // A payout that is as good as done no longer keeps the next one waiting.
  if (to >= Stage::cash && owner.balance.open_payout == id) {
    owner.balance.open_payout = SettlementId{};
    review_payout(*find_payee(record.payee), owner.balance);
  }
}

StatementMark SettlementRecord::mark() const {
  return {statement_state, bill().credited, bill().credited_paid, bill().paid, bill().refunded, bill().fees};
}

// What a rail keeps is a cost from the moment at which it says so, whatever becomes of the settlement.
void StateMachine::State::book_rail_fee(SettlementRecord& record, Amount fee) {
  const Amount before = record.rail_fee();
  if (fee == before) return;
  OperatorBalance& operators = find_asset(record.asset)->operators;
  if (fee > before) {
    const Amount more = base::subtract_checked(fee, before);
    operators.volume = base::add_checked(operators.volume, more);
    transaction.debit(operators.rail_fees, Phase::posted, more);
    transaction.credit(operators.cash, Phase::posted, more);
  } else {
    const Amount less = base::subtract_checked(before, fee);
    transaction.debit(operators.cash, Phase::posted, less);
    transaction.credit(operators.rail_fees, Phase::posted, less);
  }
  transaction.commit();
  record.more_remarks().fee = fee;
  touch_operators(*find_asset(record.asset));
}

bool StateMachine::State::rail_fee_fits(const SettlementRecord& record, Amount fee) const {
  if (fee <= record.rail_fee()) return true;
  const AssetRecord* asset = record.kind == SettlementKind::relay ? nullptr : find_asset(record.asset);
  return asset != nullptr && fee.units() <= kVolumeMax &&
         asset->operators.volume.units() + (fee.units() - record.rail_fee().units()) <= kVolumeMax;
}

void StateMachine::State::mark_overdue(SettlementRecord& record, bool overdue) {
  if (record.overdue == overdue) return;
  record.overdue = overdue;
  PayerRecord& payer = *find_payer(record.payer);
  payer.overdue += overdue ? 1u : static_cast<std::uint32_t>(-1);
}

// Its last rows are written by the next drain, which then forgets it.
void StateMachine::State::finish(SettlementRecord& record, SettlementId id) {
  record.finished = true;
  record.next_action = Time{};
  if (record.kind == SettlementKind::collection) keep_refunded(record, id);
  touch(record, id);
}

std::uint16_t StateMachine::State::rail_index(const RailName& rail) {
  const auto at = std::find(rail_names.begin(), rail_names.end(), rail);
  if (at != rail_names.end()) return static_cast<std::uint16_t>(at - rail_names.begin());
  CHECK(rail_names.size() < UINT16_MAX);
  rail_names.push_back(rail);
  return static_cast<std::uint16_t>(rail_names.size() - 1);
}

Settlement StateMachine::State::unpack(SettlementId id, const SettlementRecord& record) const {
  Settlement settlement;
  settlement.id = id;
  settlement.kind = record.kind;
  settlement.payer = record.payer;
  if (record.kind == SettlementKind::payout) settlement.payee = record.payee;
  settlement.statement = record.statement;
  settlement.asset = record.asset;
  settlement.amount = record.amount;
  settlement.rail = rail_names[record.rail];
  settlement.state = record.state;
  settlement.attempt = record.attempt;
  settlement.technical_retries = record.technical_retries;
  settlement.dunning_step = record.dunning_step;
  settlement.next_action = record.next_action;
  settlement.created = record.created;
  if (record.extra) {
    settlement.fee = record.extra->fee;
    settlement.idempotency_key = record.extra->idempotency_key;
    settlement.request = record.extra->request;
    settlement.reference = record.extra->reference;
    settlement.failure = record.extra->failure;
    settlement.detail = record.extra->detail;
    settlement.submitted = record.extra->submitted;
    settlement.confirmed = record.extra->confirmed;
    settlement.finalized = record.extra->finalized;
    if (record.extra->operator_reference) settlement.operator_reference = *record.extra->operator_reference;
  }
  if (const RailRemarks* remarks = record.remarks()) {
    settlement.code = remarks->code;
    settlement.rail_fee = remarks->fee;
    settlement.refusals = remarks->refusals;
  }
  return settlement;
}

// ---- entries ----

Amount StateMachine::State::payout_amount(const Payee& payee, const PayeeBalance& balance) const {
  if (balance.open_payout.valid() || payee.payout_rail.view().empty()) return Amount{};
  if (balance.payable_now < payee.payout_minimum || balance.payable_now <= payee.fee_fixed) return Amount{};
  const Amount amount = base::subtract_checked(balance.payable_now, payee.fee_fixed);
  const u128 unit = find_asset(balance.asset)->rounding_unit.units();
  return *Amount::from_units(amount.units() - amount.units() % unit);
}

void StateMachine::State::review_payout(const PayeeRecord& payee, const PayeeBalance& balance) {
  const std::tuple later(balance.payout_from, balance.payee, balance.asset);
  const bool waits = balance.payout_from.us != 0;
  if (payout_amount(payee.payee, balance).is_zero()) {
    payouts_due.erase({balance.payee, balance.asset});
    if (waits) payouts_later.erase(later);
  } else if (waits) {
    payouts_due.erase({balance.payee, balance.asset});
    payouts_later.insert(later);
  } else {
    payouts_due.insert({balance.payee, balance.asset});
  }
}

Outcome StateMachine::State::apply(const SettlementPlanned& entry, const At& at) {
  const Settlement& planned = entry.settlement;
  if (planned.kind != SettlementKind::payout && planned.kind != SettlementKind::refund) {
    return mismatch("only payouts and refunds are planned; statements make collections");
  }
  if (planned.id.value != head.settlements + 1) {
    return mismatch("the settlement is " + std::to_string(planned.id.value) + " in the journal, the next number is " +
                    std::to_string(head.settlements + 1));
  }
  if (planned.kind == SettlementKind::refund) return apply_refund(planned);
  PayeeRecord* payee = find_payee(planned.payee);
  if (payee == nullptr || find_asset(planned.asset) == nullptr) return mismatch("payee or asset is unknown");
  PayeeBalanceRecord& balance = payee_balance(planned.payee, planned.asset);
  const Amount amount = payout_amount(payee->payee, balance.balance);
  if (amount.is_zero() || planned.amount != amount || planned.fee != payee->payee.fee_fixed) {
    return mismatch("the payout is " + planned.amount.to_units_string() + " in the journal, " +
                    amount.to_units_string() + " by the payee's balance");
  }
  const bool fresh = planned.state == SettlementState::ready && planned.operator_reference.empty();
  if (!fresh || planned.rail != payee->payee.payout_rail) {
    return mismatch("the payout is not a new one on the payee's rail");
  }
  ReleaseDefaults buffer;
  const bool scheduled = is_scheduled(terms_of(payee->payee, buffer).payout_every);
  if (scheduled && (balance.balance.payout_from.us == 0 || at.time < balance.balance.payout_from)) {
    return mismatch("the payout is before its time");
  }
  if (scheduled) payouts_later.erase({balance.balance.payout_from, planned.payee, planned.asset});
  balance.balance.payout_from = Time{};
  SettlementRecord& record = settlements[planned.id.value];
  record.kind = SettlementKind::payout;
  record.payee = planned.payee;
  record.asset = planned.asset;
  record.amount = planned.amount;
  record.rail = rail_index(planned.rail);
  record.next_action = planned.next_action;
  record.created = planned.created;
  record.more().fee = planned.fee;
  balance.balance.open_payout = planned.id;
  balance.balance.payable_now =
      base::subtract_checked(balance.balance.payable_now, base::add_checked(planned.amount, planned.fee));
  review_payout(*payee, balance.balance);
  ++head.settlements;
  head_dirty = true;
  touch(balance);
  touch(record, planned.id);
  return {};
}

// What the rail said of itself: its code, what it kept, and whether it is asked again.
void StateMachine::State::take_remarks(SettlementRecord& record, const SettlementStepped& entry) {
  using S = SettlementState;
  const bool collection = record.kind == SettlementKind::collection;
  if (entry.to == S::sending) {
    if (record.remarks() != nullptr) {  // of the attempt before; what it kept stays booked
      record.more_remarks().code.clear();
      record.more_remarks().fee = Amount{};
    }
  } else {
    book_rail_fee(record, entry.rail_fee);
  }
  if (!entry.code.empty()) record.more_remarks().code = entry.code;
  const bool asked_again = entry.to == S::ready && entry.from != S::ready && entry.failure == FailureClass::none;
  if (asked_again && record.remarks() != nullptr) record.more_remarks().refusals.clear();
  if (collection && refuses_rail(entry.failure)) {
    record.more_remarks().refusals = with_refusal(record, entry.failure);
  }
  if (!entry.rail.view().empty()) record.rail = rail_index(entry.rail);
}

void StateMachine::State::take_step(SettlementRecord& record, const SettlementStepped& entry, Time time) {
  record.state = entry.to;
  record.attempt = entry.attempt;
  record.technical_retries = entry.technical_retries;
  record.dunning_step = entry.dunning_step;
  record.next_action = entry.next_action;
  SettlementExtra& extra = record.more();
  take_remarks(record, entry);
  if (entry.to == SettlementState::sending) {
    extra.idempotency_key = entry.idempotency_key;
    extra.request = entry.request;
    extra.reference = entry.reference;
    extra.submitted = time;
    extra.failure = FailureClass::none;
    extra.detail = entry.detail;
  } else {
    if (!entry.reference.empty()) extra.reference = entry.reference;
    if (entry.failure != FailureClass::none) extra.failure = entry.failure;
    if (!entry.detail.empty()) extra.detail = entry.detail;
  }
  const Stage stage = stage_of(entry.to);
  const Stage before = stage_of(entry.from);
  if (before < Stage::posted && stage >= Stage::posted) extra.confirmed = time;
  if (before >= Stage::posted && stage < Stage::posted) extra.confirmed = Time{};
  if (stage == Stage::released) extra.finalized = time;
}

// The rail moved a part: the rest is tried again, or not.
bool StateMachine::State::moved_in_part(const SettlementRecord& record, const SettlementStepped& entry) {
  return !entry.moved.is_zero() && entry.moved < record.amount;
}

// Empty, or why the rail cannot have moved that much in this step.
std::string StateMachine::State::check_entry_moved(const SettlementRecord& record,
                                                   const SettlementStepped& entry) const {
  if (entry.moved.is_zero()) return {};
  if (record.kind != SettlementKind::collection) return "only a collection moves a part, or more";
  const Stage from = stage_of(entry.from);
  const bool in_part = moved_in_part(record, entry);
  const bool was_disputed = entry.from == SettlementState::disputed && !in_part;
  if (from != Stage::reserved && from != Stage::posted && !was_disputed) return "it cannot have moved in this step";
  if (in_part) {
    const bool again = entry.to == SettlementState::ready || entry.to == SettlementState::failed;
    return again ? std::string() : "a part was moved, and the rest is not due again";
  }
  const bool fits = entry.moved > record.amount && record.bill().surplus.is_zero() &&
                    (entry.to == SettlementState::settled || entry.to == SettlementState::final) &&
                    !is_suspense_full(record.asset, base::subtract_checked(entry.moved, record.amount));
  return fits ? std::string() : "more was moved than can be";
}

void StateMachine::State::step_collection(SettlementRecord& record, const SettlementStepped& entry, Time time) {
  const Stage from = stage_of(entry.from);
  const Stage to = stage_of(entry.to);
  if (moved_in_part(record, entry)) {
    book_part(record, from, entry.moved);
    touch_mark(record, entry.id);
  } else {
    book_collection(record, from, to);
    if (!entry.moved.is_zero()) book_surplus(record, entry.moved);
  }
  if (from >= Stage::posted && to < Stage::posted) {
    unbook_surplus(record);
    take_back_releases(record);
  }
  const StatementState state = to >= Stage::posted ? StatementState::paid : StatementState::open;
  if (std::exchange(record.statement_state, state) != state) touch_mark(record, entry.id);
  if (to >= Stage::posted) mark_overdue(record, false);
  if (entry.to == SettlementState::failed) mark_overdue(record, true);
  if (entry.to == SettlementState::settled && entry.from != SettlementState::settled) {
    plan_releases(record, entry.id, time);
  }
  if (to == Stage::released) {
    release_statement(record);
    touch_mark(record, entry.id);
  }
}

// Cancelled, or it came back: the amount is payable again.
void StateMachine::State::end_payout(const SettlementRecord& record, SettlementId id) {
  PayeeBalanceRecord& owner = payee_balance(record.payee, record.asset);
  owner.balance.payable_now =
      base::add_checked(owner.balance.payable_now, base::add_checked(record.amount, record.fee()));
  recover(owner.balance);
  transaction.commit();
  if (owner.balance.open_payout == id) owner.balance.open_payout = SettlementId{};
  review_payout(*find_payee(record.payee), owner.balance);
  touch(owner);
}

Outcome StateMachine::State::apply(const SettlementStepped& entry, const At& at) {
  SettlementRecord* record = find_settlement(entry.id);
  if (record == nullptr || record->finished) {
    return mismatch("settlement " + std::to_string(entry.id.value) + " is unknown or finished");
  }
  if (record->state != entry.from) {
    return mismatch("settlement " + std::to_string(entry.id.value) + " is " + std::string(name(record->state)) +
                    ", not " + std::string(name(entry.from)));
  }
  const bool in_part = moved_in_part(*record, entry);
  if (!in_part && !entry_edge_allowed(record->kind, entry.from, entry.to)) {
    return mismatch("a settlement cannot go from " + std::string(name(entry.from)) + " to " +
                    std::string(name(entry.to)));
  }
  const bool resend = entry.to == SettlementState::ready && entry.from != SettlementState::ready;
  const bool failed_unsent = entry.to == SettlementState::ready && entry.failure != FailureClass::none;
  if (std::string wrong = check_entry_moved(*record, entry); !wrong.empty()) return mismatch(std::move(wrong));
  const std::uint32_t attempt = record->attempt + (resend || failed_unsent ? 1u : 0u);
  if (entry.attempt != attempt) {
    return mismatch("the attempt is " + std::to_string(entry.attempt) + " in the journal, it should be " +
                    std::to_string(attempt));
  }
  const bool new_attempt = attempt != record->attempt;
  if (!entry.rail.view().empty() && (record->kind != SettlementKind::collection || !new_attempt)) {
    return mismatch("the rail of a settlement can only change with a collection's new attempt");
  }
  if (!rail_fee_fits(*record, entry.rail_fee)) return mismatch("what the rail kept overflows, or is of a relay");
  const Stage from = stage_of(entry.from);
  const Stage to = stage_of(entry.to);
  take_step(*record, entry, at.time);
  switch (record->kind) {
    case SettlementKind::collection: step_collection(*record, entry, at.time); break;
    case SettlementKind::relay: track_relay(entry.id, *record); break;
    case SettlementKind::refund:
      book_refund(*record, from, to);
      if (is_finished(record->kind, entry.to)) end_refund(*record);
      break;
    case SettlementKind::payout:
      book_payout(*record, entry.id, from, to);
      if (entry.to == SettlementState::cancelled || entry.to == SettlementState::returned)
        end_payout(*record, entry.id);
      break;
  }
  touch(*record, entry.id);
  if (is_finished(record->kind, entry.to)) finish(*record, entry.id);
  return {};
}

}  // namespace ledger::core
