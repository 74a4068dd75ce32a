// What rails say on their own, in the model.

#include "tests/sim/model.h"

namespace sim {
namespace {

using core::Direction;
using core::NoticeState;
using core::Resolution;

Direction own_direction(SettlementKind kind) {
  if (kind == SettlementKind::collection) return Direction::in;
  return kind == SettlementKind::relay ? Direction::none : Direction::out;
}

// Its rail will look at it: ready, or somewhere on its way.
bool is_open(SettlementState state) {
  return state == SettlementState::ready || stage(state) == 1 || stage(state) == 2 || stage(state) == 3;
}

// Nothing is to happen with it any more.
bool is_over(const ModelSettlement& settlement) {
  const SettlementState state = settlement.state;
  if (stage(state) == 4 || state == SettlementState::written_off || state == SettlementState::cancelled) return true;
  if (settlement.kind == SettlementKind::payout) return state == SettlementState::returned;
  return settlement.kind == SettlementKind::refund &&
         (state == SettlementState::returned || state == SettlementState::failed);
}

}  // namespace

bool Model::waits_for(const ModelNotice& notice, std::uint64_t settlement) const {
  return notice.state == NoticeState::waiting && notice.settlement == settlement;
}

bool Model::contradicted(std::uint64_t settlement) const {
  const Direction own = own_direction(settlements.at(settlement).kind);
  return std::any_of(notices.begin(), notices.end(), [&](const auto& one) {
    return own != Direction::none && waits_for(one.second, settlement) && one.second.direction == own;
  });
}

void Model::apply_notices(const core::StepSettlement& step, SettlementState before, const std::string& rail) {
  const ModelSettlement& settlement = settlements.at(step.id.value);
  for (auto& [number, notice] : notices) {
    if (!waits_for(notice, step.id.value)) continue;
    const bool is_money = notice.amount != 0;
    const bool named = std::count(step.explained.begin(), step.explained.end(), core::NoticeId(number)) != 0;
    const bool looked_at = number <= step.notices_read.value && notice.rail == rail &&
                           (!is_money || (named && before != SettlementState::ready));
    const bool nobody_will = !is_money && (!is_open(settlement.state) || notice.rail != settlement.rail);
    if (looked_at || nobody_will) notice.state = NoticeState::applied;
  }
}

NoticeState Model::state_of(const core::Notice& notice) const {
  const bool is_money = !notice.amount.is_zero();
  const auto at = settlements.find(notice.settlement.value);
  if (notice.recorded_as == NoticeState::refused) return NoticeState::refused;
  if (at == settlements.end()) return is_money ? NoticeState::suspense : NoticeState::applied;
  if (is_over(at->second) && notice.kind == core::NoticeKind::returned && !is_money) return NoticeState::waiting;
  const bool looked_at = is_open(at->second.state) && at->second.rail == notice.rail.view();
  return is_money || looked_at ? NoticeState::waiting : NoticeState::applied;
}

Status Model::run(Time now, const core::RecordNotices& command) {
  answers.clear();
  for (const core::Notice& notice : command.notices) {
    const std::string rail(notice.rail.view());
    const bool is_money = notice.direction != Direction::none;
    if (notice.key.is_zero() || is_money != !notice.amount.is_zero() || is_money != notice.asset.valid()) {
      answers.emplace_back(Status::value_invalid, 0);
      continue;
    }
    if (is_money && !assets.contains(notice.asset.value)) {
      answers.emplace_back(Status::asset_unknown, 0);
      continue;
    }
    const auto [at, is_new] = notice_keys.try_emplace({rail, notice.key}, notices.size() + 1);
    answers.emplace_back(is_new ? Status::ok : Status::already_accepted, at->second);
    if (!is_new) continue;
    const bool exists = settlements.contains(notice.settlement.value);
    ModelNotice& kept = notices[at->second];
    kept = {rail,
            exists ? notice.settlement.value : 0,
            notice.asset.value,
            money(notice.amount),
            notice.direction,
            state_of(notice)};
    if (kept.state == NoticeState::suspense)
      suspense[kept.asset] += kept.direction == Direction::in ? kept.amount : -kept.amount;
    if (kept.state != NoticeState::waiting) continue;
    ModelSettlement& settlement = settlements.at(kept.settlement);
    const bool is_probed = is_open(settlement.state) && settlement.state != SettlementState::ready;
    if (is_probed && settlement.rail == rail) settlement.next_action = now;
  }
  return Status::ok;
}

Status Model::run(Time, const core::ResolveNotice& command) {
  const auto at = notices.find(command.id.value);
  if (at == notices.end()) return Status::not_found;
  ModelNotice& notice = at->second;
  const bool booked = notice.state == NoticeState::suspense;
  if (!booked && notice.state != NoticeState::waiting) return Status::wrong_state;
  const bool incoming = notice.direction == Direction::in;
  switch (command.resolution) {
    case Resolution::none: return Status::wrong_state;
    case Resolution::pays_statement: {
      if (!incoming) return Status::wrong_state;
      if (find_address(payers, command.payer) == payers.end()) return Status::payer_unknown;
      if (command.statement.value > statements.size()) return Status::value_invalid;
      std::vector<core::StatementId> list = command.oldest_first;
      if (command.statement.valid()) list = {command.statement};
      pay({find_address(payers, command.payer)->first, notice.asset}, notice.amount,
          "notice " + std::to_string(command.id.value), list);
      break;
    }
    case Resolution::dismissed:
      if (booked) return Status::wrong_state;
      break;
    case Resolution::payer_credit:
      if (!incoming) return Status::wrong_state;
      if (find_address(payers, command.payer) == payers.end()) return Status::payer_unknown;
      accounts[{find_address(payers, command.payer)->first, notice.asset}].credit += notice.amount;
      break;
    case Resolution::went_back:
    case Resolution::operators:
      if (notice.amount == 0) return Status::wrong_state;
      break;
  }
  if (booked) suspense[notice.asset] -= incoming ? notice.amount : -notice.amount;
  notice.state = NoticeState::resolved;
  return Status::ok;
}

}  // namespace sim
