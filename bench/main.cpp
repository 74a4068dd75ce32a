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

#include "bench/client.h"
#include "bench/daemon.h"
#include "bench/raw_verify.h"
#include "bench/report.h"
#include "bench/scale.h"
#include "bench/traffic.h"

namespace bench {
namespace {

using base::Result;

struct Options {
  std::string self;
  std::string tabd;
  std::string json = "bench.json";
  std::string directory;
  bool quick = false;
  std::uint64_t records = 10'000'000;
  std::uint64_t payers = 1'000'000;
};

struct Context {
  const Options& options;
  Report& report;
  base::SystemClock clock;
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::uint64_t valid_before() const { return clock.now().seconds() + 24 * 3600; }
};

constexpr std::size_t kPayers = 100;
constexpr std::size_t kManyPayers = 1000;
constexpr std::size_t kInFlight = 32;  // batches; a fifth of a second of work

// Signs and sends one kind of traffic; leaves the daemon running.
Result<LoadResult> load(Context& context, const DaemonUnderTest& daemon, TrafficSpec traffic, double batches_per_s,
                        std::size_t in_flight) {
  const std::string file = context.options.directory + "/traffic.bin";
  traffic.valid_before = context.valid_before();
  RETURN_IF_ERROR(write_traffic(file, make_traffic(traffic, context.cores)));
  LoadSpec spec;
  spec.socket = daemon.socket();
  spec.traffic_file = file;
  spec.in_flight = in_flight;
  spec.batches_per_s = batches_per_s;
  const double cpu_before = daemon.cpu_seconds();
  ASSIGN_OR_RETURN(const LoadResult result, run_load_process(context.options.self, spec));
  Report::say(fmt::format("{} items in {:.2f} s, {} refused, daemon CPU {:.1f} us an item, rss {:.0f} MiB",
                          result.accepted_items, result.seconds, result.refused_items,
                          (daemon.cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(result.accepted_items + 1),
                          resident_mib(daemon.pid())));
  if (result.refused_items != 0) return base::error(base::ErrorCode::invalid_argument, "items were refused");
  return result;
}

Result<void> bench_submit(Context& context) {
  const std::string directory = context.options.directory + "/submit";
  std::filesystem::create_directories(directory);
  ASSIGN_OR_RETURN(auto daemon, DaemonUnderTest::start(context.options.tabd, directory, kManyPayers, context.clock));

  TrafficSpec traffic;
  traffic.payers = kPayers;
  traffic.batches = 200;
  Report::say("warm-up");
  ASSIGN_OR_RETURN(const LoadResult warm, load(context, daemon, traffic, 0, kInFlight));
  (void)warm;
  traffic.first_nonce += 1'000'000;
  traffic.batches = context.options.quick ? 800 : 1600;
  const double raw_before = raw_verifications_per_s(context.clock, context.cores, 4);
  ASSIGN_OR_RETURN(const LoadResult full, load(context, daemon, traffic, 0, kInFlight));
  const double raw_after = raw_verifications_per_s(context.clock, context.cores, 4);
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

// Runs this program again with other words and returns its last line, so that memory is measured in a clean process.
Result<std::string> run_self(const Options& options, const std::string& words) {
  const std::string command = fmt::format("'{}' {}", options.self, words);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return base::error(base::ErrorCode::io, "cannot start " + command);
  std::string last;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) last = line;
  if (::pclose(pipe) != 0) return base::error(base::ErrorCode::io, "failed: " + command);
  return last;
}

Result<void> bench_recovery(Context& context) {
  const std::string directory = context.options.directory + "/recovery";
  Report::say(fmt::format("filling a ledger with {} records", context.options.records));
  RETURN_IF_ERROR(run_self(context.options, fmt::format("fill '{}' {}", directory, context.options.records)));
  ASSIGN_OR_RETURN(const std::string line, run_self(context.options, fmt::format("open '{}'", directory)));
  double seconds = 0, rss = 0;
  std::istringstream(line) >> seconds >> rss;
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory))
    if (file.is_regular_file()) bytes += file.file_size();
  context.report.add({"recovery_10m_s", seconds, "s", ""});
  context.report.add({"recovery_10m_rss_mib", rss, "MiB", ""});
  context.report.add(
      {"disk_bytes_per_record", static_cast<double>(bytes) / static_cast<double>(context.options.records), "B", ""});
  std::filesystem::remove_all(directory);
  return {};
}

Result<void> bench_payers(Context& context) {
  const std::string directory = context.options.directory + "/payers";
  Report::say(fmt::format("registering and billing {} payers", context.options.payers));
  ASSIGN_OR_RETURN(const std::string line,
                   run_self(context.options, fmt::format("payers '{}' {}", directory, context.options.payers)));
  PayersFigures figures;
  std::istringstream(line) >> figures.register_s >> figures.rss_mib >> figures.rss_closed_mib >> figures.close_s >>
      figures.idle_p99_ms >> figures.closing_p99_ms >> figures.statements >> figures.charges;
  context.report.add({"close_1m_payers_s", figures.close_s, "s", ""});
  context.report.add({"rss_1m_payers_mib", figures.rss_mib, "MiB", ""});
  context.report.add({"rss_1m_payers_billed_mib", figures.rss_closed_mib, "MiB", ""});
  context.report.add({"ingest_idle_p99_ms", figures.idle_p99_ms, "ms", ""});
  context.report.add({"ingest_closing_p99_ms", figures.closing_p99_ms, "ms", ""});
  context.report.add(
      {"ingest_closing_ratio", figures.closing_p99_ms / figures.idle_p99_ms, "ratio", "ingest_idle_p99_ms"});
  Report::say(
      fmt::format("{} statements, {} charges accepted meanwhile and before", figures.statements, figures.charges));
  std::filesystem::remove_all(directory);
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
  RETURN_IF_ERROR(bench_submit(context));
  if (!options.quick) {
    RETURN_IF_ERROR(bench_recovery(context));
    RETURN_IF_ERROR(bench_payers(context));
  }
  RETURN_IF_ERROR(report.write(options.json));
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
  app.add_flag("--quick", options.quick, "Only the first five figures.");

  LoadSpec spec;
  CLI::App* client = app.add_subcommand("client", "Sends prepared traffic; used by the benchmark itself.");
  client->add_option("--socket", spec.socket)->required();
  client->add_option("--traffic", spec.traffic_file)->required();
  client->add_option("--in-flight", spec.in_flight);
  client->add_option("--batches-per-s", spec.batches_per_s);
  std::string directory;
  std::uint64_t count = 0;
  CLI::App* fill = app.add_subcommand("fill", "Fills a ledger; used by the benchmark itself.");
  fill->add_option("directory", directory)->required();
  fill->add_option("records", count)->required();
  CLI::App* open = app.add_subcommand("open", "Opens a ledger; used by the benchmark itself.");
  open->add_option("directory", directory)->required();
  CLI::App* payers = app.add_subcommand("payers", "Bills payers; used by the benchmark itself.");
  payers->add_option("directory", directory)->required();
  payers->add_option("payers", count)->required();
  CLI11_PARSE(app, argc, argv);

  if (client->parsed()) {
    const base::SystemClock clock;
    const auto result = run_load(spec, clock);
    if (!result) return fail(result.error());
    fmt::print("{}\n", encode_result(*result));
    return 0;
  }
  if (fill->parsed()) {
    const auto filled = fill_ledger(directory, count);
    return filled ? 0 : fail(filled.error());
  }
  if (open->parsed()) {
    const auto figures = open_ledger(directory);
    if (!figures) return fail(figures.error());
    fmt::print("{} {}\n", figures->seconds, figures->rss_mib);
    return 0;
  }
  if (payers->parsed()) {
    const auto f = bill_payers(directory, count);
    if (!f) return fail(f.error());
    fmt::print("{} {} {} {} {} {} {} {}\n", f->register_s, f->rss_mib, f->rss_closed_mib, f->close_s, f->idle_p99_ms,
               f->closing_p99_ms, f->statements, f->charges);
    return 0;
  }
  return run_in_temporary_folder(options);
}
