#include <gtest/gtest.h>

#include "commitments/exact/verify.h"
#include "tests/support/actors.h"

namespace commitments::exact {
namespace {

using base::Uint256;
using crypto::SignatureCheck;

constexpr std::uint64_t kNow = 1'900'000'000;

class ExactTest : public ::testing::Test {
 protected:
  ExactTest() {
    base::Address asset;
    asset.bytes.fill(0x05);
    token_.emplace("USDC", "2", 84532, asset);
    item_.terms = {&*token_, seller_, Uint256(1000)};
    item_.payment.authorization = {payer_.address(), seller_, Uint256(1000), Uint256(0), Uint256(kNow + 300), {}};
    item_.payment.authorization.nonce.bytes.fill(0x42);
    sign(payer_);
  }
  void sign(const crypto::SecretKey& key) {
    item_.payment.signature =
        key.sign(crypto::transfer_authorization_digest(token_->separator, item_.payment.authorization));
  }
  Answer answer(const Item& item, std::uint64_t now = kNow) {
    Answer result;
    verify(std::span(&item, 1), now, std::span(&result, 1));
    return result;
  }
  Code code(std::uint64_t now = kNow) { return answer(item_, now).code; }

  const crypto::SecretKey payer_ = support::secret_key(support::Role::payer, 1);
  const crypto::SecretKey stranger_ = support::secret_key(support::Role::payer, 2);
  const base::Address seller_ = support::secret_key(support::Role::payee, 1).address();
  std::optional<crypto::TokenDomain> token_;
  Item item_;
};

TEST_F(ExactTest, TakesAGoodPayment) {
  EXPECT_EQ(code(), Code::ok);
  EXPECT_EQ(answer(item_).signature, SignatureCheck::ok);
}

TEST_F(ExactTest, RefusesEveryChangedField) {
  const auto changed = [this](auto change) {
    Item item = item_;
    change(item.payment.authorization);
    return answer(item).code;
  };
  EXPECT_EQ(changed([](auto& a) { a.from.bytes[0] ^= 1; }), Code::signature);
  EXPECT_EQ(changed([](auto& a) { a.to.bytes[0] ^= 1; }), Code::signature);
  EXPECT_EQ(changed([](auto& a) { a.value = Uint256(999); }), Code::signature);
  EXPECT_EQ(changed([](auto& a) { a.valid_after = Uint256(1); }), Code::signature);
  EXPECT_EQ(changed([](auto& a) { a.valid_before = Uint256(kNow + 301); }), Code::signature);
  EXPECT_EQ(changed([](auto& a) { a.nonce.bytes[31] ^= 1; }), Code::signature);
}

TEST_F(ExactTest, IsBoundToTokenAndChain) {
  const crypto::TokenDomain chain("USDC", "2", 8453, token_->token);
  const crypto::TokenDomain name("USD Coin", "2", 84532, token_->token);
  const crypto::TokenDomain version("USDC", "1", 84532, token_->token);
  for (const crypto::TokenDomain* other : {&chain, &name, &version}) {
    item_.terms.token = other;
    EXPECT_EQ(code(), Code::signature);
  }
}

TEST_F(ExactTest, TakesOnlyTheFormThatAChainTakes) {
  const base::Signature good = item_.payment.signature;
  item_.payment.signature.bytes[64] ^= 27 ^ 28;  // the other of the two
  EXPECT_EQ(code(), Code::signature);
  EXPECT_EQ(answer(item_).signature, SignatureCheck::wrong);
  item_.payment.signature.bytes[64] = static_cast<std::uint8_t>(good.bytes[64] - 27);
  EXPECT_EQ(answer(item_).signature, SignatureCheck::bad_v);
  item_.payment.signature = support::high_s_twin(good);
  EXPECT_EQ(code(), Code::signature);
  EXPECT_EQ(answer(item_).signature, SignatureCheck::high_s);
  item_.payment.signature = good;
  item_.payment.signature_length_ok = false;
  EXPECT_EQ(code(), Code::signature);
  sign(stranger_);
  item_.payment.signature_length_ok = true;
  EXPECT_EQ(code(), Code::signature);
}

TEST_F(ExactTest, ComparesWithWhatIsAskedFor) {
  item_.terms.pay_to.bytes[0] ^= 1;
  EXPECT_EQ(code(), Code::recipient_mismatch);
  item_.terms.pay_to = seller_;
  item_.terms.amount = Uint256(1001);
  EXPECT_EQ(code(), Code::value_mismatch);
  item_.terms.amount = Uint256(999);
  EXPECT_EQ(code(), Code::value_mismatch);
}

TEST_F(ExactTest, HasAWindowWithAMargin) {
  EXPECT_EQ(code(kNow + 294), Code::ok);
  EXPECT_EQ(code(kNow + 295), Code::valid_before);
  EXPECT_EQ(code(~std::uint64_t{0}), Code::valid_before);
  item_.payment.authorization.valid_after = Uint256(kNow);
  sign(payer_);
  EXPECT_EQ(code(kNow), Code::ok);
  EXPECT_EQ(code(kNow - 1), Code::valid_after);
}

TEST_F(ExactTest, TakesTheLargestNumbers) {
  base::Hash ones;
  ones.bytes.fill(0xff);
  item_.terms.amount = item_.payment.authorization.value = item_.payment.authorization.valid_before =
      Uint256::from_word(ones);
  sign(payer_);
  EXPECT_EQ(code(), Code::ok);
}

TEST_F(ExactTest, AnswersManyInOrder) {
  std::vector<Item> items(100, item_);
  for (std::size_t i = 0; i < items.size(); i += 3) items[i].payment.signature.bytes[0] ^= 1;
  for (std::size_t i = 1; i < items.size(); i += 3) items[i].terms.amount = Uint256(7);
  std::vector<Answer> answers(items.size());
  verify(items, kNow, answers);
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(answers[i].code, i % 3 == 0 ? Code::signature : i % 3 == 1 ? Code::value_mismatch : Code::ok) << i;
  }
}

TEST(ExactCodes, AreTheProtocols) {
  EXPECT_EQ(text(Code::ok), "");
  EXPECT_EQ(text(Code::signature), "invalid_exact_evm_payload_signature");
  EXPECT_EQ(text(Code::recipient_mismatch), "invalid_exact_evm_payload_recipient_mismatch");
  EXPECT_EQ(text(Code::valid_before), "invalid_exact_evm_payload_authorization_valid_before");
  EXPECT_EQ(text(Code::valid_after), "invalid_exact_evm_payload_authorization_valid_after");
  EXPECT_EQ(text(Code::value_mismatch), "invalid_exact_evm_payload_authorization_value_mismatch");
  EXPECT_EQ(text(Code::insufficient_funds), "insufficient_funds");
  EXPECT_FALSE(sentence(Code::event_mismatch).empty());
}

}  // namespace
}  // namespace commitments::exact
