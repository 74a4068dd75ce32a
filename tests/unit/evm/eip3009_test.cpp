// Calldata, answers and events as viem encodes them (tests/vectors/x402.json).

#include "evm/eip3009.h"

#include <gtest/gtest.h>

#include "evm/abi.h"
#include "tests/support/x402_vectors.h"

namespace evm {
namespace {

using namespace x402_vectors;
using base::Bytes;
using base::ByteView;

Bytes expected(std::string_view name, std::size_t which = 0) { return bytes(named("calls", name, which).at("data")); }
Bytes signature_bytes(const json::object& entry) { return bytes(entry.at("signature")); }
crypto::Authorization message(const json::object& entry) { return authorization(entry.at("message").as_object()); }

TEST(Eip3009, EncodesCallsAsViemDoes) {
  const json::object& transfer = typed("TransferWithAuthorization");
  const crypto::Authorization payment = message(transfer);
  EXPECT_EQ(call_transfer_with_authorization(payment, signature_bytes(transfer)),
            expected("transferWithAuthorization", 0));
  EXPECT_EQ(call_transfer_with_authorization(payment, signature(transfer.at("signature"))),
            expected("transferWithAuthorization", 1));
  const json::object& receive = typed("ReceiveWithAuthorization");
  EXPECT_EQ(call_receive_with_authorization(message(receive), signature_bytes(receive)),
            expected("receiveWithAuthorization"));
  EXPECT_EQ(call_cancel_authorization(payment.from, payment.nonce, signature_bytes(typed("CancelAuthorization"))),
            expected("cancelAuthorization"));
  EXPECT_EQ(call_authorization_state(payment.from, payment.nonce), expected("authorizationState"));
}

TEST(Eip3009, HasThePublishedSelectors) {
  const auto selector = [](const Bytes& data) { return base::to_hex(ByteView(data).first(4)); };
  EXPECT_EQ(selector(expected("transferWithAuthorization", 0)), "0xcf092995");
  EXPECT_EQ(selector(expected("transferWithAuthorization", 1)), "0xe3ee160e");
  EXPECT_EQ(selector(call_receive_with_authorization({}, base::Signature{})), "0xef55bec6");
  EXPECT_EQ(selector(call_authorization_state({}, {})), "0xe94a0102");
}

TEST(Eip3009, ReadsTheStateOfAnAuthorisation) {
  EXPECT_EQ(decode_authorization_state(bytes(named("results", "authorizationState").at("data"))), true);
  EXPECT_EQ(decode_authorization_state(Bytes(32)), false);
  EXPECT_FALSE(decode_authorization_state({}));  // an address without code
  EXPECT_FALSE(decode_authorization_state(Bytes(31)));
  EXPECT_FALSE(decode_authorization_state(Bytes(64)));
  Bytes two(32);
  two[31] = 2;
  EXPECT_FALSE(decode_authorization_state(two));
}

TEST(Eip3009, KnowsTheTopics) {
  EXPECT_EQ(authorization_used_topic(), hash(named("events", "AuthorizationUsed").at("topic")));
  EXPECT_EQ(authorization_canceled_topic(), hash(named("events", "AuthorizationCanceled").at("topic")));
  EXPECT_EQ(base::to_hex(transfer_topic()), "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

TEST(Eip3009, SaysWhatProvesATransfer) {
  const crypto::Authorization payment = message(typed("TransferWithAuthorization"));
  const base::Address token = config(std::size_t{0}).token;
  const base::Hash value = payment.value.word();
  const std::vector<EventPattern> wanted = {
      {token, {authorization_used_topic(), word_of(payment.from), payment.nonce}, std::nullopt},
      {token,
       {transfer_topic(), word_of(payment.from), word_of(payment.to)},
       Bytes(value.bytes.begin(), value.bytes.end())}};
  EXPECT_EQ(authorized_transfer_events(token, payment), wanted);
}

}  // namespace
}  // namespace evm
