#include "bench/client.h"

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "bench/report.h"
#include "bench/traffic.h"
#include "clients/cpp/tabd_client.h"

namespace bench {
namespace {

constexpr std::size_t kLookForStopEvery = 16;  // batches

struct Run {
  const LoadSpec& spec;
  const base::Clock& clock;
  tabd::ServerSession& session;
  LoadResult result;
  std::vector<double> latencies_ms;
  std::string failure;

  void send(const UnverifiedBatch& batch, std::uint64_t due_ns) {
    session.submit_async(batch, [this, due_ns](base::Result<rpc::BatchAnswer> answer) {
      latencies_ms.push_back(static_cast<double>(clock.monotonic_ns() - due_ns) / 1e6);
      if (!answer) {
        failure = answer.error().to_string();
        return;
      }
      for (const auto& item : answer->items) {
        if (base::accepted(item.status)) {
          ++result.accepted_items;
        } else {
          ++result.refused_items;
        }
      }
      if (answer->items.empty()) ++result.refused_items;
    });
  }

  bool told_to_stop(std::size_t batch) const {
    return !spec.stop_file.empty() && batch % kLookForStopEvery == 0 && std::filesystem::exists(spec.stop_file);
  }

  void run(const std::vector<UnverifiedBatch>& batches) {
    const std::uint64_t start = clock.monotonic_ns();
    const double gap_ns = spec.batches_per_s > 0 ? 1e9 / spec.batches_per_s : 0;
    for (std::size_t i = 0; i < batches.size() && failure.empty() && !told_to_stop(i); ++i) {
      std::uint64_t due = clock.monotonic_ns();
      if (gap_ns > 0) {
        due = start + static_cast<std::uint64_t>(static_cast<double>(i) * gap_ns);
        while (clock.monotonic_ns() < due && failure.empty())
          tabd::Client::run_for((due - clock.monotonic_ns()) / 1000 + 1);
      }
      while (session.in_flight() >= spec.in_flight && failure.empty()) tabd::Client::run_for(100'000);
      send(batches[i], gap_ns > 0 ? due : clock.monotonic_ns());
    }
    while (session.in_flight() > 0 && failure.empty()) tabd::Client::run_for(100'000);
    result.seconds = static_cast<double>(clock.monotonic_ns() - start) / 1e9;
  }
};

}  // namespace

base::Result<LoadResult> run_load(const LoadSpec& spec, const base::Clock& clock) {
  ASSIGN_OR_RETURN(const std::vector<UnverifiedBatch> batches, read_traffic(spec.traffic_file));
  ASSIGN_OR_RETURN(auto client, tabd::Client::connect(tabd::Endpoint::unix_socket(spec.socket)));
  const crypto::SecretKey key = server_key(spec.server);
  ASSIGN_OR_RETURN(auto session, client->login_server(key));
  Run run{spec, clock, session, {}, {}, {}};
  run.latencies_ms.reserve(batches.size());
  const base::Time begin = base::Time::from_seconds(spec.start_s);
  if (spec.start_s != 0 && clock.now() > begin) return base::error(base::ErrorCode::timeout, "ready after the start");
  while (clock.now() < begin) std::this_thread::sleep_for(std::chrono::microseconds(begin.us - clock.now().us));
  run.run(batches);
  if (!run.failure.empty()) return base::error(base::ErrorCode::io, run.failure);
  run.result.p50_ms = percentile(run.latencies_ms, 50);
  run.result.p99_ms = percentile(run.latencies_ms, 99);
  run.result.max_ms = percentile(run.latencies_ms, 100);
  return run.result;
}

std::string encode_result(const LoadResult& result) {
  return fmt::format("{} {} {} {} {} {}", result.seconds, result.accepted_items, result.refused_items, result.p50_ms,
                     result.p99_ms, result.max_ms);
}

base::Result<LoadResult> run_load_process(const std::string& program, const LoadSpec& spec) {
  std::string command = fmt::format(
      "'{}' client --socket '{}' --traffic '{}' --in-flight {} --batches-per-s {} "
      "--server {}",
      program, spec.socket, spec.traffic_file, spec.in_flight, spec.batches_per_s, spec.server);
  if (spec.start_s != 0) command += fmt::format(" --start-s {}", spec.start_s);
  if (!spec.stop_file.empty()) command += fmt::format(" --stop-file '{}'", spec.stop_file);
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return base::error(base::ErrorCode::io, "cannot start " + command);
  char line[512] = {};
  const bool read = std::fgets(line, sizeof line, pipe) != nullptr;
  const int status = pclose(pipe);
  if (!read || status != 0) return base::error(base::ErrorCode::io, "the load client failed: " + command);
  LoadResult result;
  std::istringstream in(line);
  in >> result.seconds >> result.accepted_items >> result.refused_items >> result.p50_ms >> result.p99_ms >>
      result.max_ms;
  if (!in) return base::error(base::ErrorCode::io, std::string("the load client printed: ") + line);
  return result;
}

}  // namespace bench
