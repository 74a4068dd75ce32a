#include "rpc/http/connection.h"

#include <array>
#include <deque>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/limits.h"

namespace rpc::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace limits = base::limits;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<asio::ip::tcp::socket>;

constexpr std::size_t kReadBytes = 16 * 1024;
// A chunk's size line and the trailers of a chunked body have no other bound.
constexpr std::size_t kChunkLineMax = limits::kHttpHeadBytesMax;
// Answers that the peer has not taken yet: beyond this no further request is read. A page of the books fits.
constexpr std::size_t kUnsentBytesMax = 256 * 1024;
// How long we read and forget what a peer still sends after our last answer, so that it gets to see that answer.
constexpr std::uint64_t kLingerNs = 2'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

asio::ip::tcp::socket& lowest(asio::ip::tcp::socket& socket) { return socket; }
asio::ip::tcp::socket& lowest(TlsStream& stream) { return stream.next_layer(); }

// A place in the order of answers.
struct Slot {
  Route route = Route::other;
  std::string bytes;
  bool ready = false;
  bool close = false;
  bool head_only = false;
  std::uint64_t asked_ns = 0;
};

template <typename Stream>
class ConnectionOf final : public Connection, public std::enable_shared_from_this<ConnectionOf<Stream>> {
 public:
  template <typename... Args>
  explicit ConnectionOf(ConnectionHost& host, Args&&... args)
      : host_(host), stream_(std::forward<Args>(args)...), since_ns_(now()) {}
  ~ConnectionOf() override { host_.gone(*this); }

  void start() override {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      phase_ = Phase::handshake;
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](error_code failure) {
        if (self->phase_ == Phase::closed) return;
        if (failure) {
          ++self->host_.counters().tls_failures_total;
          return self->abort();
        }
        self->enter(Phase::idle);
        self->read();
      });
    } else {
      read();
    }
  }

  void tick(std::uint64_t now_ns) override;
  void drain() override {
    draining_ = true;
    const bool unasked = phase_ == Phase::handshake || phase_ == Phase::idle || phase_ == Phase::head;
    if (unasked && slots_.empty() && !writing_) abort();
  }
  void abort() override {
    error_code ignored;
    phase_ = Phase::closed;
    lowest(stream_).close(ignored);
  }

 private:
  enum class Phase : std::uint8_t { handshake, idle, head, body, lingering, closed };
  using Parser = beast::http::request_parser<beast::http::string_body>;

  std::uint64_t now() const { return host_.clock().monotonic_ns(); }
  void enter(Phase phase) {
    phase_ = phase;
    since_ns_ = now();
  }
  // No further request is read.
  bool ending() const { return last_asked_ || phase_ == Phase::lingering || phase_ == Phase::closed; }
  // There is room for one more request and its answer.
  bool may_ask() const { return !ending() && slots_.size() < limits::kHttpPipelineMax && unsent() < kUnsentBytesMax; }
  std::size_t unsent() const {
    std::size_t bytes = writing_ ? out_.size() : 0;
    for (const std::shared_ptr<Slot>& slot : slots_) bytes += slot->bytes.size();
    return bytes;
  }

  void read();
  void on_read(error_code failure, std::size_t bytes);
  void process();
  bool read_head();
  bool read_body();
  void head_complete();
  void expect_continue();
  void request_complete();

  std::shared_ptr<Slot> add_slot(Route route);
  void finish(Slot& slot, const Response& response);
  void end_with(Response response);
  void broken(unsigned status, std::string code, std::string message);
  void write();
  void after_last_answer();

  ConnectionHost& host_;
  Stream stream_;
  Phase phase_ = Phase::idle;
  std::uint64_t since_ns_;
  bool reading_ = false;
  bool writing_ = false;
  bool draining_ = false;
  bool last_asked_ = false;  // the peer or we said that no further request follows
  std::uint64_t write_began_ns_ = 0;
  std::array<char, kReadBytes> chunk_;
  std::string in_;  // read and not yet understood
  std::string out_;
  HeadScanner scanner_;
  std::optional<Parser> parser_;
  bool keep_alive_ = true;
  Request request_;
  KnownKey known_;
  std::deque<std::shared_ptr<Slot>> slots_;
};

template <typename Stream>
void ConnectionOf<Stream>::read() {
  if (reading_ || !(phase_ == Phase::lingering || may_ask())) return;
  reading_ = true;
  stream_.async_read_some(asio::buffer(chunk_), [self = this->shared_from_this()](error_code failure, std::size_t n) {
    self->reading_ = false;
    self->on_read(failure, n);
  });
}

template <typename Stream>
void ConnectionOf<Stream>::on_read(error_code failure, std::size_t bytes) {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::lingering) return failure ? abort() : read();
  if (failure) {
    // A half-closed peer still gets the answers to what it asked.
    last_asked_ = true;
    if (slots_.empty() && !writing_) abort();
    return;
  }
  in_.append(chunk_.data(), bytes);
  process();
  read();
}

template <typename Stream>
void ConnectionOf<Stream>::process() {
  bool asked = false;
  while (may_ask()) {
    if (!(phase_ == Phase::body ? read_body() : read_head())) break;
    asked = true;
  }
  if (asked) host_.flush_soon();
}

// False when more bytes are needed.
template <typename Stream>
bool ConnectionOf<Stream>::read_head() {
  if (phase_ == Phase::idle) {
    std::size_t blank = 0;  // empty lines before a request: RFC 9112, 2.2
    while (in_.compare(blank, 2, "\r\n") == 0) blank += 2;
    in_.erase(0, blank);
    if (in_.empty() || in_ == "\r") return false;
    enter(Phase::head);
    scanner_.reset();
  }
  const HeadScanner::State state = scanner_.scan(in_);
  if (state == HeadScanner::State::broken) {
    broken(400, "bad_request", std::string(scanner_.problem()));
    return false;
  }
  if (in_.size() > limits::kHttpHeadBytesMax &&
      (state == HeadScanner::State::more || scanner_.size() > limits::kHttpHeadBytesMax)) {
    broken(431, "head_too_large", "the request's head is larger than 8 KiB");
    return false;
  }
  if (state == HeadScanner::State::more) return false;
  head_complete();
  return true;
}

template <typename Stream>
void ConnectionOf<Stream>::head_complete() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits::kHttpHeadBytesMax));
  parser_->body_limit(host_.options().body_bytes_max);
  error_code failure;
  const std::size_t size = scanner_.size();
  parser_->put(asio::buffer(in_.data(), size), failure);
  if (failure == beast::http::error::body_limit)
    return broken(413, "body_too_large",
                  "the body is larger than " + std::to_string(host_.options().body_bytes_max) + " bytes");
  if ((failure && failure != beast::http::error::need_more) || !parser_->is_header_done())
    return broken(400, "bad_request", "this is not an HTTP/1.1 request: " + failure.message());
  in_.erase(0, size);
  const RequestHead& head = parser_->get();
  if (const std::optional<std::string> problem = framing_problem(head)) return broken(400, "bad_request", *problem);
  keep_alive_ = parser_->get().keep_alive();
  request_ = {};
  request_.head_only = head.method() == beast::http::verb::head;
  request_.target = origin_form({head.target().data(), head.target().size()});
  std::optional<Response> refusal = host_.admit(head, known_, request_);
  const bool bodiless = parser_->is_done();
  if (refusal && bodiless) {
    const std::shared_ptr<Slot> slot = add_slot(request_.route);
    slot->close = !keep_alive_;
    enter(Phase::idle);
    return finish(*slot, *refusal);
  }
  if (refusal) return end_with(std::move(*refusal));
  enter(Phase::body);
  expect_continue();
  parser_->eager(true);
}

template <typename Stream>
void ConnectionOf<Stream>::expect_continue() {
  const auto expect = parser_->get()[beast::http::field::expect];
  if (expect.empty() || parser_->is_done() || !in_.empty()) return;
  if (!beast::iequals(expect, "100-continue"))
    return end_with(refuse(417, "expectation_failed", "the only expectation known here is 100-continue",
                           "Leave the Expect field out."));
  const auto slot = std::make_shared<Slot>();
  slot->ready = true;  // before the answer, and not counted as one
  slot->bytes = kContinue;
  slots_.push_back(slot);
  write();
}

// False when more bytes are needed, or nothing more will be read.
template <typename Stream>
bool ConnectionOf<Stream>::read_body() {
  error_code failure;
  while (!parser_->is_done() && !in_.empty()) {
    const std::size_t used = parser_->put(asio::buffer(in_), failure);
    in_.erase(0, used);
    if (failure == beast::http::error::need_more) {
      failure = {};
      if (used == 0) break;
    }
    if (failure) break;
  }
  if (failure == beast::http::error::body_limit) {
    broken(413, "body_too_large",
           "the body is larger than " + std::to_string(host_.options().body_bytes_max) + " bytes");
    return false;
  }
  if (failure || (!parser_->is_done() && in_.size() > kChunkLineMax)) {
    broken(400, "bad_request", "the body is not framed as HTTP/1.1 demands");
    return false;
  }
  if (!parser_->is_done()) return false;
  request_complete();
  return true;
}

template <typename Stream>
void ConnectionOf<Stream>::request_complete() {
  request_.body = std::move(parser_->get().body());
  const std::shared_ptr<Slot> slot = add_slot(request_.route);
  slot->close = !keep_alive_;
  slot->head_only = request_.head_only;
  if (slot->close) last_asked_ = true;
  enter(Phase::idle);
  ++host_.counters().in_flight;
  host_.handle(std::move(request_), [self = this->shared_from_this(), slot](Response response) {
    --self->host_.counters().in_flight;
    if (slot->ready) return;  // a deadline has answered
    self->host_.counters().request_us_total += (self->now() - slot->asked_ns) / 1000;
    self->finish(*slot, response);
  });
}

template <typename Stream>
std::shared_ptr<Slot> ConnectionOf<Stream>::add_slot(Route route) {
  auto slot = std::make_shared<Slot>();
  slot->route = route;
  slot->head_only = request_.head_only;
  slot->asked_ns = now();
  slots_.push_back(slot);
  return slot;
}

template <typename Stream>
void ConnectionOf<Stream>::finish(Slot& slot, const Response& response) {
  host_.counters().count(slot.route, response.status);
  const bool stopping = (draining_ || host_.stopping()) && slots_.back().get() == &slot;
  slot.close = slot.close || response.close || stopping;
  if (slot.close) last_asked_ = true;
  slot.bytes = render(response, !slot.close, slot.head_only);
  slot.ready = true;
  write();
}

// The last answer on this connection: what follows on it cannot be understood, or is not wanted.
template <typename Stream>
void ConnectionOf<Stream>::end_with(Response response) {
  response.close = true;
  in_.clear();
  const std::shared_ptr<Slot> slot = add_slot(request_.route);
  enter(Phase::idle);
  finish(*slot, response);
}

template <typename Stream>
void ConnectionOf<Stream>::broken(unsigned status, std::string code, std::string message) {
  ++host_.counters().bad_requests_total;
  request_ = {};
  end_with(refuse(status, std::move(code), std::move(message), "Send HTTP/1.1 requests as RFC 9112 describes them."));
}

template <typename Stream>
void ConnectionOf<Stream>::write() {
  if (writing_ || phase_ == Phase::closed) return;
  out_.clear();
  bool last = false;
  while (!slots_.empty() && slots_.front()->ready && !last) {
    out_ += slots_.front()->bytes;
    last = slots_.front()->close;
    slots_.pop_front();
  }
  if (out_.empty()) {
    if (last_asked_ && slots_.empty()) after_last_answer();
    return;
  }
  if (last) slots_.clear();
  writing_ = true;
  write_began_ns_ = now();
  asio::async_write(stream_, asio::buffer(out_),
                    [self = this->shared_from_this(), last](error_code failure, std::size_t) {
                      self->writing_ = false;
                      if (failure || self->phase_ == Phase::closed) return self->abort();
                      if (self->phase_ == Phase::idle) self->since_ns_ = self->now();
                      if (last) return self->after_last_answer();
                      self->write();
                      self->process();
                      self->read();
                    });
}

template <typename Stream>
void ConnectionOf<Stream>::after_last_answer() {
  if (phase_ == Phase::lingering || phase_ == Phase::closed) return;
  enter(Phase::lingering);
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->abort(); });
  } else {
    error_code ignored;
    lowest(stream_).shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    read();
  }
}

template <typename Stream>
void ConnectionOf<Stream>::tick(std::uint64_t now_ns) {
  const ServerOptions& options = host_.options();
  const auto passed = [now_ns](std::uint64_t since_ns, std::uint64_t limit_ms) {
    return now_ns > since_ns && now_ns - since_ns > limit_ms * kMs;
  };
  if (phase_ == Phase::closed) return;
  const bool slow_reader = writing_ && passed(write_began_ns_, options.request_ms);
  if (slow_reader || (phase_ == Phase::handshake && passed(since_ns_, options.header_ms))) {
    ++host_.counters().timeouts_total;
    return abort();
  }
  if (phase_ == Phase::lingering && passed(since_ns_, kLingerNs / kMs)) return abort();
  if (!slots_.empty() && !slots_.front()->ready && passed(slots_.front()->asked_ns, options.request_ms)) {
    ++host_.counters().timeouts_total;
    Response late = refuse(facilitator::Refusal{503, "timeout", "the answer is not known yet",
                                                "Send the same request again: it gets the same result.", 1000});
    late.close = true;
    return finish(*slots_.front(), late);
  }
  if (phase_ == Phase::idle && slots_.empty() && !writing_ && passed(since_ns_, options.idle_ms)) return abort();
  const bool slow_head = phase_ == Phase::head && passed(since_ns_, options.header_ms);
  const bool slow_body = phase_ == Phase::body && passed(since_ns_, options.body_ms);
  if (!slow_head && !slow_body) return;
  ++host_.counters().timeouts_total;
  broken(408, "request_timeout", slow_head ? "the request's head took too long" : "the request's body took too long");
}

}  // namespace

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, asio::ssl::context* tls,
                                            ConnectionHost& host) {
  if (tls != nullptr) return std::make_shared<ConnectionOf<TlsStream>>(host, std::move(socket), *tls);
  return std::make_shared<ConnectionOf<asio::ip::tcp::socket>>(host, std::move(socket));
}

}  // namespace rpc::http
