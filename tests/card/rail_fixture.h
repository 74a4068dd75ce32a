#pragma once

// The card rail under the real dispatcher, over HTTP, with a provider in a process of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <optional>

#include "settlers/card/card.h"
#include "settlers/card/form.h"
#include "settlers/dispatcher.h"
#include "settlers/http/client.h"
#include "tests/card/provider_process.h"
#include "tests/support/skip.h"
#include "tests/unit/settlers/fake_ledger.h"

namespace settlers::card {

namespace core = ledger::core;
namespace json = boost::json;
using S = SettlementState;

inline constexpr std::string_view kKey = "sk_test_provider";

class CardRailTest : public ::testing::Test {
 protected:
  CardRailTest(const char* script, std::string missing)
      : provider_(script), missing_(std::move(missing)), clock_(base::SystemClock().now()), ledger_(clock_) {}
  void SetUp() override {
    if (provider_.url().empty()) SKIP_LOUDLY(missing_);
    http::ClientOptions client;
    client.url = http::parse_url(provider_.url(), "url").value();
    client_.emplace(io_, client);
    options_.base_url = provider_.url();
    options_.ledger = "acme:tab";
    options_.assets = {{core::AssetId(1), "usd", "1"}};
    options_.requests_per_s = options_.endpoint_requests_per_s = 10'000;
    dispatcher_options_.wake_spacing_ms = 0;
    dispatcher_options_.poll_ms = 1;
    dispatcher_options_.breaker.failures_to_open = 1'000;
  }
  void TearDown() override {
    dispatcher_.reset();
    io_.restart();
    io_.poll();
  }

  json::value ask(http::Method method, const std::string& target, const std::string& body) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.fields.push_back({"Authorization", "Bearer " + std::string(kKey)});
    request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.body = body;
    std::optional<http::Result> answer;
    client_->send(std::move(request), [&answer](http::Result result) { answer = std::move(result); });
    run_until([&answer] { return answer.has_value(); });
    EXPECT_TRUE(*answer) << answer->error().message;
    EXPECT_EQ((*answer)->status, 200u) << (*answer)->body;
    return json::parse((*answer)->body);
  }
  std::string text(const json::value& value, const char* key) { return std::string(value.at(key).as_string()); }

  core::PayerId payer(const std::string& card) {
    core::Address address;
    address.bytes[0] = static_cast<std::uint8_t>(++payers_);
    const json::value made =
        ask(http::Method::post, "/v1/customers", Form().add("metadata[tabd_payer]", base::to_hex(address)).text());
    const std::string words = text(made, "id") + ";" + card;
    const core::PayerId id = ledger_.add_payer(address);
    ledger_.payer_at(id).rail_mandates = {{*base::RailName::parse("card"), {words.begin(), words.end()}}};
    return id;
  }
  void start() {
    dispatcher_.emplace(io_, ledger_, ledger_, clock_, dispatcher_options_, nullptr);
    std::unique_ptr<CardSettler> card = make_card(io_, options_, std::string(kKey), clock_, inbox_).value();
    card_ = card.get();
    dispatcher_->add(std::move(card));
    std::optional<base::Result<void>> started;
    dispatcher_->start([&started](base::Result<void> result) { started = std::move(result); });
    run_until([&started] { return started.has_value(); });
    ASSERT_TRUE(*started) << started->error().message;
  }
  template <typename Until>
  void run_until(Until until) {
    for (int i = 0; i < 50'000 && !until(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(until());
  }
  // Time passes for us (probes) and not for the provider.
  template <typename Until>
  void pass_until(Until until) {
    for (int i = 0; i < 500 && !until(); ++i) {
      clock_.advance_us(1'000'000);
      dispatcher_->wake();
      for (int turn = 0; turn < 40 && !until(); ++turn) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(5));
      }
    }
  }
  void pass_until_state(SettlementId id, S state) {
    pass_until([&] { return ledger_.at(id).state == state; });
    ASSERT_EQ(ledger_.at(id).state, state) << ledger_.at(id).detail;
  }

  support::ProviderProcess provider_;
  const std::string missing_;
  base::ManualClock clock_;
  boost::asio::io_context io_;
  fake::Ledger ledger_;
  std::optional<http::Client> client_;
  CardOptions options_;
  DispatcherOptions dispatcher_options_;
  Inbox* inbox_ = nullptr;  // set before start(): for events and webhooks
  std::optional<Dispatcher> dispatcher_;
  CardSettler* card_ = nullptr;  // the dispatcher's
  int payers_ = 0;
};

}  // namespace settlers::card
