#include "rpc/capnp/connection.h"

#include <capnp/message.h>

#include <utility>

#include "base/limits.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::kRpcTraversalWordsMax;
  options.nestingLimit = limits::kRpcNestingMax;
  return options;
}

// Enough for the refusal to reach the peer before the socket closes.
constexpr kj::Duration kLastWords = 100 * kj::MILLISECONDS;

}  // namespace

Connection::Connection(Context& context, kj::Own<kj::AsyncIoStream> stream, std::uint64_t number)
    : context_(context),
      number_(number),
      opened_ns_(context.deps.clock.monotonic_ns()),
      stream_(kj::mv(stream), context.read_budget, context.timer,
              [this](const std::string& reason) { refused(reason); }),
      network_(stream_, capnp::rpc::twoparty::Side::SERVER, reader_options()),
      rpc_(capnp::makeRpcServer(network_, make_bootstrap(context, *this))) {
  rpc_.setFlowLimit(limits::kRpcFlowWords);
  stream_.set_queue_probe([this] { return network_.getCurrentQueueSize(); });
  count(context_.counters.connections);
  count(context_.counters.connections_total);
}

Connection::~Connection() noexcept(false) { context_.counters.connections.fetch_sub(1, std::memory_order_relaxed); }

kj::Promise<void> Connection::finished() {
  return network_.onDisconnect()
      .then([this] {
        if (!stream_.peer_gone()) refused("a message that breaks the protocol; the peer was told how");
      })
      .exclusiveJoin(kj::mv(closer_.promise));
}

void Connection::refused(const std::string& reason) {
  if (std::exchange(closing_, true)) return;
  count(context_.counters.connections_closed_total);
  context_.log(LogLevel::warning, "rpc connection " + std::to_string(number_) + " closed: " + reason);
}

void Connection::close(const std::string& reason) {
  refused(reason);
  closer_.fulfiller->fulfill();
}

void Connection::end_writing() {
  if (queued_bytes() > 0) return;
  try {
    stream_.shutdownWrite();
  } catch (const kj::Exception& exception) {  // the peer has gone
    context_.log(LogLevel::debug, std::string("rpc: ") + exception.getDescription().cStr());
  }
}

void Connection::tick(std::uint64_t now_ns, unsigned stalled_ticks_max) {
  if (stream_.stalled_ticks() > stalled_ticks_max) {
    close("an unfinished message or an unread answer for too long");
  } else if (!stream_.logged_in() && now_ns - opened_ns_ > context_.options.login_ms * 1'000'000) {
    close("no login in time");
  }
}

void Connection::login_failed() {
  count(context_.counters.login_failures_total);
  if (++login_failures_ != limits::kRpcLoginFailuresMax) return;
  refused("too many failed logins");
  last_words_ =
      context_.timer.afterDelay(kLastWords).then([this] { closer_.fulfiller->fulfill(); }).eagerlyEvaluate(nullptr);
}

}  // namespace rpc
