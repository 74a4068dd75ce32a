// Tax, invoice numbers, credit notes after payment, refunds, payments that came by themselves, partial collections, and
// the release of payees' shares. Every test ends with a replay, a load and the books added up (fixture).

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using S = SettlementState;
constexpr std::uint64_t kHour = 3'600'000'000;

class BillingTest : public LedgerTest {
 protected:
  BillingTest() { set_up_world(); }
  // Payee 0 earns `first`, payee 1 `second`; one statement.
  void bill(std::uint64_t first = 600, std::uint64_t second = 400) {
    SingleSpec spec;
    charge(first, spec);
    spec.payee = 1;
    if (second != 0) charge(second, spec);
    must(CloseNow{actors_.payer(0), kUsdc});
  }
  CommandResult note(std::uint64_t amount, std::uint64_t statement) {
    return run(
        CreateCreditNote{actors_.payer(0), kUsdc, StatementId(statement), Amount(amount), "sorry", next_reference()});
  }
  CommandResult refund(std::uint64_t amount, std::uint64_t statement) {
    return run(RefundPayer{actors_.payer(0), kUsdc, StatementId(statement), Amount(amount), "sorry", next_reference()});
  }
  CommandResult pay(std::uint64_t amount, const std::string& reference, std::uint64_t statement = 0,
                    std::vector<StatementId> open = {}) {
    return run(RecordPayment{actors_.payer(0), kUsdc, StatementId(statement), Amount(amount), reference, {}, open});
  }
  void tax(std::uint32_t ppm) { must(SetTax{actors_.payer(0), {ppm, "VAT", ""}}); }
  CreditNote last_note() const { return entries_of_kind<CreditNoted>().back().note; }
  void terms(std::uint64_t payee, std::vector<ReleaseRule> release,
             aggregator::WindowSpec every = {aggregator::WindowKind::duration, 0, "UTC"}) {
    Payee changed;
    changed.address = actors_.payee(payee);
    changed.label = "payee";
    changed.fee_basis_points = 250;
    changed.payout_rail = *RailName::parse("sandbox");
    changed.payout_account = "account";
    changed.own_terms = true;
    changed.release = std::move(release);
    changed.payout_every = std::move(every);
    must(SetPayee{changed});
  }
  void later(std::uint64_t us) { now_.us += us; }
};

const RailName kSandbox = *RailName::parse("sandbox");

TEST_F(BillingTest, TaxIsPutOnTheNetAmountAndIsNobodysRevenue) {
  tax(190'000);
  bill();
  EXPECT_EQ(statement(1).net, Amount(1'000));
  EXPECT_EQ(statement(1).tax, Amount(190));
  EXPECT_EQ(statement(1).tax_terms.label, "VAT");
  EXPECT_EQ(settlement(1).amount, Amount(1'190));
  EXPECT_EQ(operators().tax, (Balance{-190, 0}));
  bring(1, S::final);
  EXPECT_EQ(operators().cash, (Balance{1'190, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585)) << "shares are of the net amount";
  EXPECT_EQ(payee_balance(2).payable_now, Amount(390));
}

TEST_F(BillingTest, TaxIsRoundedHalfUpToWhatRailsMove) {
  struct Case {
    std::uint32_t ppm;
    std::uint64_t net, tax;
  };
  std::uint64_t number = 0;
  for (const Case& one : {Case{500'000, 1, 1},
                          {499'999, 1, 0},
                          {190'000, 3, 1},
                          {82'500, 1'000, 83},
                          {1'000'000, 777, 777},
                          {1, 499'999, 0},
                          {1, 500'000, 1}}) {
    tax(one.ppm);
    bill(one.net, 0);
    EXPECT_EQ(statement(++number).tax, Amount(one.tax)) << one.ppm << " of " << one.net;
    bring(number, S::final);
  }
  tax(190'000);
  SingleSpec spec;
  spec.asset = kUsd;  // rails move thousands of its units
  charge(5'000, spec);
  must(CloseNow{actors_.payer(0), kUsd});
  EXPECT_EQ(statement(++number).tax, Amount(1'000));
}

TEST_F(BillingTest, TaxOfAWindowThatIsOverCountsAgainstTheLimit) {
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(1'000)});
  tax(500'000);
  charge(700);
  later(24 * kHour);
  EXPECT_EQ(submit_one(charge_item(100)).status, Status::credit_limit_exceeded) << "700 + 350 tax are billed by now";
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(1'150)});
  EXPECT_EQ(submit_one(charge_item(100)).status, Status::ok);
}

TEST_F(BillingTest, ImpossibleTaxes) {
  EXPECT_EQ(run(SetTax{actors_.payer(0), {1'000'001, "", ""}}).status, Status::value_invalid);
  EXPECT_EQ(run(SetTax{actors_.payer(0), {1, std::string(200, 'a'), ""}}).status, Status::value_invalid);
  EXPECT_EQ(run(SetTax{actors_.payer(5), {1, "", ""}}).status, Status::payer_unknown);
}

TEST_F(BillingTest, NumbersHaveNoGapsInTheirSeries) {
  bill();
  bill();
  EXPECT_EQ(document_number(statement(2).series, statement(2).number), "INV-000002");
  Plan other = plan("day");
  other.series = *SeriesName::parse("A-2026");
  other.credit_note_series = *SeriesName::parse("A-2026");
  must(SetPlan{other});
  bill();
  EXPECT_EQ(document_number(statement(3).series, statement(3).number), "A-2026-000001");
  EXPECT_EQ(note(2'000, 3).status, Status::value_invalid) << "a refused note takes no number";
  EXPECT_EQ(note(1, 3).status, Status::ok);
  EXPECT_EQ(document_number(last_note().series, last_note().number), "A-2026-000002") << "a series may be shared";
  EXPECT_EQ(note(1, 0).status, Status::ok);
  EXPECT_EQ(last_note().number, 3u) << "goodwill has a number too";
  other.series = *SeriesName::parse("INV");
  must(SetPlan{other});
  bill();
  EXPECT_EQ(statement(4).number, 3u);
  other.series = SeriesName{};
  EXPECT_EQ(run(SetPlan{other}).status, Status::value_invalid);
}

TEST_F(BillingTest, PartialNotesSumToTheWhole) {
  tax(190'000);
  bill();
  bring(1, S::final);
  Amount net, taxes;
  for (int i = 0; i < 170; ++i) {
    ASSERT_EQ(note(7, 1).status, Status::ok);
    net = base::add_checked(net, last_note().net);
    taxes = base::add_checked(taxes, last_note().tax);
  }
  EXPECT_EQ(net, Amount(1'000));
  EXPECT_EQ(taxes, Amount(190));
  EXPECT_EQ(note(1, 1).status, Status::value_invalid);
  EXPECT_EQ(operators().tax, (Balance{0, 0}));
  EXPECT_EQ(operators().revenue, (Balance{0, 0})) << "the fee is given back";
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0));
  EXPECT_EQ(payee_balance(1).recoverable, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).fees, Amount(0));
  EXPECT_EQ(tally().credit, Amount(1'190));
  EXPECT_EQ(statement(1).mark.credited_paid, Amount(1'190));
  EXPECT_EQ(statement(1).mark.fees, (std::vector<Amount>{Amount(0), Amount(0)}));
}

TEST_F(BillingTest, ANoteAfterThePayoutIsRecoveredFromWhatThePayeeEarnsNext) {
  bill(1'000, 0);
  bring(1, S::final);
  must(PlanPayouts{10});
  bring(2, S::final);
  EXPECT_EQ(payee_balance(1).paid_out, Amount(975));
  EXPECT_EQ(note(1'000, 1).status, Status::ok);
  EXPECT_EQ(payee_balance(1).recoverable, (Balance{975, 0}));
  bill(2'000, 0);
  EXPECT_EQ(statement(2).credit_applied, Amount(1'000)) << "the payer's credit pays the next statement";
  bring(3, S::final);
  EXPECT_EQ(payee_balance(1).recoverable, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
}

TEST_F(BillingTest, ARefundSendsCreditBackByTheRailThatCollected) {
  bill();
  bring(1, S::final);
  EXPECT_EQ(refund(300, 1).status, Status::value_invalid) << "there is no credit yet";
  note(300, 1);
  EXPECT_EQ(refund(300, 1).status, Status::ok);
  EXPECT_EQ(settlement(2).kind, SettlementKind::refund);
  EXPECT_EQ(settlement(2).rail, kSandbox);
  EXPECT_EQ(tally().credit, Amount(0)) << "no statement can use it meanwhile";
  EXPECT_EQ(operators().refunds, (Balance{-300, 0}));
  bring(2, S::sending);
  EXPECT_EQ(operators().refunds, (Balance{-300, 300}));
  step(2, S::final);
  EXPECT_EQ(operators().cash, (Balance{700, 0}));
  EXPECT_EQ(operators().refunds, (Balance{0, 0}));
  EXPECT_EQ(statement(1).mark.refunded, Amount(300));
}

TEST_F(BillingTest, ARefundThatTheRailRefusesLeavesTheCredit) {
  bill();
  bring(1, S::final);
  note(300, 1);
  for (const S end : {S::failed, S::returned}) {
    const std::uint64_t id = refund(200, 1).id;
    bring(id, end == S::failed ? S::sending : S::confirmed);
    step(id, end, end == S::failed ? FailureClass::rejected : FailureClass::none);
    EXPECT_EQ(settlement(id).state, end);
    EXPECT_EQ(tally().credit, Amount(300));
    EXPECT_EQ(statement(1).mark.refunded, Amount(0));
    EXPECT_EQ(run(RetrySettlement{SettlementId(id)}).status, Status::wrong_state);
  }
  const std::uint64_t id = refund(200, 1).id;
  must(CancelSettlement{SettlementId(id), "not needed"});
  EXPECT_EQ(tally().credit, Amount(300));
}

TEST_F(BillingTest, RefundsAreAtMostWhatWasCollected) {
  bill();
  EXPECT_EQ(refund(1, 1).status, Status::wrong_state) << "nothing was collected";
  note(5'000, 0);
  bring(1, S::confirmed);
  EXPECT_EQ(refund(600, 1).status, Status::ok);
  EXPECT_EQ(refund(401, 1).status, Status::wrong_state);
  EXPECT_EQ(refund(400, 1).status, Status::ok);
  EXPECT_EQ(refund(1, 1).status, Status::wrong_state);
  step(1, S::settled);
  step(1, S::final);  // the collection is over, its refunds are not
  step(2, S::failed, FailureClass::rejected);
  EXPECT_EQ(refund(601, 1).status, Status::wrong_state);
  EXPECT_EQ(refund(600, 1).status, Status::ok) << "a failed one does not count";
  EXPECT_EQ(refund(1, 9).status, Status::not_found);
}

TEST_F(BillingTest, WhatWasPreparedIsSentOnlyIfItIsStillTheAmount) {
  bill();
  StepSettlement sending;
  sending.id = SettlementId(1);
  sending.attempt = 1;
  sending.to = S::sending;
  sending.idempotency_key = support::test_hash(77);
  sending.amount = Amount(1'000);
  note(600, 1);  // while the request of 1000 was made
  EXPECT_EQ(run(sending).status, Status::wrong_state);
  EXPECT_EQ(settlement(1).state, S::ready);
  sending.amount = Amount(400);
  must(sending);
  EXPECT_EQ(settlement(1).state, S::sending);
}

TEST_F(BillingTest, ARefundIsNotSentOfACollectionThatIsDisputedOrCameBack) {
  bill();
  bring(1, S::settled);
  note(400, 1);
  const std::uint64_t id = refund(400, 1).id;
  step(1, S::disputed);
  EXPECT_EQ(step(id, S::sending).status, Status::wrong_state) << "it waits";
  step(1, S::returned);
  EXPECT_EQ(step(id, S::sending).status, Status::value_invalid) << "the payer has it all back";
  EXPECT_EQ(step(id, S::failed, FailureClass::rejected).status, Status::ok);
  EXPECT_EQ(settlement(id).state, S::failed);
  EXPECT_EQ(tally().credit, Amount(400));
  EXPECT_EQ(operators().refunds, (Balance{0, 0}));
}

TEST_F(BillingTest, ARefundOfADisputeThatWasWonIsSent) {
  bill();
  bring(1, S::settled);
  note(400, 1);
  const std::uint64_t id = refund(400, 1).id;
  step(1, S::disputed);
  step(1, S::settled);
  EXPECT_EQ(step(id, S::sending).status, Status::ok);
}

TEST_F(BillingTest, ARefundRacesADispute) {
  bill();
  bring(1, S::settled);
  note(400, 1);
  const std::uint64_t id = refund(400, 1).id;
  bring(id, S::accepted);
  step(1, S::disputed);
  EXPECT_EQ(refund(1, 1).status, Status::wrong_state);
  step(1, S::returned);  // the dispute is lost: the payer has it all back ...
  step(id, S::confirmed);
  step(id, S::settled);
  step(id, S::final);  // ... and the refund too
  EXPECT_EQ(operators().cash, (Balance{-400, 0}));
  EXPECT_EQ(settlement(1).amount, Amount(1'000)) << "the payer owes what it used, and the refund";
  EXPECT_EQ(tally().exposure(), Amount(1'000));
}

TEST_F(BillingTest, ANoteIsMadeOnceForEachReference) {
  bill();
  CreateCreditNote ask{actors_.payer(0), kUsdc, StatementId(1), Amount(1'000), "sorry", "ticket 7"};
  const CommandResult first = must(ask);
  EXPECT_EQ(statement(1).mark.state, StatementState::credited);
  const CommandResult again = run(ask);
  EXPECT_EQ(again.status, Status::already_accepted) << "though nothing can be credited any more";
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(entries_of_kind<CreditNoted>().size(), 1u);
  EXPECT_EQ(last_note().reference, "ticket 7");
  CreateCreditNote other = ask;
  other.amount = Amount(999);
  EXPECT_EQ(run(other).status, Status::reference_conflict);
  other = ask;
  other.reason = "another";
  EXPECT_EQ(run(other).status, Status::reference_conflict);
  other = ask;
  other.statement = {};
  const CommandResult conflict = run(other);
  EXPECT_EQ(conflict.status, Status::reference_conflict);
  EXPECT_EQ(conflict.id, first.id) << "it says whose the reference is";
  other.asset = kUsd;
  EXPECT_EQ(run(other).status, Status::ok) << "of another asset it is another reference";
}

TEST_F(BillingTest, ARefundIsMadeOnceForEachReference) {
  bill();
  bring(1, S::final);
  must(CreateCreditNote{actors_.payer(0), kUsdc, StatementId(1), Amount(600), "sorry", "ticket 7"});
  const RefundPayer ask{actors_.payer(0), kUsdc, StatementId(1), Amount(600), "sorry", "ticket 7"};
  const CommandResult first = must(ask);
  EXPECT_EQ(settlement(first.id).operator_reference, "ticket 7");
  EXPECT_EQ(run(ask).status, Status::already_accepted) << "though there is no credit any more";
  RefundPayer other = ask;
  other.amount = Amount(1);
  EXPECT_EQ(run(other).status, Status::reference_conflict);
  bring(first.id, S::sending);
  step(first.id, S::failed, FailureClass::rejected);
  const CommandResult again = run(ask);
  EXPECT_EQ(again.status, Status::already_accepted) << "for ever: another try is another reference";
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(tally().credit, Amount(600));
  other = ask;
  other.reference = "ticket 7, once more";
  EXPECT_EQ(must(other).id, first.id + 1);
  EXPECT_EQ(run(other).status, Status::already_accepted);
}

TEST_F(BillingTest, WhatWasRefusedUsesNoReferenceUp) {
  bill();
  CreateCreditNote ask{actors_.payer(0), kUsdc, StatementId(1), Amount(2'000), "sorry", "ticket 7"};
  EXPECT_EQ(run(ask).status, Status::value_invalid);
  ask.amount = Amount(100);
  EXPECT_EQ(run(ask).status, Status::ok);
  ask.reference = "";
  EXPECT_EQ(run(ask).status, Status::value_invalid);
  ask.reference = std::string(257, 'x');
  EXPECT_EQ(run(ask).status, Status::value_invalid);
  RefundPayer refund{actors_.payer(0), kUsdc, StatementId(1), Amount(1), "sorry", ""};
  EXPECT_EQ(run(refund).status, Status::value_invalid);
}

TEST_F(BillingTest, PaymentsPayTheOldestFirstAndTheRestIsCredit) {
  bill();
  bill();
  EXPECT_EQ(pay(1'500, "wire 1", 0, {StatementId(1), StatementId(2)}).status, Status::ok);
  EXPECT_EQ(statement(1).mark.state, StatementState::paid);
  EXPECT_EQ(settlement(1).state, S::cancelled);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585));
  EXPECT_EQ(settlement(2).amount, Amount(500));
  EXPECT_EQ(statement(2).due_amount(), Amount(500));
  EXPECT_EQ(pay(1'500, "wire 1", 0, {StatementId(2)}).status, Status::already_accepted) << "recorded once";
  EXPECT_EQ(pay(1'400, "wire 1").status, Status::reference_conflict) << "the reference is another payment's";
  bring(2, S::sending);
  EXPECT_EQ(pay(500, "wire 2", 2).status, Status::ok);
  EXPECT_EQ(tally().credit, Amount(500)) << "the collection is under way: all of it is credit";
  EXPECT_EQ(pay(0, "wire 3").status, Status::value_invalid);
  EXPECT_EQ(pay(1, "").status, Status::value_invalid);
  EXPECT_EQ(pay(1, "wire 4", 9).status, Status::not_found);
}

TEST_F(BillingTest, APaymentLiftsTheSuspension) {
  bill();
  bring(1, S::failed);
  EXPECT_EQ(payer().standing, Standing::suspended_by_dunning);
  pay(1'000, "wire", 1);
  EXPECT_EQ(payer().standing, Standing::active);
}

TEST_F(BillingTest, ANoticePaysAStatement) {
  bill();
  Notice notice;
  notice.rail = kSandbox;
  notice.key.bytes[0] = 1;
  notice.kind = NoticeKind::booked;
  notice.asset = kUsdc;
  notice.amount = Amount(1'200);
  notice.direction = Direction::in;
  must(RecordNotices{{notice}});
  EXPECT_EQ(operators().suspense, (Balance{-1'200, 0}));
  ResolveNotice resolve{NoticeId(1), Resolution::pays_statement, actors_.payer(0), "a wire", StatementId(1), {}};
  must(resolve);
  EXPECT_EQ(operators().suspense, (Balance{0, 0}));
  EXPECT_EQ(operators().cash, (Balance{1'200, 0}));
  EXPECT_EQ(statement(1).mark.state, StatementState::paid);
  EXPECT_EQ(tally().credit, Amount(200));
}

TEST_F(BillingTest, APartThatWasCollectedLeavesTheRestDue) {
  bill();
  bring(1, S::accepted);
  StepSettlement part;
  part.id = SettlementId(1);
  part.attempt = 1;
  part.to = S::settled;
  part.moved = Amount(300);
  must(part);
  EXPECT_EQ(settlement(1).state, S::ready);
  EXPECT_EQ(settlement(1).attempt, 2u);
  EXPECT_EQ(settlement(1).amount, Amount(700));
  EXPECT_EQ(settlement(1).dunning_step, 1u);
  EXPECT_EQ(statement(1).mark.paid, Amount(300));
  EXPECT_EQ(operators().cash, (Balance{300, 0}));
  bring(1, S::final);
  EXPECT_EQ(operators().cash, (Balance{1'000, 0}));
  EXPECT_EQ(statement(1).mark.state, StatementState::paid);
}

TEST_F(BillingTest, MoreThanWasAskedForIsCredit) {
  bill();
  bring(1, S::accepted);
  StepSettlement more;
  more.id = SettlementId(1);
  more.attempt = 1;
  more.to = S::confirmed;
  more.moved = Amount(1'250);
  for (int i = 0; i < 3; ++i) {  // a chain that reorganises
    must(more);
    EXPECT_EQ(tally().credit, Amount(0)) << "it may still be undone";
    step(1, S::accepted);
  }
  EXPECT_EQ(operators().bad_debt, (Balance{0, 0}));
  must(more);
  more.to = S::settled;
  must(more);
  EXPECT_EQ(tally().credit, Amount(250));
  must(more);  // said again: known
  step(1, S::disputed);
  must(more);
  EXPECT_EQ(tally().credit, Amount(250));
  EXPECT_EQ(operators().cash, (Balance{1'250, 0}));
  step(1, S::returned);
  EXPECT_EQ(tally().credit, Amount(0));
  EXPECT_EQ(operators().cash, (Balance{0, 0}));
  more.moved = Amount(0);
  EXPECT_EQ(run(more).status, Status::wrong_state);
}

TEST_F(BillingTest, ASurplusOfADisputeThatWasWonIsCredit) {
  bill();
  bring(1, S::disputed);
  StepSettlement won;
  won.id = SettlementId(1);
  won.attempt = 1;
  won.to = S::settled;
  won.moved = Amount(1'250);
  must(won);
  EXPECT_EQ(tally().credit, Amount(250));
}

TEST_F(BillingTest, SharesAreReleasedAfterTheHoldAndTheReserveAtFinal) {
  terms(0, {{kSandbox, 7 * 86'400, 1'000}});
  bill();
  bring(1, S::settled);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0));
  must(ReleaseDue{10});
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0)) << "the hold is not over";
  later(7 * 24 * kHour);
  EXPECT_EQ(must(ReleaseDue{10}).count, 1u);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(526)) << "585 less a tenth, rounded up";
  EXPECT_EQ(payee_balance(1).reserve, (Balance{-59, 0}));
  EXPECT_EQ(payee_balance(2).payable_now, Amount(0)) << "it has no terms: at final";
  step(1, S::final);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585));
  EXPECT_EQ(payee_balance(1).reserve, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(2).payable_now, Amount(390));
}

TEST_F(BillingTest, ALateReturnAfterAPayoutIsRecovered) {
  must(SetReleaseDefaults{{{{kSandbox, 0, 1'000}}, {aggregator::WindowKind::duration, 0, "UTC"}}});
  bill(1'000, 0);
  bring(1, S::settled);
  must(ReleaseDue{10});
  must(PlanPayouts{10});
  bring(2, S::final);
  EXPECT_EQ(payee_balance(1).paid_out, Amount(877));
  step(1, S::returned);
  EXPECT_EQ(payee_balance(1).reserve, (Balance{0, 0})) << "the reserve goes first";
  EXPECT_EQ(payee_balance(1).recoverable, (Balance{877, 0}));
  EXPECT_EQ(operators().revenue, (Balance{0, 0}));
  must(RetrySettlement{SettlementId(1)});
  bring(1, S::final);
  EXPECT_EQ(payee_balance(1).recoverable, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(98)) << "975 in all";
}

TEST_F(BillingTest, NothingIsReleasedWhileItIsDisputed) {
  terms(0, {{kSandbox, 60, 0}});
  bill();
  bring(1, S::settled);
  step(1, S::disputed);
  later(kHour);
  EXPECT_EQ(must(ReleaseDue{10}).count, 0u);
  step(1, S::settled);  // won
  EXPECT_EQ(must(ReleaseDue{10}).count, 1u);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585));
}

TEST_F(BillingTest, ANoteOnAReleasedShareTakesTheReserveFirst) {
  terms(0, {{kSandbox, 0, 5'000}});
  bill(1'000, 0);
  bring(1, S::settled);
  must(ReleaseDue{10});
  EXPECT_EQ(payee_balance(1).reserve, (Balance{-488, 0}));
  note(400, 1);
  EXPECT_EQ(payee_balance(1).reserve, (Balance{-98, 0})) << "390 of it: the fee on 400 is the operator's to give back";
  EXPECT_EQ(payee_balance(1).payable_now, Amount(487));
  step(1, S::final);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(585));
}

TEST_F(BillingTest, PayoutsFollowTheirSchedule) {
  terms(0, {}, {aggregator::WindowKind::week, 0, "UTC"});
  bill(1'000, 0);
  bring(1, S::final);
  EXPECT_EQ(must(PlanPayouts{10}).count, 1u);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"payout_scheduled"}));
  EXPECT_FALSE(machine_->payouts_waiting());
  const Time end = calendar_->window_at({aggregator::WindowKind::week, 0, "UTC"}, now_).end;
  EXPECT_EQ(machine_->next_payout(), end);
  EXPECT_EQ(must(PlanPayouts{10}).count, 0u);
  now_ = end;
  EXPECT_EQ(must(PlanPayouts{10}).count, 1u);
  EXPECT_EQ(settlement(2).amount, Amount(975));
  terms(0, {});
  EXPECT_EQ(payee_balance(1).payout_from, Time{});
}

TEST_F(BillingTest, ImpossibleTerms) {
  ReleaseDefaults wrong;
  wrong.release = {{kSandbox, 0, 10'001}};
  EXPECT_EQ(run(SetReleaseDefaults{wrong}).status, Status::value_invalid);
  wrong.release = {{kSandbox, 0, 1}, {kSandbox, 1, 1}};
  EXPECT_EQ(run(SetReleaseDefaults{wrong}).status, Status::value_invalid);
  wrong.release = {};
  wrong.payout_every = {aggregator::WindowKind::day, 0, "Mars/Olympus"};
  EXPECT_EQ(run(SetReleaseDefaults{wrong}).status, Status::value_invalid);
  Payee payee;
  payee.address = actors_.payee(0);
  payee.release = {{kSandbox, 0, 1}};
  EXPECT_EQ(run(SetPayee{payee}).status, Status::value_invalid) << "without own terms";
}

TEST_F(BillingTest, AClosedStatementIsReadAgainBeforeItIsCredited) {
  bill();
  const Command command = CreateCreditNote{actors_.payer(0), kUsdc, StatementId(1), Amount(1), "sorry", "one"};
  EXPECT_EQ(machine_->recalls(command), StatementId()) << "it is open";
  bring(1, S::final);
  EXPECT_EQ(machine_->recalls(command), StatementId(1));
  must(command);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"statement_recalled", "credit_noted"}));
  EXPECT_EQ(machine_->recalls(command), StatementId(1)) << "memory keeps none that is closed";
  refund(1, 1);
  EXPECT_EQ(machine_->recalls(command), StatementId()) << "while it is being refunded it is kept";
}

}  // namespace
}  // namespace ledger::core
