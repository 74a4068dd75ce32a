// Relays: one settlement for each key, for ever; new attempts only after a definite failure; bounded memory.

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

namespace limits = base::limits;
using S = SettlementState;

class RelayTest : public LedgerTest {
 protected:
  RelayTest() { set_up_world(); }

  static PlanRelay relay(std::uint64_t key, Bytes order = {1, 2, 3}) {
    PlanRelay command;
    command.rail = *RailName::parse("sandbox");
    command.key = support::test_hash(key);
    command.order = std::move(order);
    command.label = "exact";
    return command;
  }
  CommandResult retry(std::uint64_t id, std::uint32_t attempt = 0) {
    return run(RetrySettlement{SettlementId(id), attempt});
  }
  // State machine and rows as after a restart.
  void reload() {
    auto machine = std::make_unique<StateMachine>(*calendar_);
    for (const auto& [key, value] : rows_.rows) ASSERT_TRUE(machine->load_row(key, value).has_value());
    const base::Result<void> loaded = machine->finish_load();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    machine_ = std::move(machine);
  }
};

TEST_F(RelayTest, IsASettlementWithoutPartiesAndPostings) {
  PlanRelay command = relay(1);
  command.asset = kUsdc;
  command.amount = Amount(250'000);
  const OperatorBalance before = operators();
  const CommandResult planned = must(command);
  EXPECT_EQ(planned.id, 1u);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"relay_planned"}));
  EXPECT_EQ(settlement(1).kind, SettlementKind::relay);
  EXPECT_EQ(settlement(1).state, S::ready);
  EXPECT_EQ(settlement(1).amount, Amount(250'000));
  EXPECT_EQ(settlement(1).next_action, now_);
  EXPECT_FALSE(settlement(1).payer.valid() || settlement(1).payee.valid());
  const auto about = row<Relay>(row_key(Table::relay, 1));
  ASSERT_TRUE(about.has_value());
  EXPECT_EQ(*about, (Relay{SettlementId(1), command.key, "exact", command.order}));
  bring(1, S::final);
  EXPECT_EQ(operators(), before);
  EXPECT_EQ(settlement(1).state, S::final);
  EXPECT_FALSE(has_row(row_key(Table::open_settlement, 1)));
}

TEST_F(RelayTest, TheSameAgainIsTheFirstForEver) {
  ASSERT_EQ(must(relay(1)).id, 1u);
  const auto again = [this] {
    const CommandResult result = run(relay(1));
    EXPECT_EQ(result.status, Status::already_accepted);
    EXPECT_EQ(result.id, 1u);
    EXPECT_FALSE(result.sequence.valid());
    EXPECT_TRUE(last().empty());
  };
  for (int i = 0; i < 1000; ++i) again();
  bring(1, S::final);
  again();
  reload();
  again();
  EXPECT_EQ(machine_->head().settlements, 1u);
  EXPECT_EQ(entries_of_kind<RelayPlanned>().size(), 1u);
}

TEST_F(RelayTest, TheSameKeyWithAnotherOrderOrRailIsAConflict) {
  must(relay(1));
  CommandResult result = run(relay(1, {1, 2, 4}));
  EXPECT_EQ(result.status, Status::relay_conflict);
  EXPECT_EQ(result.id, 1u);
  EXPECT_THAT(result.detail, testing::HasSubstr("settlement 1"));
  PlanRelay elsewhere = relay(1);
  elsewhere.rail = *RailName::parse("stablecoin");
  EXPECT_EQ(run(elsewhere).status, Status::relay_conflict);
  // What is only for people does not make another relay.
  PlanRelay renamed = relay(1);
  renamed.label = "another";
  EXPECT_EQ(run(renamed).status, Status::already_accepted);
  // One order may serve many keys: the rail's caller knows what its keys mean.
  EXPECT_EQ(must(relay(2)).id, 2u);
}

TEST_F(RelayTest, RefusesWhatItCannotMean) {
  const auto refused = [this](const std::function<void(PlanRelay&)>& change, const std::string& says) {
    PlanRelay command = relay(7);
    change(command);
    const CommandResult result = run(command);
    EXPECT_THAT(result.detail, testing::HasSubstr(says));
    return result.status;
  };
  EXPECT_EQ(refused([](PlanRelay& c) { c.rail = {}; }, "rail"), Status::value_invalid);
  EXPECT_EQ(refused([](PlanRelay& c) { c.key = {}; }, "key"), Status::value_invalid);
  EXPECT_EQ(refused([](PlanRelay& c) { c.order.clear(); }, "no relay has the key"), Status::not_found);
  EXPECT_EQ(refused([](PlanRelay& c) { c.order.resize(limits::kRelayOrderBytesMax + 1); }, "order"),
            Status::value_invalid);
  EXPECT_EQ(refused([](PlanRelay& c) { c.label = "a\nb"; }, "label"), Status::value_invalid);
  EXPECT_EQ(refused([](PlanRelay& c) { c.amount = Amount(1); }, "amount"), Status::value_invalid);
  EXPECT_EQ(refused([](PlanRelay& c) { c.asset = AssetId(99); }, "asset 99"), Status::asset_unknown);
  PlanRelay largest = relay(7);
  largest.order.resize(limits::kRelayOrderBytesMax);
  EXPECT_EQ(must(largest).id, 1u);
  PlanRelay question = relay(7);
  question.order.clear();
  const CommandResult found = run(question);
  EXPECT_EQ(found.status, Status::already_accepted) << "a plan without an order asks who has the key";
  EXPECT_EQ(found.id, 1u);
}

TEST_F(RelayTest, ATechnicalFailureIsTriedAgainByItself) {
  must(relay(1));
  step(1, S::sending);
  step(1, S::failed, FailureClass::technical, 5);
  EXPECT_EQ(settlement(1).state, S::ready);
  EXPECT_EQ(settlement(1).attempt, 2u);
  EXPECT_EQ(settlement(1).technical_retries, 1u);
}

TEST_F(RelayTest, AfterADefiniteFailureManyAskForOneNewAttempt) {
  must(relay(1));
  step(1, S::failed, FailureClass::insufficient_funds);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"settlement_stepped"}));  // nobody is suspended
  EXPECT_EQ(settlement(1).state, S::failed);
  EXPECT_EQ(settlement(1).dunning_step, 0u);
  EXPECT_EQ(run(relay(1)).status, Status::already_accepted);  // planning again is not trying again
  EXPECT_EQ(settlement(1).state, S::failed);
  EXPECT_EQ(retry(1, 2).status, Status::wrong_state);
  EXPECT_EQ(retry(1, 1).status, Status::ok);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(retry(1, 1).status, Status::wrong_state);
  EXPECT_EQ(settlement(1).attempt, 2u);
  reload();
  step(1, S::failed, FailureClass::no_mandate);
  EXPECT_EQ(retry(1, 1).status, Status::wrong_state);
  EXPECT_EQ(retry(1, 2).status, Status::ok);
  EXPECT_EQ(settlement(1).attempt, 3u);
}

TEST_F(RelayTest, NeverTriesAgainWhatMayHaveHappened) {
  must(relay(1));
  for (const S state : {S::sending, S::unknown, S::accepted, S::confirmed}) {
    step(1, state);
    EXPECT_EQ(retry(1, 1).status, Status::wrong_state);
    EXPECT_EQ(run(CancelSettlement{SettlementId(1), "no"}).status, Status::wrong_state);
  }
  EXPECT_EQ(step(1, S::disputed).status, Status::wrong_state);
  step(1, S::accepted);  // a reorganisation
  step(1, S::confirmed);
  step(1, S::returned);  // another transaction took its place
  EXPECT_EQ(retry(1, 1).status, Status::ok);
  bring(1, S::final);
  EXPECT_EQ(retry(1).status, Status::wrong_state);
}

TEST_F(RelayTest, CanBeCancelledWhileNothingIsUnderWay) {
  must(relay(1));
  EXPECT_EQ(run(CancelSettlement{SettlementId(1), "not wanted"}).status, Status::ok);
  EXPECT_EQ(settlement(1).state, S::cancelled);
  EXPECT_EQ(run(relay(1)).status, Status::already_accepted);
  EXPECT_EQ(machine_->counts().open_settlements, 0u);
}

TEST_F(RelayTest, FailedOnesDoNotFillTheMemory) {
  for (std::uint64_t i = 1; i <= limits::kRelaysFailedMax + 2; ++i) {
    must(relay(i));
    step(i, S::failed, FailureClass::rejected);
    if (i == limits::kRelaysFailedMax / 2) reload();
  }
  EXPECT_EQ(machine_->counts().open_settlements, limits::kRelaysFailedMax);
  EXPECT_EQ(settlement(1).state, S::cancelled);
  EXPECT_EQ(settlement(2).state, S::cancelled);
  EXPECT_THAT(settlement(2).detail, testing::HasSubstr("later ones have failed"));
  EXPECT_EQ(settlement(3).state, S::failed);
  EXPECT_EQ(retry(1).status, Status::wrong_state);
  EXPECT_EQ(run(relay(1)).id, 1u);  // still the same
}

TEST_F(RelayTest, TooManyUnderWayAreRefusedForNow) {
  for (std::uint64_t i = 1; i <= limits::kRelaysOpenMax; ++i) must(relay(i));
  EXPECT_EQ(run(relay(1'000'000)).status, Status::overloaded);
  EXPECT_EQ(run(relay(5)).status, Status::already_accepted);
  step(5, S::failed, FailureClass::rejected);  // put aside: room for another
  must(relay(1'000'000));
  EXPECT_EQ(run(relay(1'000'001)).status, Status::overloaded);
}

TEST_F(RelayTest, ReplayFindsFalseEntries) {
  must(relay(1));
  const RelayPlanned planned = entries_of_kind<RelayPlanned>().front();
  const Sequence next(machine_->head().last_sequence.value + 1);
  base::Result<void> result = machine_->apply(planned, next, {}, now_, replay_);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, testing::HasSubstr("recorded before"));
  RelayPlanned wrong = planned;
  wrong.key = support::test_hash(2);
  result = machine_->apply(wrong, next, {}, now_, replay_);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, testing::HasSubstr("the settlement is 1 in the journal, the next number is 2"));
  wrong.id = SettlementId(2);
  wrong.asset = AssetId(99);
  result = machine_->apply(wrong, next, {}, now_, replay_);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, testing::HasSubstr("asset is unknown"));
}

}  // namespace
}  // namespace ledger::core
