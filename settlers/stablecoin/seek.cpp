// Looking for somebody else's transaction: the first of an order's `elsewhere` events can be on the chain only once.

#include <algorithm>

#include "settlers/stablecoin/probing.h"

namespace settlers::stablecoin {

namespace json = boost::json;

namespace {

// What public nodes give logs of at a time.
constexpr std::uint64_t kBlocksAtATime = 5'000;

}  // namespace

struct StablecoinSettler::Seeking {
  evm::RelayOrder order;
  std::uint64_t top = 0;     // the newest block that is not searched yet
  std::uint64_t bottom = 0;  // the oldest one to search
  std::function<void(Sought)> done;
};

// Backwards from the newest block: what is looked for happened a moment ago, most likely.
void StablecoinSettler::seek(const evm::RelayOrder& order, std::uint64_t head, std::function<void(Sought)> done) {
  auto work = std::make_shared<Seeking>();
  work->order = order;
  work->top = head;
  work->bottom = head - std::min(head, options_.relay_lookback_blocks);
  work->done = std::move(done);
  seek_logs(work);
}

void StablecoinSettler::seek_logs(const std::shared_ptr<Seeking>& work) {
  const evm::EventPattern& event = work->order.elsewhere.front();
  const std::uint64_t from = work->top - std::min(work->top - work->bottom, kBlocksAtATime - 1);
  json::array topics;
  for (const base::Hash& topic : event.topics) topics.emplace_back(base::to_hex(topic));
  json::object filter;
  filter["address"] = base::to_hex(event.contract);
  filter["topics"] = std::move(topics);
  filter["fromBlock"] = to_quantity(from);
  filter["toBlock"] = to_quantity(work->top);
  client_->call("eth_getLogs", {std::move(filter)}, [this, work, from](const RpcResult& result) {
    if (!result || !result->is_array())
      return work->done({Sought::Kind::unanswered,
                         {},
                         "the node does not give logs: " + (result ? std::string("no list") : result.error().message)});
    if (!result->as_array().empty()) return judge_logs(work, result->as_array().back());
    if (from == work->bottom) return work->done({Sought::Kind::nothing, {}, {}});
    work->top = from - 1;
    seek_logs(work);
  });
}

void StablecoinSettler::judge_logs(const std::shared_ptr<Seeking>& work, const json::value& log) {
  const json::value* hash = member(log, "transactionHash");
  const auto transaction = hash == nullptr ? std::nullopt : data_fixed<base::Hash>(*hash);
  if (!transaction) return work->done({Sought::Kind::unanswered, {}, "a log cannot be read"});
  client_->call("eth_getTransactionReceipt", {base::to_hex(*transaction)},
                [work, transaction](const RpcResult& result) {
                  const auto receipt = result ? parse_receipt(*result) : std::nullopt;
                  if (!receipt || receipt->transaction != *transaction)
                    return work->done({Sought::Kind::unanswered, {}, "the node has a log and not its receipt"});
                  const bool done = receipt->success && has_events(*result, work->order.elsewhere);
                  work->done({done ? Sought::Kind::done : Sought::Kind::otherwise, *transaction, {}});
                });
}

}  // namespace settlers::stablecoin
