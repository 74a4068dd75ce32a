#include "evm/channel_orders.h"

#include <gtest/gtest.h>

#include <vector>

#include "evm/abi.h"
#include "evm/channel_contract.h"

namespace evm {
namespace {

namespace channel = commitments::channel;

base::Address address(std::uint8_t fill) {
  base::Address result;
  result.bytes.fill(fill);
  return result;
}

const channel::Domain kDomain{84532, address(0x40)};

std::vector<channel::Claim> rows(std::size_t count) {
  std::vector<channel::Claim> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i].config.payer = address(static_cast<std::uint8_t>(i + 1));
    all[i].config.withdraw_delay_s = 900;
    all[i].maximum = 10;
    all[i].total_claimed = 7;
  }
  return all;
}

TEST(ChannelOrders, AClaimIsProvedByOneRowOrByAll) {
  const std::vector<channel::Claim> claims = rows(3);
  const ChannelOrder one = claim_order(kDomain, claims, {}, 1'000);
  const ChannelOrder all = claim_order(kDomain, claims, {}, 1'000, ClaimProof::all_rows);
  EXPECT_EQ(one.key, claim_key(kDomain, claims));
  EXPECT_EQ(one.key, all.key);
  EXPECT_EQ(one.order.data, all.order.data);
  EXPECT_EQ(one.order.data, call_claim_with_signature(claims, base::Signature{}.view()));
  EXPECT_EQ(one.order.gas_limit_max, 1'000u);
  EXPECT_EQ(one.order.to, kDomain.contract);
  ASSERT_EQ(one.order.proof.size(), 1u);
  ASSERT_EQ(all.order.proof.size(), 3u);
  EXPECT_EQ(one.order.proof[0], all.order.proof[0]);
  for (std::size_t i = 0; i < claims.size(); ++i)
    EXPECT_EQ(all.order.proof[i].topics,
              (std::vector<base::Hash>{event_topic("Claimed(bytes32,address,uint128,uint128)"),
                                       channel::channel_id(kDomain, claims[i].config)}));
}

TEST(ChannelOrders, APayoutNamesReceiverAndToken) {
  const ChannelOrder order = settle_order(kDomain, address(1), address(2), 5, 250'000);
  EXPECT_EQ(order.order.data, call_settle(address(1), address(2)));
  EXPECT_EQ(order.order.gas_limit_max, 250'000u);
  ASSERT_EQ(order.order.proof.size(), 1u);
  EXPECT_EQ(order.order.proof[0].topics,
            (std::vector<base::Hash>{event_topic("Settled(address,address,address,uint128)"), word_of(address(1)),
                                     word_of(address(2))}));
  EXPECT_NE(order.key, settle_order(kDomain, address(1), address(2), 6).key);
  EXPECT_NE(order.key, settle_order(kDomain, address(3), address(2), 5).key);
}

}  // namespace
}  // namespace evm
