// The card rail over HTTP against the stand-in that the provider's own library has checked (provider.test.mjs). Each of
// its requests is judged by stripe-mock, which knows the provider's own description of its interface.

#include "tests/card/rail_fixture.h"

namespace settlers::card {
namespace {

using ::testing::HasSubstr;

class CardProviderTest : public CardRailTest {
 protected:
  CardProviderTest() : CardRailTest("", "Node.js is missing: run tools/setup.sh chain") {}
  // Whatever a test is about: each of its requests is one that the provider's own description allows.
  void TearDown() override {
    CardRailTest::TearDown();
    if (provider_.url().empty()) return;
    const json::value state = control({});
    if (state.at("oracle").is_null()) return;
    EXPECT_EQ(state.at("oracle").at("checked").to_number<std::int64_t>(), state.at("calls").to_number<std::int64_t>());
    EXPECT_EQ(json::serialize(state.at("oracle").at("refused")), "[]");
  }
  json::value control(const json::object& what) { return ask(http::Method::post, "/_test", json::serialize(what)); }
};

TEST_F(CardProviderTest, CollectsDeclinesAndPaysOut) {
  const SettlementId paid = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  const SettlementId poor = ledger_.collect(payer("pm_card_chargeDeclinedInsufficientFunds"), 12'500'000, "card");
  const SettlementId lost = ledger_.collect(payer("pm_card_chargeDeclinedLostCard"), 12'500'000, "card");
  const SettlementId secure = ledger_.collect(payer("pm_card_authenticationRequired"), 12'500'000, "card");
  const SettlementId slow = ledger_.collect(payer("pm_processing"), 12'500'000, "card");
  const std::string account = text(ask(http::Method::post, "/v1/accounts", "type=express"), "id");
  const SettlementId out = ledger_.pay_out(ledger_.add_payee(account), 5'000'000, "card");
  start();
  pass_until_state(paid, S::confirmed);
  pass_until_state(poor, S::failed);
  pass_until_state(lost, S::failed);
  pass_until_state(secure, S::failed);
  pass_until_state(slow, S::accepted);
  pass_until_state(out, S::final);
  EXPECT_EQ(ledger_.at(poor).failure, FailureClass::insufficient_funds);
  EXPECT_EQ(ledger_.at(lost).failure, FailureClass::rejected);
  const json::value state = control({{"settle", json::array{ledger_.at(slow).reference, true}}});
  std::size_t open = 0;
  for (const json::value& intent : state.at("intents").as_array())
    open += text(intent, "status").starts_with("requires_") ? 1U : 0U;
  EXPECT_EQ(open, 0u) << "nothing can be paid late";
  EXPECT_EQ(state.at("transfers").as_array().size(), 1u);
  clock_.advance_us(60'000'000);
  pass_until_state(slow, S::confirmed);
}

TEST_F(CardProviderTest, DisputeWonAndLost) {
  const SettlementId id = ledger_.collect(payer("pm_card_createDispute"), 12'500'000, "card");
  start();
  pass_until_state(id, S::disputed);
  const json::value state = control({});
  control({{"closeDispute", json::array{state.at("disputes").at(0).at("id"), "lost"}}});
  clock_.advance_us(86'400ULL * 1'000'000);
  pass_until_state(id, S::returned);
}

TEST_F(CardProviderTest, RefundsInPartsPendingAndSentBack) {
  const SettlementId origin = ledger_.collect(payer("pm_card_visa"), 12'500'000, "card");
  start();
  pass_until_state(origin, S::confirmed);
  const SettlementId first = ledger_.refund(origin, 2'500'000);
  pass_until_state(first, S::settled);
  control({{"refundStatus", "pending"}});
  const SettlementId second = ledger_.refund(origin, 10'000'000);
  pass_until_state(second, S::accepted);
  const SettlementId none_left = ledger_.refund(origin, 1'000'000);
  pass_until_state(none_left, S::failed);
  EXPECT_EQ(ledger_.at(none_left).code, "charge_already_refunded");
  control({{"closeRefund", json::array{ledger_.at(second).reference, "lost_or_stolen_card"}}});
  clock_.advance_us(120'000'000);
  pass_until_state(second, S::failed);
  EXPECT_EQ(ledger_.at(second).code, "lost_or_stolen_card");
  EXPECT_EQ(ledger_.at(origin).state, S::confirmed);
}

TEST_F(CardProviderTest, ADisputeThatCameFirstStopsARefund) {
  const SettlementId origin = ledger_.collect(payer("pm_card_createDispute"), 12'500'000, "card");
  start();
  pass_until_state(origin, S::disputed);
  const SettlementId refund = ledger_.refund(origin, 2'500'000);
  pass_until_state(refund, S::failed);
  EXPECT_EQ(ledger_.at(refund).code, "charge_disputed");
}

// Every kind of request there is in settlers/card, but the list of events (tabd.test.mjs).
TEST_F(CardProviderTest, EveryKindOfRequestIsJudgedByTheProvidersOwnDescription) {
  if (control({}).at("oracle").is_null()) SKIP_LOUDLY("stripe-mock is missing: run tools/setup.sh card");
  options_.statement_descriptor_suffix = "TAB 17";
  const core::PayerId one = payer("pm_card_visa");
  const std::string account = text(ask(http::Method::post, "/v1/accounts", "type=express"), "id");
  const core::PayeeId payee = ledger_.add_payee(account);
  start();
  pass_until_state(ledger_.collect(payer("pm_card_chargeDeclined"), 1'000'000, "card"), S::failed);
  pass_until_state(ledger_.collect(payer("pm_card_createDispute"), 1'000'000, "card"), S::disputed);
  // A lost reply is looked for in lists; what is being processed is read again.
  for (const SettlementKind kind : {SettlementKind::collection, SettlementKind::payout}) {
    control({{"faults", json::array{"drop-after", "drop-after"}}});
    const bool charge = kind == SettlementKind::collection;
    const SettlementId id =
        charge ? ledger_.collect(one, 1'000'000, "card") : ledger_.pay_out(payee, 1'000'000, "card");
    pass_until_state(id, charge ? S::confirmed : S::final);
    control({{"faults", json::array()}});
  }
  const SettlementId slow = ledger_.collect(payer("pm_processing"), 1'000'000, "card");
  pass_until_state(slow, S::accepted);
  control({{"settle", json::array{ledger_.at(slow).reference, true}}});
  pass_until_state(slow, S::confirmed);
  const SettlementId paid = ledger_.collect(one, 5'000'000, "card");
  pass_until_state(paid, S::confirmed);
  control({{"faults", json::array{"drop-after", "drop-after"}}});
  const SettlementId refund = ledger_.refund(paid, 1'000'000);
  pass_until_state(refund, S::settled);
  control({{"faults", json::array()}});
  clock_.advance_us(8 * 86'400ULL * 1'000'000);
  pass_until_state(paid, S::settled);
  const json::value verdict = control({}).at("oracle");
  EXPECT_EQ(json::serialize(verdict.at("endpoints")),
            R"(["GET /v1/account","GET /v1/balance","GET /v1/customers/{id}","GET /v1/disputes",)"
            R"("GET /v1/payment_intents","GET /v1/payment_intents/{id}","GET /v1/refunds","GET /v1/refunds/{id}",)"
            R"("GET /v1/transfers","POST /v1/accounts","POST /v1/customers","POST /v1/payment_intents",)"
            R"("POST /v1/payment_intents/{id}/cancel","POST /v1/refunds","POST /v1/transfers"])");
}

// A slice of the fault matrix over real sockets; the count is in tests/unit/settlers_card.
TEST_F(CardProviderTest, EveryFaultTwiceAndEachStatementPaidOnce) {
  const core::PayerId one = payer("pm_card_visa");
  const char* const faults[] = {"drop-before", "drop-after", "500", "500-stored", "in-use", "limited", "locked"};
  start();
  std::size_t planned = 0;
  for (int round = 0; round < 2; ++round) {
    for (const char* const fault : faults) {
      // The library under our client replaces a connection once; so a dropped one is dropped twice.
      control({{"faults", json::array{fault, fault}}});
      const SettlementId id = ledger_.collect(one, 1'000'000, "card");
      ++planned;
      pass_until_state(id, S::confirmed);
      control({{"faults", json::array{}}});
    }
  }
  std::map<std::string, int> paid;
  const json::value state = control({});
  for (const json::value& intent : state.at("intents").as_array()) {
    EXPECT_EQ(text(intent, "status"), "succeeded");
    ++paid[text(intent.at("metadata"), "tabd_settlement")];
  }
  EXPECT_EQ(paid.size(), planned);
  for (const auto& [settlement, times] : paid) EXPECT_EQ(times, 1) << settlement;
}

}  // namespace
}  // namespace settlers::card
