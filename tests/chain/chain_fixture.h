#pragma once

// A chain with the token, a ledger of settlements, and a dispatcher with the stablecoin rail between them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "playground/chain/dev_chain.h"
#include "settlers/dispatcher.h"
#include "settlers/stablecoin/abi.h"
#include "settlers/stablecoin/stablecoin.h"
#include "settlers/stablecoin/token.h"
#include "tests/support/skip.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace chain_test {

using base::Address;
using base::u128;
using fake::SettlementId;
using ledger::core::FailureClass;
using playground::chain::dev_key;
using playground::chain::DevChain;
using settlers::stablecoin::BlockRule;
using settlers::stablecoin::MandateItem;
using settlers::stablecoin::StablecoinOptions;
using S = ledger::core::SettlementState;

inline constexpr unsigned kOperator = 0;  // dev_key indexes
inline constexpr unsigned kPayer = 1;
inline constexpr unsigned kPayee = 2;
inline constexpr u128 kUnlimited = base::Amount::kUnitsMax;

class ChainTest : public ::testing::Test, public settlers::DispatcherObserver {
 protected:
  void SetUp() override {
    const auto anvil = playground::chain::find_anvil(TABD_SOURCE_ROOT);
    const auto artifact = playground::chain::find_token_artifact(TABD_SOURCE_ROOT);
    if (!anvil || !artifact) {
      SKIP_LOUDLY(std::string(anvil ? "build/TestUSDC.json" : "anvil") +
                  " is missing. To run the chain tests: cd tests/chain && npm ci && npm run build");
    }
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 (std::string("tabd-chain-") + test->name() + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    playground::chain::ChainOptions options;
    options.anvil = *anvil;
    options.log_path = directory_ / "anvil.log";
    auto chain = DevChain::start(options);
    ASSERT_TRUE(chain) << chain.error().message;
    chain_ = std::move(*chain);
    token_ = *chain_->deploy_token(*artifact, "USDC", "2");
    operator_ = dev_key(kOperator).address();
    payer_ = dev_key(kPayer).address();
    payee_ = dev_key(kPayee).address();
    payer_id_ = ledger_.add_payer(payer_);
    payee_id_ = ledger_.add_payee(base::to_hex(payee_));
    stablecoin_.rpc_url = chain_->rpc_url();
    stablecoin_.chain_id = 31337;
    stablecoin_.tokens = {{base::AssetId(1), token_, "USDC", "2", 6}};
    stablecoin_.state_directory = directory_ / "nonces";
    stablecoin_.confirmed = {BlockRule::Kind::depth, 1};
    stablecoin_.finality = {BlockRule::Kind::depth, 3};
    stablecoin_.poll_ms = 20;
    stablecoin_.stuck_after_ms = 600'000;  // tests of stuck transactions lower these two
    stablecoin_.gap_after_ms = 600'000;
    stablecoin_.rpc_timeout_ms = 5'000;
    dispatch_.poll_ms = 20;
    dispatch_.wake_spacing_ms = 1;
    dispatch_.breaker.open_ms = 50;
  }

  void TearDown() override {
    end();
    chain_.reset();
    if (!HasFailure()) std::filesystem::remove_all(directory_);
  }

  // Starts a process: a dispatcher and a settler over the ledger and the nonce files that are there.
  base::Result<void> begin() {
    dispatcher_.emplace(io_, ledger_, ledger_, clock_, dispatch_, this);
    auto settler = settlers::stablecoin::make_stablecoin(io_, stablecoin_, dev_key(kOperator), clock_);
    if (!settler) return tl::unexpected<base::Error>(settler.error());
    dispatcher_->add(std::move(*settler));
    std::optional<base::Result<void>> started;
    dispatcher_->start([&started](base::Result<void> result) { started = std::move(result); });
    run_until([&started] { return started.has_value(); });
    return started ? *started : base::Result<void>(base::error(base::ErrorCode::timeout, "start did not answer"));
  }
  // Ends it as a crash does: nothing is waited for.
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
    ASSERT_TRUE(done()) << (dispatcher_ ? dispatcher_->status().rails.front().description : "") << "\n"
                        << ::testing::PrintToString(problems_);
  }
  void run_until_state(SettlementId id, S state) {
    run_until([&] { return ledger_.at(id).state == state; });
    ASSERT_EQ(ledger_.at(id).state, state) << ledger_.at(id).detail;
  }
  void run_until_final(SettlementId id) {
    run_until([&] {
      if (ledger_.at(id).state == S::confirmed) mine_one();
      return ledger_.at(id).state == S::final;
    });
  }
  // Some rounds of probing, in which nothing is expected to change.
  void run_rounds(int rounds) {
    const std::uint64_t before = probed();
    run_until([&] { return probed() >= before + static_cast<std::uint64_t>(rounds); });
  }
  std::uint64_t probed() const { return dispatcher_->status().rails.front().probed; }
  std::int64_t gauge(std::string_view name) const {
    const settlers::DispatcherStatus status = dispatcher_->status();
    for (const settlers::Gauge& gauge : status.rails.front().gauges) {
      if (gauge.name == name) return gauge.value;
    }
    ADD_FAILURE() << "no gauge " << name;
    return -1;
  }

  void mine_one() { ASSERT_TRUE(chain_->mine(1)); }
  void give(const Address& account, u128 amount) { ASSERT_TRUE(chain_->mint(token_, account, amount)); }
  void allow(u128 amount) { ASSERT_TRUE(chain_->approve(token_, dev_key(kPayer), operator_, amount)); }
  u128 balance(const Address& account) { return chain_->token_balance(token_, account).value(); }
  std::uint64_t nonce() { return chain_->transaction_count(operator_).value(); }
  SettlementId collect(std::uint64_t amount) { return ledger_.collect(payer_id_, amount, "stablecoin"); }
  SettlementId refund(SettlementId collection, std::uint64_t amount) { return ledger_.refund(collection, amount); }
  SettlementId pay_out(std::uint64_t amount) { return ledger_.pay_out(payee_id_, amount, "stablecoin"); }

  MandateItem permit(std::uint64_t value) {
    MandateItem item;
    item.token = token_;
    item.owner = payer_;
    item.value = settlers::stablecoin::word_of(u128{value});
    item.deadline.bytes.fill(0xff);
    const base::Hash domain = settlers::stablecoin::domain_separator(stablecoin_.tokens[0], 31337);
    item.signature = dev_key(kPayer).sign(settlers::stablecoin::permit_digest(
        domain, payer_, operator_, item.value, chain_->permit_nonce(token_, payer_).value(), item.deadline));
    return item;
  }
  MandateItem authorisation(std::uint64_t value) {
    MandateItem item;
    item.kind = MandateItem::Kind::receive_authorization;
    item.token = token_;
    item.owner = payer_;
    item.value = settlers::stablecoin::word_of(u128{value});
    item.valid_before = settlers::stablecoin::word_of(u128{4'000'000'000});
    item.nonce.bytes.fill(0x42);
    const base::Hash domain = settlers::stablecoin::domain_separator(stablecoin_.tokens[0], 31337);
    item.signature = dev_key(kPayer).sign(settlers::stablecoin::receive_authorization_digest(domain, item, operator_));
    return item;
  }
  void set_mandate(const std::vector<MandateItem>& items) {
    ledger_.payer_at(payer_id_).rail_mandates = {
        {*base::RailName::parse("stablecoin"), settlers::stablecoin::encode_mandate(items)}};
  }

  void on_problem(std::string_view, ledger::core::SettlementId, std::string_view message) override {
    if (problems_.size() < 100) problems_.push_back(std::string(message));
  }
  void on_would_send(const settlers::Instruction&, const settlers::Prepared& prepared) override {
    would_send_.push_back(prepared.detail);
  }

  base::SystemClock clock_;
  fake::Ledger ledger_{clock_};
  boost::asio::io_context io_;
  std::filesystem::path directory_;
  std::unique_ptr<DevChain> chain_;
  Address token_, operator_, payer_, payee_;
  ledger::core::PayerId payer_id_;
  ledger::core::PayeeId payee_id_;
  StablecoinOptions stablecoin_;
  settlers::DispatcherOptions dispatch_;
  std::optional<settlers::Dispatcher> dispatcher_;
  std::vector<std::string> problems_;
  std::vector<std::string> would_send_;
};

}  // namespace chain_test
