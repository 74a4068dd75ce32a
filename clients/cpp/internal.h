#pragma once

// Inside the client library: the thread's event loop, a connection, and how a call becomes a Result.

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "clients/cpp/tabd_client.h"
#include "rpc/capnp/convert.h"
#include "rpc/schema/tabd.capnp.h"

namespace tabd::detail {

namespace wire = rpc::schema;

// One for each thread that has clients; shared by them.
struct Loop {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::uint64_t callbacks = 0;                   // of the user that have run
  kj::Own<kj::PromiseFulfiller<void>> progress;  // of the run_for() under way

  static std::shared_ptr<Loop> of_this_thread();
  // Empty if this thread has none.
  static std::shared_ptr<Loop> existing();
  // Call after each callback of the user's.
  void ran() {
    ++callbacks;
    if (progress.get() != nullptr) progress->fulfill();
  }
};

struct Connection final : kj::TaskSet::ErrorHandler {
  Connection(std::shared_ptr<Loop> loop_in, Endpoint endpoint_in, kj::Own<kj::TlsContext> tls_in,
             kj::Own<kj::AsyncIoStream> stream_in);

  std::shared_ptr<Loop> loop;
  Endpoint endpoint;
  kj::Own<kj::TlsContext> tls;
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;
  wire::Tabd::Client tabd;
  rpc::NetworkInfo info;
  std::unique_ptr<commitments::tab::Domain> domain;
  commitments::tab::AssetTable assets;
  kj::TaskSet tasks{*this};

  base::Error to_error(const kj::Exception& exception) const;
  void taskFailed(kj::Exception&&) override {}

  // Runs the loop until the promise resolves, at most `timeout_ms` (0 = for ever).
  template <typename T>
  T wait(kj::Promise<T> promise, std::uint64_t timeout_ms) {
    if (timeout_ms > 0)
      promise = loop->io.provider->getTimer().timeoutAfter(timeout_ms * kj::MILLISECONDS, kj::mv(promise));
    return promise.wait(loop->io.waitScope);
  }
};

// Sends a request, waits, and decodes its answer: `decode(results, value)` returns ok, or what was refused.
template <typename T, typename Params, typename Results, typename Decode>
Result<T> call(Connection& connection, capnp::Request<Params, Results> request, Decode decode) {
  try {
    kj::Promise<capnp::Response<Results>> promise = request.send();
    const capnp::Response<Results> response = connection.wait(kj::mv(promise), connection.endpoint.call_timeout_ms);
    T value{};
    const base::Status status = decode(typename Results::Reader(response), value);
    if (status == base::Status::ok) return value;
    const bool missing = status == base::Status::not_found || status == base::Status::payer_unknown ||
                         status == base::Status::payee_unknown || status == base::Status::asset_unknown ||
                         status == base::Status::asset_not_enabled || status == base::Status::server_unknown;
    return base::error(missing ? base::ErrorCode::not_found : base::ErrorCode::invalid_argument,
                       std::string(base::name(status)) + ": " + std::string(base::info(status).sentence));
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connection.to_error(exception));
  }
}

// For decoders that give a bool.
inline base::Status fits(bool decoded) { return decoded ? base::Status::ok : base::Status::item_malformed; }

// The value under `get` if the status is ok.
template <typename T, typename Results, typename Get>
base::Status decode_found(Results results, T& out, Get get) {
  const base::Status status = rpc::decode_status(results.getStatus());
  if (status != base::Status::ok) return status;
  return fits(rpc::decode(get(results), out));
}

template <typename Results>
base::Status decode_receipt(typename Results::Reader results, CommandReceipt& out) {
  out = rpc::decode(results.getReceipt());
  return base::Status::ok;
}

// A command: its refusal is part of the receipt.
template <typename Params, typename Results>
Result<CommandReceipt> command(Connection& connection, capnp::Request<Params, Results> request) {
  return call<CommandReceipt>(connection, kj::mv(request), [](typename Results::Reader results, CommandReceipt& out) {
    out = rpc::decode(results.getReceipt());
    return base::Status::ok;
  });
}

struct SessionState {
  std::shared_ptr<Connection> connection;
  capnp::Capability::Client capability;  // last: dropped before the connection
  std::shared_ptr<std::size_t> in_flight = std::make_shared<std::size_t>(0);

  template <typename Interface>
  typename Interface::Client as() {
    return capability.castAs<Interface>();
  }
  static Subscription make_subscription(std::unique_ptr<SubscriptionState> state);
};

struct StreamState {
  std::shared_ptr<Connection> connection;
  wire::Submitter::Client submitter;
};

struct SubscriptionState {
  std::shared_ptr<Connection> connection;
  wire::Subscription::Client subscription;
  std::shared_ptr<bool> active;
};

}  // namespace tabd::detail
