#include "ops/channel_totals.h"

#include <algorithm>

namespace ops {
namespace {

namespace core = ledger::core;
using base::u128;

u128 rest(u128 whole, u128 part) noexcept { return whole > part ? whole - part : 0; }
void grow(u128& sum, u128 by) noexcept { sum = by > ~u128{0} - sum ? ~u128{0} : sum + by; }

}  // namespace

base::Time withdrawal_deadline(const core::Channel& channel) noexcept {
  if (channel.chain.withdrawal == 0) return {};
  // On the chain both are below 2^40.
  constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 40;
  const std::uint64_t start_s = std::min(channel.chain.withdraw_requested_at_s, kSecondsMax);
  return base::Time::from_seconds(start_s + std::min<std::uint64_t>(channel.config.withdraw_delay_s, kSecondsMax));
}

u128 unclaimed(const core::Channel& channel) noexcept {
  return rest(std::min(channel.charged, channel.signed_maximum), channel.chain.total_claimed);
}

TokenTotals& ChannelSums::of(std::uint64_t chain_id, const core::Address& token) {
  TokenTotals& totals = tokens_[{chain_id, token}];
  totals.chain_id = chain_id;
  totals.token = token;
  return totals;
}

void ChannelSums::add(const core::Channel& channel) {
  const u128 due = unclaimed(channel);
  TokenTotals& token = of(channel.chain_id, channel.config.token);
  ++token.channels;
  grow(token.escrow, rest(channel.chain.balance, channel.chain.total_claimed));
  grow(token.charged, channel.charged);
  grow(token.unclaimed, due);
  grow(token.claimed, channel.chain.total_claimed);
  ++totals_.channels;
  if (!channel.put_aside.empty()) ++totals_.put_aside;
  const base::Time deadline = withdrawal_deadline(channel);
  if (deadline.us == 0) return;
  ++totals_.withdrawals;
  if (due > 0) ++totals_.withdrawals_unclaimed;
  const bool before = totals_.next_deadline.us == 0 || deadline < totals_.next_deadline;
  if ((due > 0 && !deadline_unclaimed_) || ((due > 0) == deadline_unclaimed_ && before)) {
    totals_.next_deadline = deadline;
    totals_.next_channel = channel.id;
    deadline_unclaimed_ = due > 0;
  }
}

void ChannelSums::add(const core::Earnings& earnings) {
  if (earnings.block == 0) return;  // not looked up yet
  TokenTotals& token = of(earnings.chain_id, earnings.token);
  grow(token.settled, earnings.settled);
  grow(token.unsettled, rest(earnings.claimed, earnings.settled));
}

ChannelTotals ChannelSums::totals() const {
  ChannelTotals totals = totals_;
  for (const auto& [key, token] : tokens_) totals.tokens.push_back(token);
  return totals;
}

}  // namespace ops
