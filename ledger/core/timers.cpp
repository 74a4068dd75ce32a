// Deciding what time brings: closing windows, expiring holds, planning payouts. Each works in slices.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

// A slice without a size gets the usual one.
std::size_t slice_of(std::size_t max) { return max == 0 ? base::limits::kCloseSliceWindows : max; }

}  // namespace

CommandResult StateMachine::State::decide(const CloseNow& command, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(command.payer));
  if (find_asset(command.asset) == nullptr) {
    return refuse(Status::asset_unknown, "there is no asset " + std::to_string(command.asset.value));
  }
  TallyRecord* record = find_tally(payer, command.asset);
  if (record == nullptr || !record->window_open()) {
    return refuse(Status::wrong_state, "the payer has no open window in this asset");
  }
  const std::uint64_t statements = head.statements;
  close_window(*record, out.time() >= record->window.end ? CloseReason::time : CloseReason::operator_asked, out);
  CommandResult result = changed(head.last_sequence, head.statements > statements ? head.statements : 0);
  result.count = 1;
  return result;
}

CommandResult StateMachine::State::decide(const CloseDue& command, SegmentBuilder& out) {
  CommandResult result;
  const std::size_t budget = slice_of(command.max);
  // Closing a window takes it off the list.
  for (std::size_t i = 0; i < budget && drop_closed_windows() && windows_due.begin()->first <= out.time(); ++i) {
    const DueWindows& due = windows_due.begin()->second;
    TallyRecord& record = tallies[due.tallies[due.next] - 1];
    if (record.window.end != windows_due.begin()->first) continue;  // more closed ones than one call drops
    close_window(record, CloseReason::time, out);
    result.sequence = head.last_sequence;
    ++result.count;
  }
  result.more = !windows_due.empty() && windows_due.begin()->first <= out.time();
  return result;
}

CommandResult StateMachine::State::decide_expire(const ExpireHolds& command, ReplayIndex& replay, SegmentBuilder& out) {
  CommandResult result;
  std::size_t budget = slice_of(command.max);
  while (budget > 0 && !hold_expiry.empty() && hold_expiry.begin()->first <= out.time()) {
    const Hold& hold = holds.at(hold_expiry.begin()->second);
    const HoldReleased entry{hold.sequence, hold.payer, hold.nonce, ReleaseReason::expired};
    result.sequence = commit(entry, out);
    // Zero content: no item has it, so a later capture or release learns that the hold expired.
    replay.insert(replay_key_finish(entry.payer, entry.nonce), {result.sequence, {}});
    ++result.count;
    --budget;
  }
  result.more = !hold_expiry.empty() && hold_expiry.begin()->first <= out.time();
  return result;
}

CommandResult StateMachine::State::decide(const PlanPayouts& command, SegmentBuilder& out) {
  CommandResult result;
  const auto is_time = [&] { return !payouts_later.empty() && std::get<Time>(*payouts_later.begin()) <= out.time(); };
  for (std::size_t budget = slice_of(command.max); budget > 0 && (!payouts_due.empty() || is_time()); --budget) {
    const bool waited = is_time();
    const auto [payee_id, asset] =
        waited ? std::pair(std::get<PayeeId>(*payouts_later.begin()), std::get<AssetId>(*payouts_later.begin()))
               : *payouts_due.begin();
    const Payee& payee = find_payee(payee_id)->payee;
    ReleaseDefaults buffer;
    const aggregator::WindowSpec& every = terms_of(payee, buffer).payout_every;
    ++result.count;
    if (!waited && is_scheduled(every)) {  // which puts it on the list of later ones
      result.sequence = commit(PayoutScheduled{payee_id, asset, calendar.window_at(every, out.time()).end}, out);
      continue;
    }
    SettlementPlanned entry;
    Settlement& settlement = entry.settlement;
    settlement.id = SettlementId(head.settlements + 1);
    settlement.kind = SettlementKind::payout;
    settlement.payee = payee_id;
    settlement.asset = asset;
    settlement.amount = payout_amount(payee, payee_balance(payee_id, asset).balance);
    settlement.fee = payee.fee_fixed;
    settlement.rail = payee.payout_rail;
    settlement.next_action = out.time();
    settlement.created = out.time();
    result.sequence = commit(entry, out);  // which takes the payee off its list
    result.id = settlement.id.value;
  }
  result.more = !payouts_due.empty() || is_time();
  return result;
}

}  // namespace ledger::core
