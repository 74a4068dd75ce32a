// The card rail over HTTP against localstripe, which somebody else wrote: payments, a decline, a refund made elsewhere,
// and webhooks that it signs. localstripe.mjs says what is adapted.

#include "tests/card/rail_fixture.h"

namespace settlers::card {
namespace {

using ::testing::HasSubstr;

class MemoryInbox final : public Inbox {
 public:
  void record(std::vector<Notice> notices, Done<base::Result<std::vector<NoticeAnswer>>> done) override {
    std::vector<NoticeAnswer> answers;
    for (Notice& notice : notices) {
      answers.push_back({base::Status::ok, core::NoticeId(1), {}});
      recorded.push_back(std::move(notice));
    }
    done(std::move(answers));
  }
  std::vector<Notice> recorded;
};

class LocalstripeTest : public CardRailTest {
 protected:
  LocalstripeTest() : CardRailTest("localstripe.mjs", "localstripe is missing: run tools/setup.sh card") {}
  void SetUp() override {
    CardRailTest::SetUp();
    inbox_ = &memory_;
    options_.events_poll_ms = 0;
    options_.webhook_secrets = {"whsec_localstripe"};
    options_.statement_descriptor_suffix = "TAB";
  }
  struct Delivery {
    std::string signature, body;
  };
  std::vector<Delivery> deliveries(std::string_view type) {
    std::vector<Delivery> found;
    const json::value all = ask(http::Method::get, "/_webhooks", "");
    for (const json::value& one : all.as_array()) {
      if (text(json::parse(text(one, "body")), "type") == type)
        found.push_back({text(one, "signature"), text(one, "body")});
    }
    return found;
  }
  WebhookAnswer receive(const Delivery& delivery) {
    std::optional<WebhookAnswer> answer;
    card_->receive(delivery.signature, delivery.body, [&answer](WebhookAnswer said) { answer = std::move(said); });
    run_until([&answer] { return answer.has_value(); });
    return answer.value_or(WebhookAnswer{0, "no answer"});
  }
  MemoryInbox memory_;
};

TEST_F(LocalstripeTest, CollectsAndSettles) {
  const SettlementId id = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  start();
  pass_until_state(id, S::settled);  // its balance transactions are available at once
  const json::value intent = ask(http::Method::get, "/v1/payment_intents/" + ledger_.at(id).reference, "");
  EXPECT_EQ(text(intent, "status"), "succeeded");
  EXPECT_EQ(intent.at("amount").to_number<int>(), 1250);
  EXPECT_EQ(text(intent.at("metadata"), "tabd_settlement"), std::to_string(id.value));
  EXPECT_EQ(text(intent.at("metadata"), "tabd_ledger"), "acme:tab");
  EXPECT_EQ(text(intent.at("metadata"), "tabd_key"), base::to_hex(ledger_.at(id).idempotency_key).substr(2));
}

TEST_F(LocalstripeTest, ADeclineIsFoundAndClosed) {
  // Its error does not name the payment intent, so that is looked for by its key.
  const SettlementId id = ledger_.collect(payer("pm_card_chargeCustomerFail"), 12'500'000, "card");
  start();
  pass_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).code, "card_declined");
  const json::value intent = ask(http::Method::get, "/v1/payment_intents/" + ledger_.at(id).reference, "");
  EXPECT_EQ(text(intent, "status"), "canceled");
}

TEST_F(LocalstripeTest, ARefundMadeElsewhereIsFound) {
  const SettlementId part = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  const SettlementId whole = ledger_.collect(payer("pm_card_visa"), 7'500'000, "card");
  start();
  pass_until_state(part, S::settled);
  pass_until_state(whole, S::settled);
  ask(http::Method::post, "/v1/refunds",
      Form().add("payment_intent", ledger_.at(part).reference).add("amount", "250").text());
  ask(http::Method::post, "/v1/refunds", Form().add("payment_intent", ledger_.at(whole).reference).text());
  clock_.advance_us(8 * 86'400ULL * 1'000'000);
  pass_until_state(whole, S::returned);
  pass_until([&] { return ledger_.at(part).detail.find("refunded") != std::string::npos; });
  EXPECT_EQ(ledger_.at(part).state, S::settled);
  EXPECT_THAT(ledger_.at(part).detail, HasSubstr("2.50 usd of it was refunded"));
}

TEST_F(LocalstripeTest, RefundsAndTellsItsOwnFromOthers) {
  const SettlementId origin = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  start();
  pass_until_state(origin, S::settled);
  const SettlementId refund = ledger_.refund(origin, 12'500'000);
  pass_until_state(refund, S::settled);
  const json::value made = ask(http::Method::get, "/v1/refunds/" + ledger_.at(refund).reference, "");
  EXPECT_EQ(made.at("amount").to_number<int>(), 1250);
  EXPECT_EQ(text(made.at("metadata"), "tabd_settlement"), std::to_string(refund.value));
  clock_.advance_us(8 * 86'400ULL * 1'000'000);
  pass_until_state(refund, S::settled);
  for (int i = 0; i < 20; ++i) {
    clock_.advance_us(86'400ULL * 1'000'000);
    dispatcher_->wake();
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(ledger_.at(origin).state, S::settled) << "all of it was sent back, and by us";
}

TEST_F(LocalstripeTest, ItsWebhooksAreSignedAsWeDemand) {
  const SettlementId id = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  start();
  pass_until_state(id, S::settled);
  std::vector<Delivery> found;
  for (int i = 0; i < 600 && found.empty(); ++i) {  // it sends them a second later
    io_.restart();
    io_.run_for(std::chrono::milliseconds(50));
    found = deliveries("payment_intent.succeeded");
  }
  ASSERT_EQ(found.size(), 1u);
  const WebhookAnswer taken = receive(found[0]);
  EXPECT_EQ(taken.status, 200u) << taken.problem;
  ASSERT_EQ(memory_.recorded.size(), 1u);
  EXPECT_EQ(memory_.recorded[0].settlement, id);
  EXPECT_EQ(memory_.recorded[0].recorded_as, Notice().recorded_as);
  Delivery forged = found[0];
  forged.body.replace(forged.body.find("1250"), 4, "1251");
  const WebhookAnswer refused = receive(forged);
  EXPECT_EQ(refused.status, 400u);
  EXPECT_THAT(refused.problem, HasSubstr("no signature fits"));
  ASSERT_EQ(memory_.recorded.size(), 2u);
  EXPECT_EQ(memory_.recorded[1].recorded_as, NoticeState::refused);
}

TEST_F(LocalstripeTest, EventsThatNoWebhookBroughtAreFoundInItsList) {
  options_.events_poll_ms = 20;
  const SettlementId id = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  start();
  pass_until_state(id, S::settled);
  run_until([this] { return !memory_.recorded.empty(); });
  EXPECT_EQ(memory_.recorded[0].settlement, id);
  EXPECT_EQ(memory_.recorded[0].source, "events");
}

}  // namespace
}  // namespace settlers::card
