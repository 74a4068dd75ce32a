// Calldata, answers and events as viem encodes them (tests/vectors/x402.json).

#include "evm/channel_contract.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/x402_vectors.h"

namespace evm {
namespace {

using namespace x402_vectors;
using base::Bytes;
using base::ByteView;
using base::Hash;
using base::u128;
using commitments::channel::Deposit;

Bytes expected(std::string_view name, std::size_t which = 0) { return bytes(named("calls", name, which).at("data")); }
Bytes answer(std::string_view name) { return bytes(named("results", name).at("data")); }

Hash first() { return hash(file().at("deposit").at("channel_id")); }
Hash second() { return hash(typed("ChannelConfig", 4).at("digest")); }
base::Address token() { return config(std::size_t{0}).token; }
base::Address receiver() { return config(std::size_t{0}).receiver; }

std::vector<Claim> claims() {
  return {{config(std::size_t{0}), 3000, signature(typed("Voucher", 0).at("signature")), true, 2500},
          {config(std::size_t{1}), 1, signature(typed("Voucher", 1).at("signature")), true, 1}};
}
Bytes signature_bytes(const json::object& entry) { return bytes(entry.at("signature")); }
Bytes claim_call() { return call_claim_with_signature(claims(), signature_bytes(typed("ClaimBatch", 1))); }
Bytes refund_call() {
  return call_refund_with_signature(config(std::size_t{1}), ~u128{0},
                                    number(typed("Refund", 1).at("message").at("nonce")),
                                    signature_bytes(typed("Refund", 1)));
}

TEST(ChannelContract, EncodesTransactionsAsViemDoes) {
  const json::object& receive = typed("ReceiveWithAuthorization");
  Deposit deposit;
  deposit.amount = 10'000;
  deposit.valid_before = number(receive.at("message").at("validBefore"));
  deposit.salt = number(file().at("deposit").at("salt"));
  deposit.signature = signature(receive.at("signature"));
  const base::Address collector = address(file().at("collector"));
  EXPECT_EQ(call_deposit(config(std::size_t{0}), deposit.amount, collector, collector_data(deposit)),
            expected("deposit"));
  EXPECT_EQ(call_claim(claims()), expected("claim"));
  EXPECT_EQ(claim_call(), expected("claimWithSignature"));
  EXPECT_EQ(call_settle(receiver(), token()), expected("settle"));
  EXPECT_EQ(call_refund(config(std::size_t{0}), 7), expected("refund"));
  EXPECT_EQ(refund_call(), expected("refundWithSignature"));
  EXPECT_EQ(call_multicall(std::vector<Bytes>{claim_call(), refund_call()}), expected("multicall"));
  EXPECT_EQ(call_initiate_withdraw(config(std::size_t{0}), 8), expected("initiateWithdraw"));
  EXPECT_EQ(call_finalize_withdraw(config(std::size_t{0})), expected("finalizeWithdraw"));
}

TEST(ChannelContract, EncodesViewsAsViemDoes) {
  EXPECT_EQ(call_get_channel_id(config(std::size_t{1})), expected("getChannelId"));
  EXPECT_EQ(call_get_voucher_digest(first(), 3000), expected("getVoucherDigest"));
  EXPECT_EQ(call_get_refund_digest(second(), number(typed("Refund", 1).at("message").at("nonce")), ~u128{0}),
            expected("getRefundDigest"));
  EXPECT_EQ(call_get_claim_batch_digest(claims()), expected("getClaimBatchDigest"));
  EXPECT_EQ(call_channels(first()), expected("channels"));
  EXPECT_EQ(call_pending_withdrawals(first()), expected("pendingWithdrawals"));
  EXPECT_EQ(call_refund_nonce(first()), expected("refundNonce"));
  EXPECT_EQ(call_receivers(receiver(), token()), expected("receivers"));
}

TEST(ChannelContract, HasThePublishedSelectors) {
  const auto selector = [](const Bytes& data) { return base::to_hex(ByteView(data).first(4)); };
  EXPECT_EQ(selector(expected("deposit")), "0x140f1e75");
  EXPECT_EQ(selector(claim_call()), "0xe43ce1f2");
  EXPECT_EQ(selector(refund_call()), "0xb77433e9");
}

TEST(ChannelContract, ReadsASnapshot) {
  const auto snapshot = decode_snapshot(answer("channels"), answer("pendingWithdrawals"), answer("refundNonce"));
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->balance, 10'000u);
  EXPECT_EQ(snapshot->total_claimed, ~u128{0});
  EXPECT_EQ(snapshot->withdrawal, 4000u);
  EXPECT_EQ(snapshot->withdraw_requested_at_s, 1'893'456'000u);
  EXPECT_EQ(snapshot->refund_nonce, number(typed("Refund", 1).at("message").at("nonce")));
  const auto earnings = decode_receivers(answer("receivers"));
  ASSERT_TRUE(earnings);
  EXPECT_EQ(earnings->total_claimed, 5u);
  EXPECT_EQ(earnings->total_settled, 3u);
}

TEST(ChannelContract, TakesNoAnswerOfAnotherForm) {
  const Bytes good = answer("channels");
  const auto channels = [](const Bytes& bytes) {
    return decode_snapshot(bytes, answer("pendingWithdrawals"), answer("refundNonce")).has_value();
  };
  EXPECT_TRUE(channels(good));
  EXPECT_FALSE(channels({}));  // an address without code
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(channels(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  Bytes longer = good;
  longer.resize(96);
  EXPECT_FALSE(channels(longer));
  Bytes wide = good;
  wide[15] = 1;  // 2^128
  EXPECT_FALSE(channels(wide));
  Bytes late = answer("pendingWithdrawals");
  late[32 + 26] = 1;  // 2^40
  EXPECT_FALSE(decode_snapshot(good, late, answer("refundNonce")));
}

std::vector<Hash> topics(const json::object& event) {
  std::vector<Hash> out;
  for (const json::value& topic : event.at("topics").as_array()) out.push_back(hash(topic));
  return out;
}
template <typename Event>
Event decoded(std::string_view name) {
  const json::object& event = named("events", name);
  const auto decoded = decode_channel_event(topics(event), bytes(event.at("data")));
  EXPECT_TRUE(decoded && std::holds_alternative<Event>(*decoded)) << name;
  EXPECT_NE(std::find(channel_event_topics().begin(), channel_event_topics().end(), hash(event.at("topic"))),
            channel_event_topics().end());
  return std::get<Event>(*decoded);
}

TEST(ChannelContract, ReadsEvents) {
  const base::Address sender = address(named("events", "Deposited").at("args").at("sender"));
  const auto created = decoded<ChannelCreated>("ChannelCreated");
  EXPECT_EQ(created.channel_id, first());
  EXPECT_EQ(created.config, config(std::size_t{0}));
  EXPECT_EQ(decoded<ChannelClosed>("ChannelClosed").config, config(std::size_t{1}));
  const auto deposited = decoded<Deposited>("Deposited");
  EXPECT_EQ(deposited.channel_id, first());
  EXPECT_EQ(deposited.sender, sender);
  EXPECT_EQ(deposited.amount, 10'000u);
  EXPECT_EQ(deposited.new_balance, 30'000u);
  const auto claimed = decoded<Claimed>("Claimed");
  EXPECT_EQ(claimed.amount, 500u);
  EXPECT_EQ(claimed.new_total_claimed, ~u128{0});
  const auto settled = decoded<Settled>("Settled");
  EXPECT_EQ(settled.receiver, receiver());
  EXPECT_EQ(settled.token, token());
  EXPECT_EQ(settled.sender, sender);
  EXPECT_EQ(settled.amount, 2501u);
  EXPECT_EQ(decoded<Refunded>("Refunded").amount, 7u);
  EXPECT_EQ(decoded<WithdrawInitiated>("WithdrawInitiated").finalize_after_s, 1'893'456'900u);
  EXPECT_EQ(decoded<WithdrawFinalized>("WithdrawFinalized").amount, 8u);
  EXPECT_EQ(channel_event_topics().size(), 8u);
}

TEST(ChannelContract, KnowsThePublishedTopics) {
  EXPECT_EQ(base::to_hex(hash(named("events", "Settled").at("topic"))),
            "0x7337b4386b690fdb8ba66905b92b9d45d33bc6626ee2620c905fb150ec0cc47d");
}

TEST(ChannelContract, TakesNoEventOfAnotherForm) {
  const json::object& event = named("events", "Claimed");
  std::vector<Hash> good = topics(event);
  const Bytes data = bytes(event.at("data"));
  EXPECT_TRUE(decode_channel_event(good, data));
  EXPECT_FALSE(decode_channel_event({}, data));
  EXPECT_FALSE(decode_channel_event(std::span(good).first(2), data));
  EXPECT_FALSE(decode_channel_event(good, ByteView(data).first(63)));
  std::vector<Hash> padded = good;
  padded[2].bytes[0] = 1;  // not an address
  EXPECT_FALSE(decode_channel_event(padded, data));
  good[0].bytes[0] ^= 1;
  EXPECT_FALSE(decode_channel_event(good, data));
}

}  // namespace
}  // namespace evm
