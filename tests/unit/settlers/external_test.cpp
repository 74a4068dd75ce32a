// Rails in other processes: what the stand-in answers for a peer that is away, slow, broken or hostile, under the real
// dispatcher and the real ledger. The peer here is a C++ object; tests/unit/rpc/rail_test.cpp has the wire.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <set>

#include "settlers/dispatcher.h"
#include "settlers/external/external.h"
#include "settlers/external/judge.h"
#include "settlers/external/notice_quota.h"
#include "tests/unit/settlers/real_ledger.h"

namespace settlers::external {
namespace {

using ledger::core::Direction;
using ledger::core::NoticeKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using S = SettlementState;

constexpr std::uint64_t kCallMs = 150;
constexpr std::uint64_t kHeartbeatMs = 100;

// What is at the rail, whoever asks: the money that moved, by key.
struct World {
  std::map<Hash, int> moved;
  std::map<std::uint64_t, int> sends;  // by settlement
};

class FakePeer final : public Peer {
 public:
  explicit FakePeer(World& world) : world_(world) {
    can.pull = can.push = can.refunds = can.can_probe = true;
    can.in_flight_max = 64;
  }

  void capabilities(Done<base::Result<Capabilities>> done) override { answer<Capabilities>("capabilities", can, done); }
  void start(const Opening& opening, Done<base::Result<void>> done) override {
    opened = opening;
    if (silent.count("start") != 0) return;
    done(start_result);
  }
  void adopt(const std::vector<Settlement>& settlements, Done<base::Result<void>> done) override {
    adopted.insert(adopted.end(), settlements.begin(), settlements.end());
    if (silent.count("adopt") == 0) done({});
  }
  void set_sending(bool allowed) override { sending.push_back(allowed); }
  void stop() override { ++stops; }
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    Prepared prepared;
    const Settlement& settlement = instruction.settlement;
    prepared.idempotency_key.bytes[0] = static_cast<std::uint8_t>(settlement.id.value);
    prepared.idempotency_key.bytes[1] = static_cast<std::uint8_t>(settlement.attempt);
    prepared.request = {1, 2, 3};
    ++prepares;
    if (on_prepare) return done(on_prepare(prepared));
    answer<Prepared>("prepare", prepared, done);
  }
  void abandon(const Prepared&) override { ++abandoned; }
  void send(const Instruction& instruction, Done<base::Result<Outcome>> done) override {
    const Settlement& settlement = instruction.settlement;
    EXPECT_EQ(settlement.request, (Bytes{1, 2, 3}));
    ++world_.sends[settlement.id.value];
    if (moves) world_.moved[settlement.idempotency_key] = 1;
    late = done;
    Outcome outcome;
    outcome.state = S::accepted;
    outcome.next_probe_ms = 1;
    if (on_send) return done(on_send(outcome));
    answer<Outcome>("send", outcome, done);
  }
  void probe(const Instruction& instruction, Done<base::Result<Outcome>> done) override {
    ++probes;
    Outcome outcome;
    const bool moved = world_.moved.count(instruction.settlement.idempotency_key) != 0;
    outcome.state = moved ? S::final : S::failed;
    if (!moved) outcome.failure = FailureClass::technical;
    if (on_probe) return done(on_probe(outcome));
    answer<Outcome>("probe", outcome, done);
  }
  void report(Done<base::Result<Report>> done) override {
    answer<Report>("report", Report{"all is well", {{"balance_cents", 7}}}, done);
  }
  void close(const std::string& reason) override { closed = reason; }

  Capabilities can;
  base::Result<void> start_result;
  Opening opened;
  std::set<std::string> silent;  // calls that are never answered
  std::function<void(const std::string& call)> before;
  std::function<base::Result<Prepared>(Prepared)> on_prepare;
  std::function<base::Result<Outcome>(Outcome)> on_send, on_probe;
  Done<base::Result<Outcome>> late;
  bool moves = true;
  std::vector<Settlement> adopted;
  std::vector<bool> sending;
  int stops = 0, prepares = 0, probes = 0, abandoned = 0;
  std::string closed;

 private:
  template <typename T>
  void answer(const char* call, const T& value, const Done<base::Result<T>>& done) {
    if (before) before(call);
    if (silent.count(call) == 0) done(value);
  }
  World& world_;
};

struct Recorder final : DispatcherObserver {
  void on_problem(std::string_view, SettlementId, std::string_view message) override {
    problems.push_back(std::string(message));
  }
  std::vector<std::string> problems;
};

class ExternalTest : public ::testing::Test {
 protected:
  ExternalTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 (std::string("tabd-external-") + test->name() + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ledger_.emplace(clock_, directory_, "outside", "payee's account");
    ledger::core::Payee payee = *ledger_->reader().payee(ledger_->actors.payee(0));
    payee.payout_minimum = Amount(1'000'000'000'000);  // collections alone: what is counted is counted once
    ledger_->must(ledger::core::SetPayee{payee});
    DispatcherOptions options;
    options.poll_ms = 5;
    options.wake_spacing_ms = 0;
    options.journal_delay_ms = 50;
    options.breaker.failures_to_open = 100'000;  // it has tests of its own
    dispatcher_.emplace(io_, ledger_->service(), ledger_->reader(), clock_, options, &recorder_);
    rails_.emplace(Parts{io_, ledger_->reader(), clock_, dispatcher_->inbox(), [this] { dispatcher_->wake(); },
                         [this](std::string_view, std::string_view news) { news_.emplace_back(news); }, "acme:tab"});
  }
  ~ExternalTest() override {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
    ledger_.reset();
    std::filesystem::remove_all(directory_);
  }
  void start(Options options = {}) {
    options.rail = "outside";
    options.keys = {ledger_->actors.payer(7)};
    options.call_ms = kCallMs;
    options.heartbeat_ms = kHeartbeatMs;
    options.pays = true;
    options.refunds = true;
    dispatcher_->add(rails_->add(options));
    bool started = false;
    dispatcher_->start([&started](base::Result<void> result) { started = result.has_value(); });
    run_until([&started] { return started; });
  }
  std::shared_ptr<FakePeer> peer() { return std::make_shared<FakePeer>(world_); }
  // The error's message; empty: it is registered.
  std::string enter(const std::shared_ptr<FakePeer>& who) {
    std::optional<base::Result<void>> result;
    rails_->enter("outside", who, [&result](base::Result<void> said) { result = std::move(said); });
    run_until([&result] { return result.has_value(); });
    return !result || *result ? std::string() : (*result).error().to_string();
  }
  void leave(const std::shared_ptr<FakePeer>& who) { rails_->leave("outside", who, "test"); }
  template <typename Finished>
  void run_until(Finished finished) {
    const std::uint64_t start = clock_.monotonic_ns();
    while (!finished() && clock_.monotonic_ns() - start < 30'000'000'000) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(finished());
  }
  SettlementId bill(std::uint64_t amount = 5'000) {
    const SettlementId id = ledger_->bill(amount);
    dispatcher_->wake();
    return id;
  }
  S state(SettlementId id) const { return ledger_->settlement(id).state; }
  void run_until_state(SettlementId id, S wanted) {
    run_until([&] { return state(id) == wanted; });
  }
  RailStatus status() const { return dispatcher_->status().rails.at(0); }
  base::Result<std::vector<NoticeAnswer>> record(const std::shared_ptr<FakePeer>& who, std::vector<Notice> notices) {
    std::optional<base::Result<std::vector<NoticeAnswer>>> result;
    rails_->record("outside", who, std::move(notices), [&result](auto answers) { result = std::move(answers); });
    run_until([&result] { return result.has_value(); });
    return *result;
  }
  static Notice notice(std::uint64_t key, SettlementId settlement = {}) {
    Notice one;
    one.rail = *base::RailName::parse("sandbox");  // somebody else's name: not believed
    one.key = support::test_hash(key);
    one.kind = NoticeKind::event;
    one.settlement = settlement;
    return one;
  }
  static Notice money(std::uint64_t key, SettlementId settlement = {}) {
    Notice one = notice(key, settlement);
    one.kind = NoticeKind::booked;
    one.asset = support::kUsdc;
    one.amount = Amount(1'000);
    one.direction = Direction::in;
    return one;
  }
  std::int64_t gauge(const std::string& name) const {
    for (const Gauge& one : status().gauges) {
      if (one.name == name) return one.value;
    }
    return -1;
  }

  base::SystemClock clock_;
  std::filesystem::path directory_;
  std::optional<support::RealLedger> ledger_;
  boost::asio::io_context io_;
  Recorder recorder_;
  World world_;
  std::optional<Rails> rails_;
  std::optional<Dispatcher> dispatcher_;
  std::vector<std::string> news_;
};

TEST_F(ExternalTest, WhileNobodyIsThereSettlementsWaitAsTheyAre) {
  start();
  const SettlementId id = bill();
  for (int i = 0; i < 20; ++i) {
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(state(id), S::ready);
  EXPECT_EQ(ledger_->settlement(id).technical_retries, 0u);
  EXPECT_FALSE(status().available);
  EXPECT_THAT(status().description, HasSubstr("not connected"));
  const auto who = peer();
  EXPECT_EQ(enter(who), "");
  run_until_state(id, S::final);
  EXPECT_TRUE(status().available);
  run_until([&] { return gauge("settler_balance_cents") == 7; });
  EXPECT_THAT(status().description, HasSubstr("all is well"));
  EXPECT_EQ(who->opened.rail, "outside");
  EXPECT_EQ(who->opened.network, "acme:tab");
  EXPECT_EQ(world_.sends[id.value], 1);
}

TEST_F(ExternalTest, ASettlerThatCanDoLessThanIsPromisedIsNotLetIn) {
  start();
  const auto lacking = [&](auto change) {
    const auto who = peer();
    change(who->can);
    return enter(who);
  };
  EXPECT_THAT(lacking([](Capabilities& can) { can.pull = false; }), HasSubstr("says that it collects"));
  EXPECT_THAT(lacking([](Capabilities& can) { can.push = false; }), HasSubstr("says that it pays out"));
  EXPECT_THAT(lacking([](Capabilities& can) { can.refunds = false; }), HasSubstr("says that it refunds"));
  EXPECT_THAT(lacking([](Capabilities& can) { can.can_probe = false; }), HasSubstr("cannot probe"));
  EXPECT_THAT(lacking([](Capabilities& can) { can.in_flight_max = 63; }), HasSubstr("in_flight_max"));
  const auto wrong_account = peer();
  wrong_account->start_result = base::error(base::ErrorCode::io, "the account is another one");
  EXPECT_THAT(enter(wrong_account), HasSubstr("the account is another one"));
  EXPECT_EQ(wrong_account->closed, "") << "it has to read why";
  EXPECT_EQ(enter(peer()), "") << "the place is free again";
}

TEST_F(ExternalTest, OneAtATime) {
  start();
  const auto first = peer(), second = peer();
  EXPECT_EQ(enter(first), "");
  EXPECT_THAT(enter(second), HasSubstr("unavailable: another settler serves the rail outside"));
  leave(second);  // it is not the rail's: nothing happens
  EXPECT_THAT(enter(second), HasSubstr("another settler"));
  leave(first);
  EXPECT_EQ(enter(second), "");
  EXPECT_EQ(gauge("registrations_total"), 2);
}

// A peer whose machine has gone without a word: TCP would tell after minutes.
TEST_F(ExternalTest, OneThatGivesNoSignOfLifeIsLetGo) {
  start();
  const auto dead = peer(), next = peer();
  EXPECT_EQ(enter(dead), "");
  dead->silent = {"report"};
  run_until([&] { return !status().available; });
  EXPECT_THAT(dead->closed, HasSubstr("no sign of life"));
  EXPECT_EQ(enter(next), "");
}

TEST_F(ExternalTest, ARegistrationThatIsNotAnsweredEnds) {
  start();
  const SettlementId open = bill();
  {
    const auto who = peer();
    who->silent = {"probe"};
    EXPECT_EQ(enter(who), "");
    run_until([&] { return state(open) == S::accepted && who->probes > 0; });
    leave(who);
  }
  for (const char* call : {"capabilities", "start", "adopt"}) {
    const auto silent = peer();
    silent->silent = {call};
    EXPECT_THAT(enter(silent), HasSubstr("no answer to " + std::string(call))) << call;
    const auto gone = peer();
    gone->silent = {call};
    std::optional<base::Result<void>> result;
    rails_->enter("outside", gone, [&result](base::Result<void> said) { result = std::move(said); });
    leave(gone);
    run_until([&result] { return result.has_value(); });
    EXPECT_THAT((*result).error().message, HasSubstr("the settler is gone")) << call;
  }
  const auto good = peer();
  EXPECT_EQ(enter(good), "");
  ASSERT_EQ(good->adopted.size(), 1u) << "what is open is handed over at each registration";
  EXPECT_EQ(good->adopted[0].id, open);
  EXPECT_EQ(good->adopted[0].request, (Bytes{1, 2, 3}));
  run_until_state(open, S::final);
  EXPECT_EQ(world_.sends[open.value], 1);
}

// The connection breaks at each call in turn, before or after the money moved: once and no more, whatever happens.
TEST_F(ExternalTest, AConnectionThatBreaksAtAnyCallLosesAndDoublesNothing) {
  start();
  for (const char* call : {"prepare", "send", "probe"}) {
    for (const bool moves : {true, false}) {
      const auto breaks = peer();
      breaks->moves = moves || std::string(call) == "probe";
      breaks->before = [&, weak = std::weak_ptr<FakePeer>(breaks)](const std::string& now) {
        const auto self = weak.lock();
        if (now != call || !self->silent.empty()) return;
        self->silent = {"prepare", "send", "probe", "report"};
        leave(self);
      };
      EXPECT_EQ(enter(breaks), "");
      const SettlementId id = bill();
      run_until([&] { return !status().available; });
      const std::string where = std::string(call) + (moves ? ", moved" : ", not moved");
      if (std::string(call) == "send") {
        run_until_state(id, S::unknown);
        EXPECT_EQ(ledger_->settlement(id).attempt, 1u) << where;
      }
      const auto next = peer();
      EXPECT_EQ(enter(next), "");
      run_until_state(id, S::final);
      int moved = 0;
      for (const auto& [key, count] : world_.moved) moved += key.bytes[0] == id.value ? count : 0;
      EXPECT_EQ(moved, 1) << where;
      leave(next);
    }
  }
}

TEST_F(ExternalTest, ACallHasADeadlineAndALateAnswerIsDropped) {
  start();
  const auto slow = peer();
  slow->silent = {"send"};
  bool told = false;
  slow->on_probe = [&](Outcome outcome) {
    if (!told) outcome = Outcome{};  // it does not know yet
    return outcome;
  };
  EXPECT_EQ(enter(slow), "");
  const SettlementId id = bill();
  run_until_state(id, S::unknown);
  EXPECT_THAT(ledger_->settlement(id).detail, HasSubstr("no answer to send() within"));
  Outcome failed;
  failed.state = S::failed;
  failed.failure = FailureClass::rejected;
  slow->late(failed);  // too late, and twice
  slow->late(failed);
  run_until([&] { return slow->probes >= 3; });
  EXPECT_EQ(state(id), S::unknown);
  told = true;
  run_until_state(id, S::final);
  EXPECT_EQ(world_.sends[id.value], 1);
  EXPECT_GE(gauge("unanswered_calls_total"), 1);
}

TEST_F(ExternalTest, AnswersThatMakeNoSenseAreNotBelieved) {
  start();
  const auto who = peer();
  EXPECT_EQ(enter(who), "");
  const std::vector<std::function<void(Outcome&)>> nonsense = {
      [](Outcome& said) { said.state = static_cast<S>(77); },
      [](Outcome& said) { said.state = static_cast<S>(0); },
      [](Outcome& said) { said.state = S::ready; },
      [](Outcome& said) { said.state = S::sending; },
      [](Outcome& said) { said.state = S::cancelled; },
      [](Outcome& said) { said.state = S::written_off; },
      [](Outcome& said) { said.state = S::returned; },
      [](Outcome& said) { said.state = S::failed; },  // without a class
      [](Outcome& said) { said.state = S::failed, said.failure = static_cast<FailureClass>(200); },
      [](Outcome& said) { said.failure = FailureClass::rejected; },  // it is accepted
      [](Outcome& said) { said.fee = Amount(5'001); },
      [](Outcome& said) { said.moved = Amount(5'000); },  // accepted is no success
      [](Outcome& said) { said.state = S::final, said.moved = Amount(0); },
      [](Outcome& said) { said.state = S::final, said.moved = Amount(10'001); },
      [](Outcome& said) { said.reference = std::string(257, 'x'); },
      [](Outcome& said) { said.reference = "\x1b[2J"; },
      [](Outcome& said) { said.code = std::string(65, 'x'); },
      [](Outcome& said) { said.code = "a\nb"; }};
  std::int64_t expected = 0;
  for (const auto& spoil : nonsense) {
    who->on_send = [&](Outcome outcome) {
      spoil(outcome);
      return outcome;
    };
    bool held = true;
    who->on_probe = [&](Outcome outcome) { return held ? Outcome{} : outcome; };
    const SettlementId id = bill();
    run_until_state(id, S::unknown);
    EXPECT_THAT(ledger_->settlement(id).detail, HasSubstr("send() was answered with nonsense"));
    EXPECT_EQ(ledger_->settlement(id).reference, "");
    EXPECT_EQ(gauge("nonsense_answers_total"), ++expected);
    held = false;
    run_until_state(id, S::final);
    EXPECT_EQ(world_.sends[id.value], 1);
  }
  // The same from a probe: nothing changes until an answer makes sense.
  who->on_send = nullptr;
  int asked = 0;
  who->on_probe = [&](Outcome outcome) {
    if (++asked <= 3) outcome.state = static_cast<S>(asked == 1 ? 77 : asked == 2 ? 1 : 12);
    return outcome;
  };
  const SettlementId id = bill();
  run_until([&] { return asked == 3; });
  EXPECT_EQ(state(id), S::accepted);
  run_until_state(id, S::final);
}

TEST_F(ExternalTest, WhatWasPreparedBadlyIsNotSent) {
  start();
  const auto who = peer();
  EXPECT_EQ(enter(who), "");
  const std::vector<std::function<base::Result<Prepared>(Prepared)>> bad = {
      [](Prepared said) { return said.idempotency_key = Hash{}, said; },
      [](Prepared said) { return said.request.clear(), said; },
      [](Prepared said) { return said.request.resize(192 * 1024 + 1), said; },
      [](Prepared said) { return said.reference = "\xff", said; },
      [](Prepared said) { return said.failure = static_cast<FailureClass>(99), said; },
      [](const Prepared&) { return base::error(base::ErrorCode::invalid_argument, "no"); }};
  for (const auto& spoil : bad) {
    int tries = 0;
    who->on_prepare = [&](Prepared good) { return ++tries == 1 ? spoil(good) : good; };
    const SettlementId id = bill();
    run_until_state(id, S::final);
    EXPECT_EQ(ledger_->settlement(id).attempt, 2u) << "a technical failure, and tried again";
    EXPECT_EQ(world_.sends[id.value], 1);
  }
  who->on_prepare = [](Prepared said) {
    said.failure = FailureClass::no_mandate;
    said.code = "no_account";
    return said;
  };
  const SettlementId id = bill();
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_->settlement(id).code, "no_account");
  EXPECT_EQ(world_.sends.count(id.value), 0u);
}

TEST_F(ExternalTest, TheKillSwitchIsPassedOn) {
  start();
  const auto who = peer();
  EXPECT_EQ(enter(who), "");
  dispatcher_->set_enabled("outside", false);
  run_until([&] { return !who->sending.back(); });
  leave(who);
  const auto next = peer();
  EXPECT_EQ(enter(next), "");
  EXPECT_FALSE(next->opened.sending);
  EXPECT_THAT(next->sending, ElementsAre(false));
  dispatcher_->set_enabled("outside", true);
  run_until([&] { return next->sending.back(); });
}

TEST_F(ExternalTest, NoticesAreTheRailsOwn) {
  start();
  const auto who = peer(), stranger = peer();
  EXPECT_EQ(record(stranger, {notice(1)}).error().code, base::ErrorCode::permission);
  EXPECT_EQ(enter(who), "");
  EXPECT_EQ(record(stranger, {notice(1)}).error().code, base::ErrorCode::permission);
  EXPECT_EQ(record(who, {}).error().code, base::ErrorCode::invalid_argument);
  EXPECT_EQ(record(who, std::vector<Notice>(257, notice(1))).error().code, base::ErrorCode::invalid_argument);
  who->silent = {"probe"};
  const SettlementId own = bill();
  run_until_state(own, S::accepted);
  // Another rail's: a plan that does not name ours.
  ledger::core::Plan plan = *ledger_->reader().plan(ledger::core::PlanId(1));
  plan.rails = {*base::RailName::parse("elsewhere")};
  ledger_->must(ledger::core::SetPlan{plan});
  const SettlementId other = ledger_->bill(700);
  Notice forged = notice(5);
  forged.source = "\x1b[31m";
  const auto answers =
      record(who, {notice(1, own), money(2), money(3, other), notice(4, SettlementId(99)), forged, notice(1, own)});
  ASSERT_TRUE(answers.has_value());
  using base::Status;
  std::vector<Status> statuses;
  for (const NoticeAnswer& answer : *answers) statuses.push_back(answer.status);
  EXPECT_THAT(statuses, ElementsAre(Status::ok, Status::ok, Status::value_invalid, Status::value_invalid,
                                    Status::value_invalid, Status::already_accepted));
  EXPECT_EQ((*answers)[2].detail, "settlement 2 is none of this rail's");
  const auto kept = *ledger_->reader().notices({}, 100);
  ASSERT_EQ(kept.size(), 2u);
  for (const Notice& one : kept) EXPECT_EQ(one.rail.view(), "outside");
  EXPECT_EQ(state(other), S::ready);
  EXPECT_TRUE(ledger_->reader().notices_of(other, 10)->empty());
}

TEST_F(ExternalTest, AFloodOfNoticesIsHeldBack) {
  Options options;
  options.notices_per_s = 1'000;
  options.notices_open_max = 300;
  start(options);
  const auto who = peer();
  EXPECT_EQ(enter(who), "");
  std::uint64_t key = 0;
  std::string refused;
  for (int call = 0; call < 10 && refused.empty(); ++call) {
    std::vector<Notice> notices;
    for (int i = 0; i < 100; ++i) notices.push_back(money(++key));
    const auto answers = record(who, notices);
    if (!answers) refused = answers.error().to_string();
  }
  EXPECT_THAT(refused, HasSubstr("unavailable: more than 300 notices of this rail are open"));
  EXPECT_EQ(ledger_->reader().head()->notices, 300u);
  const SettlementId id = bill();  // and money moves as before
  run_until_state(id, S::final);
}

TEST(NoticeQuotaTest, SoManyASecondAndABurst) {
  NoticeQuota quota(10, 1'000'000);
  EXPECT_EQ(quota.take(0, 100), 0u) << "ten seconds' worth at once";
  EXPECT_EQ(quota.take(0, 1), 101u);
  EXPECT_EQ(quota.take(101'000'000, 1), 0u);
  EXPECT_GT(quota.take(101'000'000, 1), 0u);
  EXPECT_EQ(quota.take(3'600'000'000'000, 100), 0u) << "a long pause is no more than the burst";
  EXPECT_GT(quota.take(3'600'000'000'000, 1), 0u);
}

TEST(JudgeTest, NumbersAndTextsAreBroughtIntoBounds) {
  Instruction instruction;
  instruction.settlement.amount = Amount(10);
  Outcome outcome;
  outcome.state = S::accepted;
  outcome.next_probe_ms = UINT64_MAX;
  outcome.detail = "a\x1b" + std::string(1'000, 'b');
  EXPECT_EQ(judged(outcome, instruction, Asked::send)->next_probe_ms, base::limits::kRailProbeMsMax);
  EXPECT_EQ(judged(outcome, instruction, Asked::send)->detail.substr(0, 3), "a?b");
  EXPECT_EQ(judged(outcome, instruction, Asked::send)->detail.size(), 512u);
  outcome.next_probe_ms = 0;
  EXPECT_EQ(judged(outcome, instruction, Asked::send)->next_probe_ms, base::limits::kRailProbeMsMin);
  outcome.state = S::returned;
  EXPECT_FALSE(judged(outcome, instruction, Asked::send).has_value());
  EXPECT_TRUE(judged(outcome, instruction, Asked::probe).has_value());
}

TEST(JudgeTest, GaugesCannotSpeakForTheDaemon) {
  Report report;
  report.gauges = {{"in_flight", 1},     {"in_flight", 2},         {"Bad", 3}, {"with space", 4}, {"", 5},
                   {"a\"} 1\nfaked", 6}, {std::string(41, 'a'), 7}};
  for (int i = 0; i < 40; ++i) report.gauges.push_back({"n" + std::to_string(i), i});
  const Report kept = judged(report);
  ASSERT_EQ(kept.gauges.size(), base::limits::kRailGaugesMax);
  EXPECT_EQ(kept.gauges[0].name, "settler_in_flight");
  EXPECT_EQ(kept.gauges[0].value, 1);
  EXPECT_EQ(kept.gauges[1].name, "settler_n0");
}

}  // namespace
}  // namespace settlers::external
