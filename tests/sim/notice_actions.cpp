#include "tests/sim/world.h"

// Rails that speak on their own, and an operator who answers.

namespace sim {

core::Notice World::random_notice() {
  static const char* const kRails[] = {"sandbox", "card", "bank"};
  core::Notice notice;
  notice.rail = *base::RailName::parse(kRails[below(3)]);
  if (!chance(2)) notice.key = support::test_hash(below(20 + 2 * model_.notices.size()));
  notice.source = "webhook";
  notice.kind = static_cast<core::NoticeKind>(1 + below(6));
  if (chance(80)) {
    notice.settlement = core::SettlementId(1 + below(model_.settlements.size() + (chance(5) ? 3 : 1)));
    const auto at = model_.settlements.find(notice.settlement.value);
    if (at != model_.settlements.end() && chance(80)) notice.rail = *base::RailName::parse(at->second.rail);
  }
  if (chance(40)) {
    notice.asset = core::AssetId(static_cast<std::uint16_t>(1 + below(chance(97) ? 2 : 3)));
    notice.amount = core::Amount(1 + below(3000));
    notice.direction = chance(70) ? core::Direction::in : core::Direction::out;
    if (chance(2)) notice.asset = core::AssetId{};
  }
  if (chance(5)) notice.recorded_as = core::NoticeState::refused;
  notice.body = {static_cast<std::uint8_t>(below(256))};
  return notice;
}

core::Command World::random_notice_command() {
  if (chance(30) && !model_.notices.empty()) {
    core::ResolveNotice resolve;
    resolve.id = core::NoticeId(1 + below(model_.notices.size() + (chance(5) ? 1 : 0)));
    for (const auto& [number, notice] : model_.notices) {  // mostly one about which there is something to do
      const bool open = notice.state == core::NoticeState::waiting || notice.state == core::NoticeState::suspense;
      if (open && chance(20)) resolve.id = core::NoticeId(number);
    }
    resolve.resolution = static_cast<core::Resolution>(below(5));
    resolve.payer = actors_.payer(below(chance(90) ? 4 : 5));
    resolve.reason = "test";
    return resolve;
  }
  core::RecordNotices record;
  for (std::uint64_t i = 1 + below(3); i > 0; --i) {
    if (!said_.empty() && chance(20)) {  // a rail that repeats itself
      record.notices.push_back(said_[below(said_.size())]);
    } else {
      said_.push_back(random_notice());
      record.notices.push_back(said_.back());
    }
  }
  return record;
}

// The ledger's answer to each notice.
std::string World::judge_answers(const core::CommandResult& result) {
  if (result.notices.size() != model_.answers.size()) return "the ledger answers another number of notices";
  for (std::size_t i = 0; i < model_.answers.size(); ++i) {
    const auto& [status, number] = model_.answers[i];
    ++statuses_[status];
    if (result.notices[i].status != status || result.notices[i].id.value != number) {
      return "notice " + std::to_string(i) + ": the ledger says " + std::string(base::name(result.notices[i].status)) +
             ", number " + std::to_string(result.notices[i].id.value) + "; the model " +
             std::string(base::name(status)) + ", " + std::to_string(number);
    }
  }
  const bool changed = ledger_.journal().size() != ledger_.first_new();
  const bool is_new = std::any_of(model_.answers.begin(), model_.answers.end(),
                                  [](const auto& answer) { return answer.first == base::Status::ok; });
  return changed == is_new ? "" : "what was said before changed something";
}

// Whatever is decided: a new attempt needs a definite failure, or somebody who asks for it when nothing is under way.
std::string World::judge_attempts() const {
  for (std::size_t i = ledger_.first_new(); i < ledger_.journal().size(); ++i) {
    const auto* step = std::get_if<core::SettlementStepped>(&ledger_.journal()[i].entry);
    if (step == nullptr || step->to != core::SettlementState::ready) continue;
    const bool under_way = stage(step->from) != 0;
    const bool undone = step->failure != core::FailureClass::none;
    if (under_way && !undone) return "a new attempt while the last one is under way";
    if (step->from == core::SettlementState::unknown && !undone) return "a new attempt from unknown";
  }
  return "";
}

}  // namespace sim
