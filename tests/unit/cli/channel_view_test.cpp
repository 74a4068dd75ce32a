#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cli/views.h"
#include "tests/support/channels.h"

namespace cli {
namespace {

core::Channel channel() {
  core::Channel one;
  one.id = base::ChannelId(3);
  one.key = support::channel_key(0);
  one.chain_id = support::kChannelChain;
  one.contract = support::channel_contract();
  one.config = support::channel_config(0);
  one.chain = support::escrow(~base::u128{0}, 5, 2);
  one.charged = 5;
  one.block = 9;
  return one;
}

TEST(ChannelView, TheStateIsWhatMattersMost) {
  core::Channel one = channel();
  EXPECT_EQ(channel_state(one), "open");
  one.reservation.sequence = core::Sequence(4);
  EXPECT_EQ(channel_state(one), "reserved");
  one.reservation.refund = true;
  EXPECT_EQ(channel_state(one), "refund");
  one.chain.withdrawal = 1;
  EXPECT_EQ(channel_state(one), "withdrawal");
  one.put_aside = "reverts";
  EXPECT_EQ(channel_state(one), "put aside");
}

TEST(ChannelView, JsonHasEveryFigureInTheTokensSmallestUnits) {
  core::Channel one = channel();
  Json json = channel_json(one);
  EXPECT_EQ(json.at("id").as_uint64(), 3u);
  EXPECT_EQ(json.at("key").as_string(), base::to_hex(one.key));
  EXPECT_EQ(json.at("balance").as_string(), "340282366920938463463374607431768211455");
  EXPECT_EQ(json.at("claimed").as_string(), "5");
  EXPECT_EQ(json.at("refund_nonce").as_string(), "2");
  EXPECT_TRUE(json.at("signature").is_null());
  EXPECT_TRUE(json.at("reservation").is_null());
  EXPECT_TRUE(json.at("put_aside").is_null());
  EXPECT_TRUE(json.at("charged_at").is_null());
  one.reservation.sequence = core::Sequence(4);
  one.reservation.amount = 7;
  one.charges = 1;
  json = channel_json(one);
  EXPECT_EQ(json.at("reservation").at("reservation").as_uint64(), 4u);
  EXPECT_EQ(json.at("reservation").at("kind").as_string(), "charge");
  EXPECT_EQ(json.at("reservation").at("amount").as_string(), "7");
  EXPECT_TRUE(json.at("reservation").at("request").is_null());
  EXPECT_TRUE(json.at("signature").is_string());
}

TEST(ChannelView, EarningsThatWereNotLookedUpAreNull) {
  core::Earnings earnings;
  earnings.charged = 12;
  EXPECT_EQ(earnings_json(earnings).at("charged").as_string(), "12");
  EXPECT_TRUE(earnings_json(earnings).at("claimed").is_null());
  earnings.block = 5;
  EXPECT_EQ(earnings_json(earnings).at("claimed").as_string(), "0");
}

TEST(ChannelView, TokensOfTheOperatorAreShownAtTheirScale) {
  core::Asset asset{support::kUsdc, "eip155:84532/erc20:0x" + std::string(40, '5'), "USDC", 9, 6};
  const AssetBook assets({asset});
  const base::Address token = support::channel_token();
  EXPECT_EQ(assets.token_text(1'250'000, 84532, token), "1.250000 USDC");
  EXPECT_EQ(assets.token_text(1'250'000, 1, token), "1250000 units");
  EXPECT_EQ(assets.token_text(~base::u128{0}, 84532, token), "340282366920938463463374607431768211455 units");
}

}  // namespace
}  // namespace cli
