#include "settlers/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

#include "settlers/breaker.h"
#include "settlers/sandbox/sandbox.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace settlers {
namespace {

using sandbox::SandboxOptions;
using sandbox::SandboxSettler;
using sandbox::Script;
using ::testing::ElementsAre;
using S = SettlementState;

constexpr base::Time kStart = base::Time::from_seconds(1'800'000'000);

struct Recorder final : DispatcherObserver {
  void on_would_send(const Instruction& instruction, const Prepared&) override {
    would_send.push_back(instruction.settlement.id.value);
  }
  void on_breaker(std::string_view, BreakerState state) override { breaker.push_back(state); }
  void on_problem(std::string_view, SettlementId, std::string_view message) override {
    problems.push_back(std::string(message));
  }
  std::vector<std::uint64_t> would_send;
  std::vector<BreakerState> breaker;
  std::vector<std::string> problems;
};

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() : clock_(kStart), ledger_(clock_) {
    options_.wake_spacing_ms = 0;
    options_.poll_ms = 1;
    alice_.bytes.fill(0xa1);
    payer_ = ledger_.add_payer(alice_);
    payee_ = ledger_.add_payee("anything");
  }
  ~DispatcherTest() override { end(); }

  SandboxSettler& add_sandbox(SandboxOptions sandbox = {}) {
    if (!dispatcher_) dispatcher_.emplace(io_, ledger_, ledger_, clock_, options_, &recorder_);
    auto settler = std::make_unique<SandboxSettler>(io_, clock_, std::move(sandbox));
    SandboxSettler& reference = *settler;
    dispatcher_->add(std::move(settler));
    return reference;
  }
  void start() {
    bool started = false;
    dispatcher_->start([&started](base::Result<void> result) {
      ASSERT_TRUE(result) << result.error().message;
      started = true;
    });
    run_until([&started] { return started; });
  }
  // Lets the dispatcher work until `done`; fails the test if that never comes.
  template <typename Done>
  void run_until(Done done) {
    for (int i = 0; i < 20'000 && !done(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    ASSERT_TRUE(done());
  }
  // Lets it work for a number of looks at the ledger, where nothing is expected to happen.
  void run_looks(int looks) {
    for (int i = 0; i < looks * 4; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
  }
  void run_until_state(SettlementId id, S state) {
    run_until([&] { return ledger_.at(id).state == state; });
  }
  void advance_s(std::uint64_t seconds) {
    clock_.advance_us(seconds * 1'000'000);
    dispatcher_->wake();
  }
  void end() {
    dispatcher_.reset();  // as when the process dies: nothing is waited for
    io_.restart();
    io_.poll();
  }

  base::ManualClock clock_;
  fake::Ledger ledger_;
  Recorder recorder_;
  DispatcherOptions options_;
  boost::asio::io_context io_;
  std::optional<Dispatcher> dispatcher_;
  ledger::core::Address alice_;
  ledger::core::PayerId payer_;
  ledger::core::PayeeId payee_;
};

TEST_F(DispatcherTest, RelaysAreDrivenLikePayments) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.relay({1, 2, 3});
  start();
  run_until_state(id, S::final);
  EXPECT_EQ(rail.moved().size(), 1u);
}

TEST_F(DispatcherTest, CollectsAndPaysOut) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId in = ledger_.collect(payer_, 100);
  const SettlementId out = ledger_.pay_out(payee_, 60);
  start();
  run_until_state(in, S::final);
  run_until_state(out, S::final);
  EXPECT_THAT(ledger_.path(in), ElementsAre(S::sending, S::final));
  EXPECT_EQ(rail.moved().size(), 2u);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
  EXPECT_FALSE(ledger_.at(in).reference.empty());
}

TEST_F(DispatcherTest, FollowsAPaymentThroughItsStates) {
  SandboxOptions sandbox;
  sandbox.confirm_ms = 5'000;
  sandbox.final_ms = 60'000;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 100);
  start();
  run_until_state(id, S::accepted);
  advance_s(5);
  run_until_state(id, S::confirmed);
  advance_s(60);
  run_until_state(id, S::final);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::sending, S::accepted, S::confirmed, S::final));
}

TEST_F(DispatcherTest, SendsNothingBeforeTheLedgerHasTheBytes) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 100);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to != S::sending) return;
    EXPECT_FALSE(step.request.empty());
    EXPECT_FALSE(step.idempotency_key.is_zero());
    EXPECT_EQ(rail.moved().at(step.idempotency_key).sends, 0u);
  };
  start();
  run_until_state(id, S::final);
}

TEST_F(DispatcherTest, ADefiniteFailureKeepsItsClass) {
  SandboxSettler& rail = add_sandbox();
  for (const Script script : {Script::insufficient_funds, Script::no_mandate, Script::rejected}) rail.enqueue(script);
  const SettlementId first = ledger_.collect(payer_, 1);
  const SettlementId second = ledger_.collect(payer_, 2);
  const SettlementId third = ledger_.collect(payer_, 3);
  start();
  run_until([&] { return ledger_.count(S::failed) == 3; });
  EXPECT_EQ(ledger_.at(first).failure, FailureClass::insufficient_funds);
  EXPECT_EQ(ledger_.at(second).failure, FailureClass::no_mandate);
  EXPECT_EQ(ledger_.at(third).failure, FailureClass::rejected);
  EXPECT_TRUE(recorder_.breaker.empty()) << "declines do not open the breaker";
  run_looks(5);
  EXPECT_EQ(ledger_.count(S::failed), 3u);
}

TEST_F(DispatcherTest, ARefusalAtPrepareSendsNothing) {
  SandboxSettler& rail = add_sandbox();
  rail.enqueue(Script::refused_at_prepare);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::failed);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::failed));
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::insufficient_funds);
}

TEST_F(DispatcherTest, ALostReplyIsProbedAndNotSentAgain) {
  SandboxSettler& rail = add_sandbox();
  rail.enqueue(Script::lost_accepted);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::unknown);
  advance_s(2);
  run_until_state(id, S::final);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::sending, S::unknown, S::final));
  ASSERT_EQ(rail.moved().size(), 1u);
  EXPECT_EQ(rail.moved().begin()->second.sends, 1u);
  EXPECT_EQ(rail.moved().begin()->second.moved, 1u);
}

TEST_F(DispatcherTest, ALostRequestIsSentAgainOnlyAfterTheRailSaysItIsAbsent) {
  SandboxSettler& rail = add_sandbox();
  rail.enqueue(Script::lost_absent);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::unknown);
  advance_s(2);
  run_until_state(id, S::ready);  // failed, technical: the ledger made it ready again
  EXPECT_EQ(ledger_.at(id).technical_retries, 1u);
  advance_s(2);
  run_until_state(id, S::final);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::sending, S::unknown, S::failed, S::sending, S::final));
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
}

TEST_F(DispatcherTest, UnknownStaysUnknownWhileTheRailIsSilent) {
  SandboxOptions sandbox;
  sandbox.by_payer[alice_] = Script::unreachable;
  SandboxSettler& rail = add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::unknown);
  for (int i = 0; i < 5; ++i) {
    advance_s(3'600);
    run_looks(3);
  }
  EXPECT_EQ(ledger_.at(id).state, S::unknown);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  EXPECT_EQ(rail.moved().begin()->second.sends, 1u);
}

TEST_F(DispatcherTest, AReturnAfterConfirmationIsRecorded) {
  SandboxOptions sandbox;
  sandbox.return_ms = 10'000;
  SandboxSettler& rail = add_sandbox(sandbox);
  rail.enqueue(Script::returned);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::confirmed);
  advance_s(11);
  run_until_state(id, S::returned);
}

TEST_F(DispatcherTest, ACrashBetweenSendAndRecordPaysOnce) {
  SandboxSettler* rail = &add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 7);
  ledger_.never_recorded = {S::final};
  start();
  run_until([&] { return !rail->moved().empty() && rail->moved().begin()->second.moved == 1; });
  run_looks(3);
  ASSERT_EQ(ledger_.at(id).state, S::sending);
  const base::Hash key = ledger_.at(id).idempotency_key;
  end();
  // The next process: the rail (here a new sandbox) remembers what the key did.
  ledger_.never_recorded = {};
  rail = &add_sandbox();
  start();
  run_until_state(id, S::final);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::sending, S::final));
  EXPECT_EQ(ledger_.at(id).idempotency_key, key);
  EXPECT_TRUE(rail->moved().empty()) << "it was probed, not sent";
}

TEST_F(DispatcherTest, ACrashBeforeTheSendIsProbedToo) {
  SandboxOptions sandbox;
  sandbox.forgotten_is_final = false;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 7);
  Settlement& settlement = ledger_.at(id);
  settlement.state = S::sending;  // as the last process left it
  settlement.idempotency_key.bytes.fill(1);
  settlement.request = {1};
  start();
  run_until_state(id, S::ready);  // absent: failed, technical
  advance_s(2);
  run_until_state(id, S::final);
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::failed, S::sending, S::final));
}

TEST_F(DispatcherTest, ARaceWithAnOperatorIsReadAgain) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 7);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::sending) ledger_.at(id).state = S::cancelled;  // an operator was faster
  };
  start();
  run_looks(20);
  EXPECT_EQ(ledger_.at(id).state, S::cancelled);
  EXPECT_TRUE(rail.moved().empty());
  EXPECT_EQ(dispatcher_->status().rails[0].in_flight, 0u);
}

TEST_F(DispatcherTest, WhatIsLeftOfItIsPreparedAgain) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 100);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::sending) ledger_.at(id).amount = Amount(40);  // 60 were paid while it was prepared
  };
  start();
  for (int i = 0; i < 200 && ledger_.at(id).state != S::final; ++i, advance_s(1)) run_looks(2);
  for (const auto& [key, moved] : rail.moved()) {
    EXPECT_EQ(moved.amount, Amount(40));
    EXPECT_EQ(moved.sends, 1u);
  }
  EXPECT_EQ(rail.moved().size(), 1u);
}

TEST_F(DispatcherTest, ADisputeThatIsSaidToHaveFailedCameBack) {
  SandboxOptions sandbox;
  sandbox.forgotten_is_final = false;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 100);
  ledger_.at(id).state = S::disputed;
  start();
  run_until_state(id, S::returned);
}

TEST_F(DispatcherTest, AFullQueueLosesNoOutcome) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 7);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::final && ledger_.refuse.empty() && ledger_.at(id).detail.empty()) {
      ledger_.at(id).detail = "refused once";
      ledger_.refuse.push_back(base::Status::overloaded);
    }
  };
  start();
  run_until_state(id, S::final);
  EXPECT_EQ(rail.moved().begin()->second.sends, 1u);
}

TEST_F(DispatcherTest, NeverMoreInFlightThanTheRailTakes) {
  SandboxOptions sandbox;
  sandbox.in_flight_max = 3;
  sandbox.confirm_ms = 10'000;
  add_sandbox(sandbox);
  for (std::uint64_t i = 1; i <= 20; ++i) ledger_.collect(payer_, i);
  std::size_t most = 0;
  ledger_.before_step = [&](const ledger::core::StepSettlement&) {
    most = std::max(most, ledger_.count(S::sending) + ledger_.count(S::accepted) + ledger_.count(S::unknown));
  };
  start();
  run_until([&] { return ledger_.count(S::accepted) == 3; });
  run_looks(5);
  EXPECT_EQ(ledger_.count(S::ready), 17u);
  for (int i = 0; i < 10 && ledger_.count(S::final) < 20; ++i) {
    advance_s(11);
    run_looks(60);
  }
  EXPECT_EQ(ledger_.count(S::final), 20u);
  EXPECT_LE(most, 3u);
}

TEST_F(DispatcherTest, PlacesTakenBeforeTheRestartCount) {
  SandboxOptions sandbox;
  sandbox.in_flight_max = 2;
  sandbox.by_payer[alice_] = Script::unreachable;
  sandbox.forgotten_is_final = true;
  sandbox.reply_ms = 3'600'000;  // the probes never answer
  add_sandbox(sandbox);
  for (int i = 0; i < 2; ++i) {
    const SettlementId id = ledger_.collect(payer_, 1);
    ledger_.at(id).state = S::accepted;
    ledger_.at(id).idempotency_key.bytes.fill(static_cast<std::uint8_t>(i + 1));
  }
  const SettlementId waiting = ledger_.collect(payer_, 2);
  start();
  run_looks(20);
  EXPECT_EQ(ledger_.at(waiting).state, S::ready);
  EXPECT_EQ(dispatcher_->status().rails[0].in_flight, 2u);
}

TEST_F(DispatcherTest, AStuckRailDoesNotHoldUpAnother) {
  options_.due_read_max = 16;
  SandboxOptions stuck;
  stuck.rail = "stuck";
  stuck.in_flight_max = 1;
  stuck.reply_ms = 3'600'000;
  add_sandbox(stuck);
  add_sandbox();
  for (int i = 0; i < 1'000; ++i) ledger_.collect(payer_, 1, "stuck");
  clock_.advance_us(1'000);
  const SettlementId other = ledger_.collect(payer_, 2, "sandbox");
  start();
  run_until_state(other, S::final);
  EXPECT_LE(ledger_.largest_read, 64u) << "reads stay small however many wait";
  EXPECT_LE(ledger_.count(S::sending), 1u);
}

TEST_F(DispatcherTest, AnUnknownRailIsNamedAndHoldsUpNothing) {
  add_sandbox();
  ledger_.collect(payer_, 1, "card");
  const SettlementId id = ledger_.collect(payer_, 2);
  start();
  run_until_state(id, S::final);
  EXPECT_THAT(dispatcher_->status().missing_rails, ElementsAre("card"));
  EXPECT_EQ(recorder_.problems.size(), 1u) << "said once, not with each look";
}

TEST_F(DispatcherTest, TheKillSwitchStopsSendingAndNotProbing) {
  SandboxOptions sandbox;
  sandbox.confirm_ms = 5'000;
  SandboxSettler& rail = add_sandbox(sandbox);
  const SettlementId first = ledger_.collect(payer_, 1);
  start();
  run_until_state(first, S::accepted);
  EXPECT_TRUE(dispatcher_->set_enabled("sandbox", false));
  EXPECT_FALSE(dispatcher_->set_enabled("card", false));
  const SettlementId second = ledger_.collect(payer_, 2);
  advance_s(6);
  run_until_state(first, S::final);
  run_looks(5);
  EXPECT_EQ(ledger_.at(second).state, S::ready);
  EXPECT_EQ(rail.moved().size(), 1u);
  EXPECT_FALSE(dispatcher_->status().rails[0].enabled);
  dispatcher_->set_enabled("sandbox", true);
  run_until_state(second, S::accepted);
}

TEST_F(DispatcherTest, TheKillSwitchBetweenRecordAndSendIsADefiniteFailure) {
  SandboxSettler& rail = add_sandbox();
  const SettlementId id = ledger_.collect(payer_, 1);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::sending) dispatcher_->set_enabled("sandbox", false);
  };
  start();
  run_until([&] { return ledger_.at(id).technical_retries == 1; });
  EXPECT_THAT(ledger_.path(id), ElementsAre(S::sending, S::failed));
  EXPECT_TRUE(rail.moved().empty());
}

TEST_F(DispatcherTest, ADryRunShowsAndChangesNothing) {
  options_.dry_run = true;
  SandboxSettler& rail = add_sandbox();
  const SettlementId first = ledger_.collect(payer_, 1);
  const SettlementId second = ledger_.pay_out(payee_, 2);
  start();
  run_until([&] { return recorder_.would_send.size() == 2; });
  run_looks(10);
  EXPECT_EQ(recorder_.would_send.size(), 2u) << "each is shown once";
  EXPECT_TRUE(ledger_.steps.empty());
  EXPECT_TRUE(rail.moved().empty());
  EXPECT_EQ(ledger_.at(first).state, S::ready);
  EXPECT_EQ(ledger_.at(second).state, S::ready);
}

TEST_F(DispatcherTest, FaultsOpenTheBreakerAndOneTrialClosesIt) {
  options_.breaker.failures_to_open = 3;
  options_.breaker.open_ms = 60'000;
  SandboxSettler& rail = add_sandbox();
  for (int i = 0; i < 4; ++i) rail.enqueue(Script::technical);
  for (std::uint64_t i = 1; i <= 10; ++i) ledger_.collect(payer_, i, "sandbox");
  ledger_.at(SettlementId(1)).next_action.us -= 1;
  start();
  run_until([&] { return !recorder_.breaker.empty(); });
  EXPECT_EQ(recorder_.breaker.back(), BreakerState::open);
  EXPECT_EQ(dispatcher_->status().rails[0].breaker, BreakerState::open);
  EXPECT_GE(dispatcher_->status().rails[0].faults, 3u);
  EXPECT_FALSE(dispatcher_->status().rails[0].last_error.empty());
  advance_s(61);
  run_until([&] {
    clock_.advance_us(1'000);  // the retries' jitter
    return ledger_.count(S::final) == 10;
  });
  EXPECT_EQ(dispatcher_->status().rails[0].breaker, BreakerState::closed);
  EXPECT_EQ(rail.settlements_moved_twice(), 0u);
}

TEST_F(DispatcherTest, UnchangedProbesAreNotWrittenToTheLedger) {
  SandboxOptions sandbox;
  sandbox.confirm_ms = 30'000;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::accepted);
  const std::size_t before = ledger_.steps.size();
  for (int i = 0; i < 29; ++i) {
    ledger_.at(id).next_action = clock_.now();  // an eager operator
    advance_s(1);
    run_looks(2);
  }
  EXPECT_EQ(ledger_.steps.size(), before);
  advance_s(2);
  run_until_state(id, S::final);
}

TEST_F(DispatcherTest, AFarProbeIsWrittenToTheLedger) {
  SandboxOptions sandbox;
  sandbox.confirm_ms = 7'200'000;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::accepted);
  ledger_.at(id).next_action = clock_.now();
  dispatcher_->wake();
  run_until([&] { return ledger_.at(id).next_action > clock_.now(); });
  EXPECT_EQ(ledger_.at(id).state, S::accepted);
}

TEST_F(DispatcherTest, StopsGracefullyAndFinishesWhatIsUnderWay) {
  SandboxOptions sandbox;
  sandbox.reply_ms = 20;
  add_sandbox(sandbox);
  const SettlementId first = ledger_.collect(payer_, 1);
  start();
  run_until_state(first, S::sending);
  bool stopped = false;
  dispatcher_->stop([&stopped] { stopped = true; });
  const SettlementId second = ledger_.collect(payer_, 2);
  run_until([&stopped] { return stopped; });
  EXPECT_EQ(ledger_.at(first).state, S::final);
  EXPECT_EQ(ledger_.at(second).state, S::ready);
  EXPECT_FALSE(dispatcher_->status().running);
}

TEST_F(DispatcherTest, AStopDoesNotWaitForASilentRail) {
  options_.stop_grace_ms = 20;
  SandboxOptions sandbox;
  sandbox.reply_ms = 3'600'000;
  add_sandbox(sandbox);
  const SettlementId id = ledger_.collect(payer_, 1);
  start();
  run_until_state(id, S::sending);
  bool stopped = false;
  dispatcher_->stop([&stopped] { stopped = true; });
  run_until([&stopped] { return stopped; });
  EXPECT_EQ(ledger_.at(id).state, S::sending) << "the next process probes it";
}

TEST_F(DispatcherTest, ARailThatRefusesToStartNamesItself) {
  SandboxOptions bad;
  bad.by_amount.push_back({ledger::core::Amount(0), ledger::core::Amount(0), Script::success});
  add_sandbox(bad);
  std::optional<base::Result<void>> started;
  dispatcher_->start([&started](base::Result<void> result) { started = std::move(result); });
  run_until([&started] { return started.has_value(); });
  ASSERT_FALSE(*started);
  EXPECT_NE(started->error().message.find("rail sandbox"), std::string::npos);
}

TEST(TechnicalDelay, FullJitterThenSlowSteps) {
  for (std::uint32_t retries = 0; retries < 8; ++retries) {
    const std::uint64_t ceiling = std::min<std::uint64_t>(60'000, 500ULL << retries);
    EXPECT_EQ(technical_delay_ms(retries, 0), 0u);
    EXPECT_EQ(technical_delay_ms(retries, ceiling), ceiling);
    EXPECT_EQ(technical_delay_ms(retries, ceiling + 1), 0u);
  }
  EXPECT_EQ(technical_delay_ms(8, 123), 300'000u);
  EXPECT_EQ(technical_delay_ms(9, 123), 1'800'000u);
  EXPECT_EQ(technical_delay_ms(10, 123), 7'200'000u);
  EXPECT_EQ(technical_delay_ms(11, 123), 21'600'000u);
  EXPECT_EQ(technical_delay_ms(1'000, 123), 21'600'000u);
}

TEST(Breaker, OpensLongerEachTimeAndIgnoresLateResults) {
  constexpr std::uint64_t kMs = 1'000'000;
  Breaker breaker({2, 1'000, 3'000});
  bool trial = false;
  ASSERT_TRUE(breaker.begin(0, trial));
  EXPECT_FALSE(trial);
  breaker.end(0, trial, RailHealth::fault);
  breaker.end(0, false, RailHealth::good);  // a success in between
  breaker.end(0, false, RailHealth::fault);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  breaker.end(0, false, RailHealth::fault);
  EXPECT_EQ(breaker.state(), BreakerState::open);
  breaker.end(0, false, RailHealth::good);  // begun before the opening
  EXPECT_EQ(breaker.state(), BreakerState::open);
  EXPECT_FALSE(breaker.begin(999 * kMs, trial));
  std::uint64_t now = 1'000 * kMs;
  for (const std::uint64_t wait_ms : {2'000u, 3'000u, 3'000u}) {
    ASSERT_TRUE(breaker.begin(now, trial));
    EXPECT_TRUE(trial);
    bool second = false;
    EXPECT_FALSE(breaker.begin(now, second)) << "one trial at a time";
    breaker.end(now, true, RailHealth::fault);
    EXPECT_FALSE(breaker.would_begin(now + wait_ms * kMs - 1));
    now += wait_ms * kMs;
  }
  ASSERT_TRUE(breaker.begin(now, trial));
  breaker.end(now, true, RailHealth::unknown);  // the rail was not asked: the next one is the trial
  ASSERT_TRUE(breaker.begin(now, trial));
  EXPECT_TRUE(trial);
  breaker.end(now, true, RailHealth::good);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
}

TEST(Sandbox, ScriptNames) {
  for (int i = 0; i <= static_cast<int>(Script::refused_at_prepare); ++i) {
    const auto script = static_cast<Script>(i);
    EXPECT_EQ(sandbox::script_from_name(sandbox::name(script)), script);
  }
  EXPECT_FALSE(sandbox::script_from_name("nonsense"));
}

TEST_F(DispatcherTest, SandboxRulesByAmount) {
  SandboxOptions sandbox;
  sandbox.by_amount.push_back({ledger::core::Amount(13), ledger::core::Amount(100), Script::rejected});
  add_sandbox(sandbox);
  const SettlementId unlucky = ledger_.collect(payer_, 1'013);
  const SettlementId lucky = ledger_.collect(payer_, 1'014);
  start();
  run_until_state(unlucky, S::failed);
  run_until_state(lucky, S::final);
}

}  // namespace
}  // namespace settlers
