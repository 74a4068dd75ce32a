#include "evm/refusal.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/x402_vectors.h"

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

TEST(Refusal, NamesTheErrorsOfTheChannelContract) {
  using namespace x402_vectors;
  for (const json::value& error : file().at("errors").as_array()) {
    const base::Bytes data = bytes(error.at("data"));
    EXPECT_EQ(revert_reason(data),
              "error " + text(error.at("name")) + " " + base::to_hex(base::ByteView(data).first(4)));
  }
  EXPECT_EQ(revert_reason(base::Bytes{1, 2, 3, 4}), "error 0x01020304");
  const auto refusal = [](std::string_view name) {
    return refusal_of(revert_reason(bytes(named("errors", name).at("data"))));
  };
  EXPECT_EQ(refusal("ClaimExceedsBalance"), Refusal::insufficient_balance);
  EXPECT_EQ(refusal("InvalidSignature"), Refusal::signature_invalid);
  EXPECT_EQ(refusal("ECDSAInvalidSignatureS"), Refusal::signature_invalid);
  EXPECT_EQ(refusal("NotAuthorizedToClaim"), Refusal::caller_wrong);
  EXPECT_EQ(refusal("EmptyBatch"), Refusal::other);
  EXPECT_EQ(refusal("SafeERC20FailedOperation"), Refusal::other);
}

TEST(Refusal, KnowsErrorsInANodesWords) {
  EXPECT_EQ(revert_reason(base::from_hex("0xfb8f41b2").value()), "error ERC20InsufficientAllowance 0xfb8f41b2");
  EXPECT_EQ(refusal_of("execution reverted: custom error 0xfb8f41b2"), Refusal::insufficient_allowance);
  EXPECT_EQ(refusal_of("reverted with custom error 'EnforcedPause()'"), Refusal::not_permitted);
  EXPECT_EQ(refusal_of("reverted with custom error 'ClaimExceedsBalance()'"), Refusal::insufficient_balance);
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
