// Webhooks and the provider's list of events: what is recorded, what is refused, and that each is recorded once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "base/limits.h"
#include "settlers/card/card.h"
#include "settlers/card/signature.h"
#include "tests/unit/settlers_card/fake_provider.h"

namespace settlers::card {
namespace {

using fake::Fault;
using fake::Provider;
using ::testing::HasSubstr;
namespace json = boost::json;

constexpr base::Time kStart = base::Time::from_seconds(1'800'000'000);

class RecordingInbox final : public Inbox {
 public:
  void record(std::vector<Notice> notices, Done<base::Result<std::vector<NoticeAnswer>>> done) override {
    if (failing) return done(base::error(base::ErrorCode::unavailable, "the ledger is stopping"));
    std::vector<NoticeAnswer> answers;
    for (Notice& notice : notices) {
      const NoticeState as = notice.recorded_as;
      (as == NoticeState::refused ? refused : recorded).push_back(std::move(notice));
      answers.push_back({status, ledger::core::NoticeId(1), {}});
    }
    done(std::move(answers));
  }
  bool failing = false;
  base::Status status = base::Status::ok;
  std::vector<Notice> recorded, refused;
};

class CardEventsTest : public ::testing::Test {
 protected:
  CardEventsTest() : clock_(kStart), provider_(io_, clock_) {
    clock_.advance_us(1'000'000);
    options_.ledger = "acme:tab";
    options_.webhook_secrets = {"whsec_new", "whsec_old"};
    options_.events_poll_ms = 0;
  }
  ~CardEventsTest() override {
    card_.reset();
    io_.restart();
    io_.poll();
  }
  void start() {
    card_ =
        make_card(io_, options_, "sk_test_key", clock_, &inbox_, std::make_unique<fake::ProviderTransport>(provider_))
            .value();
    std::optional<base::Result<void>> started;
    card_->start([&started](base::Result<void> result) { started = std::move(result); });
    run_until([&started] { return started.has_value(); });
    ASSERT_TRUE(*started) << started->error().message;
  }
  template <typename Until>
  void run_until(Until until) {
    for (int i = 0; i < 20'000 && !until(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(until());
  }
  json::object event(const std::string& id, const std::string& type, json::object object) {
    return {{"id", id},
            {"object", "event"},
            {"type", type},
            {"created", clock_.now().seconds()},
            {"livemode", false},
            {"api_version", "2026-10-28.endive"},
            {"data", json::object{{"object", std::move(object)}}}};
  }
  static json::object intent(const std::string& id, const std::string& settlement,
                             const std::string& ledger = "acme:tab") {
    return {{"id", id},
            {"object", "payment_intent"},
            {"status", "succeeded"},
            {"amount", 100},
            {"metadata", json::object{{"tabd_ledger", ledger}, {"tabd_settlement", settlement}, {"tabd_key", "k"}}}};
  }
  WebhookAnswer post(const std::string& body, std::string header = {}) {
    if (header.empty()) header = signed_with("whsec_new", body);
    std::optional<WebhookAnswer> answer;
    card_->receive(header, body, [&answer](const WebhookAnswer& said) { answer = said; });
    run_until([&answer] { return answer.has_value(); });
    return answer.value_or(WebhookAnswer{0, "nothing"});
  }
  std::string signed_with(const std::string& secret, const std::string& body) {
    return sign({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}, secret, clock_.now());
  }

  base::ManualClock clock_;
  boost::asio::io_context io_;
  Provider provider_;
  RecordingInbox inbox_;
  CardOptions options_;
  std::unique_ptr<CardSettler> card_;
};

TEST_F(CardEventsTest, IsRecordedBeforeItIsAnswered) {
  start();
  const std::string body = json::serialize(event("evt_1", "payment_intent.succeeded", intent("pi_1", "7")));
  EXPECT_EQ(post(body).status, 200u);
  ASSERT_EQ(inbox_.recorded.size(), 1u);
  const Notice& notice = inbox_.recorded[0];
  EXPECT_EQ(notice.rail.view(), "card");
  EXPECT_EQ(notice.settlement, SettlementId(7));
  EXPECT_EQ(notice.external_id, "evt_1");
  EXPECT_EQ(notice.source, "webhook");
  EXPECT_TRUE(notice.amount.is_zero()) << "it moves no money";
  EXPECT_EQ(post(body, signed_with("whsec_old", body)).status, 200u) << "the other secret, and a repetition";
  EXPECT_EQ(inbox_.recorded.size(), 1u);
}

TEST_F(CardEventsTest, WhatCannotBeRecordedIsToBeSentAgain) {
  start();
  const std::string body = json::serialize(event("evt_1", "payment_intent.succeeded", intent("pi_1", "7")));
  inbox_.failing = true;
  EXPECT_EQ(post(body).status, 503u);
  inbox_.failing = false;
  inbox_.status = base::Status::overloaded;
  EXPECT_EQ(post(body).status, 503u);
  inbox_.status = base::Status::already_accepted;
  EXPECT_EQ(post(body).status, 200u);
}

TEST_F(CardEventsTest, DisputesAndRefundsAreFoundByTheirPayment) {
  provider_.intents["pi_1"] = intent("pi_1", "7");
  provider_.intents["pi_2"] = intent("pi_2", "8", "other:tab");
  start();
  const auto dispute = [this](const char* id, const char* payment) {
    return json::serialize(
        event(id, "charge.dispute.created",
              {{"id", "du_1"}, {"object", "dispute"}, {"payment_intent", payment}, {"metadata", json::object{}}}));
  };
  EXPECT_EQ(post(dispute("evt_1", "pi_1")).status, 200u);
  ASSERT_EQ(inbox_.recorded.size(), 1u);
  EXPECT_EQ(inbox_.recorded[0].settlement, SettlementId(7));
  EXPECT_EQ(post(dispute("evt_2", "pi_2")).status, 200u) << "another ledger's";
  EXPECT_EQ(post(dispute("evt_3", "pi_unknown")).status, 200u);
  EXPECT_EQ(inbox_.recorded.size(), 1u);
  provider_.fault = [](const Provider::Seen&) { return Fault::unreachable; };
  EXPECT_EQ(post(dispute("evt_4", "pi_1")).status, 503u);
  EXPECT_EQ(inbox_.recorded.size(), 1u);
}

TEST_F(CardEventsTest, ForgedStaleMalformedAndForeignOnesAreRefusedAndKeptWithinARate) {
  start();
  const std::string body = json::serialize(event("evt_1", "payment_intent.succeeded", intent("pi_1", "7")));
  const auto refused = [&](const std::string& what, const std::string& header, const char* why) {
    clock_.advance_us(2'000'000);
    const WebhookAnswer answer = post(what, header.empty() ? signed_with("whsec_new", what) : header);
    EXPECT_EQ(answer.status, 400u);
    EXPECT_THAT(answer.problem, HasSubstr(why));
  };
  refused(body, signed_with("whsec_wrong", body), "no signature fits");
  refused(body, "nonsense", "not key=value");
  const std::string stale = signed_with("whsec_new", body);
  clock_.advance_us(301'000'000);
  refused(body, stale, "s old");
  refused("{", {}, "not JSON");
  refused(R"({"id":"evt_1","object":"event"})", {}, "without a type");
  json::object live = event("evt_2", "payment_intent.succeeded", intent("pi_1", "7"));
  live["livemode"] = true;
  refused(json::serialize(live), {}, "live mode");
  EXPECT_EQ(inbox_.refused.size(), 6u);
  EXPECT_THAT(inbox_.refused[0].detail, HasSubstr("no signature fits"));
  EXPECT_FALSE(inbox_.refused[0].settlement.valid());
  EXPECT_TRUE(inbox_.recorded.empty());
}

// Anybody can send them: ten an hour go into the ledger, with a short excerpt, and how many more there were.
TEST_F(CardEventsTest, AFloodOfForgedOnesDoesNotGrowTheLedger) {
  start();
  const auto flood = [this](int hours) {
    for (int i = 0; i < hours * 360; ++i) {
      clock_.advance_us(10'000'000);
      EXPECT_EQ(post(std::string(6'000, 'x') + std::to_string(i), "t=1,v1=" + std::string(64, 'a')).status, 400u);
    }
  };
  flood(1);
  EXPECT_EQ(inbox_.refused.size(), 10u);
  flood(2);
  EXPECT_LE(inbox_.refused.size(), 30u);
  for (const Notice& one : inbox_.refused) EXPECT_LE(one.body.size(), 256u);
  EXPECT_THAT(inbox_.refused[10].detail, HasSubstr("350 more were refused before it and not kept"));
  EXPECT_TRUE(inbox_.recorded.empty());
  EXPECT_THAT(card_->describe(), HasSubstr("not kept)"));
}

TEST_F(CardEventsTest, AWebhookWithoutASecretIsRefused) {
  options_.webhook_secrets.clear();
  start();
  EXPECT_EQ(post("{}").status, 400u);
}

TEST_F(CardEventsTest, MissedEventsAreFoundInTheListAndRecordedOnce) {
  provider_.page_max = 2;
  for (int i = 1; i <= 5; ++i)
    provider_.events.push_back(event("evt_" + std::to_string(i), "payment_intent.succeeded",
                                     intent("pi_" + std::to_string(i), std::to_string(i))));
  provider_.events.push_back(event("evt_6", "payment_intent.succeeded", intent("pi_6", "6", "other:tab")));
  options_.events_poll_ms = 1;
  start();
  run_until([this] { return inbox_.recorded.size() == 5; });
  const std::size_t looks = provider_.count("GET /v1/events");
  run_until([&] { return provider_.count("GET /v1/events") > looks + 6; });
  EXPECT_EQ(inbox_.recorded.size(), 5u);
  provider_.events.push_back(event("evt_7", "payment_intent.succeeded", intent("pi_7", "7")));
  run_until([this] { return inbox_.recorded.size() == 6; });
  EXPECT_EQ(inbox_.recorded.back().source, "events");
}

TEST_F(CardEventsTest, AnEventDatedInTheFutureHidesNothing) {
  options_.events_poll_ms = 1;
  json::object future = event("evt_1", "payment_intent.succeeded", intent("pi_1", "1"));
  future["created"] = clock_.now().seconds() + 10ULL * 365 * 86'400;
  provider_.events.push_back(std::move(future));
  start();
  run_until([this] { return inbox_.recorded.size() == 1; });
  provider_.events.insert(provider_.events.begin(), event("evt_2", "payment_intent.succeeded", intent("pi_2", "2")));
  run_until([this] { return inbox_.recorded.size() == 2; });
}

// More than a look reads: the next one goes on, and what is older is not lost.
TEST_F(CardEventsTest, ALookThatIsTooLongGoesOnInTheNext) {
  options_.events_poll_ms = 1;
  provider_.page_max = 1;
  for (int i = 1; i <= 1'100; ++i)
    provider_.events.push_back(event("evt_" + std::to_string(i), "payment_intent.succeeded",
                                     intent("pi_" + std::to_string(i), std::to_string(i))));
  options_.requests_per_s = options_.endpoint_requests_per_s = 1'000'000;
  start();
  run_until([this] { return inbox_.recorded.size() == 1'100; });
  EXPECT_EQ(inbox_.recorded.back().external_id, "evt_1");
}

TEST_F(CardEventsTest, AListThatDoesNotGoOnIsLeft) {
  options_.events_poll_ms = 1;
  provider_.events.push_back(event("evt_1", "payment_intent.succeeded", intent("pi_1", "1")));
  provider_.endless_events = true;
  start();
  run_until([this] { return card_->describe().find("does not go on") != std::string::npos; });
  provider_.endless_events = false;
  provider_.events.push_back(event("evt_2", "payment_intent.succeeded", intent("pi_2", "2")));
  run_until([this] { return inbox_.recorded.size() == 2; });
}

TEST_F(CardEventsTest, AFailedLookLosesNothing) {
  options_.events_poll_ms = 1;
  int looks = 0;
  provider_.fault = [&looks](const Provider::Seen& seen) {
    if (!seen.target.starts_with("/v1/events")) return Fault::none;
    return ++looks <= 3 ? Fault::error_before : Fault::none;
  };
  provider_.events.push_back(event("evt_1", "payment_intent.succeeded", intent("pi_1", "1")));
  start();
  run_until([&] { return looks == 3; });
  run_until([this] { return inbox_.recorded.size() == 1; });
}

}  // namespace
}  // namespace settlers::card
