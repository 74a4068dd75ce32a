// Prepaid credit, credit notes, write-offs.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using S = SettlementState;

class CreditTest : public LedgerTest {
 protected:
  CreditTest() { set_up_world(); }
  CommandResult note(std::uint64_t amount, std::uint64_t statement = 0, AssetId asset = kUsdc) {
    return run(
        CreateCreditNote{actors_.payer(0), asset, StatementId(statement), Amount(amount), "sorry", next_reference()});
  }
  // Payee 0 earns 600, payee 1 earns 400.
  void bill() {
    SingleSpec spec;
    charge(600, spec);
    spec.payee = 1;
    charge(400, spec);
    must(CloseNow{actors_.payer(0), kUsdc});
  }
};

TEST_F(CreditTest, CreditRaisesTheLimitAndPaysTheNextStatement) {
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(1'000)});
  EXPECT_EQ(note(300).status, Status::ok);
  EXPECT_EQ(tally().credit, Amount(300));
  EXPECT_EQ(operators().revenue, (Balance{300, 0})) << "goodwill is the operator's";
  const ItemResult refused = submit_one(charge_item(1'301));
  EXPECT_EQ(refused.status, Status::credit_limit_exceeded);
  EXPECT_EQ(refused.limit, Amount(1'300));
  EXPECT_EQ(refused.allowed, Amount(1'300));
  charge(1'300);
  must(CloseNow{actors_.payer(0), kUsdc});
  EXPECT_EQ(statement(1).net, Amount(1'300));
  EXPECT_EQ(statement(1).credit_applied, Amount(300));
  EXPECT_EQ(settlement(1).amount, Amount(1'000));
  EXPECT_EQ(tally().credit, Amount(0));
  EXPECT_EQ(tally().exposure(), Amount(1'000));
  EXPECT_EQ(submit_one(charge_item(1)).status, Status::credit_limit_exceeded);
  bring(1, S::final);
  EXPECT_EQ(payee_balance(1).payable_now.units() + payee_balance(1).fees.units(), 1'300u) << "the payee gets it all";
  EXPECT_EQ(operators().cash, (Balance{1'000, 0}));
}

TEST_F(CreditTest, CreditCanCoverAWholeStatement) {
  note(5'000);
  charge(1'000);
  must(CloseNow{actors_.payer(0), kUsdc});
  EXPECT_FALSE(statement(1).settlement.valid());
  EXPECT_EQ(statement(1).mark.state, StatementState::paid);
  EXPECT_EQ(statement(1).mark.fees, std::vector<Amount>{Amount(25)});
  EXPECT_EQ(machine_->head().settlements, 0u);
  EXPECT_EQ(tally().credit, Amount(4'000));
  EXPECT_EQ(tally().exposure(), Amount(0));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
  EXPECT_EQ(note(100, 1).status, Status::ok) << "what was paid comes back as credit";
  EXPECT_EQ(tally().credit, Amount(4'100));
}

TEST_F(CreditTest, CreditIsUsedInWhatTheRailsMove) {
  note(1'500, 0, kUsd);
  SingleSpec spec;
  spec.asset = kUsd;
  charge(5'000, spec);
  must(CloseNow{actors_.payer(0), kUsd});
  EXPECT_EQ(statement(1).credit_applied, Amount(1'000));
  EXPECT_EQ(settlement(1).amount, Amount(4'000));
  EXPECT_EQ(tally(kUsd).credit, Amount(500));
}

TEST_F(CreditTest, ANoteOnAStatementReducesWhatIsDue) {
  bill();
  EXPECT_EQ(note(1'001, 1).status, Status::value_invalid);
  EXPECT_EQ(note(100, 1).status, Status::ok);
  EXPECT_EQ(settlement(1).amount, Amount(900));
  EXPECT_EQ(statement(1).mark.credited, Amount(100));
  EXPECT_EQ(statement(1).due_amount(), Amount(900));
  EXPECT_EQ(tally().exposure(), Amount(900));
  EXPECT_EQ(payee_balance(1).accrued, (Balance{-540, 0})) << "payees bear it by their shares";
  EXPECT_EQ(payee_balance(2).accrued, (Balance{-360, 0}));
  bring(1, S::final);
  EXPECT_EQ(payee_balance(1).payable_now.units() + payee_balance(1).fees.units(), 540u);
  EXPECT_EQ(payee_balance(2).payable_now.units() + payee_balance(2).fees.units(), 360u);
  EXPECT_EQ(note(901, 1).status, Status::value_invalid) << "100 were credited before";
}

TEST_F(CreditTest, ManySmallNotesAreOneLargeOne) {
  bill();
  for (int i = 0; i < 7; ++i) EXPECT_EQ(note(1, 1).status, Status::ok);
  EXPECT_EQ(payee_balance(1).accrued.posted + payee_balance(2).accrued.posted, -993);
  const std::vector<Amount> weights = {Amount(600), Amount(400)};
  const std::vector<Amount> split = aggregator::split_largest_remainder(Amount(7), weights);
  EXPECT_EQ(payee_balance(1).accrued.posted, -600 + split[0].signed_units());
}

TEST_F(CreditTest, ANoteOverEverythingClearsTheStatement) {
  bill();
  bring(1, S::failed);
  EXPECT_EQ(payer().standing, Standing::suspended_by_dunning);
  EXPECT_EQ(note(1'000, 1).status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"credit_noted", "standing_set"}));
  EXPECT_EQ(statement(1).mark.state, StatementState::credited);
  EXPECT_EQ(settlement(1).state, S::cancelled);
  EXPECT_EQ(payer().standing, Standing::active);
  EXPECT_EQ(payee_balance(1).accrued, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0));
  EXPECT_EQ(tally().exposure(), Amount(0));
  EXPECT_EQ(note(1, 1).status, Status::value_invalid);
  EXPECT_EQ(run(RetrySettlement{SettlementId(1)}).status, Status::wrong_state);
}

TEST_F(CreditTest, NotWhileTheCollectionIsUnderWay) {
  bill();
  bring(1, S::sending);
  EXPECT_EQ(note(1, 1).status, Status::wrong_state);
  EXPECT_EQ(run(WriteOff{StatementId(1), ""}).status, Status::wrong_state);
  step(1, S::confirmed);
  EXPECT_EQ(note(1, 1).status, Status::ok);
  EXPECT_EQ(tally().credit, Amount(1)) << "it was paid";
  step(1, S::returned);
  EXPECT_EQ(note(1, 1).status, Status::ok);
}

TEST_F(CreditTest, ImpossibleNotes) {
  bill();
  EXPECT_EQ(note(0).status, Status::value_invalid);
  EXPECT_EQ(note(1, 5).status, Status::not_found);
  EXPECT_EQ(note(1, 1, kUsd).status, Status::not_found) << "the statement is in another asset";
  EXPECT_EQ(note(1, 0, AssetId(9)).status, Status::asset_unknown);
  EXPECT_EQ(run(CreateCreditNote{actors_.payer(5), kUsdc, {}, Amount(1), "", "one"}).status, Status::payer_unknown);
  CreateCreditNote huge{actors_.payer(0), kUsdc, {}, *Amount::from_units(kVolumeMax), "", "one"};
  EXPECT_EQ(run(huge).status, Status::amount_overflow);
  SingleSpec spec;
  spec.asset = kUsd;
  charge(5'000, spec);
  must(CloseNow{actors_.payer(0), kUsd});
  EXPECT_EQ(note(1'500, 2, kUsd).status, Status::value_invalid) << "the rails move thousands";
  EXPECT_EQ(note(2'000, 2, kUsd).status, Status::ok);
}

TEST_F(CreditTest, AWriteOffIsTheOperatorsLoss) {
  bill();
  EXPECT_EQ(run(WriteOff{StatementId(9), ""}).status, Status::not_found);
  bring(1, S::failed);
  must(WriteOff{StatementId(1), "insolvent"});
  EXPECT_EQ(statement(1).mark.state, StatementState::written_off);
  EXPECT_EQ(settlement(1).state, S::written_off);
  EXPECT_EQ(operators().bad_debt, (Balance{1'000, 0}));
  EXPECT_EQ(tally().exposure(), Amount(0));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585)) << "the payees are paid";
  EXPECT_EQ(payer().standing, Standing::suspended_by_dunning) << "not paid: not cleared";
  must(SetStanding{actors_.payer(0), Standing::active, ""});
  EXPECT_EQ(run(WriteOff{StatementId(1), ""}).status, Status::wrong_state);
}

TEST_F(CreditTest, ACreditedPartAndAWriteOff) {
  bill();
  note(100, 1);
  must(WriteOff{StatementId(1), ""});
  EXPECT_EQ(operators().bad_debt, (Balance{900, 0}));
  EXPECT_EQ(payee_balance(1).payable_now.units() + payee_balance(1).fees.units(), 540u);
}

}  // namespace
}  // namespace ledger::core
