#pragma once

// The rail over a real spool on disk, with a clock that is set by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "settlers/bank/engine.h"
#include "tests/unit/bank/examples.h"
#include "tests/unit/bank/reports.h"

namespace bank_test {

using namespace settlers;
using namespace settlers::bank;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using F = FailureClass;
using S = SettlementState;

inline base::Time utc(const char* date, unsigned hour, unsigned minute = 0) {
  return base::Time::from_seconds(static_cast<std::uint64_t>(*parse_date(date)) * 86'400 + hour * 3600 + minute * 60);
}

class BankEngine : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("tabd-bank-" + std::to_string(::getpid()) +
                                              ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    options_.spool_directory = directory_;
    options_.installation = "acme:tab";
    options_.sepa.emplace();
    options_.sepa->own = {"Tabd Operator GmbH", "DE89370400440532013000", "", {}};
    options_.sepa->creditor_id = "DE98ZZZ09999999999";
    options_.ach.emplace();
    options_.ach->destination = "231380104";
    options_.ach->destination_name = "CITADEL";
    options_.ach->origin = options_.ach->company_id = "1121042882";
    options_.ach->company_name = "TABD OPERATOR";
    options_.ach->odfi = "23138010";
    options_.currencies = {{base::AssetId(1), 6, "EUR", "1"}, {base::AssetId(2), 6, "USD", "1"}};
    open();
  }
  void TearDown() override {
    engine_.reset();
    fs::remove_all(directory_);
  }
  void open() {
    engine_.reset();
    auto engine = Engine::make(options_, clock_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }

  Instruction collection(std::uint64_t id, std::uint64_t cents, const std::string& more = {}) {
    Instruction instruction;
    instruction.settlement.id = SettlementId(id);
    instruction.settlement.statement = base::StatementId(id);
    instruction.settlement.asset = instruction.asset.id = base::AssetId(1);
    instruction.settlement.amount = Amount(cents * 10'000);
    const std::string text = "scheme=sepa-core;name=J\xC3\xB6rg Payer;iban=" + examples::german_iban(1'000 + id) +
                             ";mandate=M-" + std::to_string(id) + ";signed=2026-01-31;" + more;
    instruction.payer_rail_mandate.assign(text.begin(), text.end());
    return instruction;
  }
  Instruction ach(std::uint64_t id, std::uint64_t cents, const std::string& scheme = "ach-ppd") {
    Instruction instruction = collection(id, cents);
    instruction.settlement.asset = instruction.asset.id = base::AssetId(2);
    const std::string text = "scheme=" + scheme +
                             ";name=Jo Payer;routing=021000021;account=" + std::to_string(5'000 + id) +
                             ";authorized=2026-01-31";
    instruction.payer_rail_mandate.assign(text.begin(), text.end());
    return instruction;
  }

  Prepared prepared(const Instruction& instruction) {
    auto result = engine_->prepare(instruction);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : Prepared{};
  }
  std::string refusal(const Instruction& instruction) {
    const auto result = engine_->prepare(instruction);
    return result ? result->detail : result.error().message;
  }
  // Prepared, recorded as sending, and in the spool.
  void send(Instruction& instruction) {
    const Prepared made = prepared(instruction);
    ASSERT_EQ(made.failure, F::none) << made.detail;
    instruction.settlement.request = made.request;
    instruction.settlement.idempotency_key = made.idempotency_key;
    instruction.settlement.reference = made.reference;
    instruction.settlement.submitted = clock_.now();
    instruction.settlement.state = S::sending;
    ASSERT_TRUE(engine_->queue({instruction.settlement}));
    instruction.settlement.state = probe(instruction).state;
    ASSERT_EQ(instruction.settlement.state, S::accepted);
  }
  Outcome probe(const Instruction& instruction) { return engine_->probe(instruction); }

  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_ / folder))
      if (entry.is_regular_file()) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string content(const std::string& path) const {
    std::ifstream in(directory_ / path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
  }
  void put(const std::string& path, const std::string& bytes) {
    std::ofstream(directory_ / path, std::ios::binary) << bytes;
  }
  void at(const char* date, unsigned hour, unsigned minute = 0) { clock_.set(utc(date, hour, minute)); }
  std::vector<std::string> tick() { return engine_->tick(true); }
  void deliver() {
    for (const std::string& name : names("out")) fs::rename(directory_ / "out" / name, directory_ / "archive" / name);
    tick();
  }
  // A file from the bank, as it would be recorded.
  Incoming receive(const std::string& name, const std::string& bytes) {
    put("in/" + name, bytes);
    auto incoming = engine_->next_incoming();
    EXPECT_TRUE(incoming.has_value());
    if (!incoming) return {};
    engine_->finish_incoming(*incoming);
    return *incoming;
  }
  static void tell(Instruction& instruction, const Incoming& incoming) {
    for (const Notice& notice : incoming.notices)
      if (notice.settlement == instruction.settlement.id) instruction.notices.push_back(notice);
  }

  base::ManualClock clock_{utc("2026-11-23", 7)};  // a Monday, 8:00 in Berlin
  fs::path directory_;
  BankOptions options_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace bank_test
