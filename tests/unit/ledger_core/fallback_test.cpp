// Collections over several rails: who is asked next, and who no more.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using base::Status;
using S = SettlementState;

class FallbackTest : public LedgerTest {
 protected:
  FallbackTest() {
    set_up_world();
    set_rails({"card", "bank", "stable"});
    charge(1000);
    advance(24 * 3600);
    must(CloseDue{1});
  }
  static RailName rail(std::string_view name) { return *RailName::parse(name); }
  void set_rails(const std::vector<std::string>& names) {
    Plan plan = this->plan("day");
    plan.rails.clear();
    for (const std::string& name : names) plan.rails.push_back(rail(name));
    must(SetPlan{plan});
  }
  // The rail that is asked next, after the present one failed like this.
  std::string after(FailureClass failure) {
    EXPECT_EQ(step(1, S::sending).status, Status::ok);
    EXPECT_EQ(step(1, S::failed, failure).status, Status::ok);
    return std::string(settlement(1).rail.view());
  }
  std::uint64_t wait_s() const { return (settlement(1).next_action.us - now_.us) / 1'000'000; }
  Standing standing() const { return payer().standing; }
};

TEST_F(FallbackTest, EachDefiniteFailureGoesToTheNextRailAtOnce) {
  EXPECT_EQ(settlement(1).rail, rail("card"));
  for (const auto& [failure, next] :
       {std::pair(FailureClass::insufficient_funds, "bank"), std::pair(FailureClass::no_mandate, "stable")}) {
    EXPECT_EQ(after(failure), next);
    EXPECT_EQ(settlement(1).state, S::ready);
    EXPECT_EQ(settlement(1).next_action, now_);
    EXPECT_EQ(settlement(1).dunning_step, 0u);
    EXPECT_EQ(entries_of_kind<SettlementStepped>().back().rail, rail(next));
  }
  EXPECT_EQ(settlement(1).attempt, 3u);
  EXPECT_EQ(after(FailureClass::insufficient_funds), "card") << "the round is over";
  EXPECT_EQ(wait_s(), 60u);
  EXPECT_EQ(settlement(1).dunning_step, 1u);
  step(1, S::sending);
  step(1, S::confirmed);
  EXPECT_TRUE(entries_of_kind<SettlementStepped>().back().rail.view().empty());
}

TEST_F(FallbackTest, ARailThatRejectedIsNotAskedAgain) {
  EXPECT_EQ(after(FailureClass::rejected), "bank");
  EXPECT_EQ(settlement(1).refusals, (std::vector<RailRefusal>{{rail("card"), FailureClass::rejected}}));
  EXPECT_EQ(after(FailureClass::insufficient_funds), "stable");
  EXPECT_EQ(after(FailureClass::insufficient_funds), "bank") << "the first one that has not refused";
  EXPECT_EQ(wait_s(), 60u);
  EXPECT_EQ(after(FailureClass::rejected), "stable");
  EXPECT_EQ(wait_s(), 0u);
  EXPECT_EQ(after(FailureClass::rejected), "stable");
  EXPECT_EQ(settlement(1).state, S::failed) << "nobody is left, whatever the plan would wait for";
  EXPECT_EQ(standing(), Standing::suspended_by_dunning);
  EXPECT_EQ(settlement(1).refusals.size(), 3u);
}

TEST_F(FallbackTest, WhatThePayerMustDoIsAskedForAgainWhenNobodyElseIsLeft) {
  EXPECT_EQ(after(FailureClass::needs_action), "bank");
  EXPECT_EQ(after(FailureClass::rejected), "stable");
  EXPECT_EQ(after(FailureClass::insufficient_funds), "stable") << "not the card while another may do";
  EXPECT_EQ(wait_s(), 60u);
  EXPECT_EQ(after(FailureClass::rejected), "card");
  EXPECT_EQ(wait_s(), 3600u);
  EXPECT_EQ(after(FailureClass::needs_action), "card");
  EXPECT_EQ(settlement(1).state, S::failed) << "the plan's waits are over";
  EXPECT_EQ(settlement(1).failure, FailureClass::needs_action);
}

TEST_F(FallbackTest, MachineryStaysOnItsRail) {
  EXPECT_EQ(after(FailureClass::technical), "card");
  EXPECT_EQ(settlement(1).technical_retries, 1u);
  EXPECT_EQ(after(FailureClass::insufficient_funds), "bank");
  EXPECT_EQ(settlement(1).technical_retries, 0u) << "counted for each rail";
}

TEST_F(FallbackTest, NothingLeadsFromUnknownToAnotherRail) {
  step(1, S::sending);
  step(1, S::unknown);
  EXPECT_EQ(run(RetrySettlement{SettlementId(1)}).status, Status::wrong_state);
  EXPECT_EQ(step(1, S::sending).status, Status::wrong_state);
  EXPECT_EQ(settlement(1).rail, rail("card"));
  EXPECT_EQ(step(1, S::failed, FailureClass::insufficient_funds).status, Status::ok) << "found to be one";
  EXPECT_EQ(settlement(1).rail, rail("bank"));
}

TEST_F(FallbackTest, ARetryOnRequestBeginsAnewAndForgetsRefusals) {
  for (int i = 0; i < 3; ++i) after(FailureClass::rejected);
  EXPECT_EQ(settlement(1).state, S::failed);
  must(RetrySettlement{SettlementId(1)});
  EXPECT_EQ(settlement(1).rail, rail("card"));
  EXPECT_TRUE(settlement(1).refusals.empty());
  EXPECT_EQ(after(FailureClass::insufficient_funds), "bank");
}

TEST_F(FallbackTest, APlanWhoseRailsChangedIsFollowedFromTheNextFailureOn) {
  set_rails({"bank"});
  EXPECT_EQ(settlement(1).rail, rail("card"));
  EXPECT_EQ(after(FailureClass::insufficient_funds), "bank");
  EXPECT_EQ(wait_s(), 60u) << "a rail that is not in the plan has no next one";
}

TEST_F(FallbackTest, TheRailsWordAndItsFeeAreKept) {
  step(1, S::sending);
  StepSettlement said;
  said.id = SettlementId(1);
  said.attempt = 1;
  said.to = S::failed;
  said.failure = FailureClass::insufficient_funds;
  said.code = "card_declined\x1b[2J/" + std::string(100, 'x');
  said.rail_fee = Amount(30);
  must(said);
  EXPECT_EQ(settlement(1).code, "card_declined?[2J/" + std::string(46, 'x'));
  EXPECT_EQ(settlement(1).rail_fee, Amount(30)) << "a decline is not free";
  EXPECT_EQ(operators().rail_fees.posted, 30);
  EXPECT_EQ(operators().cash.posted, -30);
  step(1, S::sending);
  EXPECT_TRUE(settlement(1).code.empty());
  EXPECT_TRUE(settlement(1).rail_fee.is_zero()) << "of the new attempt";
  said = {};
  said.id = SettlementId(1);
  said.attempt = 2;
  said.to = S::settled;
  said.rail_fee = Amount(59);
  must(said);
  EXPECT_EQ(operators().rail_fees.posted, 89);
  EXPECT_EQ(operators().cash.posted, 1000 - 89);
  said.rail_fee = Amount(50);
  must(said);
  EXPECT_EQ(operators().rail_fees.posted, 80) << "corrected";
  said.to = S::returned;
  said.rail_fee.reset();
  must(said);
  EXPECT_EQ(operators().cash.posted, -80) << "what the rail kept does not come back by itself";
  EXPECT_EQ(settlement(1).rail_fee, Amount(50));
  said.to = S::final;
  must(RetrySettlement{SettlementId(1)});
  step(1, S::sending);
  said.attempt = 3;
  said.rail_fee = *Amount::from_units(Amount::kUnitsMax);
  EXPECT_EQ(run(said).status, Status::amount_overflow);
}

TEST_F(FallbackTest, PayoutsStayOnTheirRail) {
  bring(1, S::final);
  must(PlanPayouts{1});
  step(2, S::sending);
  step(2, S::failed, FailureClass::insufficient_funds);
  EXPECT_EQ(settlement(2).state, S::failed);
  EXPECT_EQ(settlement(2).rail, rail("sandbox"));
  EXPECT_TRUE(settlement(2).refusals.empty());
}

}  // namespace
}  // namespace ledger::core
