// Credit notes: what is due on a statement falls, or what was paid becomes the payer's credit; the payees give their
// part back, in proportion, and the tax with it.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

std::string statement_name(StatementId id) { return "statement " + std::to_string(id.value); }

// The operator's fee on what is left of a share, when its fee on `was` was `fee`.
Amount fee_on(Amount fee, Amount was, Amount now) {
  if (now >= was) return fee;
  const std::array<Amount, 2> weights = {now, base::subtract_checked(was, now)};
  return aggregator::split_largest_remainder(fee, weights)[0];
}

}  // namespace

StateMachine::State::NoteTarget StateMachine::State::note_target(StatementId id) {
  NoteTarget target;
  SettlementRecord* record = find_collection(id, target.collection_id);
  if (record != nullptr && !record->finished) {
    const BillExtra& bill = record->bill();
    target.collection = record;
    target.payer = record->payer;
    target.asset = record->asset;
    target.plan = record->plan;
    target.net = record->net;
    target.tax = bill.tax;
    target.credited = bill.credited;
    if (can_change_amount(record->state)) target.due = record->amount;
    target.blocked = stage_of(record->state) == Stage::reserved;
    return target;
  }
  const auto closed = closed_statements.find(id.value);
  if (closed != closed_statements.end()) return note_target(closed->second);
  return target;
}

StateMachine::State::NoteTarget StateMachine::State::note_target(const ClosedStatement& closed) {
  NoteTarget target;
  target.closed = &closed;
  target.payer = closed.payer;
  target.asset = closed.asset;
  target.plan = closed.plan;
  target.net = closed.net;
  target.tax = closed.tax;
  target.credited = closed.mark.credited;
  target.blocked = closed.mark.state == StatementState::written_off;
  return target;
}

CreditNote StateMachine::State::plan_note(const NoteTarget& target, const CreditNote& asked, Time time) const {
  CreditNote note = asked;
  note.id = CreditNoteId(head.credit_notes + 1);
  PlanId plan = target.plan;
  if (!note.statement.valid()) {
    plan = plan_of(note.payer, note.asset);
    note.net = note.amount;
    note.tax = note.reduced_due = Amount{};
    note.credited = note.amount;
  } else {
    const Amount after = base::add_checked(target.credited, note.amount);
    note.tax =
        base::subtract_checked(tax_in(after, target.net, target.tax), tax_in(target.credited, target.net, target.tax));
    note.net = base::subtract_checked(note.amount, note.tax);
    note.reduced_due = std::min(note.amount, target.due);
    note.credited = base::subtract_checked(note.amount, note.reduced_due);
  }
  note.series = plan.valid() ? find_plan(plan)->plan.credit_note_series : *SeriesName::parse(kCreditNoteSeries);
  note.number = next_number(note.series);
  note.time = time;
  return note;
}

// What a note takes from the payees: of a share that was not released yet, from what they will get; otherwise from what
// they got, less the operator's fee on it.
void StateMachine::State::credit_shares(AssetRecord& asset, std::span<const aggregator::PayeeShare> shares,
                                        std::span<const Amount> before, std::span<const Amount> after,
                                        std::vector<ShareRelease>* releases, std::vector<Amount>* fees) {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    PayeeBalanceRecord& owner = payee_balance(shares[i].payee, asset.asset.id);
    ShareRelease* released =
        releases == nullptr || releases->empty() || !(*releases)[i].done ? nullptr : &(*releases)[i];
    Amount* fee = fees != nullptr ? &(*fees)[i] : released != nullptr ? &released->fee : nullptr;
    if (fee == nullptr) {
      // A part of a larger note may be one unit smaller: largest remainders are not monotonous.
      transaction.debit(owner.balance.accrued, Phase::posted, after[i]);
      transaction.credit(owner.balance.accrued, Phase::posted, before[i]);
      touch(owner);
      continue;
    }
    const Amount was = base::subtract_checked(shares[i].amount, before[i]);
    const Amount now = base::subtract_checked(shares[i].amount, after[i]);
    const Amount fee_now = fee_on(*fee, was, now);
    const Amount fee_less = base::subtract_checked(*fee, fee_now);
    transaction.debit(asset.operators.revenue, Phase::posted, fee_less);
    owner.balance.fees = base::subtract_checked(owner.balance.fees, fee_less);
    const Amount had = base::subtract_checked(was, *fee);
    const Amount has = base::subtract_checked(now, fee_now);
    if (had >= has) {
      take_from_payee(owner.balance, base::subtract_checked(had, has), released ? &released->reserve : nullptr);
    } else {
      give_to_payee(owner.balance, base::subtract_checked(has, had));
    }
    *fee = fee_now;
    touch(owner);
    review_payout(*find_payee(shares[i].payee), owner.balance);
  }
}

void StateMachine::State::book_note(const NoteTarget& target, const CreditNote& note) {
  AssetRecord& asset = *find_asset(note.asset);
  TallyRecord& owner = tally(note.payer, note.asset);
  if (!note.credited.is_zero() && !owner.extra) owner.extra = std::make_unique<TallyExtra>();
  if (!note.statement.valid()) {
    asset.operators.volume = base::add_checked(asset.operators.volume, note.amount);
    transaction.debit(asset.operators.revenue, Phase::posted, note.amount);
  } else {
    const Amount after = base::add_checked(target.credited, note.amount);
    const auto net_of = [&](Amount credited) {
      return base::subtract_checked(credited, tax_in(credited, target.net, target.tax));
    };
    SettlementRecord* record = target.collection;
    ClosedStatement* closed = record != nullptr ? nullptr : &closed_statements.at(note.statement.value);
    const std::vector<aggregator::PayeeShare> shares = record != nullptr ? record->share_list() : closed->shares;
    credit_shares(asset, shares, credited_shares(shares, net_of(target.credited)),
                  credited_shares(shares, net_of(after)), record != nullptr ? &record->more_bill().releases : nullptr,
                  closed != nullptr ? &closed->mark.fees : nullptr);
    transaction.debit(asset.operators.tax, Phase::posted, note.tax);
    transaction.credit(owner.receivable, Phase::posted, note.reduced_due);
  }
  if (!note.credited.is_zero()) transaction.credit(owner.extra->credit, Phase::posted, note.credited);
  transaction.commit();
  touch(owner);
  touch_operators(asset);
}

Outcome StateMachine::State::apply(const CreditNoted& entry, const At& at) {
  const CreditNote& note = entry.note;
  if (find_payer(note.payer) == nullptr) return mismatch("the payer is unknown");
  AssetRecord* asset = find_asset(note.asset);
  if (asset == nullptr) return mismatch("the asset is unknown");
  NoteTarget target;
  if (note.statement.valid()) {
    target = note_target(note.statement);
    if (!target.found() || target.payer != note.payer || target.asset != note.asset) {
      return mismatch(statement_name(note.statement) + " is not one of this payer and asset that can be credited");
    }
    if (target.blocked) return mismatch("the statement's collection is under way, or it is written off");
    if (note.amount > target.creditable()) return mismatch("the credit note is above what was billed");
  } else if (is_suspense_full(note.asset, note.amount)) {
    return mismatch("the asset's volume overflows");
  }
  const CreditNote expected = plan_note(target, note, at.time);
  if (note != expected) {
    return mismatch("the note is " + document_number(note.series, note.number) + " over " + note.net.to_units_string() +
                    " and " + note.tax.to_units_string() + " tax in the journal, " +
                    document_number(expected.series, expected.number) + " over " + expected.net.to_units_string() +
                    " and " + expected.tax.to_units_string() + " by its statement");
  }
  book_note(target, note);
  CreditNote row = note;
  row.noted_by = at.sequence;
  new_rows.push_back({row_key(Table::credit_note, note.id.value), encode_row(row)});
  new_rows.push_back({row_key(Table::credit_note_by_payer, note.payer.value, note.id.value), {}});
  if (note.statement.valid()) {
    new_rows.push_back({row_key(Table::credit_note_by_statement, note.statement.value, note.id.value), {}});
  }
  take_number(note.series);
  ++head.credit_notes;
  head_dirty = true;
  if (target.collection != nullptr) {
    credit_collection(*target.collection, target.collection_id, note);
  } else if (note.statement.valid()) {
    ClosedStatement& closed = closed_statements.at(note.statement.value);
    closed.mark.credited = base::add_checked(closed.mark.credited, note.amount);
    closed.mark.credited_paid = base::add_checked(closed.mark.credited_paid, note.credited);
    touch_closed(closed.statement);
  }
  return {};
}

void StateMachine::State::credit_collection(SettlementRecord& record, SettlementId id, const CreditNote& note) {
  BillExtra& bill = record.more_bill();
  bill.credited = base::add_checked(bill.credited, note.amount);
  bill.credited_paid = base::add_checked(bill.credited_paid, note.credited);
  record.amount = base::subtract_checked(record.amount, note.reduced_due);
  touch_mark(record, id);
  if (!record.amount.is_zero()) return;
  record.statement_state = StatementState::credited;
  clear_collection(record, id);
}

// Nothing is left to collect, and nothing is under way.
void StateMachine::State::clear_collection(SettlementRecord& record, SettlementId id) {
  record.state = SettlementState::cancelled;
  release_statement(record);
  mark_overdue(record, false);
  touch_mark(record, id);
  finish(record, id);
}

Outcome StateMachine::State::apply(const StatementRecalled& entry, const At&) {
  const ClosedStatement& closed = entry.statement;
  if (find_payer(closed.payer) == nullptr || find_asset(closed.asset) == nullptr || find_plan(closed.plan) == nullptr) {
    return mismatch("payer, asset or plan is unknown");
  }
  if (!closed.statement.valid() || closed.statement.value > head.statements)
    return mismatch("there is no such statement");
  SettlementId id;
  const SettlementRecord* record = find_collection(closed.statement, id);
  if (record != nullptr && !record->finished) return mismatch("the statement is not closed");
  if (closed.mark.fees.size() != closed.shares.size()) return mismatch("its shares were not released");
  for (const aggregator::PayeeShare& share : closed.shares) {
    if (find_payee(share.payee) == nullptr) return mismatch("a payee is unknown");
  }
  const auto present = closed_statements.find(closed.statement.value);
  if (present != closed_statements.end() && present->second != closed) {
    return mismatch("the statement has other figures than the journal says");
  }
  closed_statements[closed.statement.value] = closed;
  touch_closed(closed.statement);
  return {};
}

void StateMachine::State::touch_closed(StatementId id) {
  ++changes;
  dirty_closed.insert(id.value);
}

// ---- decisions ----

bool StateMachine::State::keeps_closed(StatementId id) const {
  return closed_statements.find(id.value) != closed_statements.end();
}

const ClosedStatement* StateMachine::State::usable(const std::optional<ClosedStatement>& given, StatementId id) {
  const bool fits = given && given->statement == id && given->mark.fees.size() == given->shares.size();
  return fits ? &*given : nullptr;
}

StateMachine::ReplayRecord StateMachine::State::replay_record(const CreditNoted& entry) {
  const CreditNote& note = entry.note;
  return replay_record(Referenced::credit_note, note.payer, note.asset, note.reference, note.id.value,
                       asked_content(note.statement, note.amount, note.reason));
}

CommandResult StateMachine::State::make_note(const NoteTarget& target, const CreditNote& asked, ReplayIndex& replay,
                                             SegmentBuilder& out) {
  const CreditNoted entry{plan_note(target, asked, out.time())};
  commit(entry, out);
  const ReplayRecord record = replay_record(entry);
  replay.insert(record.key, record.hit);
  return changed(head.last_sequence, entry.note.id.value);
}

CommandResult StateMachine::State::credit_statement(const CreateCreditNote& command, const CreditNote& asked,
                                                    ReplayIndex& replay, SegmentBuilder& out) {
  const std::string statement = statement_name(command.statement);
  NoteTarget target = note_target(command.statement);
  const ClosedStatement* recalled = target.found() ? nullptr : usable(command.closed, command.statement);
  if (recalled != nullptr) target = note_target(*recalled);
  if (!target.found() || target.payer != asked.payer || target.asset != command.asset) {
    return refuse(Status::not_found, command.statement.value > head.statements
                                         ? "there is no " + statement
                                         : statement + " is not of this payer and asset");
  }
  if (target.blocked) {
    return refuse(Status::wrong_state,
                  target.collection == nullptr
                      ? statement + " is written off"
                      : "the collection of " + statement + " is " + std::string(name(target.collection->state)) +
                            "; it can be credited before it is sent, after it failed or when it is confirmed");
  }
  if (command.amount > target.creditable()) {
    return refuse(Status::value_invalid,
                  "amount: " + target.creditable().to_units_string() + " of " + statement + " can still be credited");
  }
  const Amount unit = find_asset(command.asset)->rounding_unit;
  if (command.amount.units() % unit.units() != 0) {
    return refuse(Status::value_invalid, "amount: the rails move multiples of " + unit.to_units_string() + " units");
  }
  const bool cleared = target.collection != nullptr && command.amount >= target.due && !target.due.is_zero();
  if (recalled != nullptr) commit(StatementRecalled{*recalled}, out);
  CommandResult result = make_note(target, asked, replay, out);
  if (cleared) lift_suspension(asked.payer, statement + " is cleared by a credit note", out);
  result.sequence = head.last_sequence;
  return result;
}

CommandResult StateMachine::State::decide_note(const CreateCreditNote& command, ReplayIndex& replay,
                                               SegmentBuilder& out) {
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
  CreditNote asked;
  asked.payer = payer;
  asked.asset = command.asset;
  asked.statement = command.statement;
  asked.amount = command.amount;
  asked.reason = command.reason;
  asked.reference = command.reference;
  if (auto first = first_result("credit note", replay_record(CreditNoted{asked}), replay)) return std::move(*first);
  if (command.statement.valid()) return credit_statement(command, asked, replay, out);
  if (is_suspense_full(command.asset, command.amount)) {
    return refuse(Status::amount_overflow, "amount: it is more than can be represented");
  }
  return make_note({}, asked, replay, out);
}

}  // namespace ledger::core
