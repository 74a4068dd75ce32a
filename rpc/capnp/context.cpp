#include "rpc/capnp/context.h"

namespace rpc {

RpcCounters LiveCounters::snapshot() const {
  RpcCounters now;
  now.connections = connections.load(std::memory_order_relaxed);
  now.connections_total = connections_total.load(std::memory_order_relaxed);
  now.connections_refused_total = connections_refused_total.load(std::memory_order_relaxed);
  now.connections_closed_total = connections_closed_total.load(std::memory_order_relaxed);
  now.logins_total = logins_total.load(std::memory_order_relaxed);
  now.login_failures_total = login_failures_total.load(std::memory_order_relaxed);
  now.batches_total = batches_total.load(std::memory_order_relaxed);
  now.items_total = items_total.load(std::memory_order_relaxed);
  now.items_malformed_total = items_malformed_total.load(std::memory_order_relaxed);
  now.calls_in_flight = calls_in_flight.load(std::memory_order_relaxed);
  now.overloaded_total = overloaded_total.load(std::memory_order_relaxed);
  now.subscribers = subscribers.load(std::memory_order_relaxed);
  now.subscribers_dropped_total = subscribers_dropped_total.load(std::memory_order_relaxed);
  return now;
}

kj::Exception to_exception(const base::Error& error) {
  const bool passing = error.code == base::ErrorCode::unavailable || error.code == base::ErrorCode::timeout;
  return kj::Exception(passing ? kj::Exception::Type::OVERLOADED : kj::Exception::Type::FAILED, __FILE__, __LINE__,
                       kj::heapString(error.to_string().c_str()));
}

kj::Promise<ledger::api::BatchReceipt> Context::submit(commitments::tab::UnverifiedBatch batch) {
  if (stopping) {
    ledger::api::BatchReceipt receipt;
    receipt.status = base::Status::shutting_down;
    return receipt;
  }
  return hop<ledger::api::BatchReceipt>([&](auto done) {
    deps.ingest.submit(std::move(batch), std::move(done));
    return true;
  });
}

kj::Promise<ledger::api::CommandReceipt> Context::command(core::Command command) {
  if (stopping) {
    ledger::api::CommandReceipt receipt;
    receipt.result.status = base::Status::shutting_down;
    return receipt;
  }
  return hop<ledger::api::CommandReceipt>([&](auto done) {
    deps.ledger.submit(std::move(command), std::move(done));
    return true;
  });
}

}  // namespace rpc
