
#include "clients/cpp/internal.h"

namespace tabd::detail {
namespace {

thread_local std::weak_ptr<Loop> thread_loop;

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 64ull * 1024 * 1024;  // an auditor's answer may hold whole segments
  options.nestingLimit = 64;
  return options;
}

wire::Tabd::Client bootstrap(capnp::RpcSystem<capnp::rpc::twoparty::VatId>& system) {
  capnp::MallocMessageBuilder message(4);
  auto vat = message.getRoot<capnp::rpc::twoparty::VatId>();
  vat.setSide(capnp::rpc::twoparty::Side::SERVER);
  return system.bootstrap(vat).castAs<wire::Tabd>();
}

}  // namespace

std::shared_ptr<Loop> Loop::existing() { return thread_loop.lock(); }

std::shared_ptr<Loop> Loop::of_this_thread() {
  std::shared_ptr<Loop> loop = thread_loop.lock();
  if (!loop) {
    loop = std::make_shared<Loop>();
    thread_loop = loop;
  }
  return loop;
}

Connection::Connection(std::shared_ptr<Loop> loop_in, Endpoint endpoint_in, kj::Own<kj::TlsContext> tls_in,
                       kj::Own<kj::AsyncIoStream> stream_in)
    : loop(std::move(loop_in)),
      endpoint(std::move(endpoint_in)),
      tls(kj::mv(tls_in)),
      stream(kj::mv(stream_in)),
      network(*stream, capnp::rpc::twoparty::Side::CLIENT, reader_options()),
      system(capnp::makeRpcClient(network)),
      tabd(bootstrap(system)) {}

base::Error Connection::to_error(const kj::Exception& exception) const {
  std::string text = exception.getDescription().cStr();
  constexpr std::string_view kRemote = "remote exception: ";
  if (text.starts_with(kRemote)) text.erase(0, kRemote.size());
  switch (exception.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return {base::ErrorCode::unavailable, "the connection to " + endpoint.to_string() + " was lost: " + text};
    case kj::Exception::Type::OVERLOADED:
      if (text == "operation timed out")
        return {base::ErrorCode::timeout,
                endpoint.to_string() + " did not answer within " + std::to_string(endpoint.call_timeout_ms) + " ms"};
      return {base::ErrorCode::unavailable, text};
    case kj::Exception::Type::UNIMPLEMENTED:
      return {base::ErrorCode::unsupported, "the daemon does not know this call: " + text};
    case kj::Exception::Type::FAILED: break;
  }
  return {base::ErrorCode::invalid_argument, text};
}

}  // namespace tabd::detail
