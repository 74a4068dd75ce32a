// Effects of the entries that charge: single-use commitments, holds, vouchers. The same on live decisions and on
// replay.

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/period.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

std::string text(u128 units) { return base::to_string(static_cast<i128>(units)); }

}  // namespace

Outcome StateMachine::State::check_charge(PayerId payer, PayeeId payee, AssetId asset, MandateId mandate,
                                          u128 amount) const {
  if (find_payer(payer) == nullptr) return mismatch("payer " + std::to_string(payer.value) + " is unknown");
  if (find_payee(payee) == nullptr) return mismatch("payee " + std::to_string(payee.value) + " is unknown");
  const AssetRecord* record = find_asset(asset);
  if (record == nullptr) return mismatch("asset " + std::to_string(asset.value) + " is unknown");
  if (mandate.valid()) {
    const MandateRecord* found = find_mandate(mandate);
    if (found == nullptr || found->payer != payer || found->state.mandate.asset != asset) {
      return mismatch("mandate " + std::to_string(mandate.value) + " is not of this payer and asset");
    }
  }
  if (amount > kVolumeMax || record->operators.volume.units() + amount > kVolumeMax) {
    return mismatch("the volume of asset " + std::to_string(asset.value) + " overflows");
  }
  return {};
}

// What admission promised: within the credit limit and the mandate's cap.
Outcome StateMachine::State::check_limits(PayerId payer, AssetId asset, MandateId mandate, Time time,
                                          Amount amount) const {
  const TallyRecord* record = find_tally(payer, asset);
  const u128 exposure = (record == nullptr ? 0 : record->exposure()) + amount.units();
  const PlanId plan = plan_of(payer, asset);
  if (!plan.valid()) return mismatch("payer " + std::to_string(payer.value) + " has no plan for the asset");
  const u128 limit = limit_of(record, plan);
  if (exposure > limit) {
    return mismatch("the exposure of payer " + std::to_string(payer.value) + " would be " + text(exposure) +
                    ", above its limit " + text(limit));
  }
  if (!mandate.valid()) return {};
  const MandateRecord& found = *find_mandate(mandate);
  const u128 used = spent_at(found.state, time).units() + found.state.held.units() + amount.units();
  if (used > found.state.mandate.cap.units()) {
    return mismatch("mandate " + std::to_string(mandate.value) + " would be used for " + text(used) +
                    ", above its cap " + found.state.mandate.cap.to_units_string());
  }
  return {};
}

Outcome StateMachine::State::check_window(const TallyRecord* record, Time time) {
  if (record == nullptr || !record->window_open()) return mismatch("the payer has no open window");
  if (time < record->window.start || time >= record->window.end) {
    return mismatch("the open window ends at " + std::to_string(record->window.end.us) + ", before this charge");
  }
  return {};
}

void StateMachine::State::spend(MandateId id, Time time, Amount amount) {
  if (!id.valid()) return;
  MandateRecord& record = mandates[id.value - 1];
  count_spending(record.state, time, amount);
  touch(record);
}

void StateMachine::State::charge(TallyRecord& record, PayeeId payee, std::span<const Usage> usages, Amount total,
                                 const Hash& leaf) {
  if (!record.charges) record.charges = std::make_unique<OpenCharges>();
  record.charges->entries.append(leaf);
  for (const Usage& usage : usages) {
    touch_line(record, record.charges->lines.add(payee, usage.resource, usage.amount, usage.quantity));
  }
  PayeeBalanceRecord& balance = payee_balance(payee, record.asset);
  transaction.debit(record.unbilled, Phase::pending, total);
  transaction.credit(balance.balance.accrued, Phase::pending, total);
  transaction.commit();
  AssetRecord& asset = *find_asset(record.asset);
  asset.operators.volume = base::add_checked(asset.operators.volume, total);
  touch(record);
  touch(balance);
  touch_operators(asset);
}

Outcome StateMachine::State::apply(const Charged& entry, const At& at) {
  const SignedSingleUse& commitment = entry.commitment;
  RETURN_IF_ERROR(check_charge(commitment.payer, commitment.payee, commitment.asset, commitment.mandate,
                               entry.usage.amount.units()));
  if (find_server(entry.server) == nullptr) return mismatch("the server is unknown");
  if (entry.usage.amount > commitment.maximum) return mismatch("the charge is above the commitment's maximum");
  TallyRecord* record = find_tally(commitment.payer, commitment.asset);
  RETURN_IF_ERROR(check_window(record, at.time));
  RETURN_IF_ERROR(check_limits(commitment.payer, commitment.asset, commitment.mandate, at.time, entry.usage.amount));
  charge(*record, commitment.payee, {&entry.usage, 1}, entry.usage.amount, at.leaf);
  spend(commitment.mandate, at.time, entry.usage.amount);
  return {};
}

Outcome StateMachine::State::apply(const HoldMade& entry, const At& at) {
  const SignedSingleUse& commitment = entry.commitment;
  RETURN_IF_ERROR(check_charge(commitment.payer, commitment.payee, commitment.asset, commitment.mandate, 0));
  if (find_server(entry.server) == nullptr) return mismatch("the server is unknown");
  const HoldKey key{commitment.payer, commitment.nonce};
  if (find_hold(key) != nullptr) return mismatch("the payer has an open hold with this nonce");
  RETURN_IF_ERROR(check_limits(commitment.payer, commitment.asset, commitment.mandate, at.time, commitment.maximum));
  TallyRecord& record = tally(commitment.payer, commitment.asset);
  // What bills a capture if the payer's plan is taken away before it. An open window keeps the plan that it began with.
  const PlanId plan = plan_of(commitment.payer, commitment.asset);
  if (plan.valid() && !record.window_open()) record.plan = plan;

  Hold& hold = holds[at.sequence.value];
  hold.sequence = at.sequence;
  hold.payer = commitment.payer;
  hold.payee = commitment.payee;
  hold.asset = commitment.asset;
  hold.nonce = commitment.nonce;
  hold.maximum = commitment.maximum;
  hold.resource = commitment.resource;
  hold.mandate = commitment.mandate;
  hold.expires = Time::from_seconds(commitment.valid_before);
  hold.server = entry.server;
  hold_index.emplace(key, at.sequence.value);
  hold_expiry.emplace(hold.expires, at.sequence.value);
  dirty_holds.push_back(at.sequence.value);

  record.held = base::add_checked(record.held, commitment.maximum);
  touch(record);
  if (commitment.mandate.valid()) {
    MandateRecord& mandate = *find_mandate(commitment.mandate);
    mandate.state.held = base::add_checked(mandate.state.held, commitment.maximum);
    touch(mandate);
  }
  return {};
}

void StateMachine::State::forget_hold(const HoldKey& key, const Hold& hold) {
  TallyRecord& record = *find_tally(hold.payer, hold.asset);
  record.held = base::subtract_checked(record.held, hold.maximum);
  touch(record);
  if (hold.mandate.valid()) {
    MandateRecord& mandate = *find_mandate(hold.mandate);
    mandate.state.held = base::subtract_checked(mandate.state.held, hold.maximum);
    touch(mandate);
  }
  const std::uint64_t sequence = hold.sequence.value;
  dirty_holds.push_back(sequence);
  hold_expiry.erase({hold.expires, sequence});
  hold_index.erase(key);
  holds.erase(sequence);  // `hold` is gone from here on
}

Outcome StateMachine::State::apply(const HoldCaptured& entry, const At& at) {
  const HoldKey key{entry.payer, entry.nonce};
  const Hold* found = find_hold(key);
  if (found == nullptr || found->sequence != entry.hold) return mismatch("there is no such open hold");
  if (entry.usage.amount > found->maximum) return mismatch("the charge is above the hold's maximum");
  RETURN_IF_ERROR(check_charge(found->payer, found->payee, found->asset, found->mandate, entry.usage.amount.units()));
  TallyRecord* record = find_tally(found->payer, found->asset);
  RETURN_IF_ERROR(check_window(record, at.time));
  const PayeeId payee = found->payee;
  const MandateId mandate = found->mandate;
  forget_hold(key, *found);
  charge(*record, payee, {&entry.usage, 1}, entry.usage.amount, at.leaf);
  spend(mandate, at.time, entry.usage.amount);
  return {};
}

Outcome StateMachine::State::apply(const HoldReleased& entry, const At& at) {
  const HoldKey key{entry.payer, entry.nonce};
  const Hold* found = find_hold(key);
  if (found == nullptr || found->sequence != entry.hold) return mismatch("there is no such open hold");
  if (entry.reason == ReleaseReason::expired && found->expires > at.time) return mismatch("the hold has not expired");
  forget_hold(key, *found);
  return {};
}

Outcome StateMachine::State::apply(const VoucherCharged& entry, const At& at) {
  TabRecord* found = find_tab(entry.tab);
  if (found == nullptr) return mismatch("tab " + std::to_string(entry.tab.value) + " is unknown");
  Tab& tab = found->tab;
  if (find_server(entry.server) == nullptr) return mismatch("the server is unknown");
  if (entry.usages.empty()) return mismatch("the voucher has no charge");
  if (entry.first_index != tab.charges) {
    return mismatch("the first charge has index " + std::to_string(entry.first_index) + ", the tab's next is " +
                    std::to_string(tab.charges));
  }
  u128 total = 0;
  for (const Usage& usage : entry.usages) {
    total += usage.amount.units();
    if (total > Amount::kUnitsMax) return mismatch("the charges overflow");
  }
  if (tab.charged.units() + total > entry.maximum.units())
    return mismatch("the charges are above the voucher's maximum");
  RETURN_IF_ERROR(check_charge(tab.payer, tab.payee, tab.asset, entry.mandate, total));
  TallyRecord* record = find_tally(tab.payer, tab.asset);
  RETURN_IF_ERROR(check_window(record, at.time));
  const Amount amount = *Amount::from_units(total);
  RETURN_IF_ERROR(check_limits(tab.payer, tab.asset, entry.mandate, at.time, amount));

  charge(*record, tab.payee, entry.usages, amount, at.leaf);
  spend(entry.mandate, at.time, amount);
  tab.maximum = std::max(tab.maximum, entry.maximum);
  tab.charged = base::add_checked(tab.charged, amount);
  tab.charges += entry.usages.size();
  touch(*found);
  return {};
}

Outcome StateMachine::State::apply(const BatchSigned& entry, const At& at) {
  if (find_server(entry.server) == nullptr) return mismatch("the server is unknown");
  if (!entry.first.valid() || entry.first >= at.sequence)
    return mismatch("the batch's first entry does not precede it");
  if (entry.refused.size() >= entry.count) return mismatch("the batch has no accepted item");
  std::int64_t last = -1;
  for (const RefusedLeaf& refused : entry.refused) {
    if (refused.index <= last || refused.index >= entry.count) return mismatch("the refused items are not in order");
    last = refused.index;
  }
  return {};
}

std::optional<commitments::tab::Item> StateMachine::State::item_of(const Entry& entry) const {
  using commitments::tab::Item;
  using commitments::tab::ItemKind;
  Item item;
  const auto signer_of = [this](MandateId mandate) {
    const MandateRecord* record = find_mandate(mandate);
    return record == nullptr ? Address{} : record->state.mandate.agent;
  };
  const auto fill = [&](const SignedSingleUse& signed_part) {
    const PayerRecord* payer = find_payer(signed_part.payer);
    const PayeeRecord* payee = find_payee(signed_part.payee);
    if (payer == nullptr || payee == nullptr) return false;
    item.single = {payer->address,       payee->payee.address, signed_part.asset,       signed_part.maximum,
                   signed_part.resource, signed_part.nonce,    signed_part.valid_after, signed_part.valid_before};
    item.signer = signer_of(signed_part.mandate);
    item.signature = signed_part.signature;
    return true;
  };
  const auto finish = [&](ItemKind kind, PayerId payer, u128 nonce) {
    const PayerRecord* record = find_payer(payer);
    if (record == nullptr) return false;
    item.kind = kind;
    item.single.payer = record->address;
    item.single.nonce = nonce;
    return true;
  };
  if (const auto* charged = std::get_if<Charged>(&entry)) {
    if (!fill(charged->commitment)) return std::nullopt;
    item.kind = ItemKind::charge;
    item.usages = {charged->usage};
  } else if (const auto* hold = std::get_if<HoldMade>(&entry)) {
    if (!fill(hold->commitment)) return std::nullopt;
    item.kind = ItemKind::hold;
  } else if (const auto* captured = std::get_if<HoldCaptured>(&entry)) {
    if (!finish(ItemKind::capture, captured->payer, captured->nonce)) return std::nullopt;
    item.usages = {captured->usage};
  } else if (const auto* released = std::get_if<HoldReleased>(&entry)) {
    if (released->reason != ReleaseReason::released) return std::nullopt;
    if (!finish(ItemKind::release, released->payer, released->nonce)) return std::nullopt;
  } else if (const auto* voucher = std::get_if<VoucherCharged>(&entry)) {
    const TabRecord* tab = find_tab(voucher->tab);
    if (tab == nullptr) return std::nullopt;
    item.kind = ItemKind::voucher;
    item.voucher = {payers[tab->tab.payer.value - 1].address,
                    payees[tab->tab.payee.value - 1].payee.address,
                    tab->tab.asset,
                    tab->tab.salt,
                    voucher->maximum,
                    voucher->valid_before};
    item.signer = signer_of(voucher->mandate);
    item.signature = voucher->signature;
    item.first_index = voucher->first_index;
    item.usages = voucher->usages;
  } else {
    return std::nullopt;
  }
  return item;
}

}  // namespace ledger::core
