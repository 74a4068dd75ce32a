#pragma once

// One client's connection: guarded stream, RPC system, bootstrap. KJ thread only.

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <cstdint>
#include <string>

#include "rpc/capnp/context.h"

namespace rpc {

class Connection {
 public:
  // `context` outlives the connection.
  Connection(Context& context, kj::Own<kj::AsyncIoStream> stream, std::uint64_t number);
  ~Connection() noexcept(false);
  KJ_DISALLOW_COPY(Connection);

  // Resolves when the peer has gone or close() was called: then destroy the connection, from another promise.
  kj::Promise<void> finished();
  // Ends the connection for a reason of ours: logged and counted.
  void close(const std::string& reason);
  // Regularly: closes stalled connections, and those without a login for too long.
  void tick(std::uint64_t now_ns, unsigned stalled_ticks_max);
  // Nothing more is sent: the peer reads what is on its way and then the end. What it still sends is read until it
  // goes.
  void end_writing();
  // Bytes of answers that the peer has not read yet.
  std::size_t queued_bytes() { return network_.getCurrentQueueSize(); }

  std::uint64_t number() const noexcept { return number_; }
  void logged_in() { stream_.lift_login_limits(); }
  // After too many the connection ends, a moment later so that the answer still goes out.
  void login_failed();

  // Objects that this connection holds in us beside its calls; bounded by the callers.
  std::size_t challenges = 0;
  std::size_t subscriptions = 0;
  std::size_t submitters = 0;
  std::size_t registrations = 0;

 private:
  void refused(const std::string& reason);

  Context& context_;
  const std::uint64_t number_;
  const std::uint64_t opened_ns_;
  std::uint32_t login_failures_ = 0;
  bool closing_ = false;
  kj::Promise<void> last_words_ = nullptr;
  kj::PromiseFulfillerPair<void> closer_ = kj::newPromiseAndFulfiller<void>();
  GuardedStream stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

}  // namespace rpc
