#include "bench/scale.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include <fmt/format.h>

#include "bench/fill.h"
#include "clients/cpp/tabd_client.h"

namespace bench {
namespace {

using base::Result;

constexpr std::size_t kRecordPayers = 1000;
// A quarter of what two cores can take: closing needs the rest, and half load is measured by submit_p99_ms.
constexpr double kBatchesPerS = 200;
constexpr std::size_t kBatchItems = 64;
constexpr std::uint64_t kIdleS = 15;
// The load while windows close is signed beforehand, so its length has a bound.
constexpr std::uint64_t kClosingSMin = 10;
constexpr std::uint64_t kClosedPerSMin = 12'500;
constexpr std::uint64_t kWaitSMax = 600;

base::Error wrong(std::string what) { return {base::ErrorCode::corruption, std::move(what)}; }

std::uint64_t bytes_below(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory))
    if (file.is_regular_file()) bytes += file.file_size();
  return bytes;
}

// An operator's session and the connection that it belongs to.
struct Operator {
  std::unique_ptr<tabd::Client> client;
  tabd::OperatorSession session;

  static Result<Operator> login(const DaemonUnderTest& daemon) {
    ASSIGN_OR_RETURN(auto client, tabd::Client::connect(tabd::Endpoint::unix_socket(daemon.socket())));
    const crypto::SecretKey key = operator_key();
    ASSIGN_OR_RETURN(auto session, client->login_operator(key));
    return Operator{std::move(client), std::move(session)};
  }
};

// A folder with a daemon's ledger in which payee, server and `payers` payers are registered.
Result<void> prepare(const Context& context, const std::string& directory, std::size_t payers) {
  ASSIGN_OR_RETURN(const auto daemon, DaemonUnderTest::start(context.options.tabd, directory, context.clock));
  return daemon.register_everyone(payers);
}

// What was charged and billed, read back from the ledger.
struct Sums {
  std::uint64_t statements = 0;
  std::uint64_t billed_charges = 0;  // under statements' roots
  base::u128 billed_units = 0;
  base::i128 accrued_posted = 0;   // what the payee is owed from statements
  base::i128 accrued_pending = 0;  // ... and from open windows
};

Result<Sums> read_sums(Operator& as) {
  Sums sums;
  rpc::Page page{0, 1000};
  do {
    ASSIGN_OR_RETURN(const auto some, as.session.statements(base::Address{}, page));
    for (const ledger::core::Statement& statement : some.items) {
      ++sums.statements;
      sums.billed_charges += statement.entries;
      sums.billed_units += statement.total.units();
    }
    page.after = some.next;
  } while (page.after != 0);
  ASSIGN_OR_RETURN(const rpc::PayeeAccount payee, as.session.payee(payee_address()));
  for (const ledger::core::PayeeBalance& balance : payee.balances) {
    sums.accrued_posted -= balance.accrued.posted;  // a credit balance
    sums.accrued_pending -= balance.accrued.pending;
  }
  return sums;
}

// Every charge is one unit, so sums of money count charges.
Result<void> check_sums(const Sums& sums, std::uint64_t payers, std::uint64_t charges) {
  const auto open = static_cast<std::uint64_t>(sums.accrued_pending);
  const std::string counted =
      fmt::format("{} charges were accepted; {} statements bill {} charges and {} units, open windows hold {}", charges,
                  sums.statements, sums.billed_charges, static_cast<std::uint64_t>(sums.billed_units), open);
  if (sums.statements != payers || sums.billed_charges + open != charges || sums.billed_units != sums.billed_charges ||
      sums.accrued_posted != static_cast<base::i128>(sums.billed_units))
    return tl::unexpected(wrong("lost or counted twice: " + counted));
  Report::say(counted + ": none lost, none counted twice");
  return {};
}

struct Filled {
  std::uint64_t charges = 0;  // acknowledged before the kill
  std::uint64_t end_s = 0;    // of everybody's window
};

struct Loads {
  LoadResult idle;
  LoadResult closing;
  double close_s = 0;
};

// Waits until the ledger has so many statements.
Result<void> wait_for_statements(Operator& as, std::uint64_t statements, const base::Clock& clock) {
  const std::uint64_t start = clock.monotonic_ns();
  std::uint64_t reported = start;
  for (;;) {
    ASSIGN_OR_RETURN(const rpc::Head head, as.session.head());
    if (head.statements >= statements) return {};
    if (clock.monotonic_ns() - start > kWaitSMax * 1'000'000'000)
      return tl::unexpected(wrong(fmt::format("only {} statements of {}", head.statements, statements)));
    if (clock.monotonic_ns() - reported > 5'000'000'000) {
      Report::say(fmt::format("windows closed: {} of {}", head.statements, statements));
      reported = clock.monotonic_ns();
    }
    tabd::Client::run_for(50'000);
  }
}

// The same load twice: while nothing closes, and from the instant on at which all windows end.
Result<Loads> load_twice(const Context& context, const DaemonUnderTest& daemon, const Filled& filled,
                         const std::string& idle_file, const std::string& closing_file) {
  Loads loads;
  LoadSpec spec;
  spec.traffic_file = idle_file;
  spec.in_flight = 1024;
  spec.batches_per_s = kBatchesPerS;
  Report::say("load while nothing closes");
  ASSIGN_OR_RETURN(loads.idle, send_traffic(context, daemon, spec));
  ASSIGN_OR_RETURN(Operator as, Operator::login(daemon));
  ASSIGN_OR_RETURN(const rpc::Head before, as.session.head());
  context.report.add({"rss_1m_payers_mib", resident_mib(daemon.pid()), "MiB", ""});

  spec.traffic_file = closing_file;
  spec.start_s = filled.end_s;
  spec.stop_file = context.options.directory + "/stop";
  const std::uint64_t now_s = context.clock.now().seconds();
  if (filled.end_s > now_s) {
    Report::say(fmt::format("all windows end in {} s", filled.end_s - now_s));
  } else {
    Report::say(
        fmt::format("all windows ended {} s ago: the machine is slow, and the load comes late", now_s - filled.end_s));
  }
  if (before.statements != 0) return tl::unexpected(wrong("the windows ended during the idle load: a slow machine"));
  auto closing = std::async(std::launch::async, [&] { return send_traffic(context, daemon, spec); });
  while (context.clock.now().seconds() < filled.end_s) tabd::Client::run_for(1'000);
  const std::uint64_t start = context.clock.monotonic_ns();
  const Result<void> closed = wait_for_statements(as, context.options.payers, context.clock);
  loads.close_s = static_cast<double>(context.clock.monotonic_ns() - start) / 1e9;
  std::ofstream(spec.stop_file) << "closed\n";
  Result<LoadResult> result = closing.get();
  RETURN_IF_ERROR(closed);
  if (!result) return tl::unexpected(result.error());
  loads.closing = *result;
  return loads;
}

Result<Filled> fill(const Context& context, const std::string& directory) {
  Report::say(fmt::format("registering and charging {} payers", context.options.payers));
  ASSIGN_OR_RETURN(
      const std::string line,
      run_self(context.options,
               fmt::format("fill-payers '{}' {}", DaemonUnderTest::ledger_of(directory), context.options.payers),
               true));
  Filled filled;
  std::istringstream(line) >> filled.charges >> filled.end_s;
  return filled;
}

}  // namespace

Result<void> bench_recovery(Context& context) {
  const std::string directory = context.options.directory + "/recovery";
  RETURN_IF_ERROR(prepare(context, directory, kRecordPayers));
  const std::string ledger = DaemonUnderTest::ledger_of(directory);
  Report::say(fmt::format("filling a ledger with {} records", context.options.records));
  ASSIGN_OR_RETURN(
      const std::string line,
      run_self(context.options, fmt::format("fill-records '{}' {} {}", ledger, context.options.records, kRecordPayers),
               true));
  const std::uint64_t acknowledged = std::stoull(line);
  const double bytes = static_cast<double>(bytes_below(ledger));
  ASSIGN_OR_RETURN(const auto daemon, DaemonUnderTest::start(context.options.tabd, directory, context.clock));
  ASSIGN_OR_RETURN(Operator as, Operator::login(daemon));
  ASSIGN_OR_RETURN(const rpc::PayeeAccount payee, as.session.payee(payee_address()));
  const auto found = payee.balances.empty() ? 0 : static_cast<std::uint64_t>(-payee.balances[0].accrued.pending);
  if (found < acknowledged)
    return tl::unexpected(wrong(fmt::format("{} charges were acknowledged, {} are there", acknowledged, found)));
  ASSIGN_OR_RETURN(const rpc::Head head, as.session.head());
  Report::say(fmt::format("killed after {} acknowledged charges; {} are there, in {} entries of {} segments",
                          acknowledged, found, head.last_sequence.value, head.last_segment.value));
  context.report.add({"recovery_10m_s", daemon.start_s(), "s", ""});
  context.report.add({"recovery_10m_cpu_s", daemon.start_cpu_s(), "s", ""});
  context.report.add({"recovery_10m_rss_mib", resident_mib(daemon.pid()), "MiB", ""});
  context.report.add({"disk_bytes_per_record", bytes / static_cast<double>(context.options.records), "B", ""});
  return {};
}

Result<void> bench_payers(Context& context) {
  const std::string directory = context.options.directory + "/payers";
  TrafficSpec traffic;
  traffic.payers = std::min<std::uint64_t>(kSigners, context.options.payers);
  traffic.batch_items = kBatchItems;
  traffic.batches = static_cast<std::size_t>(kBatchesPerS) * kIdleS;
  Report::say("signing the load of the payers' run");
  ASSIGN_OR_RETURN(const std::string idle_file, sign_traffic(context, traffic, "idle.bin"));
  traffic.first_nonce += traffic.batches * kBatchItems;
  traffic.batches = static_cast<std::size_t>(kBatchesPerS) * (kClosingSMin + context.options.payers / kClosedPerSMin);
  ASSIGN_OR_RETURN(const std::string closing_file, sign_traffic(context, traffic, "closing.bin"));
  RETURN_IF_ERROR(prepare(context, directory, 0));
  ASSIGN_OR_RETURN(const Filled filled, fill(context, directory));

  ASSIGN_OR_RETURN(const auto daemon, DaemonUnderTest::start(context.options.tabd, directory, context.clock));
  context.report.add({"recovery_1m_payers_s", daemon.start_s(), "s", ""});
  ASSIGN_OR_RETURN(Operator as, Operator::login(daemon));
  ASSIGN_OR_RETURN(const Sums before, read_sums(as));
  if (before.accrued_pending < static_cast<base::i128>(filled.charges))
    return tl::unexpected(wrong("acknowledged charges are missing after the kill"));
  ASSIGN_OR_RETURN(const Loads loads, load_twice(context, daemon, filled, idle_file, closing_file));
  context.report.add({"close_1m_payers_s", loads.close_s, "s", ""});
  context.report.add({"rss_1m_payers_billed_mib", resident_mib(daemon.pid()), "MiB", ""});
  context.report.add({"close_idle_p99_ms", loads.idle.p99_ms, "ms", ""});
  context.report.add({"close_ingest_p99_ms", loads.closing.p99_ms, "ms", ""});
  context.report.add(
      {"close_ingest_p99_ratio", loads.closing.p99_ms / loads.idle.p99_ms, "ratio", "close_idle_p99_ms"});
  Report::say(fmt::format("p50 idle {:.1f}, closing {:.1f} ms; slowest idle {:.1f}, closing {:.1f} ms",
                          loads.idle.p50_ms, loads.closing.p50_ms, loads.idle.max_ms, loads.closing.max_ms));
  ASSIGN_OR_RETURN(const Sums after, read_sums(as));
  // Those on their way at the kill were never acknowledged; some of them are there nevertheless.
  const std::uint64_t charges =
      static_cast<std::uint64_t>(before.accrued_pending) + loads.idle.accepted_items + loads.closing.accepted_items;
  return check_sums(after, context.options.payers, charges);
}

}  // namespace bench
