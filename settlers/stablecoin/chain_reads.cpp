#include "settlers/stablecoin/chain_reads.h"

#include <algorithm>
#include <tuple>

#include "evm/abi.h"
#include "evm/refusal.h"

namespace settlers::stablecoin {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> unanswered(const RpcResult& result) {
  return base::error(ErrorCode::unavailable,
                     result ? "the node's answer cannot be read" : "the node: " + result.error().message);
}

Result<evm::BlockPoint> point_of(const RpcResult& result) {
  if (result && result->is_null())
    return base::error(ErrorCode::unavailable, "the node does not have a block that it had named: it lags");
  const auto block = result ? parse_block(*result) : std::nullopt;
  if (!block) return unanswered(result);
  return evm::BlockPoint{block->number, block->hash, block->timestamp_s};
}

Result<base::Bytes> bytes_of(const RpcResult& result) {
  auto bytes = result ? data_bytes(*result) : std::nullopt;
  if (!bytes) return unanswered(result);
  return std::move(*bytes);
}

Result<base::u128> number_of(const RpcResult& result) {
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

namespace {

template <typename T>
std::optional<T> fixed_member(const json::value& log, std::string_view name) {
  const json::value* value = member(log, name);
  return value == nullptr ? std::nullopt : data_fixed<T>(*value);
}

std::optional<std::uint64_t> number_member(const json::value& log, std::string_view name) {
  const json::value* value = member(log, name);
  return value == nullptr ? std::nullopt : quantity64(*value);
}

std::optional<evm::LoggedEvent> event_of(const json::value& log, const base::Address& contract) {
  const json::value* topics = member(log, "topics");
  const json::value* data = member(log, "data");
  if (topics == nullptr || !topics->is_array() || data == nullptr) return std::nullopt;
  std::vector<base::Hash> words;
  for (const json::value& topic : topics->as_array()) {
    const auto word = data_fixed<base::Hash>(topic);
    if (!word) return std::nullopt;
    words.push_back(*word);
  }
  const auto block_number = number_member(log, "blockNumber");
  const auto block_hash = fixed_member<base::Hash>(log, "blockHash");
  const auto transaction = fixed_member<base::Hash>(log, "transactionHash");
  const auto log_index = number_member(log, "logIndex");
  const auto bytes = data_bytes(*data);
  if (!block_number || !block_hash || !transaction || !log_index || !bytes) return std::nullopt;
  if (fixed_member<base::Address>(log, "address") != contract) return std::nullopt;
  const auto event = evm::decode_channel_event(words, *bytes);
  if (!event) return std::nullopt;
  return evm::LoggedEvent{*block_number, *block_hash, *transaction, *log_index, *event};
}

}  // namespace

Result<std::vector<evm::LoggedEvent>> events_of(const RpcResult& result, const base::Address& contract,
                                                std::uint64_t from, std::uint64_t to) {
  if (!result || !result->is_array()) return unanswered(result);
  std::vector<evm::LoggedEvent> events;
  for (const json::value& log : result->as_array()) {
    std::optional<evm::LoggedEvent> event = event_of(log, contract);
    if (!event || event->block_number < from || event->block_number > to)
      return base::error(ErrorCode::unavailable, "the node gives a log that is not one of the contract " +
                                                     base::to_hex(contract) + " in the blocks asked for");
    events.push_back(std::move(*event));
  }
  std::sort(events.begin(), events.end(), [](const evm::LoggedEvent& a, const evm::LoggedEvent& b) {
    return std::tie(a.block_number, a.log_index) < std::tie(b.block_number, b.log_index);
  });
  return events;
}

bool refused(const RpcResults& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const RpcResult& result) { return !result && result.error().reached; });
}

void ChainReads::stop() {
  client_.reset();
  std::map<std::uint64_t, std::function<void(base::Error)>> left;
  left.swap(under_way_);
  for (const auto& [id, fail] : left) fail(base::Error{ErrorCode::unavailable, "the chain reader has stopped"});
}

}  // namespace settlers::stablecoin
