// The kept channels' watcher and claims on a real node, with a real ledger and the rail that sends what they plan.

#include "channels/channels.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "evm/channel_contract.h"
#include "settlers/stablecoin/chain_reader.h"
#include "tests/chain/ledger_fixture.h"

namespace chain_test {
namespace {

namespace channel = commitments::channel;
namespace core = ledger::core;
using base::Bytes;
using base::Hash;
using base::Uint256;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr unsigned kAuthorizer = 4;
constexpr unsigned kSender = 5;  // of transactions of others
constexpr std::uint64_t kDelay = 900;
constexpr std::uint64_t kDay_ms = 86'400'000;

class ChannelsOnChain : public LedgerOnChain, public ledger::api::Observer, public channels::Observer {
 protected:
  void SetUp() override {
    LedgerOnChain::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto settlement = playground::chain::find_artifact(TABD_SOURCE_ROOT, "BatchSettlement");
    const auto collector = playground::chain::find_artifact(TABD_SOURCE_ROOT, "ERC3009Collector");
    ASSERT_TRUE(settlement && collector) << "to make it: cd tests/chain && npm ci && npm run build";
    contracts_ = chain_->deploy_settlement(*settlement, *collector).value();
    domain_.emplace(31337, contracts_.settlement);
    token_domain_.emplace("USDC", "2", 31337, token_);
    stablecoin_.contracts = {contracts_.settlement};
    stablecoin_.confirmed = {BlockRule::Kind::depth, 3};
    stablecoin_.finality = {BlockRule::Kind::depth, 6};
    stablecoin_.relay_gas_limit_max = 5'000'000;
    options_.contract = contracts_.settlement;
    options_.authorizer = &authorizer_;
    options_.poll_ms = 20;
    options_.tick_ms = 20;
    options_.claim_interval_ms = kDay_ms;
    options_.settle_interval_ms = 10 * kDay_ms;
  }
  void TearDown() override {
    end_channels();
    LedgerOnChain::TearDown();
  }
  ledger::api::Observer* observer() override { return this; }
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings&) override {
    const std::lock_guard lock(mutex_);
    if (channels_) channels_->on_committed(*segment);
  }
  void on_problem(std::string_view part, std::string_view message) override {
    if (!message.empty() && problems_.size() < 100)
      problems_.push_back(std::string(part) + ": " + std::string(message));
  }
  using ChainTest::on_problem;
  void on_withdrawal(const Hash&, std::uint64_t deadline_s, u128) override { deadlines_.push_back(deadline_s); }

  // Starts the daemon's part; the rail too.
  void begin_channels() {
    if (!dispatcher_) begin_real();
    view_ = settlers::stablecoin::make_chain_reader(io_, stablecoin_, operator_).value();
    const channels::Post post = [this](std::function<void()> job) { boost::asio::post(io_, std::move(job)); };
    const channels::After after = [this](std::uint64_t ms, std::function<void()> job) {
      auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(ms));
      timer->async_wait([timer, job = std::move(job)](boost::system::error_code cancelled) {
        if (!cancelled) job();
      });
    };
    {
      const std::lock_guard lock(mutex_);
      channels_.emplace(channels::Parts{*view_, real_->service(), real_->reader(), clock_, post, after}, options_,
                        *this);
    }
    channels_->start();
  }
  void end_channels() {
    if (channels_) channels_->stop();
    const std::lock_guard lock(mutex_);
    channels_.reset();
    view_.reset();
  }
  void run_in_step() {
    run_until([this] { return channels_->in_step(); });
  }

  // ---- payers
  crypto::SecretKey payer_key(std::uint64_t n) const { return support::secret_key(support::Role::payer, 100 + n); }
  crypto::SecretKey agent_key(std::uint64_t n) const { return support::secret_key(support::Role::agent, 100 + n); }
  channel::ChannelConfig config(std::uint64_t n, bool with_agent = true) const {
    channel::ChannelConfig config;
    config.payer = payer_key(n).address();
    if (with_agent) config.payer_authorizer = agent_key(n).address();
    config.receiver = payee_;
    config.receiver_authorizer = authorizer_.address();
    config.token = token_;
    config.withdraw_delay_s = kDelay;
    return config;
  }
  Hash key(const channel::ChannelConfig& config) const { return channel::channel_id(*domain_, config); }
  void deposit(std::uint64_t n, const channel::ChannelConfig& config, u128 amount) {
    give(config.payer, amount);
    ASSERT_TRUE(chain_->set_gas_balance(config.payer, 1'000'000'000'000'000'000));
    channel::Deposit made;
    made.amount = amount;
    made.valid_before = Uint256(4'000'000'000);
    made.salt = Uint256(++salt_);
    made.signature = payer_key(n).sign(crypto::receive_authorization_digest(
        token_domain_->separator, channel::deposit_authorization(config, key(config), made, contracts_.collector)));
    ASSERT_TRUE(by_others(evm::call_deposit(config, amount, contracts_.collector, evm::collector_data(made))));
  }
  base::Result<Hash> by_others(const Bytes& data) {
    return chain_->send(dev_key(kSender), contracts_.settlement, data);
  }
  base::Result<Hash> by_payer(std::uint64_t n, const Bytes& data) {
    return chain_->send(payer_key(n), contracts_.settlement, data);
  }
  void pass_delay() {
    ASSERT_TRUE(chain_->rpc("evm_increaseTime", "[" + std::to_string(kDelay) + "]"));
    mine_one();
  }

  // ---- a server
  void keep(const channel::ChannelConfig& config) {
    real_->must(core::SyncChannel{31337, contracts_.settlement, config, key(config), newest(config), 1, false});
  }
  core::Channel kept(const channel::ChannelConfig& config) const {
    return real_->reader().channel(key(config)).value();
  }
  core::Earnings earned() const { return real_->reader().earnings(10)->front(); }
  base::Status charge(std::uint64_t n, const channel::ChannelConfig& config, std::uint64_t amount) {
    core::ReserveVoucher reserve;
    reserve.key = key(config);
    reserve.maximum = kept(config).charged + amount;
    const crypto::SecretKey signer = config.payer_authorizer.is_zero() ? payer_key(n) : agent_key(n);
    reserve.signature = signer.sign(channel::voucher_digest(*domain_, reserve.key, reserve.maximum));
    reserve.amount = amount;
    reserve.ttl_s = 60;
    const core::CommandResult reserved = real_->service().submit_and_wait(reserve).result;
    if (!base::accepted(reserved.status)) return reserved.status;
    core::CaptureReservation capture{reserve.key, reserved.sequence, {}};
    capture.usage.amount = base::Amount(amount);
    capture.usage.quantity = 1;
    capture.usage.unit = support::unit("request");
    return real_->service().submit_and_wait(capture).result.status;
  }

  // ---- what the chain says
  channel::Snapshot newest(const channel::ChannelConfig& config) {
    const auto read = [this](const Bytes& data) { return chain_->view(contracts_.settlement, data).value_or(Bytes{}); };
    const Hash id = key(config);
    return evm::decode_snapshot(read(evm::call_channels(id)), read(evm::call_pending_withdrawals(id)),
                                read(evm::call_refund_nonce(id)))
        .value_or(channel::Snapshot{});
  }
  std::vector<evm::LoggedEvent> events() {
    std::optional<base::Result<std::vector<evm::LoggedEvent>>> answer;
    view_->events(contracts_.settlement, 0, chain_->block_number().value(),
                  [&answer](auto result) { answer = std::move(result); });
    run_until([&answer] { return answer.has_value(); });
    return answer->value_or(std::vector<evm::LoggedEvent>{});
  }
  // Claims and payouts of the ledger are those of the chain's events.
  void expect_books_equal_events(const std::vector<channel::ChannelConfig>& configs) {
    u128 claimed = 0;
    u128 settled = 0;
    std::map<Hash, u128> totals;
    for (const evm::LoggedEvent& one : events()) {
      if (const auto* claim = std::get_if<evm::Claimed>(&one.event)) {
        claimed += claim->amount;
        totals[claim->channel_id] += claim->amount;
        EXPECT_EQ(totals[claim->channel_id], claim->new_total_claimed);
      }
      if (const auto* payout = std::get_if<evm::Settled>(&one.event)) settled += payout->amount;
    }
    EXPECT_EQ(earned().claimed, claimed);
    EXPECT_EQ(earned().settled, settled);
    EXPECT_EQ(balance(payee_), settled);
    u128 captured = 0;
    for (const channel::ChannelConfig& config : configs) {
      EXPECT_EQ(kept(config).chain.total_claimed, totals[key(config)]);
      EXPECT_EQ(kept(config).chain, newest(config));
      captured += kept(config).captured;
    }
    EXPECT_EQ(earned().charged, captured);
  }
  // Blocks come until it is so.
  template <typename Done>
  void run_and_mine_until(Done done) {
    std::uint64_t last = 0;
    run_until([&] {
      if (done()) return true;
      const std::uint64_t now = clock_.monotonic_ns();
      if (now - last > 100'000'000) {
        last = now;
        mine_one();
      }
      return false;
    });
  }
  std::uint64_t relays() const { return real_->reader().head()->settlements; }

  playground::chain::SettlementContracts contracts_;
  std::optional<channel::Domain> domain_;
  std::optional<crypto::TokenDomain> token_domain_;
  const crypto::SecretKey authorizer_ = dev_key(kAuthorizer);
  channels::Options options_;
  std::unique_ptr<evm::Chain> view_;
  std::mutex mutex_;
  std::optional<channels::Channels> channels_;  // guarded by mutex_ where the ledger's threads see it
  std::vector<std::uint64_t> deadlines_;
  std::uint64_t salt_ = 0;
};

TEST_F(ChannelsOnChain, MirrorsWhatOthersDoOnceItIsConfirmed) {
  const channel::ChannelConfig one = config(1);
  ASSERT_TRUE(chain_->mine(3));
  begin_channels();
  keep(one);
  deposit(1, one, 10'000);
  run_in_step();
  EXPECT_EQ(kept(one).chain.balance, 0u);
  EXPECT_EQ(charge(1, one, 3'000), base::Status::channel_exceeds_balance) << "only confirmed escrow counts";
  ASSERT_TRUE(chain_->mine(2));
  run_until([&] { return kept(one).chain.balance == 10'000; });
  EXPECT_EQ(charge(1, one, 3'000), base::Status::ok);
  // The receiver claims by itself, the authorizer refunds, and the payer withdraws.
  const channel::Claim row{one, 3'000, agent_key(1).sign(channel::voucher_digest(*domain_, key(one), 3'000)), true,
                           2'000};
  ASSERT_TRUE(chain_->send(dev_key(kPayee), contracts_.settlement, evm::call_claim({&row, 1})));
  ASSERT_TRUE(chain_->send(authorizer_, contracts_.settlement, evm::call_refund(one, 1'000)));
  ASSERT_TRUE(chain_->mine(2));
  run_until([&] { return kept(one).chain == newest(one); });
  EXPECT_EQ(kept(one).chain.total_claimed, 2'000u);
  EXPECT_EQ(kept(one).chain.balance, 9'000u);
  run_until([&] { return earned().claimed == 2'000; });
  EXPECT_EQ(earned().settled, 0u);
  ASSERT_TRUE(by_others(evm::call_settle(payee_, token_)));
  ASSERT_TRUE(chain_->mine(2));
  run_until([&] { return earned().settled == 2'000; });
  EXPECT_EQ(relays(), 0u) << "nothing was due";
  expect_books_equal_events({one});
}

TEST_F(ChannelsOnChain, AReorganisationTakesConfirmedEscrowBack) {
  const channel::ChannelConfig one = config(1);
  const channel::ChannelConfig two = config(2);
  deposit(2, two, 5'000);
  ASSERT_TRUE(chain_->mine(6));
  begin_channels();
  keep(one);
  keep(two);
  deposit(1, one, 10'000);
  ASSERT_TRUE(chain_->mine(3));
  run_until([&] { return kept(one).chain.balance == 10'000 && kept(two).chain.balance == 5'000; });
  run_in_step();
  ASSERT_TRUE(chain_->reorganise(5));  // the deposit's block is one of them
  ASSERT_EQ(newest(one).balance, 0u);
  run_and_mine_until([&] { return kept(one).chain.balance == 0; });
  EXPECT_EQ(kept(two).chain.balance, 5'000u);
  run_until([&] { return channels_->status().watcher.rewinds == 1; });
  run_in_step();
  deposit(1, one, 7'000);
  run_and_mine_until([&] { return kept(one).chain.balance == 7'000; });
}

TEST_F(ChannelsOnChain, ClaimsBeforeAWithdrawalTakesTheMoney) {
  const channel::ChannelConfig one = config(1);
  deposit(1, one, 10'000);
  ASSERT_TRUE(chain_->mine(3));
  keep(one);
  begin_channels();
  run_in_step();
  ASSERT_EQ(charge(1, one, 3'000), base::Status::ok);
  ASSERT_TRUE(by_payer(1, evm::call_initiate_withdraw(one, 10'000)));
  const std::uint64_t started_s = chain_->block_timestamp_s().value();
  run_until([&] { return newest(one).total_claimed == 3'000; });  // in the next block: nothing else is mined
  EXPECT_EQ(deadlines_, std::vector<std::uint64_t>{started_s + kDelay});
  EXPECT_LT(chain_->block_timestamp_s().value(), started_s + kDelay);
  pass_delay();
  ASSERT_TRUE(by_payer(1, evm::call_finalize_withdraw(one)));
  EXPECT_EQ(balance(one.payer), 7'000u);
  run_and_mine_until([&] { return kept(one).chain == newest(one); });
  EXPECT_TRUE(kept(one).put_aside.empty());
  run_and_mine_until([&] { return earned().claimed == 3'000; });
  expect_books_equal_events({one});
}

TEST_F(ChannelsOnChain, PutsThePoisonedAsideAndClaimsTheRest) {
  // 0, 3 and 4 are honest. The payer of 1 takes the money while nobody looks; that of 2 signs itself, and gets code.
  const std::vector<channel::ChannelConfig> all{config(0), config(1), config(2, false), config(3), config(4)};
  for (std::uint64_t n = 0; n < all.size(); ++n) {
    deposit(n, all[n], 10'000);
    keep(all[n]);
    ASSERT_EQ(charge(n, all[n], 1'000 + n), base::Status::ok);
  }
  ASSERT_TRUE(by_payer(1, evm::call_initiate_withdraw(all[1], 10'000)));
  pass_delay();
  ASSERT_TRUE(by_payer(1, evm::call_finalize_withdraw(all[1])));
  ASSERT_TRUE(chain_->rpc("anvil_setCode", "[\"" + base::to_hex(all[2].payer) + "\",\"0x60006000fd\"]"));
  ASSERT_TRUE(chain_->mine(3));
  options_.claim_interval_ms = 200;
  options_.settle_interval_ms = kDay_ms;
  begin_channels();
  run_and_mine_until([&] {
    return kept(all[0]).chain.total_claimed == 1'000 && kept(all[3]).chain.total_claimed == 1'003 &&
           kept(all[4]).chain.total_claimed == 1'004 && !kept(all[1]).put_aside.empty() &&
           !kept(all[2]).put_aside.empty();
  });
  EXPECT_THAT(kept(all[1]).put_aside, HasSubstr("balance is 0"));
  EXPECT_THAT(kept(all[2]).put_aside, HasSubstr("InvalidSignature"));
  EXPECT_EQ(charge(2, all[2], 1), base::Status::channel_put_aside);
  run_and_mine_until([&] { return earned().settled == 3'007; });
  expect_books_equal_events(all);
  run_until([&] { return channels_->status().claims.totals.put_aside == 2; });
  // Its code goes, and the channel is claimed like any other.
  ASSERT_TRUE(chain_->rpc("anvil_setCode", "[\"" + base::to_hex(all[2].payer) + "\",\"0x\"]"));
  end_channels();
  begin_channels();  // what was held back is forgotten
  run_and_mine_until([&] { return kept(all[2]).chain.total_claimed == 1'002; });
  EXPECT_TRUE(kept(all[2]).put_aside.empty());
}

TEST_F(ChannelsOnChain, ARestartClaimsNothingTwice) {
  const std::vector<channel::ChannelConfig> all{config(0), config(1)};
  for (std::uint64_t n = 0; n < all.size(); ++n) {
    deposit(n, all[n], 10'000);
    keep(all[n]);
    ASSERT_EQ(charge(n, all[n], 500), base::Status::ok);
  }
  ASSERT_TRUE(chain_->mine(3));
  options_.claim_interval_ms = 1;
  ASSERT_TRUE(chain_->set_automine(false));
  begin_channels();
  run_until([&] { return relays() == 1 && real_->settlement(SettlementId(1)).state == S::accepted; });
  end_channels();
  end();
  begin_channels();
  run_until([&] { return channels_->status().claims.under_way[0] == 1; });
  run_in_step();
  run_rounds(5);
  EXPECT_EQ(relays(), 1u);
  ASSERT_TRUE(chain_->set_automine(true));
  run_and_mine_until([&] { return earned().claimed == 1'000; });
  run_and_mine_until([&] { return channels_->status().claims.done[0] == 1; });
  EXPECT_EQ(channels_->status().claims.rows_claimed, 2u);
  run_and_mine_until([&] { return earned().settled == 1'000; });
  expect_books_equal_events(all);
}

}  // namespace
}  // namespace chain_test
