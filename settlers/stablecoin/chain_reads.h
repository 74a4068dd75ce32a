#pragma once

// Questions to a node that take one or several round trips and have one answer; and what the node's answers mean. On
// the io_context thread, but for begin().

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <memory>

#include "evm/chain.h"
#include "settlers/stablecoin/evidence.h"
#include "settlers/stablecoin/json_rpc.h"

namespace settlers::stablecoin {

using RpcResults = std::vector<RpcResult>;

// The node did not tell, or not so that it can be read.
tl::unexpected<base::Error> unanswered(const RpcResult& result);
base::Result<evm::BlockPoint> point_of(const RpcResult& result);  // of eth_getBlockBy...
base::Result<base::Bytes> bytes_of(const RpcResult& result);      // what a view returned
base::Result<base::u128> number_of(const RpcResult& result);      // the same, where it is one number
base::Result<evm::Simulation> simulation_of(const RpcResult& result);
// The logs of one contract in blocks from .. to, in the order of the chain.
base::Result<std::vector<evm::LoggedEvent>> events_of(const RpcResult& result, const base::Address& contract,
                                                      std::uint64_t from, std::uint64_t to);
// Something answered, and not what was asked: perhaps too much was asked.
bool refused(const RpcResults& results);

// Outlives the reader until the io_context has run what was posted.
class ChainReads : public std::enable_shared_from_this<ChainReads> {
 public:
  // One question. Answered once: with the first answer, or with an Error when the reader stops.
  template <typename T>
  struct Question {
    std::shared_ptr<ChainReads> reads;
    std::uint64_t id;
    evm::Done<T> done;

    void ask(std::vector<RpcCall> calls, RpcBatchDone next) const { reads->batch(std::move(calls), std::move(next)); }
    void answer(base::Result<T> result) const {
      if (reads->under_way_.erase(id) != 0) done(std::move(result));
    }
    void fail(base::Error error) const { answer(tl::unexpected<base::Error>(std::move(error))); }
  };
  template <typename T>
  using QuestionPtr = std::shared_ptr<const Question<T>>;

  ChainReads(boost::asio::io_context& io, const RpcUrl& url, std::uint64_t timeout_ms)
      : io_(io), client_(std::make_unique<JsonRpcClient>(io, url, timeout_ms)) {}

  // Calls `first` on the io_context's thread. From any thread.
  template <typename T>
  void begin(evm::Done<T> done, std::function<void(QuestionPtr<T>)> first) {
    boost::asio::post(io_, [self = shared_from_this(), done = std::move(done), first = std::move(first)] {
      if (!self->client_) return done(base::error(base::ErrorCode::unavailable, "the chain reader has stopped"));
      if (self->under_way_.size() >= kQuestionsMax)
        return done(base::error(base::ErrorCode::unavailable, "too many reads of the chain are under way"));
      const std::uint64_t id = ++self->last_id_;
      self->under_way_[id] = [done](base::Error error) { done(tl::unexpected<base::Error>(std::move(error))); };
      first(std::make_shared<const Question<T>>(Question<T>{self, id, done}));
    });
  }
  // One round trip.
  template <typename T>
  void ask(std::vector<RpcCall> calls, std::function<base::Result<T>(const RpcResults&)> read, evm::Done<T> done) {
    begin<T>(std::move(done), [calls = std::move(calls), read = std::move(read)](QuestionPtr<T> question) {
      question->ask(calls, [question, read](const RpcResults& results) { question->answer(read(results)); });
    });
  }
  void stop();

  // What the node was seen to take at a time; both at least 1.
  std::uint64_t blocks_at_a_time = kBlocksMax;
  std::size_t channels_at_a_time = kChannelsMax;

  static constexpr std::uint64_t kBlocksMax = 5'000;  // what public nodes give logs of
  static constexpr std::size_t kChannelsMax = 100;    // three calls each; common limits of a batch are 1,000 calls

 private:
  // Questions under way; at 100 ms for each this is far more than one node answers.
  static constexpr std::size_t kQuestionsMax = 1024;

  void batch(std::vector<RpcCall> calls, RpcBatchDone next) {
    if (client_) client_->batch(std::move(calls), std::move(next));
  }

  boost::asio::io_context& io_;
  std::unique_ptr<JsonRpcClient> client_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void(base::Error)>> under_way_;
};

}  // namespace settlers::stablecoin
