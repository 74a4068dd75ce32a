// Billing windows and statements.

#include "base/limits.h"
#include "crypto/merkle.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

constexpr std::uint64_t kDay = 24 * 3600;

class WindowTest : public LedgerTest {
 protected:
  WindowTest() { set_up_world(); }
};

TEST_F(WindowTest, TheFirstChargeOpensTheWindowOfItsTime) {
  charge(1);
  const auto opened = entries_of_kind<WindowOpened>();
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].number, 1u);
  EXPECT_EQ(opened[0].bounds.start, Time::from_seconds(kNow));
  EXPECT_EQ(opened[0].bounds.end, Time::from_seconds(kNow + kDay));
  EXPECT_EQ(machine_->next_window_end(), opened[0].bounds.end);
  charge(1);
  EXPECT_EQ(entries_of_kind<WindowOpened>().size(), 1u);
}

TEST_F(WindowTest, CloseDueMakesAStatement) {
  std::vector<Hash> leaves;
  for (const std::uint64_t amount : {100u, 23u, 7u}) {
    charge(amount);
    for (const JournalEntry& one : last()) {
      if (std::holds_alternative<Charged>(one.entry)) leaves.push_back(one.leaf);
    }
  }
  SingleSpec other;
  other.payee = 1;
  other.resource = support::test_hash(5);
  other.quantity = 12;
  charge(70, other);
  for (const JournalEntry& one : last()) {
    if (std::holds_alternative<Charged>(one.entry)) leaves.push_back(one.leaf);
  }
  EXPECT_EQ(must(CloseDue{10}).count, 0u) << "nothing is due before the end";
  advance(kDay);
  const CommandResult result = must(CloseDue{10});
  EXPECT_EQ(result.count, 1u);
  EXPECT_FALSE(result.more);

  const Statement statement = this->statement(1);
  EXPECT_EQ(statement.total, Amount(200));
  EXPECT_EQ(statement.net, Amount(200));
  EXPECT_EQ(statement.due_amount(), Amount(200));
  EXPECT_EQ(statement.mark.state, StatementState::open);
  EXPECT_EQ(statement.window_number, 1u);
  ASSERT_EQ(statement.lines.size(), 2u);
  EXPECT_EQ(statement.lines[0].amount, Amount(130));
  EXPECT_EQ(statement.lines[0].charges, 3u);
  EXPECT_EQ(statement.lines[1].quantity, 12u);
  ASSERT_EQ(statement.shares.size(), 2u);
  EXPECT_EQ(statement.shares[0].amount, Amount(130));
  EXPECT_EQ(statement.shares[1].amount, Amount(70));
  EXPECT_TRUE(statement.carried_out.empty());
  EXPECT_EQ(statement.entries, 4u);
  EXPECT_EQ(statement.root, crypto::merkle_root(leaves));
  EXPECT_EQ(statement.closed_by, machine_->head().last_sequence);
  const std::vector<Hash> proof = crypto::merkle_inclusion_proof(leaves, 2);
  EXPECT_TRUE(crypto::merkle_verify_inclusion(leaves[2], 2, 4, proof, statement.root));

  const Settlement collection = settlement(1);
  EXPECT_EQ(collection.kind, SettlementKind::collection);
  EXPECT_EQ(collection.state, SettlementState::ready);
  EXPECT_EQ(collection.amount, Amount(200));
  EXPECT_EQ(collection.statement, StatementId(1));
  EXPECT_EQ(collection.rail.view(), "sandbox");
  EXPECT_EQ(collection.next_action, statement.due);
  EXPECT_TRUE(has_row(row_key(Table::settlement_due, statement.due.us, 1)));
  EXPECT_TRUE(has_row(row_key(Table::statement_by_payer, 1, 1)));
  EXPECT_FALSE(has_row(row_key(Table::line, 1, kUsdc.value, 0))) << "a closed window's lines are gone";
  EXPECT_FALSE(has_row(row_key(Table::line, 1, kUsdc.value, 1)));

  const Tally tally = this->tally();
  EXPECT_EQ(tally.window, aggregator::WindowBounds{});
  EXPECT_EQ(tally.unbilled, Amount(0));
  EXPECT_EQ(tally.billed, Amount(200));
  EXPECT_EQ(tally.account_receivable, (Balance{200, 0}));
  EXPECT_EQ(payee_balance(1).accrued, (Balance{-130, 0}));
  EXPECT_EQ(payee_balance(2).accrued, (Balance{-70, 0}));
  EXPECT_EQ(machine_->counts().open_windows, 0u);
}

TEST_F(WindowTest, TermsMoveTheDueDate) {
  Plan plan = this->plan("day");
  plan.terms_s = 7 * kDay;
  must(SetPlan{plan});
  charge(1);
  advance(kDay);
  must(CloseDue{10});
  EXPECT_EQ(statement(1).due, Time::from_seconds(kNow + 8 * kDay));
  EXPECT_EQ(settlement(1).next_action, statement(1).due);
}

TEST_F(WindowTest, AChargeAfterTheEndClosesLazily) {
  charge(10);
  advance(3 * kDay);
  charge(5);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"window_closed", "window_opened", "charged", "batch_signed"}));
  EXPECT_EQ(entries_of_kind<WindowClosed>().back().reason, CloseReason::time);
  EXPECT_EQ(statement(1).net, Amount(10));
  const Tally tally = this->tally();
  EXPECT_EQ(tally.window_number, 2u);
  EXPECT_EQ(tally.window.start, Time::from_seconds(kNow + 3 * kDay));
  EXPECT_EQ(tally.unbilled, Amount(5));
  EXPECT_EQ(tally.billed, Amount(10));
  EXPECT_EQ(must(CloseDue{10}).count, 0u) << "the old window is not closed twice";
}

TEST_F(WindowTest, TheLastMomentBelongsToTheWindowAndTheEndDoesNot) {
  charge(1);
  now_ = Time{Time::from_seconds(kNow + kDay).us - 1};
  charge(1);
  EXPECT_EQ(tally().window_number, 1u);
  now_.us += 1;
  charge(1);
  EXPECT_EQ(tally().window_number, 2u);
  EXPECT_EQ(statement(1).net, Amount(2));
}

TEST_F(WindowTest, TheThresholdClosesEarly) {
  Plan plan = this->plan("day");
  plan.settle_threshold = Amount(100);
  must(SetPlan{plan});
  charge(99);
  EXPECT_EQ(machine_->head().statements, 0u);
  charge(1);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"charged", "window_closed", "batch_signed"}));
  EXPECT_EQ(entries_of_kind<WindowClosed>().back().reason, CloseReason::threshold);
  EXPECT_EQ(statement(1).net, Amount(100));
  // The next charge of the same day opens the next number; the end is due once.
  charge(7);
  EXPECT_EQ(tally().window_number, 2u);
  advance(kDay);
  EXPECT_EQ(must(CloseDue{10}).count, 1u);
  EXPECT_EQ(statement(2).net, Amount(7));
}

TEST_F(WindowTest, BelowTheMinimumEverythingIsCarried) {
  Plan plan = this->plan("day");
  plan.minimum = Amount(100);
  must(SetPlan{plan});
  charge(60);
  advance(kDay);
  EXPECT_EQ(must(CloseDue{10}).count, 1u);
  const WindowClosed closed = entries_of_kind<WindowClosed>().back();
  EXPECT_FALSE(closed.statement.valid());
  EXPECT_FALSE(closed.settlement.valid());
  EXPECT_EQ(closed.total, Amount(60));
  EXPECT_EQ(closed.net, Amount(0));
  EXPECT_EQ(closed.entries, 1u);
  EXPECT_EQ(tally().unbilled, Amount(60));
  EXPECT_EQ(tally().lines.lines().size(), 1u) << "the lines stay";
  EXPECT_EQ(must(CloseDue{10}).count, 0u);
  charge(40);
  EXPECT_EQ(tally().window_number, 2u);
  advance(kDay);
  must(CloseDue{10});
  const Statement statement = this->statement(1);
  EXPECT_EQ(statement.net, Amount(100));
  EXPECT_EQ(statement.window_number, 2u);
  EXPECT_EQ(statement.entries, 2u) << "the proof covers the carried charges as well";
  ASSERT_EQ(statement.lines.size(), 1u);
  EXPECT_EQ(statement.lines[0].charges, 2u);
}

TEST_F(WindowTest, RoundsDownOnceAndCarriesTheRemainder) {
  SingleSpec spec;
  spec.asset = kUsd;  // scale 9, the rails move 10^-6
  charge(1'500, spec);
  spec.payee = 1;
  charge(700, spec);
  advance(kDay);
  must(CloseDue{10});
  const Statement first = statement(1);
  EXPECT_EQ(first.total, Amount(2'200));
  EXPECT_EQ(first.net, Amount(2'000));
  ASSERT_EQ(first.shares.size(), 2u);
  EXPECT_EQ(first.shares[0].amount.units() + first.shares[1].amount.units(), 2'000u);
  EXPECT_EQ(first.carried_out[0].amount.units() + first.carried_out[1].amount.units(), 200u);
  EXPECT_EQ(tally(kUsd).unbilled, Amount(200));
  EXPECT_EQ(tally(kUsd).account_unbilled, (Balance{200, 0}));
  EXPECT_EQ(tally(kUsd).carried_in, first.carried_out);

  charge(900, spec);
  advance(kDay);
  must(CloseDue{10});
  const Statement second = statement(2);
  EXPECT_EQ(second.total, Amount(1'100));
  EXPECT_EQ(second.net, Amount(1'000));
  EXPECT_EQ(second.carried_in, first.carried_out);
  EXPECT_EQ(tally(kUsd).unbilled, Amount(100));
}

TEST_F(WindowTest, WhatRoundsToNothingIsCarried) {
  SingleSpec spec;
  spec.asset = kUsd;
  charge(999, spec);
  advance(kDay);
  must(CloseDue{10});
  EXPECT_EQ(machine_->head().statements, 0u);
  EXPECT_EQ(tally(kUsd).unbilled, Amount(999));
  charge(1, spec);
  advance(kDay);
  must(CloseDue{10});
  EXPECT_EQ(statement(1).net, Amount(1'000));
}

TEST_F(WindowTest, StatementsAndSettlementsAreNumberedWithoutGaps) {
  for (std::uint64_t i = 1; i < 6; ++i) must(SetPayer{actors_.payer(i), "", {"day"}});
  for (std::uint64_t i = 0; i < 6; ++i) {
    SingleSpec spec;
    spec.payer = i;
    charge(i == 3 ? 0 : 10, spec);  // payer 3 has nothing to bill
  }
  advance(kDay);
  CommandResult slice = must(CloseDue{4});
  EXPECT_EQ(slice.count, 4u);
  EXPECT_TRUE(slice.more);
  slice = must(CloseDue{4});
  EXPECT_EQ(slice.count, 2u);
  EXPECT_FALSE(slice.more);
  EXPECT_EQ(machine_->head().statements, 5u);
  EXPECT_EQ(machine_->head().settlements, 5u);
  for (std::uint64_t id = 1; id <= 5; ++id) EXPECT_EQ(statement(id).settlement, SettlementId(id));
}

TEST_F(WindowTest, CloseNowClosesBeforeTheEnd) {
  EXPECT_EQ(run(CloseNow{actors_.payer(0), kUsdc}).status, Status::wrong_state);
  EXPECT_EQ(run(CloseNow{actors_.payer(9), kUsdc}).status, Status::payer_unknown);
  EXPECT_EQ(run(CloseNow{actors_.payer(0), AssetId(77)}).status, Status::asset_unknown);
  charge(10);
  const CommandResult result = must(CloseNow{actors_.payer(0), kUsdc});
  EXPECT_EQ(result.id, 1u);
  EXPECT_EQ(entries_of_kind<WindowClosed>().back().reason, CloseReason::operator_asked);
  EXPECT_EQ(statement(1).net, Amount(10));
  EXPECT_EQ(run(CloseNow{actors_.payer(0), kUsdc}).status, Status::wrong_state);
}

TEST_F(WindowTest, APlanChangeKeepsTheOpenWindow) {
  charge(10);
  Plan hourly = plan("hour");
  hourly.window.kind = aggregator::WindowKind::duration;
  hourly.window.duration_s = 3600;
  must(SetPlan{hourly});
  must(SetPayer{actors_.payer(0), "payer 0", {"hour"}});
  charge(10);
  EXPECT_EQ(tally().window_number, 1u);
  advance(kDay);
  charge(5);
  EXPECT_EQ(tally().window_number, 2u);
  EXPECT_EQ(tally().window.end, Time::from_seconds(kNow + kDay + 3600));
  EXPECT_EQ(statement(1).plan, PlanId(1));
}

TEST_F(WindowTest, ManyResourcesShareALine) {
  SingleSpec spec;
  for (std::uint64_t i = 0; i < base::limits::kWindowLinesMax + 10; ++i) {
    spec.resource = support::test_hash(i);
    charge(1, spec);
  }
  const Tally tally = this->tally();
  EXPECT_EQ(tally.lines.lines().size(), base::limits::kWindowLinesMax + 1);
  EXPECT_EQ(tally.lines.lines().back().charges, 10u);
  advance(kDay);
  must(CloseDue{1});
  EXPECT_EQ(statement(1).net.units(), base::limits::kWindowLinesMax + 10);
}

TEST_F(WindowTest, OnlyChangedLinesAreWritten) {
  SingleSpec spec;
  for (std::uint64_t i = 0; i < 5; ++i) {
    spec.resource = support::test_hash(i);
    charge(1, spec);
  }
  spec.resource = support::test_hash(2);
  charge(1, spec);
  for (std::uint64_t line = 0; line < 5; ++line) {
    EXPECT_EQ(rows_.touched.contains(row_key(Table::line, 1, kUsdc.value, line)), line == 2);
  }
}

TEST_F(WindowTest, ClosedAndOpenedInOneSegmentGivesEachRowOnce) {
  Plan plan = this->plan("day");
  plan.settle_threshold = Amount(20);
  must(SetPlan{plan});
  std::vector<commitments::tab::Item> items;
  for (std::uint64_t i = 0; i < 6; ++i) {
    SingleSpec spec;
    spec.resource = support::test_hash(i);
    items.push_back(charge_item(i == 5 ? 3 : 10, spec));
  }
  for (const ItemResult& result : submit(items)) EXPECT_EQ(result.status, Status::ok);
  EXPECT_EQ(machine_->head().statements, 2u);
  EXPECT_EQ(tally().lines.lines().size(), 2u);  // finish() saw that no row was given twice
}

}  // namespace
}  // namespace ledger::core
