// Tax, credit notes, refunds, payments that came by themselves, and the release of payees' shares, in the model.

#include "base/limits.h"
#include "tests/sim/model.h"

namespace sim {
namespace {

// The larger remainder gets the odd unit; the first of two equal ones.
Money second_part(Money total, Money first, Money second) {
  const Shares parts = split(total, {{0, first}, {1, second}});
  return parts.contains(1) ? parts.at(1) : 0;
}

Money first_part(Money total, Money first, Money second) { return total - second_part(total, first, second); }

Money share_of(const Shares& shares, std::uint32_t payee) { return shares.contains(payee) ? shares.at(payee) : 0; }

}  // namespace

// Half a rail unit is rounded up.
Money Model::tax_on(const AccountKey& key, Money net) const {
  const Money unit = rail_unit(assets.at(key.second));
  const Money scaled = net / unit * payers.at(key.first).tax.rate_ppm;
  return (scaled + 500'000) / 1'000'000 * unit;
}

Money Model::due_tax(Time now, const AccountKey& key) const {
  const auto at = accounts.find(key);
  if (at == accounts.end() || !at->second.open || now < at->second.window.end) return 0;
  return tax_on(key, billable(key));
}

Money Model::credited_net(const ModelStatement& statement, Money credited) const {
  return first_part(credited, statement.net, statement.tax);
}

// ---- what payees get ----

// What payees earned with a statement becomes theirs, less the operator's fee; what was released before is complete.
void Model::release(ModelStatement& statement) {
  const Shares credited = split(credited_net(statement, statement.credited), statement.shares);
  for (const auto& [payee, share] : statement.shares) {
    ModelEarnings& earning = earnings[{payee, statement.account.second}];
    ModelRelease& part = statement.releases[payee];
    if (part.done) {
      earning.payable += part.reserve;
      part.reserve = 0;
      continue;
    }
    const Money gross = share - share_of(credited, payee);
    part.fee = gross * payees.at(payee).fee_basis_points / 10'000;
    part.done = true;
    earning.payable += gross - part.fee;
    earning.fees += part.fee;
  }
  statement.closed = true;
}

void Model::plan_release(Time now, ModelSettlement& settlement) {
  ModelStatement& statement = statements.at(settlement.statement);
  if (!statement.releases.empty()) return;  // a dispute that was won
  for (const auto& [payee, share] : statement.shares) {
    for (const core::ReleaseRule& rule : terms(payee).release) {
      if (rule.rail.view() == settlement.rail)
        statement.releases[payee] = {Time{now.us + rule.hold_s * 1'000'000}, rule.reserve_bp};
    }
  }
}

core::ReleaseDefaults Model::terms(std::uint32_t payee) const {
  const core::Payee& one = payees.at(payee);
  return one.own_terms ? core::ReleaseDefaults{one.release, one.payout_every} : release_defaults;
}

bool Model::is_release_due(Time now, std::uint64_t settlement) const {
  const auto at = settlements.find(settlement);
  if (at == settlements.end() || at->second.kind != SettlementKind::collection) return false;
  if (at->second.state != SettlementState::settled) return false;
  const ModelStatement& statement = statements.at(at->second.statement);
  return std::any_of(statement.releases.begin(), statement.releases.end(), [&](const auto& one) {
    return !one.second.done && one.second.due.us != 0 && one.second.due <= now;
  });
}

bool Model::release_due(Time now, std::uint64_t settlement) {
  if (!is_release_due(now, settlement)) return false;
  ModelStatement& statement = statements.at(settlements.at(settlement).statement);
  const Shares credited = split(credited_net(statement, statement.credited), statement.shares);
  for (auto& [payee, part] : statement.releases) {
    if (part.done || part.due.us == 0 || part.due > now) continue;
    ModelEarnings& earning = earnings[{payee, statement.account.second}];
    const Money gross = statement.shares.at(payee) - share_of(credited, payee);
    part.done = true;
    part.fee = gross * payees.at(payee).fee_basis_points / 10'000;
    const Money net = gross - part.fee;
    part.reserve = net - net * (10'000 - part.reserve_bp) / 10'000;
    earning.payable += net - part.reserve;
    earning.fees += part.fee;
  }
  return true;
}

// It came back: payees owe what they got.
void Model::take_back(ModelSettlement& settlement) {
  ModelStatement& statement = statements.at(settlement.statement);
  const Shares credited = split(credited_net(statement, statement.credited), statement.shares);
  for (const auto& [payee, part] : statement.releases) {
    if (!part.done) continue;
    ModelEarnings& earning = earnings[{payee, statement.account.second}];
    const Money gross = statement.shares.at(payee) - share_of(credited, payee);
    earning.payable -= gross - part.fee - part.reserve;
    earning.fees -= part.fee;
  }
  statement.releases.clear();
  ModelAccount& account = accounts.at(statement.account);
  account.credit -= std::min(account.credit, settlement.surplus);
  settlement.surplus = 0;
}

// ---- credit notes ----

Status Model::run(Time, const core::CreateCreditNote& command) {
  const AccountKey account{find_address(payers, command.payer)->first, command.asset.value};
  const Money amount = money(command.amount);
  if (amount == 0 || command.reference.empty()) return Status::value_invalid;
  const Asked asked{command.statement.value, amount, command.reason};
  const Reference reference{account, command.reference};
  if (const auto first = notes.find(reference); first != notes.end())
    return first->second == asked ? Status::already_accepted : Status::reference_conflict;
  if (!command.statement.valid()) {
    notes[reference] = asked;
    accounts[account].credit += amount;
    const core::Plan* plan = plan_of(account);
    ++series[plan == nullptr ? "CN" : std::string(plan->credit_note_series.view())];
    return Status::ok;
  }
  const auto at = statements.find(command.statement.value);
  if (at == statements.end() || at->second.account != account) return Status::not_found;
  ModelStatement& statement = at->second;
  ModelSettlement* collection = statement.settlement == 0 ? nullptr : &settlements.at(statement.settlement);
  const bool under_way = collection != nullptr && stage(collection->state) == 1;
  if (under_way || statement.state == StatementState::written_off) return Status::wrong_state;
  if (amount > statement.net + statement.tax - statement.credited) return Status::value_invalid;
  if (amount != whole_rail_units(amount, assets.at(account.second))) return Status::value_invalid;

  notes[reference] = asked;
  const bool open = statement.state == StatementState::open;
  const Money reduced = open ? std::min(amount, collection->amount) : 0;
  const Shares before = split(credited_net(statement, statement.credited), statement.shares);
  statement.credited += amount;
  statement.credited_paid += amount - reduced;
  const Shares after = split(credited_net(statement, statement.credited), statement.shares);
  for (auto& [payee, part] : statement.releases) {
    if (!part.done) continue;
    const Money was = statement.shares.at(payee) - share_of(before, payee);
    const Money now = statement.shares.at(payee) - share_of(after, payee);
    const Money fee = now >= was ? part.fee : first_part(part.fee, now, was - now);
    ModelEarnings& earning = earnings.at({payee, account.second});
    earning.fees -= part.fee - fee;
    Money less = (was - part.fee) - (now - fee);
    const Money of_reserve = std::clamp<Money>(less, 0, part.reserve);
    part.reserve -= of_reserve;
    earning.payable -= less - of_reserve;
    part.fee = fee;
  }
  accounts[account].credit += amount - reduced;
  ++series[std::string(plans.at(statement.plan).credit_note_series.view())];
  if (!open) return Status::ok;
  collection->amount -= reduced;
  if (collection->amount != 0) return Status::ok;
  statement.state = StatementState::credited;
  clear(statement);
  return Status::ok;
}

// Nothing is left to collect.
void Model::clear(ModelStatement& statement) {
  ModelSettlement& collection = settlements.at(statement.settlement);
  collection.state = SettlementState::cancelled;
  clear_overdue(collection);
  release(statement);
}

// ---- refunds ----

Status Model::run(Time now, const core::RefundPayer& command) {
  const AccountKey account{find_address(payers, command.payer)->first, command.asset.value};
  const Money amount = money(command.amount);
  if (amount == 0 || command.reference.empty()) return Status::value_invalid;
  const Asked asked{command.statement.value, amount, command.reason};
  const Reference reference{account, command.reference};
  if (const auto first = refunds.find(reference); first != refunds.end())
    return first->second == asked ? Status::already_accepted : Status::reference_conflict;
  const auto at = statements.find(command.statement.value);
  if (at == statements.end() || at->second.account != account) return Status::not_found;
  ModelStatement& statement = at->second;
  if (statement.settlement == 0) return Status::wrong_state;
  const ModelSettlement& collection = settlements.at(statement.settlement);
  const int far = stage(collection.state);
  const Money collected = far < 2 ? 0 : collection.amount + (far == 4 ? 0 : collection.surplus);
  if (collection.state == SettlementState::disputed || amount > collected - statement.refunded)
    return Status::wrong_state;
  if (amount != whole_rail_units(amount, assets.at(account.second))) return Status::value_invalid;
  if (amount > accounts[account].credit) return Status::value_invalid;
  refunds[reference] = asked;
  accounts[account].credit -= amount;
  statement.refunded += amount;
  const std::string rail = collection.rail;
  ModelSettlement& refund = settlements[settlements.size() + 1];
  refund = {SettlementKind::refund, account, command.statement.value, amount, 0, now};
  refund.rail = rail;
  return Status::ok;
}

// To be sent now.
Status Model::check_refund(const ModelSettlement& settlement) const {
  if (settlement.kind != SettlementKind::refund) return Status::ok;
  const ModelStatement& statement = statements.at(settlement.statement);
  const ModelSettlement& collection = settlements.at(statement.settlement);
  if (collection.state == SettlementState::disputed) return Status::wrong_state;
  const int far = stage(collection.state);
  if (far == 4) return Status::ok;
  const Money collected = far < 2 ? 0 : collection.amount + collection.surplus;
  return collected == 0 || statement.refunded > collected ? Status::value_invalid : Status::ok;
}

// ---- payments ----

Status Model::run(Time, const core::RecordPayment& command) {
  const AccountKey account{find_address(payers, command.payer)->first, command.asset.value};
  if (command.amount.is_zero() || command.reference.empty()) return Status::value_invalid;
  if (command.statement.value > statements.size()) return Status::not_found;
  std::vector<core::StatementId> list = command.oldest_first;
  if (command.statement.valid()) list = {command.statement};
  return pay(account, money(command.amount), command.reference, list);
}

Status Model::pay(const AccountKey& account, Money amount, const std::string& reference,
                  const std::vector<core::StatementId>& list) {
  const auto [at, is_new] = payments.try_emplace({account, reference}, amount);
  if (!is_new) return at->second == amount ? Status::already_accepted : Status::reference_conflict;
  for (const core::StatementId id : list) {
    const auto found = statements.find(id.value);
    if (found == statements.end() || found->second.account != account) continue;
    ModelStatement& statement = found->second;
    if (statement.state != StatementState::open) continue;
    ModelSettlement& collection = settlements.at(statement.settlement);
    if (stage(collection.state) != 0) continue;
    const Money part =
        amount >= collection.amount ? collection.amount : whole_rail_units(amount, assets.at(account.second));
    amount -= part;
    collection.amount -= part;
    statement.paid += part;
    if (collection.amount != 0 || part == 0) continue;
    statement.state = StatementState::paid;
    clear(statement);
  }
  accounts[account].credit += amount;
  lift(account.first);
  return Status::ok;
}

// Said with a step that confirms: less or more than was asked for. True if it was less, and the rest is due again.
bool Model::take_moved(Time now, std::uint64_t id, const core::StepSettlement& step) {
  ModelSettlement& settlement = settlements.at(id);
  if (!step.moved || money(*step.moved) == settlement.amount) return false;
  const Money moved = money(*step.moved);
  const bool more = moved > settlement.amount;
  const bool was_cash = stage(settlement.state) >= 3 && !(more && settlement.state == SettlementState::disputed);
  if (was_cash || settlement.surplus != 0 || (more && stage(step.to) < 3)) return false;
  ModelStatement& statement = statements.at(settlement.statement);
  if (moved > settlement.amount) {
    settlement.surplus = moved - settlement.amount;
    accounts.at(statement.account).credit += settlement.surplus;
    return false;
  }
  settlement.amount -= moved;
  statement.paid += moved;
  core::StepSettlement failed = step;
  failed.failure = FailureClass::insufficient_funds;
  fail(now, id, failed);
  return true;
}

Status Model::check_moved(const ModelSettlement& settlement, const core::StepSettlement& step) {
  if (!step.moved) return Status::ok;
  const bool fits = settlement.kind == SettlementKind::collection && stage(step.to) >= 2 &&
                    step.to != SettlementState::disputed && !step.moved->is_zero();
  return fits ? Status::ok : Status::value_invalid;
}

}  // namespace sim
