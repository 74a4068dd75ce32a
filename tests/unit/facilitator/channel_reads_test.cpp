// Reads of channels that are asked for together, and what is known of a block.

#include "facilitator/channel_reads.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/support/silent_chain.h"

namespace facilitator {
namespace {

using base::Result;

base::Hash hash(std::uint8_t byte) {
  base::Hash result;
  result.bytes.fill(byte);
  return result;
}

// Answers when it is told to, at the block of that moment.
class SlowChain final : public support::SilentChain {
 public:
  void newest(evm::Done<evm::BlockPoint> done) override {
    asked.push_back("newest");
    pending.push_back([this, done] { down ? done(silence()) : done(evm::BlockPoint{block, hash(block), 0}); });
  }
  void channel(const base::Address&, const base::Hash& id, evm::Depth, evm::Done<evm::ChannelState> done) override {
    asked.push_back("channel " + std::to_string(id.bytes[0]));
    pending.push_back([this, id, done] { down ? done(silence()) : done(state(id)); });
  }
  void channels(const base::Address&, std::vector<base::Hash> ids, evm::Depth,
                evm::Done<std::vector<evm::ChannelState>> done) override {
    std::string text = "channels";
    for (const base::Hash& id : ids) text += " " + std::to_string(id.bytes[0]);
    asked.push_back(text);
    pending.push_back([this, ids, done] {
      if (down) return done(silence());
      std::vector<evm::ChannelState> states;
      for (const base::Hash& id : ids) states.push_back(state(id));
      done(states);
    });
  }
  void answer() {
    const auto next = pending.front();
    pending.pop_front();
    next();
  }
  void answer_all() {
    while (!pending.empty()) answer();
  }
  // Each block adds one to every balance.
  evm::ChannelState state(const base::Hash& id) const {
    evm::ChannelState result;
    result.channel.balance = id.bytes[0] * 100u + block;
    result.block_number = block;
    result.block_hash = hash(block);
    return result;
  }

  std::uint8_t block = 1;
  bool down = false;
  std::vector<std::string> asked;
  std::deque<std::function<void()>> pending;
};

class ChannelReadsTest : public ::testing::Test {
 protected:
  // After the last question's answer has ceased to be fresh.
  void ask(int channel) {
    clock.advance_us(base::limits::kNewestBlockFreshMs * 1000);
    ask_at_once(channel);
  }
  void ask_at_once(int channel) {
    reads.ask(hash(static_cast<std::uint8_t>(channel)), [this](const Result<evm::ChannelState>& state) {
      balances.push_back(state ? static_cast<int>(state->channel.balance) : -1);
    });
  }
  std::vector<std::string> asked() { return std::exchange(chain.asked, {}); }
  std::vector<int> got() { return std::exchange(balances, {}); }

  SlowChain chain;
  std::vector<int> balances;
  base::ManualClock clock{base::Time{1}};
  ChannelReads reads{chain, {}, clock, [](std::function<void()> run) { run(); }};
};

using Words = std::vector<std::string>;
using Balances = std::vector<int>;

TEST_F(ChannelReadsTest, WhatGathersIsOneReadWithEachChannelOnce) {
  ask(1);
  for (const int channel : {3, 2, 3}) ask(channel);
  EXPECT_EQ(asked(), (Words{"channel 1"}));
  chain.answer();
  EXPECT_EQ(got(), (Balances{101}));
  EXPECT_EQ(asked(), (Words{"channels 2 3"}));
  for (const int channel : {1, 1, 4}) ask(channel);  // 1 is known by now
  EXPECT_EQ(asked(), (Words{"newest"}));
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"channel 4", "newest"}));
  EXPECT_EQ(got(), (Balances{201, 301, 301, 101, 401, 101}));
}

TEST_F(ChannelReadsTest, AKnownChannelNeedsNoReadUntilABlockComes) {
  ask(1);
  chain.answer_all();
  ask(1);
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"channel 1", "newest"}));
  chain.block = 2;
  ask(1);
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"newest", "channel 1"}));
  EXPECT_EQ(got(), (Balances{101, 101, 102}));
}

TEST_F(ChannelReadsTest, TheNewestBlockIsFreshForMoments) {
  ask(1);
  chain.answer_all();
  clock.advance_us(base::limits::kNewestBlockFreshMs * 1000 - 1);
  chain.block = 2;  // heard of a moment later
  ask_at_once(1);
  EXPECT_EQ(asked(), (Words{"channel 1"}));
  EXPECT_EQ(got(), (Balances{101, 101}));
  clock.advance_us(1);
  ask_at_once(1);
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"newest", "channel 1"}));
  EXPECT_EQ(got(), (Balances{102}));
  // Time that the node takes to answer counts.
  ask(2);
  clock.advance_us(base::limits::kNewestBlockFreshMs * 1000);
  chain.answer_all();
  ask_at_once(2);
  EXPECT_EQ(asked(), (Words{"channel 2", "newest"}));
  chain.answer_all();
  ask_at_once(1);
  EXPECT_EQ(asked(), Words{});
  // We know of a block: what was seen before it does not count.
  clock.advance_us(1);
  reads.expect_block();
  chain.block = 3;
  ask_at_once(1);
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"newest", "channel 1"}));
}

TEST_F(ChannelReadsTest, ABlockThatComesAfterTheQuestionIsSeen) {
  ask(1);
  chain.answer_all();
  ask(1);
  chain.block = 2;  // before the node answers which block is the newest
  chain.answer_all();
  EXPECT_EQ(got(), (Balances{101, 102}));
}

TEST_F(ChannelReadsTest, WhatIsKnownOfABlockIsForgottenWithTheNext) {
  ask(1);
  chain.answer_all();
  ask(2);
  chain.block = 2;
  chain.answer_all();
  asked();
  chain.block = 1;  // back: nothing of it is remembered, as the newest that was read is 2
  ask(1);
  chain.answer_all();
  EXPECT_EQ(asked(), (Words{"channel 1"}));
  EXPECT_EQ(got(), (Balances{101, 202, 101}));
}

TEST_F(ChannelReadsTest, AnErrorGoesToAllWhoAskedAndIsForgotten) {
  ask(1);
  chain.answer_all();
  chain.down = true;
  ask(1);
  ask(2);
  ask(2);
  ask(3);
  chain.answer_all();
  EXPECT_EQ(got(), (Balances{101, -1, -1, -1, -1}));
  chain.down = false;
  ask(1);
  ask(3);
  chain.answer_all();
  EXPECT_EQ(got(), (Balances{101, 301}));
}

}  // namespace
}  // namespace facilitator
