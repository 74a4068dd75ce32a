// What payees earned becomes theirs: at final, or earlier by their terms, with a reserve. What was released and comes
// back is taken from them again, or from what they earn next.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

constexpr std::uint32_t kBasisPoints = 10'000;

}  // namespace

const ReleaseDefaults& StateMachine::State::terms_of(const Payee& payee, ReleaseDefaults& buffer) const {
  if (!payee.own_terms) return release_defaults;
  buffer = {payee.release, payee.payout_every};
  return buffer;
}

bool is_scheduled(const aggregator::WindowSpec& payout_every) {
  return payout_every.kind != aggregator::WindowKind::duration || payout_every.duration_s != 0;
}

std::vector<Amount> StateMachine::State::credited_shares(std::span<const aggregator::PayeeShare> shares,
                                                         Amount credited) const {
  std::vector<Amount> weights;
  weights.reserve(shares.size());
  for (const aggregator::PayeeShare& share : shares) weights.push_back(share.amount);
  return aggregator::split_largest_remainder(credited, weights);
}

Amount SettlementRecord::credited_net() const {
  return base::subtract_checked(bill().credited, tax_in(bill().credited, net, bill().tax));
}

// Postings only: the caller commits.
void StateMachine::State::give_to_payee(PayeeBalance& balance, Amount amount) {
  transaction.credit(balance.payable, Phase::posted, amount);
  balance.payable_now = base::add_checked(balance.payable_now, amount);
  recover(balance);
}

void StateMachine::State::recover(PayeeBalance& balance) {
  if (balance.recoverable.posted == 0) return;
  const Amount owed = *Amount::from_units(static_cast<u128>(balance.recoverable.posted));
  const Amount taken = std::min(owed, balance.payable_now);
  transaction.debit(balance.payable, Phase::posted, taken);
  transaction.credit(balance.recoverable, Phase::posted, taken);
  balance.payable_now = base::subtract_checked(balance.payable_now, taken);
}

void StateMachine::State::take_from_payee(PayeeBalance& balance, Amount amount, Amount* reserve) {
  if (reserve != nullptr) {
    const Amount taken = std::min(*reserve, amount);
    transaction.debit(balance.reserve, Phase::posted, taken);
    *reserve = base::subtract_checked(*reserve, taken);
    amount = base::subtract_checked(amount, taken);
  }
  const Amount taken = std::min(balance.payable_now, amount);
  transaction.debit(balance.payable, Phase::posted, taken);
  balance.payable_now = base::subtract_checked(balance.payable_now, taken);
  transaction.debit(balance.recoverable, Phase::posted, base::subtract_checked(amount, taken));
}

std::vector<Amount> StateMachine::State::release(AssetRecord& asset, std::span<const aggregator::PayeeShare> shares,
                                                 std::span<const Amount> credited,
                                                 std::vector<ShareRelease>* releases) {
  std::vector<Amount> fees;
  fees.reserve(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const PayeeRecord& payee = *find_payee(shares[i].payee);
    PayeeBalanceRecord& record = payee_balance(shares[i].payee, asset.asset.id);
    ShareRelease* released = releases == nullptr || releases->empty() ? nullptr : &(*releases)[i];
    if (released != nullptr && released->done) {
      transaction.debit(record.balance.reserve, Phase::posted, released->reserve);
      give_to_payee(record.balance, released->reserve);
      released->reserve = Amount{};
      fees.push_back(released->fee);
    } else {
      const Amount gross = credited.empty() ? shares[i].amount : base::subtract_checked(shares[i].amount, credited[i]);
      const Amount fee = aggregator::fee_of(gross, payee.payee.fee_basis_points);
      transaction.debit(record.balance.accrued, Phase::posted, gross);
      transaction.credit(asset.operators.revenue, Phase::posted, fee);
      give_to_payee(record.balance, base::subtract_checked(gross, fee));
      record.balance.fees = base::add_checked(record.balance.fees, fee);
      fees.push_back(fee);
    }
    transaction.commit();
    touch(record);
    review_payout(payee, record.balance);
  }
  touch_operators(asset);
  return fees;
}

void StateMachine::State::release_statement(SettlementRecord& record) {
  std::vector<Amount> credited;
  if (!record.bill().credited.is_zero()) credited = credited_shares(record.share_list(), record.credited_net());
  BillExtra& bill = record.more_bill();
  bill.fees = release(*find_asset(record.asset), record.share_list(), credited, &bill.releases);
}

// The money is there: when does each payee get its share?
void StateMachine::State::plan_releases(SettlementRecord& record, SettlementId id, Time time) {
  const RailName& rail = rail_names[record.rail];
  const std::vector<aggregator::PayeeShare> shares = record.share_list();
  if (record.bill().releases.empty()) {
    std::vector<ShareRelease> releases(shares.size());
    bool any = false;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      ReleaseDefaults buffer;
      for (const ReleaseRule& rule : terms_of(find_payee(shares[i].payee)->payee, buffer).release) {
        if (rule.rail != rail) continue;
        releases[i].due = Time{time.us + rule.hold_s * 1'000'000};
        releases[i].reserve_bp = rule.reserve_bp;
        any = true;
      }
    }
    if (!any) return;
    record.more_bill().releases = std::move(releases);
  }
  list_release(record, id);
}

void StateMachine::State::list_release(const SettlementRecord& record, SettlementId id) {
  Time first;
  for (const ShareRelease& one : record.bill().releases) {
    if (one.done || one.due.us == 0) continue;
    if (first.us == 0 || one.due < first) first = one.due;
  }
  if (first.us != 0) releases_due.emplace(first, id.value);
}

// It came back: what was released is taken again.
void StateMachine::State::take_back_releases(SettlementRecord& record) {
  if (record.bill().releases.empty()) return;
  BillExtra& bill = record.more_bill();
  AssetRecord& asset = *find_asset(record.asset);
  const std::vector<aggregator::PayeeShare> shares = record.share_list();
  const std::vector<Amount> credited = credited_shares(shares, record.credited_net());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    ShareRelease& one = bill.releases[i];
    if (!one.done) continue;
    PayeeBalanceRecord& owner = payee_balance(shares[i].payee, record.asset);
    const Amount gross = base::subtract_checked(shares[i].amount, credited[i]);
    transaction.credit(owner.balance.accrued, Phase::posted, gross);
    transaction.debit(asset.operators.revenue, Phase::posted, one.fee);
    take_from_payee(owner.balance, base::subtract_checked(gross, one.fee), &one.reserve);
    // Notes may have left a unit more in reserve than is taken.
    transaction.debit(owner.balance.reserve, Phase::posted, one.reserve);
    give_to_payee(owner.balance, one.reserve);
    transaction.commit();
    owner.balance.fees = base::subtract_checked(owner.balance.fees, one.fee);
    touch(owner);
    review_payout(*find_payee(shares[i].payee), owner.balance);
  }
  bill.releases.clear();
  touch_operators(asset);
}

Outcome StateMachine::State::apply(const SharesReleased& entry, const At& at) {
  SettlementRecord* record = find_settlement(entry.settlement);
  if (record == nullptr || record->finished || record->kind != SettlementKind::collection ||
      record->state != SettlementState::settled) {
    return mismatch("settlement " + std::to_string(entry.settlement.value) + " is not a settled collection");
  }
  AssetRecord& asset = *find_asset(record->asset);
  const std::vector<aggregator::PayeeShare> shares = record->share_list();
  const std::vector<Amount> credited = credited_shares(shares, record->credited_net());
  std::size_t released = 0;
  for (std::size_t i = 0; i < record->bill().releases.size(); ++i) {
    ShareRelease& one = record->more_bill().releases[i];
    if (one.done || one.due.us == 0 || one.due > at.time) continue;
    const PayeeRecord& payee = *find_payee(shares[i].payee);
    PayeeBalanceRecord& owner = payee_balance(shares[i].payee, record->asset);
    const Amount gross = base::subtract_checked(shares[i].amount, credited[i]);
    one.done = true;
    one.fee = aggregator::fee_of(gross, payee.payee.fee_basis_points);
    const Amount net = base::subtract_checked(gross, one.fee);
    one.reserve = base::subtract_checked(net, aggregator::fee_of(net, kBasisPoints - one.reserve_bp));
    transaction.debit(owner.balance.accrued, Phase::posted, gross);
    transaction.credit(asset.operators.revenue, Phase::posted, one.fee);
    transaction.credit(owner.balance.reserve, Phase::posted, one.reserve);
    give_to_payee(owner.balance, base::subtract_checked(net, one.reserve));
    transaction.commit();
    owner.balance.fees = base::add_checked(owner.balance.fees, one.fee);
    touch(owner);
    review_payout(payee, owner.balance);
    ++released;
  }
  if (released == 0) return mismatch("nothing of it is due");
  touch_operators(asset);
  touch(*record, entry.settlement);
  list_release(*record, entry.settlement);
  return {};
}

Outcome StateMachine::State::apply(const ReleaseDefaultsSet& entry, const At&) {
  release_defaults = entry.defaults;
  release_defaults_set = release_defaults_dirty = true;
  ++changes;
  for (std::size_t i = 0; i < payees.size(); ++i) {
    if (!payees[i].payee.own_terms) reschedule(payees[i]);
  }
  return {};
}

Outcome StateMachine::State::apply(const PayoutScheduled& entry, const At& at) {
  PayeeRecord* payee = find_payee(entry.payee);
  if (payee == nullptr || find_asset(entry.asset) == nullptr) return mismatch("payee or asset is unknown");
  PayeeBalanceRecord& record = payee_balance(entry.payee, entry.asset);
  ReleaseDefaults buffer;
  if (!is_scheduled(terms_of(payee->payee, buffer).payout_every) || record.balance.payout_from.us != 0) {
    return mismatch("the payee's payouts have no schedule, or the next one is known");
  }
  if (entry.from <= at.time) return mismatch("the payout is not later");
  record.balance.payout_from = entry.from;
  touch(record);
  review_payout(*payee, record.balance);
  return {};
}

// The terms changed: when the next payout is due is found out again.
void StateMachine::State::reschedule(PayeeRecord& payee) {
  for (const auto& record : payee.balances) {
    if (record->balance.payout_from.us != 0) {
      payouts_later.erase({record->balance.payout_from, payee.payee.id, record->balance.asset});
      record->balance.payout_from = Time{};
      touch(*record);
    }
    review_payout(payee, record->balance);
  }
}

std::string check_terms(const ReleaseDefaults& terms, const aggregator::Calendar& calendar) {
  if (terms.release.size() > base::limits::kReleaseRulesMax) {
    return "release: at most " + std::to_string(base::limits::kReleaseRulesMax) + " rules";
  }
  for (std::size_t i = 0; i < terms.release.size(); ++i) {
    const ReleaseRule& rule = terms.release[i];
    if (rule.rail.view().empty()) return "release: a rail's name is empty";
    if (rule.hold_s > kPlanSecondsMax) return "release: a hold is above ten years";
    if (rule.reserve_bp > kBasisPoints) return "release: a reserve is above 10,000 basis points";
    for (std::size_t j = 0; j < i; ++j) {
      if (terms.release[j].rail == rule.rail) {
        return "release: " + std::string(rule.rail.view()) + " is named twice";
      }
    }
  }
  if (!is_scheduled(terms.payout_every)) return {};
  const base::Result<void> window = calendar.check(terms.payout_every);
  return window ? std::string() : "payout_every: " + window.error().message;
}

CommandResult StateMachine::State::decide(const SetReleaseDefaults& command, SegmentBuilder& out) {
  if (std::string wrong = check_terms(command.defaults, calendar); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (release_defaults == command.defaults) return unchanged(0);
  return changed(commit(ReleaseDefaultsSet{command.defaults}, out), 0);
}

CommandResult StateMachine::State::decide(const ReleaseDue& command, SegmentBuilder& out) {
  CommandResult result;
  std::size_t budget = command.max == 0 ? base::limits::kCloseSliceWindows : command.max;
  for (; budget > 0 && !releases_due.empty() && releases_due.begin()->first <= out.time(); --budget) {
    const SettlementId id(releases_due.begin()->second);
    releases_due.erase(releases_due.begin());
    const SettlementRecord* record = find_settlement(id);
    if (record == nullptr || record->finished || record->state != SettlementState::settled) continue;
    const std::vector<ShareRelease>& releases = record->bill().releases;
    const bool due = std::any_of(releases.begin(), releases.end(), [&](const ShareRelease& one) {
      return !one.done && one.due.us != 0 && one.due <= out.time();
    });
    if (!due) continue;
    result.sequence = commit(SharesReleased{id}, out);
    ++result.count;
  }
  result.more = !releases_due.empty() && releases_due.begin()->first <= out.time();
  return result;
}

}  // namespace ledger::core
