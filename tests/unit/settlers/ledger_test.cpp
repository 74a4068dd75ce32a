// The dispatcher and the sandbox over the real ledger.

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "settlers/dispatcher.h"
#include "settlers/sandbox/sandbox.h"
#include "tests/unit/settlers/real_ledger.h"

namespace settlers {
namespace {

using ledger::core::Standing;
using sandbox::SandboxOptions;
using sandbox::SandboxSettler;
using sandbox::Script;
using S = SettlementState;

class OverTheLedger : public ::testing::Test {
 protected:
  OverTheLedger() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 (std::string("tabd-dispatch-") + test->name() + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ledger_.emplace(clock_, directory_, "sandbox", "payee's account", std::vector<std::uint64_t>{0});
    options_.poll_ms = 5;
    options_.wake_spacing_ms = 0;
  }
  ~OverTheLedger() override {
    end();
    ledger_.reset();
    std::filesystem::remove_all(directory_);
  }
  SandboxSettler& begin() {
    dispatcher_.emplace(io_, ledger_->service(), ledger_->reader(), clock_, options_, nullptr);
    auto settler = std::make_unique<SandboxSettler>(io_, clock_, sandbox_);
    SandboxSettler& rail = *settler;
    dispatcher_->add(std::move(settler));
    bool started = false;
    dispatcher_->start([&started](base::Result<void> result) { started = result.has_value(); });
    run_until([&started] { return started; });
    return rail;
  }
  void end() {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
  }
  template <typename Done>
  void run_until(Done done) {
    const std::uint64_t start = clock_.monotonic_ns();
    while (!done() && clock_.monotonic_ns() - start < 20'000'000'000) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(done());
  }
  void run_until_state(SettlementId id, S state) {
    run_until([&] { return ledger_->settlement(id).state == state; });
  }

  // Without a dispatcher: what a rail said before.
  void step(SettlementId id, S to) {
    ledger::core::StepSettlement step;
    step.id = id;
    step.attempt = ledger_->settlement(id).attempt;
    step.to = to;
    if (to == S::sending) step.idempotency_key.bytes.fill(static_cast<std::uint8_t>(id.value));
    step.next_action = clock_.now();
    ledger_->must(std::move(step));
  }

  base::SystemClock clock_;
  std::filesystem::path directory_;
  std::optional<support::RealLedger> ledger_;
  boost::asio::io_context io_;
  DispatcherOptions options_;
  SandboxOptions sandbox_;
  std::optional<Dispatcher> dispatcher_;
};

TEST_F(OverTheLedger, FromAChargeToThePayeesMoney) {
  const SandboxSettler& rail = begin();
  const SettlementId collection = ledger_->bill(1'000'000);
  dispatcher_->wake();
  run_until_state(collection, S::final);
  const SettlementId payout = ledger_->plan_payouts();
  ASSERT_NE(payout, collection);
  run_until_state(payout, S::final);
  EXPECT_EQ(ledger_->settlement(payout).amount, base::Amount(900'000)) << "net of the operator's tenth";
  EXPECT_EQ(rail.moved().size(), 2u);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
  const auto books = ledger_->reader().operator_balance(support::kUsdc);
  ASSERT_TRUE(books);
  EXPECT_EQ(books->cash.posted, 100'000);
  EXPECT_EQ(books->in_transit.posted, 0);
  EXPECT_EQ(books->out_transit.posted, 0);
}

TEST_F(OverTheLedger, DunningThenSuspensionAndPayingClearsIt) {
  SandboxSettler& rail = begin();
  rail.enqueue(Script::insufficient_funds);
  rail.enqueue(Script::no_mandate);
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until_state(id, S::failed);  // the plan has one dunning step, of no wait
  EXPECT_EQ(ledger_->settlement(id).attempt, 2u);
  EXPECT_EQ(ledger_->settlement(id).technical_retries, 0u) << "declines and technical retries do not mix";
  EXPECT_EQ(ledger_->standing(), Standing::suspended_by_dunning);
  ledger_->must(ledger::core::RetrySettlement{id});
  dispatcher_->wake();
  run_until_state(id, S::final);
  EXPECT_EQ(ledger_->standing(), Standing::active);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
}

TEST_F(OverTheLedger, ATechnicalFailureIsTriedAgainWithoutDunning) {
  SandboxSettler& rail = begin();
  rail.enqueue(Script::technical);
  rail.enqueue(Script::lost_absent);
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until_state(id, S::final);
  EXPECT_EQ(ledger_->settlement(id).technical_retries, 2u);
  EXPECT_EQ(ledger_->settlement(id).dunning_step, 0u);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
}

TEST_F(OverTheLedger, ARestartOfEverythingProbesWhatWasUnderWay) {
  sandbox_.confirm_ms = 200;
  begin();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until_state(id, S::accepted);
  end();
  ledger_->close();
  ledger_->open();
  ASSERT_EQ(ledger_->settlement(id).state, S::accepted);
  const SandboxSettler& rail = begin();
  run_until_state(id, S::final);  // a sandbox that forgot it takes it as final
  EXPECT_TRUE(rail.moved().empty()) << "it was not sent again";
  EXPECT_EQ(ledger_->settlement(id).attempt, 1u);
}

// The statement is closed and in the store alone when it is credited.
TEST_F(OverTheLedger, WhatWasPaidIsCreditedAndRefunded) {
  const SandboxSettler& rail = begin();
  const SettlementId collection = ledger_->bill(1'000'000);
  dispatcher_->wake();
  run_until_state(collection, S::final);
  const ledger::core::StatementId statement = ledger_->settlement(collection).statement;
  const base::Address payer = ledger_->actors.payer(0);
  for (int i = 0; i < 3; ++i) {
    ledger_->must(ledger::core::CreateCreditNote{payer, support::kUsdc, statement, base::Amount(100'000),
                                                 "service was down", "note " + std::to_string(i)});
  }
  EXPECT_EQ(ledger_->reader().credit_notes_on(statement, 10).value().size(), 3u);
  std::vector<SettlementId> refunds;
  for (const std::uint64_t amount : {100'000u, 200'000u}) {
    const ledger::core::RefundPayer asked{payer,   support::kUsdc,        statement, base::Amount(amount),
                                          "asked", std::to_string(amount)};
    refunds.emplace_back(ledger_->must(asked).id);
  }
  dispatcher_->wake();
  for (const SettlementId refund : refunds) run_until_state(refund, S::final);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
  const auto mark = ledger_->reader().statement(statement).value().mark;
  EXPECT_EQ(mark.credited, base::Amount(300'000));
  EXPECT_EQ(mark.refunded, base::Amount(300'000));
  EXPECT_EQ(ledger_->reader().operator_balance(support::kUsdc).value().refunds.posted, 0);
  end();
  ledger_->close();
  ledger_->open();
  EXPECT_EQ(ledger_->reader().statement(statement).value().mark, mark);
  const auto payer_id = ledger_->reader().payer(payer).value().id;
  const auto own = ledger_->reader().settlements_of(payer_id, {}, 10).value();
  ASSERT_EQ(own.size(), 3u) << "the collection and its refunds";
  EXPECT_EQ(own[0].id, collection);
  EXPECT_EQ(own[2].id, refunds[1]);
  EXPECT_EQ(ledger_->reader().settlements_of(payer_id, collection, 1).value().at(0).id, refunds[0]);
  const ledger::core::RefundPayer again{payer, support::kUsdc, statement, base::Amount(100'000), "asked", "100000"};
  EXPECT_EQ(ledger_->must(again).id, refunds.front().value) << "what was asked before the restart is known after it";
  EXPECT_EQ(ledger_->settlement(refunds.front()).operator_reference, "100000");
}

TEST_F(OverTheLedger, ARefundOfWhatCameBackFailsForGood) {
  const SettlementId collection = ledger_->bill(5'000);
  const ledger::core::StatementId statement = ledger_->settlement(collection).statement;
  const base::Address payer = ledger_->actors.payer(0);
  for (const S state : {S::sending, S::settled}) step(collection, state);
  ledger_->must(ledger::core::CreateCreditNote{payer, support::kUsdc, statement, base::Amount(1'000), "down", "note"});
  ledger_->must(ledger::core::RefundPayer{payer, support::kUsdc, statement, base::Amount(1'000), "down", "refund"});
  const SettlementId refund(ledger_->reader().head()->settlements);
  for (const S state : {S::disputed, S::returned}) step(collection, state);
  const SandboxSettler& rail = begin();
  run_until_state(refund, S::failed);
  EXPECT_EQ(ledger_->settlement(refund).failure, FailureClass::rejected);
  EXPECT_TRUE(rail.moved().empty());
}

TEST_F(OverTheLedger, MoneyThatWasBookedTwiceIsLeftForTheOperator) {
  const SettlementId collection = ledger_->bill(5'000);
  for (const S state : {S::sending, S::accepted}) step(collection, state);
  std::vector<Notice> notices;
  for (const std::uint64_t amount : {1U, 5'000U, 5'000U}) {
    Notice notice;
    notice.rail = *base::RailName::parse("sandbox");
    notice.key.bytes.fill(static_cast<std::uint8_t>(notices.size() + 1));
    notice.kind = ledger::core::NoticeKind::booked;
    notice.settlement = collection;
    notice.asset = support::kUsdc;
    notice.amount = base::Amount(amount);
    notice.direction = ledger::core::Direction::in;
    notices.push_back(notice);
  }
  ledger_->must(ledger::core::RecordNotices{notices});
  begin();
  run_until_state(collection, S::final);
  const auto state = [&](std::uint64_t id) { return ledger_->reader().notice(NoticeId(id))->mark.state; };
  run_until([&] { return state(2) == NoticeState::applied; });
  EXPECT_EQ(state(1), NoticeState::waiting) << "a sum that nobody asked for";
  EXPECT_EQ(state(3), NoticeState::waiting) << "the same once more";
}

TEST_F(OverTheLedger, AReturnReopensTheStatement) {
  sandbox_.return_ms = 30;
  SandboxSettler& rail = begin();
  rail.enqueue(Script::returned);
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until_state(id, S::returned);
  const auto statement = ledger_->reader().statement(ledger_->settlement(id).statement);
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->mark.state, ledger::core::StatementState::open);
}

TEST_F(OverTheLedger, AGracefulStopLeavesNothingHalfRecorded) {
  begin();
  std::vector<SettlementId> ids;
  for (std::uint64_t i = 1; i <= 20; ++i) ids.push_back(ledger_->bill(i * 100));
  dispatcher_->wake();
  run_until([&] { return ledger_->settlement(ids.front()).state != S::ready; });
  bool stopped = false;
  dispatcher_->stop([&stopped] { stopped = true; });
  run_until([&stopped] { return stopped; });
  for (const SettlementId id : ids) {
    const S state = ledger_->settlement(id).state;
    EXPECT_TRUE(state == S::ready || state == S::final) << static_cast<int>(state);
  }
  end();
  begin();
  run_until([&] {
    for (const SettlementId id : ids) {
      if (ledger_->settlement(id).state != S::final) return false;
    }
    return true;
  });
}

}  // namespace
}  // namespace settlers
