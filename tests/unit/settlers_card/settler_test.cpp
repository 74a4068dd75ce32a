// The card rail behind the real dispatcher, against a provider in memory that loses, repeats and delays.

#include "tests/unit/settlers_card/card_fixture.h"

namespace settlers::card {
namespace {

TEST_F(CardTest, CollectsAndBecomesFinalInThreeClocks) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until_state(id, S::confirmed);
  const Provider::Seen& sent = *std::find_if(provider_.calls.begin(), provider_.calls.end(),
                                             [](const auto& call) { return call.method == "POST"; });
  EXPECT_EQ(sent.version, "2026-10-28.endive");
  EXPECT_EQ(sent.key, key_text(ledger_.at(id).idempotency_key));
  EXPECT_THAT(sent.form, HasSubstr("amount=1250&currency=usd&customer=cus_known1&payment_method=pm_ok&"));
  EXPECT_THAT(sent.form, HasSubstr("off_session=true&confirm=true"));
  EXPECT_THAT(sent.form, HasSubstr("metadata[tabd_settlement]=1&metadata[tabd_attempt]=1"));
  EXPECT_EQ(ledger_.at(id).reference, "pi_1");
  EXPECT_THAT(detail(id), HasSubstr("the provider kept 0.36 usd"));
  EXPECT_EQ(ledger_.at(id).rail_fee, Amount(360'000));
  advance(2 * kDay);
  run_until_state(id, S::settled);
  advance(120 * kDay);
  run_until_state(id, S::final);
  EXPECT_EQ(provider_.count("POST"), 1u);
}

TEST_F(CardTest, PaysOutByTransfer) {
  const SettlementId good = ledger_.pay_out(ledger_.add_payee("acct_known1"), 5'000'000, "card");
  const SettlementId nobody = ledger_.pay_out(ledger_.add_payee("acct_gone"), 5'000'000, "card");
  const SettlementId wrong = ledger_.pay_out(ledger_.add_payee("0xabc"), 5'000'000, "card");
  start();
  run_until_state(good, S::final);
  run_until_state(nobody, S::failed);
  run_until_state(wrong, S::failed);
  EXPECT_EQ(provider_.transfers.size(), 1u);
  EXPECT_EQ(ledger_.at(nobody).failure, FailureClass::no_mandate);
  EXPECT_EQ(ledger_.at(wrong).failure, FailureClass::no_mandate);
  EXPECT_THAT(detail(wrong), HasSubstr("expected acct_"));
}

TEST_F(CardTest, AShortPlatformBalanceIsAFailureWithoutAFault) {
  provider_.balance = 1;
  const SettlementId id = ledger_.pay_out(ledger_.add_payee("acct_known1"), 5'000'000, "card");
  start();
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::insufficient_funds);
  EXPECT_EQ(dispatcher_->status().rails[0].faults, 0u);
}

struct DeclineCase {
  const char* card;
  FailureClass failure;
};
class CardDeclineTest : public CardTest, public ::testing::WithParamInterface<DeclineCase> {};
TEST_P(CardDeclineTest, IsReportedWhenTheIntentIsClosed) {
  const SettlementId id = ledger_.collect(payer(GetParam().card), 12'500'000, "card");
  start();
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, GetParam().failure) << detail(id);
  EXPECT_EQ(provider_.intents.at("pi_1").at("status"), "canceled") << "nobody can pay it late";
  EXPECT_EQ(dispatcher_->status().rails[0].faults, 0u) << "a payer who cannot pay does not open the breaker";
}
INSTANTIATE_TEST_SUITE_P(
    Buckets, CardDeclineTest,
    ::testing::Values(DeclineCase{"pm_decline_insufficient_funds", FailureClass::insufficient_funds},
                      DeclineCase{"pm_decline_generic_decline", FailureClass::insufficient_funds},
                      DeclineCase{"pm_decline_authentication_required", FailureClass::needs_action},
                      DeclineCase{"pm_decline_expired_card", FailureClass::no_mandate},
                      DeclineCase{"pm_decline_lost_card", FailureClass::rejected},
                      DeclineCase{"pm_onsession", FailureClass::needs_action}));

TEST_F(CardTest, NothingIsSentForWhatCannotSucceed) {
  const SettlementId small = ledger_.collect(payer("pm_ok"), 490'000, "card");
  const SettlementId odd = ledger_.collect(payer("pm_ok"), 1'000'001, "card");
  const SettlementId bare = ledger_.collect(ledger_.add_payer(core::Address{}), 1'000'000, "card");
  start();
  run_until_state(small, S::failed);
  run_until_state(odd, S::failed);
  run_until_state(bare, S::failed);
  EXPECT_EQ(ledger_.at(small).failure, FailureClass::rejected);
  EXPECT_THAT(detail(small), HasSubstr("0.49 usd is below the least"));
  EXPECT_EQ(ledger_.at(odd).failure, FailureClass::rejected);
  EXPECT_EQ(ledger_.at(bare).failure, FailureClass::no_mandate);
  EXPECT_EQ(provider_.count("POST"), 0u);
}

// Mandates are the payers' own words: a customer of somebody else is not charged.
TEST_F(CardTest, OnlyThePayersOwnCustomerIsCharged) {
  payer("pm_ok");
  core::Address thief;
  thief.bytes[0] = 99;
  const SettlementId stolen = ledger_.collect(payer(thief, "cus_known1;pm_ok"), 1'000'000, "card");
  const SettlementId gone = ledger_.collect(payer(thief, "cus_gone;pm_ok"), 1'000'000, "card");
  start();
  run_until_state(stolen, S::failed);
  run_until_state(gone, S::failed);
  EXPECT_EQ(ledger_.at(stolen).failure, FailureClass::no_mandate);
  EXPECT_THAT(detail(stolen), HasSubstr("cus_known1 is not this payer's"));
  EXPECT_EQ(ledger_.at(gone).failure, FailureClass::no_mandate);
  EXPECT_EQ(provider_.count("POST"), 0u);
}

// Deleted between the look and the charge: the provider says so, and has no trace of a payment.
TEST_F(CardTest, ARefusalIsDefiniteAfterALookForTraces) {
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  const core::PayerId one = payer("pm_ok");
  provider_.owners["cus_late"] = provider_.owners["cus_known1"];
  ledger_.payer_at(one).rail_mandates[0].mandate = mandate("cus_late;pm_ok");
  const SettlementId id = ledger_.collect(one, 1'000'000, "card");
  start();
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_EQ(provider_.count("GET /v1/payment_intents?customer=cus_late"), 1u);
}

// The first call of each kind meets a fault; afterwards the provider works.
struct FaultCase {
  Fault fault;
  std::size_t posts;  // to /v1/payment_intents, in the end
};
class CardFaultTest : public CardTest, public ::testing::WithParamInterface<FaultCase> {};
TEST_P(CardFaultTest, OnePaymentWhateverHappensToTheFirstCall) {
  bool met = false;
  provider_.fault = [&met](const Provider::Seen& seen) {
    if (met || seen.method != "POST") return Fault::none;
    met = true;
    return GetParam().fault;
  };
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  pass_until_state(id, S::confirmed, 1);
  EXPECT_EQ(provider_.intents.size(), 1u);
  EXPECT_EQ(provider_.count("POST /v1/payment_intents"), GetParam().posts);
}
INSTANTIATE_TEST_SUITE_P(Faults, CardFaultTest,
                         ::testing::Values(FaultCase{Fault::unreachable, 2}, FaultCase{Fault::drop_before, 2},
                                           FaultCase{Fault::drop_after, 1}, FaultCase{Fault::error_before, 2},
                                           FaultCase{Fault::error_stored, 1}, FaultCase{Fault::conflict, 2},
                                           FaultCase{Fault::limited, 2}, FaultCase{Fault::locked, 2},
                                           FaultCase{Fault::nonsense, 2}));

TEST_F(CardTest, ADeclineWhoseReplyIsLostIsFoundAndClosed) {
  provider_.fault = [](const Provider::Seen& seen) {
    return seen.target == "/v1/payment_intents" && seen.method == "POST" ? Fault::drop_after : Fault::none;
  };
  const SettlementId id = ledger_.collect(payer("pm_decline_lost_card"), 12'500'000, "card");
  start();
  pass_until_state(id, S::failed, 1);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::rejected);
  EXPECT_EQ(ledger_.at(id).code, "lost_card");
  EXPECT_EQ(provider_.intents.size(), 1u);
}

TEST_F(CardTest, ALostReplyToTheCancellationIsAskedAgain) {
  int cancels = 0;
  provider_.fault = [&cancels](const Provider::Seen& seen) {
    if (!seen.target.ends_with("/cancel")) return Fault::none;
    return ++cancels == 1 ? Fault::drop_before : cancels == 2 ? Fault::drop_after : Fault::none;
  };
  const SettlementId id = ledger_.collect(payer("pm_decline_insufficient_funds"), 12'500'000, "card");
  start();
  pass_until_state(id, S::failed, 1);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::insufficient_funds) << "the reason outlives the lost replies";
  EXPECT_EQ(cancels, 2) << "after the second it is seen to be closed";
}

TEST_F(CardTest, APayerWhoPaysWhileItIsBeingClosedHasPaid) {
  provider_.fault = [this](const Provider::Seen& seen) {
    if (seen.target.ends_with("/cancel")) provider_.succeed(provider_.intents.at("pi_1"));
    return Fault::none;
  };
  const SettlementId id = ledger_.collect(payer("pm_decline_authentication_required"), 12'500'000, "card");
  start();
  pass_until_state(id, S::confirmed, 1);
}

// Crash after the bytes were recorded and before anything left: the probe finds nothing and sends the same bytes.
TEST_F(CardTest, CrashBeforeSending) {
  provider_.fault = [](const Provider::Seen& seen) { return seen.method == "POST" ? Fault::drop_before : Fault::none; };
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  ledger_.never_recorded = {S::unknown, S::confirmed};
  start();
  run_until([this] { return provider_.count("POST") == 1; });
  die();
  ASSERT_EQ(ledger_.at(id).state, S::sending);
  ledger_.never_recorded.clear();
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  start();
  run_until_state(id, S::confirmed);
  EXPECT_EQ(provider_.paid()["1"], 1);
}

TEST_F(CardTest, CrashAfterTheReplyAndBeforeItIsRecorded) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  ledger_.never_recorded = {S::confirmed};
  start();
  run_until([this] { return !provider_.intents.empty(); });
  die();
  ASSERT_EQ(ledger_.at(id).state, S::sending);
  ledger_.never_recorded.clear();
  start();
  run_until_state(id, S::confirmed);
  EXPECT_EQ(provider_.intents.size(), 1u);
  EXPECT_EQ(provider_.count("POST"), 1u) << "it is found by its key, and not sent again";
}

// After a day the provider has forgotten the key: the same call would be a new payment.
TEST_F(CardTest, ADayLaterItIsOnlyLookedFor) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  provider_.fault = [](const Provider::Seen& seen) { return seen.method == "POST" ? Fault::drop_before : Fault::none; };
  start();
  run_until_state(id, S::unknown);
  advance(24 * kHour);
  const std::size_t posts = provider_.count("POST");
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  for (int i = 0; i < 20; ++i) {
    advance(kHour);
    for (int turn = 0; turn < 20; ++turn) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(2));
    }
  }
  EXPECT_EQ(ledger_.at(id).state, S::unknown);
  EXPECT_EQ(provider_.count("POST"), posts);
  EXPECT_TRUE(provider_.intents.empty());
  EXPECT_EQ(ledger_.at(id).attempt, 1u) << "no new attempt without evidence";
}

TEST_F(CardTest, APolicyMayCloseWhatLeftNoTrace) {
  options_.absent_after_s = 48 * kHour;
  provider_.fault = [](const Provider::Seen& seen) { return seen.method == "POST" ? Fault::drop_before : Fault::none; };
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until_state(id, S::unknown);
  advance(47 * kHour);
  for (int turn = 0; turn < 40; ++turn) {
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(ledger_.at(id).state, S::unknown);
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  pass_until_state(id, S::confirmed, kHour);
  EXPECT_EQ(ledger_.at(id).attempt, 2u);
  EXPECT_EQ(provider_.intents.size(), 1u);
}

TEST_F(CardTest, TheKillSwitchStopsRepetitionsToo) {
  provider_.fault = [](const Provider::Seen& seen) { return seen.method == "POST" ? Fault::drop_before : Fault::none; };
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until_state(id, S::unknown);
  dispatcher_->set_enabled("card", false);
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  for (int i = 0; i < 20; ++i) {
    advance(60);
    for (int turn = 0; turn < 10; ++turn) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(2));
    }
  }
  EXPECT_EQ(ledger_.at(id).state, S::unknown);
  EXPECT_EQ(provider_.count("POST"), 1u);
  dispatcher_->set_enabled("card", true);
  pass_until_state(id, S::confirmed);
}

TEST_F(CardTest, ManyPaymentsOfOneCustomerAreLookedThroughPageByPage) {
  provider_.page_max = 3;
  const core::PayerId one = payer("pm_ok");
  std::vector<SettlementId> all;
  for (int i = 0; i < 10; ++i) all.push_back(ledger_.collect(one, 12'500'000, "card"));
  provider_.fault = [](const Provider::Seen& seen) { return seen.method == "POST" ? Fault::drop_after : Fault::none; };
  start();
  for (const SettlementId id : all) pass_until_state(id, S::confirmed, 1);
  EXPECT_EQ(provider_.intents.size(), 10u);
}

TEST_F(CardTest, DisputesAndRefunds) {
  const SettlementId lost = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  const SettlementId won = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  const SettlementId asked = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  const SettlementId refunded = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  for (const SettlementId id : {lost, won, asked, refunded}) run_until_state(id, S::confirmed);
  const auto charge = [this](SettlementId id) -> json::object& {
    return provider_.intents.at(ledger_.at(id).reference).at("latest_charge").as_object();
  };
  for (const SettlementId id : {lost, won, asked}) {
    charge(id)["disputed"] = true;
    provider_.disputes.push_back({"du_" + std::to_string(id.value), ledger_.at(id).reference, "needs_response"});
  }
  provider_.disputes[2].status = "warning_needs_response";
  provider_.create_refund({{"payment_intent", ledger_.at(refunded).reference}, {"amount", "1250"}});
  advance(3 * kDay);
  run_until_state(lost, S::disputed);
  run_until_state(won, S::disputed);
  run_until_state(asked, S::settled);
  run_until_state(refunded, S::returned);
  EXPECT_THAT(detail(lost), HasSubstr("fraudulent"));
  provider_.disputes[0].status = "lost";
  provider_.disputes[1].status = "won";
  advance(kDay);
  run_until_state(lost, S::returned);
  run_until_state(won, S::settled);
  EXPECT_THAT(ledger_.path(lost), ElementsAre(S::sending, S::confirmed, S::disputed, S::returned));
}

// The judgement is the dispatcher's, for every rail.
TEST_F(CardTest, AFeeAboveWhatWasMovedIsNotBooked) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  const SettlementId all = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  start();
  run_until_state(id, S::confirmed);
  run_until_state(all, S::confirmed);
  const auto says = [this](SettlementId of, std::uint64_t fee) {
    provider_.intents.at(ledger_.at(of).reference).at("latest_charge").at("balance_transaction").as_object()["fee"] =
        fee;
  };
  const Amount before = ledger_.at(id).rail_fee;
  says(id, 1'000'000'000'000'000);
  says(all, 10'000);
  pass_until_state(id, S::settled, kDay);
  pass_until_state(all, S::settled, kDay);
  EXPECT_EQ(ledger_.at(id).rail_fee, before);
  EXPECT_THAT(detail(id), HasSubstr("the rail says that it kept 10000000000000"));
  EXPECT_THAT(dispatcher_->status().rails[0].last_error, HasSubstr("more than what was moved"));
  EXPECT_EQ(ledger_.at(all).rail_fee, Amount(100'000'000)) << "all of it can be kept";
}

// 100.00 are paid and 5.00 are disputed: the bank takes 5.00, and the payer has paid.
TEST_F(CardTest, ADisputeOfAPartLeavesTheCollectionAndItsMoneyIsTold) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  start();
  run_until_state(id, S::confirmed);
  provider_.intents.at("pi_1").at("latest_charge").as_object()["disputed"] = true;
  provider_.disputes.push_back({"du_1", "pi_1", "needs_response", 500});
  pass_until_state(id, S::settled, kDay);
  EXPECT_THAT(detail(id),
              HasSubstr("5.00 usd of it is disputed (fraudulent), du_1 is needs_response; evidence is due"));
  advance(130 * kDay);
  const std::size_t asked = provider_.count("GET /v1/disputes");
  pass_until([&] { return provider_.count("GET /v1/disputes") > asked + 2; }, kDay);
  EXPECT_GT(provider_.count("GET /v1/disputes"), asked + 2);
  EXPECT_EQ(ledger_.at(id).state, S::settled) << "not final before it is decided";
  EXPECT_TRUE(ledger_.kept().empty());
  provider_.disputes[0].status = "lost";
  pass_until_state(id, S::final, kDay);
  EXPECT_THAT(detail(id), HasSubstr("5.00 usd of it was lost in a dispute, du_1 (fraudulent)"));
  auto path = ledger_.path(id);  // with each look that was written down
  path.erase(std::unique(path.begin(), path.end()), path.end());
  EXPECT_THAT(path, ElementsAre(S::sending, S::confirmed, S::settled, S::final));
  ASSERT_EQ(ledger_.kept().size(), 1u);
  const Notice& notice = ledger_.kept()[0];
  EXPECT_EQ(notice.direction, core::Direction::out);
  EXPECT_EQ(notice.amount, Amount(5'000'000));
  EXPECT_EQ(notice.asset, core::AssetId(1));
  EXPECT_EQ(notice.external_id, "du_1");
  EXPECT_FALSE(notice.settlement.valid()) << "money that belongs to no settlement: suspense";
}

TEST_F(CardTest, DisputesAreReadPageByPageAndAddUp) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  start();
  run_until_state(id, S::confirmed);
  provider_.intents.at("pi_1").at("latest_charge").as_object()["disputed"] = true;
  provider_.page_max = 2;
  for (const char* name : {"du_1", "du_2", "du_3", "du_4"}) provider_.disputes.push_back({name, "pi_1", "lost", 2'500});
  pass_until_state(id, S::returned, kDay);
  EXPECT_TRUE(ledger_.kept().empty()) << "it is the collection that came back";
}

TEST_F(CardTest, ADisputeInAnotherCurrencyProvesNothing) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 100'000'000, "card");
  start();
  run_until_state(id, S::confirmed);
  provider_.intents.at("pi_1").at("latest_charge").as_object()["disputed"] = true;
  provider_.disputes.push_back({"du_1", "pi_1", "lost", 10'000, "jpy"});
  pass_until([this, id] { return detail(id).find("10000 jpy") != std::string::npos; }, kDay);
  EXPECT_EQ(ledger_.at(id).state, S::confirmed);
  EXPECT_TRUE(ledger_.kept().empty());
}

// Without an event it would be looked at when the balance becomes available, days later.
TEST_F(CardTest, AWebhookMakesItsPaymentBeLookedAtAtOnce) {
  options_.webhook_secrets = {"whsec_1"};
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until_state(id, S::confirmed);
  provider_.intents.at("pi_1").at("latest_charge").as_object()["disputed"] = true;
  provider_.disputes.push_back({"du_1", "pi_1", "needs_response"});
  const std::string body =
      R"({"id":"evt_1","object":"event","type":"charge.dispute.created","created":1800000000,)"
      R"("livemode":false,"data":{"object":{"id":"du_1","object":"dispute","payment_intent":"pi_1"}}})";
  std::optional<WebhookAnswer> answer;
  card_->receive(
      sign(base::ByteView(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()), "whsec_1", clock_.now()),
      body, [&answer](const WebhookAnswer& said) { answer = said; });
  run_until([&answer] { return answer.has_value(); });
  EXPECT_EQ(answer->status, 200u) << answer->problem;
  dispatcher_->wake();
  run_until_state(id, S::disputed);
}

TEST_F(CardTest, WhatIsNotOurPaymentProvesNothing) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until_state(id, S::confirmed);
  provider_.intents.at("pi_1")["amount"] = 1;
  advance(3 * kDay);
  run_until([this] { return dispatcher_->status().rails[0].faults > 0; });
  EXPECT_EQ(ledger_.at(id).state, S::confirmed);
  EXPECT_THAT(dispatcher_->status().rails[0].last_error, HasSubstr("not the payment that was asked for"));
}

// E5: ten thousand collections whose replies are lost, before or after the provider has acted.
TEST_F(CardTest, TenThousandLostReplies) {
  constexpr int kPayments = 10'000;
  options_.in_flight_max = 256;
  std::mt19937 random(4);
  std::map<std::string, int> faults;
  provider_.fault = [&](const Provider::Seen& seen) {
    if (seen.method != "POST" || faults[seen.key]++ > 0) return Fault::none;
    constexpr Fault kinds[] = {Fault::drop_after, Fault::drop_before, Fault::error_stored, Fault::conflict,
                               Fault::error_before};
    return kinds[random() % std::size(kinds)];
  };
  std::vector<core::PayerId> payers;
  for (int i = 0; i < 200; ++i) payers.push_back(payer("pm_ok"));
  start();
  int planned = 0;
  const auto open = [this, &planned] { return planned - static_cast<int>(ledger_.count(S::confirmed)); };
  for (int round = 0; round < 2'000 && (planned < kPayments || open() > 0); ++round) {
    for (int i = 0; i < 250 && planned < kPayments; ++i, ++planned)
      ledger_.collect(payers[static_cast<std::size_t>(planned) % 200], 1'000'000, "card");
    advance(2);
    // Until nothing moves any more: then only time brings it further.
    std::size_t steps = 0;
    for (int idle = 0; idle < 10; ++idle) {
      if (ledger_.steps.size() != steps) idle = 0;
      steps = ledger_.steps.size();
      for (int turn = 0; turn < 100; ++turn) {
        io_.restart();
        io_.poll_one();
      }
    }
  }
  EXPECT_EQ(ledger_.count(S::confirmed), static_cast<std::size_t>(kPayments));
  EXPECT_EQ(provider_.intents.size(), static_cast<std::size_t>(kPayments));
  for (const auto& [settlement, times] : provider_.paid()) EXPECT_EQ(times, 1) << settlement;
}

// ---- Starting

class CardStartTest : public CardTest {
 protected:
  base::Result<void> begin() {
    auto settler =
        make_card(io_, options_, "sk_test_key", clock_, nullptr, std::make_unique<fake::ProviderTransport>(provider_));
    if (!settler) return tl::unexpected<base::Error>(settler.error());
    settler_ = std::move(*settler);
    std::optional<base::Result<void>> result;
    settler_->start([&result](base::Result<void> started) { result = std::move(started); });
    for (int i = 0; i < 1'000 && !result; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return result.value();
  }
  std::unique_ptr<Settler> settler_;
};

TEST_F(CardStartTest, ChecksKeyModeAndAccount) {
  EXPECT_TRUE(begin());
  EXPECT_THAT(settler_->describe(), HasSubstr("acct_1platform, test mode"));
  options_.account = "acct_other";
  EXPECT_THAT(begin().error().message, HasSubstr("the key belongs to acct_1platform"));
  options_.account.clear();
  provider_.livemode = true;
  EXPECT_THAT(begin().error().message, HasSubstr("rails.card.livemode"));
  provider_.livemode = false;
  options_.livemode = true;
  EXPECT_THAT(begin().error().message, HasSubstr("rails.card.livemode")) << "sk_test_ in live mode";
}

TEST_F(CardStartTest, OptionsThatCannotBeUsedNameTheirKey) {
  const auto refused = [this](const char* what) { EXPECT_THAT(begin().error().message, HasSubstr(what)); };
  options_.assets[0].currency = "USD";
  refused("rails.card.asset.currency");
  options_.assets[0].currency = "usd";
  options_.assets[0].rate = "0";
  refused("rails.card.asset.rate");
  options_.assets[0].rate = "1";
  options_.absent_after_s = 3'600;
  refused("rails.card.absent_after");
  options_.absent_after_s = 0;
  for (const char* key : {"", "pk_test_1", "sk_test_1\n2", "whsec_1"}) {
    const auto settler = make_card(io_, options_, key, clock_, nullptr);
    ASSERT_FALSE(settler) << key;
    EXPECT_THAT(settler.error().message, HasSubstr("rails.card.api_key_file"));
  }
}

TEST_F(CardStartTest, AProviderThatIsDownDoesNotStopTheStartAndNothingIsSent) {
  provider_.fault = [](const Provider::Seen&) { return Fault::unreachable; };
  ASSERT_TRUE(begin());
  EXPECT_THAT(settler_->describe(), HasSubstr("nothing is sent"));
  settler_.reset();
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  start();
  run_until([&] { return ledger_.at(id).attempt > 1; });
  EXPECT_EQ(provider_.count("POST"), 0u);
  provider_.fault = [](const Provider::Seen&) { return Fault::none; };
  pass_until_state(id, S::confirmed);
  EXPECT_EQ(provider_.count("GET /v1/account"), 1u);
}

}  // namespace
}  // namespace settlers::card
