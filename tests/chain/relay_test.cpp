// Relays on a real node: an EIP-3009 authorisation (x402 `exact`) that our account sends for its owner.

#include <functional>

#include "evm/eip3009.h"
#include "evm/order.h"
#include "evm/refusal.h"
#include "settlers/stablecoin/chain_reader.h"
#include "settlers/stablecoin/transaction.h"
#include "tests/chain/ledger_fixture.h"
#include "tests/chain/proxy.h"

namespace chain_test {
namespace {

using evm::Refusal;
using evm::RelayOrder;
using evm::word_of;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr unsigned kStranger = 3;
constexpr std::uint64_t kFarAway_s = 4'000'000'000;

struct Payment {
  Address to;
  std::uint64_t value = 250'000;
  std::uint64_t valid_after = 0;
  std::uint64_t valid_before = kFarAway_s;
  std::uint8_t nonce = 0x11;
};

// The functions of a chain with relays; over the fixture of payments and over that with a real ledger.
template <typename Fixture>
class Relays : public Fixture {
 protected:
  base::Hash nonce_of(const Payment& payment) const {
    base::Hash nonce;
    nonce.bytes.fill(payment.nonce);
    return nonce;
  }
  crypto::Authorization authorization_of(const Payment& payment) const {
    using base::Uint256;
    return {this->payer_,
            payment.to,
            Uint256(payment.value),
            Uint256(payment.valid_after),
            Uint256(payment.valid_before),
            nonce_of(payment)};
  }
  base::Bytes transfer_data(const Payment& payment) {
    const crypto::Authorization authorization = authorization_of(payment);
    const base::Hash domain = settlers::stablecoin::domain_separator(this->stablecoin_.tokens[0], 31337);
    return evm::call_transfer_with_authorization(
        authorization, dev_key(kPayer).sign(crypto::transfer_authorization_digest(domain, authorization)));
  }
  RelayOrder order(const Payment& payment) {
    RelayOrder order;
    order.chain_id = 31337;
    order.to = this->token_;
    order.data = transfer_data(payment);
    order.deadline_s = payment.valid_before;
    order.proof = evm::authorized_transfer_events(this->token_, authorization_of(payment));
    order.elsewhere = order.proof;
    return order;
  }
  // A transaction of another account; gives its hash. With a high tip it is first in its block.
  std::string send_as(unsigned who, const Address& to, const base::Bytes& data) {
    settlers::stablecoin::Transaction transaction;
    transaction.chain_id = 31337;
    transaction.nonce = this->chain_->transaction_count(dev_key(who).address()).value();
    transaction.max_fee_wei = 100'000'000'000;
    transaction.max_priority_fee_wei = 50'000'000'000;
    transaction.gas_limit = 200'000;
    transaction.to = to;
    transaction.data = data;
    const auto signed_transaction = settlers::stablecoin::sign(transaction, dev_key(who));
    EXPECT_TRUE(this->chain_->rpc("eth_sendRawTransaction", "[\"" + base::to_hex(signed_transaction.raw) + "\"]"));
    return base::to_hex(signed_transaction.hash);
  }
};

class RelayTest : public Relays<ChainTest> {
 protected:
  SettlementId relay(const Payment& payment) { return ledger_.relay(encode(order(payment)), "stablecoin"); }
  Payment to_payee() const { return {payee_}; }
  Refusal refusal(SettlementId id) { return evm::refusal_in_detail(ledger_.at(id).detail); }
  // As RetrySettlement does.
  void try_again(SettlementId id) {
    ledger_.at(id).state = S::ready;
    ++ledger_.at(id).attempt;
    ledger_.at(id).next_action = clock_.now();
  }
};

TEST_F(RelayTest, AnAuthorisationIsSentForItsOwner) {
  give(payer_, 1'000'000);
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_final(id);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(balance(payer_), 750'000u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(chain_->receipt_status(*base::hash_from_hex(ledger_.at(id).reference)).value(), 1);
}

TEST_F(RelayTest, AnEmptyWalletIsADefiniteFailureThatCanBeTriedAgain) {
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::insufficient_funds);
  EXPECT_EQ(refusal(id), Refusal::insufficient_balance);
  EXPECT_EQ(nonce(), 0u) << "nothing was sent";
  give(payer_, 250'000);
  try_again(id);
  run_until_final(id);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(RelayTest, ACancelledAuthorisationIsADefiniteFailure) {
  give(payer_, 1'000'000);
  const base::Hash digest = crypto::cancel_authorization_digest(
      settlers::stablecoin::domain_separator(stablecoin_.tokens[0], 31337), payer_, nonce_of(to_payee()));
  send_as(kPayer, token_,
          evm::call_cancel_authorization(payer_, nonce_of(to_payee()), dev_key(kPayer).sign(digest).view()));
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_EQ(refusal(id), Refusal::authorization_used) << ledger_.at(id).detail;
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(RelayTest, WhatSomebodyElseHasSentIsFollowedAndNothingIsSent) {
  give(payer_, 1'000'000);
  const std::string theirs = send_as(kStranger, token_, transfer_data(to_payee()));
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_final(id);
  EXPECT_EQ(ledger_.at(id).reference, theirs);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 0u);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
}

TEST_F(RelayTest, SomebodyElseIsFasterWhileOursWaitsForABlock) {
  give(payer_, 1'000'000);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::accepted);
  const std::string theirs = send_as(kStranger, token_, transfer_data(to_payee()));
  ASSERT_TRUE(chain_->mine(1));
  ASSERT_TRUE(chain_->set_automine(true));
  run_until_final(id);
  EXPECT_EQ(ledger_.at(id).reference, theirs);
  EXPECT_EQ(balance(payee_), 250'000u) << "once";
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
}

TEST_F(RelayTest, AnAuthorisationThatPaidAnotherIsADefiniteFailure) {
  give(payer_, 1'000'000);
  Payment other = to_payee();
  other.to = dev_key(kStranger).address();
  send_as(kStranger, token_, transfer_data(other));  // the same nonce
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::failed);
  EXPECT_EQ(refusal(id), Refusal::authorization_used);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("used it for something else"));
  EXPECT_EQ(balance(payee_), 0u);
}

TEST_F(RelayTest, AfterAReorganisationWithoutTheirTransactionOursIsSent) {
  give(payer_, 1'000'000);
  stablecoin_.finality = {BlockRule::Kind::depth, 20};
  ASSERT_TRUE(chain_->mine(5));
  send_as(kStranger, token_, transfer_data(to_payee()));
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::confirmed);
  ASSERT_EQ(nonce(), 0u);
  ASSERT_TRUE(chain_->reorganise(1));
  run_until([&] {
    if (ledger_.at(id).state != S::final) mine_one();
    return ledger_.at(id).state == S::final;
  });
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_THAT(ledger_.path(id), Contains(S::accepted));
}

TEST_F(RelayTest, ALostReplyIsFoundOnTheChain) {
  give(payer_, 1'000'000);
  Proxy proxy(io_, chain_->port());
  proxy.lose_replies("eth_sendRawTransaction", 2);
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::unknown);
  run_until_final(id);
  EXPECT_GE(proxy.lost(), 1);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(RelayTest, ACrashBetweenRecordAndSendSendsTheRecordedBytes) {
  give(payer_, 1'000'000);
  Proxy proxy(io_, chain_->port());
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::sending) proxy.set_down(true);
  };
  run_until([&] { return ledger_.at(id).state == S::sending || ledger_.at(id).state == S::unknown; });
  end();
  ASSERT_EQ(nonce(), 0u);
  const std::string recorded = ledger_.at(id).reference;
  ledger_.before_step = nullptr;
  proxy.set_down(false);
  ASSERT_TRUE(begin());
  run_until_final(id);
  EXPECT_EQ(ledger_.at(id).reference, recorded);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(RelayTest, AReorganisationIsFollowedAndItHappensOnce) {
  give(payer_, 1'000'000);
  stablecoin_.finality = {BlockRule::Kind::depth, 20};
  ASSERT_TRUE(chain_->mine(5));
  ASSERT_TRUE(begin());
  const SettlementId id = relay(to_payee());
  run_until_state(id, S::confirmed);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(chain_->reorganise(1));
  ASSERT_EQ(balance(payee_), 0u);
  run_until_state(id, S::accepted);
  ASSERT_TRUE(chain_->set_automine(true));
  run_until([&] {
    if (ledger_.at(id).state != S::final) mine_one();
    return ledger_.at(id).state == S::final;
  });
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
}

TEST_F(RelayTest, AnExpiredAuthorisationIsADefiniteFailure) {
  give(payer_, 1'000'000);
  Payment short_lived = to_payee();
  short_lived.valid_before = clock_.now().seconds() + 600;
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId sent = relay(short_lived);
  run_until_state(sent, S::accepted);
  ASSERT_TRUE(chain_->rpc("evm_increaseTime", "[1000]"));
  ASSERT_TRUE(chain_->mine(1));  // it expired while it waited for a block
  run_until_state(sent, S::failed);
  EXPECT_EQ(ledger_.at(sent).failure, FailureClass::no_mandate);
  EXPECT_EQ(refusal(sent), Refusal::authorization_expired) << ledger_.at(sent).detail;
  ASSERT_TRUE(chain_->set_automine(true));
  short_lived.nonce = 0x22;
  const SettlementId late = relay(short_lived);
  run_until_state(late, S::failed);
  EXPECT_EQ(refusal(late), Refusal::authorization_expired);
  EXPECT_EQ(nonce(), 1u) << "the second one was not sent";
  EXPECT_EQ(balance(payee_), 0u);
}

TEST_F(RelayTest, ForgedAndMalformedOrdersAreNeverSent) {
  give(payer_, 1'000'000);
  ASSERT_TRUE(begin());
  RelayOrder forged = order(to_payee());
  forged.data[99] ^= 1;  // the value
  const SettlementId first = ledger_.relay(encode(forged), "stablecoin");
  run_until_state(first, S::failed);
  EXPECT_EQ(refusal(first), Refusal::signature_invalid) << ledger_.at(first).detail;
  RelayOrder elsewhere = order(to_payee());
  elsewhere.to = payee_;
  const SettlementId second = ledger_.relay(encode(elsewhere), "stablecoin");
  run_until_state(second, S::failed);
  EXPECT_EQ(ledger_.at(second).failure, FailureClass::rejected);
  EXPECT_THAT(ledger_.at(second).detail, HasSubstr("not on the allow-list"));
  RelayOrder foreign = order(to_payee());
  foreign.chain_id = 1;
  const SettlementId third = ledger_.relay(encode(foreign), "stablecoin");
  run_until_state(third, S::failed);
  EXPECT_THAT(ledger_.at(third).detail, HasSubstr("the order is for chain 1"));
  const SettlementId fourth = ledger_.relay({9, 9}, "stablecoin");
  run_until_state(fourth, S::failed);
  EXPECT_THAT(ledger_.at(fourth).detail, HasSubstr("version 9"));
  RelayOrder expensive = order(to_payee());
  expensive.gas_limit_max = 30'000;
  const SettlementId fifth = ledger_.relay(encode(expensive), "stablecoin");
  run_until_state(fifth, S::failed);
  EXPECT_THAT(ledger_.at(fifth).detail, HasSubstr("at most 30000 is allowed"));
  EXPECT_EQ(nonce(), 0u);
}

TEST_F(RelayTest, SuccessWithoutItsEventsIsNoSuccess) {
  give(payer_, 1'000'000);
  ASSERT_TRUE(begin());
  RelayOrder wrong = order(to_payee());
  wrong.proof[1].topics[2] = word_of(dev_key(kStranger).address());
  wrong.elsewhere.clear();
  const SettlementId id = ledger_.relay(encode(wrong), "stablecoin");
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::rejected);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("the events that prove it are missing"));
}

// ---- the facilitator's view

class ReaderTest : public RelayTest {
 protected:
  template <typename T>
  base::Result<T> wait(const std::function<void(evm::Done<T>)>& ask) {
    std::optional<base::Result<T>> answer;
    ask([&answer](base::Result<T> result) {
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer = std::move(result);
    });
    run_until([&answer] { return answer.has_value(); });
    return answer ? *answer : base::Result<T>(base::error(base::ErrorCode::timeout, "no answer"));
  }
  base::Result<evm::AuthorizationState> state_of(evm::Chain& chain, const Payment& payment) {
    return wait<evm::AuthorizationState>([&](evm::Done<evm::AuthorizationState> done) {
      chain.authorization(token_, payer_, nonce_of(payment), transfer_data(payment), std::move(done));
    });
  }
  void run_without_dispatcher() { ASSERT_TRUE(begin()); }  // run_until() looks at one when it fails
};

TEST_F(ReaderTest, AnAuthorisationBeforeAndAfterItIsUsed) {
  run_without_dispatcher();
  const auto chain = std::move(*settlers::stablecoin::make_chain_reader(io_, stablecoin_, operator_));
  EXPECT_EQ(chain->chain_id(), 31337u);
  ASSERT_EQ(chain->tokens().size(), 1u);
  EXPECT_EQ(chain->tokens()[0].address, token_);
  auto state = state_of(*chain, to_payee());
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->balance, 0u);
  EXPECT_FALSE(state->used);
  EXPECT_FALSE(state->simulation.succeeds);
  EXPECT_EQ(evm::refusal_of(state->simulation.reason), Refusal::insufficient_balance);
  give(payer_, 300'000);
  state = state_of(*chain, to_payee());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->balance, 300'000u);
  EXPECT_TRUE(state->simulation.succeeds);
  EXPECT_GT(state->block_time_s, 0u);
  send_as(kStranger, token_, transfer_data(to_payee()));
  // The node answers before the block is there.
  for (int tries = 0; tries < 500; ++tries) {
    state = state_of(*chain, to_payee());
    ASSERT_TRUE(state);
    if (state->used && !state->simulation.succeeds) break;  // the two are read one after the other
  }
  EXPECT_TRUE(state->used);
  EXPECT_EQ(evm::refusal_of(state->simulation.reason), Refusal::authorization_used);
  const auto left = wait<u128>([&](evm::Done<u128> done) { chain->balance(token_, payer_, std::move(done)); });
  ASSERT_TRUE(left);
  EXPECT_EQ(*left, 50'000u);
}

TEST_F(ReaderTest, SaysWhatItCannotRead) {
  run_without_dispatcher();
  const auto chain = std::move(*settlers::stablecoin::make_chain_reader(io_, stablecoin_, operator_));
  const auto channel = wait<evm::ChannelState>([&](evm::Done<evm::ChannelState> done) {
    chain->channel(token_, base::Hash{}, evm::Depth::newest, std::move(done));  // the token is no settlement contract
  });
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, base::ErrorCode::unavailable);
  StablecoinOptions nowhere = stablecoin_;
  nowhere.rpc_url = "http://127.0.0.1:1";
  const auto down = std::move(*settlers::stablecoin::make_chain_reader(io_, nowhere, operator_));
  const auto refused = state_of(*down, to_payee());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::unavailable);
}

TEST_F(ReaderTest, ReadsUnderWayAreAnsweredWhenItEnds) {
  run_without_dispatcher();
  auto chain = std::move(*settlers::stablecoin::make_chain_reader(io_, stablecoin_, operator_));
  int answers = 0;
  for (int i = 0; i < 3; ++i) {
    chain->balance(token_, payer_, [&answers](const base::Result<u128>& result) {
      EXPECT_FALSE(result);
      ++answers;
    });
  }
  chain.reset();
  run_until([&answers] { return answers == 3; });
}

using RelayOnLedger = Relays<LedgerOnChain>;

TEST_F(RelayOnLedger, PlannedAThousandTimesItIsOneTransaction) {
  give(payer_, 1'000'000);
  begin_real();
  ledger::core::PlanRelay plan;
  plan.rail = *base::RailName::parse("stablecoin");
  plan.key = support::test_hash(1);
  plan.order = encode(order({payee_}));
  plan.label = "exact";
  const SettlementId id(real_->must(plan).id);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(real_->must(plan).id, id.value);
  dispatcher_->wake();
  run_until_final_real(id);
  end();
  real_->close();
  real_->open();
  begin_real();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(real_->must(plan).id, id.value);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(balance(payee_), 250'000u);
  EXPECT_EQ(real_->settlement(id).state, S::final);
  EXPECT_EQ(real_->reader().head()->settlements, 1u);
  const auto about = real_->reader().relay(id);
  ASSERT_TRUE(about);
  EXPECT_EQ(about->key, plan.key);
}

}  // namespace
}  // namespace chain_test
