#include "settlers/stablecoin/json_rpc.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <deque>

#include "base/check.h"

namespace settlers::stablecoin {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;
using boost::asio::ip::tcp;
using boost::system::error_code;

// Connections to the node. More would only queue there.
constexpr std::size_t kConnectionsMax = 4;
// Requests waiting for a connection: beyond it the answer is a transport error at once.
constexpr std::size_t kQueueMax = 1024;
// A node's answer; receipts and blocks without bodies are a few KiB.
constexpr std::size_t kAnswerBytesMax = 8 * 1024 * 1024;
constexpr unsigned kHttpVersion = 11;

struct Request {
  std::string body;
  std::uint64_t first_id = 0;
  std::size_t count = 0;
  RpcBatchDone done;
};

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

std::vector<RpcResult> read_answers(const Request& request, std::string_view body, unsigned http_status) {
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

// One connection, one request at a time.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Finished = std::function<void(error_code, std::string body, unsigned status)>;

  Connection(boost::asio::io_context& io, const RpcUrl& url, std::uint64_t timeout_ms)
      : url_(url), timeout_ms_(timeout_ms), resolver_(io), stream_(io), deadline_(io) {}

  void run(std::string body, Finished finished) {
    finished_ = std::move(finished);
    request_ = {};
    parser_.reset();
    request_.version(kHttpVersion);
    request_.method(http::verb::post);
    request_.target(url_.target);
    request_.set(http::field::host, url_.host_header);
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::user_agent, "tabd");
    request_.body() = std::move(body);
    request_.prepare_payload();
    timed_out_ = false;
    deadline_.expires_after(std::chrono::milliseconds(timeout_ms_));
    deadline_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (cancelled) return;
      self->timed_out_ = true;
      self->resolver_.cancel();
      self->close();
    });
    reused_ = open_;
    open_ ? write() : connect();
  }

  void drop() {
    finished_ = nullptr;
    deadline_.cancel();
    resolver_.cancel();
    close();
  }

 private:
  void connect() {
    resolver_.async_resolve(url_.host, url_.port, [self = shared_from_this()](error_code failed, const auto& found) {
      if (failed) return self->finish(failed);
      self->stream_.async_connect(found, [self](error_code refused, const tcp::endpoint&) {
        if (refused) return self->finish(refused);
        self->open_ = true;
        error_code ignored;
        self->stream_.socket().set_option(tcp::no_delay(true), ignored);
        self->write();
      });
    });
  }

  void write() {
    http::async_write(stream_, request_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->lost(failed);
      self->read();
    });
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(kAnswerBytesMax);
    buffer_.clear();
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->lost(failed);
      if (!self->parser_->get().keep_alive()) self->close();
      self->finish({});
    });
  }

  // A kept connection that the node had closed in the meantime: once more on a new one. All calls made here may be
  // repeated; a transaction that is broadcast twice is one transaction.
  void lost(error_code failed) {
    const bool untouched = !parser_ || !parser_->got_some();
    close();
    if (reused_ && untouched && !timed_out_ && finished_) {
      reused_ = false;
      return connect();
    }
    finish(failed);
  }

  void finish(error_code failed) {
    deadline_.cancel();
    if (failed) close();
    if (!finished_) return;
    const Finished finished = std::move(finished_);
    finished_ = nullptr;
    if (timed_out_) failed = boost::asio::error::timed_out;
    if (failed) return finished(failed, {}, 0);
    finished({}, std::move(parser_->get().body()), parser_->get().result_int());
  }

  void close() {
    open_ = false;
    stream_.close();
  }

  const RpcUrl url_;
  const std::uint64_t timeout_ms_;
  tcp::resolver resolver_;
  boost::beast::tcp_stream stream_;
  boost::asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  std::optional<http::response_parser<http::string_body>> parser_;
  Finished finished_;
  bool open_ = false;
  bool reused_ = false;
  bool timed_out_ = false;
};

class JsonRpcClient::Impl : public std::enable_shared_from_this<JsonRpcClient::Impl> {
 public:
  Impl(boost::asio::io_context& io, RpcUrl url, std::uint64_t timeout_ms)
      : io_(io), url_(std::move(url)), timeout_ms_(timeout_ms) {}

  void batch(std::vector<RpcCall> calls, RpcBatchDone done) {
    CHECK(!calls.empty());
    Request request;
    request.count = calls.size();
    request.first_id = next_id_;
    request.done = std::move(done);
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
    request.body = json::serialize(body);
    if (queue_.size() >= kQueueMax) {
      boost::asio::post(io_, [self = shared_from_this(), request = std::move(request)] {
        if (!self->dropped_) request.done(all_failed(request.count, not_reached("too many requests are waiting")));
      });
      return;
    }
    queue_.push_back(std::move(request));
    next();
  }

  void drop() {
    dropped_ = true;
    queue_.clear();
    for (const auto& connection : connections_) connection->drop();
    connections_.clear();
    idle_.clear();
  }

 private:
  void next() {
    while (!queue_.empty() && !dropped_) {
      std::shared_ptr<Connection> connection;
      if (!idle_.empty()) {
        connection = idle_.back();
        idle_.pop_back();
      } else if (connections_.size() < kConnectionsMax) {
        connection = std::make_shared<Connection>(io_, url_, timeout_ms_);
        connections_.push_back(connection);
      } else {
        return;
      }
      auto request = std::make_shared<Request>(std::move(queue_.front()));
      queue_.pop_front();
      connection->run(std::move(request->body), [self = shared_from_this(), connection, request](
                                                    error_code failed, const std::string& body, unsigned status) {
        if (self->dropped_) return;
        self->idle_.push_back(connection);
        request->done(failed ? all_failed(request->count, not_reached("no answer from " + self->url_.host_header +
                                                                      ": " + failed.message()))
                             : read_answers(*request, body, status));
        self->next();
      });
    }
  }

  boost::asio::io_context& io_;
  const RpcUrl url_;
  const std::uint64_t timeout_ms_;
  std::uint64_t next_id_ = 1;
  bool dropped_ = false;
  std::deque<Request> queue_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> idle_;
};

JsonRpcClient::JsonRpcClient(boost::asio::io_context& io, RpcUrl url, std::uint64_t timeout_ms)
    : impl_(std::make_shared<Impl>(io, std::move(url), timeout_ms)) {}
JsonRpcClient::~JsonRpcClient() { impl_->drop(); }

void JsonRpcClient::batch(std::vector<RpcCall> calls, RpcBatchDone done) {
  impl_->batch(std::move(calls), std::move(done));
}

void JsonRpcClient::call(std::string method, json::array params, RpcDone done) {
  std::vector<RpcCall> calls;
  calls.push_back({std::move(method), std::move(params)});
  impl_->batch(std::move(calls),
               [done = std::move(done)](std::vector<RpcResult> results) { done(std::move(results.front())); });
}

base::Result<RpcUrl> parse_rpc_url(std::string_view url) {
  const auto refuse = [url](const char* what) {
    return base::error(base::ErrorCode::invalid_argument,
                       "rpc_url \"" + std::string(url) + "\": " + what + "; expected http://host[:port][/path]");
  };
  constexpr std::string_view kScheme = "http://";
  if (url.substr(0, 8) == "https://") return refuse("TLS is not spoken here, use a local node or proxy");
  if (url.substr(0, kScheme.size()) != kScheme) return refuse("it does not begin with http://");
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  RpcUrl result;
  result.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  rest = rest.substr(0, slash);
  result.host_header = std::string(rest);
  if (rest.find('@') != std::string_view::npos) return refuse("a user name does not belong here");
  result.port = "80";
  std::string_view port;
  if (!rest.empty() && rest[0] == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return refuse("the bracket is not closed");
    result.host = std::string(rest.substr(1, end - 1));
    port = rest.substr(end + 1);
  } else {
    const std::size_t colon = rest.find(':');
    result.host = std::string(rest.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (result.host.empty()) return refuse("the host is missing");
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || failed != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535)
      return refuse("the port is not a number from 1 to 65535");
    result.port = std::to_string(number);
  }
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return refuse("it has a space or control character");
  return result;
}

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
