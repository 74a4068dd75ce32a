#include "rpc/capnp/rail_line.h"

namespace rpc {
namespace {

using base::ErrorCode;

// Until start() says how long a call may take.
constexpr std::uint64_t kFirstCallsMs = 30'000;

base::Error error_of(const kj::Exception& exception) {
  const std::string what(exception.getDescription().cStr(),
                         std::min<std::size_t>(exception.getDescription().size(), base::limits::kRailDetailBytesMax));
  switch (exception.getType()) {
    case kj::Exception::Type::DISCONNECTED: return {ErrorCode::io, "the connection was lost: " + what};
    case kj::Exception::Type::OVERLOADED: return {ErrorCode::unavailable, "the settler: " + what};
    case kj::Exception::Type::UNIMPLEMENTED: return {ErrorCode::unsupported, "the settler does not implement it"};
    case kj::Exception::Type::FAILED: break;
  }
  return {ErrorCode::io, "the settler: " + what};
}

}  // namespace

RailLine::RailLine(Context& context, Connection& connection, schema::Settler::Client settler)
    : context_(context),
      connection_(connection),
      number_(++context.last_rail_line),
      settler_(kj::mv(settler)),
      call_ms_(kFirstCallsMs),
      tasks_(*this) {
  context_.rail_lines.emplace(number_, this);
}

RailLine::~RailLine() noexcept(false) { context_.rail_lines.erase(number_); }

void RailLine::taskFailed(kj::Exception&&) {}  // of calls that nobody waits for

template <typename T, typename Results, typename Read>
void RailLine::run(capnp::RemotePromise<Results> sent, Read read, rail::Done<base::Result<T>> done) {
  kj::Promise<capnp::Response<Results>> answer = kj::mv(sent);
  tasks_.add(context_.timer.timeoutAfter(call_ms_ * kj::MILLISECONDS, kj::mv(answer))
                 .then([read](capnp::Response<Results>&& response) -> base::Result<T> {
                   T value{};
                   if (const char* flaw = read(response, value)) return base::error(ErrorCode::io, flaw);
                   return value;
                 })
                 .catch_([](kj::Exception&& exception) -> base::Result<T> {
                   return tl::unexpected<base::Error>(error_of(exception));
                 })
                 .then([done = std::move(done)](base::Result<T>&& result) { done(std::move(result)); }));
}

template <typename Results>
void RailLine::run(capnp::RemotePromise<Results> sent, rail::Done<base::Result<void>> done) {
  kj::Promise<void> answer = sent.ignoreResult();
  tasks_.add(context_.timer.timeoutAfter(call_ms_ * kj::MILLISECONDS, kj::mv(answer))
                 .then([]() -> base::Result<void> { return {}; })
                 .catch_([](kj::Exception&& exception) -> base::Result<void> {
                   return tl::unexpected<base::Error>(error_of(exception));
                 })
                 .then([done = std::move(done)](base::Result<void>&& result) { done(std::move(result)); }));
}

template <typename Results>
void RailLine::forget(capnp::RemotePromise<Results> sent) {
  tasks_.add(context_.timer.timeoutAfter(call_ms_ * kj::MILLISECONDS, sent.ignoreResult()));
}

void RailLine::capabilities(rail::Done<base::Result<rail::Capabilities>> done) {
  const auto read = [](auto& response, rail::Capabilities& out) { return decode(response.getCapabilities(), out); };
  run<rail::Capabilities>(settler_.capabilitiesRequest().send(), read, std::move(done));
}

void RailLine::start(const rail::Opening& opening, rail::Done<base::Result<void>> done) {
  call_ms_ = opening.call_ms;
  auto request = settler_.startRequest();
  encode(opening, request.initOpening());
  run(request.send(), std::move(done));
}

void RailLine::adopt(const std::vector<core::Settlement>& settlements, rail::Done<base::Result<void>> done) {
  auto request = settler_.adoptRequest();
  encode_list(settlements, request.initSettlements(list_size(settlements.size())), Detail::full);
  run(request.send(), std::move(done));
}

void RailLine::set_sending(bool allowed) {
  auto request = settler_.setSendingRequest();
  request.setAllowed(allowed);
  forget(request.send());
}

void RailLine::stop() { forget(settler_.stopRequest().send()); }

void RailLine::prepare(const rail::Instruction& instruction, rail::Done<base::Result<rail::Prepared>> done) {
  auto request = settler_.prepareRequest();
  encode(instruction, request.initInstruction());
  const auto read = [](auto& response, rail::Prepared& out) { return decode(response.getPrepared(), out); };
  run<rail::Prepared>(request.send(), read, std::move(done));
}

void RailLine::abandon(const core::Hash& key) {
  auto request = settler_.abandonRequest();
  request.setIdempotencyKey(data(key));
  forget(request.send());
}

void RailLine::send(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) {
  auto request = settler_.sendRequest();
  encode(instruction, request.initInstruction());
  const auto read = [](auto& response, rail::Outcome& out) { return decode(response.getOutcome(), out); };
  run<rail::Outcome>(request.send(), read, std::move(done));
}

void RailLine::probe(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) {
  auto request = settler_.probeRequest();
  encode(instruction, request.initInstruction());
  const auto read = [](auto& response, rail::Outcome& out) { return decode(response.getOutcome(), out); };
  run<rail::Outcome>(request.send(), read, std::move(done));
}

void RailLine::report(rail::Done<base::Result<rail::Report>> done) {
  const auto read = [](auto& response, rail::Report& out) { return decode(response, out); };
  run<rail::Report>(settler_.reportRequest().send(), read, std::move(done));
}

// ---- the other threads' end

void WirePeer::capabilities(rail::Done<base::Result<rail::Capabilities>> done) {
  on_line([done = std::move(done)](RailLine& line) { line.capabilities(done); });
}

void WirePeer::start(const rail::Opening& opening, rail::Done<base::Result<void>> done) {
  on_line([opening, done = std::move(done)](RailLine& line) { line.start(opening, done); });
}

void WirePeer::adopt(const std::vector<core::Settlement>& settlements, rail::Done<base::Result<void>> done) {
  on_line([settlements, done = std::move(done)](RailLine& line) { line.adopt(settlements, done); });
}

void WirePeer::set_sending(bool allowed) {
  on_line([allowed](RailLine& line) { line.set_sending(allowed); });
}

void WirePeer::stop() {
  on_line([](RailLine& line) { line.stop(); });
}

void WirePeer::prepare(const rail::Instruction& instruction, rail::Done<base::Result<rail::Prepared>> done) {
  on_line([instruction, done = std::move(done)](RailLine& line) { line.prepare(instruction, done); });
}

void WirePeer::abandon(const rail::Prepared& prepared) {
  on_line([key = prepared.idempotency_key](RailLine& line) { line.abandon(key); });
}

void WirePeer::send(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) {
  on_line([instruction, done = std::move(done)](RailLine& line) { line.send(instruction, done); });
}

void WirePeer::probe(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) {
  on_line([instruction, done = std::move(done)](RailLine& line) { line.probe(instruction, done); });
}

void WirePeer::report(rail::Done<base::Result<rail::Report>> done) {
  on_line([done = std::move(done)](RailLine& line) { line.report(done); });
}

void WirePeer::close(const std::string& reason) {
  on_line([reason](RailLine& line) { line.close("the rail's settler: " + reason); });
}

}  // namespace rpc
