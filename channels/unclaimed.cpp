#include "channels/unclaimed.h"

#include <algorithm>

namespace channels {

namespace {

// A withdrawal that was seen and never confirmed was undone, or finished at once.
constexpr std::uint64_t kEarlySeconds = 3'600;

}  // namespace

base::u128 claimable(const core::Channel& channel) { return std::min(channel.charged, channel.signed_maximum); }

void Unclaimed::index(std::uint64_t id, const Row& row, bool in) {
  const auto put = [in](auto& set, auto value) {
    in ? static_cast<void>(set.insert(value)) : static_cast<void>(set.erase(value));
  };
  base::u128& sum = sums_[row.token];
  sum = in ? sum + row.due : sum - row.due;
  if (!row.ours) return;
  if (row.may_try_again) put(may_try_again_, id);
  if (row.aside) return;
  if (row.deadline_s != 0) {
    put(by_deadline_, std::pair(row.deadline_s, id));
  } else if (row.due >= minimum_) {
    put(by_age_, std::pair(row.since, id));
  }
}

void Unclaimed::update(const core::Channel& channel, base::Time now) {
  const std::uint64_t id = channel.id.value;
  channels_ = std::max(channels_, id);
  if (channel.chain_id != ours_.chain_id || channel.contract != ours_.contract) return;
  const auto mark = [id](std::set<std::uint64_t>& set, bool in) {
    in ? static_cast<void>(set.insert(id)) : static_cast<void>(set.erase(id));
  };
  mark(put_aside_, !channel.put_aside.empty());
  const bool withdraws = channel.chain.withdraw_requested_at_s != 0;
  mark(withdrawing_, withdraws);
  if (withdraws) early_.erase(id);
  const auto found = rows_.find(id);
  std::optional<Row> before;
  if (found != rows_.end()) {
    before = found->second;
    index(id, *before, false);
    rows_.erase(found);
  }
  const base::u128 total = claimable(channel);
  if (total <= channel.chain.total_claimed) return;
  Row row;
  row.key = channel.key;
  row.receiver = channel.config.receiver;
  row.token = channel.config.token;
  row.due = total - channel.chain.total_claimed;
  row.ours = !ours_.authorizer.is_zero() && channel.config.receiver_authorizer == ours_.authorizer;
  row.aside = !channel.put_aside.empty();
  row.may_try_again = channel.put_aside.starts_with(kAsidePrefix);
  // What waits keeps its place when more is charged; what was claimed in part begins anew.
  row.since = channel.charged_at.us != 0 ? channel.charged_at : now;
  if (before && row.due >= before->due) row.since = before->since;
  if (withdraws) row.deadline_s = channel.chain.withdraw_requested_at_s + channel.config.withdraw_delay_s;
  const auto early = early_.find(id);
  if (early != early_.end()) {
    if (now.seconds() > early->second.second.seconds() + kEarlySeconds) {
      early_.erase(early);
    } else {
      row.deadline_s = early->second.first;
    }
  }
  index(id, row, true);
  rows_.emplace(id, row);
}

bool Unclaimed::note_withdrawal(core::ChannelId id, std::uint64_t deadline_s, base::Time now) {
  const auto found = rows_.find(id.value);
  if (found != rows_.end() && found->second.deadline_s == deadline_s) return false;
  if (early_.contains(id.value) || withdrawing_.contains(id.value)) return false;
  early_[id.value] = {deadline_s, now};
  if (found != rows_.end()) {
    index(id.value, found->second, false);
    found->second.deadline_s = deadline_s;
    index(id.value, found->second, true);
  }
  return true;
}

std::vector<core::ChannelId> Unclaimed::withdrawals(std::size_t limit,
                                                    const std::unordered_set<std::uint64_t>& held) const {
  std::vector<core::ChannelId> found;
  for (auto at = by_deadline_.begin(); at != by_deadline_.end() && found.size() < limit; ++at)
    if (!held.contains(at->second)) found.emplace_back(at->second);
  return found;
}

std::vector<core::ChannelId> Unclaimed::waiting(base::Time until, std::size_t limit,
                                                const std::unordered_set<std::uint64_t>& held) const {
  std::vector<core::ChannelId> found;
  for (auto at = by_age_.begin(); at != by_age_.end() && at->first <= until && found.size() < limit; ++at)
    if (!held.contains(at->second)) found.emplace_back(at->second);
  return found;
}

std::vector<core::ChannelId> Unclaimed::aside(std::size_t limit, const std::unordered_set<std::uint64_t>& held) const {
  std::vector<core::ChannelId> found;
  for (auto at = may_try_again_.begin(); at != may_try_again_.end() && found.size() < limit; ++at)
    if (!held.contains(*at)) found.emplace_back(*at);
  return found;
}

const Unclaimed::Row* Unclaimed::find(core::ChannelId id) const {
  const auto found = rows_.find(id.value);
  return found == rows_.end() ? nullptr : &found->second;
}

Unclaimed::Totals Unclaimed::totals() const {
  Totals totals;
  totals.channels = channels_;
  totals.unclaimed_channels = rows_.size();
  totals.unclaimed = sums_;
  totals.put_aside = put_aside_.size();
  totals.withdrawals = withdrawing_.size();
  totals.withdrawals_due = by_deadline_.size();
  if (!by_age_.empty()) totals.oldest = by_age_.begin()->first;
  for (const auto& [deadline, id] : by_deadline_) {
    const base::Time since = rows_.at(id).since;
    if (totals.oldest.us == 0 || since < totals.oldest) totals.oldest = since;
  }
  return totals;
}

}  // namespace channels
