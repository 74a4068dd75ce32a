#include "settlers/stablecoin/json_rpc.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/check.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using boost::system::error_code;

// Connections to the node. More would only queue there.
constexpr std::size_t kConnectionsMax = 4;
// Requests waiting for a connection: beyond it the answer is a transport error at once.
constexpr std::size_t kQueueMax = 1024;
// A node's answer; receipts and blocks without bodies are a few KiB.
constexpr std::size_t kAnswerBytesMax = 8 * 1024 * 1024;

// The calls of one request: consecutive ids.
struct Batch {
  std::uint64_t first_id = 0;
  std::size_t count = 0;
};

http::ClientOptions client_options(const RpcUrl& url, std::uint64_t timeout_ms) {
  http::ClientOptions options;
  options.url = url;
  options.timeout_ms = timeout_ms;
  options.connections_max = kConnectionsMax;
  options.queue_max = kQueueMax;
  options.answer_bytes_max = kAnswerBytesMax;
  return options;
}

RpcError transport_error(std::string message) {
  RpcError error;
  error.transport = true;
  error.message = std::move(message);
  return error;
}

RpcError not_reached(std::string message) {
  RpcError error = transport_error(std::move(message));
  error.reached = false;
  return error;
}

std::vector<RpcResult> all_failed(std::size_t count, const RpcError& error) {
  return std::vector<RpcResult>(count, tl::unexpected<RpcError>(error));
}

// The data of a revert: a string, or within an object in the answers of some nodes.
base::Bytes revert_data(const json::value& error) {
  const json::value* data = member(error, "data");
  if (data != nullptr && data->is_object()) data = member(*data, "data");
  if (data == nullptr) return {};
  return data_bytes(*data).value_or(base::Bytes{});
}

RpcResult result_of(const json::value& answer) {
  if (const json::value* error = member(answer, "error"); error != nullptr && !error->is_null()) {
    RpcError failure;
    const json::value* code = member(*error, "code");
    if (code != nullptr && code->is_int64()) failure.code = code->as_int64();
    const json::value* message = member(*error, "message");
    if (message != nullptr && message->is_string()) failure.message = std::string(message->as_string());
    failure.data = revert_data(*error);
    return tl::unexpected<RpcError>(std::move(failure));
  }
  const json::value* result = member(answer, "result");
  if (result == nullptr) return tl::unexpected<RpcError>(transport_error("the node's answer has no result"));
  return *result;
}

std::vector<RpcResult> read_answers(const Batch& request, std::string_view body, unsigned http_status) {
  error_code failed;
  const json::value answers = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed)
    return all_failed(request.count,
                      transport_error("the node answered HTTP " + std::to_string(http_status) + " without JSON"));
  if (!answers.is_array()) {
    // One object instead of an array: the whole request was refused.
    RpcResult refused = result_of(answers);
    RpcError error = refused ? transport_error("the node does not answer batches") : refused.error();
    error.transport = true;
    return all_failed(request.count, error);
  }
  std::vector<RpcResult> results = all_failed(request.count, transport_error("the node left this call unanswered"));
  for (const json::value& answer : answers.as_array()) {
    const json::value* id = member(answer, "id");
    if (id == nullptr || !(id->is_int64() || id->is_uint64())) continue;
    const auto number = id->is_int64() ? static_cast<std::uint64_t>(id->as_int64()) : id->as_uint64();
    if (number < request.first_id || number - request.first_id >= request.count) continue;
    results[number - request.first_id] = result_of(answer);
  }
  return results;
}

}  // namespace

JsonRpcClient::JsonRpcClient(boost::asio::io_context& io, const RpcUrl& url, std::uint64_t timeout_ms)
    : client_(io, client_options(url, timeout_ms)), target_(url.target) {}

void JsonRpcClient::batch(std::vector<RpcCall> calls, RpcBatchDone done) {
  CHECK(!calls.empty());
  const Batch batch{next_id_, calls.size()};
  json::array body;
  body.reserve(calls.size());
  for (RpcCall& call : calls) {
    json::object object;
    object["jsonrpc"] = "2.0";
    object["id"] = next_id_++;
    object["method"] = call.method;
    object["params"] = std::move(call.params);
    body.push_back(std::move(object));
  }
  http::Request request;
  request.method = http::Method::post;
  request.target = target_;
  request.fields.push_back({"Content-Type", "application/json"});
  request.body = json::serialize(body);
  // All calls made here may be repeated; a transaction that is broadcast twice is one transaction.
  request.repeatable = true;
  client_.send(std::move(request), [batch, done = std::move(done)](const http::Result& answer) {
    done(answer ? read_answers(batch, answer->body, answer->status)
                : all_failed(batch.count, not_reached(answer.error().message)));
  });
}

void JsonRpcClient::call(std::string method, json::array params, RpcDone done) {
  std::vector<RpcCall> calls;
  calls.push_back({std::move(method), std::move(params)});
  batch(std::move(calls),
        [done = std::move(done)](std::vector<RpcResult> results) { done(std::move(results.front())); });
}

base::Result<RpcUrl> parse_rpc_url(std::string_view url) { return http::parse_url(url, "rpc_url"); }

const json::value* member(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(json::string_view(name.data(), name.size()));
}

std::optional<base::u128> quantity128(const json::value& value) {
  if (!value.is_string()) return std::nullopt;
  std::string_view text(value.as_string().data(), value.as_string().size());
  if (text.size() < 3 || text.size() > 34 || text.substr(0, 2) != "0x") return std::nullopt;
  base::u128 number = 0;
  for (const char c : text.substr(2)) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<unsigned>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<unsigned>(c - 'A') + 10;
    else
      return std::nullopt;
    number = (number << 4) | digit;
  }
  return number;
}

std::optional<std::uint64_t> quantity64(const json::value& value) {
  const std::optional<base::u128> number = quantity128(value);
  if (!number || *number > ~std::uint64_t{0}) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<base::Bytes> data_bytes(const json::value& value) {
  if (!value.is_string()) return std::nullopt;
  const std::string_view text(value.as_string().data(), value.as_string().size());
  if (text.substr(0, 2) != "0x") return std::nullopt;
  return base::from_hex(text);
}

std::string to_quantity(std::uint64_t number) {
  char digits[16];
  const auto [end, failed] = std::to_chars(digits, digits + sizeof(digits), number, 16);
  CHECK(failed == std::errc());
  return "0x" + std::string(digits, end);
}

}  // namespace settlers::stablecoin
