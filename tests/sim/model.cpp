#include "tests/sim/model.h"

#include "base/limits.h"

namespace sim {

// ---- sums ----

Money Model::held(const AccountKey& account) const {
  Money sum = 0;
  for (const auto& [key, hold] : holds) {
    if (hold.state == HoldState::open && account == AccountKey(key.first, hold.asset)) sum += hold.maximum;
  }
  return sum;
}

Money Model::unbilled(const AccountKey& account) const {
  Money sum = 0;
  if (!accounts.contains(account)) return sum;
  for (const ModelCharge& charge : accounts.at(account).charges) sum += charge.amount;
  for (const auto& [payee, amount] : accounts.at(account).carried) sum += amount;
  return sum;
}

Money Model::billed(const AccountKey& account) const {
  Money sum = 0;
  for (const auto& [id, statement] : statements) {
    if (statement.account == account && statement.state == StatementState::open) sum += statement.due_amount();
  }
  return sum;
}

// The payer's own limit or its plan's, and credit that waits to be used.
Money Model::limit(const AccountKey& key) const {
  const ModelAccount account = accounts.contains(key) ? accounts.at(key) : ModelAccount{};
  const Money own = account.limit_override;
  return (own != 0 ? own : money(plan_of(key)->credit_limit)) + account.credit;
}

Money Model::spent(const ModelMandate& mandate, Time now) const {
  const std::uint64_t start = period_start(mandate.mandate.period, now.seconds());
  Money sum = 0;
  for (const auto& [time, period, amount] : mandate.charges) {
    const bool counts = mandate.mandate.period != tab::Period::total || period == tab::Period::total;
    sum += counts && time.seconds() >= start ? amount : 0;
  }
  return sum;
}

Money Model::mandate_held(const AgentKey& agent) const {
  Money sum = 0;
  for (const auto& [key, hold] : holds) sum += hold.state == HoldState::open && hold.agent == agent ? hold.maximum : 0;
  return sum;
}

const core::Plan* Model::plan_of(const AccountKey& account) const {
  for (const core::PlanId id : payers.at(account.first).plans) {
    if (plans.at(id.value).asset.value == account.second) return &plans.at(id.value);
  }
  return nullptr;
}

// ---- admission: docs/bindings/tab.md, section 7, in its order ----

Status Model::check_agent(Time now, const AgentKey& agent, const Address& payee) const {
  const auto at = mandates.find(agent);
  if (at == mandates.end()) return Status::signer_not_authorised;
  const tab::Mandate& mandate = at->second.mandate;
  if (at->second.revoked) return Status::mandate_revoked;
  if (mandate.valid_before != 0 && now.seconds() >= mandate.valid_before) return Status::mandate_expired;
  if (now.seconds() < mandate.valid_after) return Status::mandate_not_yet_valid;
  const bool listed = std::count(mandate.payees.begin(), mandate.payees.end(), payee) != 0;
  return mandate.payees.empty() || listed ? Status::ok : Status::mandate_payee_not_listed;
}

// What was accepted or finished before; ok: nothing.
Status Model::check_seen(std::uint32_t payer, const tab::Item& item, const ModelTab& tab) const {
  const auto same_or = [&](const std::string& first, Status otherwise) {
    return first == content_of(item) ? Status::already_accepted : otherwise;
  };
  if (item.kind == Kind::voucher) {
    if (item.first_index >= tab.charges) return Status::ok;
    const auto at = tab.seen.find(item.first_index);
    return same_or(at == tab.seen.end() ? "" : at->second, Status::tab_conflict);
  }
  const HoldKey key{payer, item.single.nonce};
  if (item.kind == Kind::charge || item.kind == Kind::hold) {
    return nonces.contains(key) ? same_or(nonces.at(key), Status::nonce_conflict) : Status::ok;
  }
  if (!holds.contains(key)) return Status::hold_unknown;
  const ModelHold& hold = holds.at(key);
  if (hold.state == HoldState::captured) return same_or(hold.finish, Status::hold_captured);
  if (hold.state == HoldState::released) return same_or(hold.finish, Status::hold_released);
  return hold.state == HoldState::expired ? Status::hold_expired : Status::ok;
}

Expected Model::check_amount(Time now, const AccountKey& key, const std::optional<AgentKey>& agent,
                             Money amount) const {
  if (payers.at(key.first).standing != core::Standing::active) return {Status::payer_suspended};
  const auto fits = [amount](Status status, Money most, Money used) -> Expected {
    return used + amount <= most ? Expected{} : Expected{status, most, std::max<Money>(0, most - used)};
  };
  if (agent) {
    const ModelMandate& mandate = mandates.at(*agent);
    const Money used = spent(mandate, now) + mandate_held(*agent);
    const Expected answer = fits(Status::mandate_cap_exceeded, money(mandate.mandate.cap), used);
    if (answer.status != Status::ok) return answer;
  }
  return fits(Status::credit_limit_exceeded, limit(key), held(key) + unbilled(key) + billed(key) + due_tax(now, key));
}

Expected Model::item(Time now, const Address& server_key, const tab::Item& item, Status stateless) {
  const bool is_voucher = item.kind == Kind::voucher, is_hold = item.kind == Kind::hold;
  const bool is_capture = item.kind == Kind::capture, is_release = item.kind == Kind::release;
  if (stateless != Status::ok) return {stateless};
  const auto server = servers.find(server_key);
  if (server == servers.end()) return {Status::server_unknown};
  if (!server->second.active) return {Status::server_suspended};
  const auto payer = find_address(payers, item.payer());
  if (payer == payers.end()) return {Status::payer_unknown};

  const Address payee_address = is_voucher ? item.voucher.payee : item.single.payee;
  AccountKey account{payer->first, is_voucher ? item.voucher.asset.value : item.single.asset.value};
  auto payee = find_address(payees, payee_address);
  const TabKey tab_key{payer->first, payee == payees.end() ? 0 : payee->first, account.second, item.voucher.salt};
  const ModelTab tab_now = is_voucher && tabs.contains(tab_key) ? tabs.at(tab_key) : ModelTab{};
  if (const Status seen = check_seen(payer->first, item, tab_now); seen != Status::ok) return {seen};
  ModelHold* hold = is_capture || is_release ? &holds.at({payer->first, item.single.nonce}) : nullptr;
  if (hold != nullptr) {
    if (now >= hold->expires) return {Status::hold_expired};
    payee = payees.find(hold->payee);
    account.second = hold->asset;
  }
  if (payee == payees.end() || (!payee->second.active && !is_release)) return {Status::payee_unknown};
  const std::vector<core::PayeeId>& served = server->second.payees;
  if (std::count(served.begin(), served.end(), payee->second.id) == 0) return {Status::server_not_for_payee};

  std::optional<AgentKey> agent = hold != nullptr ? hold->agent : std::nullopt;
  if (hold == nullptr) {
    if (!assets.contains(account.second)) return {Status::asset_unknown};
    if (plan_of(account) == nullptr) return {Status::asset_not_enabled};
    const std::uint64_t seconds = now.seconds();
    const std::uint64_t before = is_voucher ? item.voucher.valid_before : item.single.valid_before;
    if ((!is_voucher || before != 0) && seconds >= before) return {Status::expired};
    if (!is_voucher && seconds < item.single.valid_after) return {Status::not_yet_valid};
    if (!is_voucher && before > seconds + base::limits::kValiditySecondsMax) return {Status::validity_too_long};
    if (item.effective_signer() != item.payer()) agent = AgentKey{payer->first, item.signer, account.second};
    const Status status = agent ? check_agent(now, *agent, payee_address) : Status::ok;
    if (status != Status::ok) return {status};
  }
  const Money amount = is_hold ? money(item.single.maximum) : total_of(item.usages);
  const Money most = is_voucher ? money(item.voucher.maximum) : hold ? hold->maximum : money(item.single.maximum);
  if (is_voucher) {
    if (item.first_index > tab_now.charges) return {Status::tab_out_of_order, 0, 0, tab_now.charges};
    const Money left = std::max<Money>(0, most - tab_now.charged);
    if (tab_now.charged + amount > most) return {Status::voucher_below_charged, most, left};
  } else {
    const bool bound = is_capture && !hold->resource.is_zero();
    if (bound && hold->resource != item.usages[0].resource) return {Status::item_malformed};
    if (amount > most) return {Status::charge_above_maximum, most, most};
  }
  const Expected answer = hold != nullptr ? Expected{} : check_amount(now, account, agent, amount);
  if (answer.status != Status::ok) return answer;
  accept(now, item, account, tab_key, payee->first, agent, hold, amount);
  return answer;
}

void Model::accept(Time now, const tab::Item& item, const AccountKey& account_key, const TabKey& tab_key,
                   std::uint32_t payee, const std::optional<AgentKey>& agent, ModelHold* hold, Money amount) {
  const HoldKey key{account_key.first, item.single.nonce};
  if (item.kind == Kind::charge || item.kind == Kind::hold) nonces[key] = content_of(item);
  if (item.kind == Kind::hold) {
    const Time expires = Time::from_seconds(item.single.valid_before);
    holds[key] = {payee, account_key.second, amount, item.single.resource, expires, agent};
    ModelAccount& account = accounts[account_key];
    if (!account.open) account.plan = plan_of(account_key)->id.value;
    return;
  }
  if (hold != nullptr) {
    hold->state = item.kind == Kind::capture ? HoldState::captured : HoldState::released;
    hold->finish = content_of(item);
    if (item.kind == Kind::release) return;
  }
  if (item.kind == Kind::voucher) {
    ModelTab& tab = tabs[tab_key];
    tab.seen[item.first_index] = content_of(item);
    tab.charges += item.usages.size();
    tab.charged += amount;
    tab.maximum = std::max(tab.maximum, money(item.voucher.maximum));
  }
  if (agent) mandates.at(*agent).charges.push_back({now, mandates.at(*agent).mandate.period, amount});
  charge(now, account_key, payee, item.usages);
}

// ---- windows and statements ----

// A window that is over closes before the charge, one that has grown to the threshold after it.
void Model::charge(Time now, const AccountKey& key, std::uint32_t payee, const std::vector<tab::Usage>& usages) {
  ModelAccount& account = accounts[key];
  if (account.open && now >= account.window.end) close(now, key, CloseReason::time);
  if (!account.open) {
    // A hold may be captured after the payer's plan was taken away: the last one still bills it.
    if (const core::Plan* plan = plan_of(key)) account.plan = plan->id.value;
    account.open = true;
    account.number += 1;
    account.window = calendar_.window_at(plans.at(account.plan).window, now);
  }
  account.entries += 1;
  for (const tab::Usage& u : usages) account.charges.push_back({payee, u.resource, money(u.amount), u.quantity});
  const Money threshold = money(plans.at(account.plan).settle_threshold);
  if (threshold != 0 && unbilled(key) >= threshold && billable(key) > 0) close(now, key, CloseReason::threshold);
}

Money Model::billable(const AccountKey& key) const {
  const bool enough = unbilled(key) >= money(plans.at(accounts.at(key).plan).minimum);
  return enough ? whole_rail_units(unbilled(key), assets.at(key.second)) : 0;
}

void Model::close(Time now, const AccountKey& key, CloseReason reason) {
  ModelAccount& account = accounts.at(key);
  const core::Plan& plan = plans.at(account.plan);
  const Money total = unbilled(key), bill = billable(key);
  const Money tax = tax_on(key, bill);
  const std::string name(plan.series.view());
  const std::uint64_t invoice = bill == 0 ? 0 : ++series[name];
  closings.push_back({key, account.number, account.entries, 0, 0, reason, total, bill, tax, invoice});
  account.open = false;
  if (bill == 0) return;

  Shares rest = account.carried;
  for (const ModelCharge& charge : account.charges) rest[charge.payee] += charge.amount;
  const Shares shares = split(bill, rest);
  for (const auto& [payee, amount] : shares) rest[payee] -= amount;
  std::erase_if(rest, [](const auto& part) { return part.second == 0; });
  const Money credit = whole_rail_units(std::min(bill + tax, account.credit), assets.at(key.second));
  const Time due{now.us + plan.terms_s * 1'000'000};
  const std::uint64_t id = closings.back().statement = statements.size() + 1;
  ModelStatement& made = statements[id];
  made = {key, plan.id.value, account.number, account.entries, 0, total, bill, tax, credit, shares, rest, due, invoice};
  account.credit -= credit;
  account.charges.clear();
  account.carried = rest;
  account.entries = 0;
  if (bill + tax == credit) {
    made.state = StatementState::paid;
    return release(made);
  }
  closings.back().settlement = made.settlement = settlements.size() + 1;
  settlements[made.settlement] = {SettlementKind::collection, key, id, bill + tax - credit, 0, due};
  settlements[made.settlement].rail = plan.rails.front().view();
}

Status Model::run(Time now, const core::CloseNow& command) {
  const auto at = accounts.find({find_address(payers, command.payer)->first, command.asset.value});
  if (at == accounts.end() || !at->second.open) return Status::wrong_state;
  close(now, at->first, now >= at->second.window.end ? CloseReason::time : CloseReason::operator_asked);
  return Status::ok;
}

// What is due on a statement can change while its collection is not under way.
Status Model::check_unpaid(core::StatementId id) const {
  const auto at = statements.find(id.value);
  if (at == statements.end()) return Status::not_found;
  const bool open = at->second.state == StatementState::open;
  return open && stage(settlements.at(at->second.settlement).state) == 0 ? Status::ok : Status::wrong_state;
}

Status Model::run(Time, const core::WriteOff& command) {
  if (const Status status = check_unpaid(command.statement); status != Status::ok) return status;
  ModelStatement& statement = statements.at(command.statement.value);
  ModelSettlement& collection = settlements.at(statement.settlement);
  statement.state = StatementState::written_off;
  collection.state = SettlementState::written_off;
  collection.overdue = false;  // the payer has not paid: it stays suspended
  release(statement);          // the operator gave the credit, so the loss is its own
  return Status::ok;
}

// ---- settlements ----

// Paying, or crediting, the last collection that failed for good lifts the suspension.
void Model::clear_overdue(ModelSettlement& settlement) {
  settlement.overdue = false;
  lift(settlement.owner.first);
}

void Model::lift(std::uint32_t id) {
  core::Payer& payer = payers.at(id);
  const bool more = std::any_of(settlements.begin(), settlements.end(), [&](const auto& one) {
    return one.second.overdue && one.second.owner.first == payer.id.value;
  });
  if (!more && payer.standing == core::Standing::suspended_by_dunning) payer.standing = core::Standing::active;
}

// Moves a settlement's money to where its new state says that it is.
void Model::settle(Time now, std::uint64_t id, SettlementState to) {
  ModelSettlement& settlement = settlements.at(id);
  const int before = stage(settlement.state), after = stage(to);
  const bool was_settled = settlement.state == SettlementState::settled;
  settlement.state = to;
  if (settlement.kind == SettlementKind::collection) {
    ModelStatement& statement = statements.at(settlement.statement);
    statement.state = after >= 2 ? StatementState::paid : StatementState::open;
    if (after >= 2) clear_overdue(settlement);
    if (before >= 2 && after < 2) take_back(settlement);
    if (to == SettlementState::settled && !was_settled) plan_release(now, settlement);
    if (after == 4) release(statement);
    return;
  }
  if (settlement.kind == SettlementKind::relay) return;
  if (settlement.kind == SettlementKind::refund) {
    const bool over =
        to == SettlementState::failed || to == SettlementState::returned || to == SettlementState::cancelled;
    if (!over) return;
    accounts.at(settlement.owner).credit += settlement.amount;
    statements.at(settlement.statement).refunded -= settlement.amount;
    return;
  }
  ModelEarnings& earning = earnings.at(settlement.owner);
  const int direction = (after >= 2 ? 1 : 0) - (before >= 2 ? 1 : 0);
  earning.paid_out += direction * settlement.amount;
  earning.fees += direction * settlement.fee;
  const bool back = to == SettlementState::returned || to == SettlementState::cancelled;
  if (back) earning.payable += settlement.amount + settlement.fee;
  if ((back || after >= 3) && earning.open_payout == id) earning.open_payout = 0;
}

Status Model::run(Time now, const core::StepSettlement& step) {
  const auto at = settlements.find(step.id.value);
  if (at == settlements.end()) return Status::not_found;
  ModelSettlement& settlement = at->second;
  if (step.attempt != settlement.attempt || !edge(settlement.kind, settlement.state, step.to))
    return Status::wrong_state;
  if (step.rail_fee && settlement.kind == SettlementKind::relay) return Status::value_invalid;
  if (const Status moved = check_moved(settlement, step); moved != Status::ok) return moved;
  if (step.to == SettlementState::sending && step.amount && money(*step.amount) != settlement.amount)
    return Status::wrong_state;
  if (const Status refund = step.to == SettlementState::sending ? check_refund(settlement) : Status::ok;
      refund != Status::ok)
    return refund;
  if (step.to == SettlementState::sending && contradicted(at->first)) return Status::wrong_state;
  const SettlementState before = settlement.state;
  const std::string rail = settlement.rail;
  settlement.next_action = std::max(now, step.next_action);
  keep_fee(settlement, step);
  if (take_moved(now, at->first, step)) {
    // what is left is due again
  } else if (step.to != SettlementState::failed) {
    const bool news = std::any_of(notices.begin(), notices.end(), [&](const auto& one) {
      return waits_for(one.second, at->first) && one.first > step.notices_read.value && one.second.rail == rail;
    });
    if (news) settlement.next_action = now;
    settle(now, at->first, step.to);
  } else {
    fail(now, at->first, step);
  }
  apply_notices(step, before, rail);
  return Status::ok;
}

void Model::keep_fee(ModelSettlement& settlement, const core::StepSettlement& step) {
  if (step.to == SettlementState::sending) {
    settlement.rail_fee = 0;
  } else if (step.rail_fee) {
    rail_fees[settlement.owner.second] += money(*step.rail_fee) - settlement.rail_fee;
    settlement.rail_fee = money(*step.rail_fee);
  }
}

std::pair<std::string, bool> Model::next_rail(const ModelSettlement& collection, const core::Plan& plan) const {
  std::vector<std::string> later, free, last_resort;
  bool passed = false;
  for (const base::RailName& name : plan.rails) {
    const std::string rail(name.view());
    const auto refusal = collection.refusals.find(rail);
    if (refusal == collection.refusals.end()) {
      free.push_back(rail);
      if (passed) later.push_back(rail);
    } else if (refusal->second == FailureClass::needs_action) {
      last_resort.push_back(rail);
    }
    passed = passed || rail == collection.rail;
  }
  if (!later.empty()) return {later.front(), true};
  if (!free.empty()) return {free.front(), false};
  return {last_resort.empty() ? "" : last_resort.front(), false};
}

void Model::fail(Time now, std::uint64_t id, const core::StepSettlement& step) {
  ModelSettlement& settlement = settlements.at(id);
  const bool collection = settlement.kind == SettlementKind::collection;
  const bool technical = step.failure == FailureClass::technical;
  std::pair<std::string, bool> next{"", false};
  std::vector<std::uint64_t> waits;
  if (collection && !technical) {
    const core::Plan& plan = plans.at(statements.at(settlement.statement).plan);
    if (step.failure == FailureClass::rejected || step.failure == FailureClass::needs_action)
      settlement.refusals[settlement.rail] = step.failure;
    next = next_rail(settlement, plan);
    waits.assign(plan.dunning_s.begin() + std::min<std::ptrdiff_t>(settlement.dunning_step, std::ssize(plan.dunning_s)),
                 plan.dunning_s.end());
  }
  if (technical || (!next.first.empty() && (next.second || !waits.empty()))) {
    settle(now, id, SettlementState::ready);
    settlement.attempt += 1;
    settlement.technical_retries = technical ? settlement.technical_retries + 1 : 0;
    if (technical) return;
    settlement.rail = next.first;
    settlement.next_action = next.second ? now : Time{now.us + waits[0] * 1'000'000};
    settlement.dunning_step += next.second ? 0 : 1;
    return;
  }
  settle(now, id, SettlementState::failed);
  settlement.overdue = collection;
  if (!collection) return;
  core::Standing& standing = payers.at(settlement.owner.first).standing;
  if (standing == core::Standing::active) standing = core::Standing::suspended_by_dunning;
}

Status Model::run(Time now, const core::RetrySettlement& command) {
  const auto at = settlements.find(command.id.value);
  if (at == settlements.end()) return Status::not_found;
  ModelSettlement& settlement = at->second;
  if (command.attempt != 0 && command.attempt != settlement.attempt) return Status::wrong_state;
  const bool waits = settlement.state == SettlementState::ready;
  const bool refund = settlement.kind == SettlementKind::refund;  // one that failed or came back is over
  const bool returned =
      settlement.kind != SettlementKind::payout && !refund && settlement.state == SettlementState::returned;
  const bool failed = !refund && settlement.state == SettlementState::failed;
  if (!waits && !returned && !failed) return Status::wrong_state;
  settlement.next_action = waits ? std::min(now, settlement.next_action) : now;
  settlement.state = SettlementState::ready;
  if (!waits && settlement.kind == SettlementKind::collection) {
    settlement.rail = plans.at(statements.at(settlement.statement).plan).rails.front().view();
    settlement.refusals.clear();
  }
  settlement.attempt += waits ? 0 : 1;
  settlement.technical_retries = waits ? settlement.technical_retries : 0;
  return Status::ok;
}

Status Model::run(Time now, const core::CancelSettlement& command) {
  const auto at = settlements.find(command.id.value);
  if (at == settlements.end()) return Status::not_found;
  const SettlementState state = at->second.state;
  const SettlementKind kind = at->second.kind;
  const bool open = state == SettlementState::ready ||
                    (state == SettlementState::failed && kind != SettlementKind::refund) ||
                    (kind == SettlementKind::relay && state == SettlementState::returned);
  if (kind == SettlementKind::collection || !open) return Status::wrong_state;
  settle(now, at->first, SettlementState::cancelled);
  return Status::ok;
}

// One settlement for each key, for ever.
Status Model::run(Time now, const core::PlanRelay& command) {
  if (command.key.is_zero()) return Status::value_invalid;
  if (command.asset.valid() && !assets.contains(command.asset.value)) return Status::asset_unknown;
  // Without an order it is a question.
  if (command.order.empty()) return relays.contains(command.key) ? Status::already_accepted : Status::not_found;
  const std::string content = std::string(command.rail.view()) + '/' + base::to_hex(command.order);
  const auto [at, is_new] = relays.try_emplace(command.key, ModelRelay{content, settlements.size() + 1});
  if (!is_new) return at->second.rail_and_order == content ? Status::already_accepted : Status::relay_conflict;
  const AccountKey nobody{0, command.asset.value};
  settlements[at->second.settlement] = {SettlementKind::relay, nobody, 0, money(command.amount), 0, now};
  settlements[at->second.settlement].rail = command.rail.view();
  return Status::ok;
}

// ---- timers ----

bool Model::close_due(Time now, const AccountKey& key) {
  const auto at = accounts.find(key);
  if (at == accounts.end() || !at->second.open || now < at->second.window.end) return false;
  close(now, key, CloseReason::time);
  return true;
}

bool Model::expire(Time now, const HoldKey& key) {
  const auto at = holds.find(key);
  if (at == holds.end() || at->second.state != HoldState::open || now < at->second.expires) return false;
  at->second.state = HoldState::expired;
  return true;
}

// Everything that is payable, less the fixed fee, in units that the rail can move.
Money Model::payout_amount(const AccountKey& key) const {
  const core::Payee& payee = payees.at(key.first);
  const ModelEarnings& earning = earnings.at(key);
  if (earning.open_payout != 0 || earning.payable < money(payee.payout_minimum)) return 0;
  return whole_rail_units(std::max<Money>(0, earning.payable - money(payee.fee_fixed)), assets.at(key.second));
}

bool Model::is_payout_due(Time now, const AccountKey& key) const {
  if (!earnings.contains(key) || payout_amount(key) == 0) return false;
  const aggregator::WindowSpec every = terms(key.first).payout_every;
  const bool scheduled = every.kind != aggregator::WindowKind::duration || every.duration_s != 0;
  const Time from = earnings.at(key).payout_from;
  return !scheduled || (from.us != 0 && from <= now);
}

// The next one is after the window in which something became payable.
bool Model::schedule_payout(Time now, const AccountKey& key, Time from) {
  if (!earnings.contains(key) || payout_amount(key) == 0 || earnings.at(key).payout_from.us != 0) return false;
  earnings.at(key).payout_from = from;
  return !is_payout_due(now, key) && from == calendar_.window_at(terms(key.first).payout_every, now).end;
}

bool Model::plan_payout(Time now, const AccountKey& key) {
  if (!is_payout_due(now, key)) return false;
  earnings.at(key).payout_from = {};
  const Money amount = payout_amount(key), fee = money(payees.at(key.first).fee_fixed);
  earnings.at(key).payable -= amount + fee;
  earnings.at(key).open_payout = settlements.size() + 1;
  settlements[earnings.at(key).open_payout] = {SettlementKind::payout, key, 0, amount, fee, now};
  settlements[earnings.at(key).open_payout].rail = payees.at(key.first).payout_rail.view();
  return true;
}

}  // namespace sim
