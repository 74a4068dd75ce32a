#include "bench/http_load.h"

#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "bench/report.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 32 * 1024;
constexpr std::size_t kAnswerShown = 600;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLength = "\r\ncontent-length:";

// What the connections share.
struct Run {
  const HttpLoadSpec& spec;
  const base::Clock& clock;
  std::uint64_t begin_ns = 0;  // of the measurement
  std::uint64_t end_ns = 0;
  std::vector<double> latencies_ms;
  std::vector<double> cpu_before;
  std::vector<double> cpu_after;
  std::string failure;
  bool measuring = false;
  bool over = false;

  std::vector<double> cpu() const {
    std::vector<double> result;
    for (const int process : spec.processes) result.push_back(cpu_seconds(process));
    return result;
  }
  // An answer came at `now_ns` for what was sent at `sent_ns`.
  void answered(std::uint64_t sent_ns, std::uint64_t now_ns) {
    if (over) return;
    if (now_ns >= end_ns) return finish(now_ns);
    if (!measuring && now_ns >= begin_ns) {
      measuring = true;
      begin_ns = now_ns;
      cpu_before = cpu();
      return;
    }
    if (measuring) latencies_ms.push_back(static_cast<double>(now_ns - sent_ns) / 1e6);
  }
  void finish(std::uint64_t now_ns) {
    if (over) return;
    over = true;
    end_ns = now_ns;
    cpu_after = cpu();
  }
};

// Content-Length of a head; empty if there is none.
std::optional<std::size_t> length_of(std::string_view head) {
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos; line = head.find("\r\n", line + 2)) {
    if (head.size() - line < kLength.size()) break;
    bool same = true;
    for (std::size_t i = 2; i < kLength.size() && same; ++i) same = (head[line + i] | 0x20) == (kLength[i] | 0x20);
    if (!same) continue;
    std::size_t at = line + kLength.size(), value = 0;
    while (at < head.size() && head[at] == ' ') ++at;
    const auto [end, failure] = std::from_chars(head.data() + at, head.data() + head.size(), value);
    if (failure == std::errc{}) return value;
  }
  return std::nullopt;
}

class Connection {
 public:
  Connection(asio::io_context& context, Run& run, std::size_t index)
      : run_(run), requests_(run.spec.requests[index]), socket_(context) {}

  error_code open() {
    error_code failure;
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), run_.spec.port), failure);
    if (!failure) socket_.set_option(tcp::no_delay(true), failure);
    return failure;
  }
  std::uint64_t sent() const { return sent_; }

  void send() {
    if (run_.over || !run_.failure.empty()) return;
    if (sent_ == requests_.size() && !run_.spec.repeat) return run_.finish(run_.clock.monotonic_ns());
    const std::string& request = requests_[sent_++ % requests_.size()];
    sent_ns_ = run_.clock.monotonic_ns();
    asio::async_write(socket_, asio::buffer(request), [this](error_code failure, std::size_t) {
      failure ? fail("cannot send: " + failure.message()) : read();
    });
  }

 private:
  void fail(std::string why) {
    if (run_.failure.empty()) run_.failure = std::move(why);
    run_.over = true;
  }
  void read() {
    socket_.async_read_some(asio::buffer(chunk_), [this](error_code failure, std::size_t bytes) {
      if (failure) return fail("the connection ended: " + failure.message());
      answer_.append(chunk_.data(), bytes);
      complete() ? receive() : read();
    });
  }
  bool complete() {
    const std::size_t head = answer_.find(kHeadEnd);
    if (head == std::string::npos) return false;
    const std::optional<std::size_t> length = length_of(std::string_view(answer_).substr(0, head + 2));
    if (length) return answer_.size() >= head + kHeadEnd.size() + *length;
    fail("an answer without Content-Length: " + answer_.substr(0, kAnswerShown));
    return true;
  }
  void receive() {
    const bool good = answer_.starts_with("HTTP/1.1 200 ") && answer_.find(run_.spec.expect) != std::string::npos;
    if (!good) fail("not the expected answer: " + answer_.substr(0, kAnswerShown));
    answer_.clear();
    run_.answered(sent_ns_, run_.clock.monotonic_ns());
    send();
  }

  Run& run_;
  const std::vector<std::string>& requests_;
  tcp::socket socket_;
  std::array<char, kReadBytes> chunk_;
  std::string answer_;
  std::uint64_t sent_ = 0;
  std::uint64_t sent_ns_ = 0;
};

}  // namespace

base::Result<HttpLoadResult> run_http_load(const HttpLoadSpec& spec, const base::Clock& clock) {
  asio::io_context context(1);
  Run run{spec, clock, 0, 0, {}, {}, {}, {}, false, false};
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i < spec.requests.size(); ++i) {
    connections.push_back(std::make_unique<Connection>(context, run, i));
    if (const error_code failure = connections.back()->open())
      return base::error(base::ErrorCode::io,
                         fmt::format("cannot connect to port {}: {}", spec.port, failure.message()));
  }
  run.begin_ns = clock.monotonic_ns() + static_cast<std::uint64_t>(spec.warm_s * 1e9);
  run.end_ns = run.begin_ns + static_cast<std::uint64_t>(spec.seconds * 1e9);
  for (const auto& connection : connections) connection->send();
  context.run();
  if (!run.failure.empty()) return base::error(base::ErrorCode::io, run.failure);
  if (run.latencies_ms.empty()) return base::error(base::ErrorCode::timeout, "no answer within the measurement");
  HttpLoadResult result;
  result.requests = run.latencies_ms.size();
  result.seconds = static_cast<double>(run.end_ns - run.begin_ns) / 1e9;
  result.p50_ms = percentile(run.latencies_ms, 50);
  result.p99_ms = percentile(run.latencies_ms, 99);
  for (std::size_t i = 0; i < spec.processes.size(); ++i) result.cpu_s.push_back(run.cpu_after[i] - run.cpu_before[i]);
  for (const auto& connection : connections) result.sent.push_back(connection->sent());
  return result;
}

}  // namespace bench
