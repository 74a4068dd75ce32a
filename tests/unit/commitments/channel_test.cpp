#include <gtest/gtest.h>

#include "base/limits.h"
#include "commitments/channel/verify.h"
#include "tests/support/actors.h"

namespace commitments::channel {
namespace {

using crypto::SignatureCheck;
using support::Role;

constexpr std::uint64_t kNow = 1'900'000'000;

Snapshot escrow(u128 balance, u128 total_claimed) {
  Snapshot snapshot;
  snapshot.balance = balance;
  snapshot.total_claimed = total_claimed;
  return snapshot;
}

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    config_.payer = payer_.address();
    config_.payer_authorizer = agent_.address();
    config_.receiver = receiver_;
    config_.receiver_authorizer = authorizer_.address();
    config_.token = token_.token;
    config_.withdraw_delay_s = 900;
    terms_ = {receiver_, authorizer_.address(), token_.token, 900};
    collector_.bytes.fill(0x07);
  }
  static Address address_of(std::uint8_t byte) {
    Address address;
    address.bytes.fill(byte);
    return address;
  }
  VoucherItem item(u128 maximum) const { return item(maximum, config_, agent_); }
  VoucherItem item(u128 maximum, const ChannelConfig& config, const crypto::SecretKey& signer) const {
    const Hash id = channel_id(domain_, config);
    return {&domain_, config, {id, maximum, signer.sign(voucher_digest(domain_, id, maximum)), true}, terms_};
  }
  static Answer verify(const VoucherItem& item) {
    Answer answer;
    verify_vouchers(std::span(&item, 1), std::span(&answer, 1));
    return answer;
  }
  // The configuration is changed, and the voucher is signed for the changed one.
  template <typename Change>
  Code code_with(Change change) const {
    ChannelConfig config = config_;
    change(config);
    return verify(item(1000, config, agent_)).code;
  }
  Deposit deposit(u128 amount) const {
    Deposit made;
    made.amount = amount;
    made.valid_before = Uint256(kNow + 300);
    made.salt = Uint256(5);
    sign(made);
    return made;
  }
  void sign(Deposit& made) const {
    made.signature = payer_.sign(crypto::receive_authorization_digest(
        token_.separator, deposit_authorization(config_, channel_id(domain_, config_), made, collector_)));
  }
  Answer verify(const VoucherItem& item, const Deposit& made, std::uint64_t now = kNow) const {
    return verify_deposit(item, made, token_, collector_, now);
  }
  Claim claim(u128 maximum, u128 total) const {
    return {config_, maximum, item(maximum).voucher.signature, true, total};
  }

  const crypto::SecretKey payer_ = support::secret_key(Role::payer, 1);
  const crypto::SecretKey agent_ = support::secret_key(Role::agent, 1);
  const crypto::SecretKey stranger_ = support::secret_key(Role::payer, 2);
  const crypto::SecretKey authorizer_ = support::secret_key(Role::server, 1);
  const Address receiver_ = support::secret_key(Role::payee, 1).address();
  const Domain domain_{84532, address_of(0x40)};
  const crypto::TokenDomain token_{"USDC", "2", 84532, address_of(0x03)};
  Address collector_;
  ChannelConfig config_;
  Terms terms_;
};

TEST_F(ChannelTest, TakesAGoodVoucher) {
  const Answer answer = verify(item(1000));
  EXPECT_EQ(answer.code, Code::ok);
  EXPECT_FALSE(answer.payer_must_have_no_code);
  EXPECT_EQ(verify(item(~u128{0})).code, Code::ok);
}

TEST_F(ChannelTest, ThePayerSignsWhereThereIsNoAuthorizer) {
  config_.payer_authorizer = {};
  EXPECT_EQ(verify(item(1000)).code, Code::voucher_signature);
  const Answer answer = verify(item(1000, config_, payer_));
  EXPECT_EQ(answer.code, Code::ok);
  EXPECT_TRUE(answer.payer_must_have_no_code);
}

TEST_F(ChannelTest, ThePayerDoesNotSignWhereThereIsAnAuthorizer) {
  EXPECT_EQ(verify(item(1000, config_, payer_)).code, Code::voucher_signature);
  EXPECT_EQ(verify(item(1000, config_, stranger_)).code, Code::voucher_signature);
}

TEST_F(ChannelTest, ChecksTheChannelInOrder) {
  EXPECT_EQ(code_with([](ChannelConfig&) {}), Code::ok);
  EXPECT_EQ(code_with([](auto& c) { c.receiver = address_of(1); }), Code::receiver_mismatch);
  EXPECT_EQ(code_with([](auto& c) { c.receiver_authorizer = address_of(1); }), Code::receiver_authorizer_mismatch);
  EXPECT_EQ(code_with([](auto& c) { c.token = address_of(1); }), Code::token_mismatch);
  EXPECT_EQ(code_with([](auto& c) { c.withdraw_delay_s = 901; }), Code::withdraw_delay_mismatch);
  EXPECT_EQ(code_with([](auto& c) { c.receiver = c.token = address_of(1); }), Code::receiver_mismatch);
  terms_.receiver_authorizer = {};
  EXPECT_EQ(code_with([](auto& c) { c.receiver_authorizer = {}; }), Code::receiver_authorizer_mismatch);
}

TEST_F(ChannelTest, BoundsTheWithdrawDelay) {
  terms_.withdraw_delay_s.reset();
  const auto with_delay = [this](std::uint64_t delay) {
    return code_with([delay](auto& c) { c.withdraw_delay_s = delay; });
  };
  EXPECT_EQ(with_delay(899), Code::withdraw_delay_out_of_range);
  EXPECT_EQ(with_delay(900), Code::ok);
  EXPECT_EQ(with_delay(2'592'000), Code::ok);
  EXPECT_EQ(with_delay(2'592'001), Code::withdraw_delay_out_of_range);
}

TEST_F(ChannelTest, BindsAVoucherToItsChannelChainAndContract) {
  VoucherItem other = item(1000);
  other.config.salt.bytes[0] = 1;
  EXPECT_EQ(verify(other).code, Code::channel_id_mismatch);
  other.voucher.channel_id = channel_id(domain_, other.config);
  EXPECT_EQ(verify(other).code, Code::voucher_signature);
  const Domain chain(8453, domain_.contract);
  const Domain contract(84532, address_of(0x41));
  for (const Domain* domain : {&chain, &contract}) {
    VoucherItem moved = item(1000);
    moved.domain = domain;
    EXPECT_EQ(verify(moved).code, Code::channel_id_mismatch);
    moved.voucher.channel_id = channel_id(*domain, moved.config);
    EXPECT_EQ(verify(moved).code, Code::voucher_signature);
  }
}

TEST_F(ChannelTest, TakesOnlyTheFormThatTheContractTakes) {
  const VoucherItem good = item(1000);
  VoucherItem bad = good;
  bad.voucher.signature = support::high_s_twin(good.voucher.signature);
  EXPECT_EQ(verify(bad).signature, SignatureCheck::high_s);
  bad.voucher.signature = good.voucher.signature;
  bad.voucher.signature.bytes[64] = static_cast<std::uint8_t>(bad.voucher.signature.bytes[64] - 27);
  EXPECT_EQ(verify(bad).signature, SignatureCheck::bad_v);
  bad.voucher.signature.bytes[64] = static_cast<std::uint8_t>(55 - good.voucher.signature.bytes[64]);
  EXPECT_EQ(verify(bad).signature, SignatureCheck::wrong);  // a valid v, but the other one
  EXPECT_EQ(verify(bad).code, Code::voucher_signature);
  bad = good;
  bad.voucher.signature_length_ok = false;
  EXPECT_EQ(verify(bad).code, Code::voucher_signature);
  bad = good;
  bad.voucher.maximum = 1001;
  EXPECT_EQ(verify(bad).code, Code::voucher_signature);
}

TEST_F(ChannelTest, AnswersManyInOrder) {
  std::vector<VoucherItem> items(100, item(1000));
  for (std::size_t i = 0; i < items.size(); i += 3) items[i].voucher.maximum = i;
  for (std::size_t i = 1; i < items.size(); i += 3) items[i].terms.pay_to = address_of(1);
  std::vector<Answer> answers(items.size());
  verify_vouchers(items, answers);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Code expected = i % 3 == 0 ? Code::voucher_signature : i % 3 == 1 ? Code::receiver_mismatch : Code::ok;
    EXPECT_EQ(answers[i].code, expected) << i;
  }
}

TEST_F(ChannelTest, ComparesAVoucherWithTheChain) {
  const Snapshot snapshot = escrow(5000, 2000);
  EXPECT_EQ(check_voucher(5000, Purpose::charge, 0, snapshot), Code::ok);
  EXPECT_EQ(check_voucher(5001, Purpose::charge, 0, snapshot), Code::cumulative_exceeds_balance);
  EXPECT_EQ(check_voucher(5001, Purpose::charge, 1, snapshot), Code::ok);
  EXPECT_EQ(check_voucher(2001, Purpose::charge, 0, snapshot), Code::ok);
  EXPECT_EQ(check_voucher(2000, Purpose::charge, 0, snapshot), Code::cumulative_below_claimed);
  EXPECT_EQ(check_voucher(2000, Purpose::refund, 0, snapshot), Code::ok);
  EXPECT_EQ(check_voucher(1999, Purpose::refund, 0, snapshot), Code::cumulative_below_claimed);
  EXPECT_EQ(check_voucher(1, Purpose::charge, 0, {}), Code::channel_not_found);
  EXPECT_EQ(check_voucher(1, Purpose::charge, 1, {}), Code::ok);
  EXPECT_EQ(check_voucher(~u128{0}, Purpose::charge, ~u128{0}, snapshot), Code::ok);  // no sum wraps
  EXPECT_EQ(check_voucher(~u128{0}, Purpose::charge, 1, snapshot), Code::cumulative_exceeds_balance);
}

TEST_F(ChannelTest, TakesAGoodDeposit) {
  EXPECT_EQ(verify(item(1000), deposit(10'000)).code, Code::ok);
  EXPECT_EQ(verify(item(1000), deposit(~u128{0})).code, Code::ok);
}

TEST_F(ChannelTest, ChecksADepositInOrder) {
  const VoucherItem good = item(1000);
  VoucherItem wrong_receiver = good;
  wrong_receiver.terms.pay_to = address_of(1);
  EXPECT_EQ(verify(wrong_receiver, deposit(0)).code, Code::receiver_mismatch);
  EXPECT_EQ(verify(good, deposit(0)).code, Code::deposit_payload);
  EXPECT_EQ(verify(good, deposit(1), kNow + 295).code, Code::payload_authorization_valid_before);
  EXPECT_EQ(verify(good, deposit(1), kNow + 294).code, Code::ok);
  Deposit early = deposit(1);
  early.valid_after = Uint256(kNow + 1);
  sign(early);
  EXPECT_EQ(verify(good, early).code, Code::payload_authorization_valid_after);
  EXPECT_EQ(verify(good, early, kNow + 1).code, Code::ok);
  Deposit changed = deposit(1);
  changed.amount = 2;
  EXPECT_EQ(verify(good, changed).code, Code::receive_authorization_signature);
  changed = deposit(1);
  changed.salt = Uint256(6);
  EXPECT_EQ(verify(good, changed).code, Code::receive_authorization_signature);
  changed = deposit(1);
  changed.signature = support::high_s_twin(changed.signature);
  EXPECT_EQ(verify(good, changed).code, Code::receive_authorization_signature);
  EXPECT_EQ(verify(good, changed).signature, SignatureCheck::high_s);
  EXPECT_EQ(verify(item(1000, config_, stranger_), deposit(1)).code, Code::voucher_signature);
}

TEST_F(ChannelTest, TiesADepositToItsChannelCollectorAndToken) {
  ChannelConfig other = config_;
  other.salt.bytes[0] = 1;
  EXPECT_EQ(verify(item(1000, other, agent_), deposit(1)).code, Code::receive_authorization_signature);
  EXPECT_EQ(verify_deposit(item(1000), deposit(1), token_, address_of(9), kNow).code,
            Code::receive_authorization_signature);
  const crypto::TokenDomain token("USDC", "2", 84532, address_of(9));
  EXPECT_EQ(verify_deposit(item(1000), deposit(1), token, collector_, kNow).code, Code::token_mismatch);
}

TEST_F(ChannelTest, ComparesADepositWithTheChain) {
  const Snapshot snapshot = escrow(5000, 2000);
  EXPECT_EQ(check_deposit(deposit(100), 5100, 100, snapshot), Code::ok);
  EXPECT_EQ(check_deposit(deposit(100), 5101, 100, snapshot), Code::cumulative_exceeds_balance);
  EXPECT_EQ(check_deposit(deposit(100), 5100, 99, snapshot), Code::insufficient_balance);
  EXPECT_EQ(check_deposit(deposit(100), 2000, 100, snapshot), Code::cumulative_below_claimed);
  EXPECT_EQ(check_deposit(deposit(~u128{0}), 5100, ~u128{0}, snapshot), Code::deposit_payload);
  EXPECT_EQ(check_deposit(deposit(~u128{0}), 5100, ~u128{0}, {}), Code::ok);
}

TEST_F(ChannelTest, ChecksEveryRowOfAClaim) {
  std::vector<Claim> claims(70, claim(3000, 2500));
  claims[1].total_claimed = 3001;
  claims[2].signature.bytes[3] ^= 1;
  claims[3].maximum = 3001;
  claims[69].signature = support::high_s_twin(claims[69].signature);
  std::vector<Answer> answers(claims.size());
  verify_claims(domain_, claims, answers);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const bool bad_signature = i == 2 || i == 3 || i == 69;
    EXPECT_EQ(answers[i].code, i == 1 ? Code::claim_payload : bad_signature ? Code::voucher_signature : Code::ok) << i;
  }
  EXPECT_EQ(answers[69].signature, SignatureCheck::high_s);
}

TEST_F(ChannelTest, WantsOneAuthorizerForAClaim) {
  std::vector<Claim> claims{claim(3000, 2500), claim(10, 5)};
  const Signature good = authorizer_.sign(claim_batch_digest(domain_, claim_entries(domain_, claims)));
  EXPECT_EQ(verify_claim_batch(domain_, claims, good), Code::ok);
  std::swap(claims[0], claims[1]);
  EXPECT_EQ(verify_claim_batch(domain_, claims, good), Code::authorizer_address_mismatch);
  claims[1].config.receiver_authorizer = stranger_.address();
  EXPECT_EQ(check_claim_batch(claims), Code::authorizer_address_mismatch);
  EXPECT_EQ(check_claim_batch({}), Code::claim_payload);
  EXPECT_EQ(check_claim_batch(std::vector<Claim>(base::limits::kClaimRowsMax, claims[0])), Code::ok);
  EXPECT_EQ(check_claim_batch(std::vector<Claim>(base::limits::kClaimRowsMax + 1, claims[0])), Code::claim_payload);
}

TEST_F(ChannelTest, ComparesARowWithTheChain) {
  const Snapshot snapshot = escrow(5000, 2000);
  EXPECT_EQ(check_claim(2001, snapshot), Code::ok);
  EXPECT_EQ(check_claim(5000, snapshot), Code::ok);
  EXPECT_EQ(check_claim(5001, snapshot), Code::cumulative_exceeds_balance);
  EXPECT_EQ(check_claim(2000, snapshot), Code::cumulative_below_claimed);
}

TEST_F(ChannelTest, ChecksARefund) {
  const Hash id = channel_id(domain_, config_);
  const Signature good = authorizer_.sign(refund_digest(domain_, id, Uint256(3), 100));
  EXPECT_EQ(verify_refund(domain_, config_, Uint256(3), 100, good), Code::ok);
  EXPECT_EQ(verify_refund(domain_, config_, Uint256(4), 100, good), Code::authorizer_address_mismatch);
  EXPECT_EQ(verify_refund(domain_, config_, Uint256(3), 101, good), Code::authorizer_address_mismatch);
  EXPECT_EQ(verify_refund(domain_, config_, Uint256(3), 0, good), Code::refund_amount_invalid);
  const Signature by_payer = payer_.sign(refund_digest(domain_, id, Uint256(3), 100));
  EXPECT_EQ(verify_refund(domain_, config_, Uint256(3), 100, by_payer), Code::authorizer_address_mismatch);

  Snapshot snapshot = escrow(5000, 2000);
  snapshot.refund_nonce = Uint256(3);
  EXPECT_EQ(check_refund(100, Uint256(3), 0, snapshot), Code::ok);
  EXPECT_EQ(check_refund(100, Uint256(3), 4999, snapshot), Code::ok);
  EXPECT_EQ(check_refund(100, Uint256(3), 5000, snapshot), Code::refund_no_balance);
  EXPECT_EQ(check_refund(100, Uint256(2), 0, snapshot), Code::refund_simulation_failed);
  EXPECT_EQ(check_refund(0, Uint256(3), 0, snapshot), Code::refund_amount_invalid);
}

TEST(ChannelCodes, AreTheProtocols) {
  EXPECT_EQ(text(Code::ok), "");
  EXPECT_EQ(text(Code::cumulative_amount_mismatch), "invalid_batch_settlement_evm_cumulative_amount_mismatch");
  EXPECT_EQ(text(Code::nothing_to_settle), "invalid_batch_settlement_evm_nothing_to_settle");
  EXPECT_FALSE(sentence(Code::rpc_read_failed).empty());
}

}  // namespace
}  // namespace commitments::channel
