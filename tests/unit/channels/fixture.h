#pragma once

// A real ledger with channels, a chain that says what a test wants, and a clock that the test moves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include "channels/changes.h"
#include "channels/parts.h"
#include "evm/abi.h"
#include "tests/support/channels.h"
#include "tests/support/silent_chain.h"
#include "tests/unit/settlers/real_ledger.h"

namespace channels {

using support::channel_config;
using support::channel_contract;
using support::channel_key;
using support::escrow;
using S = core::SettlementState;

class FakeChain final : public support::SilentChain {
 public:
  FakeChain() {
    chain_id_ = support::kChannelChain;
    point(100);
  }
  void point(std::uint64_t number) {
    at.confirmed = {number, evm::word_of(base::u128{number + fork}), number * 2};
    at.newest = {number + 2, evm::word_of(base::u128{number + 2 + fork}), number * 2 + 4};
  }
  void head(evm::Done<evm::Head> done) override { down ? done(silence()) : done(at); }
  void block(std::uint64_t number, evm::Done<evm::BlockPoint> done) override {
    if (number > at.newest.number) return done(silence());
    done(evm::BlockPoint{number, evm::word_of(base::u128{number + fork}), number * 2});
  }
  void channels(const base::Address&, std::vector<base::Hash> ids, evm::Depth depth,
                evm::Done<std::vector<evm::ChannelState>> done) override {
    if (down) return done(silence());
    largest_piece = std::max(largest_piece, ids.size());
    channels_read += ids.size();
    std::vector<evm::ChannelState> states;
    const bool now = depth == evm::Depth::newest;
    const evm::BlockPoint& block = now ? at.newest : at.confirmed;
    for (const base::Hash& id : ids)
      states.push_back({now ? newest[id] : confirmed[id], block.number, block.time_s, block.hash});
    done(states);
  }
  void earnings(const base::Address&, const base::Address& receiver, const base::Address&, evm::Depth,
                evm::Done<evm::EarningsState> done) override {
    if (down) return done(silence());
    done(evm::EarningsState{earned[receiver], at.confirmed.number});
  }
  void events(const base::Address&, std::uint64_t from, std::uint64_t to,
              evm::Done<std::vector<evm::LoggedEvent>> done) override {
    if (down) return done(silence());
    std::vector<evm::LoggedEvent> found;
    for (const evm::LoggedEvent& one : log)
      if (one.block_number >= from && one.block_number <= to) found.push_back(one);
    done(found);
  }
  void gas_price(evm::Done<base::u128> done) override {
    prices_down ? done(base::error(base::ErrorCode::unavailable, "no eth_gasPrice")) : done(gas_price_wei);
  }
  // Refuses calls that name a poisoned payer.
  void simulate(const base::Address&, const base::Bytes& data, evm::Done<evm::Simulation> done) override {
    ++simulations;
    if (data.size() > simulated_bytes_max) return done(evm::Simulation{false, "out of gas", {}});
    if (!trouble.empty()) return done(evm::Simulation{false, trouble, {}});
    for (const base::Address& payer : poisoned) {
      const auto found = std::search(data.begin(), data.end(), payer.bytes.begin(), payer.bytes.end());
      if (found != data.end()) return done(evm::Simulation{false, "error InvalidSignature 0x8baa579f", {0x8b}});
    }
    done(evm::Simulation{true, {}, {}});
  }

  evm::Head at;
  std::uint64_t fork = 0;  // changes the hashes of all blocks
  bool down = false;
  std::string trouble;  // of simulations, which is no revert
  std::map<base::Hash, commitments::channel::Snapshot> confirmed;
  std::map<base::Hash, commitments::channel::Snapshot> newest;
  std::map<base::Address, evm::Earnings> earned;
  std::vector<evm::LoggedEvent> log;
  std::set<base::Address> poisoned;
  base::u128 gas_price_wei = 7;
  bool prices_down = false;
  std::size_t simulated_bytes_max = SIZE_MAX;
  std::size_t largest_piece = 0;
  std::size_t channels_read = 0;
  int simulations = 0;
};

class ChannelsTest : public ::testing::Test, public ledger::api::Observer, public channels::Observer {
 protected:
  ChannelsTest()
      : directory_(std::filesystem::temp_directory_path() / ("tabd-channels-" + std::to_string(::getpid()))),
        clock_(base::Time::from_seconds(support::kNow)) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ledger_.emplace(clock_, directory_, "stablecoin", "nowhere", std::vector<std::uint64_t>{}, this);
    options_.contract = channel_contract();
    options_.authorizer = &authorizer_;
  }
  ~ChannelsTest() override {
    ledger_.reset();
    std::filesystem::remove_all(directory_);
  }

  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings&) override {
    changes_.on_committed(*segment);
  }
  void on_problem(std::string_view, std::string_view message) override { problem_ = message; }
  void on_put_aside(const base::Hash& channel, std::string_view reason) override { aside_[channel] = reason; }
  void on_rewound(std::uint64_t block) override { rewound_.push_back(block); }
  void on_withdrawal(const base::Hash& channel, std::uint64_t deadline_s, base::u128) override {
    withdrawals_.emplace_back(channel, deadline_s);
  }

  Parts parts() {
    const Post post = [this](std::function<void()> job) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(job));
    };
    const After after = [this](std::uint64_t ms, std::function<void()> job) {
      timers_.emplace(clock_.monotonic_ns() + ms * 1'000'000, std::move(job));
    };
    return {chain_, ledger_->service(), ledger_->reader(), clock_, post, after};
  }
  // Runs what was posted, and what follows from it, until the ledger has answered everything.
  void run() {
    for (;;) {
      std::deque<std::function<void()>> jobs;
      {
        const std::lock_guard lock(mutex_);
        jobs.swap(posted_);
      }
      if (jobs.empty()) {
        // What came before has been answered when this has.
        ledger_->must(core::SetCreditLimit{ledger_->actors.payer(0), support::kUsdc, base::Amount(++barrier_)});
        const std::lock_guard lock(mutex_);
        if (posted_.empty()) return;
        continue;
      }
      for (const std::function<void()>& job : jobs) job();
    }
  }
  // The next timers, until `ms` from now.
  void pass(std::uint64_t ms) {
    const std::uint64_t until = clock_.monotonic_ns() + ms * 1'000'000;
    while (!timers_.empty() && timers_.begin()->first <= until) {
      const auto job = std::move(timers_.begin()->second);
      const std::uint64_t due = timers_.begin()->first;
      timers_.erase(timers_.begin());
      if (due > clock_.monotonic_ns()) clock_.advance_us((due - clock_.monotonic_ns()) / 1'000);
      job();
      run();
    }
    clock_.advance_us((until - clock_.monotonic_ns()) / 1'000);
  }

  // A kept channel with `balance` that was charged `charged`.
  void keep(std::uint64_t n, std::uint64_t balance, std::uint64_t charged) {
    const base::Hash key = channel_key(n);
    chain_.confirmed[key] = chain_.newest[key] = escrow(balance);
    ledger_->must(support::sync_channel(n, escrow(balance), 50));
    if (charged == 0) return;
    charge(n, charged);
  }
  void charge(std::uint64_t n, std::uint64_t amount) {
    const base::u128 before = kept(n).charged;
    const auto reservation = ledger_->must(support::reserve_charge(n, before + amount, amount)).sequence;
    ledger_->must(support::capture(n, reservation, amount));
  }
  core::Channel kept(std::uint64_t n) const { return ledger_->reader().channel(channel_key(n)).value(); }

  const std::filesystem::path directory_;
  base::ManualClock clock_;
  const crypto::SecretKey authorizer_ = support::secret_key(support::Role::keeper, 0);
  FakeChain chain_;
  Changes changes_;
  std::optional<support::RealLedger> ledger_;
  Options options_;
  std::string problem_;
  std::map<base::Hash, std::string> aside_;
  std::vector<std::uint64_t> rewound_;
  std::vector<std::pair<base::Hash, std::uint64_t>> withdrawals_;
  std::mutex mutex_;
  std::deque<std::function<void()>> posted_;  // guarded by mutex_
  std::uint64_t barrier_ = 0;
  std::multimap<std::uint64_t, std::function<void()>> timers_;
};

}  // namespace channels
