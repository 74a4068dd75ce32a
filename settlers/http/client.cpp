#include "settlers/http/client.h"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <deque>
#include <optional>

namespace settlers::http {

namespace {

namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr unsigned kHttpVersion = 11;
constexpr std::uint32_t kAnswerHeadBytesMax = 64 * 1024;

// The certificate authorities, and what is admitted of TLS.
struct Trust {
  ssl::context context{ssl::context::tls_client};
  std::string problem;  // empty: usable

  explicit Trust(const std::string& ca_file) {
    error_code failed;
    context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, failed);
    if (!failed) context.set_verify_mode(ssl::verify_peer, failed);
    if (!failed && ca_file.empty()) context.set_default_verify_paths(failed);
    if (!failed && !ca_file.empty()) context.load_verify_file(ca_file, failed);
    if (failed)
      problem = (ca_file.empty() ? std::string("the system's certificate authorities") : ca_file) +
                ": cannot be used: " + failed.message();
  }
};

// What a client and its connections share; operations that are under way may outlive the client.
struct Common {
  ClientOptions options;
  std::optional<Trust> trust;  // with https only
};

bool is_address(const std::string& host) {
  error_code not_one;
  (void)boost::asio::ip::make_address(host, not_one);
  return !not_one;
}

}  // namespace

// One connection, one request at a time.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Stream = beast::tcp_stream;
  using TlsStream = ssl::stream<Stream&>;
  struct Ending {
    error_code failed;
    bool sent = false;
    Response response;
  };
  using Finished = std::function<void(Ending)>;

  Connection(boost::asio::io_context& io, std::shared_ptr<Common> common)
      : common_(std::move(common)), options_(common_->options), resolver_(io), stream_(io), deadline_(io) {}

  void run(Request request, Finished finished) {
    finished_ = std::move(finished);
    repeatable_ = request.repeatable;
    request_ = {};
    parser_.reset();
    request_.version(kHttpVersion);
    request_.method(request.method == Method::get ? beast::http::verb::get : beast::http::verb::post);
    request_.target(request.target);
    request_.set(beast::http::field::host, options_.url.host_header);
    request_.set(beast::http::field::user_agent, "tabd");
    for (const Field& field : request.fields) request_.set(field.name, field.value);
    request_.body() = std::move(request.body);
    request_.prepare_payload();
    timed_out_ = false;
    sent_ = false;
    deadline_.expires_after(std::chrono::milliseconds(options_.timeout_ms));
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
    resolver_.async_resolve(options_.url.host, options_.url.port,
                            [self = shared_from_this()](error_code failed, const auto& found) {
                              if (failed) return self->finish(failed);
                              self->stream_.async_connect(found, [self](error_code refused, const tcp::endpoint&) {
                                if (refused) return self->finish(refused);
                                error_code ignored;
                                self->stream_.socket().set_option(tcp::no_delay(true), ignored);
                                self->common_->trust ? self->handshake() : self->connected();
                              });
                            });
  }

  void handshake() {
    tls_.emplace(stream_, common_->trust->context);
    error_code failed;
    tls_->set_verify_callback(ssl::host_name_verification(options_.url.host), failed);
    // RFC 6066, 3: no addresses in the server name indication.
    if (!failed && !is_address(options_.url.host) &&
        SSL_set_tlsext_host_name(tls_->native_handle(), options_.url.host.c_str()) != 1)
      failed = boost::asio::error::invalid_argument;
    if (failed) return finish(failed);
    tls_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](error_code refused) {
      if (refused) return self->finish(refused);
      self->connected();
    });
  }

  void connected() {
    open_ = true;
    write();
  }

  void write() {
    sent_ = true;
    const auto written = [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->lost(failed);
      self->read();
    };
    tls_ ? beast::http::async_write(*tls_, request_, written) : beast::http::async_write(stream_, request_, written);
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(options_.answer_bytes_max);
    parser_->header_limit(kAnswerHeadBytesMax);
    buffer_.clear();
    const auto had = [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->lost(failed);
      if (!self->parser_->get().keep_alive()) self->close();
      self->finish({});
    };
    tls_ ? beast::http::async_read(*tls_, buffer_, *parser_, had)
         : beast::http::async_read(stream_, buffer_, *parser_, had);
  }

  // A kept connection that the server had closed in the meantime: once more on a new one.
  void lost(error_code failed) {
    const bool untouched = !parser_ || !parser_->got_some();
    close();
    if (reused_ && untouched && repeatable_ && !timed_out_ && finished_) {
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
    Ending ending;
    ending.failed = timed_out_ ? error_code(boost::asio::error::timed_out) : failed;
    ending.sent = sent_;
    if (!ending.failed) {
      auto answer = parser_->release();
      ending.response.status = answer.result_int();
      for (const auto& field : answer)
        ending.response.fields.push_back({std::string(field.name_string()), std::string(field.value())});
      ending.response.body = std::move(answer.body());
    }
    finished(std::move(ending));
  }

  void close() {
    open_ = false;
    stream_.close();
    // tls_ stays until the next connect(): an operation that is under way still refers to it.
  }

  const std::shared_ptr<Common> common_;
  const ClientOptions& options_;
  tcp::resolver resolver_;
  Stream stream_;
  std::optional<TlsStream> tls_;
  boost::asio::steady_timer deadline_;
  beast::flat_buffer buffer_;
  beast::http::request<beast::http::string_body> request_;
  std::optional<beast::http::response_parser<beast::http::string_body>> parser_;
  Finished finished_;
  bool repeatable_ = false;
  bool open_ = false;
  bool reused_ = false;
  bool timed_out_ = false;
  bool sent_ = false;
};

class Client::Impl : public std::enable_shared_from_this<Client::Impl> {
 public:
  Impl(boost::asio::io_context& io, ClientOptions options) : io_(io), common_(std::make_shared<Common>()) {
    common_->options = std::move(options);
    if (common_->options.url.tls) common_->trust.emplace(common_->options.ca_file);
  }

  base::Result<void> check() const {
    if (!common_->trust || common_->trust->problem.empty()) return {};
    return base::error(base::ErrorCode::invalid_argument, common_->trust->problem);
  }

  void send(Request request, Done done) {
    std::string problem;
    if (common_->trust) problem = common_->trust->problem;
    if (problem.empty() && queue_.size() >= common_->options.queue_max) problem = "too many requests are waiting";
    if (!problem.empty()) {
      boost::asio::post(io_, [self = shared_from_this(), done = std::move(done), problem = std::move(problem)] {
        if (!self->dropped_) done(self->failure(problem, false));
      });
      return;
    }
    queue_.push_back({std::move(request), std::move(done)});
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
  struct Waiting {
    Request request;
    Done done;
  };

  Result failure(const std::string& what, bool sent) const {
    return tl::unexpected<Failure>(Failure{"no answer from " + common_->options.url.host_header + ": " + what, sent});
  }

  void next() {
    while (!queue_.empty() && !dropped_) {
      std::shared_ptr<Connection> connection;
      if (!idle_.empty()) {
        connection = idle_.back();
        idle_.pop_back();
      } else if (connections_.size() < common_->options.connections_max) {
        connection = std::make_shared<Connection>(io_, common_);
        connections_.push_back(connection);
      } else {
        return;
      }
      Waiting waiting = std::move(queue_.front());
      queue_.pop_front();
      connection->run(std::move(waiting.request), [self = shared_from_this(), connection,
                                                   done = std::move(waiting.done)](Connection::Ending ending) {
        if (self->dropped_) return;
        self->idle_.push_back(connection);
        done(ending.failed ? self->failure(ending.failed.message(), ending.sent) : Result(std::move(ending.response)));
        self->next();
      });
    }
  }

  boost::asio::io_context& io_;
  const std::shared_ptr<Common> common_;
  bool dropped_ = false;
  std::deque<Waiting> queue_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> idle_;
};

std::string_view Response::field(std::string_view name) const noexcept {
  for (const Field& field : fields) {
    if (beast::iequals(beast::string_view(field.name.data(), field.name.size()),
                       beast::string_view(name.data(), name.size())))
      return field.value;
  }
  return {};
}

Client::Client(boost::asio::io_context& io, ClientOptions options)
    : impl_(std::make_shared<Impl>(io, std::move(options))) {}
Client::~Client() { impl_->drop(); }

base::Result<void> Client::check() const { return impl_->check(); }
void Client::send(Request request, Done done) { impl_->send(std::move(request), std::move(done)); }

}  // namespace settlers::http
