// Money that no collection of ours asked for, or not so much of it: payments that came by themselves, collections that
// moved a part or more than they asked for.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

}  // namespace

// ---- payments that came by themselves ----

StateMachine::ReplayRecord StateMachine::State::replay_record(const PaymentRecorded& entry) {
  const Payment& payment = entry.payment;
  Bytes amount;
  base::Encoder(amount).amount(payment.amount);
  base::FixedBytes<16> content;
  std::copy_n(amount.begin(), content.bytes.size(), content.bytes.begin());
  return replay_record(Referenced::payment, payment.payer, payment.asset, payment.reference, payment.id.value, content);
}

// How much of `left` the statement's collection takes: what is due, or as much of it as the rails can move.
Amount StateMachine::State::payable_part(const SettlementRecord& record, Amount left) const {
  if (record.finished || !can_change_amount(record.state)) return Amount{};
  if (left >= record.amount) return record.amount;
  const u128 unit = find_asset(record.asset)->rounding_unit.units();
  return *Amount::from_units(left.units() - left.units() % unit);
}

// Empty if the payment's parts and credit are what this state gives for those statements.
std::string StateMachine::State::check_payment(const Payment& payment) {
  Amount left = payment.amount;
  for (std::size_t i = 0; i < payment.parts.size(); ++i) {
    const Payment::Part& part = payment.parts[i];
    SettlementId id;
    const SettlementRecord* record = find_collection(part.statement, id);
    const bool own = record != nullptr && record->payer == payment.payer && record->asset == payment.asset;
    const bool again = std::any_of(payment.parts.begin(), payment.parts.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const Payment::Part& other) { return other.statement == part.statement; });
    if (!own || again) return "statement " + std::to_string(part.statement.value) + " is not one that it can pay";
    const Amount expected = payable_part(*record, left);
    if (part.amount.is_zero() || part.amount != expected) {
      return "the part of statement " + std::to_string(part.statement.value) + " is " + part.amount.to_units_string() +
             ", " + expected.to_units_string() + " by what is due";
    }
    left = base::subtract_checked(left, part.amount);
  }
  return left == payment.credited ? std::string() : "the rest is " + left.to_units_string();
}

Outcome StateMachine::State::apply(const PaymentRecorded& entry, const At& at) {
  const Payment& payment = entry.payment;
  if (payment.id.value != head.payments + 1) return mismatch("the payment's number is not the next one");
  AssetRecord* asset = find_asset(payment.asset);
  if (find_payer(payment.payer) == nullptr || asset == nullptr) return mismatch("payer or asset is unknown");
  if (payment.amount.is_zero() || payment.time != at.time) return mismatch("the payment's amount or time is wrong");
  if (std::string wrong = check_payment(payment); !wrong.empty()) return mismatch(std::move(wrong));
  if (is_suspense_full(payment.asset, payment.credited)) return mismatch("the asset's volume overflows");

  TallyRecord& owner = tally(payment.payer, payment.asset);
  asset->operators.volume = base::add_checked(asset->operators.volume, payment.credited);
  transaction.debit(asset->operators.cash, Phase::posted, payment.amount);
  transaction.credit(owner.receivable, Phase::posted, base::subtract_checked(payment.amount, payment.credited));
  if (!payment.credited.is_zero()) {
    if (!owner.extra) owner.extra = std::make_unique<TallyExtra>();
    transaction.credit(owner.extra->credit, Phase::posted, payment.credited);
  }
  transaction.commit();
  touch(owner);
  touch_operators(*asset);
  for (const Payment::Part& part : payment.parts) {
    SettlementId id;
    SettlementRecord& record = *find_collection(part.statement, id);
    record.more_bill().paid = base::add_checked(record.bill().paid, part.amount);
    record.amount = base::subtract_checked(record.amount, part.amount);
    touch_mark(record, id);
    if (!record.amount.is_zero()) continue;
    record.statement_state = StatementState::paid;
    clear_collection(record, id);
  }
  new_rows.push_back({row_key(Table::payment, payment.id.value), encode_row(payment)});
  new_rows.push_back({row_key(Table::payment_by_payer, payment.payer.value, payment.id.value), {}});
  ++head.payments;
  head_dirty = true;
  return {};
}

// Amount, payer, asset, reference and times are set; the rest is found out here.
void StateMachine::State::spread_payment(Payment& payment, std::span<const StatementId> statements) {
  Amount left = payment.amount;
  for (const StatementId statement : statements) {
    SettlementId id;
    const SettlementRecord* record = find_collection(statement, id);
    if (record == nullptr || record->payer != payment.payer || record->asset != payment.asset) continue;
    const bool again = std::any_of(payment.parts.begin(), payment.parts.end(),
                                   [&](const Payment::Part& other) { return other.statement == statement; });
    const Amount part = again ? Amount{} : payable_part(*record, left);
    if (part.is_zero()) continue;
    payment.parts.push_back({statement, part});
    left = base::subtract_checked(left, part);
  }
  payment.credited = left;
  payment.id = PaymentId(head.payments + 1);
}

CommandResult StateMachine::State::record_payment(Payment payment, std::span<const StatementId> statements,
                                                  ReplayIndex& replay, SegmentBuilder& out,
                                                  const NoticeResolved* resolved) {
  const ReplayRecord record = replay_record(PaymentRecorded{payment});
  if (std::optional<CommandResult> first = first_result("payment", record, replay)) {
    // A notice is money of its own: it cannot be the payment that is recorded.
    if (resolved != nullptr) first->status = Status::reference_conflict;
    return std::move(*first);
  }
  spread_payment(payment, statements);
  if (is_suspense_full(payment.asset, payment.credited)) {
    return refuse(Status::amount_overflow, "amount: it is more than can be represented");
  }
  const PayerId payer = payment.payer;
  const std::string reason = "payment " + std::to_string(payment.id.value) + " came";
  if (resolved != nullptr) commit(*resolved, out);
  const PaymentRecorded entry{std::move(payment)};
  const ReplayRecord kept = replay_record(entry);
  commit(entry, out);
  replay.insert(kept.key, kept.hit);
  lift_suspension(payer, reason, out);
  return changed(head.last_sequence, head.payments);
}

CommandResult StateMachine::State::decide_payment(const RecordPayment& command, ReplayIndex& replay,
                                                  SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(command.payer));
  if (find_asset(command.asset) == nullptr) {
    return refuse(Status::asset_unknown, "there is no asset " + std::to_string(command.asset.value));
  }
  if (command.amount.is_zero()) return refuse(Status::value_invalid, "amount: it is zero");
  if (std::string wrong = check_reference(command.reference); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (command.oldest_first.size() > base::limits::kPaymentStatementsMax) {
    return refuse(Status::value_invalid, "statements: a payment pays at most " +
                                             std::to_string(base::limits::kPaymentStatementsMax) + " at once");
  }
  if (command.statement.value > head.statements) {
    return refuse(Status::not_found, "there is no statement " + std::to_string(command.statement.value));
  }
  Payment payment;
  payment.payer = payer;
  payment.asset = command.asset;
  payment.amount = command.amount;
  payment.reference = command.reference;
  payment.received = command.received.us == 0 ? out.time() : command.received;
  payment.time = out.time();
  if (command.statement.valid()) {
    return record_payment(std::move(payment), std::span(&command.statement, 1), replay, out, nullptr);
  }
  return record_payment(std::move(payment), command.oldest_first, replay, out, nullptr);
}

// ---- collections that moved another amount ----

// A part has come: it is cash, and what is left is due again.
void StateMachine::State::book_part(SettlementRecord& record, Stage from, Amount moved) {
  book_collection(record, from, Stage::none);
  AssetRecord& asset = *find_asset(record.asset);
  TallyRecord& owner = *find_tally(record.payer, record.asset);
  transaction.debit(asset.operators.cash, Phase::posted, moved);
  transaction.credit(owner.receivable, Phase::posted, moved);
  transaction.commit();
  record.amount = base::subtract_checked(record.amount, moved);
  record.more_bill().paid = base::add_checked(record.bill().paid, moved);
  touch(owner);
  touch_operators(asset);
}

void StateMachine::State::book_surplus(SettlementRecord& record, Amount moved) {
  const Amount surplus = base::subtract_checked(moved, record.amount);
  AssetRecord& asset = *find_asset(record.asset);
  TallyRecord& owner = *find_tally(record.payer, record.asset);
  if (!owner.extra) owner.extra = std::make_unique<TallyExtra>();
  asset.operators.volume = base::add_checked(asset.operators.volume, surplus);
  transaction.debit(asset.operators.cash, Phase::posted, surplus);
  transaction.credit(owner.extra->credit, Phase::posted, surplus);
  transaction.commit();
  record.more_bill().surplus = surplus;
  touch(owner);
  touch_operators(asset);
}

// It came back as a whole. What of the surplus was used meanwhile is the operator's loss.
void StateMachine::State::unbook_surplus(SettlementRecord& record) {
  const Amount surplus = record.bill().surplus;
  if (surplus.is_zero()) return;
  AssetRecord& asset = *find_asset(record.asset);
  TallyRecord& owner = *find_tally(record.payer, record.asset);
  const Amount left = *Amount::from_units(std::min(surplus.units(), owner.credit_units()));
  if (!left.is_zero()) transaction.debit(owner.extra->credit, Phase::posted, left);
  transaction.debit(asset.operators.bad_debt, Phase::posted, base::subtract_checked(surplus, left));
  transaction.credit(asset.operators.cash, Phase::posted, surplus);
  transaction.commit();
  record.more_bill().surplus = Amount{};
  touch(owner);
  touch_operators(asset);
}

// Empty, or why the step cannot have moved that much.
std::string StateMachine::State::check_moved(const SettlementRecord& record, const StepSettlement& command) const {
  if (!command.moved) return {};
  if (record.kind != SettlementKind::collection) return "moved: only a collection moves a part, or more";
  if (stage_of(command.to) < Stage::posted || command.to == SettlementState::disputed) {
    return "moved: it is said with confirmed, settled or final";
  }
  if (command.moved->is_zero()) return "moved: nothing was moved, which is a failure";
  if (*command.moved > record.amount &&
      is_suspense_full(record.asset, base::subtract_checked(*command.moved, record.amount))) {
    return "moved: it is more than can be represented";
  }
  return {};
}

}  // namespace ledger::core
