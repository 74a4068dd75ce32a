// What a rail may do to a run that asks it for its record.

#include "settlers/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "settlers/sandbox/sandbox.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace settlers {
namespace {

using sandbox::SandboxSettler;
using ::testing::HasSubstr;

// Its record has no end: nothing on it counts, and there is always one more page.
class EndlessRecord final : public Settler {
 public:
  EndlessRecord(const base::Clock& clock, std::function<std::string(int)> next)
      : next_(std::move(next)), inner_(io_, clock, {}) {}
  std::string_view rail() const override { return "endless"; }
  Capabilities capabilities() const override { return inner_.capabilities(); }
  void start(Done<base::Result<void>> done) override { done({}); }
  void stop() override {}
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    inner_.prepare(instruction, std::move(done));
  }
  void send(const Instruction&, Done<Outcome> done) override { done({}); }
  void probe(const Instruction&, Done<Outcome> done) override { done({}); }
  void movements(const MovementQuery&, Done<base::Result<MovementPage>> done) override {
    done(MovementPage{{}, next_(++pages)});
  }
  std::string describe() const override { return {}; }
  int pages = 0;

 private:
  const std::function<std::string(int)> next_;
  boost::asio::io_context io_;
  SandboxSettler inner_;
};

TEST(Reconciler, ARecordWithoutAnEndIsLeftUnread) {
  base::ManualClock clock(base::Time::from_seconds(1'800'000'000));
  fake::Ledger ledger(clock);
  boost::asio::io_context io;
  const auto run_until = [&io](const std::function<bool()>& done) {
    for (int i = 0; i < 20'000 && !done(); ++i) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(done());
  };
  struct Case {
    std::function<std::string(int)> next;
    const char* says;
    int pages;
  };
  const Case cases[] = {{[](int) { return std::string("pi_1"); }, "named twice", 2},
                        {[](int page) { return "pi_" + std::to_string(page % 3); }, "named twice", 4},
                        {[](int page) { return std::to_string(page); }, "more than 50 pages", 50},
                        {[&clock](int page) {
                           clock.advance_us(1'000'000);
                           return std::to_string(page);
                         },
                         "within 20 s", 20}};
  for (const Case& one : cases) {
    Dispatcher dispatcher(io, ledger, ledger, clock, {}, nullptr);
    auto settler = std::make_unique<EndlessRecord>(clock, one.next);
    EndlessRecord& record = *settler;
    dispatcher.add(std::move(settler));
    bool started = false;
    dispatcher.start([&started](const base::Result<void>& result) { started = result.has_value(); });
    run_until([&started] { return started; });
    ReconcilerOptions options;
    options.every_s = 0;
    options.pages_max = 50;
    options.rail_timeout_s = 20;
    Reconciler reconciler(dispatcher, ledger, clock, options, nullptr);
    const std::uint64_t number = reconciler.request({});
    run_until([&] { return reconciler.last()->number == number; });
    ASSERT_EQ(reconciler.last()->rails.size(), 1u);
    EXPECT_THAT(reconciler.last()->rails[0].problem, HasSubstr(one.says));
    EXPECT_LE(record.pages, one.pages);
    reconciler.stop();
    bool stopped = false;
    dispatcher.stop([&stopped] { stopped = true; });
    run_until([&stopped] { return stopped; });
  }
}

}  // namespace
}  // namespace settlers
