// x402 `exact` on a real ledger and a chain that says what the test wants.

#include "facilitator/exact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/uint256.h"
#include "commitments/exact/codes.h"
#include "crypto/eip3009.h"
#include "tests/support/silent_chain.h"
#include "tests/unit/facilitator/scheme_world.h"

namespace facilitator {
namespace {

namespace core = ledger::core;
using ::testing::HasSubstr;
using S = core::SettlementState;

constexpr std::uint64_t kChainId = 84532;

class FakeChain final : public support::SilentChain {
 public:
  FakeChain() {
    evm::TokenInfo token;
    token.address.bytes.fill(0x70);
    token.name = "USDC";
    token.version = "2";
    token.decimals = 6;
    tokens_.push_back(token);
    chain_id_ = kChainId;
    relayer_ = support::secret_key(support::Role::keeper, 1).address();
    state.balance = 1'000'000;
    state.simulation.succeeds = true;
  }
  void simulate(const base::Address&, const base::Bytes&, evm::Done<evm::Simulation> done) override {
    done(state.simulation);
  }
  void authorization(const base::Address&, const base::Address&, const base::Hash&, const base::Bytes&,
                     evm::Done<evm::AuthorizationState> done) override {
    if (down) return done(base::error(base::ErrorCode::unavailable, "the node does not answer"));
    done(state);
  }
  void balance(const base::Address&, const base::Address&, evm::Done<base::u128> done) override { done(state.balance); }
  evm::AuthorizationState state;
  bool down = false;
};

struct Terms {
  std::string amount = "1000";
  std::string asset = "0x7070707070707070707070707070707070707070";
  std::string name = "USDC";
  std::uint64_t value = 1'000;
  std::uint64_t valid_before = support::kNow + 300;
  std::uint8_t nonce = 1;
  bool to_another = false;
};

class ExactTest : public ::testing::Test {
 protected:
  ExactTest() : world_("exact") {
    world_.scheme = make_exact({chain_, *world_.relays, world_.clock, world_.post(), 20'000});
  }

  std::string request(const Terms& terms) const {
    const crypto::SecretKey key = support::secret_key(support::Role::payer, 0);
    crypto::Authorization a;
    a.from = key.address();
    a.to = terms.to_another ? support::secret_key(support::Role::payee, 1).address() : pay_to();
    a.value = base::Uint256(terms.value);
    a.valid_before = base::Uint256(terms.valid_before);
    a.nonce.bytes.fill(terms.nonce);
    base::Address token;
    token.bytes.fill(0x70);
    const crypto::TokenDomain domain("USDC", "2", kChainId, token);
    const base::Signature signature = key.sign(crypto::transfer_authorization_digest(domain.separator, a));
    const std::string requirements = R"({"scheme":"exact","network":"eip155:84532","amount":")" + terms.amount +
                                     R"(","asset":")" + terms.asset + R"(","payTo":")" + base::to_hex(pay_to()) +
                                     R"(","maxTimeoutSeconds":60,"extra":{"name":")" + terms.name +
                                     R"(","version":"2"}})";
    return R"({"x402Version":2,"paymentPayload":{"x402Version":2,"accepted":)" + requirements +
           R"(,"payload":{"signature":")" + base::to_hex(signature.view()) + R"(","authorization":{"from":")" +
           base::to_hex(a.from) + R"(","to":")" + base::to_hex(a.to) + R"(","value":")" + a.value.to_decimal_string() +
           R"(","validAfter":"0","validBefore":")" + a.valid_before.to_decimal_string() + R"(","nonce":")" +
           base::to_hex(a.nonce) + R"("}}},"paymentRequirements":)" + requirements + "}";
  }
  static base::Address pay_to() { return support::secret_key(support::Role::payee, 0).address(); }

  // Asks; the answer comes when the test lets things run.
  void ask(Operation operation, const Terms& terms, std::vector<Answer>& answers) {
    world_.ask(operation, request(terms), answers);
  }
  VerifyResponse verify(const Terms& terms) {
    return std::get<VerifyResponse>(world_.answer_to(Operation::verify, request(terms)));
  }
  SettleResponse settle_now(const Terms& terms) {
    return std::get<SettleResponse>(world_.answer_to(Operation::settle, request(terms)));
  }
  void step(S to, core::FailureClass failure = core::FailureClass::none, std::string detail = {}) {
    world_.step(to, 1, failure, std::move(detail));
  }

  FakeChain chain_;
  support::SchemeWorld world_;
};

TEST_F(ExactTest, VerifiesWhatTheChainWouldTake) {
  const VerifyResponse response = verify({});
  EXPECT_TRUE(response.valid) << response.reason << " " << response.message;
  EXPECT_EQ(response.payer, base::to_hex(support::secret_key(support::Role::payer, 0).address()));
  EXPECT_EQ(world_.settlements(), 0u) << "verifying records nothing";
}

TEST_F(ExactTest, RefusesByTheProtocolsCodes) {
  const auto reason = [this](const Terms& terms) { return verify(terms).reason; };
  EXPECT_EQ(reason({.value = 999}), "invalid_exact_evm_payload_authorization_value_mismatch");
  EXPECT_EQ(reason({.to_another = true}), "invalid_exact_evm_payload_recipient_mismatch");
  EXPECT_EQ(reason({.valid_before = support::kNow}), "invalid_exact_evm_payload_authorization_valid_before");
  EXPECT_EQ(reason({.name = "USD Coin"}), "invalid_exact_evm_token_name_mismatch");
  EXPECT_EQ(reason({.asset = "0x7171717171717171717171717171717171717171"}), "invalid_exact_evm_eip3009_not_supported");
  chain_.state.balance = 999;
  EXPECT_EQ(reason({}), "insufficient_funds");
  chain_.state.balance = 1'000;
  chain_.state.simulation = {false, "Pausable: paused", {}};
  EXPECT_EQ(reason({}), "invalid_exact_evm_transaction_simulation_failed");
  chain_.state.used = true;
  EXPECT_EQ(reason({}), "invalid_exact_evm_nonce_already_used");
}

TEST_F(ExactTest, AChainThatIsDownIsNoRefusalOfThePayment) {
  chain_.down = true;
  std::vector<Answer> answers;
  ask(Operation::verify, {}, answers);
  world_.run_until([&] { return answers.size() == 1; });
  EXPECT_EQ(std::get<Refusal>(answers.at(0)).http_status, 503u);
}

TEST_F(ExactTest, AThousandSettlesAreOneTransactionAndAThousandEqualAnswers) {
  std::vector<Answer> answers;
  for (int i = 0; i < 1000; ++i) ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1000; });
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(world_.settlements(), 1u);
  step(S::sending);
  step(S::accepted);
  step(S::confirmed);
  world_.run_until([&] { return answers.size() == 1000; });
  for (const Answer& answer : answers) {
    EXPECT_EQ(to_http(answer), to_http(answers[0]));
    EXPECT_TRUE(std::get<SettleResponse>(answer).success);
    EXPECT_EQ(std::get<SettleResponse>(answer).transaction, "0xhash");
  }
  const auto relay = world_.ledger->reader().relay(core::SettlementId(1));
  ASSERT_TRUE(relay);
  const auto order = evm::decode_order(relay->order);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->chain_id, kChainId);
  EXPECT_EQ(order->deadline_s, support::kNow + 300);
  world_.time_is_up();  // nobody is answered twice
  EXPECT_EQ(answers.size(), 1000u);
}

TEST_F(ExactTest, SlownessIsPendingWithTheHashAndTheSameAgainFindsIt) {
  std::vector<Answer> answers;
  ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1; });
  step(S::sending);
  step(S::accepted);
  world_.time_is_up();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(std::get<SettleResponse>(answers[0]).success);
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, "settlement_pending");
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).transaction, "0xhash");
  step(S::confirmed);
  world_.clock.advance_us(1'000'000'000);  // its time is over by now
  const SettleResponse again = settle_now({});
  EXPECT_TRUE(again.success) << again.reason;
  EXPECT_EQ(again.transaction, "0xhash");
  EXPECT_EQ(world_.settlements(), 1u);
}

TEST_F(ExactTest, AFailureHasItsCodeAndAskingAgainIsOneNewAttempt) {
  std::vector<Answer> answers;
  ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1; });
  step(S::failed, core::FailureClass::insufficient_funds, "insufficient_balance: the simulation says no");
  world_.run_until([&] { return answers.size() == 1; });
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, "insufficient_funds");
  EXPECT_EQ(world_.ledger->settlement(core::SettlementId(1)).attempt, 1u);
  for (int i = 0; i < 100; ++i) ask(Operation::settle, {}, answers);
  world_.run_until(
      [&] { return world_.ledger->settlement(core::SettlementId(1)).attempt == 2u && world_.timers.size() == 101; });
  step(S::sending);
  step(S::confirmed);
  world_.run_until([&] { return answers.size() == 101; });
  EXPECT_EQ(world_.ledger->settlement(core::SettlementId(1)).attempt, 2u);
  for (std::size_t i = 1; i < answers.size(); ++i) {
    EXPECT_TRUE(std::get<SettleResponse>(answers[i]).success) << "the old failure is not the answer to a new attempt";
    EXPECT_EQ(to_http(answers[i]), to_http(answers[1]));
  }
}

TEST_F(ExactTest, AnUnknownOutcomeIsNeverTriedAgain) {
  std::vector<Answer> answers;
  ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1; });
  step(S::sending);
  step(S::unknown);
  for (int i = 0; i < 10; ++i) ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 11; });
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(world_.ledger->settlement(core::SettlementId(1)).attempt, 1u);
  world_.time_is_up();
  ASSERT_EQ(answers.size(), 11u);
  EXPECT_EQ(std::get<SettleResponse>(answers[10]).reason, "settlement_pending");
}

TEST_F(ExactTest, AFacilitatorThatStopsKeepsNobodyWaiting) {
  std::vector<Answer> answers;
  ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1; });
  world_.scheme->hurry();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, "settlement_pending");
  EXPECT_EQ(settle_now({}).reason, "settlement_pending") << "not even who comes late";
  EXPECT_EQ(world_.timers.size(), 1u);
}

TEST_F(ExactTest, SaysWhichTokensItTakesAndWhoSends) {
  EXPECT_EQ(world_.scheme->scheme(), "exact");
  EXPECT_EQ(world_.scheme->network(), "eip155:84532");
  EXPECT_EQ(world_.scheme->supported_extra(),
            R"({"assetTransferMethod":"eip3009","assets":[{"asset":"0x7070707070707070707070707070707070707070",)"
            R"("name":"USDC","version":"2","decimals":6}]})");
  EXPECT_THAT(world_.scheme->signers(),
              ::testing::ElementsAre(::testing::Pair("eip155:*", base::to_hex(chain_.relayer()))));
}

TEST_F(ExactTest, ASignatureHasOneForm) {
  const std::string good = request({});
  const std::size_t at = good.find("\"signature\":\"0x") + 15;
  const auto reason = [&](Operation operation, const std::string& text) {
    std::vector<Answer> answers;
    JsonDocument document;
    EXPECT_TRUE(document.parse(text, JsonLimits{}));
    const auto decoded = decode_request(operation, document, document.root());
    world_.scheme->run(std::get<PaymentRequest>(decoded), [&](Answer answer) { answers.push_back(std::move(answer)); });
    world_.run_until([&] { return answers.size() == 1; });
    if (operation == Operation::verify) return std::get<VerifyResponse>(answers.at(0)).reason;
    return std::get<SettleResponse>(answers.at(0)).reason;
  };
  for (const Operation operation : {Operation::verify, Operation::settle}) {
    const std::string v = good.substr(at + 128, 2);
    const std::string low_v = v == "1b" ? "00" : "01";
    EXPECT_EQ(reason(operation, std::string(good).replace(at + 128, 2, low_v)), "invalid_exact_evm_payload_signature");
    EXPECT_EQ(reason(operation, std::string(good).erase(at + 128, 2)), "invalid_exact_evm_payload_signature");
    EXPECT_EQ(reason(operation, std::string(good).replace(at + 64, 64, 64, 'f')),
              "invalid_exact_evm_payload_signature");
    EXPECT_EQ(reason(operation, std::string(good).replace(at, 1, 1, 'x')), "invalid_payload");
  }
  EXPECT_EQ(world_.settlements(), 0u);
}

TEST_F(ExactTest, OtherTermsForTheSameAuthorisationAreRefused) {
  std::vector<Answer> answers;
  ask(Operation::settle, {}, answers);
  world_.run_until([&] { return world_.timers.size() == 1; });
  const SettleResponse other = settle_now({.amount = "2000", .value = 2'000});
  EXPECT_EQ(other.reason, "invalid_payload");
  EXPECT_EQ(world_.settlements(), 1u);
  step(S::sending);
  step(S::confirmed);
  world_.run_until([&] { return answers.size() == 1; });
}

}  // namespace
}  // namespace facilitator
