// The rail under the real dispatcher: ready, sending, accepted, and what files of the bank make of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "settlers/bank/bank.h"
#include "settlers/dispatcher.h"
#include "tests/unit/bank/examples.h"
#include "tests/unit/bank/reports.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace {

using namespace settlers;
using namespace settlers::bank;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using S = SettlementState;

class BankDispatcher : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("tabd-bank-dispatcher-" + std::to_string(::getpid()));
    fs::remove_all(directory_);
    settings_.poll_ms = 10;
    settings_.wake_spacing_ms = 0;
    options_.spool_directory = directory_;
    options_.installation = "acme:tab";
    options_.sepa.emplace();
    options_.sepa->own = {"Tabd Operator GmbH", "DE89370400440532013000", "", {}};
    options_.sepa->creditor_id = "DE98ZZZ09999999999";
    options_.currencies = {{base::AssetId(1), 6, "EUR", "1"}};
    options_.poll_ms = 10;
    begin();
  }
  void TearDown() override {
    dispatcher_.reset();
    fs::remove_all(directory_);
  }
  // Also again, as after a crash.
  void begin() {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(io_, ledger_, ledger_, clock_, settings_, nullptr);
    auto settler = make_bank(io_, options_, dispatcher_->inbox(), clock_);
    ASSERT_TRUE(settler) << settler.error().message;
    dispatcher_->add(std::move(*settler));
    bool started = false;
    dispatcher_->start([&](const base::Result<void>& result) { started = result.has_value(); });
    ASSERT_TRUE(until([&] { return started; }));
  }
  template <typename Predicate>
  bool until(Predicate done) {
    for (int i = 0; i < 3'000 && !done(); ++i) {
      io_.restart();
      io_.run_for(std::chrono::milliseconds(10));
    }
    return done();
  }
  bool reaches(SettlementId id, S state) {
    return until([&] { return ledger_.at(id).state == state; });
  }
  SettlementId collect(std::uint64_t cents) {
    ++payers_;
    const std::string mandate = "scheme=sepa-core;name=Payer;iban=" + examples::german_iban(payers_) + ";mandate=M-" +
                                std::to_string(payers_) + ";signed=2026-01-31";
    const auto payer = ledger_.add_payer({});
    ledger_.payer_at(payer).rail_mandates = {
        {*base::RailName::parse("bank"), base::Bytes(mandate.begin(), mandate.end())}};
    return ledger_.collect(payer, cents * 10'000, "bank");
  }
  void receive(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / ("in/" + name + ".part")) << bytes;
    fs::rename(directory_ / ("in/" + name + ".part"), directory_ / ("in/" + name));
  }
  std::size_t delivered() {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(directory_ / "out")) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(".")) fs::rename(entry.path(), directory_ / "archive" / name);
    }
    for (const auto& entry : fs::directory_iterator(directory_ / "archive"))
      count += entry.path().filename().string().starts_with("TABD-") ? 1U : 0U;
    return count;
  }

  boost::asio::io_context io_;
  base::ManualClock clock_{base::Time::from_seconds(static_cast<std::uint64_t>(*parse_date("2026-11-23")) * 86'400 +
                                                    8 * 3600 + 40 * 60)};  // 9:40 in Berlin
  fake::Ledger ledger_{clock_};
  fs::path directory_;
  DispatcherOptions settings_;
  BankOptions options_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::uint64_t payers_ = 0;
};

TEST_F(BankDispatcher, CollectsIsBookedAndComesBack) {
  const SettlementId paid = collect(1'250), bounced = collect(990), refused = collect(500);
  for (const SettlementId id : {paid, bounced, refused}) ASSERT_TRUE(reaches(id, S::accepted));
  ASSERT_TRUE(until([&] { return delivered() > 0; }));
  const std::string reference = ledger_.at(paid).reference;
  EXPECT_EQ(reference.size(), 26U);
  receive("status.xml",
          reports::status_head("", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>X</OrgnlPmtInfId>" +
                                       reports::payment_status(ledger_.at(refused).reference, "RJCT", "AC04") +
                                       "</OrgnlPmtInfAndSts>"));
  receive("statement.xml", reports::statement_of({{reference, 1'250, true, "", 0, "", 0, "BOOK"},
                                                  {ledger_.at(bounced).reference, 990, true, "", 0, "", 0, "BOOK"}}));
  EXPECT_TRUE(reaches(paid, S::settled));
  EXPECT_TRUE(reaches(bounced, S::settled));
  EXPECT_TRUE(reaches(refused, S::failed));
  EXPECT_EQ(ledger_.at(refused).failure, FailureClass::no_mandate);
  EXPECT_EQ(ledger_.at(refused).code, "AC04");
  receive("return.xml",
          reports::statement_of({{ledger_.at(bounced).reference, 990, false, "MD06", 0, "", 0, "BOOK"}}, "S2"));
  EXPECT_TRUE(reaches(bounced, S::returned));
  EXPECT_THAT(ledger_.path(paid), ElementsAre(S::sending, S::accepted, S::settled));
}

// The process dies between the spool's record and the ledger's: the payment is found, and not sent again.
TEST_F(BankDispatcher, WhatWasSentAndNotRecordedIsFoundInTheSpool) {
  const SettlementId lost = collect(100);
  ledger_.never_recorded = {S::accepted, S::failed};
  ASSERT_TRUE(reaches(lost, S::sending));
  ASSERT_TRUE(until([&] { return fs::file_size(directory_ / "journal") > 200; }));
  ledger_.never_recorded.clear();
  begin();
  EXPECT_TRUE(reaches(lost, S::accepted));
  ASSERT_TRUE(until([&] { return delivered() == 1; }));
}

}  // namespace
