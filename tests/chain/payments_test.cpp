// The ways of paying, and the refusals, on a real node.

#include "tests/chain/chain_fixture.h"

namespace chain_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(ChainTest, CollectsByAllowance) {
  give(payer_, 5'000'000);
  allow(kUnlimited);
  ASSERT_TRUE(begin());
  const SettlementId id = collect(1'234'567);
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 1'234'567u);
  EXPECT_EQ(balance(payer_), 5'000'000u - 1'234'567u);
  EXPECT_EQ(nonce(), 1u);
  const auto hash = base::hash_from_hex(ledger_.at(id).reference);
  ASSERT_TRUE(hash);
  EXPECT_EQ(chain_->receipt_status(*hash).value(), 1);
  const auto path = ledger_.path(id);
  ASSERT_FALSE(path.empty());
  EXPECT_EQ(path.front(), S::sending);
  EXPECT_EQ(path.back(), S::final);
}

TEST_F(ChainTest, CollectsByPermit) {
  give(payer_, 5'000'000);
  set_mandate({permit(3'000'000)});
  ASSERT_TRUE(begin());
  const SettlementId first = collect(1'000'000);
  run_until_final(first);
  EXPECT_EQ(nonce(), 2u) << "the permit, then the transfer";
  EXPECT_EQ(chain_->allowance(token_, payer_, operator_).value(), 2'000'000u);
  const SettlementId second = collect(500'000);
  run_until_final(second);
  EXPECT_EQ(nonce(), 3u) << "the allowance is there now";
  EXPECT_EQ(balance(operator_), 1'500'000u);
}

TEST_F(ChainTest, CollectsByAuthorisationOfExactlyThatAmount) {
  give(payer_, 5'000'000);
  set_mandate({authorisation(777'777)});
  ASSERT_TRUE(begin());
  const SettlementId other = collect(777'776);
  run_until_state(other, S::failed);
  EXPECT_EQ(ledger_.at(other).failure, FailureClass::no_mandate);
  const SettlementId exact = collect(777'777);
  run_until_final(exact);
  EXPECT_EQ(balance(operator_), 777'777u);
  const SettlementId again = collect(777'777);
  run_until_state(again, S::failed);
  EXPECT_EQ(ledger_.at(again).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(again).detail, HasSubstr("authorization is used or canceled"));
}

TEST_F(ChainTest, PaysOut) {
  give(operator_, 9'000'000);
  ASSERT_TRUE(begin());
  const SettlementId id = pay_out(4'000'000);
  run_until_final(id);
  EXPECT_EQ(balance(payee_), 4'000'000u);
  EXPECT_EQ(balance(operator_), 5'000'000u);
}

TEST_F(ChainTest, RefundsToThePayersAddressInParts) {
  give(payer_, 4'000'000);
  allow(kUnlimited);
  ASSERT_TRUE(begin());
  const SettlementId origin = collect(4'000'000);
  run_until_final(origin);
  const SettlementId first = refund(origin, 1'000'000);
  run_until_final(first);
  EXPECT_EQ(balance(payer_), 1'000'000u);
  EXPECT_EQ(balance(operator_), 3'000'000u);
  const SettlementId rest = refund(origin, 3'000'000);
  run_until_final(rest);
  EXPECT_EQ(balance(payer_), 4'000'000u);
  EXPECT_EQ(balance(operator_), 0u);
  // The treasury is empty: it waits, as payouts do, and nothing is sent.
  const SettlementId more = refund(origin, 1);
  run_until([&] { return ledger_.at(more).technical_retries >= 1; });
  EXPECT_EQ(ledger_.at(more).state, S::ready);
  EXPECT_EQ(ledger_.at(origin).state, S::final);
}

TEST_F(ChainTest, APayoutWaitsWhileTheTreasuryIsShort) {
  ASSERT_TRUE(begin());
  const SettlementId id = pay_out(4'000'000);
  run_until([&] { return ledger_.at(id).technical_retries >= 1; });
  EXPECT_EQ(ledger_.at(id).state, S::ready);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("has 0.000000 and needs 4.000000"));
  EXPECT_EQ(dispatcher_->status().rails[0].breaker, settlers::BreakerState::closed);
  give(operator_, 4'000'000);
  run_until_final(id);
  EXPECT_EQ(balance(payee_), 4'000'000u);
}

TEST_F(ChainTest, InsufficientFundsIsADefiniteFailureAndSendsNothing) {
  give(payer_, 99);
  allow(kUnlimited);
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::insufficient_funds);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("has 0.000099 and needs 0.000100"));
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::failed));
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(ChainTest, NoAllowanceIsADefiniteFailure) {
  give(payer_, 100);
  allow(99);
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("0.000099"));
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(ChainTest, AForgedPermitIsADefiniteFailure) {
  give(payer_, 1'000);
  MandateItem forged = permit(1'000);
  forged.value = settlers::stablecoin::word_of(u128{2'000});
  set_mandate({forged});
  ASSERT_TRUE(begin());
  const SettlementId id = collect(1'000);
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("invalid signature"));
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(ChainTest, AMalformedMandateIsNamed) {
  give(payer_, 1'000);
  ledger_.payer_at(payer_id_).rail_mandates = {{*base::RailName::parse("stablecoin"), {9, 9, 9}}};
  ASSERT_TRUE(begin());
  const SettlementId id = collect(1'000);
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("version 9"));
}

TEST_F(ChainTest, BlacklistAndPauseAreRejected) {
  give(payer_, 1'000);
  give(operator_, 1'000);
  allow(kUnlimited);
  ASSERT_TRUE(chain_->set_blacklisted(token_, payer_, true));
  ASSERT_TRUE(chain_->set_blacklisted(token_, payee_, true));
  ASSERT_TRUE(begin());
  const SettlementId in = collect(100);
  const SettlementId out = pay_out(100);
  run_until_state(in, S::failed);
  run_until_state(out, S::failed);
  EXPECT_EQ(ledger_.at(in).failure, FailureClass::rejected);
  EXPECT_THAT(ledger_.at(in).detail, HasSubstr("account is blacklisted"));
  EXPECT_EQ(ledger_.at(out).failure, FailureClass::rejected);
  ASSERT_TRUE(chain_->set_blacklisted(token_, payer_, false));
  ASSERT_TRUE(chain_->set_paused(token_, true));
  const SettlementId paused = collect(100);
  run_until_state(paused, S::failed);
  EXPECT_EQ(ledger_.at(paused).failure, FailureClass::rejected);
  EXPECT_THAT(ledger_.at(paused).detail, HasSubstr("Pausable: paused"));
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(ChainTest, APayoutAccountThatIsNoAddressIsADefiniteFailure) {
  give(operator_, 1'000);
  ASSERT_TRUE(begin());
  const auto payee = ledger_.add_payee("DE89370400440532013000");
  const SettlementId id = ledger_.pay_out(payee, 100, "stablecoin");
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("DE89370400440532013000"));
}

TEST_F(ChainTest, ManyPaymentsEachMoveOnce) {
  give(payer_, 1'000'000);
  allow(kUnlimited);
  ASSERT_TRUE(begin());
  std::uint64_t total = 0;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    collect(i * 10);
    total += i * 10;
  }
  const SettlementId last = pay_out(50);
  run_until([&] {
    if (ledger_.count(S::confirmed) > 0) mine_one();
    return ledger_.count(S::final) == 21;
  });
  EXPECT_EQ(balance(operator_) + balance(payee_), total);
  EXPECT_EQ(balance(payee_), 50u);
  EXPECT_EQ(nonce(), 21u);
  EXPECT_EQ(ledger_.at(last).state, S::final);
}

TEST_F(ChainTest, ADryRunSignsNothingAway) {
  give(payer_, 1'000);
  allow(kUnlimited);
  dispatch_.dry_run = true;
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until([&] { return !would_send_.empty(); });
  EXPECT_THAT(would_send_[0], HasSubstr("0.000100"));
  EXPECT_TRUE(ledger_.steps.empty());
  EXPECT_EQ(nonce(), 0u);
  end();
  dispatch_.dry_run = false;
  ASSERT_TRUE(begin());
  run_until_final(id);
  EXPECT_EQ(nonce(), 1u) << "no nonce was used up by the dry run";
}

TEST_F(ChainTest, FinalityByTag) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.confirmed = {BlockRule::Kind::safe, 0};
  stablecoin_.finality = {BlockRule::Kind::finalized, 0};
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  run_rounds(3);
  EXPECT_EQ(ledger_.at(id).state, S::accepted) << "in a block is not yet confirmed";
  ASSERT_TRUE(chain_->mine(1));  // an epoch is one block here: safe is one behind, finalized two
  run_until_state(id, S::confirmed);
  run_rounds(3);
  EXPECT_EQ(ledger_.at(id).state, S::confirmed);
  ASSERT_TRUE(chain_->mine(1));
  run_until_state(id, S::final);
}

}  // namespace
}  // namespace chain_test
