#include "settlers/stablecoin/chain_reader.h"

#include <boost/asio/post.hpp>
#include <map>

#include "evm/abi.h"
#include "evm/channel_contract.h"
#include "evm/eip3009.h"
#include "evm/refusal.h"
#include "settlers/stablecoin/evidence.h"
#include "settlers/stablecoin/json_rpc.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;
using base::u128;

// Reads under way; at 100 ms for each this is far more than one node answers.
constexpr std::size_t kReadsMax = 1024;

using Results = std::vector<RpcResult>;

tl::unexpected<base::Error> unanswered(const RpcResult& result) {
  return base::error(ErrorCode::unavailable,
                     result ? "the node's answer cannot be read" : "the node: " + result.error().message);
}

Result<Block> block_of(const RpcResult& result) {
  const auto block = result ? parse_block(*result) : std::nullopt;
  if (!block) return unanswered(result);
  return *block;
}

// What a view returned.
Result<base::Bytes> bytes_of(const RpcResult& result) {
  auto bytes = result ? data_bytes(*result) : std::nullopt;
  if (!bytes) return unanswered(result);
  return std::move(*bytes);
}

Result<u128> number_of(const RpcResult& result) {
  ASSIGN_OR_RETURN(const base::Bytes bytes, bytes_of(result));
  const auto number = evm::number_from_word(bytes);
  if (!number) return unanswered(result);
  return *number;
}

Result<evm::Simulation> simulation_of(const RpcResult& result) {
  evm::Simulation simulation;
  if (result) {
    const auto data = data_bytes(*result);
    if (!data) return unanswered(result);
    simulation.succeeds = true;
    simulation.data = *data;
    return simulation;
  }
  const RpcError& error = result.error();
  if (error.transport) return unanswered(result);
  simulation.data = error.data;
  simulation.reason = evm::revert_reason(error.data);
  if (simulation.reason.empty()) simulation.reason = error.message;
  return simulation;
}

// What is under way: outlives the reader until the io_context has run what was posted.
class Reads : public std::enable_shared_from_this<Reads> {
 public:
  Reads(boost::asio::io_context& io, RpcUrl url, std::uint64_t timeout_ms)
      : io_(io), client_(std::make_unique<JsonRpcClient>(io, std::move(url), timeout_ms)) {}

  template <typename T>
  void ask(std::vector<RpcCall> calls, std::function<Result<T>(const Results&)> read, evm::Done<T> done) {
    boost::asio::post(io_, [self = shared_from_this(), calls = std::move(calls), read = std::move(read),
                            done = std::move(done)]() mutable {
      if (!self->client_) return done(base::error(ErrorCode::unavailable, "the chain reader has stopped"));
      if (self->under_way_.size() >= kReadsMax)
        return done(base::error(ErrorCode::unavailable, "too many reads of the chain are under way"));
      const std::uint64_t id = ++self->last_id_;
      self->under_way_[id] = [done](base::Error error) { done(tl::unexpected<base::Error>(std::move(error))); };
      self->client_->batch(std::move(calls), [self, id, read = std::move(read), done](const Results& results) {
        self->under_way_.erase(id);
        done(read(results));
      });
    });
  }

  void stop() {
    client_.reset();
    std::map<std::uint64_t, std::function<void(base::Error)>> left;
    left.swap(under_way_);
    for (const auto& [id, fail] : left) fail(base::Error{ErrorCode::unavailable, "the chain reader has stopped"});
  }

 private:
  boost::asio::io_context& io_;
  std::unique_ptr<JsonRpcClient> client_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void(base::Error)>> under_way_;
};

class ChainReader final : public evm::Chain {
 public:
  ChainReader(boost::asio::io_context& io, RpcUrl url, const StablecoinOptions& options, const base::Address& relayer)
      : chain_id_(options.chain_id),
        rail_(options.rail),
        relayer_(relayer),
        contracts_(options.contracts),
        reads_(std::make_shared<Reads>(io, std::move(url), options.rpc_timeout_ms)) {
    for (const Token& token : options.tokens)
      tokens_.push_back({token.address, token.eip712_name, token.eip712_version, token.decimals});
  }
  ~ChainReader() override { reads_->stop(); }

  std::uint64_t chain_id() const override { return chain_id_; }
  base::Address relayer() const override { return relayer_; }
  const std::vector<evm::TokenInfo>& tokens() const override { return tokens_; }
  const std::vector<base::Address>& contracts() const override { return contracts_; }
  std::string_view rail() const override { return rail_; }

  void simulate(const base::Address& to, const base::Bytes& data, evm::Done<evm::Simulation> done) override {
    reads_->ask<evm::Simulation>(
        {view(to, data)}, [](const Results& results) { return simulation_of(results[0]); }, std::move(done));
  }

  void authorization(const base::Address& token, const base::Address& owner, const base::Hash& nonce,
                     const base::Bytes& data, evm::Done<evm::AuthorizationState> done) override {
    const auto read = [](const Results& results) -> Result<evm::AuthorizationState> {
      evm::AuthorizationState state;
      ASSIGN_OR_RETURN(const Block block, block_of(results[0]));
      ASSIGN_OR_RETURN(state.balance, number_of(results[1]));
      ASSIGN_OR_RETURN(const base::Bytes answer, bytes_of(results[2]));
      ASSIGN_OR_RETURN(state.simulation, simulation_of(results[3]));
      const std::optional<bool> used = evm::decode_authorization_state(answer);
      if (!used) return unanswered(results[2]);
      state.used = *used;
      state.block_number = block.number;
      state.block_time_s = block.timestamp_s;
      return state;
    };
    reads_->ask<evm::AuthorizationState>({newest_block(), view(token, call_balance_of(owner)),
                                          view(token, evm::call_authorization_state(owner, nonce)), view(token, data)},
                                         read, std::move(done));
  }

  void balance(const base::Address& token, const base::Address& owner, evm::Done<u128> done) override {
    reads_->ask<u128>(
        {view(token, call_balance_of(owner))}, [](const Results& results) { return number_of(results[0]); },
        std::move(done));
  }

  void channel(const base::Address& contract, const base::Hash& id, evm::Done<evm::ChannelState> done) override {
    const auto read = [](const Results& results) -> Result<evm::ChannelState> {
      evm::ChannelState state;
      ASSIGN_OR_RETURN(const Block block, block_of(results[0]));
      ASSIGN_OR_RETURN(const base::Bytes escrow, bytes_of(results[1]));
      ASSIGN_OR_RETURN(const base::Bytes withdrawal, bytes_of(results[2]));
      ASSIGN_OR_RETURN(const base::Bytes refund_nonce, bytes_of(results[3]));
      const auto snapshot = evm::decode_snapshot(escrow, withdrawal, refund_nonce);
      if (!snapshot) return unanswered(results[1]);
      state.channel = *snapshot;
      state.block_number = block.number;
      state.block_time_s = block.timestamp_s;
      return state;
    };
    reads_->ask<evm::ChannelState>(
        {newest_block(), view(contract, evm::call_channels(id)), view(contract, evm::call_pending_withdrawals(id)),
         view(contract, evm::call_refund_nonce(id))},
        read, std::move(done));
  }

 private:
  static RpcCall newest_block() { return {"eth_getBlockByNumber", {"latest", false}}; }
  RpcCall view(const base::Address& to, const base::Bytes& data) const {
    json::object call;
    call["from"] = base::to_hex(relayer_);
    call["to"] = base::to_hex(to);
    call["data"] = base::to_hex(data);
    return {"eth_call", {std::move(call), "latest"}};
  }

  const std::uint64_t chain_id_;
  const std::string rail_;
  const base::Address relayer_;
  std::vector<evm::TokenInfo> tokens_;
  const std::vector<base::Address> contracts_;
  const std::shared_ptr<Reads> reads_;
};

}  // namespace

base::Result<std::unique_ptr<evm::Chain>> make_chain_reader(boost::asio::io_context& io,
                                                            const StablecoinOptions& options,
                                                            const base::Address& relayer) {
  ASSIGN_OR_RETURN(RpcUrl url, parse_rpc_url(options.rpc_url));
  if (options.chain_id == 0) return base::error(ErrorCode::invalid_argument, "chain_id is missing");
  return std::make_unique<ChainReader>(io, std::move(url), options, relayer);
}

}  // namespace settlers::stablecoin
