// The rail as the dispatcher sees it: its own thread, its inbox, the spool on disk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "settlers/bank/bank.h"
#include "tests/unit/bank/examples.h"
#include "tests/unit/bank/reports.h"

namespace {

using namespace settlers;
using namespace settlers::bank;
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using S = SettlementState;

// Keeps what is recorded; the first time it is overloaded.
class MemoryInbox final : public Inbox {
 public:
  void record(std::vector<Notice> notices, Done<base::Result<std::vector<NoticeAnswer>>> done) override {
    std::vector<NoticeAnswer> answers;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!std::exchange(refused_once_, true)) return done(base::error(base::ErrorCode::unavailable, "overloaded"));
      for (Notice& notice : notices) {
        const bool known =
            std::any_of(all_.begin(), all_.end(), [&](const Notice& each) { return each.key == notice.key; });
        NoticeAnswer answer;
        answer.status = base::Status::ok;
        if (notice.settlement == SettlementId(404)) answer.status = base::Status::value_invalid;
        if (!known && base::accepted(answer.status)) all_.push_back(std::move(notice));
        answers.push_back(answer);
      }
    }
    done(std::move(answers));
  }
  std::vector<Notice> all() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  bool refused_once_ = false;
  std::vector<Notice> all_;
};

class BankSettlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("tabd-bank-settler-" + std::to_string(::getpid()));
    fs::remove_all(directory_);
    options_.spool_directory = directory_;
    options_.installation = "acme:tab";
    options_.sepa.emplace();
    options_.sepa->own = {"Tabd Operator GmbH", "DE89370400440532013000", "", {}};
    options_.sepa->creditor_id = "DE98ZZZ09999999999";
    options_.currencies = {{base::AssetId(1), 2, "EUR", "1"}};
    options_.poll_ms = 10;
  }
  void TearDown() override { fs::remove_all(directory_); }

  // Runs until `done` or for half a minute.
  template <typename Predicate>
  bool until(Predicate done) {
    for (int i = 0; i < 3'000 && !done(); ++i) {
      io_.restart();
      io_.run_for(std::chrono::milliseconds(10));
    }
    return done();
  }
  template <typename T, typename Call>
  T wait(Call call) {
    std::optional<T> answer;
    call([&](T value) { answer = std::move(value); });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer.value_or(T{});
  }
  // Starts the settler and has it hold the file of one collection; gives its name.
  std::string held_file(BankSettler& settler) {
    EXPECT_TRUE(wait<base::Result<void>>([&](auto done) { settler.start(done); }));
    Instruction instruction;
    instruction.settlement.id = SettlementId(7);
    instruction.settlement.asset = instruction.asset.id = base::AssetId(1);
    instruction.settlement.amount = Amount(1'250);
    const std::string mandate =
        "scheme=sepa-core;name=Jo Payer;iban=" + examples::german_iban(1) + ";mandate=M-1;signed=2026-01-31";
    instruction.payer_rail_mandate.assign(mandate.begin(), mandate.end());
    const auto prepared = wait<base::Result<Prepared>>([&](auto done) { settler.prepare(instruction, done); });
    EXPECT_TRUE(prepared);
    if (!prepared) return {};
    instruction.settlement.state = S::sending;
    instruction.settlement.request = prepared->request;
    EXPECT_EQ(wait<Outcome>([&](auto done) { settler.send(instruction, done); }).state, S::accepted);
    const auto held = [&settler] {
      const BankFiles shown = settler.files();
      return !shown.files.empty() && shown.files.back().state == "held";
    };
    EXPECT_TRUE(until(held));
    return held() ? settler.files().files.back().name : std::string();
  }
  std::string only_file() const {
    for (const auto& entry : fs::directory_iterator(directory_ / "out"))
      if (!entry.path().filename().string().starts_with(".")) return entry.path().filename();
    return {};
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
  base::ManualClock clock_{base::Time::from_seconds(static_cast<std::uint64_t>(*parse_date("2026-11-23")) * 86'400 +
                                                    8 * 3600 + 40 * 60)};  // 9:40 in Berlin
  fs::path directory_;
  BankOptions options_;
  MemoryInbox inbox_;
};

TEST_F(BankSettlerTest, FromPrepareToARejectionInAFileOfTheBank) {
  auto made = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(made) << made.error().message;
  Settler& settler = **made;
  settler.set_sending(true);
  ASSERT_TRUE(wait<base::Result<void>>([&](auto done) { settler.start(done); }));
  Instruction instruction;
  instruction.settlement.id = SettlementId(7);
  instruction.settlement.asset = instruction.asset.id = base::AssetId(1);
  instruction.settlement.amount = Amount(1'250);
  const std::string mandate =
      "scheme=sepa-core;name=Jo Payer;iban=" + examples::german_iban(1) + ";mandate=M-1;signed=2026-01-31";
  instruction.payer_rail_mandate.assign(mandate.begin(), mandate.end());
  const auto prepared = wait<base::Result<Prepared>>([&](auto done) { settler.prepare(instruction, done); });
  ASSERT_TRUE(prepared) << prepared.error().message;
  instruction.settlement.state = S::sending;
  instruction.settlement.request = prepared->request;
  EXPECT_EQ(wait<Outcome>([&](auto done) { settler.send(instruction, done); }).state, S::accepted);
  instruction.settlement.state = S::accepted;
  ASSERT_TRUE(until([&] { return !only_file().empty(); }));
  const std::string name = only_file();
  EXPECT_THAT(name, HasSubstr("-core-rcur.xml"));
  fs::rename(directory_ / "out" / name, directory_ / "archive" / name);

  const std::string status = reports::status_head("", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>X</OrgnlPmtInfId>" +
                                                          reports::payment_status(prepared->reference, "RJCT", "AM04") +
                                                          "</OrgnlPmtInfAndSts>");
  std::ofstream(directory_ / "in/status.xml.part") << status;
  fs::rename(directory_ / "in/status.xml.part", directory_ / "in/status.xml");
  ASSERT_TRUE(until([&] { return fs::exists(directory_ / "archive/status.xml"); }));
  instruction.notices = inbox_.all();
  ASSERT_EQ(instruction.notices.size(), 1U);
  const Outcome outcome = wait<Outcome>([&](auto done) { settler.probe(instruction, done); });
  EXPECT_EQ(outcome.state, S::failed);
  EXPECT_EQ(outcome.failure, FailureClass::insufficient_funds);
  EXPECT_EQ(outcome.code, "AM04");
  EXPECT_THAT(settler.describe(), HasSubstr("0 payments wait"));
  EXPECT_FALSE(settler.gauges().empty());
  settler.stop();
}

// What tabctl bank does: the same answers as by files in gate/, refused at once where they make no sense.
TEST_F(BankSettlerTest, TheOperatorsWordReleasesResendsAndVoids) {
  options_.approve_above_cents = 1;
  auto made = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(made) << made.error().message;
  BankSettler& settler = **made;
  ASSERT_TRUE(wait<base::Result<void>>([&](auto done) { settler.start(done); }));
  Instruction instruction;
  instruction.settlement.id = SettlementId(7);
  instruction.settlement.asset = instruction.asset.id = base::AssetId(1);
  instruction.settlement.amount = Amount(1'250);
  const std::string mandate =
      "scheme=sepa-core;name=Jo Payer;iban=" + examples::german_iban(1) + ";mandate=M-1;signed=2026-01-31";
  instruction.payer_rail_mandate.assign(mandate.begin(), mandate.end());
  const auto prepared = wait<base::Result<Prepared>>([&](auto done) { settler.prepare(instruction, done); });
  ASSERT_TRUE(prepared) << prepared.error().message;
  instruction.settlement.state = S::sending;
  instruction.settlement.request = prepared->request;
  EXPECT_EQ(wait<Outcome>([&](auto done) { settler.send(instruction, done); }).state, S::accepted);
  const auto state = [&settler] {
    const BankFiles shown = settler.files();
    return shown.files.empty() ? std::string() : shown.files.back().state;
  };
  ASSERT_TRUE(until([&] { return state() == "held"; }));
  const BankFile file = settler.files().files.back();
  EXPECT_THAT(file.reason, HasSubstr("above approve_above"));
  EXPECT_EQ(file.cents, 1'250U);
  EXPECT_EQ(file.payments, 1U);
  EXPECT_TRUE(file.collection);
  const auto refused = [&](const std::string& name, FileAnswer answer) {
    const auto result = settler.answer(name, answer);
    return result ? std::string() : result.error().message;
  };
  EXPECT_THAT(refused("../journal", FileAnswer::release), HasSubstr("no such file"));
  EXPECT_THAT(refused("", FileAnswer::clear_alarm), HasSubstr("no alarm"));
  EXPECT_EQ(refused(file.name, FileAnswer::release), "");
  ASSERT_TRUE(until([&] { return state() == "out"; }));
  EXPECT_EQ(only_file(), file.name);
  EXPECT_TRUE(settler.files().files.back().answer.empty());
  EXPECT_THAT(refused(file.name, FileAnswer::release), HasSubstr("nothing to release"));
  EXPECT_THAT(refused(file.name, FileAnswer::void_), HasSubstr("take it out of out/ first"));
  EXPECT_THAT(refused(file.name, FileAnswer::resend), HasSubstr("nothing to resend"));
  const auto bytes = [&](const char* folder) {
    std::ifstream in(directory_ / folder / file.name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = bytes("out");
  fs::rename(directory_ / "out" / file.name, directory_ / "archive" / file.name);
  ASSERT_TRUE(until([&] { return state() == "taken"; }));
  EXPECT_EQ(refused(file.name, FileAnswer::resend), "");
  ASSERT_TRUE(until([&] { return state() == "out"; }));
  EXPECT_EQ(bytes("out"), first) << "the same bytes";
  fs::remove(directory_ / "out" / file.name);
  ASSERT_TRUE(until([&] { return state() == "taken"; }));
  EXPECT_EQ(refused(file.name, FileAnswer::void_), "");
  ASSERT_TRUE(until([&] { return state() == "void"; }));
  EXPECT_THAT(refused(file.name, FileAnswer::void_), HasSubstr("void already"));
  EXPECT_EQ(wait<Outcome>([&](auto done) { settler.probe(instruction, done); }).failure, FailureClass::technical);
  settler.stop();
}

TEST_F(BankSettlerTest, WhatIsReleasedLeavesWhenSendingIsAllowedAgain) {
  options_.approve_above_cents = 1;
  auto made = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(made) << made.error().message;
  const std::string name = held_file(**made);
  (*made)->set_sending(false);
  EXPECT_FALSE((*made)->answer(name, FileAnswer::sent));
  ASSERT_TRUE((*made)->answer(name, FileAnswer::release));
  const auto state = [&] { return (*made)->files().files.back().state; };
  ASSERT_TRUE(until([&] { return state() == "written"; }));
  EXPECT_THAT((*made)->files().files.back().reason, HasSubstr("kill switch"));
  EXPECT_EQ(only_file(), "");
  (*made)->set_sending(true);
  ASSERT_TRUE(until([&] { return state() == "out"; }));
  EXPECT_EQ(only_file(), name);
  (*made)->stop();
}

// With the first look an hour away nothing is carried out meanwhile.
TEST_F(BankSettlerTest, WhileAnAnswerWaitsThereIsNoOther) {
  options_.approve_above_cents = 1;
  auto made = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(made) << made.error().message;
  const std::string name = held_file(**made);
  (*made)->stop();
  made->reset();
  options_.poll_ms = 3'600'000;
  made = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(wait<base::Result<void>>([&](auto done) { (*made)->start(done); }));
  ASSERT_TRUE((*made)->answer(name, FileAnswer::release));
  EXPECT_EQ((*made)->files().files.back().answer, "release");
  for (const FileAnswer other : {FileAnswer::release, FileAnswer::void_}) {
    const auto refused = (*made)->answer(name, other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "an answer waits already: release");
  }
  EXPECT_TRUE(fs::exists(directory_ / "gate" / (name + ".release")));
  EXPECT_EQ(only_file(), "");
  (*made)->stop();
}

TEST_F(BankSettlerTest, TwoProcessesDoNotShareASpool) {
  auto first = make_bank(io_, options_, inbox_, clock_), second = make_bank(io_, options_, inbox_, clock_);
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(wait<base::Result<void>>([&](auto done) { (*first)->start(done); }));
  const auto refused = wait<base::Result<void>>([&](auto done) { (*second)->start(done); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::permission);
}

TEST_F(BankSettlerTest, OptionsThatCannotWorkAreNamed) {
  const auto problem = [&](const std::function<void(BankOptions&)>& change) {
    BankOptions options = options_;
    change(options);
    return bank_options_problem(options).value_or("");
  };
  EXPECT_EQ(problem([](BankOptions&) {}), "");
  EXPECT_THAT(problem([](BankOptions& o) { o.sepa->creditor_id = "DE97ZZZ09999999999"; }),
              HasSubstr("sepa.creditor_id"));
  EXPECT_THAT(problem([](BankOptions& o) { o.sepa->own.iban = ""; }), HasSubstr("sepa.iban"));
  EXPECT_THAT(problem([](BankOptions& o) { o.spool_directory = ""; }), HasSubstr("spool"));
  EXPECT_THAT(problem([](BankOptions& o) { o.sepa.reset(); }), HasSubstr("neither"));
  EXPECT_THAT(problem([](BankOptions& o) { o.ach.emplace(); }), HasSubstr("ach.destination"));
  EXPECT_THAT(problem([](BankOptions& o) { o.currencies[0].currency = "GBP"; }), HasSubstr("GBP"));
}

}  // namespace
