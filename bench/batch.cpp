#include "bench/batch.h"

#include <filesystem>
#include <fstream>
#include <future>

#include <fmt/format.h>

#include "bench/raw_verify.h"

namespace bench {
namespace {

using base::Result;

constexpr std::size_t kPayers = 100;
constexpr std::size_t kInFlight = 32;
constexpr std::size_t kHostileInFlight = 4;
constexpr const char* kOneByOne = "\n[verify]\nbatch = false\n";

// Sizes of a check whose cost for one signature is told.
constexpr std::size_t kAtOnce[] = {1, 8, 32, 64, 128, 256, 512, 1024};

struct Share {
  double of_all;
  const char* name;
};
constexpr Share kShares[] = {{0.001, "0_1"}, {0.01, "1"}, {0.5, "50"}};

bool wanted(const Context& context, std::string_view target) {
  return context.options.target.empty() || context.options.target == target;
}

double rate(const LoadResult& result) {
  return static_cast<double>(result.accepted_items + result.refused_items) / result.seconds;
}

double raw(const Context& context, RawCheck check, double wrong_share = 0) {
  return raw_verifications(context.clock, check, context.cores, context.options.quick ? 2 : 4, wrong_share).per_s;
}

void bench_library(Context& context) {
  const double before = raw(context, RawCheck::known_key);
  const double together = raw(context, RawCheck::together);
  const double alone = (before + raw(context, RawCheck::known_key)) / 2;
  context.report.add({"verify_one_by_one_per_s", alone, "1/s", ""});
  context.report.add({"verify_batch_per_s", together, "1/s", ""});
  context.report.add({"verify_batch_ratio", together / alone, "ratio", "verify_one_by_one_per_s"});
  for (const std::size_t at_once : kAtOnce)
    context.report.add({fmt::format("verify_batch_{}_us", at_once),
                        raw_verifications(context.clock, RawCheck::together, 1, 1, 0, at_once).cpu_us, "us", ""});
  for (const Share& share : kShares)
    context.report.add({fmt::format("verify_batch_wrong_{}_percent_per_s", share.name),
                        raw(context, RawCheck::together, share.of_all), "1/s", ""});
}

// Each kind of traffic once, with nonces of its own.
class Loads {
 public:
  Loads(const Context& context, const DaemonUnderTest& daemon) : context_(context), daemon_(daemon) {}

  TrafficSpec traffic(std::size_t batches, double wrong_share = 0, std::uint64_t server = 0) {
    TrafficSpec spec;
    spec.payers = kPayers;
    spec.batches = batches;
    spec.first_nonce = next_nonce_;
    spec.wrong_share = wrong_share;
    spec.server = server;
    next_nonce_ += 10'000'000;
    return spec;
  }
  Result<LoadSpec> prepare(const TrafficSpec& traffic, std::size_t in_flight) {
    LoadSpec spec;
    ASSIGN_OR_RETURN(spec.traffic_file, sign_traffic(context_, traffic, fmt::format("traffic{}.bin", traffic.server)));
    spec.in_flight = in_flight;
    spec.server = traffic.server;
    spec.refusals = traffic.wrong_share > 0;
    return spec;
  }
  // As fast as answers come, with as many items in flight whatever the size of the batches.
  Result<double> run(std::size_t batches, double wrong_share = 0, std::size_t batch_items = TrafficSpec{}.batch_items) {
    TrafficSpec fast = traffic(batches, wrong_share);
    const std::size_t in_flight = kInFlight * fast.batch_items / batch_items;
    fast.batch_items = batch_items;
    ASSIGN_OR_RETURN(const LoadSpec spec, prepare(fast, in_flight));
    ASSIGN_OR_RETURN(const LoadResult result, send_traffic(context_, daemon_, spec));
    return rate(result);
  }
  // Batches of 64, so many signatures a second.
  Result<LoadResult> paced(double items_per_s) {
    TrafficSpec slow = traffic(static_cast<std::size_t>(items_per_s / 64 * (context_.options.quick ? 8 : 15)));
    slow.batch_items = 64;
    ASSIGN_OR_RETURN(LoadSpec spec, prepare(slow, 1024));
    spec.batches_per_s = items_per_s / 64;
    return send_traffic(context_, daemon_, spec);
  }
  // What server 0 gets done while server 1 sends too: good signatures, or wrong ones alone.
  Result<double> beside(std::size_t batches, bool hostile) {
    ASSIGN_OR_RETURN(const LoadSpec spec, prepare(traffic(batches), kInFlight));
    ASSIGN_OR_RETURN(LoadSpec other, prepare(traffic(4 * batches, hostile ? 1 : 0, 1), kHostileInFlight));
    other.stop_file = context_.options.directory + "/stop";
    std::filesystem::remove(other.stop_file);
    auto second = std::async(std::launch::async, [&] { return send_traffic(context_, daemon_, other); });
    const Result<LoadResult> result = send_traffic(context_, daemon_, spec);
    std::ofstream(other.stop_file) << "stop";
    const Result<LoadResult> ended = second.get();
    RETURN_IF_ERROR(ended);
    RETURN_IF_ERROR(result);
    return rate(*result);
  }

 private:
  const Context& context_;
  const DaemonUnderTest& daemon_;
  std::uint64_t next_nonce_ = 1;
};

// Answers at a pace, in batches of 64: half of what the daemon can do in large batches, and half of what the cores
// could verify one by one.
Result<void> bench_answers(Context& context, Loads& loads, const std::string& name, double good, double alone) {
  ASSIGN_OR_RETURN(const LoadResult half, loads.paced(good / 2));
  context.report.add({name + "_p50_ms", half.p50_ms, "ms", ""});
  context.report.add({name + "_p99_ms", half.p99_ms, "ms", ""});
  ASSIGN_OR_RETURN(const LoadResult half_raw, loads.paced(alone / 2));
  context.report.add({name + "_half_raw_p50_ms", half_raw.p50_ms, "ms", ""});
  context.report.add({name + "_half_raw_p99_ms", half_raw.p99_ms, "ms", ""});
  return {};
}

Result<void> bench_wrong(Context& context, Loads& loads, const std::string& name, std::size_t batches) {
  for (const Share& share : kShares) {
    ASSIGN_OR_RETURN(const double mixed, loads.run(batches / 2, share.of_all));
    context.report.add({fmt::format("{}_wrong_{}_percent_per_s", name, share.name), mixed, "1/s", ""});
    RETURN_IF_ERROR(loads.run(300));  // earns back what the wrong ones cost
  }
  return {};
}

Result<void> bench_hostile(Context& context, Loads& loads, std::size_t batches) {
  ASSIGN_OR_RETURN(const double friendly, loads.beside(batches, false));
  ASSIGN_OR_RETURN(const double hostile, loads.beside(batches, true));
  context.report.add({"submit_beside_good_server_per_s", friendly, "1/s", ""});
  context.report.add({"submit_beside_hostile_server_per_s", hostile, "1/s", ""});
  context.report.add({"submit_beside_hostile_ratio", hostile / friendly, "ratio", "submit_beside_good_server_per_s"});
  return {};
}

Result<void> bench_daemon(Context& context, bool together) {
  const std::string directory = context.options.directory + (together ? "/together" : "/one_by_one");
  ASSIGN_OR_RETURN(const auto daemon,
                   DaemonUnderTest::start(context.options.tabd, directory, context.clock, together ? "" : kOneByOne));
  RETURN_IF_ERROR(daemon.register_everyone(kPayers));
  Loads loads(context, daemon);
  const std::size_t batches = context.options.quick ? 400 : 1200;
  RETURN_IF_ERROR(loads.run(100));
  const std::string name = together ? "submit_together" : "submit_one_by_one";
  if (wanted(context, "load")) {
    const double before = raw(context, RawCheck::known_key);
    ASSIGN_OR_RETURN(const double good, loads.run(batches));
    const double alone = (before + raw(context, RawCheck::known_key)) / 2;
    context.report.add({name + "_per_s", good, "1/s", ""});
    context.report.add({name + "_ratio", good / alone, "ratio", "verify_one_by_one_per_s"});
    ASSIGN_OR_RETURN(const double small, loads.run(4 * batches, 0, 64));
    context.report.add({name + "_64_ratio", small / alone, "ratio", "verify_one_by_one_per_s"});
    RETURN_IF_ERROR(bench_answers(context, loads, name, good, alone));
  }
  if (wanted(context, "wrong")) RETURN_IF_ERROR(bench_wrong(context, loads, name, batches));
  if (together && wanted(context, "hostile")) RETURN_IF_ERROR(bench_hostile(context, loads, batches));
  return {};
}

}  // namespace

Result<void> bench_batch(Context& context) {
  if (wanted(context, "library")) bench_library(context);
  if (context.options.target == "library") return {};
  RETURN_IF_ERROR(bench_daemon(context, true));
  if (!context.options.target.empty()) return {};
  return bench_daemon(context, false);
}

}  // namespace bench
