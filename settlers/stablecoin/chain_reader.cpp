#include "settlers/stablecoin/chain_reader.h"

#include <algorithm>

#include "evm/channel_contract.h"
#include "evm/eip3009.h"
#include "settlers/stablecoin/chain_reads.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;
using base::u128;
using evm::BlockPoint;
using evm::Depth;

constexpr std::size_t kChannelCalls = 3;  // channels(), pendingWithdrawals(), refundNonce()

// The answers to one channel's calls, from the one at `first`.
Result<evm::ChannelState> state_of(const RpcResults& results, std::size_t first, const BlockPoint& block) {
  ASSIGN_OR_RETURN(const base::Bytes escrow, bytes_of(results[first]));
  ASSIGN_OR_RETURN(const base::Bytes withdrawal, bytes_of(results[first + 1]));
  ASSIGN_OR_RETURN(const base::Bytes refund_nonce, bytes_of(results[first + 2]));
  const auto snapshot = evm::decode_snapshot(escrow, withdrawal, refund_nonce);
  if (!snapshot) return unanswered(results[first]);
  return evm::ChannelState{*snapshot, block.number, block.time_s, block.hash};
}

// Several channels at one block, in pieces.
struct ChannelList {
  base::Address contract;
  std::vector<base::Hash> ids;
  std::string at;  // the block, once it is chosen
  BlockPoint block;
  std::vector<evm::ChannelState> found;
};

// A range of blocks, in pieces.
struct EventRange {
  base::Address contract;
  std::uint64_t next = 0;  // not asked yet
  std::uint64_t last = 0;
  std::vector<evm::LoggedEvent> found;
};

class ChainReader final : public evm::Chain {
 public:
  ChainReader(boost::asio::io_context& io, RpcUrl url, const StablecoinOptions& options, const base::Address& relayer)
      : chain_id_(options.chain_id),
        rail_(options.rail),
        relayer_(relayer),
        contracts_(options.contracts),
        confirmed_(options.confirmed),
        reads_(std::make_shared<ChainReads>(io, std::move(url), options.rpc_timeout_ms)) {
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
        {view(to, data)}, [](const RpcResults& results) { return simulation_of(results[0]); }, std::move(done));
  }

  void authorization(const base::Address& token, const base::Address& owner, const base::Hash& nonce,
                     const base::Bytes& data, evm::Done<evm::AuthorizationState> done) override {
    const auto read = [](const RpcResults& results) -> Result<evm::AuthorizationState> {
      evm::AuthorizationState state;
      ASSIGN_OR_RETURN(const BlockPoint block, point_of(results[0]));
      ASSIGN_OR_RETURN(state.balance, number_of(results[1]));
      ASSIGN_OR_RETURN(const base::Bytes answer, bytes_of(results[2]));
      ASSIGN_OR_RETURN(state.simulation, simulation_of(results[3]));
      const std::optional<bool> used = evm::decode_authorization_state(answer);
      if (!used) return unanswered(results[2]);
      state.used = *used;
      state.block_number = block.number;
      state.block_time_s = block.time_s;
      return state;
    };
    reads_->ask<evm::AuthorizationState>({block_at("latest"), view(token, call_balance_of(owner)),
                                          view(token, evm::call_authorization_state(owner, nonce)), view(token, data)},
                                         read, std::move(done));
  }

  void balance(const base::Address& token, const base::Address& owner, evm::Done<u128> done) override {
    reads_->ask<u128>(
        {view(token, call_balance_of(owner))}, [](const RpcResults& results) { return number_of(results[0]); },
        std::move(done));
  }

  void newest(evm::Done<BlockPoint> done) override {
    reads_->ask<BlockPoint>(
        {block_at("latest")}, [](const RpcResults& results) { return point_of(results[0]); }, std::move(done));
  }

  void head(evm::Done<evm::Head> done) override {
    reads_->begin<evm::Head>(std::move(done), [this](const ChainReads::QuestionPtr<evm::Head>& question) {
      find_block<evm::Head>(question, Depth::confirmed, [question](const BlockPoint& newest, const std::string& at) {
        question->ask({block_at(at)}, [question, newest](const RpcResults& results) {
          const Result<BlockPoint> confirmed = point_of(results[0]);
          if (!confirmed) return question->fail(confirmed.error());
          question->answer(evm::Head{newest, *confirmed});
        });
      });
    });
  }

  void block(std::uint64_t number, evm::Done<BlockPoint> done) override {
    reads_->ask<BlockPoint>(
        {block_at(to_quantity(number))}, [](const RpcResults& results) { return point_of(results[0]); },
        std::move(done));
  }

  void channel(const base::Address& contract, const base::Hash& id, Depth depth,
               evm::Done<evm::ChannelState> done) override {
    at_one_block<evm::ChannelState>(
        depth, [this, contract, id](const std::string& at) { return channel_calls(contract, id, at); },
        [](const RpcResults& results, const BlockPoint& block) { return state_of(results, 1, block); },
        std::move(done));
  }

  void channels(const base::Address& contract, std::vector<base::Hash> ids, Depth depth,
                evm::Done<std::vector<evm::ChannelState>> done) override {
    using List = std::vector<evm::ChannelState>;
    const auto first = [this, contract, ids = std::move(ids), depth](const ChainReads::QuestionPtr<List>& question) {
      if (ids.empty()) return question->answer(List{});
      find_block<List>(question, depth, [this, question, contract, ids](const BlockPoint&, const std::string& at) {
        ask_channels(question, std::make_shared<ChannelList>(ChannelList{contract, ids, at, {}, {}}));
      });
    };
    reads_->begin<List>(std::move(done), first);
  }

  void earnings(const base::Address& contract, const base::Address& receiver, const base::Address& token, Depth depth,
                evm::Done<evm::EarningsState> done) override {
    const base::Bytes data = evm::call_receivers(receiver, token);
    const auto read = [](const RpcResults& results, const BlockPoint& block) -> Result<evm::EarningsState> {
      ASSIGN_OR_RETURN(const base::Bytes answer, bytes_of(results[1]));
      const auto earnings = evm::decode_receivers(answer);
      if (!earnings) return unanswered(results[1]);
      return evm::EarningsState{*earnings, block.number};
    };
    at_one_block<evm::EarningsState>(
        depth, [this, contract, data](const std::string& at) { return std::vector<RpcCall>{view(contract, data, at)}; },
        read, std::move(done));
  }

  void events(const base::Address& contract, std::uint64_t from_block, std::uint64_t to_block,
              evm::Done<std::vector<evm::LoggedEvent>> done) override {
    using Events = std::vector<evm::LoggedEvent>;
    const auto first = [this, contract, from_block, to_block](const ChainReads::QuestionPtr<Events>& question) {
      if (from_block > to_block) return question->answer(Events{});
      reads_->blocks_at_a_time = std::min(reads_->blocks_at_a_time * 2, ChainReads::kBlocksMax);
      ask_events(question, std::make_shared<EventRange>(EventRange{contract, from_block, to_block, {}}));
    };
    reads_->begin<Events>(std::move(done), first);
  }

  void gas_price(evm::Done<u128> done) override {
    const auto read = [](const RpcResults& results) -> Result<u128> {
      const auto price = results[0] ? quantity128(*results[0]) : std::nullopt;
      if (!price) return unanswered(results[0]);
      return *price;
    };
    reads_->ask<u128>({{"eth_gasPrice", {}}}, read, std::move(done));
  }

 private:
  template <typename T>
  using QuestionPtr = ChainReads::QuestionPtr<T>;

  // `at`: a tag or a quantity.
  static RpcCall block_at(const std::string& at) { return {"eth_getBlockByNumber", {at, false}}; }
  RpcCall view(const base::Address& to, const base::Bytes& data, const std::string& at = "latest") const {
    json::object call;
    call["from"] = base::to_hex(relayer_);
    call["to"] = base::to_hex(to);
    call["data"] = base::to_hex(data);
    return {"eth_call", {std::move(call), at}};
  }
  std::vector<RpcCall> channel_calls(const base::Address& contract, const base::Hash& id, const std::string& at) const {
    return {view(contract, evm::call_channels(id), at), view(contract, evm::call_pending_withdrawals(id), at),
            view(contract, evm::call_refund_nonce(id), at)};
  }

  // Gives the newest block, and the number (a quantity) of the block of that depth.
  template <typename T>
  void find_block(const QuestionPtr<T>& question, Depth depth,
                  std::function<void(const BlockPoint& newest, const std::string& at)> then) const {
    const bool by_depth = depth == Depth::newest || confirmed_.kind == BlockRule::Kind::depth;
    const std::uint64_t below = depth == Depth::newest || confirmed_.depth == 0 ? 0 : confirmed_.depth - 1;
    std::vector<RpcCall> calls{block_at("latest")};
    if (!by_depth) calls.push_back(block_at(confirmed_.kind == BlockRule::Kind::safe ? "safe" : "finalized"));
    question->ask(std::move(calls), [question, by_depth, below, then = std::move(then)](const RpcResults& results) {
      const Result<BlockPoint> newest = point_of(results[0]);
      const Result<BlockPoint> tagged = point_of(results.back());
      if (!newest || !tagged) return question->fail(newest ? tagged.error() : newest.error());
      then(*newest, to_quantity(by_depth ? newest->number - std::min(newest->number, below) : tagged->number));
    });
  }

  // Reads of one block: the answers of `calls` are those from 1 on. At the newest block in one round trip, unless a
  // block comes while the node answers.
  template <typename T>
  void at_one_block(Depth depth, std::function<std::vector<RpcCall>(const std::string& at)> calls,
                    std::function<Result<T>(const RpcResults&, const BlockPoint&)> read, evm::Done<T> done) {
    const auto pinned = [calls, read](const QuestionPtr<T>& question, const std::string& at) {
      std::vector<RpcCall> all = calls(at);
      all.insert(all.begin(), block_at(at));
      question->ask(std::move(all), [question, read](const RpcResults& results) {
        const Result<BlockPoint> block = point_of(results[0]);
        block ? question->answer(read(results, *block)) : question->fail(block.error());
      });
    };
    const auto first = [this, depth, calls, read, pinned](const QuestionPtr<T>& question) {
      if (depth == Depth::confirmed)
        return find_block<T>(question, depth,
                             [question, pinned](const BlockPoint&, const std::string& at) { pinned(question, at); });
      std::vector<RpcCall> all = calls("latest");
      all.insert(all.begin(), block_at("latest"));
      all.push_back(block_at("latest"));
      question->ask(std::move(all), [question, read, pinned](const RpcResults& results) {
        const Result<BlockPoint> before = point_of(results.front());
        const Result<BlockPoint> after = point_of(results.back());
        if (!before || !after) return question->fail(before ? after.error() : before.error());
        before->hash == after->hash ? question->answer(read(results, *after))
                                    : pinned(question, to_quantity(after->number));
      });
    };
    reads_->begin<T>(std::move(done), first);
  }

  void ask_channels(const QuestionPtr<std::vector<evm::ChannelState>>& question,
                    const std::shared_ptr<ChannelList>& work) const {
    const std::size_t left = work->ids.size() - work->found.size();
    if (left == 0) return question->answer(std::move(work->found));
    const std::size_t piece = std::min(left, reads_->channels_at_a_time);
    std::vector<RpcCall> calls{block_at(work->at)};
    for (std::size_t i = 0; i < piece; ++i)
      for (RpcCall& call : channel_calls(work->contract, work->ids[work->found.size() + i], work->at))
        calls.push_back(std::move(call));
    question->ask(std::move(calls), [this, question, work, piece](const RpcResults& results) {
      const Result<void> taken = take_channels(results, piece, *work);
      if (!taken && refused(results) && piece > 1) {
        reads_->channels_at_a_time = piece / 2;
      } else if (!taken) {
        return question->fail(taken.error());
      }
      ask_channels(question, work);
    });
  }

  static Result<void> take_channels(const RpcResults& results, std::size_t piece, ChannelList& work) {
    ASSIGN_OR_RETURN(const BlockPoint block, point_of(results[0]));
    if (!work.found.empty() && block != work.block)
      return base::error(ErrorCode::unavailable, "block " + std::to_string(block.number) + " was undone meanwhile");
    std::vector<evm::ChannelState> states;
    for (std::size_t i = 0; i < piece; ++i) {
      ASSIGN_OR_RETURN(evm::ChannelState state, state_of(results, 1 + i * kChannelCalls, block));
      states.push_back(state);
    }
    work.block = block;
    work.found.insert(work.found.end(), states.begin(), states.end());
    return {};
  }

  void ask_events(const QuestionPtr<std::vector<evm::LoggedEvent>>& question,
                  const std::shared_ptr<EventRange>& work) const {
    const std::uint64_t blocks = std::min(work->last - work->next + 1, reads_->blocks_at_a_time);
    const std::uint64_t to = work->next + blocks - 1;
    json::array topics;
    for (const base::Hash& topic : evm::channel_event_topics()) topics.emplace_back(base::to_hex(topic));
    json::object filter;
    filter["address"] = base::to_hex(work->contract);
    filter["topics"] = json::array{std::move(topics)};
    filter["fromBlock"] = to_quantity(work->next);
    filter["toBlock"] = to_quantity(to);
    question->ask({{"eth_getLogs", {std::move(filter)}}, block_at(to_quantity(to))},
                  [this, question, work, blocks, to](const RpcResults& results) {
                    const bool smaller = !results[0] && blocks > 1;
                    if (smaller) reads_->blocks_at_a_time = blocks / 2;
                    if (smaller && refused(results)) return ask_events(question, work);
                    // A node that lacks the block has no logs of it either, and says so by an empty list.
                    const Result<BlockPoint> end = point_of(results[1]);
                    auto events = events_of(results[0], work->contract, work->next, to);
                    if (!events || !end) return question->fail(events ? end.error() : events.error());
                    for (evm::LoggedEvent& event : *events) work->found.push_back(std::move(event));
                    if (to == work->last) return question->answer(std::move(work->found));
                    work->next = to + 1;
                    ask_events(question, work);
                  });
  }

  const std::uint64_t chain_id_;
  const std::string rail_;
  const base::Address relayer_;
  std::vector<evm::TokenInfo> tokens_;
  const std::vector<base::Address> contracts_;
  const BlockRule confirmed_;
  const std::shared_ptr<ChainReads> reads_;
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
