#include "rpc/capnp/server.h"

#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/exception.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "base/check.h"
#include "rpc/capnp/connection.h"
#include "rpc/capnp/context.h"
#include "rpc/capnp/listen.h"

namespace rpc {
namespace {

using base::ErrorCode;

// A connection is looked at this often within its stall time.
constexpr std::uint64_t kTicksPerStall = 4;
constexpr kj::Duration kHandshakeTimeout = 10 * kj::SECONDS;
// When the process is out of file descriptors.
constexpr kj::Duration kAcceptPause = 100 * kj::MILLISECONDS;
constexpr kj::Duration kDrainPoll = 5 * kj::MILLISECONDS;
// How long a peer may take to read its last answers and go.
constexpr std::uint64_t kGoodbyeNs = 1'000'000'000;

// A peer whose machine has gone is noticed within two minutes, even if we have nothing to send.
void keep_alive(kj::AsyncIoStream& stream) {
  const int on = 1;
  const int idle_s = 60;
  const int interval_s = 10;
  const int probes = 6;
  stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

// KJ writes what it cannot tell anybody to stderr: it goes to our log instead.
class KjLog final : public kj::ExceptionCallback {
 public:
  explicit KjLog(const RpcServerOptions& options) : options_(options) {}
  void logMessage(kj::LogSeverity severity, const char*, int, int, kj::String&& text) override {
    if (!options_.log) return;
    const bool serious = severity == kj::LogSeverity::ERROR || severity == kj::LogSeverity::FATAL;
    options_.log(serious ? LogLevel::warning : LogLevel::debug, {text.cStr(), text.size()});
  }
  StackTraceMode stackTraceMode() override { return StackTraceMode::NONE; }

 private:
  const RpcServerOptions& options_;
};

// Everything that lives on the KJ thread.
class Loop final : private kj::TaskSet::ErrorHandler {
 public:
  Loop(const RpcServerOptions& options, const RpcDependencies& deps, LiveCounters& counters,
       std::shared_ptr<Mailbox> mailbox, Worker& reads, EventHub& events)
      : io_(kj::setupAsyncIo()),
        context_(options, deps, counters, std::move(mailbox), reads, events, io_.provider->getTimer()),
        tasks_(*this) {
    context_.events.open();
  }
  ~Loop() noexcept(false) {
    connections_.clear();
    context_.events.close();
    context_.mailbox->close();
  }
  KJ_DISALLOW_COPY(Loop);

  base::Result<void> listen();
  std::uint16_t tcp_port() const { return tcp_port_; }
  // Until stop() is called; then until what is in flight has ended.
  void run();
  void stop() { stop_.fulfiller->fulfill(); }

 private:
  kj::Promise<void> accept_plain();
  kj::Promise<void> accept_tls();
  kj::Promise<void> pause_accepting(kj::Exception&& exception);
  bool admit();
  template <typename Serve>
  void take(Serve serve_it);
  void shake_hands(kj::Own<kj::AsyncIoStream> stream);
  void serve(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> tick();
  void drain();
  void say_goodbye();
  bool idle();
  void taskFailed(kj::Exception&& exception) override {
    context_.log(LogLevel::debug, std::string("rpc: ") + exception.getDescription().cStr());
  }

  kj::AsyncIoContext io_;
  Context context_;
  kj::PromiseFulfillerPair<void> stop_ = kj::newPromiseAndFulfiller<void>();
  kj::Own<kj::ConnectionReceiver> unix_;
  TlsListener tls_;
  std::uint16_t tcp_port_ = 0;
  std::uint64_t last_number_ = 0;
  std::size_t handshakes_ = 0;
  std::map<std::uint64_t, kj::Own<Connection>> connections_;
  kj::TaskSet tasks_;
};

base::Result<void> Loop::listen() {
  const RpcServerOptions& options = context_.options;
  if (options.unix_path.empty() && options.tcp_host.empty())
    return base::error(ErrorCode::invalid_argument, "rpc: neither a unix socket nor a TCP address is configured");
  if (!options.tcp_host.empty()) {
    ASSIGN_OR_RETURN(tls_, listen_tls(*io_.provider, io_.waitScope, options));
    tcp_port_ = static_cast<std::uint16_t>(tls_.receiver->getPort());
  }
  if (!options.unix_path.empty()) {
    ASSIGN_OR_RETURN(unix_, listen_unix(*io_.lowLevelProvider, options.unix_path));
  }
  return {};
}

// Over the limit a connection is accepted and closed at once: left in the backlog it would hang until it times out.
bool Loop::admit() {
  if (connections_.size() + handshakes_ < context_.options.connections_max) return true;
  count(context_.counters.connections_refused_total);
  context_.log(LogLevel::warning,
               "rpc: a connection was refused: " + std::to_string(context_.options.connections_max) + " are open");
  return false;
}

kj::Promise<void> Loop::pause_accepting(kj::Exception&& exception) {
  context_.log(LogLevel::error, std::string("rpc: accept: ") + exception.getDescription().cStr());
  return context_.timer.afterDelay(kAcceptPause);
}

kj::Promise<void> Loop::accept_plain() {
  return unix_->accept().then(
      [this](kj::Own<kj::AsyncIoStream>&& stream) {
        take([&] { serve(kj::mv(stream)); });
        return accept_plain();
      },
      [this](kj::Exception&& exception) {
        return pause_accepting(kj::mv(exception)).then([this] { return accept_plain(); });
      });
}

kj::Promise<void> Loop::accept_tls() {
  return tls_.receiver->accept().then(
      [this](kj::Own<kj::AsyncIoStream>&& stream) {
        take([&] {
          keep_alive(*stream);
          shake_hands(kj::mv(stream));
        });
        return accept_tls();
      },
      [this](kj::Exception&& exception) {
        return pause_accepting(kj::mv(exception)).then([this] { return accept_tls(); });
      });
}

// A connection that cannot be set up (its peer has gone again) must not end the accept loop.
template <typename Serve>
void Loop::take(Serve serve_it) {
  if (!admit()) return;
  try {
    serve_it();
  } catch (const kj::Exception& exception) {
    count(context_.counters.connections_refused_total);
    context_.log(LogLevel::info, std::string("rpc: a new connection: ") + exception.getDescription().cStr());
  }
}

// Beside the accept loop, so that a slow handshake holds nobody up.
void Loop::shake_hands(kj::Own<kj::AsyncIoStream> stream) {
  ++handshakes_;
  tasks_.add(context_.timer.timeoutAfter(kHandshakeTimeout, tls_.tls->wrapServer(kj::mv(stream)))
                 .then(
                     [this](kj::Own<kj::AsyncIoStream>&& secure) {
                       --handshakes_;
                       serve(kj::mv(secure));
                     },
                     [this](kj::Exception&& exception) {
                       --handshakes_;
                       count(context_.counters.connections_refused_total);
                       context_.log(LogLevel::info,
                                    std::string("rpc: TLS handshake: ") + exception.getDescription().cStr());
                     }));
}

void Loop::serve(kj::Own<kj::AsyncIoStream> stream) {
  const std::uint64_t number = ++last_number_;
  auto connection = kj::heap<Connection>(context_, kj::mv(stream), number);
  tasks_.add(connection->finished().then([this, number] { connections_.erase(number); },
                                         [this, number](kj::Exception&&) { connections_.erase(number); }));
  connections_.emplace(number, kj::mv(connection));
}

kj::Promise<void> Loop::tick() {
  const auto interval = context_.options.stall_ms * kj::MILLISECONDS / kTicksPerStall;
  return context_.timer.afterDelay(interval).then([this] {
    const std::uint64_t now_ns = context_.deps.clock.monotonic_ns();
    for (auto& [number, connection] : connections_) connection->tick(now_ns, kTicksPerStall);
    return tick();
  });
}

bool Loop::idle() {
  if (context_.pending.size() > 0) return false;
  for (auto& [number, connection] : connections_) {
    if (connection->queued_bytes() > 0) return false;
  }
  return true;
}

// Calls in flight get their answers, subscribers their last word; whoever does not read in time is cut off.
void Loop::drain() {
  context_.stopping = true;
  context_.events.end("the daemon is stopping");
  const std::uint64_t start_ns = context_.deps.clock.monotonic_ns();
  const std::uint64_t grace_ns = context_.options.shutdown_grace_ms * 1'000'000;
  do {
    context_.timer.afterDelay(kDrainPoll).wait(io_.waitScope);
  } while (!idle() && context_.deps.clock.monotonic_ns() - start_ns < grace_ns);
}

// A socket closed at once would break under a peer that is just acknowledging an answer, and with it be lost the
// answers that the peer has not read yet.
void Loop::say_goodbye() {
  for (auto& [number, connection] : connections_) connection->end_writing();
  const std::uint64_t start_ns = context_.deps.clock.monotonic_ns();
  while (!connections_.empty() && context_.deps.clock.monotonic_ns() - start_ns < kGoodbyeNs)
    context_.timer.afterDelay(kDrainPoll).wait(io_.waitScope);
}

void Loop::run() {
  kj::TaskSet inner(*this);
  inner.add(context_.mailbox->serve(io_.unixEventPort));
  inner.add(tick());
  {
    kj::TaskSet doors(*this);
    if (unix_.get() != nullptr) doors.add(accept_plain());
    if (tls_.receiver.get() != nullptr) doors.add(accept_tls());
    stop_.promise.wait(io_.waitScope);
  }
  unix_ = nullptr;
  tls_.receiver = nullptr;
  drain();
  say_goodbye();
}

}  // namespace

struct RpcServer::Impl {
  explicit Impl(RpcServerOptions from) : options(std::move(from)) {}

  RpcServerOptions options;
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  LiveCounters counters;
  Worker reads{base::limits::kRpcReadQueueMax};
  EventHub events{mailbox, counters, options.subscriber_queue_events};
  std::optional<RpcDependencies> deps;
  Loop* loop = nullptr;  // on the KJ thread; valid while it runs
  std::uint16_t tcp_port = 0;
  bool bound = false;  // the socket file is ours
  std::thread thread;

  void serve(std::promise<base::Result<void>>& started) {
    KjLog log(options);
    try {
      Loop own(options, *deps, counters, mailbox, reads, events);
      base::Result<void> listening = own.listen();
      const bool ok = listening.has_value();
      loop = &own;
      tcp_port = own.tcp_port();
      bound = ok && !options.unix_path.empty();
      started.set_value(std::move(listening));
      if (ok) own.run();
    } catch (const kj::Exception& exception) {
      // The loop itself has no reason to fail; without it nobody can be served.
      base::check_failed("the RPC loop runs", __FILE__, __LINE__, exception.getDescription().cStr());
    }
  }
};

RpcServer::RpcServer(RpcServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

RpcServer::~RpcServer() { stop(); }

base::Result<void> RpcServer::start(const RpcDependencies& dependencies) {
  CHECK_MSG(!impl_->thread.joinable() && !impl_->deps, "an RpcServer is started once");
  impl_->deps.emplace(dependencies);
  impl_->reads.start();
  impl_->events.start_worker(dependencies.reader);
  std::promise<base::Result<void>> started;
  std::future<base::Result<void>> result = started.get_future();
  impl_->thread = std::thread([this, &started] { impl_->serve(started); });
  base::Result<void> listening = result.get();
  if (!listening) stop();
  return listening;
}

void RpcServer::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->mailbox->post([this] { impl_->loop->stop(); });
  impl_->thread.join();
  impl_->reads.stop();
  impl_->events.stop_worker();
  if (impl_->bound) ::unlink(impl_->options.unix_path.c_str());
}

std::uint16_t RpcServer::tcp_port() const { return impl_->tcp_port; }

RpcCounters RpcServer::counters() const { return impl_->counters.snapshot(); }

void RpcServer::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                             const ledger::api::CommitTimings&) {
  impl_->events.on_committed(segment);
}

}  // namespace rpc
