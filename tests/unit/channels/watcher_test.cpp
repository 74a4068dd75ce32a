#include "channels/watcher.h"

#include "tests/unit/channels/fixture.h"

namespace channels {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WatcherTest : public ChannelsTest {
 protected:
  void begin() {
    run();            // observers hear of a segment after those who wait for it
    changes_.take();  // opened before it began
    watcher_.emplace(parts(), options_, *this, [this](const core::Channel& channel, std::uint64_t deadline_s) {
      withdrawals_.emplace_back(channel.key, deadline_s);
    });
    watcher_->start();
    run();
  }
  // The next look.
  void look() {
    run();
    watcher_->opened(changes_.take().opened);
    pass(options_.poll_ms);
  }
  void happens(evm::ChannelEvent event, std::uint64_t block) {
    chain_.log.push_back({block, {}, {}, chain_.log.size(), std::move(event)});
  }
  void deposit(std::uint64_t n, std::uint64_t balance, std::uint64_t block) {
    chain_.confirmed[channel_key(n)] = escrow(balance);
    happens(evm::Deposited{channel_key(n), {}, 1, balance}, block);
  }
  std::optional<Watcher> watcher_;
};

TEST_F(WatcherTest, ReadsEverythingOnceInPiecesAndThenWhatEventsName) {
  for (std::uint64_t n = 1; n <= 250; ++n) {
    ledger_->must(support::sync_channel(n, escrow(1), 10));
    chain_.confirmed[channel_key(n)] = escrow(1'000 + n);
  }
  begin();
  EXPECT_TRUE(watcher_->in_step());
  EXPECT_EQ(kept(250).chain.balance, 1'250u);
  EXPECT_EQ(kept(250).block, 100u);
  EXPECT_EQ(chain_.largest_piece, 100u);
  EXPECT_EQ(chain_.channels_read, 250u);
  look();
  EXPECT_EQ(chain_.channels_read, 250u) << "nothing has happened";
  chain_.point(110);
  deposit(7, 5'000, 105);
  deposit(8, 6'000, 111);  // not confirmed yet
  deposit(999, 1, 106);    // not kept
  look();
  EXPECT_EQ(kept(7).chain.balance, 5'000u);
  EXPECT_EQ(kept(8).chain.balance, 1'008u);
  EXPECT_EQ(chain_.channels_read, 251u);
  EXPECT_EQ(watcher_->status().seen_block, 110u);
}

TEST_F(WatcherTest, AChannelOpenedAtAnOldBlockIsReadAgain) {
  begin();
  chain_.point(110);
  deposit(1, 900, 105);
  look();
  ledger_->must(support::sync_channel(1, escrow(0), 104));  // by somebody who read before
  look();
  look();
  EXPECT_EQ(kept(1).chain.balance, 900u);
}

TEST_F(WatcherTest, EarningsFollowClaimsAndPayouts) {
  keep(1, 1'000, 100);
  const base::Address receiver = channel_config(1).receiver;
  begin();
  const auto earned = [this] { return ledger_->reader().earnings(10)->front(); };
  EXPECT_EQ(earned().block, 100u) << "looked up once";
  chain_.point(110);
  chain_.earned[receiver] = {500, 0};
  happens(evm::Claimed{channel_key(1), {}, 100, 100}, 105);
  look();
  EXPECT_EQ(earned().claimed, 500u);
  chain_.point(120);
  chain_.earned[receiver] = {500, 500};
  happens(evm::Settled{receiver, support::channel_token(), {}, 500}, 115);
  look();
  EXPECT_EQ(earned().settled, 500u);
  chain_.point(130);
  chain_.earned[receiver] = {800, 500};  // by a channel that is not kept
  look();
  EXPECT_EQ(earned().claimed, 500u);
  pass(options_.earnings_interval_ms);
  EXPECT_EQ(earned().claimed, 800u);
}

TEST_F(WatcherTest, AGoneBlockMeansEverythingAgain) {
  keep(1, 1'000, 0);
  keep(2, 1'000, 0);
  begin();
  chain_.point(110);
  deposit(1, 5'000, 105);
  look();
  ASSERT_EQ(kept(1).chain.balance, 5'000u);
  chain_.log.clear();
  chain_.confirmed[channel_key(1)] = escrow(1'000);
  chain_.fork = 1'000'000;
  chain_.point(110);
  look();
  EXPECT_THAT(rewound_, ElementsAre(110));
  EXPECT_EQ(kept(1).chain.balance, 1'000u);
  EXPECT_EQ(kept(2).chain.balance, 1'000u);
  EXPECT_TRUE(watcher_->in_step());
  EXPECT_EQ(watcher_->status().rewinds, 1u);
}

TEST_F(WatcherTest, ANodeThatLagsIsNotBelieved) {
  keep(1, 1'000, 0);
  begin();
  chain_.point(110);
  look();
  chain_.point(105);
  chain_.confirmed[channel_key(1)] = escrow(7);
  look();
  EXPECT_THAT(problem_, HasSubstr("lags"));
  EXPECT_EQ(kept(1).chain.balance, 1'000u);
  EXPECT_TRUE(rewound_.empty());
  chain_.point(111);
  look();
  EXPECT_EQ(problem_, "");
}

TEST_F(WatcherTest, WithoutANodeItFallsOutOfStepAndComesBack) {
  keep(1, 1'000, 0);
  chain_.down = true;
  begin();
  EXPECT_FALSE(watcher_->in_step());
  EXPECT_THAT(problem_, HasSubstr("does not answer"));
  chain_.down = false;
  look();
  EXPECT_TRUE(watcher_->in_step());
  chain_.down = true;
  pass(29'000);
  EXPECT_TRUE(watcher_->in_step()) << "a moment is forgiven";
  pass(3'000);
  EXPECT_FALSE(watcher_->in_step());
  // What happened meanwhile is not missed.
  chain_.down = false;
  chain_.point(200);
  deposit(1, 4'000, 150);
  look();
  EXPECT_EQ(kept(1).chain.balance, 4'000u);
  EXPECT_TRUE(watcher_->in_step());
}

TEST_F(WatcherTest, AWithdrawalIsSeenBeforeItIsConfirmed) {
  keep(1, 1'000, 100);
  begin();
  happens(evm::WithdrawInitiated{channel_key(1), 1'000, 7'777}, chain_.at.newest.number);
  happens(evm::WithdrawInitiated{channel_key(9), 1'000, 8'888}, chain_.at.newest.number);  // not kept
  chain_.point(100);
  look();
  ASSERT_FALSE(withdrawals_.empty());
  EXPECT_EQ(withdrawals_.front(), std::pair(channel_key(1), std::uint64_t{7'777}));
  EXPECT_EQ(kept(1).chain.withdraw_requested_at_s, 0u);
}

TEST_F(WatcherTest, ASweepFindsWhatNoEventTold) {
  keep(1, 1'000, 0);
  begin();
  chain_.confirmed[channel_key(1)] = escrow(9'000);
  look();
  EXPECT_EQ(kept(1).chain.balance, 1'000u);
  options_.poll_ms = 60'000;
  pass(options_.sweep_interval_ms + 120'000);
  EXPECT_EQ(kept(1).chain.balance, 9'000u);
}

}  // namespace
}  // namespace channels
