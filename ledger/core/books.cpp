// Adding all books up. O(state): for audits, tests and the end of loading.

#include <map>

#include "ledger/core/state.h"

namespace ledger::core {
namespace {

struct Sums {
  i128 posted = 0;
  i128 pending = 0;
  void add(const Balance& balance) {
    posted += balance.posted;
    pending += balance.pending;
  }
};

Outcome differ(const std::string& what, u128 one, u128 other) {
  if (one == other) return {};
  return mismatch(what + ": " + base::to_string(static_cast<i128>(one)) + " and " +
                  base::to_string(static_cast<i128>(other)));
}

}  // namespace

// Every window's lines and carried remainder are its unbilled balance.
Outcome StateMachine::State::check_windows() const {
  std::size_t open = 0;
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    u128 lines = 0;
    if (record.charges) {
      for (const aggregator::Line& line : record.charges->lines.lines()) lines += line.amount.units();
    }
    const u128 carried = record.carried_in ? invariants::StatementAddsUp::sum(*record.carried_in) : 0;
    if (record.window_open()) ++open;
    const u128 pending = static_cast<u128>(record.unbilled.pending);
    const u128 posted = static_cast<u128>(record.unbilled.posted);
    if (lines == pending && carried == posted) continue;
    const std::string name =
        "payer " + std::to_string(record.payer.value) + ", asset " + std::to_string(record.asset.value);
    RETURN_IF_ERROR(differ(name + ": lines and pending usage differ", lines, pending));
    return differ(name + ": carried remainder and posted usage differ", carried, posted);
  }
  return differ("open windows and their count differ", open, open_windows);
}

// Held amounts of payers and mandates are the open holds' maxima.
Outcome StateMachine::State::check_holds() const {
  std::vector<u128> by_tally(tallies.size() + 1);
  std::vector<u128> by_mandate(mandates.size() + 1);
  for (const auto& [sequence, hold] : holds) {
    const TallyRecord* record = find_tally(hold.payer, hold.asset);
    if (record == nullptr || hold.mandate.value > mandates.size()) {
      return mismatch("hold " + std::to_string(sequence) + " has an unknown payer or mandate");
    }
    by_tally[record->number] += hold.maximum.units();
    by_mandate[hold.mandate.value] += hold.maximum.units();
  }
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    if (record.held.units() == by_tally[record.number]) continue;
    return differ("payer " + std::to_string(record.payer.value) + ": held amount and open holds differ",
                  record.held.units(), by_tally[record.number]);
  }
  for (std::size_t i = 0; i < mandates.size(); ++i) {
    const MandateState& state = mandates[i].state;
    RETURN_IF_ERROR(differ("mandate " + std::to_string(state.id.value) + ": held amount and open holds differ",
                           state.held.units(), by_mandate[state.id.value]));
  }
  return differ("holds and their index differ", holds.size(), hold_index.size());
}

// Receivables are the open collections; payables are what can be paid out and what is being paid out.
Outcome StateMachine::State::check_settlements() const {
  std::vector<u128> open(tallies.size() + 1);
  std::vector<u128> sending(tallies.size() + 1);
  std::vector<std::uint32_t> overdue(payers.size() + 1);
  std::map<std::pair<PayeeId, AssetId>, u128> payouts;
  settlements.for_each([&](std::uint64_t, const SettlementRecord& record) {
    if (record.finished || record.kind == SettlementKind::relay || record.kind == SettlementKind::refund) return;
    const Stage stage = stage_of(record.state);
    if (record.kind == SettlementKind::payout) {
      if (stage < Stage::posted) {
        payouts[{record.payee, record.asset}] += record.amount.units() + record.fee().units();
      }
      return;
    }
    const std::uint32_t number = find_tally(record.payer, record.asset)->number;
    if (stage < Stage::posted) open[number] += record.amount.units();
    if (stage == Stage::reserved) sending[number] += record.amount.units();
    if (record.overdue) ++overdue[record.payer.value];
  });
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    const u128 receivable = static_cast<u128>(record.receivable.posted);
    const u128 under_way = static_cast<u128>(-record.receivable.pending);
    if (receivable == open[record.number] && under_way == sending[record.number]) continue;
    const std::string name = "payer " + std::to_string(record.payer.value);
    RETURN_IF_ERROR(differ(name + ": receivable and open collections differ", receivable, open[record.number]));
    return differ(name + ": receivable and collections under way differ", under_way, sending[record.number]);
  }
  for (std::size_t i = 0; i < payees.size(); ++i) {
    for (const auto& record : payees[i].balances) {
      const PayeeBalance& balance = record->balance;
      const auto paying = payouts.find({balance.payee, balance.asset});
      const u128 owed = balance.payable_now.units() + (paying == payouts.end() ? 0 : paying->second);
      RETURN_IF_ERROR(differ("payee " + std::to_string(balance.payee.value) + ": payable and payouts differ",
                             static_cast<u128>(-balance.payable.posted), owed));
    }
  }
  for (std::size_t i = 0; i < payers.size(); ++i) {
    if (payers[i].overdue == overdue[i + 1]) continue;
    return differ("payer " + std::to_string(i + 1) + ": overdue collections and their count differ", payers[i].overdue,
                  overdue[i + 1]);
  }
  return {};
}

// Each asset's accounts sum to zero in both phases.
Outcome StateMachine::State::check_zero() const {
  std::map<AssetId, Sums> sums;  // a few
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    Sums& sum = sums[record.asset];
    sum.add(record.unbilled);
    sum.add(record.receivable);
    if (record.extra) sum.add(record.extra->credit);
  }
  for (std::size_t i = 0; i < payees.size(); ++i) {
    for (const auto& record : payees[i].balances) {
      sums[record->balance.asset].add(record->balance.accrued);
      sums[record->balance.asset].add(record->balance.payable);
      sums[record->balance.asset].add(record->balance.reserve);
      sums[record->balance.asset].add(record->balance.recoverable);
    }
  }
  for (const auto& record : assets) {
    const OperatorBalance& operators = record->operators;
    for (const Balance* balance :
         {&operators.in_transit, &operators.out_transit, &operators.cash, &operators.revenue, &operators.bad_debt,
          &operators.rounding, &operators.rail_fees, &operators.suspense, &operators.tax, &operators.refunds}) {
      sums[record->asset.id].add(*balance);
    }
  }
  for (const auto& [asset, sum] : sums) {
    if (sum.posted == 0 && sum.pending == 0) continue;
    return mismatch("the accounts of asset " + std::to_string(asset.value) + " sum to " + base::to_string(sum.posted) +
                    " posted and " + base::to_string(sum.pending) + " pending, not to zero");
  }
  return {};
}

// What is in suspense is what the notices in suspense say.
Outcome StateMachine::State::check_suspense() const {
  std::map<AssetId, i128> sums;
  for (const auto& [number, notice] : open_notices) {
    if (notice.state != NoticeState::suspense) continue;
    const auto amount = static_cast<i128>(notice.amount.units());
    sums[notice.asset] += notice.direction == Direction::in ? -amount : amount;
  }
  for (const auto& record : assets) {
    const i128 booked = record->operators.suspense.posted;
    const i128 said = sums[record->asset.id];
    if (booked == said) continue;
    return mismatch("asset " + std::to_string(record->asset.id.value) +
                    ": suspense and its notices differ: " + base::to_string(booked) + " and " + base::to_string(said));
  }
  return {};
}

// What was charged is what was captured and what was taken over from the chain; earnings add the captured up.
Outcome StateMachine::State::check_channels() const {
  std::vector<u128> captured(earnings.size() + 1);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const ChannelRecord& record = channels[i];
    const std::string name = "channel " + std::to_string(i + 1);
    if (record.earnings == 0 || record.earnings > earnings.size()) return mismatch(name + ": its earnings are unknown");
    captured[record.earnings] += record.captured;
    if (record.charged < record.chain.total_claimed) return mismatch(name + ": charged is below what was claimed");
    if (record.charged < record.captured) return mismatch(name + ": charged is below what was captured");
    if (record.charged == record.captured && record.charged > record.signed_maximum) {
      return mismatch(name + ": charged is above what the payer signed");
    }
    const bool is_charged = record.charges != 0;
    if (is_charged != (record.captured != 0) || is_charged != (record.signed_maximum != 0) ||
        is_charged != (record.charged_at.us != 0)) {
      return mismatch(name + ": charges, captured amount and voucher differ");
    }
    if (!record.reservation) continue;
    const ChannelReservation& reservation = *record.reservation;
    const bool sane = reservation.sequence.valid() && reservation.sequence <= head.last_sequence &&
                      reservation.amount != 0 && reservation.refund == (reservation.expires.us == 0) &&
                      (reservation.refund || reservation.maximum >= reservation.amount);
    if (!sane) return mismatch(name + ": its reservation is not one that can be made");
  }
  for (std::size_t i = 0; i < earnings.size(); ++i) {
    const Earnings& of = earnings[i].earnings;
    RETURN_IF_ERROR(differ("earnings " + std::to_string(i + 1) + ": charged and the captures of its channels differ",
                           of.charged, captured[i + 1]));
  }
  return {};
}

// What is to be refunded is what the refunds say, and statements count theirs.
Outcome StateMachine::State::check_refunds() const {
  std::map<AssetId, u128> owed;
  std::map<std::uint64_t, std::uint32_t> open, counted;
  settlements.for_each([&](std::uint64_t, const SettlementRecord& record) {
    if (record.finished) return;
    if (record.kind == SettlementKind::collection && record.bill().refunds_open != 0) {
      counted[record.statement.value] += record.bill().refunds_open;
    }
    if (record.kind != SettlementKind::refund) return;
    ++open[record.statement.value];
    if (stage_of(record.state) < Stage::posted) owed[record.asset] += record.amount.units();
  });
  for (const auto& [statement, closed] : closed_statements) {
    if (closed.refunds_open != 0) counted[statement] += closed.refunds_open;
  }
  if (open != counted) return mismatch("the refunds under way and what their statements say differ");
  for (const auto& record : assets) {
    RETURN_IF_ERROR(
        differ("asset " + std::to_string(record->asset.id.value) + ": refunds to be paid and refunds differ",
               static_cast<u128>(-record->operators.refunds.posted), owed[record->asset.id]));
  }
  return {};
}

// Payees' reserves are what their released shares say; nobody owes and is owed at once.
Outcome StateMachine::State::check_reserves() const {
  std::map<std::pair<PayeeId, AssetId>, u128> reserves;
  settlements.for_each([&](std::uint64_t, const SettlementRecord& record) {
    if (record.finished || record.bill().releases.empty()) return;
    const std::vector<aggregator::PayeeShare> shares = record.share_list();
    for (std::size_t i = 0; i < shares.size(); ++i) {
      reserves[{shares[i].payee, record.asset}] += record.bill().releases[i].reserve.units();
    }
  });
  for (std::size_t i = 0; i < payees.size(); ++i) {
    for (const auto& record : payees[i].balances) {
      const PayeeBalance& balance = record->balance;
      const std::string name = "payee " + std::to_string(balance.payee.value);
      const auto reserved = reserves.find({balance.payee, balance.asset});
      RETURN_IF_ERROR(differ(name + ": reserve and released shares differ", static_cast<u128>(-balance.reserve.posted),
                             reserved == reserves.end() ? 0 : reserved->second));
      if (balance.recoverable.posted < 0) return mismatch(name + " has given back more than it owed");
      if (balance.recoverable.posted > 0 && !balance.payable_now.is_zero()) return mismatch(name + " owes and is owed");
    }
  }
  return {};
}

base::Result<void> StateMachine::State::check_books() const {
  RETURN_IF_ERROR(check_zero());
  RETURN_IF_ERROR(check_windows());
  RETURN_IF_ERROR(check_holds());
  RETURN_IF_ERROR(check_settlements());
  RETURN_IF_ERROR(check_suspense());
  RETURN_IF_ERROR(check_refunds());
  RETURN_IF_ERROR(check_reserves());
  return check_channels();
}

}  // namespace ledger::core
