// tabd-bench: the figures of docs/performance.md, one a line, and build/bench.json. Everything is measured in one run
// on one machine, so that the ratios mean something wherever it runs.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/batch.h"
#include "bench/client.h"
#include "bench/daemon.h"
#include "bench/fill.h"
#include "bench/rails.h"
#include "bench/raw_verify.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/scale.h"
#include "bench/traffic.h"
#include "bench/x402.h"

namespace bench {
namespace {

using base::Result;

constexpr std::size_t kPayers = 100;
constexpr std::size_t kManyPayers = 1000;
constexpr std::size_t kInFlight = 32;  // batches; a fifth of a second of work

// Signs and sends one kind of traffic; leaves the daemon running.
Result<LoadResult> load(const Context& context, const DaemonUnderTest& daemon, const TrafficSpec& traffic,
                        double batches_per_s, std::size_t in_flight) {
  LoadSpec spec;
  ASSIGN_OR_RETURN(spec.traffic_file, sign_traffic(context, traffic, "traffic.bin"));
  spec.in_flight = in_flight;
  spec.batches_per_s = batches_per_s;
  return send_traffic(context, daemon, spec);
}

Result<void> bench_submit(Context& context) {
  const std::string directory = context.options.directory + "/submit";
  ASSIGN_OR_RETURN(const auto daemon, DaemonUnderTest::start(context.options.tabd, directory, context.clock));
  RETURN_IF_ERROR(daemon.register_everyone(kManyPayers));

  TrafficSpec traffic;
  traffic.payers = kPayers;
  traffic.batches = 200;
  Report::say("warm-up");
  ASSIGN_OR_RETURN(const LoadResult warm, load(context, daemon, traffic, 0, kInFlight));
  (void)warm;
  traffic.first_nonce += 1'000'000;
  traffic.batches = context.options.quick ? 800 : 1600;
  const double raw_before = raw_verifications(context.clock, RawCheck::known_key, context.cores, 4).per_s;
  ASSIGN_OR_RETURN(const LoadResult full, load(context, daemon, traffic, 0, kInFlight));
  const double raw_after = raw_verifications(context.clock, RawCheck::known_key, context.cores, 4).per_s;
  const double raw = (raw_before + raw_after) / 2;
  const double rate = static_cast<double>(full.accepted_items) / full.seconds;
  context.report.add({"verify_raw_per_s", raw, "1/s", ""});
  context.report.add({"submit_durable_per_s", rate, "1/s", ""});
  context.report.add({"submit_ratio", rate / raw, "ratio", "verify_raw_per_s"});

  traffic.first_nonce += 1'000'000;
  traffic.batch_items = 64;
  traffic.batches = static_cast<std::size_t>(rate / 2 / 64 * (context.options.quick ? 8 : 15));
  ASSIGN_OR_RETURN(const LoadResult half, load(context, daemon, traffic, rate / 2 / 64, 1024));
  context.report.add({"submit_p50_ms", half.p50_ms, "ms", ""});
  context.report.add({"submit_p99_ms", half.p99_ms, "ms", ""});
  Report::say(fmt::format("half load: {:.0f} items/s in batches of 64, slowest {:.1f} ms",
                          static_cast<double>(half.accepted_items) / half.seconds, half.max_ms));
  if (context.options.quick) return {};

  traffic.first_nonce += 1'000'000;
  traffic.payers = kManyPayers;
  traffic.batch_items = 256;
  traffic.batches = 800;
  ASSIGN_OR_RETURN(const LoadResult many, load(context, daemon, traffic, 0, kInFlight));
  const double many_rate = static_cast<double>(many.accepted_items) / many.seconds;
  context.report.add({"submit_1000_payers_ratio", many_rate / raw, "ratio", "verify_raw_per_s"});

  traffic.payers = kPayers;
  traffic.kind = Traffic::voucher;
  traffic.batch_items = 256;
  traffic.batches = 1200;
  ASSIGN_OR_RETURN(const LoadResult vouchers, load(context, daemon, traffic, 0, kInFlight));
  context.report.add({"voucher100_charges_per_s",
                      static_cast<double>(vouchers.accepted_items * traffic.charges_per_voucher) / vouchers.seconds,
                      "1/s", ""});
  context.report.add({"submit_rss_mib", resident_mib(daemon.pid()), "MiB", ""});
  return {};
}

std::string machine() {
  std::ifstream in("/proc/cpuinfo");
  std::string line, model = "unknown processor";
  while (std::getline(in, line))
    if (line.rfind("model name", 0) == 0) model = line.substr(line.find(':') + 2);
  return fmt::format("{}, {} cores", model, std::thread::hardware_concurrency());
}

Result<void> run_all(const Options& options) {
  Report report;
  Report::say(machine());
  Context context{options, report, {}};
  if (options.part.empty()) RETURN_IF_ERROR(bench_submit(context));
  if (options.part == "batch") RETURN_IF_ERROR(bench_batch(context));
  RETURN_IF_ERROR(report.write(options.json));
  if (options.part.empty() || options.part == "x402") RETURN_IF_ERROR(bench_x402(context));
  RETURN_IF_ERROR(report.write(options.json));
  if (!options.quick && (options.part.empty() || options.part == "large")) {
    RETURN_IF_ERROR(bench_recovery(context));
    std::filesystem::remove_all(options.directory + "/recovery");
    RETURN_IF_ERROR(report.write(options.json));
    RETURN_IF_ERROR(bench_payers(context));
    RETURN_IF_ERROR(report.write(options.json));
  }
  if (options.part == "rails" || (options.part.empty() && !options.quick)) {
    std::filesystem::remove_all(options.directory + "/payers");
    RETURN_IF_ERROR(bench_rails(context));
    RETURN_IF_ERROR(report.write(options.json));
  }
  Report::say("written: " + options.json);
  return {};
}

int fail(const base::Error& error) {
  fmt::print(stderr, "tabd-bench: {}\n", error.to_string());
  return 1;
}

int run_in_temporary_folder(Options& options) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tabd-bench-XXXXXX").string();
  if (options.directory.empty()) {
    if (::mkdtemp(pattern.data()) == nullptr) return fail({base::ErrorCode::io, "cannot make " + pattern});
    options.directory = pattern;
  }
  const Result<void> done = run_all(options);
  std::filesystem::remove_all(options.directory);
  return done ? 0 : fail(done.error());
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  CLI::App app("Measures tabd: see docs/performance.md.");
  Options options;
  options.self = std::filesystem::read_symlink("/proc/self/exe").string();
  options.tabd = (std::filesystem::path(options.self).parent_path().parent_path() / "daemon" / "tabd").string();
  app.add_option("--tabd", options.tabd, "The daemon to measure.");
  app.add_option("--json", options.json, "Where the figures go.");
  app.add_option("--records", options.records, "Records of the recovery run.");
  app.add_option("--payers", options.payers, "Payers of the billing run.");
  app.add_option("--collections", options.collections, "Collections of the rails' run; with --quick 20,000.");
  app.add_option("--stage", options.stage, "The script that starts the parties of the HTTP figures.");
  app.add_flag("--quick", options.quick, "No large ledgers, and shorter runs.");
  app.add_option("--target", options.target,
                 "Of HTTP, only this endpoint (such as channel_verify); of --part batch, only library, load, wrong "
                 "or hostile: for profiling.");
  app.add_option("--part", options.part,
                 "Only the figures of large ledgers, of rails, of HTTP, or of checking signatures together.")
      ->check(CLI::IsMember({"batch", "large", "rails", "x402"}));

  LoadSpec spec;
  CLI::App* client = app.add_subcommand("client", "Sends prepared traffic; used by the benchmark itself.");
  client->add_option("--socket", spec.socket)->required();
  client->add_option("--traffic", spec.traffic_file)->required();
  client->add_option("--in-flight", spec.in_flight);
  client->add_option("--batches-per-s", spec.batches_per_s);
  client->add_option("--start-s", spec.start_s);
  client->add_option("--stop-file", spec.stop_file);
  client->add_option("--server", spec.server);
  std::string directory;
  std::uint64_t count = 0;
  std::uint64_t payers_of_fill = 0;
  CLI::App* records = app.add_subcommand("fill-records", "Fills a ledger; used by the benchmark itself.");
  records->add_option("directory", directory)->required();
  records->add_option("count", count)->required();
  records->add_option("payers", payers_of_fill)->required();
  CLI::App* payers = app.add_subcommand("fill-payers", "Fills a ledger; used by the benchmark itself.");
  payers->add_option("directory", directory)->required();
  payers->add_option("count", count)->required();
  CLI::App* collections = app.add_subcommand("fill-collections", "Fills a ledger; used by the benchmark itself.");
  collections->add_option("directory", directory)->required();
  collections->add_option("count", count)->required();
  CLI11_PARSE(app, argc, argv);

  if (client->parsed()) {
    const base::SystemClock clock;
    const auto result = run_load(spec, clock);
    if (!result) return fail(result.error());
    fmt::print("{}\n", encode_result(*result));
    return 0;
  }
  if (collections->parsed()) {
    const auto seconds = fill_collections(directory, count);
    if (!seconds) return fail(seconds.error());
    fmt::print("{}\n", *seconds);
    return 0;
  }
  // Both end by SIGKILL, or with an error.
  if (records->parsed()) return fail(fill_records(directory, count, payers_of_fill).error());
  if (payers->parsed()) return fail(fill_payers(directory, count).error());
  return run_in_temporary_folder(options);
}
