// Several rails over the real ledger: what a rail says on its own, and who is asked after a definite failure.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <random>

#include "settlers/dispatcher.h"
#include "settlers/sandbox/sandbox.h"
#include "tests/unit/settlers/real_ledger.h"

namespace settlers {
namespace {

using ledger::core::Direction;
using ledger::core::NoticeKind;
using ledger::core::Resolution;
using sandbox::SandboxOptions;
using sandbox::SandboxSettler;
using sandbox::Script;
using ::testing::ElementsAre;
using S = SettlementState;

// A rail that outlives the dispatcher, as a real one does: what a crash of the process leaves behind.
class Lasting final : public Settler {
 public:
  explicit Lasting(std::shared_ptr<SandboxSettler> rail) : rail_(std::move(rail)) {}
  std::string_view rail() const override { return rail_->rail(); }
  Capabilities capabilities() const override { return rail_->capabilities(); }
  void start(Done<base::Result<void>> done) override { rail_->start(std::move(done)); }
  void stop() override {}
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    rail_->prepare(instruction, std::move(done));
  }
  void abandon(const Prepared& prepared) override { rail_->abandon(prepared); }
  void send(const Instruction& instruction, Done<Outcome> done) override { rail_->send(instruction, std::move(done)); }
  void probe(const Instruction& instruction, Done<Outcome> done) override {
    rail_->probe(instruction, std::move(done));
  }
  std::string describe() const override { return rail_->describe(); }

 private:
  std::shared_ptr<SandboxSettler> rail_;
};

// A rail that cannot be asked, like a bank: it knows what it was told.
class Listener final : public Settler {
 public:
  struct Seen {
    std::vector<std::vector<std::uint64_t>> probes;  // the notices of each probe
    std::size_t sends = 0;
    Done<Outcome> held;  // the answer to a probe that is held back
    bool hold = false;
  };
  Listener(Seen& seen, std::string name, bool pull = true) : seen_(seen), name_(std::move(name)), pull_(pull) {}
  std::string_view rail() const override { return name_; }
  Capabilities capabilities() const override {
    Capabilities can;
    can.pull = pull_;
    can.push = true;
    can.in_flight_max = 10;
    return can;
  }
  void start(Done<base::Result<void>> done) override { done({}); }
  void stop() override {}
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    Prepared prepared;
    prepared.idempotency_key.bytes.fill(static_cast<std::uint8_t>(instruction.settlement.id.value));
    prepared.request = {1};
    done(prepared);
  }
  void send(const Instruction&, Done<Outcome> done) override {
    ++seen_.sends;
    done(answer(false));
  }
  void probe(const Instruction& instruction, Done<Outcome> done) override {
    std::vector<std::uint64_t> ids;
    bool booked = false;
    for (const Notice& notice : instruction.notices) {
      ids.push_back(notice.id.value);
      booked = booked || notice.kind == NoticeKind::booked;
    }
    seen_.probes.push_back(ids);
    if (seen_.hold) {
      seen_.held = std::move(done);
    } else {
      done(answer(booked));
    }
  }
  static Outcome answer(bool booked) {
    Outcome outcome;
    outcome.state = booked ? S::final : S::accepted;
    outcome.next_probe_ms = 7 * 86'400'000;  // nothing but a notice brings news
    if (booked) outcome.fee = Amount(35);
    if (booked) outcome.code = "BOOK";
    return outcome;
  }
  std::string describe() const override { return {}; }

 private:
  Seen& seen_;
  const std::string name_;
  const bool pull_;
};

struct Recorder final : DispatcherObserver {
  void on_problem(std::string_view, SettlementId, std::string_view message) override {
    problems.push_back(std::string(message));
  }
  std::vector<std::string> problems;
};

class RailsTest : public ::testing::Test {
 protected:
  RailsTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 (std::string("tabd-rails-") + test->name() + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ledger_.emplace(clock_, directory_, "sandbox", "payee's account");
    options_.poll_ms = 5;
    options_.wake_spacing_ms = 0;
    options_.journal_delay_ms = 50;
  }
  ~RailsTest() override {
    end();
    ledger_.reset();
    std::filesystem::remove_all(directory_);
  }
  void set_rails(const std::vector<std::string>& names, std::vector<std::uint64_t> dunning_s = {0, 0, 0}) {
    ledger::core::Plan plan = *ledger_->reader().plan(ledger::core::PlanId(1));
    plan.rails.clear();
    for (const std::string& name : names) plan.rails.push_back(*base::RailName::parse(name));
    plan.dunning_s = std::move(dunning_s);
    ledger_->must(ledger::core::SetPlan{plan});
  }
  void make() { dispatcher_.emplace(io_, ledger_->service(), ledger_->reader(), clock_, options_, &recorder_); }
  void start() {
    bool started = false;
    dispatcher_->start([&started](base::Result<void> result) { started = result.has_value(); });
    run_until([&started] { return started; });
  }
  void end() {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
  }
  template <typename Done>
  void run_until(Done done) {
    const std::uint64_t start = clock_.monotonic_ns();
    while (!done() && clock_.monotonic_ns() - start < 30'000'000'000) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(done());
  }
  void run_looks(int looks) {
    for (int i = 0; i < looks; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
  }
  S state(SettlementId id) const { return ledger_->settlement(id).state; }
  std::string rail(SettlementId id) const { return std::string(ledger_->settlement(id).rail.view()); }

  static Notice notice(std::uint64_t key, SettlementId settlement, NoticeKind kind = NoticeKind::event) {
    Notice one;
    one.rail = *base::RailName::parse("bank");
    one.key = support::test_hash(key);
    one.source = "camt053 test.xml entry " + std::to_string(key);
    one.kind = kind;
    one.settlement = settlement;
    return one;
  }
  // Records through the dispatcher's inbox and waits for the answers.
  std::vector<NoticeAnswer> tell(std::vector<Notice> notices) {
    auto answered = std::make_shared<std::promise<std::vector<NoticeAnswer>>>();
    dispatcher_->inbox().record(std::move(notices), [answered](base::Result<std::vector<NoticeAnswer>> answers) {
      answered->set_value(answers ? *answers : std::vector<NoticeAnswer>{});
    });
    std::vector<NoticeAnswer> answers = answered->get_future().get();
    dispatcher_->wake();
    return answers;
  }

  base::SystemClock clock_;
  std::filesystem::path directory_;
  std::optional<support::RealLedger> ledger_;
  boost::asio::io_context io_;
  DispatcherOptions options_;
  Recorder recorder_;
  std::optional<Dispatcher> dispatcher_;
};

TEST_F(RailsTest, ANoticeBringsWhatAWeekOfWaitingWouldNot) {
  set_rails({"bank"});
  Listener::Seen seen;
  make();
  dispatcher_->add(std::make_unique<Listener>(seen, "bank"));
  start();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until([&] { return state(id) == S::accepted; });
  const std::vector<NoticeAnswer> first = tell({notice(1, id), notice(1, id)});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].status, base::Status::ok);
  EXPECT_EQ(first[1].status, base::Status::already_accepted);
  run_until([&] { return seen.probes.size() == 1; });
  run_until([&] { return ledger_->reader().notice(ledger::core::NoticeId(1))->mark.state == NoticeState::applied; });
  EXPECT_EQ(state(id), S::accepted) << "the event says nothing that the rail believes";
  tell({notice(1, id)});
  run_looks(20);
  EXPECT_EQ(seen.probes.size(), 1u) << "what is said again is no news";
  tell({notice(2, id, NoticeKind::booked)});
  run_until([&] { return state(id) == S::final; });
  EXPECT_THAT(seen.probes, ElementsAre(ElementsAre(1), ElementsAre(1, 2)));
  EXPECT_EQ(ledger_->settlement(id).code, "BOOK");
  EXPECT_EQ(ledger_->settlement(id).rail_fee, Amount(35));
  EXPECT_EQ(ledger_->reader().operator_balance(support::kUsdc)->cash.posted, 5'000 - 35);
}

TEST_F(RailsTest, WhatIsSaidDuringAProbeIsLookedAtRightAfterIt) {
  set_rails({"bank"});
  Listener::Seen seen;
  make();
  dispatcher_->add(std::make_unique<Listener>(seen, "bank"));
  start();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until([&] { return state(id) == S::accepted; });
  seen.hold = true;
  tell({notice(1, id)});
  run_until([&] { return static_cast<bool>(seen.held); });
  tell({notice(2, id, NoticeKind::booked)});
  run_looks(5);
  seen.hold = false;
  seen.held(Listener::answer(false));
  run_until([&] { return state(id) == S::final; });
  EXPECT_THAT(seen.probes, ElementsAre(ElementsAre(1), ElementsAre(1, 2)));
}

TEST_F(RailsTest, WhatWasPaidIsNotSentUntilTheOperatorHasExplainedIt) {
  set_rails({"bank"}, {3'600});
  Listener::Seen seen;
  make();
  dispatcher_->add(std::make_unique<Listener>(seen, "bank"));
  const SettlementId id = ledger_->bill(5'000);
  Notice paid = notice(1, id, NoticeKind::booked);
  paid.asset = support::kUsdc;
  paid.amount = Amount(5'000);
  paid.direction = Direction::in;
  ledger_->must(ledger::core::RecordNotices{{paid}});
  start();
  run_until([&] { return !recorder_.problems.empty(); });
  EXPECT_EQ(seen.sends, 0u);
  EXPECT_EQ(state(id), S::ready);
  ledger_->must(
      ledger::core::ResolveNotice{ledger::core::NoticeId(1), Resolution::went_back, {}, "it was for somebody else"});
  run_until([&] { return state(id) == S::accepted; });
  EXPECT_EQ(seen.sends, 1u);
}

TEST_F(RailsTest, ARailThatCannotDoItIsPassedBy) {
  set_rails({"missing", "pays-only", "sandbox"});
  Listener::Seen seen;
  make();
  dispatcher_->add(std::make_unique<Listener>(seen, "pays-only", false));
  dispatcher_->add(std::make_unique<SandboxSettler>(io_, clock_, SandboxOptions{}));
  start();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until([&] { return state(id) == S::final; });
  EXPECT_EQ(rail(id), "sandbox");
  EXPECT_EQ(ledger_->settlement(id).attempt, 3u);
  EXPECT_EQ(seen.sends, 0u);
}

TEST_F(RailsTest, WithNoneOfThePlansRailsItWaits) {
  set_rails({"missing", "absent"});
  make();
  dispatcher_->add(std::make_unique<SandboxSettler>(io_, clock_, SandboxOptions{}));
  start();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until([&] { return !recorder_.problems.empty(); });
  run_looks(20);
  EXPECT_EQ(state(id), S::ready) << "a section that is missing from the configuration suspends nobody";
  EXPECT_EQ(ledger_->settlement(id).attempt, 1u);
  EXPECT_THAT(dispatcher_->status().missing_rails, ElementsAre("missing"));
}

TEST_F(RailsTest, StrayMoneyIsInSuspenseAndIsReportedOnce) {
  SandboxOptions options;
  options.announce = true;
  options.fee = Amount(10);
  make();
  auto settler = std::make_unique<SandboxSettler>(io_, clock_, options, &dispatcher_->inbox());
  settler->enqueue(Script::stray);
  dispatcher_->add(std::move(settler));
  start();
  const SettlementId id = ledger_->bill(5'000);
  dispatcher_->wake();
  run_until([&] { return state(id) == S::final; });
  run_until([&] { return ledger_->reader().head()->notices == 2; });
  EXPECT_EQ(ledger_->reader().operator_balance(support::kUsdc)->suspense.posted, -5'000);
  EXPECT_EQ(ledger_->reader().operator_balance(support::kUsdc)->cash.posted, 10'000 - 10);
  EXPECT_EQ(ledger_->reader().notices_in(NoticeState::suspense, {}, 10)->size(), 1u);
}

// The property: however the rails answer, and wherever the process dies, each statement is collected at most once over
// all rails; what the ledger says was collected was; and there is no new attempt from unknown.
TEST_F(RailsTest, OverAllRailsAStatementIsCollectedAtMostOnce) {
  set_rails({"first", "second", "third"}, {0, 0, 0, 0});
  options_.breaker.failures_to_open = 100'000;  // it is the rails' answers that are tried here
  std::mt19937_64 random(20'261'121);
  std::vector<std::shared_ptr<SandboxSettler>> rails;
  for (const char* name : {"first", "second", "third"}) {
    SandboxOptions options;
    options.rail = name;
    options.reply_ms = 1;
    options.forgotten_is_final = false;
    rails.push_back(std::make_shared<SandboxSettler>(io_, clock_, options));
  }
  constexpr Script kScripts[] = {Script::success,       Script::insufficient_funds, Script::no_mandate,
                                 Script::rejected,      Script::needs_action,       Script::technical,
                                 Script::lost_accepted, Script::lost_absent,        Script::refused_at_prepare};
  for (int i = 0; i < 400; ++i) {
    for (const auto& rail : rails) rail->enqueue(kScripts[random() % std::size(kScripts)]);
  }
  std::vector<SettlementId> ids;
  for (std::uint64_t i = 1; i <= 60; ++i) ids.push_back(ledger_->bill(1'000 + i));
  const auto over = [&] {
    return std::all_of(ids.begin(), ids.end(),
                       [&](SettlementId id) { return state(id) == S::final || state(id) == S::failed; });
  };
  for (int life = 0; life < 200 && !over(); ++life) {
    make();
    for (const auto& rail : rails) dispatcher_->add(std::make_unique<Lasting>(rail));
    start();
    const int events = life < 60 ? 5 + static_cast<int>(random() % 120) : 3'000;
    for (int i = 0; i < events && !over(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    dispatcher_.reset();                       // the process dies here,
    ledger_->must(ledger::core::CloseDue{1});  // and its ledger with it: nothing is left in the queue
    if (life % 8 == 7) {
      ledger_->close();
      ledger_->open();
    }
  }
  ASSERT_TRUE(over());
  std::map<std::uint64_t, std::uint64_t> moved;
  for (const auto& rail : rails) {
    for (const auto& [key, payment] : rail->moved()) moved[payment.settlement.value] += payment.moved;
  }
  std::size_t paid = 0, on_other_rails = 0;
  for (const SettlementId id : ids) {
    EXPECT_EQ(moved[id.value], state(id) == S::final ? 1u : 0u) << "settlement " << id.value;
    if (state(id) == S::final) ++paid;
    if (state(id) == S::final && rail(id) != "first") ++on_other_rails;
  }
  EXPECT_GT(paid, 10u);
  EXPECT_GT(on_other_rails, 3u);
  const auto entries = ledger_->reader().entries(ledger::core::Sequence(1), 100'000);
  ASSERT_TRUE(entries);
  for (const ledger::api::StoredEntry& stored : *entries) {
    const auto* step = std::get_if<ledger::core::SettlementStepped>(&stored.entry);
    if (step == nullptr || step->to != S::ready || step->from == S::ready) continue;
    EXPECT_NE(step->failure, FailureClass::none) << "a new attempt without a definite failure";
  }
}

}  // namespace
}  // namespace settlers
