#pragma once

// The card rail behind the real dispatcher, against a provider in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <random>

#include "settlers/card/card.h"
#include "settlers/card/request.h"
#include "settlers/card/signature.h"
#include "settlers/dispatcher.h"
#include "tests/unit/settlers/fake_ledger.h"
#include "tests/unit/settlers_card/fake_provider.h"

namespace settlers::card {

using fake::Fault;
using fake::Provider;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using S = SettlementState;

namespace core = ledger::core;
namespace json = boost::json;

inline constexpr base::Time kStart = base::Time::from_seconds(1'800'000'000);
inline constexpr std::uint64_t kHour = 3'600;
inline constexpr std::uint64_t kDay = 24 * kHour;

inline core::Bytes mandate(const std::string& text) { return {text.begin(), text.end()}; }

class CardTest : public ::testing::Test {
 protected:
  CardTest() : clock_(kStart), ledger_(clock_), provider_(io_, clock_) {
    options_.ledger = "acme:tab";
    options_.assets = {{core::AssetId(1), "usd", "1"}};
    options_.requests_per_s = 1'000'000;
    options_.endpoint_requests_per_s = 1'000'000;
    dispatcher_options_.wake_spacing_ms = 0;
    dispatcher_options_.poll_ms = 1;
    dispatcher_options_.breaker.failures_to_open = 1'000'000;
  }
  ~CardTest() override { die(); }

  core::PayerId payer(const core::Address& address, const std::string& words) {
    const core::PayerId id = ledger_.add_payer(address);
    ledger_.payer_at(id).rail_mandates = {{*base::RailName::parse("card"), mandate(words)}};
    return id;
  }
  core::PayerId payer(const std::string& card) {
    core::Address address;
    address.bytes[0] = static_cast<std::uint8_t>(++payers_);
    address.bytes[1] = static_cast<std::uint8_t>(payers_ >> 8);
    const std::string customer = "cus_known" + std::to_string(payers_);
    provider_.owners[customer] = base::to_hex(address);
    return payer(address, customer + ";" + card);
  }
  void start() {
    dispatcher_.emplace(io_, ledger_, ledger_, clock_, dispatcher_options_, nullptr);
    auto settler = make_card(io_, options_, "sk_test_key", clock_, &dispatcher_->inbox(),
                             std::make_unique<fake::ProviderTransport>(provider_));
    card_ = settler.value().get();
    dispatcher_->add(std::move(*settler));
    std::optional<base::Result<void>> started;
    dispatcher_->start([&started](base::Result<void> result) { started = std::move(result); });
    run_until([&started] { return started.has_value(); });
    ASSERT_TRUE(*started) << started->error().message;
  }
  // As when the process is killed: nothing is waited for.
  void die() {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
  }
  template <typename Until>
  void run_until(Until until, int turns = 200'000) {
    for (int i = 0; i < turns && !until(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    ASSERT_TRUE(until());
  }
  void run_until_state(SettlementId id, S state) {
    run_until([&] { return ledger_.at(id).state == state; });
  }
  // Lets time pass until something is so; each step is a probe's wait.
  template <typename Until>
  void pass_until(Until until, std::uint64_t step_s, int steps = 5'000) {
    for (int i = 0; i < steps && !until(); ++i) {
      advance(step_s);
      for (int turn = 0; turn < 30 && !until(); ++turn) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(2));
      }
    }
  }
  void pass_until_state(SettlementId id, S state, std::uint64_t step_s = 60, int steps = 5'000) {
    pass_until([&] { return ledger_.at(id).state == state; }, step_s, steps);
    ASSERT_EQ(ledger_.at(id).state, state) << ledger_.at(id).detail;
  }
  void advance(std::uint64_t seconds) {
    clock_.advance_us(seconds * 1'000'000);
    if (dispatcher_) dispatcher_->wake();
  }
  const std::string& detail(SettlementId id) { return ledger_.at(id).detail; }

  base::ManualClock clock_;
  boost::asio::io_context io_;
  fake::Ledger ledger_;
  Provider provider_;
  CardOptions options_;
  DispatcherOptions dispatcher_options_;
  std::optional<Dispatcher> dispatcher_;
  CardSettler* card_ = nullptr;  // the dispatcher's
  int payers_ = 0;
};

}  // namespace settlers::card
