// Refunds of the card rail behind the real dispatcher, against a provider in memory.

#include "tests/unit/settlers_card/card_fixture.h"

namespace settlers::card {
namespace {

class CardRefundTest : public CardTest {
 protected:
  // A collection of 12.50 USD that is there.
  SettlementId collected() {
    const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
    if (!dispatcher_) start();
    dispatcher_->wake();
    run_until_state(id, S::confirmed);
    return id;
  }
  std::uint64_t refunded() const {
    std::uint64_t sum = 0;
    for (const auto& [id, refund] : provider_.refunds) {
      if (refund.at("status") != "failed") sum += json::value_to<std::uint64_t>(refund.at("amount"));
    }
    return sum;
  }
};

TEST_F(CardRefundTest, SendsBackAPartAndBecomesFinal) {
  const SettlementId origin = collected();
  const SettlementId id = ledger_.refund(origin, 2'500'000);
  dispatcher_->wake();
  run_until_state(id, S::settled);
  const Provider::Seen& sent = provider_.calls.back();
  EXPECT_EQ(sent.method + " " + sent.target, "POST /v1/refunds");
  EXPECT_EQ(sent.key, key_text(ledger_.at(id).idempotency_key));
  EXPECT_THAT(sent.form, HasSubstr("payment_intent=pi_1&amount=250&reason=requested_by_customer"));
  EXPECT_THAT(sent.form, HasSubstr("metadata[tabd_settlement]=2&metadata[tabd_attempt]=1"));
  EXPECT_EQ(ledger_.at(id).reference, "re_1");
  pass_until_state(id, S::final, kDay);
  EXPECT_EQ(provider_.count("POST /v1/refunds"), 1u);
  EXPECT_EQ(ledger_.at(origin).state, S::settled) << "what we send back ourselves is no return of the collection";
  EXPECT_THAT(detail(origin), Not(HasSubstr("refunded")));
}

TEST_F(CardRefundTest, PartsAddUpToTheWholeAndNoMore) {
  const SettlementId origin = collected();
  const SettlementId first = ledger_.refund(origin, 5'000'000);
  const SettlementId second = ledger_.refund(origin, 7'500'000);
  dispatcher_->wake();
  run_until_state(first, S::settled);
  run_until_state(second, S::settled);
  const SettlementId more = ledger_.refund(origin, 1'000'000);
  dispatcher_->wake();
  run_until_state(more, S::failed);
  EXPECT_EQ(ledger_.at(more).code, "charge_already_refunded");
  EXPECT_EQ(ledger_.at(more).failure, FailureClass::rejected);
  EXPECT_EQ(refunded(), 1250u);
  pass_until_state(origin, S::final, kDay);
}

TEST_F(CardRefundTest, ADisputeThatCameFirstIsADefiniteNo) {
  const SettlementId origin = collected();
  const SettlementId id = ledger_.refund(origin, 2'500'000);
  provider_.intents.at("pi_1").at("latest_charge").as_object()["disputed"] = true;
  provider_.disputes.push_back({"du_1", "pi_1", "needs_response"});
  dispatcher_->wake();
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).code, "charge_disputed");
  EXPECT_EQ(refunded(), 0u);
  pass_until_state(origin, S::disputed, kDay);
}

TEST_F(CardRefundTest, PendingOnesAreWatched) {
  const SettlementId origin = collected();
  provider_.refund_status = "pending";
  const SettlementId good = ledger_.refund(origin, 2'500'000);
  const SettlementId bad = ledger_.refund(origin, 1'000'000);
  dispatcher_->wake();
  run_until_state(good, S::accepted);
  run_until_state(bad, S::accepted);
  provider_.refunds.at(ledger_.at(good).reference)["status"] = "succeeded";
  provider_.fail_refund(ledger_.at(bad).reference, "expired_or_canceled_card");
  pass_until_state(good, S::settled);
  pass_until_state(bad, S::failed);
  EXPECT_EQ(ledger_.at(bad).code, "expired_or_canceled_card");
  EXPECT_EQ(ledger_.at(bad).failure, FailureClass::rejected);
  // A bank may send one back that had arrived.
  provider_.fail_refund(ledger_.at(good).reference, "lost_or_stolen_card");
  pass_until_state(good, S::returned, kDay);
  EXPECT_EQ(provider_.count("POST /v1/refunds"), 2u);
}

TEST_F(CardRefundTest, WhatCannotBeRefundedIsNotAskedFor) {
  const SettlementId origin = collected();
  provider_.intents.at("pi_1")["currency"] = "eur";
  const SettlementId other = ledger_.refund(origin, 2'500'000);
  dispatcher_->wake();
  run_until_state(other, S::failed);
  EXPECT_THAT(detail(other), HasSubstr("it was paid in eur"));
  provider_.intents.at("pi_1")["currency"] = "usd";
  provider_.intents.at("pi_1").at("metadata").as_object()["tabd_ledger"] = "other:tab";
  const SettlementId foreign = ledger_.refund(origin, 2'500'000);
  dispatcher_->wake();
  run_until_state(foreign, S::failed);
  EXPECT_THAT(detail(foreign), HasSubstr("no payment of this ledger"));
  EXPECT_EQ(provider_.count("POST /v1/refunds"), 0u);
}

// 100 at rate 2 were charged as 200.00; meanwhile the asset is moved at another rate, and as another currency.
TEST_F(CardRefundTest, RefundsAtTheRateOfTheCollection) {
  options_.assets = {{core::AssetId(1), "usd", "2"}};
  const SettlementId origin = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  start();
  run_until_state(origin, S::confirmed);
  EXPECT_EQ(provider_.intents.at("pi_1").at("amount"), 20'000);
  for (const CardAsset& now : {CardAsset{core::AssetId(1), "usd", "1"}, CardAsset{core::AssetId(1), "eur", "1"}}) {
    die();
    options_.assets = {now};
    start();
    const SettlementId half = ledger_.refund(origin, 50'000'000);
    dispatcher_->wake();
    run_until_state(half, S::settled);
  }
  EXPECT_EQ(refunded(), 20'000u);
  for (const auto& [id, refund] : provider_.refunds) EXPECT_EQ(refund.at("currency"), "usd");
}

TEST_F(CardRefundTest, WithoutTheCollectionsRequestNothingIsRefunded) {
  const SettlementId origin = collected();
  ledger_.at(origin).request.clear();
  const SettlementId id = ledger_.refund(origin, 2'500'000);
  dispatcher_->wake();
  run_until_state(id, S::failed);
  EXPECT_THAT(detail(id), HasSubstr("refund it on the provider's dashboard"));
  EXPECT_EQ(provider_.count("POST /v1/refunds"), 0u);
}

TEST_F(CardRefundTest, RefundsOnTheDashboardAreToldFromOurs) {
  const SettlementId origin = collected();
  const SettlementId ours = ledger_.refund(origin, 2'500'000);
  dispatcher_->wake();
  run_until_state(ours, S::settled);
  provider_.create_refund({{"payment_intent", "pi_1"}, {"amount", "300"}});
  pass_until_state(origin, S::settled, kDay);
  pass_until_state(ours, S::final, kDay);
  EXPECT_THAT(detail(origin), HasSubstr("3.00 usd of it was refunded"));
}

// One mechanism with the 10,000 collections of settler_test.cpp.
TEST_F(CardRefundTest, LostRepliesRefundOnce) {
  const SettlementId origin = collected();
  std::mt19937_64 random(7);
  provider_.fault = [&random](const Provider::Seen& seen) {
    if (seen.method != "POST") return Fault::none;
    constexpr Fault kFaults[] = {Fault::none,         Fault::drop_before, Fault::drop_after, Fault::error_before,
                                 Fault::error_stored, Fault::conflict,    Fault::locked,     Fault::nonsense};
    return kFaults[random() % std::size(kFaults)];
  };
  std::vector<SettlementId> all;
  for (int i = 0; i < 200; ++i) all.push_back(ledger_.refund(origin, 10'000));
  dispatcher_->wake();
  for (int i = 0; i < 2'000 && ledger_.count(S::settled) < all.size(); ++i) {
    advance(30);
    for (int turn = 0; turn < 200; ++turn) {
      io_.restart();
      if (io_.poll() == 0) break;
    }
  }
  for (const SettlementId id : all) ASSERT_EQ(ledger_.at(id).state, S::settled) << detail(id);
  EXPECT_EQ(provider_.refunds.size(), all.size());
  EXPECT_EQ(refunded(), 200u);
}

}  // namespace
}  // namespace settlers::card
