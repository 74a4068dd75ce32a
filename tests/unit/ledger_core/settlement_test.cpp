// Collections: every edge, the books of each state, dunning, suspension.

#include <array>
#include <set>

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using S = SettlementState;

constexpr std::array kStates = {S::ready,  S::sending, S::accepted, S::confirmed, S::settled,     S::final,
                                S::failed, S::unknown, S::returned, S::disputed,  S::written_off, S::cancelled};

class SettlementTest : public LedgerTest {
 protected:
  SettlementTest() { set_up(); }

  // Statement 1 and collection 1 of payer 0: 1,000 for payee 0.
  void set_up() {
    set_up_world();
    charge(1'000);
    advance(24 * 3600);
    must(CloseDue{1});
  }
  Standing standing() const { return payer().standing; }
  StatementState paid() const { return statement(1).mark.state; }
};

TEST_F(SettlementTest, EveryEdgeIsAllowedOrForbidden) {
  const std::set<std::pair<S, S>> allowed = {
      {S::ready, S::sending},       {S::ready, S::failed},       {S::sending, S::accepted},
      {S::sending, S::confirmed},   {S::sending, S::settled},    {S::sending, S::final},
      {S::sending, S::failed},      {S::sending, S::unknown},    {S::unknown, S::accepted},
      {S::unknown, S::confirmed},   {S::unknown, S::settled},    {S::unknown, S::final},
      {S::unknown, S::failed},      {S::unknown, S::unknown},    {S::accepted, S::accepted},
      {S::accepted, S::confirmed},  {S::accepted, S::settled},   {S::accepted, S::final},
      {S::accepted, S::failed},     {S::accepted, S::unknown},   {S::confirmed, S::accepted},
      {S::confirmed, S::confirmed}, {S::confirmed, S::settled},  {S::confirmed, S::final},
      {S::confirmed, S::returned},  {S::confirmed, S::disputed}, {S::settled, S::settled},
      {S::settled, S::final},       {S::settled, S::returned},   {S::settled, S::disputed},
      {S::disputed, S::disputed},   {S::disputed, S::settled},   {S::disputed, S::returned}};
  const std::set<S> reachable = {S::ready, S::sending, S::accepted, S::confirmed, S::settled,
                                 S::final, S::failed,  S::unknown,  S::returned,  S::disputed};
  for (const S from : reachable) {
    for (const S to : kStates) {
      SCOPED_TRACE(std::to_string(static_cast<int>(from)) + " -> " + std::to_string(static_cast<int>(to)));
      restart();
      set_up();
      bring(1, from);
      EXPECT_EQ(settlement(1).state, from);
      const std::map<Bytes, Bytes> before = rows_.rows;
      const CommandResult result = step(1, to, to == S::failed ? FailureClass::rejected : FailureClass::none);
      if (allowed.contains({from, to})) {
        EXPECT_EQ(base::name(result.status), "ok") << result.detail;
        EXPECT_EQ(settlement(1).state, to);
      } else {
        EXPECT_EQ(result.status, Status::wrong_state);
        EXPECT_FALSE(result.detail.empty());
        EXPECT_EQ(difference(before, rows_.rows), "");
      }
      const base::Result<void> books = machine_->check_books();
      EXPECT_TRUE(books.has_value()) << books.error().message;
    }
  }
}

TEST_F(SettlementTest, TheBooksFollowTheMoney) {
  EXPECT_EQ(tally().account_receivable, (Balance{1000, 0}));
  step(1, S::sending);
  EXPECT_EQ(tally().account_receivable, (Balance{1000, -1000}));
  EXPECT_EQ(operators().in_transit, (Balance{0, 1000}));
  EXPECT_EQ(tally().exposure(), Amount(1000)) << "not paid before it is confirmed";
  step(1, S::accepted);
  EXPECT_EQ(operators().in_transit, (Balance{0, 1000}));
  step(1, S::confirmed);
  EXPECT_EQ(tally().account_receivable, (Balance{0, 0}));
  EXPECT_EQ(operators().in_transit, (Balance{1000, 0}));
  EXPECT_EQ(tally().exposure(), Amount(0));
  EXPECT_EQ(paid(), StatementState::paid);
  step(1, S::settled);
  EXPECT_EQ(operators().in_transit, (Balance{0, 0}));
  EXPECT_EQ(operators().cash, (Balance{1000, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(0)) << "released when it is final";
  step(1, S::final);
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
  EXPECT_EQ(payee_balance(1).payable, (Balance{-975, 0}));
  EXPECT_EQ(payee_balance(1).accrued, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).fees, Amount(25));
  EXPECT_EQ(operators().revenue, (Balance{-25, 0}));
  EXPECT_EQ(statement(1).mark.fees, std::vector<Amount>{Amount(25)});
  const Settlement done = settlement(1);
  EXPECT_EQ(done.state, S::final);
  EXPECT_EQ(done.submitted, now_);
  EXPECT_EQ(done.confirmed, now_);
  EXPECT_EQ(done.finalized, now_);
  EXPECT_EQ(done.next_action, Time{});
  EXPECT_EQ(machine_->counts().open_settlements, 0u) << "finished ones are not kept in memory";
  EXPECT_EQ(step(1, S::returned).status, Status::wrong_state) << "final cannot be reversed";
}

TEST_F(SettlementTest, PassingOverStatesBooksThemAll) {
  step(1, S::sending);
  step(1, S::final);
  EXPECT_EQ(operators().cash, (Balance{1000, 0}));
  EXPECT_EQ(operators().in_transit, (Balance{0, 0}));
  EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
}

TEST_F(SettlementTest, SecondaryRowsMoveWithTheState) {
  const auto due = [this] { return row_key(Table::settlement_due, settlement(1).next_action.us, 1); };
  const auto in_state = [](S state) {
    Bytes key = row_key(Table::settlement_by_state, 1);
    key.insert(key.begin() + 1, static_cast<std::uint8_t>(state));
    return key;
  };
  const Bytes first = due();
  EXPECT_TRUE(has_row(first));
  EXPECT_TRUE(has_row(in_state(S::ready)));
  step(1, S::sending, FailureClass::none, 5);
  EXPECT_FALSE(has_row(first));
  EXPECT_TRUE(has_row(due()));
  EXPECT_FALSE(has_row(in_state(S::ready)));
  EXPECT_TRUE(has_row(in_state(S::sending)));
  const Bytes last_due = due();
  step(1, S::final);
  EXPECT_FALSE(has_row(last_due));
  EXPECT_TRUE(has_row(in_state(S::final)));
  EXPECT_FALSE(has_row(row_key(Table::open_settlement, 1)));
}

TEST_F(SettlementTest, AReorgReversesTheConfirmation) {
  bring(1, S::confirmed);
  EXPECT_EQ(step(1, S::accepted).status, Status::ok);
  EXPECT_EQ(tally().account_receivable, (Balance{1000, -1000}));
  EXPECT_EQ(operators().in_transit, (Balance{0, 1000}));
  EXPECT_EQ(paid(), StatementState::open);
  EXPECT_EQ(tally().exposure(), Amount(1000));
  EXPECT_EQ(settlement(1).confirmed, Time{});
  EXPECT_EQ(step(1, S::failed, FailureClass::technical).status, Status::ok) << "dead after the reorg";
  EXPECT_EQ(settlement(1).state, S::ready);
  EXPECT_EQ(tally().account_receivable, (Balance{1000, 0}));
}

TEST_F(SettlementTest, AReturnReopensTheStatement) {
  for (const S reached : {S::confirmed, S::settled}) {
    restart();
    set_up();
    bring(1, reached);
    EXPECT_EQ(step(1, S::returned).status, Status::ok);
    EXPECT_EQ(paid(), StatementState::open);
    EXPECT_EQ(tally().account_receivable, (Balance{1000, 0}));
    EXPECT_EQ(operators().cash, (Balance{0, 0}));
    EXPECT_EQ(operators().in_transit, (Balance{0, 0}));
    EXPECT_EQ(payee_balance(1).payable_now, Amount(0));
    EXPECT_EQ(settlement(1).next_action, Time{}) << "the operator decides";
    const CommandResult retried = must(RetrySettlement{SettlementId(1)});
    EXPECT_EQ(retried.id, 1u);
    EXPECT_EQ(settlement(1).state, S::ready);
    EXPECT_EQ(settlement(1).attempt, 2u);
    bring(1, S::final);
    EXPECT_EQ(payee_balance(1).payable_now, Amount(975));
  }
}

TEST_F(SettlementTest, ADisputeWonOrLost) {
  bring(1, S::confirmed);
  step(1, S::disputed);
  EXPECT_EQ(operators().cash, (Balance{1000, 0})) << "a disputed payment had been settled";
  step(1, S::settled);
  EXPECT_EQ(operators().cash, (Balance{1000, 0}));
  step(1, S::disputed);
  step(1, S::returned);
  EXPECT_EQ(operators().cash, (Balance{0, 0}));
  EXPECT_EQ(paid(), StatementState::open);
}

TEST_F(SettlementTest, OnlyTheCurrentAttemptCounts) {
  StepSettlement command;
  command.id = SettlementId(1);
  command.attempt = 2;
  command.to = S::sending;
  command.idempotency_key = support::test_hash(1);
  EXPECT_EQ(run(command).status, Status::wrong_state);
  command.attempt = 1;
  must(command);
  must(StepSettlement{SettlementId(1), 1, S::failed, {}, {}, "", FailureClass::technical, "no gas", now_});
  EXPECT_EQ(run(command).status, Status::wrong_state) << "the failed attempt's answer comes late";
}

TEST_F(SettlementTest, KeyAndBytesOfTheAttemptAreKept) {
  StepSettlement command;
  command.id = SettlementId(1);
  command.attempt = 1;
  command.to = S::sending;
  command.idempotency_key = support::test_hash(1);
  command.request = {9, 8, 7};
  command.reference = "0xabc";
  must(command);
  EXPECT_EQ(settlement(1).idempotency_key, command.idempotency_key);
  EXPECT_EQ(settlement(1).request, command.request);
  step(1, S::accepted);
  EXPECT_EQ(settlement(1).reference, "0xabc") << "kept when the step names none";
  EXPECT_EQ(settlement(1).request, command.request);
}

TEST_F(SettlementTest, MalformedStepsAreRefused) {
  StepSettlement command;
  command.id = SettlementId(9);
  command.attempt = 1;
  command.to = S::sending;
  EXPECT_EQ(run(command).status, Status::not_found);
  command.id = SettlementId(1);
  EXPECT_EQ(run(command).status, Status::value_invalid) << "no key";
  command.idempotency_key = support::test_hash(1);
  command.request.resize(base::limits::kSettlementRequestBytesMax + 1);
  EXPECT_EQ(run(command).status, Status::value_invalid);
  command.request.clear();
  must(command);
  command.to = S::failed;
  EXPECT_EQ(run(command).status, Status::value_invalid) << "no failure class";
  command.to = S::accepted;
  command.failure = FailureClass::technical;
  EXPECT_EQ(run(command).status, Status::value_invalid);
  command.failure = FailureClass::none;
  command.reference = std::string(300, 'x');
  EXPECT_EQ(run(command).status, Status::value_invalid);
}

TEST_F(SettlementTest, ATechnicalFailureIsTriedAgain) {
  for (std::uint32_t i = 1; i <= 4; ++i) {
    step(1, S::sending);
    EXPECT_EQ(step(1, S::failed, FailureClass::technical, 30).status, Status::ok);
    const Settlement settlement = this->settlement(1);
    EXPECT_EQ(settlement.state, S::ready);
    EXPECT_EQ(settlement.attempt, i + 1);
    EXPECT_EQ(settlement.technical_retries, i);
    EXPECT_EQ(settlement.dunning_step, 0u);
    EXPECT_EQ(settlement.failure, FailureClass::technical);
    EXPECT_EQ(settlement.next_action, Time{now_.us + 30'000'000});
  }
  EXPECT_EQ(standing(), Standing::active);
  // Nothing was sent: preparing failed.
  EXPECT_EQ(step(1, S::failed, FailureClass::technical, 30).status, Status::ok);
  EXPECT_EQ(settlement(1).technical_retries, 5u);
  EXPECT_EQ(tally().account_receivable, (Balance{1000, 0}));
}

TEST_F(SettlementTest, DunningThenSuspensionThenClearing) {
  // Two waits in the plan, so three attempts.
  for (const std::uint64_t wait : {60u, 3600u}) {
    step(1, S::sending);
    EXPECT_EQ(step(1, S::failed, FailureClass::insufficient_funds).status, Status::ok);
    EXPECT_EQ(settlement(1).state, S::ready);
    EXPECT_EQ(settlement(1).next_action, Time{now_.us + wait * 1'000'000});
    EXPECT_EQ(standing(), Standing::active);
  }
  EXPECT_EQ(settlement(1).dunning_step, 2u);
  EXPECT_EQ(settlement(1).attempt, 3u);
  step(1, S::sending);
  EXPECT_EQ(step(1, S::failed, FailureClass::no_mandate).status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"settlement_stepped", "standing_set"}));
  EXPECT_EQ(settlement(1).state, S::failed);
  EXPECT_EQ(standing(), Standing::suspended_by_dunning);
  EXPECT_EQ(submit_one(charge_item(1)).status, Status::payer_suspended);
  EXPECT_EQ(tally().exposure(), Amount(1000));

  must(RetrySettlement{SettlementId(1)});
  EXPECT_EQ(settlement(1).attempt, 4u);
  step(1, S::sending);
  EXPECT_EQ(submit_one(charge_item(1)).status, Status::payer_suspended);
  step(1, S::confirmed);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"settlement_stepped", "standing_set"}));
  EXPECT_EQ(standing(), Standing::active);
  EXPECT_EQ(submit_one(charge_item(1)).status, Status::ok);
}

TEST_F(SettlementTest, AllFailedStatementsMustBePaid) {
  charge(500);
  advance(24 * 3600);
  must(CloseDue{1});
  bring(1, S::failed);
  bring(2, S::failed);
  EXPECT_EQ(entries_of_kind<StandingSet>().size(), 1u) << "suspended once";
  must(RetrySettlement{SettlementId(1)});
  bring(1, S::final);
  EXPECT_EQ(standing(), Standing::suspended_by_dunning);
  must(RetrySettlement{SettlementId(2)});
  bring(2, S::confirmed);
  EXPECT_EQ(standing(), Standing::active);
}

TEST_F(SettlementTest, PayingDoesNotLiftTheOperatorsSuspension) {
  bring(1, S::failed);
  must(SetStanding{actors_.payer(0), Standing::suspended_by_operator, "fraud"});
  must(RetrySettlement{SettlementId(1)});
  bring(1, S::final);
  EXPECT_EQ(standing(), Standing::suspended_by_operator);
}

TEST_F(SettlementTest, RejectedStopsAtOnce) {
  step(1, S::sending);
  step(1, S::failed, FailureClass::rejected);
  EXPECT_EQ(settlement(1).state, S::failed);
  EXPECT_EQ(standing(), Standing::suspended_by_dunning);
}

TEST_F(SettlementTest, UnknownIsOnlyProbed) {
  bring(1, S::unknown);
  EXPECT_EQ(step(1, S::sending).status, Status::wrong_state);
  EXPECT_EQ(run(RetrySettlement{SettlementId(1)}).status, Status::wrong_state);
  EXPECT_EQ(run(CancelSettlement{SettlementId(1), ""}).status, Status::wrong_state);
  EXPECT_EQ(step(1, S::unknown, FailureClass::none, 90).status, Status::ok);
  EXPECT_EQ(settlement(1).next_action, Time{now_.us + 90'000'000});
  EXPECT_EQ(settlement(1).attempt, 1u);
  EXPECT_EQ(step(1, S::confirmed).status, Status::ok);
}

TEST_F(SettlementTest, RetryPullsAWaitingOneForward) {
  step(1, S::sending);
  step(1, S::failed, FailureClass::insufficient_funds);
  const std::uint32_t attempt = settlement(1).attempt;
  must(RetrySettlement{SettlementId(1)});
  EXPECT_EQ(settlement(1).next_action, now_);
  EXPECT_EQ(settlement(1).attempt, attempt) << "nothing was sent in between";
  EXPECT_FALSE(must(RetrySettlement{SettlementId(1)}).sequence.valid()) << "it is due already";
  EXPECT_EQ(run(RetrySettlement{SettlementId(7)}).status, Status::not_found);
  bring(1, S::final);
  EXPECT_EQ(run(RetrySettlement{SettlementId(1)}).status, Status::wrong_state);
}

TEST_F(SettlementTest, APayerPaysInItsPresentWindowWhileAnOldOneIsCollected) {
  charge(10);
  step(1, S::sending);
  charge(20);
  EXPECT_EQ(tally().exposure(), Amount(1030));
  step(1, S::confirmed);
  EXPECT_EQ(tally().exposure(), Amount(30));
}

}  // namespace
}  // namespace ledger::core
