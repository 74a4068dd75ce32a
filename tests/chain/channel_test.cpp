// What we hash is what the contract hashes, and what we encode is what it does: a channel's whole life by our own
// calldata, and `exact`.

#include "commitments/exact/verify.h"
#include "evm/channel_contract.h"
#include "evm/eip3009.h"
#include "settlers/stablecoin/chain_reader.h"
#include "tests/chain/chain_fixture.h"
#include "tests/support/actors.h"

namespace chain_test {
namespace {

namespace channel = commitments::channel;
using base::Bytes;
using base::Hash;
using base::Uint256;

constexpr unsigned kAgent = 3;
constexpr unsigned kAuthorizer = 4;
constexpr std::uint64_t kFarFuture = 4'000'000'000;

class ChannelChainTest : public ChainTest {
 protected:
  void SetUp() override {
    ChainTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto settlement = playground::chain::find_artifact(TABD_SOURCE_ROOT, "BatchSettlement");
    const auto collector = playground::chain::find_artifact(TABD_SOURCE_ROOT, "ERC3009Collector");
    ASSERT_TRUE(settlement && collector) << "to make it: cd tests/chain && npm ci && npm run build";
    const auto contracts = chain_->deploy_settlement(*settlement, *collector);
    ASSERT_TRUE(contracts) << contracts.error().message;
    contracts_ = *contracts;
    domain_.emplace(31337, contracts_.settlement);
    token_domain_.emplace("USDC", "2", 31337, token_);
    config_.payer = payer_;
    config_.payer_authorizer = dev_key(kAgent).address();
    config_.receiver = payee_;
    config_.receiver_authorizer = dev_key(kAuthorizer).address();
    config_.token = token_;
    config_.withdraw_delay_s = 900;
  }
  Hash view(const Bytes& data) {
    const auto answer = chain_->view(contracts_.settlement, data);
    EXPECT_TRUE(answer && answer->size() == 32) << (answer ? base::to_hex(*answer) : answer.error().message);
    return answer ? base::fixed_from_bytes<Hash>(*answer).value_or(Hash{}) : Hash{};
  }
  base::Result<Hash> send(const Bytes& data) { return chain_->send(dev_key(kOperator), contracts_.settlement, data); }
  channel::Snapshot snapshot(const channel::ChannelConfig& config) {
    const Hash id = channel::channel_id(*domain_, config);
    const auto read = [this](const Bytes& data) { return chain_->view(contracts_.settlement, data).value_or(Bytes{}); };
    const auto found = evm::decode_snapshot(read(evm::call_channels(id)), read(evm::call_pending_withdrawals(id)),
                                            read(evm::call_refund_nonce(id)));
    EXPECT_TRUE(found);
    return found.value_or(channel::Snapshot{});
  }
  // As facilitator and channels read it.
  template <typename T, typename Ask>
  base::Result<T> read(Ask question) {
    std::optional<base::Result<T>> answer;
    const auto reader = settlers::stablecoin::make_chain_reader(io_, stablecoin_, operator_);
    EXPECT_TRUE(reader);
    if (!reader) return tl::unexpected<base::Error>(reader.error());
    question(**reader, [&answer](base::Result<T> result) { answer = std::move(result); });
    run_until([&answer] { return answer.has_value(); });
    EXPECT_TRUE(answer && *answer) << (answer && !*answer ? answer->error().message : "no answer");
    return answer.value_or(base::error(base::ErrorCode::timeout, "no answer"));
  }
  evm::ChannelState state_of(const Hash& id, evm::Depth depth = evm::Depth::newest) {
    return read<evm::ChannelState>(
               [&](evm::Chain& chain, auto done) { chain.channel(contracts_.settlement, id, depth, std::move(done)); })
        .value_or(evm::ChannelState{});
  }
  std::vector<evm::LoggedEvent> events_until(std::uint64_t block) {
    return read<std::vector<evm::LoggedEvent>>(
               [&](evm::Chain& chain, auto done) { chain.events(contracts_.settlement, 0, block, std::move(done)); })
        .value_or(std::vector<evm::LoggedEvent>{});
  }
  channel::Deposit deposit(const channel::ChannelConfig& config, u128 amount) const {
    channel::Deposit made;
    made.amount = amount;
    made.valid_before = Uint256(kFarFuture);
    made.salt = Uint256(77);
    const Hash id = channel::channel_id(*domain_, config);
    made.signature = dev_key(kPayer).sign(crypto::receive_authorization_digest(
        token_domain_->separator, channel::deposit_authorization(config, id, made, contracts_.collector)));
    return made;
  }
  channel::Claim claim(const channel::ChannelConfig& config, u128 maximum, u128 total) const {
    const Hash id = channel::channel_id(*domain_, config);
    return {config, maximum, dev_key(kAgent).sign(channel::voucher_digest(*domain_, id, maximum)), true, total};
  }
  Bytes claim_call(const std::vector<channel::Claim>& claims) const {
    const Hash digest = channel::claim_batch_digest(*domain_, channel::claim_entries(*domain_, claims));
    return evm::call_claim_with_signature(claims, dev_key(kAuthorizer).sign(digest).view());
  }
  Bytes refund_call(u128 amount, const Uint256& nonce) const {
    const Hash digest = channel::refund_digest(*domain_, channel::channel_id(*domain_, config_), nonce, amount);
    return evm::call_refund_with_signature(config_, amount, nonce, dev_key(kAuthorizer).sign(digest).view());
  }

  playground::chain::SettlementContracts contracts_;
  std::optional<channel::Domain> domain_;
  std::optional<crypto::TokenDomain> token_domain_;
  channel::ChannelConfig config_;
};

TEST_F(ChannelChainTest, HashesAsTheContractDoes) {
  channel::ChannelConfig other = config_;
  other.payer_authorizer = {};
  other.withdraw_delay_s = (std::uint64_t{1} << 40) - 1;
  other.salt.bytes.fill(0xff);
  Hash ones;
  ones.bytes.fill(0xff);
  for (const channel::ChannelConfig& config : {config_, other}) {
    const Hash id = channel::channel_id(*domain_, config);
    EXPECT_EQ(view(evm::call_get_channel_id(config)), id);
    for (const u128 amount : {u128{0}, u128{3000}, ~u128{0}}) {
      EXPECT_EQ(view(evm::call_get_voucher_digest(id, amount)), channel::voucher_digest(*domain_, id, amount));
      for (const Uint256& nonce : {Uint256(0), Uint256::from_word(ones)}) {
        EXPECT_EQ(view(evm::call_get_refund_digest(id, nonce, amount)),
                  channel::refund_digest(*domain_, id, nonce, amount));
      }
    }
  }
  std::vector<channel::Claim> claims;
  for (int rows = 0; rows < 4; ++rows) {
    EXPECT_EQ(view(evm::call_get_claim_batch_digest(claims)),
              channel::claim_batch_digest(*domain_, channel::claim_entries(*domain_, claims)));
    claims.push_back(claim(rows % 2 == 0 ? config_ : other, ~u128{0}, static_cast<u128>(rows)));
  }
}

TEST_F(ChannelChainTest, WorksAtTheOfficialAddress) {
  const Address official = *base::address_from_hex("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");
  ASSERT_TRUE(chain_->place_code(contracts_.settlement, official));
  const auto answer = chain_->view(official, evm::call_get_channel_id(config_));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(base::to_hex(*answer), base::to_hex(channel::channel_id(channel::Domain(31337, official), config_)));
}

TEST_F(ChannelChainTest, LivesAChannelsLife) {
  give(payer_, 20'000);
  const channel::Deposit first = deposit(config_, 10'000);
  const Hash id = channel::channel_id(*domain_, config_);
  const channel::VoucherItem item{&*domain_,
                                  config_,
                                  {id, 3000, claim(config_, 3000, 0).signature, true},
                                  {payee_, config_.receiver_authorizer, token_, 900}};
  ASSERT_EQ(channel::verify_deposit(item, first, *token_domain_, contracts_.collector, 1'900'000'000).code,
            channel::Code::ok);
  ASSERT_EQ(channel::check_deposit(first, 3000, balance(payer_), snapshot(config_)), channel::Code::ok);
  ASSERT_TRUE(send(evm::call_deposit(config_, first.amount, contracts_.collector, evm::collector_data(first))));
  EXPECT_EQ(snapshot(config_).balance, 10'000u);
  EXPECT_EQ(channel::check_voucher(3000, channel::Purpose::charge, 0, snapshot(config_)), channel::Code::ok);

  const std::vector<channel::Claim> claims{claim(config_, 3000, 2500)};
  ASSERT_TRUE(send(evm::call_multicall(
      std::vector<Bytes>{claim_call(claims), refund_call(1000, Uint256(0)), evm::call_settle(payee_, token_)})));
  EXPECT_EQ(snapshot(config_).total_claimed, 2500u);
  EXPECT_EQ(snapshot(config_).balance, 9000u);
  EXPECT_EQ(snapshot(config_).refund_nonce, Uint256(1));
  EXPECT_EQ(balance(payee_), 2500u);
  EXPECT_EQ(balance(payer_), 11'000u);
  const auto earnings =
      evm::decode_receivers(*chain_->view(contracts_.settlement, evm::call_receivers(payee_, token_)));
  ASSERT_TRUE(earnings);
  EXPECT_EQ(earnings->total_settled, 2500u);

  ASSERT_TRUE(chain_->send(dev_key(kPayer), contracts_.settlement, evm::call_initiate_withdraw(config_, 6500)));
  EXPECT_EQ(snapshot(config_).withdrawal, 6500u);
  const std::uint64_t block_time_s = chain_->block_timestamp_s().value();
  EXPECT_EQ(snapshot(config_).withdraw_requested_at_s, block_time_s);
  const evm::ChannelState state = state_of(id);
  EXPECT_EQ(state.channel.balance, 9000u);
  EXPECT_EQ(state.channel.total_claimed, 2500u);
  EXPECT_EQ(state.channel.withdrawal, 6500u);
  EXPECT_EQ(state.channel.withdraw_requested_at_s, block_time_s);
  EXPECT_EQ(state.channel.refund_nonce, Uint256(1));
  EXPECT_EQ(state.block_time_s, block_time_s);
  EXPECT_FALSE(chain_->send(dev_key(kPayer), contracts_.settlement, evm::call_finalize_withdraw(config_)));
  ASSERT_TRUE(chain_->rpc("evm_increaseTime", "[900]"));
  mine_one();
  ASSERT_TRUE(chain_->send(dev_key(kPayer), contracts_.settlement, evm::call_finalize_withdraw(config_)));
  EXPECT_EQ(balance(payer_), 17'500u);
  EXPECT_EQ(snapshot(config_).withdraw_requested_at_s, 0u);
}

TEST_F(ChannelChainTest, ReadsWhatIsConfirmedAndWhatIsNot) {
  stablecoin_.confirmed = {BlockRule::Kind::depth, 4};
  give(payer_, 20'000);
  const channel::Deposit made = deposit(config_, 10'000);
  const Hash id = channel::channel_id(*domain_, config_);
  ASSERT_TRUE(send(evm::call_deposit(config_, made.amount, contracts_.collector, evm::collector_data(made))));
  const std::vector<channel::Claim> claims{claim(config_, 3000, 2500)};
  ASSERT_TRUE(send(evm::call_multicall(std::vector<Bytes>{claim_call(claims), evm::call_settle(payee_, token_)})));
  EXPECT_EQ(state_of(id).channel.total_claimed, 2500u);
  EXPECT_EQ(state_of(id, evm::Depth::confirmed).channel.balance, 0u) << "the deposit is two blocks deep";
  ASSERT_TRUE(chain_->mine(2));
  EXPECT_EQ(state_of(id, evm::Depth::confirmed).channel.balance, 10'000u);
  EXPECT_EQ(state_of(id, evm::Depth::confirmed).channel.total_claimed, 0u);
  mine_one();

  const evm::Head head = *read<evm::Head>([](evm::Chain& chain, auto done) { chain.head(std::move(done)); });
  EXPECT_EQ(head.newest.number, chain_->block_number().value());
  EXPECT_EQ(head.confirmed.number, head.newest.number - 3);
  const std::vector<evm::ChannelState> both = *read<std::vector<evm::ChannelState>>([&](evm::Chain& chain, auto done) {
    chain.channels(contracts_.settlement, {Hash{}, id}, evm::Depth::confirmed, std::move(done));
  });
  EXPECT_EQ(both[0].channel.balance, 0u);
  EXPECT_EQ(both[1].channel.total_claimed, 2500u);
  EXPECT_EQ(both[1].block_number, head.confirmed.number);
  const evm::EarningsState earnings = *read<evm::EarningsState>([&](evm::Chain& chain, auto done) {
    chain.earnings(contracts_.settlement, payee_, token_, evm::Depth::confirmed, std::move(done));
  });
  EXPECT_EQ(earnings.earnings.total_claimed, 2500u);
  EXPECT_EQ(earnings.earnings.total_settled, 2500u);

  const std::vector<evm::LoggedEvent> events = events_until(head.newest.number);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(std::get<evm::ChannelCreated>(events[0].event).config, config_);
  EXPECT_EQ(std::get<evm::Deposited>(events[1].event).new_balance, 10'000u);
  EXPECT_EQ(std::get<evm::Claimed>(events[2].event).new_total_claimed, 2500u);
  EXPECT_EQ(std::get<evm::Settled>(events[3].event).amount, 2500u);
  EXPECT_EQ(events[3].block_number, head.confirmed.number);
  ASSERT_TRUE(chain_->reorganise(4));
  EXPECT_EQ(events_until(head.newest.number).size(), 2u) << "the claim was undone";
}

TEST_F(ChannelChainTest, RefusesWhatTheContractRefuses) {
  give(payer_, 1000);
  const channel::Deposit made = deposit(config_, 1000);
  ASSERT_TRUE(send(evm::call_deposit(config_, 1000, contracts_.collector, evm::collector_data(made))));
  const auto both_refuse = [this](const std::vector<channel::Claim>& claims) {
    std::vector<channel::Answer> answers(claims.size());
    channel::verify_claims(*domain_, claims, answers);
    bool ours = true;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      ours = ours && answers[i].code == channel::Code::ok &&
             channel::check_claim(claims[i].total_claimed, snapshot(claims[i].config)) == channel::Code::ok;
    }
    const bool theirs = chain_->view(contracts_.settlement, claim_call(claims)).has_value();
    EXPECT_EQ(ours, theirs);
    return !ours && !theirs;
  };
  const channel::Claim good = claim(config_, 900, 900);
  EXPECT_FALSE(both_refuse({good}));
  channel::Claim bad = good;
  bad.signature = support::high_s_twin(good.signature);
  EXPECT_TRUE(both_refuse({bad, good}));  // after the good row the contract would pass over the other
  bad.signature = good.signature;
  bad.signature.bytes[64] = static_cast<std::uint8_t>(55 - good.signature.bytes[64]);
  EXPECT_TRUE(both_refuse({bad}));
  bad.signature.bytes[64] = static_cast<std::uint8_t>(good.signature.bytes[64] - 27);
  EXPECT_TRUE(both_refuse({bad}));
  EXPECT_TRUE(both_refuse({claim(config_, 899, 900)}));
  EXPECT_TRUE(both_refuse({claim(config_, 1001, 1001)}));
  channel::ChannelConfig other = config_;
  other.salt.bytes[0] = 1;
  EXPECT_TRUE(both_refuse({good, claim(other, 1, 1)}));  // a channel without money
}

TEST_F(ChannelChainTest, PaysExactOnceInBothForms) {
  give(payer_, 5000);
  for (const bool as_bytes : {false, true}) {
    commitments::exact::Item item;
    item.terms = {&*token_domain_, payee_, Uint256(1000)};
    item.payment.authorization = {payer_, payee_, Uint256(1000), Uint256(0), Uint256(kFarFuture), {}};
    item.payment.authorization.nonce.bytes.fill(as_bytes ? 2 : 1);
    item.payment.signature = dev_key(kPayer).sign(
        crypto::transfer_authorization_digest(token_domain_->separator, item.payment.authorization));
    commitments::exact::Answer answer;
    commitments::exact::verify(std::span(&item, 1), 1'900'000'000, std::span(&answer, 1));
    ASSERT_EQ(answer.code, commitments::exact::Code::ok);
    const auto used = [&] {
      return evm::decode_authorization_state(
          *chain_->view(token_, evm::call_authorization_state(payer_, item.payment.authorization.nonce)));
    };
    EXPECT_EQ(used(), false);
    const Bytes call =
        as_bytes ? evm::call_transfer_with_authorization(item.payment.authorization, item.payment.signature.view())
                 : evm::call_transfer_with_authorization(item.payment.authorization, item.payment.signature);
    ASSERT_TRUE(chain_->send(dev_key(kOperator), token_, call));
    EXPECT_EQ(used(), true);
    EXPECT_FALSE(chain_->send(dev_key(kOperator), token_, call));
  }
  EXPECT_EQ(balance(payee_), 2000u);
}

}  // namespace
}  // namespace chain_test
