// Windows, statements and write-offs: effects, and the decisions to open and close.

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

// "root is 0x.. in the journal, 0x.. by its entries".
template <typename T>
Outcome compare(std::string_view what, const T& stored, const T& computed, std::string stored_text,
                std::string computed_text) {
  if (stored == computed) return {};
  return mismatch(std::string(what) + " is " + std::move(stored_text) + " in the journal, " + std::move(computed_text) +
                  " by its entries");
}
Outcome compare(std::string_view what, std::uint64_t stored, std::uint64_t computed) {
  return compare(what, stored, computed, number(stored), number(computed));
}
Outcome compare(std::string_view what, Amount stored, Amount computed) {
  return compare(what, stored, computed, stored.to_units_string(), computed.to_units_string());
}

// Windows that are dropped from the list of due ones at a time: enough to keep up, too few to be felt.
constexpr std::size_t kStaleWindowsMax = 1024;

Amount rounded_down(Amount amount, Amount unit) {
  return *Amount::from_units(amount.units() - amount.units() % unit.units());
}

}  // namespace

// ---- windows ----

void StateMachine::State::list_window(TallyRecord& record) {
  if (!record.window_open() || record.due_listed == record.window.end) return;
  windows_due[record.window.end].tallies.push_back(record.number);
  record.due_listed = record.window.end;
}

bool StateMachine::State::drop_closed_windows() {
  for (std::size_t budget = kStaleWindowsMax; budget > 0 && !windows_due.empty(); --budget) {
    const auto first = windows_due.begin();
    DueWindows& due = first->second;
    TallyRecord& record = tallies[due.tallies[due.next] - 1];
    if (record.window.end == first->first) return true;
    if (record.due_listed == first->first) record.due_listed = Time{};
    if (++due.next == due.tallies.size()) windows_due.erase(first);
  }
  return !windows_due.empty();
}

Outcome StateMachine::State::apply(const WindowOpened& entry, const At& at) {
  if (find_payer(entry.payer) == nullptr) return mismatch("the payer is unknown");
  const PlanRecord* plan = find_plan(entry.plan);
  if (plan == nullptr || plan->plan.asset != entry.asset) return mismatch("the plan is unknown or of another asset");
  if (at.time < entry.bounds.start || at.time >= entry.bounds.end) {
    return mismatch("the window does not contain the time at which it opens");
  }
  const TallyRecord* present = find_tally(entry.payer, entry.asset);
  if (present != nullptr && present->window_open()) return mismatch("the payer's window is open");
  RETURN_IF_ERROR(compare("the window's number", entry.number, present == nullptr ? 1 : present->window_number + 1));

  TallyRecord& record = tally(entry.payer, entry.asset);
  record.plan = entry.plan;
  record.window = entry.bounds;
  record.window_number = entry.number;
  ++open_windows;
  list_window(record);
  touch(record);
  return {};
}

bool StateMachine::State::billable(const TallyRecord& record) const {
  const PlanRecord* plan = find_plan(record.plan);
  const AssetRecord* asset = find_asset(record.asset);
  CHECK(plan != nullptr && asset != nullptr);
  const u128 total = record.unbilled_units();
  return total >= asset->rounding_unit.units() && total >= plan->plan.minimum.units();
}

Closing StateMachine::State::close_now(const TallyRecord& record, Time time) const {
  static const std::vector<aggregator::PayeeShare> kNothing;
  Closing closing;
  if (record.charges) {
    closing.entries = record.charges->entries.size();
    closing.root = record.charges->entries.root();
  } else {
    closing.root = crypto::MerkleFrontier{}.root();
  }
  closing.statement = billable(record);
  if (!closing.statement) {
    closing.bill.total = *Amount::from_units(record.unbilled_units());
    return closing;
  }
  const AssetRecord& asset = *find_asset(record.asset);
  const std::span<const aggregator::Line> lines = record.charges
                                                      ? std::span<const aggregator::Line>(record.charges->lines.lines())
                                                      : std::span<const aggregator::Line>();
  closing.bill =
      aggregator::make_bill(lines, record.carried_in ? *record.carried_in : kNothing, asset.rounding_unit.units());
  invariants::StatementAddsUp::check(closing.bill);
  const Plan& plan = find_plan(record.plan)->plan;
  closing.tax_terms = tax_of(record.payer);
  closing.tax = tax_on(closing.bill.billed, closing.tax_terms.rate_ppm, asset.rounding_unit);
  closing.invoice = next_number(plan.series);
  const Amount credit = *Amount::from_units(record.credit_units());
  closing.credit_applied = rounded_down(std::min(credit, closing.billed()), asset.rounding_unit);
  closing.due = Time{time.us + plan.terms_s * 1'000'000};
  return closing;
}

Outcome StateMachine::State::apply(const WindowClosed& entry, const At& at) {
  TallyRecord* record = find_tally(entry.payer, entry.asset);
  if (record == nullptr || !record->window_open()) return mismatch("the payer has no open window");
  RETURN_IF_ERROR(compare("the window's number", entry.number, record->window_number));
  if (entry.reason == CloseReason::time && at.time < record->window.end) {
    return mismatch("the window closes before its end");
  }
  const Closing closing = close_now(*record, at.time);
  const bool collects = closing.statement && closing.billed() > closing.credit_applied;
  RETURN_IF_ERROR(compare("the statement", entry.statement.value, closing.statement ? head.statements + 1 : 0));
  RETURN_IF_ERROR(compare("the settlement", entry.settlement.value, collects ? head.settlements + 1 : 0));
  RETURN_IF_ERROR(compare("total", entry.total, closing.bill.total));
  RETURN_IF_ERROR(compare("net", entry.net, closing.bill.billed));
  RETURN_IF_ERROR(compare("tax", entry.tax, closing.tax));
  RETURN_IF_ERROR(compare("the invoice number", entry.invoice, closing.invoice));
  RETURN_IF_ERROR(compare("the number of entries", entry.entries, closing.entries));
  RETURN_IF_ERROR(compare("root", entry.root, closing.root, base::to_hex(entry.root), base::to_hex(closing.root)));
  RETURN_IF_ERROR(compare("due", entry.due.us, closing.due.us));
  perform_close(*record, closing, entry, at);
  return {};
}

void StateMachine::State::perform_close(TallyRecord& record, const Closing& closing, const WindowClosed& entry,
                                        const At& at) {
  if (closing.statement) issue(record, closing, entry, at);
  record.window = {};
  --open_windows;
  touch(record);
  drop_closed_windows();
}

// The books of a closing: usage becomes final, the bill a receivable, prepaid credit pays what it can.
void StateMachine::State::post_window(TallyRecord& record, AssetRecord& asset, const Closing& closing) {
  u128 lines_total = 0;
  if (record.charges) {
    for (const aggregator::Line& line : record.charges->lines.lines()) {
      PayeeBalanceRecord& balance = payee_balance(line.payee, record.asset);
      transaction.post_credit(balance.balance.accrued, line.amount);
      lines_total += line.amount.units();
      touch(balance);
    }
  }
  const u128 carried = record.carried_in ? invariants::StatementAddsUp::sum(*record.carried_in) : 0;
  invariants::WindowAddsUp::check(lines_total, carried, record.unbilled);
  transaction.post_debit(record.unbilled, *Amount::from_units(lines_total));
  transaction.commit();

  transaction.debit(record.receivable, Phase::posted, closing.billed());
  transaction.credit(record.unbilled, Phase::posted, closing.bill.billed);
  transaction.credit(asset.operators.tax, Phase::posted, closing.tax);
  if (!closing.credit_applied.is_zero()) {
    transaction.debit(record.extra->credit, Phase::posted, closing.credit_applied);
    transaction.credit(record.receivable, Phase::posted, closing.credit_applied);
  }
  transaction.commit();
  touch_operators(asset);
}

void StateMachine::State::issue(TallyRecord& record, const Closing& closing, const WindowClosed& entry, const At& at) {
  AssetRecord& asset = *find_asset(record.asset);
  post_window(record, asset, closing);

  Statement statement;
  statement.id = entry.statement;
  statement.payer = record.payer;
  statement.asset = record.asset;
  statement.plan = record.plan;
  statement.window_number = record.window_number;
  statement.window = record.window;
  statement.issued = at.time;
  statement.due = closing.due;
  statement.total = closing.bill.total;
  statement.net = closing.bill.billed;
  statement.tax = closing.tax;
  statement.tax_terms = closing.tax_terms;
  statement.series = find_plan(record.plan)->plan.series;
  statement.number = closing.invoice;
  take_number(statement.series);
  statement.credit_applied = closing.credit_applied;
  if (record.charges) statement.lines = record.charges->lines.lines();
  if (record.carried_in) statement.carried_in = *record.carried_in;
  statement.shares = closing.bill.shares;
  statement.carried_out = closing.bill.carry_out;
  statement.entries = closing.entries;
  statement.root = closing.root;
  statement.closed_by = at.sequence;
  statement.settlement = entry.settlement;
  new_rows.push_back({row_key(Table::statement, statement.id.value), encode_row(statement)});
  new_rows.push_back({row_key(Table::statement_by_payer, record.payer.value, statement.id.value), {}});
  ++head.statements;
  head_dirty = true;

  if (!statement.lines.empty()) {
    cleared_lines.push_back({&record, static_cast<std::uint32_t>(statement.lines.size())});
  }
  record.charges.reset();
  record.carried_in.reset();
  if (!closing.bill.carry_out.empty()) {
    record.carried_in = std::make_unique<std::vector<aggregator::PayeeShare>>(closing.bill.carry_out);
  }

  if (!entry.settlement.valid()) {  // prepaid credit covers it: paid as it is issued
    StatementMark mark;
    mark.state = StatementState::paid;
    mark.fees = release(asset, closing.bill.shares, {}, nullptr);
    new_rows.push_back({row_key(Table::statement_mark, statement.id.value), encode_row(mark)});
    return;
  }
  SettlementRecord& settlement = settlements[entry.settlement.value];
  settlement.kind = SettlementKind::collection;
  settlement.statement = statement.id;
  settlement.payer = record.payer;
  settlement.plan = record.plan;
  settlement.asset = record.asset;
  settlement.amount = base::subtract_checked(statement.billed(), statement.credit_applied);
  settlement.net = statement.net;
  if (!statement.tax.is_zero()) settlement.more_bill().tax = statement.tax;
  settlement.rail = rail_index(find_plan(record.plan)->plan.rails.front());
  settlement.next_action = closing.due;
  settlement.created = at.time;
  settlement.set_shares(statement.shares);
  collections[statement.id.value] = entry.settlement.value;
  new_rows.push_back({row_key(Table::settlement_by_payer, record.payer.value, entry.settlement.value), {}});
  ++head.settlements;
  touch(settlement, entry.settlement);
}

void StateMachine::State::ensure_window(PayerId payer, AssetId asset, SegmentBuilder& out) {
  const Time now = out.time();
  TallyRecord* record = find_tally(payer, asset);
  if (record != nullptr && record->window_open()) {
    if (now < record->window.end) return;
    close_window(*record, CloseReason::time, out);
  }
  WindowOpened opened;
  opened.payer = payer;
  opened.asset = asset;
  opened.plan = plan_of(payer, asset);
  // A hold may be captured after the payer's plan was taken away: the last one still bills it.
  if (!opened.plan.valid()) opened.plan = record->plan;
  opened.number = record == nullptr ? 1 : record->window_number + 1;
  opened.bounds = calendar.window_at(find_plan(opened.plan)->plan.window, now);
  commit(opened, out);
}

void StateMachine::State::close_window(TallyRecord& record, CloseReason reason, SegmentBuilder& out) {
  const Closing closing = close_now(record, out.time());
  WindowClosed entry;
  entry.payer = record.payer;
  entry.asset = record.asset;
  entry.number = record.window_number;
  entry.reason = reason;
  if (closing.statement) entry.statement = StatementId(head.statements + 1);
  entry.total = closing.bill.total;
  entry.net = closing.bill.billed;
  entry.tax = closing.tax;
  entry.invoice = closing.invoice;
  entry.entries = closing.entries;
  entry.root = closing.root;
  entry.due = closing.due;
  if (closing.statement && closing.billed() > closing.credit_applied) {
    entry.settlement = SettlementId(head.settlements + 1);
  }
  // As commit(), with the closing that was just computed.
  const SegmentBuilder::Appended appended = out.append(entry);
  invariants::SequenceStep::check(head.last_sequence, appended.sequence);
  perform_close(record, closing, entry, At{appended.sequence, appended.leaf, out.time()});
  advance(appended.sequence, out.time());
}

u128 StateMachine::State::exposure_at(const TallyRecord* record, Time time) const {
  if (record == nullptr) return 0;
  const bool over = record->window_open() && time >= record->window.end;
  if (!over || !payers[record->payer.value - 1].taxed) return record->exposure();
  return record->exposure() + close_now(*record, time).tax.units();
}

void StateMachine::State::close_at_threshold(PayerId payer, AssetId asset, SegmentBuilder& out) {
  TallyRecord& record = *find_tally(payer, asset);
  const Amount threshold = find_plan(record.plan)->plan.settle_threshold;
  if (threshold.is_zero() || record.unbilled_units() < threshold.units() || !billable(record)) return;
  close_window(record, CloseReason::threshold, out);
}

// ---- write-offs ----

Outcome StateMachine::State::apply(const StatementClosed& entry, const At&) {
  if (entry.state != StatementState::written_off) return mismatch("a statement can only be closed as written off");
  SettlementId id;
  SettlementRecord* settlement = find_collection(entry.id, id);
  if (settlement == nullptr || settlement->finished) {
    return mismatch("statement " + number(entry.id.value) + " is not open");
  }
  if (!can_change_amount(settlement->state)) return mismatch("the statement's collection is under way");
  AssetRecord& asset = *find_asset(settlement->asset);
  TallyRecord& record = *find_tally(settlement->payer, settlement->asset);
  transaction.debit(asset.operators.bad_debt, Phase::posted, settlement->amount);
  transaction.credit(record.receivable, Phase::posted, settlement->amount);
  transaction.commit();
  touch(record);
  touch_operators(asset);
  settlement->statement_state = StatementState::written_off;
  settlement->state = SettlementState::written_off;
  // The operator is the one who gave credit: the loss is its own, and the payees are paid.
  release_statement(*settlement);
  mark_overdue(*settlement, false);
  touch_mark(*settlement, id);
  finish(*settlement, id);
  return {};
}

}  // namespace ledger::core
