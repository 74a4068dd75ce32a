// Payment channels as a facilitator serves them to servers with a store of their own.

#include "facilitator/channel_scheme.h"

#include <gmock/gmock.h>

#include "evm/channel_orders.h"
#include "tests/unit/facilitator/channel_world.h"

namespace facilitator {
namespace {

using support::channel_key;
using support::ChannelWorld;
using support::deposit_json;
using support::escrow;
using support::Message;
using support::request_json;
using support::row_json;
using support::server_request;
using ::testing::HasSubstr;
using S = ledger::core::SettlementState;
namespace channel = commitments::channel;

constexpr const char* kP = "invalid_batch_settlement_evm_";

class ChannelSchemeTest : public ChannelWorld {
 protected:
  ChannelSchemeTest() { chain.put(0, escrow(10'000, 2'000)); }
};

TEST_F(ChannelSchemeTest, SaysWhatItServes) {
  EXPECT_EQ(world.scheme->scheme(), "batch-settlement");
  EXPECT_EQ(world.scheme->network(), "eip155:84532");
  EXPECT_THAT(world.scheme->supported_extra(),
              HasSubstr("\"receiverAuthorizer\":\"" + base::to_hex(authorizer_key.address()) + "\""));
  EXPECT_THAT(world.scheme->supported_extra(), HasSubstr("\"assetTransferMethod\":\"eip3009\""));
  make(false);
  EXPECT_THAT(world.scheme->supported_extra(), ::testing::Not(HasSubstr("receiverAuthorizer")));
}

TEST_F(ChannelSchemeTest, AGoodVoucherIsAnsweredAsTheOfficialFacilitatorDoes) {
  const VerifyResponse response = verify({.maximum = 3'000});
  EXPECT_TRUE(response.valid) << response.reason << response.message;
  EXPECT_EQ(response.payer, base::to_hex(support::channel_config(0).payer));
  EXPECT_EQ(response.extra,
            R"({"channelId":")" + base::to_hex(channel_key(0)) +
                R"(","balance":"10000","totalClaimed":"2000","withdrawRequestedAt":0,"refundNonce":"0"})");
  EXPECT_EQ(world.settlements(), 0u);
}

TEST_F(ChannelSchemeTest, RefusesByTheProtocolsCodes) {
  EXPECT_EQ(reason({.maximum = 2'000}), "cumulative_below_claimed");
  EXPECT_EQ(reason({.maximum = 10'001}), "cumulative_exceeds_balance");
  EXPECT_EQ(reason({.n = 2}), "channel_not_found");
  EXPECT_EQ(reason({.maximum = 3'000, .signature = support::voucher_signature(0, 3'001)}), "voucher_signature");
  EXPECT_EQ(reason({.maximum = 3'000, .signature = support::voucher_signature(2, 3'000)}), "voucher_signature");
  EXPECT_EQ(reason({.maximum = 3'000, .pay_to = base::to_hex(support::secret_key(support::Role::payee, 1).address())}),
            "receiver_mismatch");
  EXPECT_EQ(reason({.maximum = 3'000, .extra = "{}"}), "receiver_authorizer_mismatch");
  EXPECT_EQ(reason({.type = "gift"}), "payload_type");
  EXPECT_EQ(reason({.type = "claim", .more = ",\"claims\":[" + row_json(0, 3'000, 3'000) + "]"}), "payload_type");
  EXPECT_EQ(verify({.type = "refund", .maximum = 2'000}).reason, "")
      << "a refund's voucher may stand at what is claimed";
  chain.down = true;
  const Answer answer = world.answer_to(Operation::verify, request_json({.maximum = 3'000}), payees);
  EXPECT_EQ(std::get<Refusal>(answer).http_status, 503u);
}

TEST_F(ChannelSchemeTest, ASignatureHasOneForm) {
  base::Signature good = support::voucher_signature(0, 3'000);
  base::Signature low_v = good;
  low_v.bytes[64] = static_cast<std::uint8_t>(low_v.bytes[64] - 27);
  EXPECT_EQ(reason({.maximum = 3'000, .signature = low_v}), "voucher_signature");
  // s -> n - s, with the other v: the same signer, and no contract takes it.
  constexpr std::array<std::uint8_t, 32> kOrder = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                   0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                                   0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
  base::Signature high = good;
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int difference = kOrder[i] - good.bytes[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    high.bytes[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
  }
  high.bytes[64] = good.bytes[64] == 27 ? 28 : 27;
  const VerifyResponse response = verify({.maximum = 3'000, .signature = high});
  EXPECT_EQ(response.reason, std::string(kP) + "voucher_signature");
  EXPECT_THAT(response.message, HasSubstr("upper half"));
}

TEST_F(ChannelSchemeTest, AmountsAreDecimalTextsBelow2To128) {
  for (const char* wrong : {"3000", "\"0xbb8\"", "\"3e3\"", "\"-1\"", "\"+1\"", "\" 1\"", "\"03000\"", "\"\"", "null",
                            "\"340282366920938463463374607431768211456\"", "3e3", "[\"3000\"]", "\"3000.0\""})
    EXPECT_EQ(reason({.maximum = 3'000, .maximum_json = wrong}), "voucher_payload") << wrong;
  EXPECT_EQ(reason({.maximum_json = "\"340282366920938463463374607431768211455\""}), "voucher_signature");
}

TEST_F(ChannelSchemeTest, WhatTheLedgerKeepsIsNotAskedFromTheChainWhileTheWatcherIsInStep) {
  world.ledger->must(support::sync_channel(0, escrow(10'000, 2'000), 100));
  in_step = true;
  EXPECT_TRUE(verify({.maximum = 3'000}).valid);
  EXPECT_EQ(chain.reads, 0u);
  in_step = false;
  EXPECT_TRUE(verify({.maximum = 3'000}).valid);
  EXPECT_EQ(chain.reads, 1u);
}

TEST_F(ChannelSchemeTest, ABurstIsCheckedInPiecesAndAFullQueueSaysSo) {
  std::vector<Answer> answers;
  for (int i = 0; i < 100; ++i) world.ask(Operation::verify, request_json({.maximum = 3'000}), answers, payees);
  world.run_until([&] { return answers.size() == 100; });
  EXPECT_EQ(ingest.checked, 100u);
  for (const Answer& answer : answers) EXPECT_TRUE(std::get<VerifyResponse>(answer).valid);
  ingest.full = true;
  const Answer refused = world.answer_to(Operation::verify, request_json({.maximum = 3'000}), payees);
  EXPECT_EQ(std::get<Refusal>(refused).code, "overloaded");
}

TEST_F(ChannelSchemeTest, ADepositIsVerifiedWithItsMoneyAndSettledOnce) {
  const Message message{.n = 2, .type = "deposit", .more = deposit_json(2, 5'000)};
  EXPECT_TRUE(verify(message).valid) << verify(message).message;
  chain.wallet = 4'999;
  EXPECT_EQ(reason(message), "insufficient_balance");
  chain.wallet = 5'000;
  chain.simulation = {false, "Pausable: paused", {0x08}};
  EXPECT_EQ(reason(message), "deposit_simulation_failed");
  chain.simulation = {false, "request rate limited", {}};
  EXPECT_EQ(std::get<Refusal>(world.answer_to(facilitator::Operation::verify, request_json(message), payees)).code,
            "chain_unavailable")
      << "the node's trouble is not the payer's";
  chain.simulation = {true, "", {}};
  EXPECT_EQ(reason({.n = 2, .type = "deposit", .more = deposit_json(2, 5'000, support::kNow + 5)}),
            "payload_authorization_valid_before");
  EXPECT_EQ(reason({.n = 2, .type = "deposit", .more = deposit_json(4, 5'000)}), "receive_authorization_signature");
  EXPECT_EQ(reason({.n = 2,
                    .type = "deposit",
                    .more = R"(,"deposit":{"amount":"1","authorization":{"permit2Authorization":{}}})"}),
            "erc3009_authorization_required");

  std::vector<Answer> answers;
  for (int i = 0; i < 1000; ++i) world.ask(Operation::settle, request_json(message), answers, payees);
  world.run_until([&] { return world.timers.size() == 1000; });
  EXPECT_EQ(world.settlements(), 1u);
  EXPECT_EQ(world.order().to, support::channel_contract());
  EXPECT_EQ(world.order().deadline_s, support::kNow + 300);
  EXPECT_EQ(world.order().proof.size(), 3u);
  chain.put(2, escrow(5'000));
  world.confirm();
  world.run_until([&] { return answers.size() == 1000; });
  for (const Answer& answer : answers) EXPECT_EQ(to_http(answer), to_http(answers[0]));
  const auto& response = std::get<SettleResponse>(answers[0]);
  EXPECT_TRUE(response.success) << response.message;
  EXPECT_EQ(response.transaction, "0xhash");
  EXPECT_EQ(response.amount, "5000");
  EXPECT_THAT(response.extra, HasSubstr(R"("channelState":{"channelId":)"));
  world.clock.advance_us(3'600'000'000);
  EXPECT_EQ(to_http(settle(request_json(message))), to_http(answers[0])) << "its time is over, and it was settled";
}

TEST_F(ChannelSchemeTest, AClaimSendsTheRowsThatAreLeft) {
  chain.put(2, escrow(5'000));
  chain.put(4, escrow(5'000, 1'000));
  const std::string claim = server_request(R"({"type":"claim","claims":[)" + row_json(0, 3'000, 2'500) + "," +
                                           row_json(2, 1'000, 1'000) + "," + row_json(4, 1'000, 1'000) + "]}");
  std::vector<Answer> answers;
  for (int i = 0; i < 100; ++i) world.ask(Operation::settle, claim, answers, payees);
  world.run_until([&] { return world.timers.size() == 1; });
  EXPECT_EQ(chain.reads, 1u) << "who asks for the same waits for the same";
  std::vector<channel::Claim> rows = {
      {support::channel_config(0), 3'000, support::voucher_signature(0, 3'000), true, 2'500},
      {support::channel_config(2), 1'000, support::voucher_signature(2, 1'000), true, 1'000}};
  const base::Signature authorizer = authorizer_key.sign(evm::claim_key(support::channel_domain(), rows));
  EXPECT_EQ(world.order().data, evm::claim_order(support::channel_domain(), rows, authorizer, 0).order.data);
  EXPECT_EQ(world.order().gas_limit_max, 5'000'000u);
  world.confirm();
  world.run_until([&] { return answers.size() == 100; });
  for (const Answer& answer : answers) EXPECT_EQ(to_http(answer), to_http(answers[0]));
  EXPECT_EQ(to_json(std::get<SettleResponse>(answers[0])),
            R"({"success":true,"transaction":"0xhash","network":"eip155:84532"})");

  chain.put(0, escrow(10'000, 2'500));
  chain.put(2, escrow(5'000, 1'000));
  const SettleResponse again = settle(claim);
  EXPECT_TRUE(again.success);
  EXPECT_EQ(again.transaction, "") << "another set of rows was sent";
  EXPECT_THAT(again.extra, HasSubstr("alreadyClaimed"));
  const std::string sent = server_request(R"({"type":"claim","claims":[)" + row_json(0, 3'000, 2'500) + "," +
                                          row_json(2, 1'000, 1'000) + "]}");
  EXPECT_EQ(to_http(settle(sent)), to_http(answers[0])) << "the transaction that did it";
  EXPECT_EQ(world.settlements(), 1u);
}

TEST_F(ChannelSchemeTest, AClaimIsCheckedRowByRow) {
  const auto claims = [](const std::string& rows, const std::string& more = "") {
    return server_request(R"({"type":"claim","claims":[)" + rows + "]" + more + "}");
  };
  const auto reason_of = [&](const std::string& request) {
    return settle(request).reason.substr(std::string(kP).size());
  };
  EXPECT_EQ(reason_of(claims("")), "claim_payload");
  EXPECT_EQ(reason_of(claims(row_json(0, 3'000, 3'001))), "claim_payload");
  EXPECT_EQ(reason_of(claims(row_json(0, 3'000, 3'000, support::voucher_signature(0, 2'999)))), "voucher_signature");
  EXPECT_EQ(reason_of(claims(row_json(0, 20'000, 20'000))), "cumulative_exceeds_balance");
  std::string many = row_json(0, 3'000, 3'000);
  for (int i = 0; i < 256; ++i) many += "," + row_json(0, 3'000, 3'000);
  EXPECT_EQ(reason_of(claims(many)), "claim_payload");
  EXPECT_EQ(reason_of(claims(row_json(0, 3'000, 3'000), R"(,"claimAuthorizerSignature":"0x12")")),
            "authorizer_address_mismatch");
  make(false);
  EXPECT_EQ(reason_of(claims(row_json(0, 3'000, 3'000))), "authorizer_not_configured");
  payees = {support::secret_key(support::Role::payee, 1).address()};
  EXPECT_EQ(reason_of(claims(row_json(0, 3'000, 3'000))), "receiver_mismatch");
  EXPECT_EQ(world.settlements(), 0u);
}

TEST_F(ChannelSchemeTest, ASettlePaysWhatIsDueAndSaysWhenNothingIs) {
  const auto request = [](const base::Address& receiver, const base::Address& token) {
    return server_request(R"({"type":"settle","receiver":")" + base::to_hex(receiver) + R"(","token":")" +
                          base::to_hex(token) + "\"}");
  };
  const base::Address receiver = support::secret_key(support::Role::payee, 0).address();
  EXPECT_EQ(settle(request(receiver, support::channel_token())).reason, std::string(kP) + "nothing_to_settle");
  EXPECT_EQ(settle(request(receiver, support::channel_contract())).reason, std::string(kP) + "token_mismatch");
  EXPECT_EQ(settle(request(support::channel_contract(), support::channel_token())).reason,
            std::string(kP) + "receiver_mismatch");
  EXPECT_EQ(world.settlements(), 0u);
  chain.earned = {3'000, 500};
  std::vector<Answer> answers;
  for (int i = 0; i < 1000; ++i)
    world.ask(Operation::settle, request(receiver, support::channel_token()), answers, payees);
  world.run_until([&] { return world.timers.size() == 1; });
  world.confirm();
  world.run_until([&] { return answers.size() == 1000; });
  EXPECT_EQ(world.settlements(), 1u);
  for (const Answer& answer : answers)
    EXPECT_EQ(to_json(std::get<SettleResponse>(answer)),
              R"({"success":true,"transaction":"0xhash","network":"eip155:84532","amount":"2500"})");
  chain.earned = {3'000, 3'000};
  EXPECT_EQ(settle(request(receiver, support::channel_token())).reason, std::string(kP) + "nothing_to_settle");
}

TEST_F(ChannelSchemeTest, WhoWasToldToAskAgainHearsOfTheSettle) {
  const std::string request = server_request(R"({"type":"settle","receiver":")" +
                                             base::to_hex(support::secret_key(support::Role::payee, 0).address()) +
                                             R"(","token":")" + base::to_hex(support::channel_token()) + "\"}");
  chain.earned = {3'000, 0};
  std::vector<Answer> answers;
  world.ask(Operation::settle, request, answers, payees);
  world.run_until([&] { return world.timers.size() == 1; });
  world.time_is_up();
  world.run_until([&] { return answers.size() == 1; });
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, "settlement_pending");
  world.confirm();
  chain.earned = {3'000, 3'000};
  EXPECT_EQ(settle(request).transaction, "0xhash");
  EXPECT_EQ(settle(request).reason, std::string(kP) + "nothing_to_settle");
}

std::string refund_json(const std::string& amount, const std::string& nonce, const std::string& rows) {
  return R"(,"amount":")" + amount + R"(","refundNonce":")" + nonce + R"(","claims":[)" + rows + "]";
}

TEST_F(ChannelSchemeTest, ARefundClaimsFirstAndIsMadeOnce) {
  const Message message{
      .type = "refund", .maximum = 3'000, .more = refund_json("9000", "0", row_json(0, 3'000, 3'000))};
  std::vector<Answer> answers;
  for (int i = 0; i < 50; ++i) world.ask(Operation::settle, request_json(message), answers, payees);
  world.run_until([&] { return world.timers.size() == 1; });
  EXPECT_EQ(world.settlements(), 1u);
  const base::Bytes multicall = evm::call_multicall(std::span<const base::Bytes>());
  EXPECT_TRUE(std::equal(multicall.begin(), multicall.begin() + 4, world.order().data.begin()));
  channel::Snapshot after = escrow(3'000, 3'000, 1);
  chain.put(0, after);
  world.confirm();
  world.run_until([&] { return answers.size() == 50; });
  const auto& response = std::get<SettleResponse>(answers[0]);
  EXPECT_TRUE(response.success) << response.message;
  EXPECT_EQ(response.amount, "7000") << "no more than is left";
  EXPECT_THAT(response.extra, HasSubstr(R"("refundNonce":"1")"));
  for (const Answer& answer : answers) EXPECT_EQ(to_http(answer), to_http(answers[0]));
  EXPECT_EQ(settle(request_json(message)).transaction, "0xhash") << "asked for again it is the same refund";
  EXPECT_EQ(world.settlements(), 1u);
}

TEST_F(ChannelSchemeTest, ARefundIsForTheReceiversServerWithThePayersVoucher) {
  const auto reason_of = [&](const Message& message) {
    return settle(request_json(message)).reason.substr(std::string(kP).size());
  };
  const std::string row = row_json(0, 3'000, 3'000);
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000}), "refund_payload") << "not completed by a server";
  EXPECT_EQ(reason_of({.type = "refund",
                       .maximum = 3'000,
                       .signature = support::voucher_signature(2, 3'000),
                       .more = refund_json("1", "0", "")}),
            "voucher_signature");
  EXPECT_EQ(reason_of({.type = "refund",
                       .maximum = 3'000,
                       .pay_to = base::to_hex(support::secret_key(support::Role::payee, 1).address()),
                       .more = refund_json("1", "0", "")}),
            "receiver_mismatch");
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000, .more = refund_json("1", "0", row_json(2, 1'000, 1'000))}),
            "refund_payload");
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000, .more = refund_json("0", "0", row)}),
            "refund_amount_invalid");
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000, .more = refund_json("0x1", "0", row)}),
            "refund_amount_invalid");
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000, .more = refund_json("1", "7", row)}),
            "refund_simulation_failed");
  EXPECT_EQ(
      reason_of({.type = "refund", .maximum = 10'000, .more = refund_json("1", "0", row_json(0, 10'000, 10'000))}),
      "refund_no_balance");
  make(false);
  EXPECT_EQ(reason_of({.type = "refund", .maximum = 3'000, .more = refund_json("1", "0", row)}),
            "authorizer_not_configured");
  EXPECT_EQ(world.settlements(), 0u);
}

TEST_F(ChannelSchemeTest, AFailureHasTheCodeOfItsOperation) {
  std::vector<Answer> answers;
  world.ask(Operation::settle, request_json({.n = 2, .type = "deposit", .more = deposit_json(2, 5'000)}), answers,
            payees);
  world.run_until([&] { return world.timers.size() == 1; });
  world.step(S::failed, 1, ledger::core::FailureClass::insufficient_funds,
             "insufficient_balance: the simulation says no");
  world.run_until([&] { return answers.size() == 1; });
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, std::string(kP) + "insufficient_balance");
  world.ask(Operation::settle, server_request(R"({"type":"claim","claims":[)" + row_json(0, 3'000, 3'000) + "]}"),
            answers, payees);
  world.run_until([&] { return world.timers.size() == 2; });
  world.step(S::failed, 2, ledger::core::FailureClass::rejected, "other: the simulation says: error InvalidSignature");
  world.run_until([&] { return answers.size() == 2; });
  EXPECT_EQ(std::get<SettleResponse>(answers[1]).reason, std::string(kP) + "claim_simulation_failed");
}

}  // namespace
}  // namespace facilitator
