#include "evm/refusal.h"

#include <gtest/gtest.h>

#include <string>

namespace evm {
namespace {

TEST(Refusal, KnowsTheWordingOfTokens) {
  EXPECT_EQ(refusal_of("ERC20: transfer amount exceeds balance"), Refusal::insufficient_balance);
  EXPECT_EQ(refusal_of("error 0xe450d38c"), Refusal::insufficient_balance);
  EXPECT_EQ(refusal_of("FiatTokenV2: authorization is used or canceled"), Refusal::authorization_used);
  EXPECT_EQ(refusal_of("FiatTokenV2: authorization is expired"), Refusal::authorization_expired);
  EXPECT_EQ(refusal_of("FiatTokenV2: authorization is not yet valid"), Refusal::authorization_not_yet_valid);
  EXPECT_EQ(refusal_of("FiatTokenV2: invalid signature"), Refusal::signature_invalid);
  EXPECT_EQ(refusal_of("Blacklistable: account is blacklisted"), Refusal::not_permitted);
  EXPECT_EQ(refusal_of("Pausable: PAUSED"), Refusal::not_permitted);
  EXPECT_EQ(refusal_of("error 0x12345678"), Refusal::other);
  EXPECT_EQ(refusal_of(""), Refusal::other);
}

TEST(Refusal, IsReadBackFromADetail) {
  for (std::uint8_t number = 0; number <= static_cast<std::uint8_t>(Refusal::not_permitted); ++number) {
    const auto refusal = static_cast<Refusal>(number);
    EXPECT_EQ(refusal_in_detail(std::string(name(refusal)) + ": and: why"), refusal);
  }
  EXPECT_EQ(refusal_in_detail("the node: authorization_used: x"), Refusal::other);
  EXPECT_EQ(refusal_in_detail(""), Refusal::other);
}

}  // namespace
}  // namespace evm
