// `make demo`: the whole story on one machine, in about a minute. `make run`: the same, left running.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/text.h"
#include "playground/demo/agreement.h"
#include "playground/demo/epilogue.h"

namespace playground::demo {
namespace {

using base::Result;

// The second Ctrl-C ends at once; children follow by PR_SET_PDEATHSIG.
void on_signal(int number) {
  if (g_interrupted.exchange(true)) {
    ::signal(number, SIG_DFL);
    ::raise(number);
  }
}

Result<core::Amount> exposure(Stage& stage) {
  core::Amount sum;
  for (const Party& payer : stage.cast().payers) {
    ASSIGN_OR_RETURN(const rpc::PayerAccount account, stage.books().payer(payer.address));
    for (const rpc::TallyView& tally : account.tallies) sum = base::add_checked(sum, tally.exposure());
  }
  return sum;
}

std::uint64_t refused_count(const TrafficStats& stats) {
  std::uint64_t sum = 0;
  for (const auto& [status, count] : stats.refused) sum += count;
  return sum;
}

// Reports once a second until the time is over.
Result<void> watch(Stage& stage, Console& console, Traffic& traffic) {
  const core::Asset asset = stage.asset();
  const std::uint64_t start_ns = stage.clock().monotonic_ns();
  std::uint64_t items_before = 0;
  const bool keep = stage.options().keep;
  for (unsigned second = 1; keep || second <= stage.options().seconds; ++second) {
    while (!g_interrupted && stage.clock().monotonic_ns() - start_ns < second * 1'000'000'000ULL) ::usleep(20'000);
    if (g_interrupted) return {};
    const TrafficStats stats = traffic.stats();
    if (!stats.failure.empty()) return base::error(base::ErrorCode::io, stats.failure + "\n" + stage.last_words());
    if (!stage.daemon_running()) return base::error(base::ErrorCode::io, "tabd ended:\n" + stage.last_words());
    ASSIGN_OR_RETURN(const core::Amount owed, exposure(stage));
    const std::uint64_t rate = stats.items - items_before;
    items_before = stats.items;
    const unsigned plain_every = keep ? 60 : 2;
    if (!console.tty() && second % plain_every != 0) continue;
    console.live(fmt::format(
        "{:>4} s  {:>7} items  {:>8} charges  {:>5} items/s  {:>3} refused  exposure {}  submit "
        "p99 {}",
        second, cli::thousands(stats.items), cli::thousands(stats.charges), cli::thousands(rate), refused_count(stats),
        cli::money(owed, asset.scale, asset.symbol), cli::duration_text(stats.p99_us)));
  }
  return {};
}

void show_traffic(Console& console, const TrafficStats& stats) {
  console.say(
      "{} items with {} charges were accepted in {} batches; half of the batches were durable in {}, 99 of 100 "
      "in {}.",
      cli::thousands(stats.items), cli::thousands(stats.charges), cli::thousands(stats.batches),
      cli::duration_text(stats.p50_us), cli::duration_text(stats.p99_us));
  console.say("Items that were wrong on purpose:");
  console.say("  {:>4}  {:<22} {}", stats.repeated, base::name(base::Status::already_accepted),
              base::info(base::Status::already_accepted).sentence);
  for (const auto& [status, count] : stats.refused)
    console.say("  {:>4}  {:<22} {}", count, base::name(status), base::info(status).sentence);
}

void show_commands(Stage& stage, Console& console) {
  const Cast& cast = stage.cast();
  console.heading("Explore it from another terminal");
  console.say("export TABCTL_SOCKET={}", stage.socket());
  console.say("export TABCTL_KEY_FILE={}", cast.operator_.key_file);
  console.say("alias tabctl={}\n", stage.tabctl());
  console.say("In a browser: {}\n", stage.page_url());
  console.line(fmt::format(
      "tabctl status\ntabctl top\ntabctl payer list\ntabctl payer show payer-3\ntabctl payee show weather-api\n"
      "tabctl statement list\ntabctl settlement list\ntabctl balance\ntabctl events --count 20\n"
      "tabctl close payer-3                                   # a bill now, in place of at the end of the minute\n"
      "tabctl charge list payer-3 --limit 5\ntabctl prove 100 -o charge.proof\n"
      "tabctl checkpoint first && tabctl audit {}/checkpoints/first\n"
      "tabctl --key {} journal follow\n"
      "tabctl --key {} payer show --role payer",
      stage.folder(), cast.auditor.key_file, cast.payers[2].key_file));
  console.say("\nWindows close every minute. Ctrl-C ends it and removes the folder.\n");
}

Result<int> play(const DemoOptions& options, Console& console) {
  console.heading("The stage");
  ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::set(options, console));
  ASSIGN_OR_RETURN(auto before, stage->balances());
  if (options.keep) show_commands(*stage, console);
  console.heading(options.keep ? "Traffic" : fmt::format("{} seconds of traffic", options.seconds));
  Traffic traffic(*stage, stage->client());
  RETURN_IF_ERROR(watch(*stage, console, traffic));
  traffic.finish();
  const TrafficStats stats = traffic.stats();
  if (g_interrupted) {
    console.line("\nEnded by Ctrl-C; cleaning up.");
    return options.keep ? 0 : 130;
  }
  if (!stats.failure.empty()) return base::error(base::ErrorCode::io, stats.failure + "\n" + stage->last_words());
  show_traffic(console, stats);
  console.heading("The windows close, and money moves");
  RETURN_IF_ERROR(close_and_settle(*stage, console, before));
  if (g_interrupted) return 130;
  console.heading("A statement, a proof, an audit");
  RETURN_IF_ERROR(show_paper(*stage, console));
  console.heading("The money");
  RETURN_IF_ERROR(show_money(*stage, console, before));
  ASSIGN_OR_RETURN(const std::vector<std::string> found, differences(*stage, stats, before));
  for (const std::string& one : found) console.say("DIFFERENT: {}", one);
  if (!found.empty()) return 1;
  const char* all = options.rail == Rail::all          ? "the books, the chain, the card provider and the bank"
                    : options.rail == Rail::stablecoin ? "the books and the chain"
                                                       : "the books and the rail";
  console.say("The servers' own sums, {} agree, to the last unit.", all);
  return 0;
}

int run(int argc, char** argv) {
  DemoOptions options;
  std::string rail = "all";
  CLI::App app("Plays the whole story of tabd on this machine: promises, bills, collections, payouts, proofs.\n",
               "tabd-demo");
  app.add_option("--rail", rail,
                 "all (a local chain, cards and a bank), stablecoin (the chain alone) or sandbox (needs nothing)")
      ->capture_default_str()
      ->check(CLI::IsMember({"all", "stablecoin", "sandbox"}));
  app.add_flag("--keep", options.keep, "Keep slow traffic flowing until Ctrl-C, for exploring with tabctl");
  app.add_option("--seconds", options.seconds, "Of traffic")->capture_default_str()->check(CLI::Range(3, 60));
  app.add_option("--tabd", options.tabd, "The daemon's binary; beside this one, if not given");
  app.add_option("--tabctl", options.tabctl, "The tool's binary; beside this one, if not given");
  CLI11_PARSE(app, argc, argv);
  options.rail = rail == "sandbox" ? Rail::sandbox : rail == "stablecoin" ? Rail::stablecoin : Rail::all;
  if (options.keep) options.items_per_second = 2;
  ::signal(SIGINT, on_signal);
  ::signal(SIGTERM, on_signal);
  ::signal(SIGPIPE, SIG_IGN);
  Console console;
  const Result<int> ended = play(options, console);
  if (ended) return *ended;
  console.line("\nThe demo failed: " + ended.error().message);
  return 1;
}

}  // namespace
}  // namespace playground::demo

int main(int argc, char** argv) {
  try {
    return playground::demo::run(argc, argv);
  } catch (const std::exception& problem) {
    fmt::print(stderr, "tabd-demo: {}\n", problem.what());
    return 1;
  }
}
