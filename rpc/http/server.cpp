#include "rpc/http/server.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "facilitator/facilitator.h"
#include "facilitator/tab_scheme.h"
#include "rpc/http/connection.h"
#include "rpc/http/router.h"

namespace rpc::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::error;
using base::ErrorCode;
using base::Result;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

// IPv6 hosts have whole networks of addresses: a /64 counts as one.
std::string address_group(const asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
  const auto bytes = address.to_v6().to_bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), 8);
}

Result<void> use_certificate(asio::ssl::context& tls, const ServerOptions& options) {
  error_code failure;
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                  failure);
  if (!failure) tls.use_certificate_chain_file(options.certificate_file, failure);
  if (failure)
    return error(ErrorCode::io, options.certificate_file + ": cannot be used as a certificate: " + failure.message());
  tls.use_private_key_file(options.key_file, asio::ssl::context::pem, failure);
  if (failure)
    return error(ErrorCode::io, options.key_file + ": cannot be used as the certificate's key: " + failure.message());
  return {};
}

}  // namespace

class Server::Impl final : public ConnectionHost {
 public:
  Impl(ServerOptions options, ServerParts parts)
      : options_(std::move(options)), parts_(std::move(parts)), keys_(options_.api_keys), facilitator_(parts_.clock) {}
  ~Impl() override { stop(); }

  Result<void> start();
  void stop();
  void set_api_keys(std::vector<ApiKey> keys) {
    asio::post(context_, [this, keys = std::move(keys)]() mutable { keys_.replace(std::move(keys)); });
  }
  std::uint16_t port() const noexcept { return port_; }
  const Counters& seen() const noexcept { return counters_; }

  // Of ConnectionHost.
  const ServerOptions& options() const override { return options_; }
  const base::Clock& clock() const override { return parts_.clock; }
  Counters& counters() override { return counters_; }
  bool stopping() const override { return stopping_; }
  std::optional<Response> admit(const RequestHead& head, KnownKey& known, Request& request) override {
    return router_->admit(head, known, request, stopping_);
  }
  void handle(Request request, Respond respond) override { router_->handle(std::move(request), std::move(respond)); }
  void flush_soon() override {
    if (std::exchange(flush_posted_, true)) return;
    asio::post(context_, [this] {
      flush_posted_ = false;
      facilitator_.flush();
    });
  }
  void gone(Connection& connection) override {
    const auto found = connections_.find(&connection);
    if (found == connections_.end()) return;
    const auto group = groups_.find(found->second);
    if (--group->second == 0) groups_.erase(group);
    connections_.erase(found);
    --counters_.connections;
    if (stopping_ && connections_.empty()) drained_.set_value();
  }

 private:
  Result<void> listen();
  void accept();
  void accept_later();
  void accepted(tcp::socket socket);
  void tick();
  void begin_stop();

  const ServerOptions options_;
  const ServerParts parts_;
  Counters counters_;
  ApiKeys keys_;
  facilitator::Facilitator facilitator_;
  std::optional<facilitator::TabMandates> mandates_;
  std::optional<Router> router_;
  std::optional<asio::ssl::context> tls_;
  std::unordered_map<Connection*, std::string> connections_;  // with their address groups
  std::unordered_map<std::string, std::uint32_t> groups_;
  bool flush_posted_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  std::promise<void> drained_;
  std::uint16_t port_ = 0;
  // Goes before what its handlers use.
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer timer_{context_};
  asio::steady_timer pause_{context_};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{asio::make_work_guard(context_)};
  std::thread thread_;
};

Result<void> Server::Impl::start() {
  const facilitator::Post post = [this](std::function<void()> run) { asio::post(context_, std::move(run)); };
  facilitator::TabSchemeParts tab{parts_.ingest, parts_.ledger,     parts_.reader,
                                  parts_.clock,  parts_.server_key, [this] { return keys_.payees(); },
                                  post};
  ASSIGN_OR_RETURN(std::unique_ptr<facilitator::Scheme> scheme, facilitator::make_tab_scheme(std::move(tab)));
  const facilitator::After after = [this](std::uint64_t ms, std::function<void()> run) {
    const auto timer = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(ms));
    timer->async_wait([timer, run = std::move(run)](error_code failure) {
      if (!failure) run();
    });
  };
  facilitator_.add(std::move(scheme));
  for (const MakeScheme& make : parts_.more_schemes) facilitator_.add(make(post, after));
  ASSIGN_OR_RETURN(std::string well_known, facilitator::describe_tab(parts_.reader, parts_.server_key.address()));
  ASSIGN_OR_RETURN(std::vector<ledger::core::Asset> assets, parts_.reader.assets());
  mandates_.emplace(facilitator::TabMandateParts{parts_.ingest.domain(), parts_.ledger, post},
                    facilitator::TabAssets(std::move(assets)));
  router_.emplace(keys_, facilitator_, *mandates_, parts_.reader, parts_.clock, counters_, post, std::move(well_known),
                  parts_.webhooks);
  if (!options_.certificate_file.empty()) {
    tls_.emplace(asio::ssl::context::tls_server);
    RETURN_IF_ERROR(use_certificate(*tls_, options_));
  }
  RETURN_IF_ERROR(listen());
  accept();
  tick();
  thread_ = std::thread([this] { context_.run(); });
  ::pthread_setname_np(thread_.native_handle(), "tabd-x402");
  return {};
}

Result<void> Server::Impl::listen() {
  error_code failure;
  const asio::ip::address address = asio::ip::make_address(options_.host, failure);
  const tcp::endpoint wanted(address, options_.port);
  if (!failure) acceptor_.open(wanted.protocol(), failure);
  if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) acceptor_.bind(wanted, failure);
  if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return error(ErrorCode::io, "x402.listen: cannot listen on " + options_.host + " port " +
                                    std::to_string(options_.port) + ": " + failure.message());
  port_ = acceptor_.local_endpoint().port();
  return {};
}

void Server::Impl::accept() {
  acceptor_.async_accept([this](error_code failure, tcp::socket socket) {
    if (failure == asio::error::operation_aborted || stopping_) return;
    if (failure) return accept_later();
    accepted(std::move(socket));
    accept();
  });
}

// Out of descriptors or memory for a moment: without a pause this would spin.
void Server::Impl::accept_later() {
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](error_code failure) {
    if (!failure) accept();
  });
}

void Server::Impl::accepted(tcp::socket socket) {
  error_code failure;
  const tcp::endpoint peer = socket.remote_endpoint(failure);
  if (failure) return;
  socket.set_option(tcp::no_delay(true), failure);
  ++counters_.connections_total;
  std::string group = address_group(peer.address());
  std::uint32_t& of_group = groups_[group];
  if (connections_.size() >= options_.connections_max || of_group >= options_.connections_per_address_max) {
    if (of_group == 0) groups_.erase(group);
    ++counters_.connections_refused_total;
    if (tls_) return;
    // One try, without waiting for anybody.
    const std::string answer = render(
        refuse(facilitator::Refusal{503, "overloaded", "too many connections", "Try again after Retry-After.", 1000}),
        false, false);
    socket.non_blocking(true, failure);
    socket.write_some(asio::buffer(answer), failure);
    socket.shutdown(tcp::socket::shutdown_send, failure);
    return;
  }
  ++of_group;
  ++counters_.connections;
  const std::shared_ptr<Connection> connection = make_connection(std::move(socket), tls_ ? &*tls_ : nullptr, *this);
  connections_.emplace(connection.get(), std::move(group));
  connection->start();
}

void Server::Impl::tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](error_code failure) {
    if (failure) return;
    const std::uint64_t now_ns = parts_.clock.monotonic_ns();
    // A connection may go while it is looked at.
    std::vector<Connection*> all;
    all.reserve(connections_.size());
    for (const auto& [connection, group] : connections_) all.push_back(connection);
    for (Connection* connection : all)
      if (connections_.contains(connection)) connection->tick(now_ns);
    tick();
  });
}

void Server::Impl::begin_stop() {
  error_code ignored;
  stopping_ = true;
  acceptor_.close(ignored);
  pause_.cancel();
  facilitator_.hurry();
  if (connections_.empty()) return drained_.set_value();
  std::vector<Connection*> all;
  for (const auto& [connection, group] : connections_) all.push_back(connection);
  for (Connection* connection : all)
    if (connections_.contains(connection)) connection->drain();
}

void Server::Impl::stop() {
  if (std::exchange(stopped_, true) || !thread_.joinable()) return;
  asio::post(context_, [this] { begin_stop(); });
  drained_.get_future().wait_for(std::chrono::milliseconds(base::limits::kShutdownGraceMs));
  router_->stop();
  context_.stop();
  thread_.join();
}

Server::Server() = default;
Server::~Server() = default;

Result<void> Server::start(ServerOptions options, ServerParts parts) {
  impl_ = std::make_unique<Impl>(std::move(options), std::move(parts));
  return impl_->start();
}

void Server::set_api_keys(std::vector<ApiKey> keys) {
  if (impl_) impl_->set_api_keys(std::move(keys));
}

void Server::stop() {
  if (impl_) impl_->stop();
}

std::uint16_t Server::port() const { return impl_ ? impl_->port() : std::uint16_t{0}; }

const Counters& Server::counters() const {
  static const Counters kNone;
  return impl_ ? impl_->seen() : kNone;
}

}  // namespace rpc::http
