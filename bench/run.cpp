#include "bench/run.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace bench {
namespace {

constexpr double kWorthSayingUs = 0.05;

// What each thread of the daemon used for one item.
std::string threads_us(const std::map<std::string, double>& before, const std::map<std::string, double>& after,
                       double items) {
  std::vector<std::pair<double, std::string>> used;
  for (const auto& [name, seconds] : after) {
    const auto found = before.find(name);
    const double us = (seconds - (found == before.end() ? 0 : found->second)) * 1e6 / items;
    if (us >= kWorthSayingUs) used.emplace_back(us, name);
  }
  std::sort(used.rbegin(), used.rend());
  std::string text;
  for (const auto& [us, name] : used) text += fmt::format("{}{} {:.1f}", text.empty() ? "" : ", ", name, us);
  return text;
}

}  // namespace

base::Result<std::string> sign_traffic(const Context& context, TrafficSpec traffic, const std::string& name) {
  const std::string file = context.options.directory + "/" + name;
  traffic.valid_before = context.clock.now().seconds() + 24 * 3600;
  RETURN_IF_ERROR(write_traffic(file, make_traffic(traffic, context.cores)));
  return file;
}

base::Result<LoadResult> send_traffic(const Context& context, const DaemonUnderTest& daemon, LoadSpec spec) {
  spec.socket = daemon.socket();
  const double cpu_before = cpu_seconds(daemon.pid());
  const std::map<std::string, double> threads_before = cpu_seconds_by_thread(daemon.pid());
  ASSIGN_OR_RETURN(const LoadResult result, run_load_process(context.options.self, spec));
  Report::say(fmt::format("{} items in {:.2f} s, {} refused, daemon CPU {:.1f} us an item, rss {:.0f} MiB",
                          result.accepted_items, result.seconds, result.refused_items,
                          (cpu_seconds(daemon.pid()) - cpu_before) * 1e6 /
                              static_cast<double>(result.accepted_items + result.refused_items + 1),
                          resident_mib(daemon.pid())));
  Report::say("of it, by thread: " + threads_us(threads_before, cpu_seconds_by_thread(daemon.pid()),
                                                static_cast<double>(result.accepted_items + result.refused_items + 1)));
  if (result.refused_items != 0 && !spec.refusals)
    return base::error(base::ErrorCode::invalid_argument, "items were refused");
  return result;
}

base::Result<std::string> run_self(const Options& options, const std::string& words, bool killed) {
  const std::string command = fmt::format("exec '{}' {}", options.self, words);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return base::error(base::ErrorCode::io, "cannot start " + command);
  std::string last;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    last = line;
    if (last.starts_with("#")) Report::say(last.substr(2, last.find('\n') - 2));
  }
  const int status = ::pclose(pipe);
  const bool as_asked = killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0;
  if (!as_asked) return base::error(base::ErrorCode::io, "failed: " + command);
  return last;
}

}  // namespace bench
