// Refunds: a payer's credit goes back by the rail that collected a statement. The amount leaves the credit when the
// refund is planned, so that no statement uses it meanwhile, and returns to it when the rail says no.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

}  // namespace

StateMachine::State::RefundSource StateMachine::State::refund_source(StatementId id) {
  RefundSource source;
  SettlementId collection;
  const SettlementRecord* record = find_collection(id, collection);
  if (record != nullptr && !record->finished) {
    source.found = true;
    source.payer = record->payer;
    source.asset = record->asset;
    source.rail = rail_names[record->rail];
    source.state = record->state;
    source.refunded = record->bill().refunded;
    if (stage_of(record->state) >= Stage::posted) {
      source.collected = base::add_checked(record->amount, record->bill().surplus);
    }
    return source;
  }
  const auto closed = closed_statements.find(id.value);
  return closed == closed_statements.end() ? source : refund_source(closed->second);
}

StateMachine::State::RefundSource StateMachine::State::refund_source(const ClosedStatement& closed) {
  return {
      true, closed.payer, closed.asset, closed.rail, closed.collected, closed.mark.refunded, SettlementState::final};
}

std::string StateMachine::State::check_refund(const RefundSource& source, Amount amount) {
  if (source.state == SettlementState::disputed) return "its collection is disputed";
  if (source.collected.is_zero()) return "no rail has collected anything of it";
  // Refunds of an attempt that came back count too: what a later attempt collected may be less.
  const Amount left =
      source.refunded >= source.collected ? Amount{} : base::subtract_checked(source.collected, source.refunded);
  if (amount > left) return left.to_units_string() + " of what was collected can still be refunded";
  return {};
}

// Empty, or why what was planned before is not sent: its collection came back since, or is disputed.
std::string StateMachine::State::check_refund_now(const RefundSource& source, const SettlementRecord& record) {
  if (source.state == SettlementState::final && !source.collected.is_zero()) return {};  // it cannot have become less
  RefundSource without = source;
  without.refunded = base::subtract_checked(source.refunded, record.amount);
  return check_refund(without, record.amount);
}

void StateMachine::State::change_refunds(StatementId id, Amount amount, bool more_refunded, int open) {
  const auto change = [&](Amount& refunded, std::uint32_t& count) {
    refunded = more_refunded ? base::add_checked(refunded, amount) : base::subtract_checked(refunded, amount);
    count += static_cast<std::uint32_t>(open);
  };
  SettlementId collection;
  SettlementRecord* record = find_collection(id, collection);
  if (record != nullptr && !record->finished) {
    BillExtra& bill = record->more_bill();
    change(bill.refunded, bill.refunds_open);
    touch_mark(*record, collection);
    return;
  }
  ClosedStatement& closed = closed_statements.at(id.value);
  change(closed.mark.refunded, closed.refunds_open);
  touch_closed(id);
}

// A finished collection whose refunds are under way stays known, as a closed statement.
void StateMachine::State::keep_refunded(const SettlementRecord& record, SettlementId id) {
  if (record.bill().refunds_open == 0) return;
  ClosedStatement& closed = closed_statements[record.statement.value];
  closed.statement = record.statement;
  closed.payer = record.payer;
  closed.asset = record.asset;
  closed.plan = record.plan;
  closed.net = record.net;
  closed.tax = record.bill().tax;
  closed.shares = record.share_list();
  closed.mark = record.mark();
  closed.collection = id;
  closed.rail = rail_names[record.rail];
  if (record.state == SettlementState::final) closed.collected = record.amount;
  closed.refunds_open = record.bill().refunds_open;
  touch_closed(record.statement);
}

Outcome StateMachine::State::apply_refund(const Settlement& planned) {
  const RefundSource source = refund_source(planned.statement);
  if (!source.found || source.payer != planned.payer || source.asset != planned.asset) {
    return mismatch("statement " + std::to_string(planned.statement.value) + " is not one of this payer and asset");
  }
  if (std::string wrong = check_refund(source, planned.amount); !wrong.empty()) return mismatch(std::move(wrong));
  TallyRecord* owner = find_tally(planned.payer, planned.asset);
  if (owner == nullptr || planned.amount.is_zero() || planned.amount.units() > owner->credit_units()) {
    return mismatch("the refund is above the payer's credit");
  }
  if (planned.state != SettlementState::ready || planned.rail != source.rail || !planned.fee.is_zero()) {
    return mismatch("the refund is not a new one on the rail that collected");
  }
  SettlementRecord& record = settlements[planned.id.value];
  record.kind = SettlementKind::refund;
  record.payer = planned.payer;
  record.statement = planned.statement;
  record.asset = planned.asset;
  record.amount = planned.amount;
  record.rail = rail_index(planned.rail);
  record.next_action = planned.next_action;
  record.created = planned.created;
  record.more().detail = planned.detail;
  record.more().operator_reference = std::make_unique<std::string>(planned.operator_reference);
  new_rows.push_back({row_key(Table::settlement_by_payer, planned.payer.value, planned.id.value), {}});
  AssetRecord& asset = *find_asset(planned.asset);
  transaction.debit(owner->extra->credit, Phase::posted, planned.amount);
  transaction.credit(asset.operators.refunds, Phase::posted, planned.amount);
  transaction.commit();
  touch(*owner);
  touch_operators(asset);
  change_refunds(planned.statement, planned.amount, true, 1);
  ++head.settlements;
  head_dirty = true;
  touch(record, planned.id);
  return {};
}

void StateMachine::State::book_refund(SettlementRecord& record, Stage from, Stage to) {
  AssetRecord& asset = *find_asset(record.asset);
  Balance& owed = asset.operators.refunds;
  Balance& transit = asset.operators.out_transit;
  const auto move = [&](Phase phase, Balance& debit, Balance& credit) {
    transaction.debit(debit, phase, record.amount);
    transaction.credit(credit, phase, record.amount);
  };
  for (Stage at = from; at < to;) {
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) + 1);
    if (at == Stage::reserved) move(Phase::pending, owed, transit);
    if (at == Stage::posted) {
      move(Phase::pending, transit, owed);
      move(Phase::posted, owed, transit);
    }
    if (at == Stage::cash) move(Phase::posted, transit, asset.operators.cash);
  }
  for (Stage at = from; at > to;) {
    if (at == Stage::cash) move(Phase::posted, asset.operators.cash, transit);
    if (at == Stage::posted) {
      move(Phase::posted, transit, owed);
      move(Phase::pending, owed, transit);
    }
    if (at == Stage::reserved) move(Phase::pending, transit, owed);
    at = static_cast<Stage>(static_cast<std::uint8_t>(at) - 1);
  }
  transaction.commit();
  touch_operators(asset);
}

// After a step that ends it: done, or the amount is the payer's credit again.
void StateMachine::State::end_refund(const SettlementRecord& record) {
  if (record.state == SettlementState::final) return change_refunds(record.statement, Amount{}, true, -1);
  AssetRecord& asset = *find_asset(record.asset);
  TallyRecord& owner = *find_tally(record.payer, record.asset);
  if (!owner.extra) owner.extra = std::make_unique<TallyExtra>();
  transaction.debit(asset.operators.refunds, Phase::posted, record.amount);
  transaction.credit(owner.extra->credit, Phase::posted, record.amount);
  transaction.commit();
  touch(owner);
  touch_operators(asset);
  change_refunds(record.statement, record.amount, false, -1);
}

StateMachine::ReplayRecord StateMachine::State::replay_record(const SettlementPlanned& entry) {
  const Settlement& planned = entry.settlement;
  return replay_record(Referenced::refund, planned.payer, planned.asset, planned.operator_reference, planned.id.value,
                       asked_content(planned.statement, planned.amount, planned.detail));
}

CommandResult StateMachine::State::plan_refund(const RefundPayer& command, SettlementPlanned& entry,
                                               ReplayIndex& replay, SegmentBuilder& out) {
  Settlement& settlement = entry.settlement;
  const std::string statement = "statement " + std::to_string(command.statement.value);
  RefundSource source = refund_source(command.statement);
  const ClosedStatement* recalled = source.found ? nullptr : usable(command.closed, command.statement);
  if (recalled != nullptr) source = refund_source(*recalled);
  if (!source.found || source.payer != settlement.payer || source.asset != command.asset) {
    const bool exists = command.statement.valid() && command.statement.value <= head.statements;
    return refuse(Status::not_found,
                  exists ? statement + " is not of this payer and asset" : "there is no " + statement);
  }
  if (std::string wrong = check_refund(source, command.amount); !wrong.empty()) {
    return refuse(Status::wrong_state, statement + ": " + std::move(wrong));
  }
  const Amount unit = find_asset(command.asset)->rounding_unit;
  if (command.amount.units() % unit.units() != 0) {
    return refuse(Status::value_invalid, "amount: the rails move multiples of " + unit.to_units_string() + " units");
  }
  const TallyRecord* owner = find_tally(settlement.payer, command.asset);
  const u128 credit = owner == nullptr ? 0 : owner->credit_units();
  if (command.amount.units() > credit) {
    return refuse(Status::value_invalid, "amount: the payer's credit is " + base::to_string(static_cast<i128>(credit)) +
                                             "; credit the statement first");
  }
  settlement.id = SettlementId(head.settlements + 1);
  settlement.rail = source.rail;
  settlement.next_action = out.time();
  settlement.created = out.time();
  if (recalled != nullptr) commit(StatementRecalled{*recalled}, out);
  commit(entry, out);
  const ReplayRecord record = replay_record(entry);
  replay.insert(record.key, record.hit);
  return changed(head.last_sequence, settlement.id.value);
}

CommandResult StateMachine::State::decide_refund(const RefundPayer& command, ReplayIndex& replay, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(command.payer));
  if (find_asset(command.asset) == nullptr) {
    return refuse(Status::asset_unknown, "there is no asset " + std::to_string(command.asset.value));
  }
  if (command.amount.is_zero()) return refuse(Status::value_invalid, "amount: it is zero");
  if (std::string wrong = check_text("reason", command.reason, kDetailBytesMax); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (std::string wrong = check_reference(command.reference); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  SettlementPlanned entry;
  Settlement& settlement = entry.settlement;
  settlement.kind = SettlementKind::refund;
  settlement.payer = payer;
  settlement.statement = command.statement;
  settlement.asset = command.asset;
  settlement.amount = command.amount;
  settlement.detail = command.reason;
  settlement.operator_reference = command.reference;
  if (auto first = first_result("settlement", replay_record(entry), replay)) return std::move(*first);
  return plan_refund(command, entry, replay, out);
}

}  // namespace ledger::core
