// What rails say on their own.

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using base::Status;
using S = SettlementState;

class NoticeTest : public LedgerTest {
 protected:
  NoticeTest() {
    set_up_world();
    charge(1000);
    advance(24 * 3600);
    must(CloseDue{1});
  }
  static Notice event(std::uint64_t key, std::uint64_t settlement = 0) {
    Notice notice;
    notice.rail = *RailName::parse("sandbox");
    notice.key = support::test_hash(key);
    notice.source = "webhook";
    notice.external_id = "evt_" + std::to_string(key);
    notice.settlement = SettlementId(settlement);
    notice.body = {1, 2, 3};
    return notice;
  }
  static Notice money(std::uint64_t key, std::uint64_t amount, Direction direction, std::uint64_t settlement = 0) {
    Notice notice = event(key, settlement);
    notice.kind = NoticeKind::booked;
    notice.asset = support::kUsdc;
    notice.amount = Amount(amount);
    notice.direction = direction;
    return notice;
  }
  NoticeAnswer record(const Notice& notice) {
    const CommandResult result = run(RecordNotices{{notice}});
    EXPECT_EQ(result.status, Status::ok) << result.detail;
    return result.notices.empty() ? NoticeAnswer{} : result.notices.front();
  }
  NoticeState state(std::uint64_t id) const {
    const auto mark = row<NoticeMark>(row_key(Table::notice_mark, id));
    if (mark) return mark->state;
    const auto notice = row<Notice>(row_key(Table::notice, id));
    EXPECT_TRUE(notice.has_value());
    return notice ? notice->recorded_as : NoticeState::refused;
  }
  CommandResult resolve(std::uint64_t id, Resolution resolution, Address payer = {}) {
    return run(ResolveNotice{NoticeId(id), resolution, payer, "because"});
  }
  CommandResult step_knowing(S to, std::uint64_t read, std::uint64_t wait_s = 3600, std::uint64_t explained = 0) {
    StepSettlement command;
    command.id = SettlementId(1);
    command.attempt = settlement(1).attempt;
    command.to = to;
    command.notices_read = NoticeId(read);
    if (explained != 0) command.explained = {NoticeId(explained)};
    command.next_action = Time{now_.us + wait_s * 1'000'000};
    return run(command);
  }
};

TEST_F(NoticeTest, IsKeptOnceForItsRailAndKey) {
  const NoticeAnswer first = record(event(1));
  EXPECT_EQ(first.status, Status::ok);
  EXPECT_EQ(first.id, NoticeId(1));
  Notice other = event(1);
  other.body = {9};
  EXPECT_EQ(record(other).status, Status::already_accepted) << "whatever else it says";
  EXPECT_EQ(record(other).id, NoticeId(1));
  other.rail = *RailName::parse("card");
  EXPECT_EQ(record(other).id, NoticeId(2)) << "another rail's keys are others";
  const auto kept = row<Notice>(row_key(Table::notice, 1));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->body, (Bytes{1, 2, 3}));
  EXPECT_EQ(kept->external_id, "evt_1");
  EXPECT_EQ(kept->received, now_);
  EXPECT_EQ(machine_->head().notices, 2u);
}

TEST_F(NoticeTest, MakesItsSettlementDueAndMovesNothing) {
  step(1, S::sending);
  step_knowing(S::accepted, 0);
  const Tally before = tally();
  EXPECT_EQ(record(money(1, 1000, Direction::in, 1)).status, Status::ok);
  EXPECT_EQ(settlement(1).next_action, now_);
  EXPECT_EQ(settlement(1).state, S::accepted);
  EXPECT_EQ(tally().account_receivable, before.account_receivable);
  EXPECT_EQ(operators().suspense.posted, 0);
  EXPECT_EQ(state(1), NoticeState::waiting);
  EXPECT_TRUE(has_row(row_key(Table::notice_by_settlement, 1, 1)));
  step_knowing(S::confirmed, 1, 3600, 1);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"settlement_stepped", "notices_applied"}));
  EXPECT_EQ(state(1), NoticeState::applied);
  EXPECT_EQ(settlement(1).next_action, Time{now_.us + 3'600'000'000});
}

TEST_F(NoticeTest, WhatAProbeDidNotKnowOfMakesItDueAgain) {
  step(1, S::sending);
  step_knowing(S::accepted, 0);
  record(event(1, 1));
  record(event(2, 1));
  step_knowing(S::accepted, 1);
  EXPECT_EQ(state(1), NoticeState::applied);
  EXPECT_EQ(state(2), NoticeState::waiting);
  EXPECT_EQ(settlement(1).next_action, now_) << "not in an hour";
  step_knowing(S::accepted, 2);
  EXPECT_EQ(state(2), NoticeState::applied);
  EXPECT_EQ(settlement(1).next_action, Time{now_.us + 3'600'000'000});
}

TEST_F(NoticeTest, OfASettlementThatIsOver) {
  bring(1, S::final);
  record(event(1, 1));
  EXPECT_EQ(state(1), NoticeState::applied) << "there is nothing to look at";
  record(money(2, 1000, Direction::out, 1));
  EXPECT_EQ(state(2), NoticeState::waiting) << "for the operator";
  EXPECT_EQ(operators().suspense.posted, 0);
  EXPECT_EQ(resolve(2, Resolution::operators).status, Status::ok);
  EXPECT_EQ(operators().bad_debt.posted, 1000);
  EXPECT_EQ(resolve(2, Resolution::operators).status, Status::wrong_state) << "once";
}

TEST_F(NoticeTest, WhatWaitsIsNoLongerWaitedForWhenItsSettlementEnds) {
  step(1, S::sending);
  record(event(1, 1));
  record(money(2, 1000, Direction::in, 1));
  step_knowing(S::final, 0);  // by a probe that knew of neither
  EXPECT_EQ(state(1), NoticeState::applied);
  EXPECT_EQ(state(2), NoticeState::waiting) << "money is explained by a probe or by the operator";
  EXPECT_EQ(resolve(2, Resolution::dismissed).status, Status::ok);
  EXPECT_EQ(state(2), NoticeState::resolved);
}

TEST_F(NoticeTest, MoneyThatNoStepExplainsWaitsForTheOperator) {
  step(1, S::sending);
  step_knowing(S::accepted, 0);
  record(money(1, 1000, Direction::in, 1));
  record(money(2, 1000, Direction::in, 1));
  step_knowing(S::confirmed, 2, 3600, 1);
  EXPECT_EQ(state(1), NoticeState::applied);
  EXPECT_EQ(state(2), NoticeState::waiting) << "it was booked twice";
  step_knowing(S::final, 2);
  EXPECT_EQ(state(2), NoticeState::waiting);
  EXPECT_EQ(resolve(2, Resolution::payer_credit, actors_.payer(0)).status, Status::ok);
  EXPECT_EQ(tally().credit, Amount(1000));
}

TEST_F(NoticeTest, WhatComesBackAfterFinalWaitsForTheOperator) {
  bring(1, S::final);
  Notice dispute = event(1, 1);
  dispute.kind = NoticeKind::returned;
  record(dispute);
  EXPECT_EQ(state(1), NoticeState::waiting);
  EXPECT_EQ(resolve(1, Resolution::dismissed).status, Status::ok);
}

TEST_F(NoticeTest, WhatSaysThatItWasPaidKeepsItFromBeingSentAgain) {
  step(1, S::sending);
  step(1, S::failed, FailureClass::insufficient_funds);
  record(money(1, 1000, Direction::in, 1));
  EXPECT_EQ(step(1, S::sending).status, Status::wrong_state);
  StepSettlement knowing;
  knowing.id = SettlementId(1);
  knowing.attempt = settlement(1).attempt;
  knowing.to = S::sending;
  knowing.idempotency_key = support::test_hash(5);
  knowing.notices_read = NoticeId(1);
  EXPECT_EQ(run(knowing).status, Status::wrong_state) << "knowing of it does not explain it";
  EXPECT_EQ(resolve(1, Resolution::dismissed).status, Status::ok);
  EXPECT_EQ(step(1, S::sending).status, Status::ok);
}

TEST_F(NoticeTest, MoneyThatMatchesNothingIsInSuspenseUntilResolved) {
  record(money(1, 500, Direction::in));
  record(money(2, 70, Direction::out));
  EXPECT_EQ(state(1), NoticeState::suspense);
  EXPECT_EQ(operators().cash.posted, 430);
  EXPECT_EQ(operators().suspense.posted, -430);
  EXPECT_EQ(resolve(1, Resolution::dismissed).status, Status::wrong_state);
  EXPECT_EQ(resolve(1, Resolution::none).status, Status::wrong_state);
  EXPECT_EQ(resolve(1, Resolution::payer_credit).status, Status::payer_unknown);
  EXPECT_EQ(resolve(2, Resolution::payer_credit, actors_.payer(0)).status, Status::wrong_state) << "it went out";
  EXPECT_EQ(resolve(9, Resolution::operators).status, Status::not_found);
  EXPECT_EQ(resolve(1, Resolution::payer_credit, actors_.payer(0)).status, Status::ok);
  EXPECT_EQ(tally().credit, Amount(500));
  EXPECT_EQ(operators().suspense.posted, 70);
  EXPECT_EQ(resolve(2, Resolution::went_back).status, Status::ok);
  EXPECT_EQ(operators().suspense.posted, 0);
  EXPECT_EQ(operators().cash.posted, 500);
  record(money(3, 40, Direction::in));
  EXPECT_EQ(resolve(3, Resolution::operators).status, Status::ok);
  EXPECT_EQ(operators().revenue.posted, -40);
  const auto mark = row<NoticeMark>(row_key(Table::notice_mark, 3));
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(mark->resolution, Resolution::operators);
  EXPECT_EQ(mark->reason, "because");
  EXPECT_FALSE(has_row(row_key(Table::open_notice, 3)));
}

TEST_F(NoticeTest, RefusedOnesAreKeptAndChangeNothing) {
  Notice forged = money(1, 500, Direction::in, 1);
  forged.recorded_as = NoticeState::refused;
  forged.detail = "the signature is wrong";
  step(1, S::sending);
  const Time due = settlement(1).next_action;
  record(forged);
  EXPECT_EQ(state(1), NoticeState::refused);
  EXPECT_EQ(settlement(1).next_action, due);
  EXPECT_EQ(operators().cash.posted, 0);
  EXPECT_EQ(resolve(1, Resolution::dismissed).status, Status::wrong_state);
  step_knowing(S::final, 1);
  EXPECT_EQ(state(1), NoticeState::refused);
}

TEST_F(NoticeTest, IsAnsweredOneByOne) {
  Notice zero = event(2), huge = event(3), half = money(4, 5, Direction::in), lost = money(5, 7, Direction::in, 99);
  Notice unknown = money(6, 7, Direction::in);
  zero.key = Hash{};
  huge.body.resize(base::limits::kNoticeBodyBytesMax + 1);
  half.asset = AssetId{};
  unknown.asset = AssetId(77);
  lost.external_id = "a\nb";
  const CommandResult result = run(RecordNotices{{event(1), zero, huge, half, lost, unknown, event(1)}});
  std::vector<Status> statuses;
  for (const NoticeAnswer& answer : result.notices) statuses.push_back(answer.status);
  EXPECT_EQ(statuses,
            (std::vector<Status>{Status::ok, Status::value_invalid, Status::value_invalid, Status::value_invalid,
                                 Status::ok, Status::asset_unknown, Status::already_accepted}));
  EXPECT_EQ(result.count, 2u);
  EXPECT_NE(result.notices[2].detail.find("body"), std::string::npos);
  const auto kept = row<Notice>(row_key(Table::notice, 2));
  ASSERT_TRUE(kept.has_value());
  EXPECT_FALSE(kept->settlement.valid());
  EXPECT_EQ(kept->recorded_as, NoticeState::suspense) << "it names a settlement that does not exist";
  EXPECT_NE(kept->detail.find("settlement 99"), std::string::npos);
  EXPECT_EQ(kept->external_id, "a?b");
  EXPECT_EQ(run(RecordNotices{}).status, Status::value_invalid);
  EXPECT_EQ(run(RecordNotices{std::vector<Notice>(base::limits::kNoticesPerCommandMax + 1, event(1))}).status,
            Status::value_invalid);
  EXPECT_EQ(record(money(7, 1, Direction::in)).status, Status::ok);
  Notice most = money(8, 1, Direction::in);
  most.amount = *Amount::from_units(Amount::kUnitsMax);
  EXPECT_EQ(record(most).status, Status::amount_overflow);
}

TEST_F(NoticeTest, AnotherRailsNoticeDoesNotMakeItDue) {
  step(1, S::sending);
  step_knowing(S::accepted, 0);
  const Time due = settlement(1).next_action;
  Notice late = event(1, 1);
  late.rail = *RailName::parse("card");
  record(late);
  EXPECT_EQ(settlement(1).next_action, due);
  EXPECT_EQ(state(1), NoticeState::applied);
  late = money(2, 1000, Direction::in, 1);
  late.rail = *RailName::parse("card");
  record(late);
  step_knowing(S::confirmed, 2, 3600, 2);
  EXPECT_EQ(state(2), NoticeState::waiting) << "this rail does not explain what another one says";
}

}  // namespace
}  // namespace ledger::core
