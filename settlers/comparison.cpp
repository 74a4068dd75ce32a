#include <algorithm>

#include "settlers/reconciler.h"

namespace settlers {
namespace {

using S = SettlementState;

bool is_under_way(S state) { return state == S::sending || state == S::accepted || state == S::unknown; }
bool has_moved(S state) {
  return state == S::confirmed || state == S::settled || state == S::disputed || state == S::final;
}

// What the books say that the settlement moved, seen from the operator's account.
base::i128 expected(const Settlement& settlement) {
  if (!has_moved(settlement.state)) return 0;
  const base::i128 amount = settlement.amount.signed_units();
  return settlement.kind == SettlementKind::collection ? amount : -amount;
}

Amount magnitude(base::i128 value) {
  return Amount::from_units(static_cast<base::u128>(value < 0 ? -value : value)).value_or(Amount{});
}

}  // namespace

RailComparison::RailComparison(std::string rail, Time from, Time to,
                               std::function<bool(const Settlement&)> keeps_record)
    : from_(from), to_(to), keeps_record_(std::move(keeps_record)) {
  counts_.rail = std::move(rail);
}

void RailComparison::add(const RailMovement& movement) {
  if (movement.time >= from_ && movement.time < to_) ++counts_.movements;
  std::size_t at = groups_.size();
  if (movement.settlement.valid()) {
    at = by_settlement_.try_emplace(movement.settlement.value, at).first->second;
  } else {
    at = by_reference_.try_emplace(movement.reference, at).first->second;
  }
  if (at == groups_.size()) groups_.emplace_back();
  Group& group = groups_[at];
  group.last = movement;
  ++group.movements;
  group.comparable = group.comparable && movement.amount.has_value();
  if (!movement.amount) return;
  const base::i128 amount = movement.amount->signed_units();
  group.net += movement.incoming ? amount : -amount;
}

void RailComparison::explain(const Notice& notice) {
  if (notice.recorded_as != NoticeState::suspense || notice.rail.view() != counts_.rail) return;
  std::size_t at = groups_.size();
  const auto by_number = by_settlement_.find(notice.settlement.value);
  const auto by_name = by_reference_.find(notice.external_id);
  if (notice.settlement.valid() && by_number != by_settlement_.end()) at = by_number->second;
  if (!notice.settlement.valid() && by_name != by_reference_.end()) at = by_name->second;
  if (at == groups_.size()) return;
  const base::i128 amount = notice.amount.signed_units();
  groups_[at].net -= notice.direction == ledger::core::Direction::in ? amount : -amount;
}

RailComparison::Group* RailComparison::find(const Settlement& settlement) {
  const auto by_number = by_settlement_.find(settlement.id.value);
  if (by_number != by_settlement_.end()) return &groups_[by_number->second];
  if (settlement.reference.empty() || settlement.rail.view() != counts_.rail) return nullptr;
  const auto by_name = by_reference_.find(settlement.reference);
  return by_name == by_reference_.end() ? nullptr : &groups_[by_name->second];
}

Difference RailComparison::difference(DifferenceKind kind, const Settlement& settlement) const {
  Difference one;
  one.kind = kind;
  one.rail = counts_.rail;
  one.settlement = settlement.id;
  one.reference = settlement.reference;
  one.asset = settlement.asset;
  one.incoming = settlement.kind == SettlementKind::collection;
  one.since = settlement.submitted;
  return one;
}

void RailComparison::compare(const Settlement& settlement, std::vector<Difference>& found) {
  if (settlement.kind == SettlementKind::relay) return;
  const bool here = settlement.rail.view() == counts_.rail;
  const bool in_time = settlement.submitted >= from_ && settlement.submitted < to_;
  const bool counted = here && in_time && has_moved(settlement.state);
  if (counted) ++counts_.settlements;
  Group* group = find(settlement);
  if (group == nullptr) {
    if (!counted) return;
    if (!keeps_record_(settlement)) {
      ++counts_.uncompared;
      return;
    }
    Difference one = difference(DifferenceKind::not_at_rail, settlement);
    one.ours = settlement.amount;
    one.detail = "the rail has no record of it";
    found.push_back(std::move(one));
    return;
  }
  group->claimed = true;
  if (!in_time && group->last.time < from_) return;
  // The rail knows first: what is under way is judged when it is known. Not known amounts are not judged.
  if (counted && !group->comparable) ++counts_.uncompared;
  if ((here && is_under_way(settlement.state)) || !group->comparable) return;
  // The bank has the money of a dispute, or has it not taken yet.
  const bool with_the_bank = settlement.state == S::disputed && group->net == 0;
  if (counted && with_the_bank) ++counts_.matched;
  const base::i128 ours = here && !with_the_bank ? expected(settlement) : 0;
  if (ours == group->net) {
    if (ours != 0 && in_time) ++counts_.matched;
    return;
  }
  const DifferenceKind kind = ours == 0         ? DifferenceKind::not_in_books
                              : group->net == 0 ? DifferenceKind::not_at_rail
                                                : DifferenceKind::amount;
  Difference one = difference(kind, settlement);
  one.reference = group->last.reference;
  one.since = group->last.time;
  one.incoming = group->net > 0 || (group->net == 0 && ours > 0);
  if (ours != 0) one.ours = magnitude(ours);
  if (group->net != 0) one.theirs = magnitude(group->net);
  if (!here)
    one.detail = "its settlement is on the rail " + std::string(settlement.rail.view());
  else if (ours == 0)
    one.detail = "its settlement has not moved money";
  else
    one.detail = group->net == 0 ? "all of it went back" : std::to_string(group->movements) + " movements";
  if (!group->last.detail.empty()) one.detail += "; " + group->last.detail;
  found.push_back(std::move(one));
}

void RailComparison::finish(std::vector<Difference>& found) {
  for (const Group& group : groups_) {
    const bool nothing = group.comparable && group.net == 0;
    if (group.claimed || nothing || group.last.time < from_ || group.last.time >= to_) continue;
    Difference one;
    one.kind = DifferenceKind::not_in_books;
    one.rail = counts_.rail;
    one.settlement = group.last.settlement;
    one.reference = group.last.reference;
    one.asset = group.last.asset;
    one.incoming = group.comparable ? group.net > 0 : group.last.incoming;
    if (group.comparable) one.theirs = magnitude(group.net);
    one.since = group.last.time;
    one.detail = group.last.settlement.valid() ? "the books have no such settlement" : "it names no settlement";
    if (!group.last.detail.empty()) one.detail += "; " + group.last.detail;
    found.push_back(std::move(one));
  }
}

}  // namespace settlers
