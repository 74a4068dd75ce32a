#include "channels/unclaimed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/channels.h"

namespace channels {
namespace {

using base::Time;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::Address kAuthorizer = support::secret_key(support::Role::keeper, 0).address();

core::Channel channel(std::uint64_t n, base::u128 charged, base::u128 claimed = 0, std::uint64_t charged_at_s = 0) {
  core::Channel channel;
  channel.id = core::ChannelId(n);
  channel.key = support::channel_key(n);
  channel.chain_id = support::kChannelChain;
  channel.contract = support::channel_contract();
  channel.config = support::channel_config(n);
  channel.charged = charged;
  channel.signed_maximum = charged;
  channel.chain = support::escrow(1'000'000, claimed);
  channel.charged_at = Time::from_seconds(charged_at_s);
  return channel;
}

class UnclaimedTest : public ::testing::Test {
 protected:
  std::vector<std::uint64_t> waiting(std::uint64_t until_s, std::size_t limit = 10) const {
    return numbers(unclaimed_.waiting(Time::from_seconds(until_s), limit, held_));
  }
  std::vector<std::uint64_t> withdrawals(std::size_t limit = 10) const {
    return numbers(unclaimed_.withdrawals(limit, held_));
  }
  static std::vector<std::uint64_t> numbers(const std::vector<core::ChannelId>& ids) {
    std::vector<std::uint64_t> all;
    for (const core::ChannelId id : ids) all.push_back(id.value);
    return all;
  }
  const Time now_ = Time::from_seconds(10'000);
  std::unordered_set<std::uint64_t> held_;
  Unclaimed unclaimed_{{support::kChannelChain, support::channel_contract(), kAuthorizer}, 50};
};

TEST_F(UnclaimedTest, TheLongestWaitComesFirst) {
  unclaimed_.update(channel(1, 100, 0, 300), now_);
  unclaimed_.update(channel(2, 100, 0, 100), now_);
  unclaimed_.update(channel(3, 100, 0, 200), now_);
  EXPECT_THAT(waiting(1'000), ElementsAre(2, 3, 1));
  EXPECT_THAT(waiting(200), ElementsAre(2, 3));
  EXPECT_THAT(waiting(1'000, 1), ElementsAre(2));
  held_ = {2};
  EXPECT_THAT(waiting(1'000), ElementsAre(3, 1));
  EXPECT_EQ(unclaimed_.totals().oldest, Time::from_seconds(100));
}

TEST_F(UnclaimedTest, MoreChargesKeepThePlaceAndAClaimGivesItUp) {
  unclaimed_.update(channel(1, 100, 0, 100), now_);
  unclaimed_.update(channel(1, 200, 0, 900), now_);
  EXPECT_THAT(waiting(100), ElementsAre(1));
  unclaimed_.update(channel(1, 260, 200, 950), now_);
  EXPECT_THAT(waiting(949), IsEmpty());
  EXPECT_THAT(waiting(950), ElementsAre(1));
  unclaimed_.update(channel(1, 260, 260, 950), now_);
  EXPECT_EQ(unclaimed_.find(core::ChannelId(1)), nullptr);
  EXPECT_EQ(unclaimed_.totals().unclaimed.at(support::channel_token()), 0u);
}

TEST_F(UnclaimedTest, OnlyWhatTheVoucherCoversIsClaimable) {
  core::Channel one = channel(1, 500, 0, 100);
  one.signed_maximum = 300;
  unclaimed_.update(one, now_);
  EXPECT_EQ(unclaimed_.find(one.id)->due, 300u);
  one.chain.total_claimed = 300;
  unclaimed_.update(one, now_);
  EXPECT_EQ(unclaimed_.find(one.id), nullptr);
}

TEST_F(UnclaimedTest, BelowTheMinimumOnlyAWithdrawalCounts) {
  unclaimed_.update(channel(1, 49, 0, 100), now_);
  EXPECT_THAT(waiting(1'000), IsEmpty());
  EXPECT_TRUE(unclaimed_.note_withdrawal(core::ChannelId(1), 77, now_));
  EXPECT_FALSE(unclaimed_.note_withdrawal(core::ChannelId(1), 77, now_));
  EXPECT_THAT(withdrawals(), ElementsAre(1));
}

TEST_F(UnclaimedTest, AWithdrawalMovesAChannelToTheFront) {
  for (std::uint64_t n = 1; n <= 3; ++n) unclaimed_.update(channel(n, 100, 0, 100), now_);
  core::Channel leaving = channel(3, 100, 0, 100);
  leaving.chain.withdraw_requested_at_s = 500;
  unclaimed_.update(leaving, now_);
  unclaimed_.note_withdrawal(core::ChannelId(2), 600, now_);
  EXPECT_THAT(withdrawals(), ElementsAre(2, 3));  // 600, and 500 with the delay of a day
  EXPECT_THAT(waiting(1'000), ElementsAre(1));
  unclaimed_.update(channel(3, 100, 0, 100), now_);  // it was cancelled by a refund
  EXPECT_THAT(withdrawals(), ElementsAre(2));
  // One that was seen and never confirmed does not count for ever.
  unclaimed_.update(channel(2, 100, 0, 100), Time::from_seconds(10'000 + 3'601));
  EXPECT_THAT(withdrawals(), IsEmpty());
}

TEST_F(UnclaimedTest, AWithdrawalIsRememberedUntilSomethingIsCharged) {
  unclaimed_.update(channel(1, 0), now_);
  EXPECT_TRUE(unclaimed_.note_withdrawal(core::ChannelId(1), 77, now_));
  unclaimed_.update(channel(1, 10, 0, 100), now_);
  EXPECT_THAT(withdrawals(), ElementsAre(1));
}

TEST_F(UnclaimedTest, WhatIsPutAsideWaitsForItsReasonToGo) {
  core::Channel one = channel(1, 100, 0, 100);
  one.put_aside = "claim: refused";
  core::Channel two = channel(2, 100, 0, 100);
  two.put_aside = "an operator's reason";
  unclaimed_.update(one, now_);
  unclaimed_.update(two, now_);
  EXPECT_THAT(waiting(1'000), IsEmpty());
  EXPECT_THAT(numbers(unclaimed_.aside(10, held_)), ElementsAre(1));
  EXPECT_EQ(unclaimed_.totals().put_aside, 2u);
  EXPECT_EQ(unclaimed_.totals().unclaimed.at(support::channel_token()), 200u);
  unclaimed_.update(channel(1, 100, 0, 100), now_);
  EXPECT_THAT(waiting(1'000), ElementsAre(1));
  EXPECT_EQ(unclaimed_.totals().put_aside, 1u);
}

}  // namespace
}  // namespace channels
