// What is verified and settled, on the real ledger.

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "crypto/sha256.h"
#include "tests/support/channels.h"
#include "tests/unit/rpc_http/http_world.h"

namespace rpc::http {
namespace {

// The text of a member whose value is a text.
std::string text_of(const std::string& json, const std::string& key) {
  const std::string mark = "\"" + key + "\":\"";
  const std::size_t at = json.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

class Payments : public testing::Test {
 protected:
  SingleSpec spec(base::u128 nonce, std::uint64_t maximum = 1'000) {
    SingleSpec result;
    result.nonce = nonce;
    result.maximum = maximum;
    return result;
  }
  std::string commitment(const SingleSpec& of, std::uint64_t amount) {
    return commitment_request(http.world.actors, of, amount);
  }
  std::string voucher(const VoucherSpec& of, std::uint64_t amount) {
    return voucher_request(http.world.actors, of, amount);
  }
  base::Result<core::Tally> tally(std::uint64_t payer = 0) {
    const auto row = http.world.store->reader().payer(http.world.actors.payer(payer));
    return http.world.store->reader().tally(row->id, support::kUsdc);
  }
  std::uint64_t unbilled() { return static_cast<std::uint64_t>(tally()->unbilled.units()); }
  std::uint64_t held() { return static_cast<std::uint64_t>(tally()->held.units()); }

  HttpWorld http;
};

TEST_F(Payments, VerifyHoldsAndSettleCapturesLess) {
  const std::string verified = http.verify(commitment(spec(1), 1'000));
  EXPECT_TRUE(contains(verified, "\"isValid\":true")) << verified;
  EXPECT_EQ(text_of(verified, "payer"), base::to_hex(http.world.actors.payer(0)));
  EXPECT_EQ(held(), 1'000u);

  const std::string settled = http.settle(commitment(spec(1), 250));
  EXPECT_TRUE(contains(settled, "\"success\":true")) << settled;
  EXPECT_EQ(text_of(settled, "network"), "test:tab");
  EXPECT_EQ(text_of(settled, "amount"), "250");
  EXPECT_EQ(text_of(settled, "chargedAmount"), "250");
  EXPECT_TRUE(contains(settled, "\"transaction\":\"\"")) << settled;
  EXPECT_FALSE(text_of(settled, "commitmentId").empty());
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(unbilled(), 250u);

  EXPECT_EQ(http.settle(commitment(spec(1), 250)), settled);  // for ever
  EXPECT_EQ(unbilled(), 250u);
  const std::string other = http.settle(commitment(spec(1), 251));
  EXPECT_EQ(text_of(other, "errorReason"), "invalid_batch_settlement_tab_hold_captured") << other;
  // A used commitment buys nothing more.
  const std::string again = http.verify(commitment(spec(1), 1'000));
  EXPECT_EQ(text_of(again, "invalidReason"), "invalid_batch_settlement_tab_hold_captured") << again;
}

TEST_F(Payments, VerifyAgainSaysSo) {
  const std::string first = http.verify(commitment(spec(1), 10));
  EXPECT_FALSE(contains(first, "repeated")) << first;
  const std::string second = http.verify(commitment(spec(1), 10));
  EXPECT_TRUE(contains(second, "\"isValid\":true")) << second;
  EXPECT_TRUE(contains(second, "\"repeated\":true")) << second;
  EXPECT_EQ(held(), 1'000u);
}

TEST_F(Payments, SettleWithoutVerifyChargesAtOnce) {
  const std::string settled = http.settle(commitment(spec(1), 300));
  EXPECT_TRUE(contains(settled, "\"success\":true")) << settled;
  EXPECT_EQ(unbilled(), 300u);
  EXPECT_EQ(http.settle(commitment(spec(1), 300)), settled);
  const std::string other = http.settle(commitment(spec(1), 301));
  EXPECT_EQ(text_of(other, "statusName"), "nonce_conflict") << other;
  EXPECT_EQ(text_of(http.verify(commitment(spec(1), 300)), "statusName"), "nonce_conflict");
  EXPECT_EQ(unbilled(), 300u);
}

TEST_F(Payments, AnAmountOfZeroGivesTheHoldBack) {
  http.verify(commitment(spec(1), 1'000));
  const std::string released = http.settle(commitment(spec(1), 0));
  EXPECT_TRUE(contains(released, "\"success\":true")) << released;
  EXPECT_EQ(text_of(released, "amount"), "0");
  EXPECT_EQ(http.settle(commitment(spec(1), 0)), released);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(text_of(http.verify(commitment(spec(1), 1'000)), "statusName"), "hold_released");
  EXPECT_EQ(text_of(http.settle(commitment(spec(1), 5)), "statusName"), "hold_released");
}

TEST_F(Payments, AForgottenHoldIsFoundInTheLedger) {
  http.verify(commitment(spec(1), 1'000));
  // A front that was started anew remembers no hold.
  Server second;
  ServerOptions options;
  options.host = "127.0.0.1";
  ApiKey key;
  key.sha256 = crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>("k"), 1));
  key.addresses = {http.world.actors.payee(0)};
  options.api_keys = {key};
  ASSERT_TRUE(second.start(options, {*http.world.ingest, http.world.store->service(), http.world.store->reader(),
                                     http.world.clock, http.front_key}));
  HttpClient client(second.port());
  const auto settled = client.post("/settle", commitment(spec(1), 250), "k");
  EXPECT_TRUE(contains(settled->body, "\"success\":true")) << settled->body;
  EXPECT_EQ(text_of(settled->body, "amount"), "250");
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(unbilled(), 250u);
  second.stop();
}

TEST_F(Payments, AnotherServersHoldCannotBeTouched) {
  http.verify(commitment(spec(1), 1'000));
  // Server 1 knows payer and nonce, and has no signature for its own payee.
  SingleSpec forged = spec(1);
  forged.payee = 1;
  std::string body = commitment(forged, 900);
  const std::string signature = text_of(body, "signature");
  body.replace(body.find(signature), signature.size(), text_of(commitment(spec(1), 900), "signature"));
  EXPECT_EQ(text_of(http.post("/settle", body, kServer1).body, "statusName"), "signature_wrong");
  EXPECT_EQ(text_of(http.post("/settle", commitment(forged, 0), kServer1).body, "statusName"), "nonce_conflict");
  EXPECT_EQ(held(), 1'000u);
}

TEST_F(Payments, AnApiKeyOfAnotherPayeeIsRefused) {
  const HttpAnswer answer = http.post("/verify", commitment(spec(1), 10), kServer1);
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(contains(answer.body, "\"code\":\"payee_not_allowed\"")) << answer.body;
  EXPECT_FALSE(tally().has_value());
}

TEST_F(Payments, WhatTheLedgerRefusesHasReasonAndFigures) {
  const std::string poor = http.verify(commitment(spec(1, 2'000'000), 1));
  EXPECT_TRUE(contains(poor, "\"isValid\":false")) << poor;
  EXPECT_EQ(text_of(poor, "invalidReason"), "insufficient_funds");
  EXPECT_EQ(text_of(poor, "statusName"), "credit_limit_exceeded");
  EXPECT_EQ(text_of(poor, "next"), "top_up");
  EXPECT_EQ(text_of(poor, "allowed"), "1000000");
  const std::string above = http.verify(commitment(spec(2), 1'001));
  EXPECT_EQ(text_of(above, "statusName"), "charge_above_maximum") << above;
  EXPECT_EQ(text_of(http.settle(commitment(spec(2), 1'001)), "statusName"), "charge_above_maximum");
  SingleSpec late = spec(3);
  late.valid_before = kNow;
  EXPECT_EQ(text_of(http.verify(commitment(late, 1)), "statusName"), "expired");
  SingleSpec stranger = spec(4);
  stranger.payer = 9;
  EXPECT_EQ(text_of(http.verify(commitment(stranger, 1)), "statusName"), "payer_unknown");
  SingleSpec agent = spec(5);
  agent.agent = 0;
  EXPECT_EQ(text_of(http.verify(commitment(agent, 1)), "statusName"), "signer_not_authorised");
}

TEST_F(Payments, AHoldThatExpiredIsNotSettled) {
  SingleSpec soon = spec(1);
  soon.valid_before = kNow + 60;
  EXPECT_TRUE(contains(http.verify(commitment(soon, 10)), "\"isValid\":true"));
  http.world.clock.advance(61);
  EXPECT_EQ(text_of(http.settle(commitment(soon, 10)), "statusName"), "hold_expired");
  EXPECT_EQ(text_of(http.verify(commitment(soon, 10)), "statusName"), "hold_expired");
}

TEST_F(Payments, VouchersAreCheckedAndCharged) {
  VoucherSpec first;
  first.maximum = 1'000;
  const std::string verified = http.verify(voucher(first, 400));
  EXPECT_TRUE(contains(verified, "\"isValid\":true")) << verified;
  EXPECT_TRUE(contains(verified, "\"charged\":\"0\",\"charges\":\"0\"")) << verified;
  EXPECT_FALSE(tally().has_value());  // nothing was recorded
  const std::string settled = http.settle(voucher(first, 300));
  EXPECT_TRUE(contains(settled, "\"success\":true")) << settled;
  EXPECT_TRUE(contains(settled, "\"charged\":\"300\",\"charges\":\"1\",\"maximum\":\"1000\"")) << settled;
  EXPECT_EQ(http.settle(voucher(first, 300)), settled);
  EXPECT_EQ(unbilled(), 300u);

  // The index is used up: neither the same nor another charge at it is good, and the answer says where to go on.
  for (const std::uint64_t amount : {std::uint64_t{300}, std::uint64_t{400}}) {
    const std::string stale = http.verify(voucher(first, amount));
    EXPECT_EQ(text_of(stale, "statusName"), "tab_conflict") << stale;
    EXPECT_EQ(text_of(stale, "charges"), "1");
  }
  VoucherSpec second = first;
  second.first_index = 1;
  const std::string low = http.verify(voucher(second, 701));
  EXPECT_EQ(text_of(low, "statusName"), "voucher_below_charged") << low;
  EXPECT_EQ(text_of(low, "charged"), "300");
  EXPECT_TRUE(contains(http.verify(voucher(second, 700)), "\"isValid\":true"));
  second.first_index = 5;
  const std::string ahead = http.settle(voucher(second, 1));
  EXPECT_EQ(text_of(ahead, "statusName"), "tab_out_of_order") << ahead;
  EXPECT_EQ(text_of(ahead, "charges"), "1");
}

TEST_F(Payments, WhatWasCountedIsInTheBooks) {
  const auto counted = [this](const std::string& quantity) {
    std::string text = commitment(spec(1), 300);
    const std::string extra = "\"extra\":{";
    return text.replace(text.rfind(extra), extra.size(),
                        extra + R"("usage":{"quantity":")" + quantity + R"(","unit":"tokens"},)");
  };
  http.verify(commitment(spec(1), 300));
  const std::string settled = http.settle(counted("3238"));
  EXPECT_TRUE(contains(settled, "\"success\":true")) << settled;
  EXPECT_EQ(http.settle(counted("3238")), settled);
  EXPECT_EQ(text_of(http.settle(counted("3239")), "statusName"), "hold_captured");
  std::string books;
  for (int i = 0; i < 500 && !contains(books, "captured"); ++i) {  // the history index follows the journal
    books = http.get("/v1/charges", kPayer0).body;
    if (!contains(books, "captured")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(contains(books, R"("quantity":"3238","unit":"tokens")")) << books;
}

TEST_F(Payments, AMandateLetsAnAgentSign) {
  commitments::tab::Mandate mandate;
  mandate.payer = http.world.actors.payer(0);
  mandate.agent = http.world.actors.agent(0);
  mandate.asset = support::kUsdc;
  mandate.cap = base::Amount(500);
  mandate.nonce = 1;
  http.world.must(core::SetMandate{mandate, http.world.actors.sign_mandate(mandate, 0)});
  SingleSpec agent = spec(1, 400);
  agent.agent = 0;
  EXPECT_TRUE(contains(http.verify(commitment(agent, 400)), "\"isValid\":true"));
  agent.nonce = 2;
  const std::string capped = http.verify(commitment(agent, 400));
  EXPECT_EQ(text_of(capped, "statusName"), "mandate_cap_exceeded") << capped;
  EXPECT_EQ(text_of(capped, "allowed"), "100");
}

TEST_F(Payments, TheSameSettleAThousandTimesIsOneCharge) {
  const std::string body = post_text("/settle", commitment(spec(1), 700), kServer0);
  constexpr int kThreads = 20, kEach = 50;
  std::vector<std::vector<std::string>> answers(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      HttpClient client(http.port());
      for (int i = 0; i < kEach; ++i) client.send(body);
      for (int i = 0; i < kEach; ++i) {
        const auto answer = client.receive();
        answers[static_cast<std::size_t>(thread)].push_back(answer ? answer->body : "no answer");
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> different;
  std::size_t count = 0;
  for (const auto& list : answers) {
    different.insert(list.begin(), list.end());
    count += list.size();
  }
  EXPECT_EQ(count, 1'000u);
  ASSERT_EQ(different.size(), 1u) << *different.begin();
  EXPECT_TRUE(contains(*different.begin(), "\"success\":true")) << *different.begin();
  EXPECT_EQ(unbilled(), 700u);
}

TEST_F(Payments, ManyPaymentsAtOnceAreAllCountedOnce) {
  constexpr std::uint64_t kThreads = 8, kEach = 40;
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (std::uint64_t thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      HttpClient client(http.port());
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const SingleSpec one = spec(1 + thread * kEach + i, 20);
        const auto verified = client.post("/verify", commitment(one, 20), kServer0);
        const auto settled = client.post("/settle", commitment(one, 10), kServer0);
        if (contains(verified->body, "\"isValid\":true") && contains(settled->body, "\"success\":true")) ++good;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, static_cast<int>(kThreads * kEach));
  EXPECT_EQ(unbilled(), kThreads * kEach * 10);
  EXPECT_EQ(held(), 0u);
}

TEST_F(Payments, BatchesAnswerEachItemInOrder) {
  const auto item = [](const std::string& op, const std::string& request) {
    return "{\"op\":\"" + op + "\"," + request.substr(1);
  };
  SingleSpec other_payee = spec(3);
  other_payee.payee = 1;
  const std::string body = "{\"items\":[" + item("verify", commitment(spec(1), 10)) + "," +
                           item("settle", commitment(spec(2), 20)) + "," + item("refund", commitment(spec(1), 1)) +
                           "," + item("verify", commitment(other_payee, 10)) + "]}";
  const HttpAnswer answer = http.post("/v1/batch", body);
  EXPECT_EQ(answer.status, 200);
  const std::string& results = answer.body;
  const std::size_t verified = results.find("\"isValid\":true"), settled = results.find("\"success\":true"),
                    malformed = results.find("items[2].op"), forbidden = results.find("payee_not_allowed");
  EXPECT_LT(verified, settled) << results;
  EXPECT_LT(settled, malformed) << results;
  EXPECT_LT(malformed, forbidden) << results;
  EXPECT_NE(forbidden, std::string::npos) << results;
  EXPECT_EQ(http.post("/v1/batch", "{\"items\":[]}").status, 400);
  EXPECT_EQ(http.post("/v1/batch", "[]").status, 400);
}

TEST_F(Payments, APaymentIdentifierNamesOnePayload) {
  const auto named = [this](const SingleSpec& of, const std::string& id) {
    return request(commitment_payload(http.world.actors, of), requirements(http.world.actors, 10),
                   ",\"extensions\":{\"payment-identifier\":{\"info\":{\"required\":true,\"id\":\"" + id + "\"}}}");
  };
  const std::string id = "pay_0123456789abcdef";
  EXPECT_TRUE(contains(http.verify(named(spec(1), id)), "\"isValid\":true"));
  const std::string settled = http.settle(named(spec(1), id));
  EXPECT_EQ(http.settle(named(spec(1), id)), settled);
  const HttpAnswer conflict = http.post("/settle", named(spec(2), id));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_TRUE(contains(conflict.body, "payment_identifier_conflict")) << conflict.body;
  EXPECT_EQ(http.post("/verify", named(spec(3), "too short")).status, 400);
  EXPECT_EQ(http.post("/verify", named(spec(3), "with a space and so on")).status, 400);
  std::string missing = named(spec(3), id);
  missing.replace(missing.find(",\"id\":\"" + id + "\""), id.size() + 8, "");
  EXPECT_EQ(http.post("/verify", missing).status, 400);
}

TEST_F(Payments, BooksAreReadByTheirOwnersAlone) {
  for (std::uint64_t nonce = 1; nonce <= 5; ++nonce) http.settle(commitment(spec(nonce), 100));
  http.verify(commitment(spec(6), 10));
  http.settle(commitment(spec(6), 7));
  http.world.must(core::CloseNow{http.world.actors.payer(0), support::kUsdc});
  std::string charges;
  for (int i = 0; i < 500 && !contains(charges, "captured"); ++i) {  // the history index follows the journal
    charges = http.get("/v1/charges", kPayer0).body;
    if (!contains(charges, "captured")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(contains(charges, "\"kind\":\"charged\"")) << charges;
  EXPECT_TRUE(contains(charges, "\"kind\":\"held\"")) << charges;
  EXPECT_TRUE(contains(charges, "\"next\":null")) << charges;
  // Paged, nothing is lost or doubled.
  std::string next = "0";
  std::size_t pages = 0, items = 0;
  do {
    const std::string page = http.get("/v1/charges?limit=2&after=" + next, kPayer0).body;
    for (std::size_t at = 0; (at = page.find("commitmentId", at)) != std::string::npos; ++at) ++items;
    next = text_of(page, "next");
  } while (!next.empty() && ++pages < 20);
  EXPECT_EQ(items, 7u);
  const std::string of_payee = http.get("/v1/charges", kPayee0).body;
  EXPECT_TRUE(contains(of_payee, "\"kind\":\"captured\"")) << of_payee;
  EXPECT_EQ(http.get("/v1/charges", kServer1).body, "{\"items\":[],\"next\":null}");

  const std::string statements = http.get("/v1/statements", kPayer0).body;
  EXPECT_EQ(text_of(statements, "billed"), "507") << statements;
  EXPECT_EQ(text_of(statements, "net"), "507");
  EXPECT_EQ(text_of(statements, "tax"), "0");
  EXPECT_EQ(text_of(statements, "invoice"), "INV-000001");
  const std::string settlements = http.get("/v1/settlements", kPayer0).body;
  EXPECT_EQ(text_of(settlements, "kind"), "collection") << settlements;
  EXPECT_EQ(text_of(settlements, "amount"), "507");
  EXPECT_EQ(http.get("/v1/settlements", kPayee0).body, "{\"items\":[],\"next\":null}") << "payees see payouts";
  const std::string statement = http.get("/v1/statements/1", kPayer0).body;
  EXPECT_TRUE(contains(statement, "\"lines\":[{")) << statement;
  EXPECT_FALSE(contains(http.get("/v1/statements/1", kPayee0).body, "\"billed\""));
  EXPECT_EQ(http.get("/v1/statements/1", kServer1).status, 404);
  const std::string exposure = http.get("/v1/exposure", kPayer0).body;
  EXPECT_EQ(text_of(exposure, "billed"), "507") << exposure;
  EXPECT_EQ(text_of(exposure, "available"), "999493") << exposure;
  const std::string owed = http.get("/v1/exposure", kPayee0).body;
  EXPECT_EQ(text_of(owed, "accrued"), "507") << owed;
}

TEST_F(Payments, KeptChannelsAreShownToTheirPayerAndReceiver) {
  for (std::uint64_t n = 0; n < 5; ++n) http.world.must(support::sync_channel(n, support::escrow(1'000 * (n + 1)), 7));
  http.world.must(support::reserve_charge(0, 400, 400));
  // Even ones pay payee 0.
  std::string next = "0";
  std::size_t pages = 0, items = 0;
  do {
    const std::string page = http.get("/v1/channels?limit=2&after=" + next, kPayee0).body;
    for (std::size_t at = 0; (at = page.find("channelId", at)) != std::string::npos; ++at) ++items;
    next = text_of(page, "next");
  } while (!next.empty() && ++pages < 20);
  EXPECT_EQ(items, 3u);
  const std::string path = "/v1/channels/" + base::to_hex(support::channel_key(0));
  const std::string channel = http.get(path, kPayee0).body;
  EXPECT_EQ(text_of(channel, "balance"), "1000") << channel;
  EXPECT_EQ(text_of(channel, "network"), "eip155:84532") << channel;
  EXPECT_TRUE(contains(channel, "\"kind\":\"charge\",\"amount\":\"400\"")) << channel;
  EXPECT_EQ(http.get(path, kPayer0).body, channel);
  EXPECT_EQ(http.get(path, kServer1).status, 404);
  EXPECT_EQ(http.get("/v1/channels/7", kPayee0).status, 404);
  EXPECT_EQ(http.get(path).status, 401);
}

TEST_F(Payments, APayeeThatIsRegisteredLaterCanBeChargedForAtOnce) {
  // Key 1 names payee 1 from the start; here a third payee gets its account while the front runs.
  HttpWorld late(
      [this](ServerOptions& options) { options.api_keys[0].addresses.push_back(http.world.actors.payee(5)); });
  SingleSpec of_late = spec(1);
  of_late.payee = 5;
  EXPECT_EQ(text_of(late.verify(commitment(of_late, 10)), "statusName"), "payee_unknown");
  core::Payee payee;
  payee.address = late.world.actors.payee(5);
  payee.label = "late";
  payee.payout_rail = *base::RailName::parse("sandbox");
  payee.payout_account = "a";
  late.world.must(core::SetPayee{payee});
  EXPECT_TRUE(contains(late.verify(commitment(of_late, 10)), "\"isValid\":true"));
}

}  // namespace
}  // namespace rpc::http
