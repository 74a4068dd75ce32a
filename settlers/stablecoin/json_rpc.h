#pragma once

// A JSON-RPC 2.0 client over HTTP/1.1 or HTTPS (settlers/http/client.h). Requests are arrays (batches), so that what
// belongs together costs one round trip. Everything runs on the io_context thread; completions come from it, never from
// within the starting call.

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/result.h"
#include "settlers/http/client.h"

namespace settlers::stablecoin {

using RpcUrl = http::Url;
// http[s]://host[:port][/path]. invalid_argument says what is wrong.
base::Result<RpcUrl> parse_rpc_url(std::string_view url);

struct RpcError {
  bool transport = false;  // no answer, or not one of JSON-RPC: the node may or may not have done what was asked
  bool reached = true;     // something answered; false: no connection, or no answer in time
  std::int64_t code = 0;   // of the node's answer
  std::string message;
  base::Bytes data;  // with code 3 ("execution reverted"): the revert's data
};
using RpcResult = tl::expected<boost::json::value, RpcError>;
struct RpcCall {
  std::string method;
  boost::json::array params;
};
using RpcDone = std::function<void(RpcResult)>;
using RpcBatchDone = std::function<void(std::vector<RpcResult>)>;  // as many as calls, in their order

class JsonRpcClient {
 public:
  // `io` must outlive this. What is under way when it is destroyed is dropped: completions are not called.
  JsonRpcClient(boost::asio::io_context& io, const RpcUrl& url, std::uint64_t timeout_ms);

  // `calls` must not be empty.
  void batch(std::vector<RpcCall> calls, RpcBatchDone done);
  void call(std::string method, boost::json::array params, RpcDone done);

 private:
  http::Client client_;
  const std::string target_;
  std::uint64_t next_id_ = 1;
};

// Reading what Ethereum nodes answer: quantities ("0x1f"), data ("0x..."). Empty on anything else.
std::optional<std::uint64_t> quantity64(const boost::json::value& value);
std::optional<base::u128> quantity128(const boost::json::value& value);
std::optional<base::Bytes> data_bytes(const boost::json::value& value);
template <typename Fixed>
std::optional<Fixed> data_fixed(const boost::json::value& value) {
  const std::optional<base::Bytes> bytes = data_bytes(value);
  if (!bytes) return std::nullopt;
  return base::fixed_from_bytes<Fixed>(*bytes);
}
std::string to_quantity(std::uint64_t number);
// A member of an object, or null.
const boost::json::value* member(const boost::json::value& value, std::string_view name);

}  // namespace settlers::stablecoin
