// Payouts to payees.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using S = SettlementState;

class PayoutTest : public LedgerTest {
 protected:
  PayoutTest() { set_up_world(); }

  void set_payee(std::uint64_t fee_fixed, std::uint64_t minimum) {
    Payee payee;
    payee.address = actors_.payee(0);
    payee.label = "payee 0";
    payee.fee_basis_points = 250;
    payee.fee_fixed = Amount(fee_fixed);
    payee.payout_minimum = Amount(minimum);
    payee.payout_rail = *RailName::parse("sandbox");
    must(SetPayee{payee});
  }
  // Charges, bills and collects `amount`; gives the collection's number.
  std::uint64_t earn(std::uint64_t amount, AssetId asset = kUsdc) {
    SingleSpec spec;
    spec.asset = asset;
    charge(amount, spec);
    must(CloseNow{actors_.payer(0), asset});
    const std::uint64_t id = machine_->head().settlements;
    bring(id, S::final);
    return id;
  }
};

TEST_F(PayoutTest, PaysWhatIsFinalNetOfFees) {
  set_payee(5, 0);
  EXPECT_FALSE(machine_->payouts_waiting());
  earn(1'000);
  EXPECT_TRUE(machine_->payouts_waiting());
  const CommandResult planned = must(PlanPayouts{10});
  EXPECT_EQ(planned.count, 1u);
  EXPECT_FALSE(planned.more);
  EXPECT_FALSE(machine_->payouts_waiting());
  EXPECT_EQ(settlement(2).kind, SettlementKind::payout);
  EXPECT_EQ(settlement(2).amount, Amount(970));
  EXPECT_EQ(settlement(2).fee, Amount(5));
  EXPECT_EQ(settlement(2).next_action, now_);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0));
  EXPECT_EQ(payee_balance(1).open_payout, SettlementId(2));

  step(2, S::sending);
  EXPECT_EQ(payee_balance(1).payable, (Balance{-975, 975}));
  EXPECT_EQ(operators().out_transit, (Balance{0, -970}));
  step(2, S::confirmed);
  EXPECT_EQ(payee_balance(1).payable, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).paid_out, Amount(970));
  EXPECT_EQ(payee_balance(1).fees, Amount(30));
  EXPECT_EQ(operators().out_transit, (Balance{-970, 0}));
  EXPECT_EQ(operators().revenue, (Balance{-30, 0}));
  EXPECT_EQ(payee_balance(1).open_payout, SettlementId(2));
  step(2, S::settled);
  EXPECT_EQ(operators().cash, (Balance{30, 0})) << "what stays is the operator's fee";
  EXPECT_EQ(operators().out_transit, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).open_payout, SettlementId(0));
  step(2, S::final);
  EXPECT_EQ(machine_->counts().open_settlements, 0u);
}

TEST_F(PayoutTest, WaitsForTheMinimumAndMoreThanTheFee) {
  set_payee(25, 2'000);
  earn(1'000);
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u);
  set_payee(25, 975);
  EXPECT_TRUE(machine_->payouts_waiting()) << "a changed minimum counts at once";
  set_payee(975, 0);
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u) << "nothing would be left after the fee";
  set_payee(974, 0);
  EXPECT_EQ(must(PlanPayouts{10}).count, 1u);
  EXPECT_EQ(settlement(2).amount, Amount(1));
}

TEST_F(PayoutTest, OneAtATime) {
  set_payee(0, 0);
  earn(1'000);
  must(PlanPayouts{10});
  earn(1'000);
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
  bring(2, S::confirmed);
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u);
  step(2, S::settled);
  EXPECT_EQ(must(PlanPayouts{10}).count, 1u);
}

TEST_F(PayoutTest, MovesOnlyWhatTheRailCan) {
  set_payee(0, 0);
  earn(10'000, kUsd);  // net 9,750 at scale 9; the rail moves thousands
  must(PlanPayouts{10});
  EXPECT_EQ(settlement(2).amount, Amount(9'000));
  EXPECT_EQ(payee_balance(1, kUsd).payable_now, Amount(750));
}

TEST_F(PayoutTest, FailureRetryAndCancel) {
  set_payee(5, 0);
  earn(1'000);
  must(PlanPayouts{10});
  step(2, S::sending);
  step(2, S::failed, FailureClass::technical, 10);
  EXPECT_EQ(settlement(2).state, S::ready);
  EXPECT_EQ(settlement(2).attempt, 2u);
  must(RetrySettlement{SettlementId(2)});
  EXPECT_EQ(settlement(2).next_action, now_) << "what waits is only due earlier";
  EXPECT_EQ(settlement(2).attempt, 2u);
  step(2, S::sending);
  EXPECT_EQ(run(RetrySettlement{SettlementId(2)}).status, Status::wrong_state);
  step(2, S::failed, FailureClass::insufficient_funds);
  EXPECT_EQ(settlement(2).state, S::failed) << "payouts are not dunned";
  EXPECT_EQ(payer().standing, Standing::active);
  EXPECT_EQ(payee_balance(1).payable, (Balance{-975, 0}));
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u) << "the failed one is still open";
  must(RetrySettlement{SettlementId(2)});
  EXPECT_EQ(settlement(2).attempt, 3u);
  must(CancelSettlement{SettlementId(2), "wrong account"});
  EXPECT_EQ(settlement(2).state, S::cancelled);
  EXPECT_EQ(settlement(2).detail, "wrong account");
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
  EXPECT_EQ(run(CancelSettlement{SettlementId(2), ""}).status, Status::wrong_state);
  EXPECT_EQ(must(PlanPayouts{10}).count, 1u) << "payable again";
}

TEST_F(PayoutTest, CancelOnlyBeforeSending) {
  set_payee(0, 0);
  earn(1'000);
  must(PlanPayouts{10});
  EXPECT_EQ(run(CancelSettlement{SettlementId(99), ""}).status, Status::not_found);
  step(2, S::sending);
  EXPECT_EQ(run(CancelSettlement{SettlementId(2), ""}).status, Status::wrong_state);
  step(2, S::unknown);
  EXPECT_EQ(run(CancelSettlement{SettlementId(2), ""}).status, Status::wrong_state);
}

TEST_F(PayoutTest, AReturnedPayoutIsPayableAgain) {
  for (const S reached : {S::confirmed, S::settled}) {
    restart();
    set_up_world();
    set_payee(5, 0);
    earn(1'000);
    must(PlanPayouts{10});
    bring(2, reached);
    EXPECT_EQ(step(2, S::returned).status, Status::ok);
    EXPECT_EQ(payee_balance(1).payable, (Balance{-975, 0}));
    EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
    EXPECT_EQ(payee_balance(1).paid_out, Amount(0));
    EXPECT_EQ(payee_balance(1).fees, Amount(25));
    EXPECT_EQ(operators().out_transit, (Balance{0, 0}));
    EXPECT_EQ(operators().cash, (Balance{1000, 0}));
    EXPECT_EQ(run(RetrySettlement{SettlementId(2)}).status, Status::wrong_state);
    EXPECT_EQ(must(PlanPayouts{10}).count, 1u);
  }
}

TEST_F(PayoutTest, PayoutsAreNotDisputed) {
  set_payee(0, 0);
  earn(1'000);
  must(PlanPayouts{10});
  bring(2, S::confirmed);
  EXPECT_EQ(step(2, S::disputed).status, Status::wrong_state);
  EXPECT_EQ(step(2, S::accepted).status, Status::ok) << "a reorg";
  EXPECT_EQ(payee_balance(1).paid_out, Amount(0));
}

TEST_F(PayoutTest, PlansInSlices) {
  set_payee(0, 0);
  SingleSpec spec;
  charge(1'000, spec);
  spec.payee = 1;
  charge(1'000, spec);
  must(CloseNow{actors_.payer(0), kUsdc});
  bring(1, S::final);
  CommandResult slice = must(PlanPayouts{1});
  EXPECT_EQ(slice.count, 1u);
  EXPECT_TRUE(slice.more);
  slice = must(PlanPayouts{1});
  EXPECT_FALSE(slice.more);
  EXPECT_EQ(settlement(3).payee, PayeeId(2));
}

TEST_F(PayoutTest, WithoutARailThereIsNoPayout) {
  Payee payee;
  payee.address = actors_.payee(0);
  must(SetPayee{payee});
  earn(1'000);
  EXPECT_FALSE(machine_->payouts_waiting());
  EXPECT_EQ(payee_balance(1).payable_now, Amount(1'000));
}

}  // namespace
}  // namespace ledger::core
