#include "ops/http_server.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/thread.h"

namespace ops {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::uint32_t kHeaderBytesMax = 8 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::uint64_t kBodyBytesMax = 1024;  // GET and HEAD have none; a small one is read and ignored
constexpr int kBackgroundNice = 10;            // nobody's payment waits for these answers

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

struct Shared {
  HttpHandler handler;
  std::string background_prefix;
  asio::io_context* background = nullptr;
  std::chrono::milliseconds timeout{};
  std::uint32_t connections_max = 0;
  std::atomic<std::uint32_t> connections{0};
};

Response text_response(const Request& request, http::status status, std::string body) {
  Response response(status, request.version());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(body);
  return response;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool in_background(const Request& request, const Shared& shared) {
  return !shared.background_prefix.empty() && view(request.target()).starts_with(shared.background_prefix);
}

Response respond(const Request& request, const HttpHandler& handler) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Response refused =
        text_response(request, http::status::method_not_allowed, "Only GET and HEAD are answered here.\n");
    refused.set(http::field::allow, "GET, HEAD");
    return refused;
  }
  const std::string_view target = view(request.target());
  const std::size_t mark = std::min(target.find('?'), target.size());
  HttpAnswer answer = handler({target.substr(0, mark), target.substr(std::min(mark + 1, target.size())),
                               view(request[http::field::host]), view(request["Sec-Fetch-Site"])});
  Response response(static_cast<http::status>(answer.status), request.version());
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.body() = std::move(answer.body);
  return response;
}

// One connection: read, answer, again, until the peer or a deadline ends it. Owned by its pending operation.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    ++shared_.connections;
  }
  ~Connection() { --shared_.connections; }

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(kBodyBytesMax);
    stream_.expires_after(shared_.timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code failure, std::size_t) { self->on_read(failure); });
  }

 private:
  void on_read(beast::error_code failure) {
    if (failure == http::error::header_limit || failure == http::error::body_limit ||
        failure == http::error::buffer_overflow) {
      response_ =
          text_response(Request{}, http::status::request_header_fields_too_large, "The request is too large.\n");
      response_.version(11);
      write(false);
      return;
    }
    // Bytes that are no HTTP request. A peer that is gone, or too slow, gets nothing.
    const bool gone = failure == http::error::end_of_stream || failure == http::error::partial_message;
    if (failure && !gone && failure.category() == http::make_error_code(http::error::bad_version).category()) {
      response_ = text_response(Request{}, http::status::bad_request, "This is not an HTTP request.\n");
      response_.version(11);
      return write(false);
    }
    if (failure) return close();
    const Request& request = parser_->get();
    if (!in_background(request, shared_)) return answer(respond(request, shared_.handler), request.keep_alive());
    asio::post(*shared_.background, [self = shared_from_this()]() mutable {
      Response response = respond(self->parser_->get(), self->shared_.handler);
      const asio::any_io_executor back = self->stream_.get_executor();
      asio::post(back, [self = std::move(self), response = std::move(response)]() mutable {
        const bool crowded = self->shared_.connections * 2 > self->shared_.connections_max;
        self->answer(std::move(response), !crowded && self->parser_->get().keep_alive());
      });
    });
  }

  void answer(Response response, bool keep_alive) {
    response_ = std::move(response);
    response_.keep_alive(keep_alive);
    response_.content_length(response_.body().size());
    if (parser_->get().method() == http::verb::head) response_.body().clear();
    write(keep_alive);
  }

  void write(bool keep_alive) {
    if (!keep_alive) response_.keep_alive(false);
    if (!response_.has_content_length()) response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep_alive](beast::error_code failure, std::size_t) {
                        if (failure || !keep_alive) return self->close();
                        self->read();
                      });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
  std::optional<http::request_parser<http::string_body>> parser_;
  Response response_;
  Shared& shared_;
};

std::string cannot_listen(const Endpoint& endpoint, const beast::error_code& failure) {
  return "http.listen: cannot listen on " + to_string(endpoint) + ": " + failure.message();
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, HttpHandler handler) : acceptor_(context_) {
    shared_.handler = std::move(handler);
    shared_.timeout = std::chrono::milliseconds(options.request_timeout_ms);
    shared_.connections_max = options.connections_max;
    shared_.background_prefix = options.background_prefix;
    shared_.background = &background_;
  }
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Result<void> listen(const Endpoint& endpoint) {
    beast::error_code failure;
    const asio::ip::address address = asio::ip::make_address(endpoint.host, failure);
    const tcp::endpoint wanted(address, endpoint.port);
    if (!failure) acceptor_.open(wanted.protocol(), failure);
    if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor_.bind(wanted, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return base::error(base::ErrorCode::io, cannot_listen(endpoint, failure));
    bound_ = {acceptor_.local_endpoint().address().to_string(), acceptor_.local_endpoint().port()};
    accept();
    thread_ = std::thread([this] { context_.run(); });
    if (shared_.background_prefix.empty()) return {};
    background_thread_ = std::thread([this] {
      base::give_way(kBackgroundNice);
      const auto guard = asio::make_work_guard(background_);
      background_.run();
    });
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    background_.stop();
    if (background_thread_.joinable()) background_thread_.join();
    context_.stop();
    thread_.join();
  }

  const Endpoint& endpoint() const noexcept { return bound_; }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code failure, tcp::socket socket) {
      if (failure == asio::error::operation_aborted) return;
      if (failure) return accept_later();
      if (shared_.connections < shared_.connections_max)
        std::make_shared<Connection>(std::move(socket), shared_)->read();
      accept();
    });
  }

  // Out of descriptors or memory for a moment: without a pause this would spin.
  void accept_later() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](beast::error_code failure) {
      if (!failure) accept();
    });
  }

  // The contexts go first: connections that they still hold use `shared_` and the first context.
  Shared shared_;
  asio::io_context context_{1};
  asio::io_context background_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  Endpoint bound_;
  std::thread thread_;
  std::thread background_thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, HttpHandler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  RETURN_IF_ERROR(impl->listen(options.listen));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

Endpoint HttpServer::endpoint() const { return impl_->endpoint(); }
void HttpServer::stop() { impl_->stop(); }

}  // namespace ops
