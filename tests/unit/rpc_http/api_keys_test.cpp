#include "rpc/http/api_keys.h"

#include <gtest/gtest.h>

#include "crypto/sha256.h"

namespace rpc::http {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

ApiKey key(std::string_view text, std::uint64_t rate = 0, std::uint64_t burst = 1) {
  ApiKey result;
  result.name = std::string(text);
  result.sha256 = crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  result.requests_per_s = rate;
  result.burst = burst;
  return result;
}

TEST(ApiKeys, AreFoundByTheirText) {
  const ApiKeys keys({key("one"), key("two"), key("three")});
  EXPECT_EQ(keys.find("two"), std::optional<std::uint32_t>(1));
  EXPECT_EQ(keys.find("tw"), std::nullopt);
  EXPECT_EQ(keys.find("two "), std::nullopt);
  EXPECT_EQ(keys.find(""), std::nullopt);
}

TEST(ApiKeys, TheBucketHoldsBurstAndFillsByTheRate) {
  ApiKeys keys({key("one", 10, 5)});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(keys.take(0, 1, kSecond), 0u) << i;
  EXPECT_EQ(keys.take(0, 1, kSecond), 101u);  // a tenth of a second, rounded up
  EXPECT_EQ(keys.take(0, 1, kSecond + kSecond / 10), 0u);
  EXPECT_GT(keys.take(0, 1, kSecond + kSecond / 10), 0u);
  EXPECT_EQ(keys.take(0, 5, 100 * kSecond), 0u);
  EXPECT_GT(keys.take(0, 1, 100 * kSecond), 0u);  // never more than the burst
}

TEST(ApiKeys, WhatIsLargerThanTheBurstTakesAllOfIt) {
  ApiKeys keys({key("one", 10, 5)});
  EXPECT_EQ(keys.take(0, 256, kSecond), 0u);
  EXPECT_GT(keys.take(0, 256, kSecond + kSecond / 4), 0u);
  EXPECT_EQ(keys.take(0, 256, 2 * kSecond), 0u);
}

TEST(ApiKeys, AskingHowLongTakesNothing) {
  ApiKeys keys({key("one", 10, 1), key("two")});
  EXPECT_EQ(keys.wait_ms(0, 1, kSecond), 0u);
  EXPECT_EQ(keys.wait_ms(0, 1, kSecond), 0u);
  EXPECT_EQ(keys.take(0, 1, kSecond), 0u);
  EXPECT_EQ(keys.wait_ms(0, 1, kSecond), 101u);
  EXPECT_EQ(keys.wait_ms(1, 1, kSecond), 0u);  // no quota
}

TEST(ApiKeys, WorkThatWasLargerThanKnownIsPaidLater) {
  ApiKeys keys({key("one", 10, 5), key("two")});
  EXPECT_EQ(keys.take(0, 1, kSecond), 0u);
  keys.charge(0, 14, kSecond);  // 10 more than there are
  EXPECT_EQ(keys.wait_ms(0, 1, kSecond), 1'101u);
  EXPECT_EQ(keys.take(0, 1, 3 * kSecond), 0u);
  keys.charge(1, 1'000'000, kSecond);
  EXPECT_EQ(keys.take(1, 1, kSecond), 0u);  // no quota
}

TEST(ApiKeys, AreReplacedAndKeepTheirPlaces) {
  ApiKeys keys({key("one", 10, 5), key("two", 10, 5), key("three")});
  const std::uint64_t before = keys.generation();
  EXPECT_EQ(keys.take(1, 5, kSecond), 0u);
  ApiKey rotated = key("two new", 10, 5);
  rotated.name = "two";
  ApiKey added = key("four");
  added.addresses = {*base::address_from_hex("0x0000000000000000000000000000000000000004")};
  keys.replace({added, rotated});
  EXPECT_NE(keys.generation(), before);
  EXPECT_EQ(keys.find("one"), std::nullopt);
  EXPECT_FALSE(keys.valid(0));
  EXPECT_EQ(keys.find("two"), std::nullopt);
  EXPECT_EQ(keys.find("two new"), std::optional<std::uint32_t>(1));
  EXPECT_GT(keys.wait_ms(1, 1, kSecond), 0u);  // no fresh quota by asking for a new key
  EXPECT_EQ(keys.find("four"), std::optional<std::uint32_t>(3));
  EXPECT_EQ(keys.payees(), added.addresses);
  keys.replace({key("one")});
  EXPECT_EQ(keys.find("one"), std::optional<std::uint32_t>(0));
  EXPECT_EQ(keys.find("four"), std::nullopt);
  EXPECT_TRUE(keys.payees().empty());
}

TEST(ApiKeys, NoQuota) {
  ApiKeys keys({key("one")});
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(keys.take(0, 1'000'000, 0), 0u);
}

TEST(ApiKeys, PayeesOfServersAlone) {
  ApiKey server = key("s"), payer = key("p");
  server.addresses = {*base::address_from_hex("0x0000000000000000000000000000000000000002"),
                      *base::address_from_hex("0x0000000000000000000000000000000000000001")};
  payer.role = KeyRole::payer;
  payer.addresses = {*base::address_from_hex("0x0000000000000000000000000000000000000003")};
  const ApiKeys keys({server, payer, server});
  EXPECT_EQ(keys.payees().size(), 2u);
  EXPECT_LT(keys.at(0).addresses[0], keys.at(0).addresses[1]);
}

}  // namespace
}  // namespace rpc::http
