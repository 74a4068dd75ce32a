// Faults that the random runs or their reading found, each in its shortest form.

#include <gtest/gtest.h>

#include "tests/sim/harness.h"
#include "tests/support/actors.h"

namespace sim {
namespace {

using base::Amount;
using base::Status;
using support::kUsdc;

class RegressTest : public ::testing::Test {
 protected:
  RegressTest() {
    run(core::SetAsset{{kUsdc, std::string(support::kUsdcText), "USDC", 6, 6}});
    core::Plan plan;
    plan.label = "plan";
    plan.asset = kUsdc;
    plan.window = {aggregator::WindowKind::duration, 10, "UTC"};
    plan.credit_limit = Amount(100'000);
    plan.rails = {*core::RailName::parse("sandbox")};
    run(core::SetPlan{plan});
    core::Payee payee;
    payee.address = actors_.payee(0);
    payee.payout_rail = plan.rails[0];
    payee.payout_account = "account";
    run(core::SetPayee{payee});
    run(core::SetServer{actors_.server(0), "server", {actors_.payee(0)}, true});
    set_plans({"plan"});
  }

  void run(const core::Command& command) {
    const core::CommandResult result = ledger_.execute(command);
    ASSERT_EQ(result.status, Status::ok) << result.detail;
  }
  void set_plans(const std::vector<std::string>& labels) { run(core::SetPayer{actors_.payer(0), "payer", labels}); }
  Status submit(const commitments::tab::Item& item) {
    return ledger_.submit(actors_.trusted(0, 1, {item})).at(0).status;
  }
  // A statement of `amount`; returns its number, which is also its collection's here.
  std::uint64_t bill(std::uint64_t amount) {
    support::SingleSpec spec;
    spec.nonce = ++nonce_;
    spec.amount = spec.maximum = amount;
    EXPECT_EQ(submit(actors_.unsigned_charge(spec)), Status::ok);
    run(core::CloseNow{actors_.payer(0), kUsdc});
    return ledger_.machine().head().statements;
  }
  core::Standing standing() const {
    return ledger_.store().get<core::Payer>(core::row_key(core::Table::payer, 1))->standing;
  }

  support::Actors actors_;
  std::unique_ptr<aggregator::Calendar> calendar_ = aggregator::make_calendar();
  Harness ledger_{*calendar_, std::string(support::kNetwork), actors_.address(support::Role::keeper, 0),
                  base::Time::from_seconds(support::kNow)};
  std::uint64_t nonce_ = 0;
};

// The payer's limit was set while it had no plan; the plan came, a hold was made, the plan went. The capture had no
// plan to open its window with, and the daemon fell over it.
TEST_F(RegressTest, HoldIsCapturedAfterItsPlanWasTakenAway) {
  set_plans({});
  run(core::SetCreditLimit{actors_.payer(0), kUsdc, Amount(5000)});
  set_plans({"plan"});
  const support::SingleSpec spec;
  ASSERT_EQ(submit(actors_.unsigned_hold(spec)), Status::ok);
  set_plans({});
  ledger_.restart(2);
  EXPECT_EQ(submit(actors_.capture(spec)), Status::ok);
  EXPECT_EQ(ledger_.check_rows(), "");
  EXPECT_EQ(ledger_.check_replay(), "");
}

// A statement that was written off leaves its payer suspended. A credit note for a part of another one lifted that.
TEST_F(RegressTest, PartialCreditNoteDoesNotLiftASuspension) {
  const std::uint64_t lost = bill(1000), other = bill(2000);
  core::StepSettlement failed;
  failed.id = core::SettlementId(lost);
  failed.attempt = 1;
  failed.to = core::SettlementState::failed;
  failed.failure = core::FailureClass::rejected;
  run(failed);
  run(core::WriteOff{core::StatementId(lost), "gone"});
  ASSERT_EQ(standing(), core::Standing::suspended_by_dunning);
  run(core::CreateCreditNote{actors_.payer(0), kUsdc, core::StatementId(other), Amount(500), "a part", "one"});
  EXPECT_EQ(standing(), core::Standing::suspended_by_dunning);
  run(core::CreateCreditNote{actors_.payer(0), kUsdc, core::StatementId(other), Amount(1500), "the rest", "two"});
  EXPECT_EQ(standing(), core::Standing::active);
  EXPECT_EQ(ledger_.check_replay(), "");
}

// A failed collection that is tried again still counts as not paid, also after a restart: paying another one must not
// lift the suspension.
TEST_F(RegressTest, RetriedCollectionStaysOverdueThroughARestart) {
  const std::uint64_t first = bill(1000), second = bill(2000);
  core::StepSettlement step;
  step.attempt = 1;
  step.to = core::SettlementState::failed;
  step.failure = core::FailureClass::rejected;
  for (const std::uint64_t id : {first, second}) {
    step.id = core::SettlementId(id);
    run(step);
    run(core::RetrySettlement{core::SettlementId(id)});
  }
  ledger_.restart(3);
  step.attempt = 2;
  step.failure = core::FailureClass::none;
  step.idempotency_key = support::test_hash(1);
  const auto pay = [&](std::uint64_t id) {
    step.id = core::SettlementId(id);
    for (const auto to : {core::SettlementState::sending, core::SettlementState::confirmed}) {
      step.to = to;
      run(step);
    }
  };
  pay(first);
  EXPECT_EQ(standing(), core::Standing::suspended_by_dunning);
  pay(second);
  EXPECT_EQ(standing(), core::Standing::active);
}

}  // namespace
}  // namespace sim
