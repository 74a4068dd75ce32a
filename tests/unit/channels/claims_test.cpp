#include "channels/claims.h"

#include "base/limits.h"
#include "evm/order.h"
#include "tests/unit/channels/fixture.h"

namespace channels {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kHour_us = 3'600'000'000;

class ClaimsTest : public ChannelsTest {
 protected:
  void begin() {
    claims_.emplace(parts(), options_, *this);
    claims_->start();
    run();
  }
  // A tick now, and all that follows from it.
  void tick() {
    run();  // observers hear of a segment after those who wait for it
    for (const core::ChannelId id : changes_.take().changed) claims_->changed(id);
    claims_->tick();
    run();
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) tick();
  }
  std::vector<core::Settlement> relays() const {
    return ledger_->reader().settlements(core::SettlementId(0), 1'000).value();
  }
  Planned planned(const core::Settlement& relay) const {
    return read_order(ledger_->reader().relay(relay.id)->order, support::kChannelChain, channel_contract()).value();
  }
  std::vector<std::uint64_t> rows(const core::Settlement& relay) const {
    static const std::map<base::Hash, std::uint64_t> numbers = [] {
      std::map<base::Hash, std::uint64_t> all;
      for (std::uint64_t n = 0; n <= 100; ++n) all[channel_key(n)] = n;
      return all;
    }();
    std::vector<std::uint64_t> found;
    for (const base::Hash& key : planned(relay).channels) found.push_back(numbers.at(key));
    return found;
  }
  // As the rail does.
  void step(const core::Settlement& relay, S to, std::string detail = {}) {
    core::StepSettlement sending;
    sending.id = relay.id;
    sending.attempt = relay.attempt;
    sending.to = S::sending;
    sending.idempotency_key = support::test_hash(relay.id.value * 100 + relay.attempt);
    sending.request = {1};
    ledger_->must(sending);
    core::StepSettlement last = sending;
    last.to = to;
    last.detail = std::move(detail);
    if (to == S::failed) last.failure = core::FailureClass::rejected;
    ledger_->must(last);
  }
  // The relay is in a block: the chain has the totals, and the mirror too.
  void confirm(const core::Settlement& relay) {
    for (const std::uint64_t n : rows(relay)) {
      commitments::channel::Snapshot& newest = chain_.newest[channel_key(n)];
      newest.total_claimed = std::min(kept(n).charged, newest.balance);
      chain_.confirmed[channel_key(n)] = newest;
      ledger_->must(support::sync_channel(n, newest, ++block_));
    }
    step(relay, S::confirmed);
  }
  std::optional<Claims> claims_;
  std::uint64_t block_ = 60;
};

TEST_F(ClaimsTest, ARoundBeginsWhenAChargeHasWaitedTheIntervalAndTakesAll) {
  keep(1, 1'000, 300);
  begin();
  tick();
  EXPECT_THAT(relays(), IsEmpty());
  clock_.advance_us(kHour_us - 1'000'000);
  keep(2, 1'000, 200);
  tick();
  EXPECT_THAT(relays(), IsEmpty());
  clock_.advance_us(1'000'000);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(1, 2)) << "the one that came a second ago too";
  ticks(5);
  EXPECT_EQ(relays().size(), 1u) << "it is under way";
  confirm(relays()[0]);
  ticks(5);
  EXPECT_EQ(relays().size(), 1u);
  EXPECT_EQ(claims_->status().rows_claimed, 2u);
  EXPECT_EQ(claims_->status().totals.unclaimed_channels, 0u);
}

TEST_F(ClaimsTest, AWithdrawalIsClaimedAtOnceAndTheEarliestDeadlineFirst) {
  options_.claim_rows_max = 1;
  options_.claim_minimum = 1'000;  // which a withdrawal does not heed
  for (const std::uint64_t n : {1u, 2u, 3u}) keep(n, 1'000, 100);
  begin();
  const std::uint64_t now_s = clock_.now().seconds();
  claims_->withdrawal(kept(3), now_s + 5'000);
  claims_->withdrawal(kept(2), now_s + 4'000);
  claims_->withdrawal(kept(2), now_s + 4'000);
  EXPECT_EQ(withdrawals_.size(), 2u) << "told once";
  ticks(2);
  ASSERT_EQ(relays().size(), 2u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(2));
  EXPECT_THAT(rows(relays()[1]), ElementsAre(3));
  EXPECT_EQ(claims_->status().totals.withdrawals_due, 2u);
}

TEST_F(ClaimsTest, AConfirmedWithdrawalIsKnownAfterARestart) {
  keep(1, 1'000, 100);
  commitments::channel::Snapshot leaving = escrow(1'000);
  leaving.withdrawal = 1'000;
  leaving.withdraw_requested_at_s = clock_.now().seconds();
  ledger_->must(support::sync_channel(1, leaving, 51));
  begin();
  tick();
  EXPECT_EQ(relays().size(), 1u);
  EXPECT_EQ(claims_->status().totals.withdrawals, 1u);
}

TEST_F(ClaimsTest, WhatIsBelowTheMinimumWaits) {
  options_.claim_minimum = 150;
  keep(1, 1'000, 100);
  keep(2, 1'000, 150);
  begin();
  clock_.advance_us(2 * kHour_us);
  ticks(3);
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(2));
  charge(1, 60);
  ticks(2);
  ASSERT_EQ(relays().size(), 2u);
  EXPECT_THAT(rows(relays()[1]), ElementsAre(1));
}

TEST_F(ClaimsTest, OfManyRowsThePoisonedOnesAreFoundAndTheRestGoesInTheSameRound) {
  for (std::uint64_t n = 1; n <= 40; ++n) keep(n, 1'000, 100 + n);
  for (const std::uint64_t n : {5u, 17u, 18u}) chain_.poisoned.insert(channel_config(n).payer);
  begin();
  clock_.advance_us(kHour_us);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_EQ(rows(relays()[0]).size(), 37u);
  EXPECT_LT(chain_.simulations, 40);
  EXPECT_EQ(aside_.size(), 3u);
  EXPECT_EQ(kept(17).put_aside, "claim: error InvalidSignature 0x8baa579f");
  EXPECT_EQ(kept(16).put_aside, "");
  tick();
  EXPECT_EQ(claims_->status().totals.put_aside, 3u);
}

TEST_F(ClaimsTest, WhatWasPutAsideIsTriedAgainByItself) {
  keep(1, 1'000, 100);
  chain_.poisoned.insert(channel_config(1).payer);
  begin();
  clock_.advance_us(kHour_us);
  ticks(3);
  EXPECT_THAT(relays(), IsEmpty());
  ASSERT_NE(kept(1).put_aside, "");
  chain_.poisoned.clear();
  const int before = chain_.simulations;
  ticks(3);
  EXPECT_EQ(chain_.simulations, before) << "not all the time";
  clock_.advance_us(kHour_us);
  ticks(3);
  EXPECT_EQ(kept(1).put_aside, "");
  EXPECT_EQ(relays().size(), 1u);
}

TEST_F(ClaimsTest, WhatAnOperatorPutAsideStaysThere) {
  keep(1, 1'000, 100);
  ledger_->must(core::PutChannelAside{channel_key(1), "disputed"});
  begin();
  clock_.advance_us(5 * kHour_us);
  ticks(5);
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_EQ(kept(1).put_aside, "disputed");
}

TEST_F(ClaimsTest, ANodesTroubleIsNoPoison) {
  keep(1, 1'000, 100);
  keep(2, 1'000, 100);
  chain_.trouble = "rate limit exceeded";
  begin();
  clock_.advance_us(kHour_us);
  ticks(3);
  EXPECT_THAT(aside_, IsEmpty());
  EXPECT_THAT(problem_, HasSubstr("rate limit"));
  chain_.trouble.clear();
  clock_.advance_us(6'000'000);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_EQ(problem_, "") << "over";
}

TEST_F(ClaimsTest, ClaimsWhatIsLeftAndSaysWhatIsLost) {
  keep(1, 1'000, 600);
  keep(2, 1'000, 600);
  keep(3, 1'000, 600);
  chain_.newest[channel_key(1)] = escrow(400);         // 200 are lost
  chain_.newest[channel_key(2)] = escrow(100, 100);    // nothing is left
  chain_.newest[channel_key(3)] = escrow(1'000, 600);  // claimed by somebody a moment ago
  begin();
  clock_.advance_us(kHour_us);
  ticks(2);
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(1));
  EXPECT_THAT(ledger_->reader().relay(relays()[0].id)->label, HasSubstr("400"));
  EXPECT_THAT(kept(2).put_aside, HasSubstr("600 were charged"));
  EXPECT_EQ(kept(3).put_aside, "");
}

TEST_F(ClaimsTest, ManyRowsBecomeBatchesUnderTheLimits) {
  options_.claim_rows_max = 40;
  for (std::uint64_t n = 1; n <= 100; ++n) keep(n, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  ticks(10);
  ASSERT_EQ(relays().size(), 3u);
  EXPECT_EQ(rows(relays()[0]).size() + rows(relays()[1]).size() + rows(relays()[2]).size(), 100u);
  EXPECT_EQ(rows(relays()[0]).size(), 40u);
  EXPECT_EQ(rows_max(256, 30'000'000), evm::kOrderEventsMax);
  EXPECT_EQ(rows_max(100, 5'000'000), 100u) << "the defaults";
  EXPECT_EQ(rows_max(256, 1'000'000), 21u);
  EXPECT_EQ(rows_max(256, 1), 1u);
}

TEST_F(ClaimsTest, TheLongestClaimFitsItsOrder) {
  std::vector<Candidate> rows;
  for (std::uint64_t n = 0; n < rows_max(256, 30'000'000); ++n) {
    core::Channel channel;
    channel.key = channel_key(n);
    channel.config = channel_config(n);
    channel.signed_maximum = 5;
    rows.push_back({channel, 5, 5});
  }
  const commitments::channel::Domain domain = support::channel_domain();
  const core::PlanRelay relay = claim_relay(chain_, rows, claim_order(domain, rows, authorizer_, 30'000'000));
  EXPECT_LE(relay.order.size(), base::limits::kRelayOrderBytesMax);
  EXPECT_NEAR(static_cast<double>(relay.order.size()), static_cast<double>(rows.size() * 567), 600.0)
      << "what rows_max counts with";
  const auto planned = read_order(relay.order, support::kChannelChain, channel_contract());
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->channels.size(), rows.size());
  EXPECT_FALSE(read_order(relay.order, 1, channel_contract()));
}

TEST_F(ClaimsTest, ARestartTakesUpWhatIsUnderWay) {
  keep(1, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  claims_.reset();
  begin();
  clock_.advance_us(kHour_us);
  charge(1, 50);
  ticks(3);
  EXPECT_EQ(relays().size(), 1u) << "not before the first has ended";
  confirm(relays()[0]);
  tick();
  charge(1, 10);
  clock_.advance_us(kHour_us);
  ticks(3);
  EXPECT_EQ(relays().size(), 2u);
}

TEST_F(ClaimsTest, AFailedRelayIsHalvedAndTriedAgain) {
  for (std::uint64_t n = 1; n <= 4; ++n) keep(n, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  tick();
  step(relays()[0], S::failed, "other: the call needs 900 gas");
  ticks(2);
  EXPECT_EQ(relays().size(), 1u) << "not at once";
  clock_.advance_us(11'000'000);
  ticks(3);
  ASSERT_EQ(relays().size(), 3u);
  EXPECT_EQ(rows(relays()[1]).size(), 2u);
  EXPECT_EQ(claims_->status().failed[0], 1u);
  EXPECT_THAT(aside_, IsEmpty());
}

TEST_F(ClaimsTest, AWithdrawalDoesNotWaitForWhatAFailureOrARefusalHolds) {
  keep(1, 1'000, 100);
  keep(2, 1'000, 100);
  chain_.poisoned.insert(channel_config(2).payer);
  begin();
  clock_.advance_us(kHour_us);
  tick();
  step(relays()[0], S::failed, "other: nothing");
  tick();
  chain_.poisoned.clear();
  for (const std::uint64_t n : {1u, 2u}) claims_->withdrawal(kept(n), clock_.now().seconds() + 900);
  ticks(4);
  EXPECT_EQ(claims_->status().under_way[0], 2u);
  // However often it fails, the next attempt comes within a minute.
  for (int times = 0; times < 8; ++times) {
    step(relays()[0], S::failed, "other: nothing");
    tick();
    clock_.advance_us(61'000'000);
    ticks(2);
    ASSERT_EQ(relays()[0].state, S::ready) << times;
  }
}

TEST_F(ClaimsTest, TheSameClaimAgainIsAnotherAttemptAndNotAnotherRelay) {
  keep(1, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  tick();
  step(relays()[0], S::failed, "insufficient_balance: no gas");
  tick();
  clock_.advance_us(11'000'000);
  ticks(2);
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_EQ(relays()[0].state, S::ready);
  EXPECT_EQ(relays()[0].attempt, 2u);
  EXPECT_EQ(claims_->status().under_way[0], 1u);
  confirm(relays()[0]);
  tick();
  EXPECT_EQ(claims_->status().done[0], 1u);
}

TEST_F(ClaimsTest, DearGasMakesClaimsWaitButNotForAWithdrawal) {
  options_.gas_price_max_wei = 100;
  chain_.gas_price_wei = 101;
  keep(1, 1'000, 100);
  keep(2, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  ticks(2);
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_THAT(problem_, HasSubstr("more than 100 wei"));
  clock_.advance_us(6'000'000);
  claims_->withdrawal(kept(2), clock_.now().seconds() + 900);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(2));
}

TEST_F(ClaimsTest, ANodeThatLagsPutsNoChannelAside) {
  keep(1, 1'000, 100);
  const commitments::channel::Snapshot now = std::exchange(chain_.newest[channel_key(1)], {});
  chain_.point(kept(1).block - 10);  // where the deposit was not there yet
  begin();
  clock_.advance_us(kHour_us);
  ticks(3);
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_THAT(aside_, IsEmpty());
  EXPECT_THAT(problem_, HasSubstr("the node lags"));
  chain_.newest[channel_key(1)] = now;
  chain_.point(100);
  clock_.advance_us(6'000'000);
  tick();
  EXPECT_EQ(relays().size(), 1u);
}

TEST_F(ClaimsTest, AWithdrawalNeedsNoGasPrice) {
  chain_.prices_down = true;
  keep(1, 1'000, 100);
  keep(2, 1'000, 100);
  begin();
  clock_.advance_us(kHour_us);
  ticks(2);
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_THAT(problem_, HasSubstr("no eth_gasPrice"));
  claims_->withdrawal(kept(2), clock_.now().seconds() + 900);
  tick();
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_THAT(rows(relays()[0]), ElementsAre(2));
}

TEST_F(ClaimsTest, ANodeThatSimulatesNoLargeClaimsGetsSmallerOnes) {
  for (std::uint64_t n = 1; n <= 8; ++n) keep(n, 1'000, 100);
  chain_.simulated_bytes_max = 1'600;  // two rows
  begin();
  clock_.advance_us(kHour_us);
  for (int i = 0; i < 40 && claims_->status().rows_claimed < 8; ++i) {
    tick();
    for (const core::Settlement& relay : relays())
      if (relay.state == S::ready) confirm(relay);
    tick();
    clock_.advance_us(6'000'000);
  }
  EXPECT_EQ(claims_->status().rows_claimed, 8u);
  EXPECT_THAT(aside_, IsEmpty());
}

TEST_F(ClaimsTest, AnotherAuthorizersChannelsAreNotClaimed) {
  const crypto::SecretKey other = support::secret_key(support::Role::keeper, 7);
  options_.authorizer = &other;
  keep(1, 1'000, 100);
  begin();
  clock_.advance_us(5 * kHour_us);
  ticks(3);
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_EQ(claims_->status().totals.unclaimed_channels, 1u);
}

TEST_F(ClaimsTest, SettlesOnceInAnInterval) {
  keep(1, 1'000, 100);
  const base::Address receiver = channel_config(1).receiver;
  ledger_->must(support::sync_earnings(1, 500, 200, 60));
  chain_.earned[receiver] = {500, 200};
  begin();
  clock_.advance_us(11'000'000);
  ticks(3);
  ASSERT_EQ(relays().size(), 1u);
  EXPECT_EQ(planned(relays()[0]).kind, RelayKind::settle);
  EXPECT_EQ(planned(relays()[0]).receiver, receiver);
  step(relays()[0], S::confirmed);
  chain_.earned[receiver] = {700, 500};
  ledger_->must(support::sync_earnings(1, 700, 500, 61));
  claims_.reset();
  begin();  // after a restart the interval is still the same
  clock_.advance_us(30'000'000);
  ticks(3);
  EXPECT_EQ(relays().size(), 1u);
  clock_.advance_us(24 * kHour_us);
  ticks(8);
  EXPECT_GE(relays().size(), 2u);
  EXPECT_EQ(planned(relays()[1]).kind, RelayKind::claim) << "claims go before";
}

}  // namespace
}  // namespace channels
