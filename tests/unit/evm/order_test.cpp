#include "evm/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace evm {
namespace {

using ::testing::HasSubstr;

RelayOrder sample() {
  RelayOrder order;
  order.chain_id = 8453;
  order.to.bytes.fill(0xaa);
  order.data = {0xe3, 0xee, 0x16, 0x0e, 1, 2, 3};
  order.gas_limit_max = 120'000;
  order.deadline_s = 1'900'000'000;
  base::Hash topic;
  topic.bytes.fill(0x11);
  order.proof = {{order.to, {topic, topic, topic}, std::nullopt}, {order.to, {topic}, base::Bytes{}}};
  order.elsewhere = {{order.to, {topic, topic, topic, topic}, base::Bytes(32)}};
  return order;
}

TEST(Order, ComesBackAsItWas) {
  const RelayOrder order = sample();
  const auto decoded = decode_order(encode(order));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, order);
}

TEST(Order, TheBytesArePermanent) {
  RelayOrder order;
  order.chain_id = 1;
  order.to.bytes.fill(2);
  order.data = {3, 4};
  order.gas_limit_max = 5;
  order.deadline_s = 6;
  base::Hash topic;
  topic.bytes.fill(7);
  order.proof = {{order.to, {topic}, base::Bytes{8}}};
  EXPECT_EQ(base::to_hex(encode(order)),
            "0x01"
            "0100000000000000"
            "0202020202020202020202020202020202020202"
            "020000000304"
            "0500000000000000"
            "0600000000000000"
            "01"
            "0202020202020202020202020202020202020202"
            "01"
            "0707070707070707070707070707070707070707070707070707070707070707"
            "010100000008"
            "00");
}

TEST(Order, RefusesEverythingElse) {
  const auto message = [](const base::Bytes& bytes) {
    const auto decoded = decode_order(bytes);
    EXPECT_FALSE(decoded);
    return decoded ? std::string() : decoded.error().message;
  };
  const base::Bytes bytes = encode(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_order(base::ByteView(bytes).first(length))) << length;
  base::Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_THAT(message(longer), HasSubstr("not exactly one order"));
  base::Bytes newer = bytes;
  newer[0] = 2;
  EXPECT_THAT(message(newer), HasSubstr("version 2"));
  RelayOrder unproved = sample();
  unproved.proof.clear();
  EXPECT_THAT(message(encode(unproved)), HasSubstr("no event"));
}

}  // namespace
}  // namespace evm
