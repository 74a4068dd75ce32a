// The facilitator's view of a chain, on a node that misbehaves as nodes do.

#include "settlers/stablecoin/chain_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "evm/abi.h"
#include "settlers/stablecoin/json_rpc.h"
#include "settlers/stablecoin/token.h"
#include "tests/unit/settlers/scripted_node.h"

namespace settlers::stablecoin {
namespace {

namespace json = boost::json;
using evm::ChannelState;
using evm::Depth;
using evm::LoggedEvent;
using support::ScriptedNode;
using ::testing::HasSubstr;

base::Address address(std::uint8_t byte) {
  base::Address result;
  result.bytes.fill(byte);
  return result;
}
base::Hash hash(std::uint64_t number) { return evm::word_of(base::u128{number}); }
std::string word(base::u128 number) { return base::to_hex(evm::word_of(number)).substr(2); }

class ChainReaderTest : public ::testing::Test {
 protected:
  ChainReaderTest() {
    options_.rpc_url = node_.url();
    options_.chain_id = 31337;
    options_.confirmed = {BlockRule::Kind::depth, 3};
    options_.rpc_timeout_ms = 5'000;
    node_.answer = [this](const ScriptedNode::Call& call) { return as_a_good_node(call); };
  }
  void SetUp() override { reader_ = make_chain_reader(io_, options_, address(0x0e)).value(); }

  // Of the head that the test sets. A channel's balance is its id and the block's number times 1,000.
  ScriptedNode::Reply as_a_good_node(const ScriptedNode::Call& call) {
    if (call.method == "eth_getBlockByNumber") return {block(number_of(call.params[0])), {}};
    if (call.method == "eth_gasPrice") return {json::value("0x3b9aca00"), {}};
    if (call.method == "eth_getLogs") return {logs(call.params[0].as_object()), {}};
    const std::uint64_t at = number_of(call.params[1]);
    const std::string data(call.params[0].as_object().at("data").as_string());
    const std::string selector = data.substr(0, 10);
    const std::string of = data.substr(data.size() - 2);
    const auto id = static_cast<base::u128>(std::stoul(of, nullptr, 16));
    if (selector == "0x7a7ebd7b") return {json::value("0x" + word(id + at * 1'000) + word(7)), {}};  // channels
    if (selector == "0xb7f06ebe") return {json::value("0x" + word(0) + word(0)), {}};   // pendingWithdrawals
    if (selector == "0xf0dc792e") return {json::value("0x" + word(id)), {}};            // refundNonce
    if (selector == "0x21ff6389") return {json::value("0x" + word(at) + word(5)), {}};  // receivers
    return {std::nullopt, "what is " + selector};
  }
  std::uint64_t number_of(const json::value& at) {
    const std::string text(at.as_string());
    if (text == "latest") return head_;
    if (text == "safe") return safe_;
    return quantity64(at).value();
  }
  json::value block(std::uint64_t number) {
    if (number > head_) return nullptr;
    return json::object{{"number", to_quantity(number)},
                        {"hash", base::to_hex(hash(number + fork_))},
                        {"timestamp", to_quantity(1'000 + number)}};
  }
  // One Claimed of channel N in block N, for the blocks that have one.
  json::value logs(const json::object& filter) {
    json::array found;
    const std::uint64_t last = std::min(quantity64(filter.at("toBlock")).value(), head_);
    for (const std::uint64_t number : with_logs_) {
      if (number < quantity64(filter.at("fromBlock")).value() || number > last) continue;
      json::object log;
      log["address"] = filter.at("address");
      log["topics"] = json::array{base::to_hex(evm::event_topic("Claimed(bytes32,address,uint128,uint128)")),
                                  base::to_hex(hash(number)), base::to_hex(evm::word_of(address(0x0e)))};
      log["data"] = "0x" + word(3) + word(number);
      log["blockNumber"] = to_quantity(number);
      log["blockHash"] = base::to_hex(hash(number));
      log["transactionHash"] = base::to_hex(hash(number * 7));
      log["logIndex"] = "0x0";
      found.insert(found.begin(), std::move(log));  // newest first: the order is the reader's business
    }
    return found;
  }

  template <typename T, typename Ask>
  base::Result<T> ask(Ask question) {
    std::optional<base::Result<T>> answer;
    question([&answer](base::Result<T> result) { answer = std::move(result); });
    for (int i = 0; i < 1'000 && !answer; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(answer);
    return answer.value_or(base::error(base::ErrorCode::timeout, "no answer"));
  }
  base::Result<ChannelState> channel(Depth depth) {
    return ask<ChannelState>([&](auto done) { reader_->channel(contract_, hash(9), depth, std::move(done)); });
  }
  base::Result<std::vector<ChannelState>> channels(std::size_t count, Depth depth) {
    std::vector<base::Hash> ids;
    for (std::size_t i = 1; i <= count; ++i) ids.push_back(hash(i));
    return ask<std::vector<ChannelState>>(
        [&](auto done) { reader_->channels(contract_, ids, depth, std::move(done)); });
  }
  base::Result<std::vector<LoggedEvent>> events(std::uint64_t from, std::uint64_t to) {
    return ask<std::vector<LoggedEvent>>([&](auto done) { reader_->events(contract_, from, to, std::move(done)); });
  }
  static std::vector<std::uint64_t> blocks_of(const std::vector<LoggedEvent>& events) {
    std::vector<std::uint64_t> numbers;
    for (const LoggedEvent& event : events) numbers.push_back(event.block_number);
    return numbers;
  }

  boost::asio::io_context io_;
  ScriptedNode node_{io_};
  StablecoinOptions options_;
  const base::Address contract_ = address(0xcc);
  std::uint64_t head_ = 10'000;
  std::uint64_t safe_ = 9'990;
  std::uint64_t fork_ = 0;
  std::vector<std::uint64_t> with_logs_;
  std::unique_ptr<evm::Chain> reader_;
};

TEST_F(ChainReaderTest, NamesTheNewestAndTheConfirmedBlock) {
  const auto head = ask<evm::Head>([&](auto done) { reader_->head(std::move(done)); });
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->newest, (evm::BlockPoint{10'000, hash(10'000), 11'000}));
  EXPECT_EQ(head->confirmed, (evm::BlockPoint{9'998, hash(9'998), 10'998}));
  EXPECT_EQ(ask<evm::BlockPoint>([&](auto done) { reader_->block(7, std::move(done)); })->hash, hash(7));
  EXPECT_FALSE(ask<evm::BlockPoint>([&](auto done) { reader_->block(10'001, std::move(done)); }));
  head_ = 1;
  EXPECT_EQ(ask<evm::Head>([&](auto done) { reader_->head(std::move(done)); })->confirmed.number, 0u);
}

TEST_F(ChainReaderTest, TakesTheNodesTagWhereTheRuleIsATag) {
  options_.confirmed = {BlockRule::Kind::safe, 0};
  reader_ = make_chain_reader(io_, options_, address(0x0e)).value();
  EXPECT_EQ(ask<evm::Head>([&](auto done) { reader_->head(std::move(done)); })->confirmed.number, 9'990u);
  EXPECT_EQ(channel(Depth::confirmed)->block_number, 9'990u);
}

TEST_F(ChainReaderTest, ReadsAChannelAtEitherDepthAtOneBlock) {
  const auto newest = channel(Depth::newest);
  ASSERT_TRUE(newest) << newest.error().message;
  EXPECT_EQ(newest->block_number, 10'000u);
  EXPECT_EQ(newest->channel.balance, 10'000'009u);
  EXPECT_EQ(node_.requests.size(), 1u) << "one round trip";
  const auto confirmed = channel(Depth::confirmed);
  ASSERT_TRUE(confirmed) << confirmed.error().message;
  EXPECT_EQ(confirmed->block_number, 9'998u);
  EXPECT_EQ(confirmed->block_time_s, 10'998u);
  EXPECT_EQ(confirmed->channel.balance, 9'998'009u);
  EXPECT_EQ(confirmed->channel.refund_nonce, base::Uint256(9));
}

TEST_F(ChainReaderTest, AsksAgainWhenABlockCameInBetween) {
  int calls = 0;
  node_.answer = [&](const ScriptedNode::Call& call) {
    if (++calls == 3) ++head_;  // after the first view
    return as_a_good_node(call);
  };
  const auto state = channel(Depth::newest);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->block_number, 10'001u);
  EXPECT_EQ(state->channel.balance, 10'001'009u);
  EXPECT_EQ(node_.requests.size(), 2u);
}

TEST_F(ChainReaderTest, ReadsManyChannelsInPiecesOfOneBlock) {
  node_.answer = [this](const ScriptedNode::Call& call) {
    if (call.method == "eth_call") ++head_;  // it goes on and on
    return as_a_good_node(call);
  };
  const auto states = channels(250, Depth::confirmed);
  ASSERT_TRUE(states) << states.error().message;
  ASSERT_EQ(states->size(), 250u);
  for (std::size_t i = 0; i < 250; ++i) {
    EXPECT_EQ((*states)[i].block_number, 9'998u);
    EXPECT_EQ((*states)[i].channel.balance, 9'998'000u + i + 1);
  }
  EXPECT_EQ(node_.requests.size(), 4u) << "the head, and three pieces";
  EXPECT_TRUE(channels(0, Depth::newest)->empty());
}

TEST_F(ChainReaderTest, AsksForLessWhenTheNodeRefusesABatch) {
  node_.batch_max = 40;
  const auto states = channels(60, Depth::newest);
  ASSERT_TRUE(states) << states.error().message;
  EXPECT_EQ(states->size(), 60u);
  const std::size_t before = node_.requests.size();
  EXPECT_TRUE(channels(7, Depth::newest));
  EXPECT_EQ(node_.requests.size(), before + 2) << "it has learned";
}

// A limit on requests in the moment of the start must not stop the rail for good: withdrawals do not wait.
TEST_F(ChainReaderTest, ARailWhoseNodeRefusesToAnswerAsksAgain) {
  const base::SystemClock clock;
  char folder[] = "/tmp/tabd-rail-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  options_.state_directory = folder;
  options_.poll_ms = 20;
  options_.tokens = {{ledger::core::AssetId(1), address(0x55), "USDC"}};
  const std::string domain = base::to_hex(domain_separator(options_.tokens[0], options_.chain_id));
  bool limited = true;
  node_.answer = [&](const ScriptedNode::Call& call) -> ScriptedNode::Reply {
    if (limited) return {std::nullopt, "request rate limited"};
    if (call.method == "eth_chainId") return {json::value("0x7a69"), {}};
    if (call.method == "eth_getBlockByNumber") return as_a_good_node(call);
    if (call.method == "eth_call") {
      const bool of_decimals = call.params[0].as_object().at("data").as_string().starts_with("0x313ce567");
      return {json::value(of_decimals ? "0x" + word(6) : domain), {}};
    }
    return {json::value("0x1"), {}};
  };
  crypto::SecretKey signer = *crypto::SecretKey::from_bytes(hash(7).bytes);
  auto made = make_stablecoin(io_, options_, std::move(signer), clock);
  ASSERT_TRUE(made) << made.error().message;
  const std::unique_ptr<Settler> rail = std::move(*made);
  const auto run_until = [this](const auto& condition) {
    for (int i = 0; i < 500 && !condition(); ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    return condition();
  };
  std::optional<base::Result<void>> started;
  rail->start([&](base::Result<void> result) { started = std::move(result); });
  ASSERT_TRUE(run_until([&] { return started.has_value(); }));
  EXPECT_TRUE(*started) << started->error().message;
  EXPECT_TRUE(run_until([&] { return rail->describe().find("rate limited") != std::string::npos; }));
  limited = false;
  EXPECT_TRUE(run_until([&] { return rail->describe().find(" block ") != std::string::npos; })) << rail->describe();
  EXPECT_THAT(rail->describe(), ::testing::Not(HasSubstr("rate limited")));
  rail->stop();
  std::filesystem::remove_all(folder);
}

TEST_F(ChainReaderTest, HalfAnAnswerIsNone) {
  node_.answer = [this](const ScriptedNode::Call& call) {
    const bool one = call.method == "eth_call" && call.params[0].as_object().at("data").as_string().ends_with("07");
    return one ? ScriptedNode::Reply{} : as_a_good_node(call);
  };
  const auto states = channels(10, Depth::newest);
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().code, base::ErrorCode::unavailable);
  EXPECT_THAT(states.error().message, HasSubstr("unanswered"));
}

TEST_F(ChainReaderTest, AReorganisationBetweenPiecesIsAnError) {
  node_.answer = [this](const ScriptedNode::Call& call) {
    if (node_.requests.size() == 3) fork_ = 1'000'000;
    return as_a_good_node(call);
  };
  const auto states = channels(150, Depth::newest);
  ASSERT_FALSE(states);
  EXPECT_THAT(states.error().message, HasSubstr("undone"));
}

TEST_F(ChainReaderTest, ANodeThatLagsIsAnErrorAndNotAnEmptyAnswer) {
  node_.answer = [this](const ScriptedNode::Call& call) {
    const std::uint64_t newest = head_;
    if (call.params[0] != "latest") head_ = 9'000;
    ScriptedNode::Reply reply = as_a_good_node(call);
    head_ = newest;
    return reply;
  };
  const auto state = channel(Depth::confirmed);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message, HasSubstr("lags"));
  with_logs_ = {9'500};
  const auto found = events(8'900, 9'998);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("lags"));
}

TEST_F(ChainReaderTest, GivesEventsInTheOrderOfTheChain) {
  with_logs_ = {100, 4'000, 7'000, 7'001};
  const auto found = events(100, 9'998);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(blocks_of(*found), with_logs_);
  EXPECT_EQ(std::get<evm::Claimed>(found->front().event).new_total_claimed, 100u);
  EXPECT_EQ(found->front().transaction, hash(700));
  EXPECT_EQ(node_.requests.size(), 2u) << "5,000 blocks at a time";
  EXPECT_TRUE(events(11, 10)->empty());
}

TEST_F(ChainReaderTest, HalvesARangeThatTheNodeRefuses) {
  for (std::uint64_t number = 1; number <= 9'998; number += 17) with_logs_.push_back(number);
  node_.answer = [this](const ScriptedNode::Call& call) -> ScriptedNode::Reply {
    if (call.method == "eth_getLogs" && logs(call.params[0].as_object()).as_array().size() > 20)
      return {std::nullopt, "query returned more than 20 results"};
    return as_a_good_node(call);
  };
  const auto found = events(1, 9'998);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(blocks_of(*found), with_logs_);
}

TEST_F(ChainReaderTest, ARangeThatCannotBeHalvedIsAnError) {
  node_.answer = [this](const ScriptedNode::Call& call) -> ScriptedNode::Reply {
    if (call.method == "eth_getLogs") return {std::nullopt, "logs are not served"};
    return as_a_good_node(call);
  };
  const auto found = events(1, 9'998);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("logs are not served"));
  EXPECT_LT(node_.requests.size(), 20u);
}

TEST_F(ChainReaderTest, AForeignLogIsAnError) {
  node_.answer = [this](const ScriptedNode::Call& call) {
    ScriptedNode::Reply reply = as_a_good_node(call);
    if (call.method == "eth_getLogs") reply.result->as_array()[0].as_object()["address"] = base::to_hex(address(0xcd));
    return reply;
  };
  with_logs_ = {100};
  EXPECT_FALSE(events(1, 200));
}

TEST_F(ChainReaderTest, ReadsEarningsAndTheGasPrice) {
  const auto earnings = ask<evm::EarningsState>(
      [&](auto done) { reader_->earnings(contract_, address(1), address(2), Depth::confirmed, std::move(done)); });
  ASSERT_TRUE(earnings) << earnings.error().message;
  EXPECT_EQ(earnings->earnings.total_claimed, 9'998u);
  EXPECT_EQ(earnings->earnings.total_settled, 5u);
  EXPECT_EQ(earnings->block_number, 9'998u);
  EXPECT_EQ(ask<base::u128>([&](auto done) { reader_->gas_price(std::move(done)); }).value(), 1'000'000'000u);
}

TEST_F(ChainReaderTest, WhatIsUnderWayGetsAnErrorWhenItStops) {
  node_.answer = [](const ScriptedNode::Call&) { return ScriptedNode::Reply{}; };
  std::vector<base::Result<std::vector<LoggedEvent>>> answers;
  reader_->events(contract_, 1, 2, [&answers](auto result) { answers.push_back(std::move(result)); });
  io_.poll_one();
  reader_.reset();
  io_.restart();
  io_.poll();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0]);
}

}  // namespace
}  // namespace settlers::stablecoin
