// Ten thousand replies that are lost, before or after the money moved, on the rails that have no provider of their own:
// each settlement is paid once. The card rail's are in tests/unit/settlers_card, the bank's in tests/unit/bank.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <random>

#include "settlers/dispatcher.h"
#include "settlers/external/external.h"
#include "settlers/sandbox/sandbox.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace settlers {
namespace {

using sandbox::SandboxOptions;
using sandbox::SandboxSettler;
using sandbox::Script;
using S = SettlementState;

constexpr int kPayments = 10'000;

class LostReplies : public ::testing::Test {
 protected:
  LostReplies() : clock_(base::Time::from_seconds(1'800'000'000)), ledger_(clock_) {
    options_.wake_spacing_ms = 0;
    options_.poll_ms = 1;
    options_.breaker.failures_to_open = 1'000'000;  // it has tests of its own
    payer_ = ledger_.add_payer(ledger::core::Address{});
    dispatcher_.emplace(io_, ledger_, ledger_, clock_, options_, nullptr);
  }
  ~LostReplies() override {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
  }
  void start() {
    bool started = false;
    dispatcher_->start([&started](const base::Result<void>& result) { started = result.has_value(); });
    for (int i = 0; i < 1'000 && !started; ++i) turn();
    ASSERT_TRUE(started);
  }
  void turn() {
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(5));
  }
  // Plans them in slices and lets time pass until all are final.
  void collect_all(std::string_view rail) {
    int planned = 0;
    for (int round = 0; round < 20'000 && ledger_.count(S::final) < kPayments; ++round) {
      for (int i = 0; i < 500 && planned < kPayments; ++i, ++planned) ledger_.collect(payer_, 100, rail);
      // In the end some wait for hours: they were lost again and again.
      clock_.advance_us(planned < kPayments ? 2'000'000 : 600'000'000);
      dispatcher_->wake();
      std::size_t steps = 0;
      for (int idle = 0; idle < 4; ++idle) {
        if (ledger_.steps.size() != steps) idle = 0;
        steps = ledger_.steps.size();
        for (int i = 0; i < 100; ++i) {
          io_.restart();
          io_.poll_one();
        }
      }
    }
    EXPECT_EQ(ledger_.count(S::final), static_cast<std::size_t>(kPayments));
    for (const fake::Ledger::Step& step : ledger_.steps)
      EXPECT_FALSE(step.from == S::unknown && step.to == S::sending) << "settlement " << step.id.value;
  }

  base::ManualClock clock_;
  fake::Ledger ledger_;
  boost::asio::io_context io_;
  DispatcherOptions options_;
  std::optional<Dispatcher> dispatcher_;
  ledger::core::PayerId payer_;
};

// Never answers.
class Silent final : public Settler {
 public:
  std::string_view rail() const override { return "silent"; }
  Capabilities capabilities() const override {
    Capabilities can;
    can.pull = can.can_probe = true;
    can.in_flight_max = 1'000'000;
    return can;
  }
  void start(Done<base::Result<void>> done) override { done({}); }
  void stop() override {}
  void prepare(const Instruction&, Done<base::Result<Prepared>>) override { ++prepares; }
  void send(const Instruction&, Done<Outcome>) override {}
  void probe(const Instruction&, Done<Outcome>) override { ++probes; }
  std::string describe() const override { return {}; }
  std::size_t prepares = 0, probes = 0;
};

// What is being worked on does not grow with what waits: each of them is read again at every look.
TEST_F(LostReplies, ARailThatNeverAnswersIsGivenSoManyAndNoMore) {
  auto settler = std::make_unique<Silent>();
  const Silent& rail = *settler;
  dispatcher_->add(std::move(settler));
  for (int i = 0; i < 3'000; ++i) ledger_.collect(payer_, 100, "silent");
  for (int i = 0; i < 100; ++i) ledger_.at(ledger_.collect(payer_, 100, "silent")).state = S::unknown;
  start();
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_EQ(rail.prepares, 1'024u);
  EXPECT_EQ(rail.probes, 32u);
}

TEST_F(LostReplies, OfTheSandbox) {
  SandboxOptions sandbox;
  sandbox.in_flight_max = 512;
  auto settler = std::make_unique<SandboxSettler>(io_, clock_, sandbox);
  std::mt19937 random(5);
  for (int i = 0; i < 2 * kPayments; ++i)
    settler->enqueue(random() % 2 == 0 ? Script::lost_accepted : Script::lost_absent);
  const SandboxSettler& rail = *settler;
  dispatcher_->add(std::move(settler));
  start();
  collect_all("sandbox");
  std::map<std::uint64_t, std::uint64_t> moved;
  for (const auto& [key, payment] : rail.moved()) moved[payment.settlement.value] += payment.moved;
  EXPECT_EQ(moved.size(), static_cast<std::size_t>(kPayments));
  for (const auto& [settlement, times] : moved) EXPECT_EQ(times, 1u) << settlement;
}

// A settler at the other end of a connection that breaks half of the time, before or after it moved the money.
class BreakingPeer final : public external::Peer {
 public:
  explicit BreakingPeer(boost::asio::io_context& io) : io_(io) {}
  void capabilities(Done<base::Result<Capabilities>> done) override {
    Capabilities can;
    can.pull = can.can_probe = true;
    can.in_flight_max = 512;
    done(can);
  }
  void start(const external::Opening&, Done<base::Result<void>> done) override { done({}); }
  void adopt(const std::vector<Settlement>&, Done<base::Result<void>> done) override { done({}); }
  void set_sending(bool) override {}
  void stop() override {}
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    const Settlement& one = instruction.settlement;
    Prepared prepared;
    prepared.request = {1};
    std::uint64_t name = one.id.value << 16 | one.attempt << 8 | one.technical_retries;
    for (std::size_t i = 0; i < 8; ++i, name >>= 8) prepared.idempotency_key.bytes[i] = static_cast<std::uint8_t>(name);
    later(done, prepared);
  }
  void abandon(const Prepared&) override {}
  void send(const Instruction& instruction, Done<base::Result<Outcome>> done) override {
    if (random_() % 2 == 0) return lose(done);
    ++moved[instruction.settlement.id.value];
    keys_.insert(instruction.settlement.idempotency_key);
    if (random_() % 2 == 0) return lose(done);
    later(done, outcome(true));
  }
  void probe(const Instruction& instruction, Done<base::Result<Outcome>> done) override {
    if (random_() % 4 == 0) return lose(done);
    later(done, outcome(keys_.count(instruction.settlement.idempotency_key) != 0));
  }
  void report(Done<base::Result<external::Report>> done) override { done(external::Report{}); }
  void close(const std::string&) override {}

  std::map<std::uint64_t, int> moved;  // by settlement

 private:
  static Outcome outcome(bool there) {
    Outcome result;
    result.state = there ? S::final : S::failed;
    if (!there) result.failure = FailureClass::technical;
    return result;
  }
  template <typename T>
  void later(const Done<base::Result<T>>& done, T value) {
    boost::asio::post(io_, [done, value = std::move(value)] { done(value); });
  }
  void lose(const Done<base::Result<Outcome>>& done) {
    ++lost;
    boost::asio::post(io_, [done] { done(base::error(base::ErrorCode::io, "the connection was lost")); });
  }
  boost::asio::io_context& io_;
  std::set<Hash> keys_;
  std::mt19937 random_{6};

 public:
  int lost = 0;
};

TEST_F(LostReplies, OfASettlerInAnotherProcess) {
  external::Rails rails({io_, ledger_, clock_, dispatcher_->inbox(), [this] { dispatcher_->wake(); }, {}, "acme:tab"});
  external::Options options;
  options.rail = "outside";
  options.in_flight_max = 512;
  dispatcher_->add(rails.add(options));
  start();
  const auto peer = std::make_shared<BreakingPeer>(io_);
  bool entered = false;
  rails.enter("outside", peer, [&entered](const base::Result<void>& result) { entered = result.has_value(); });
  for (int i = 0; i < 1'000 && !entered; ++i) turn();
  ASSERT_TRUE(entered);
  collect_all("outside");
  EXPECT_GE(peer->lost, kPayments);
  EXPECT_EQ(peer->moved.size(), static_cast<std::size_t>(kPayments));
  for (const auto& [settlement, times] : peer->moved) EXPECT_EQ(times, 1) << settlement;
  dispatcher_.reset();  // before the rails
}

}  // namespace
}  // namespace settlers
