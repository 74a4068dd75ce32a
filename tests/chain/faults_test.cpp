// What goes wrong between us, the node and the chain, and that nothing is paid twice or lost by it.

#include "settlers/stablecoin/transaction.h"
#include "tests/chain/chain_fixture.h"
#include "tests/chain/proxy.h"

namespace chain_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(ChainTest, ALostReplyIsFoundOnTheChain) {
  give(payer_, 1'000);
  allow(kUnlimited);
  Proxy proxy(io_, chain_->port());
  proxy.lose_replies("eth_sendRawTransaction", 2);  // the client asks once more on a fresh connection
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::unknown);
  run_until_final(id);
  EXPECT_GE(proxy.lost(), 1);
  EXPECT_THAT(ledger_.path(id), Contains(S::unknown));
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(ChainTest, ANodeThatIsDownIsNeverAFailedPayment) {
  give(payer_, 1'000);
  allow(kUnlimited);
  Proxy proxy(io_, chain_->port());
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId first = collect(100);
  run_until_state(first, S::confirmed);
  proxy.set_down(true);
  const SettlementId second = collect(200);
  run_until([&] { return dispatcher_->status().rails[0].faults >= 3; });
  EXPECT_EQ(ledger_.at(first).state, S::confirmed);
  EXPECT_EQ(ledger_.at(second).state, S::ready);
  EXPECT_EQ(ledger_.count(S::failed), 0u);
  proxy.set_down(false);
  run_until_final(first);
  run_until_final(second);
  EXPECT_EQ(balance(operator_), 300u);
}

TEST_F(ChainTest, StartsWithoutTheNodeAndChecksItLater) {
  give(payer_, 1'000);
  allow(kUnlimited);
  Proxy proxy(io_, chain_->port());
  proxy.set_down(true);
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until([&] { return ledger_.at(id).technical_retries >= 1; });
  EXPECT_EQ(ledger_.at(id).state, S::ready);
  proxy.set_down(false);
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 100u);
}

TEST_F(ChainTest, ACrashBetweenSendAndRecordPaysOnce) {
  give(payer_, 1'000);
  allow(kUnlimited);
  ledger_.never_recorded = {S::accepted, S::confirmed, S::final, S::unknown};
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until([&] { return balance(operator_) == 100; });
  ASSERT_EQ(ledger_.at(id).state, S::sending);
  end();
  ledger_.never_recorded = {};
  ASSERT_TRUE(begin());
  run_until_final(id);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(ChainTest, ACrashBetweenRecordAndSendPaysOnceWithTheRecordedBytes) {
  give(payer_, 1'000);
  allow(kUnlimited);
  Proxy proxy(io_, chain_->port());
  stablecoin_.rpc_url = proxy.url();
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.to == S::sending) proxy.set_down(true);  // nothing leaves any more
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
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(ChainTest, ACrashBeforeTheRecordUsesTheSameNonceAgain) {
  give(payer_, 1'000);
  allow(kUnlimited);
  ledger_.never_recorded = {S::sending};
  bool asked = false;
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) { asked = step.to == S::sending; };
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until([&] { return asked; });
  end();
  ASSERT_EQ(ledger_.at(id).state, S::ready);
  ledger_.never_recorded = {};
  ASSERT_TRUE(begin());
  EXPECT_EQ(gauge("signer_next_nonce"), 1);
  run_until_final(id);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(balance(operator_), 100u);
}

TEST_F(ChainTest, TheLedgerAloneIsEnoughWhenTheNonceFileIsLost) {
  give(payer_, 1'000);
  allow(kUnlimited);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId first = collect(100);
  run_until_state(first, S::accepted);
  end();
  std::filesystem::remove_all(directory_ / "nonces");
  ASSERT_TRUE(chain_->rpc("anvil_dropTransaction", "[\"" + ledger_.at(first).reference + "\"]"));
  ASSERT_TRUE(begin());
  const SettlementId second = collect(10);
  run_until_state(second, S::accepted);
  run_rounds(3);
  ASSERT_TRUE(chain_->set_automine(true));
  ASSERT_TRUE(chain_->mine(1));
  run_until_final(first);
  run_until_final(second);
  EXPECT_EQ(balance(operator_), 110u) << "the second payment did not take the first one's nonce";
  EXPECT_EQ(nonce(), 2u);
}

TEST_F(ChainTest, AGapIsFilledSoThatLaterPaymentsGoThrough) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.gap_after_ms = 100;
  ASSERT_TRUE(begin());
  const SettlementId cancelled = collect(100);
  ledger_.before_step = [&](const ledger::core::StepSettlement& step) {
    if (step.id == cancelled && step.to == S::sending) ledger_.at(cancelled).state = S::cancelled;
  };
  run_until([&] { return ledger_.at(cancelled).state == S::cancelled; });
  const SettlementId next = collect(10);
  run_until_final(next);
  EXPECT_EQ(balance(operator_), 10u);
  EXPECT_EQ(nonce(), 2u) << "a filler and a payment";
  EXPECT_EQ(gauge("nonce_gaps_filled_total"), 1);
}

TEST_F(ChainTest, AStuckTransactionIsReplacedAtHigherFees) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.stuck_after_ms = 100;
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  const std::string first = ledger_.at(id).reference;
  run_until([&] { return gauge("fee_bumps_total") >= 2; });
  ASSERT_TRUE(chain_->set_automine(true));
  ASSERT_TRUE(chain_->mine(1));
  run_until_final(id);
  EXPECT_NE(ledger_.at(id).reference, first) << "the replacement is the one in the block";
  EXPECT_EQ(chain_->receipt_status(*base::hash_from_hex(ledger_.at(id).reference)).value(), 1);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
}

TEST_F(ChainTest, AReplacementIsFoundAfterACrash) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.stuck_after_ms = 100;
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  run_until([&] { return gauge("fee_bumps_total") >= 1; });
  end();
  ASSERT_TRUE(chain_->set_automine(true));
  ASSERT_TRUE(chain_->mine(1));
  ASSERT_EQ(balance(operator_), 100u);
  ASSERT_TRUE(begin());
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(ChainTest, AForgottenReplacementIsRecognisedByItsNonce) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.stuck_after_ms = 100;
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  const std::string first = ledger_.at(id).reference;
  run_until([&] { return gauge("fee_bumps_total") >= 2; });
  end();
  std::filesystem::remove_all(directory_ / "nonces");
  ledger_.at(id).reference = first;  // neither the nonce file nor the ledger knows the one in the block
  ASSERT_TRUE(chain_->mine(30));
  ASSERT_EQ(balance(operator_), 100u);
  ASSERT_TRUE(chain_->set_automine(true));
  ASSERT_TRUE(begin());
  run_until_final(id);
  EXPECT_NE(ledger_.at(id).reference, first);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  EXPECT_EQ(balance(operator_), 100u);
}

TEST_F(ChainTest, ASignerWithoutGasMoneyStopsTheRailAndFailsNobody) {
  give(payer_, 1'000);
  allow(kUnlimited);
  const u128 before = chain_->gas_balance(operator_).value();
  ASSERT_TRUE(chain_->set_gas_balance(operator_, 1'000));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until([&] { return ledger_.at(id).technical_retries >= 1; });
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("too little money for gas"));
  run_until([&] { return dispatcher_->status().rails[0].description.find("little gas money") != std::string::npos; });
  ASSERT_TRUE(chain_->set_gas_balance(operator_, before));
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
}

TEST_F(ChainTest, AReorganisationReturnsThePaymentToAcceptedAndItHappensOnce) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.finality = {BlockRule::Kind::depth, 20};
  ASSERT_TRUE(chain_->mine(5));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::confirmed);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(chain_->reorganise(1));
  ASSERT_EQ(balance(operator_), 0u);
  run_until_state(id, S::accepted);
  EXPECT_EQ(ledger_.at(id).attempt, 1u);
  ASSERT_TRUE(chain_->set_automine(true));
  run_until([&] {
    if (ledger_.at(id).state != S::final) mine_one();
    return ledger_.at(id).state == S::final;
  });
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_GE(gauge("reorganisations_total"), 1);
}

TEST_F(ChainTest, ANonceTakenByAnotherTransactionIsADefiniteFailureOnceFinal) {
  give(payer_, 1'000);
  allow(kUnlimited);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  const std::string first = ledger_.at(id).reference;
  // Somebody uses the key elsewhere, against the rules: another transaction takes nonce 0.
  settlers::stablecoin::Transaction foreign;
  foreign.chain_id = 31337;
  foreign.nonce = 0;
  foreign.max_fee_wei = 100'000'000'000;
  foreign.max_priority_fee_wei = 50'000'000'000;
  foreign.gas_limit = 21'000;
  foreign.to = payee_;
  const auto raw = settlers::stablecoin::sign(foreign, dev_key(kOperator)).raw;
  ASSERT_TRUE(chain_->rpc("eth_sendRawTransaction", "[\"" + base::to_hex(raw) + "\"]"));
  ASSERT_TRUE(chain_->mine(1));
  run_rounds(5);
  EXPECT_EQ(ledger_.at(id).attempt, 1u) << "one block is not final";
  EXPECT_EQ(ledger_.at(id).state, S::accepted);
  ASSERT_TRUE(chain_->set_automine(true));
  ASSERT_TRUE(chain_->mine(3));
  run_until([&] { return ledger_.at(id).technical_retries == 1; });
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 100u);
  EXPECT_NE(ledger_.at(id).reference, first);
}

TEST_F(ChainTest, ARevertInTheBlockIsADefiniteFailureWithItsReason) {
  give(payer_, 1'000);
  allow(500);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  // The payer takes the allowance back in the same block, with a higher tip: first.
  settlers::stablecoin::Transaction revoke;
  revoke.chain_id = 31337;
  revoke.nonce = chain_->transaction_count(payer_).value();
  revoke.max_fee_wei = 100'000'000'000;
  revoke.max_priority_fee_wei = 50'000'000'000;
  revoke.gas_limit = 100'000;
  revoke.to = token_;
  revoke.data =
      settlers::stablecoin::call_data("approve(address,uint256)", {settlers::stablecoin::word_of(operator_), {}});
  const auto raw = settlers::stablecoin::sign(revoke, dev_key(kPayer)).raw;
  ASSERT_TRUE(chain_->rpc("eth_sendRawTransaction", "[\"" + base::to_hex(raw) + "\"]"));
  ASSERT_TRUE(chain_->mine(1));
  run_until_state(id, S::failed);
  EXPECT_EQ(ledger_.at(id).failure, FailureClass::no_mandate);
  EXPECT_THAT(ledger_.at(id).detail, HasSubstr("reverted in block"));
  EXPECT_EQ(balance(operator_), 0u);
}

TEST_F(ChainTest, TheKillSwitchAlsoStopsRepeatedBroadcasts) {
  give(payer_, 1'000);
  allow(kUnlimited);
  stablecoin_.stuck_after_ms = 50;
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(begin());
  const SettlementId id = collect(100);
  run_until_state(id, S::accepted);
  dispatcher_->set_enabled("stablecoin", false);
  run_rounds(2);
  const std::int64_t bumps = gauge("fee_bumps_total");
  ASSERT_TRUE(chain_->rpc("anvil_dropAllTransactions", "[]"));
  run_rounds(10);
  EXPECT_EQ(gauge("fee_bumps_total"), bumps);
  ASSERT_TRUE(chain_->mine(1));
  EXPECT_EQ(nonce(), 0u) << "nothing was broadcast again";
  dispatcher_->set_enabled("stablecoin", true);
  ASSERT_TRUE(chain_->set_automine(true));
  run_until_final(id);
  EXPECT_EQ(balance(operator_), 100u);
}

TEST_F(ChainTest, RefusesAnotherChain) {
  stablecoin_.chain_id = 1;
  const auto started = begin();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("is on chain 31337"));
  EXPECT_THAT(started.error().message, HasSubstr("chain_id is 1"));
}

TEST_F(ChainTest, RefusesAnotherSigningDomainWithBothValues) {
  stablecoin_.tokens[0].eip712_name = "USD Coin";
  const auto started = begin();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message,
              HasSubstr(base::to_hex(settlers::stablecoin::domain_separator(stablecoin_.tokens[0], 31337))));
  settlers::stablecoin::Token right = stablecoin_.tokens[0];
  right.eip712_name = "USDC";
  EXPECT_THAT(started.error().message, HasSubstr(base::to_hex(settlers::stablecoin::domain_separator(right, 31337))));
}

TEST_F(ChainTest, RefusesATokenWithoutCodeOrWithOtherDecimals) {
  stablecoin_.tokens[0].decimals = 18;
  const auto decimals = begin();
  ASSERT_FALSE(decimals);
  EXPECT_THAT(decimals.error().message, HasSubstr("decimals()"));
  end();
  stablecoin_.tokens[0].decimals = 6;
  stablecoin_.tokens[0].address = payee_;
  const auto code = begin();
  ASSERT_FALSE(code);
  EXPECT_THAT(code.error().message, HasSubstr("has no code"));
}

TEST_F(ChainTest, RefusesASecondOwnerOfTheNonces) {
  ASSERT_TRUE(begin());
  auto second = settlers::stablecoin::make_stablecoin(io_, stablecoin_, dev_key(kOperator), clock_);
  ASSERT_TRUE(second);
  std::optional<base::Result<void>> started;
  (*second)->start([&started](base::Result<void> result) { started = std::move(result); });
  ASSERT_TRUE(started.has_value());
  ASSERT_FALSE(*started);
  EXPECT_EQ(started->error().code, base::ErrorCode::permission);
}

}  // namespace
}  // namespace chain_test
