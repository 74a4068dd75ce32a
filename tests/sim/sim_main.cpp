// The property test: random ledgers, each compared with the model after every step.
//
//   sim_model                               sequences 1..250 of 300 steps
//   sim_model --seed=N                      one of them again, with its last steps
//   sim_model --first=N --sequences=N --steps=N    a long run

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "tests/sim/world.h"

namespace {

std::uint64_t running_seed = 0;
std::uint64_t running_steps = 0;

// A CHECK in the ledger aborts: say how to see it again.
extern "C" void on_abort(int) {
  char line[96];
  const int length =
      std::snprintf(line, sizeof line, "sim_model: aborted; again with --seed=%llu --steps=%llu\n",
                    static_cast<unsigned long long>(running_seed), static_cast<unsigned long long>(running_steps));
  if (length > 0 && write(STDERR_FILENO, line, static_cast<std::size_t>(length)) < 0) _exit(4);
  _exit(3);
}

bool read_option(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const auto [end, failure] = std::from_chars(argument.data(), argument.data() + argument.size(), value);
  return failure == std::errc() && end == argument.data() + argument.size();
}

// True if ledger and model agreed all the way.
bool run_one(std::uint64_t seed, std::uint64_t steps, std::size_t& items,
             std::map<base::Status, std::size_t>& statuses) {
  running_seed = seed;
  running_steps = steps;
  sim::World world(seed);
  const std::string wrong = world.run(steps);
  items += world.items();
  for (const auto& [status, count] : world.statuses()) statuses[status] += count;
  if (wrong.empty()) return true;
  std::fprintf(stderr, "--seed=%llu --steps=%llu: step %zu\n", static_cast<unsigned long long>(seed),
               static_cast<unsigned long long>(steps), world.trace().size());
  const std::size_t shown = std::min<std::size_t>(world.trace().size(), 40);
  for (std::size_t i = world.trace().size() - shown; i < world.trace().size(); ++i) {
    std::fprintf(stderr, "  %s\n", world.trace()[i].c_str());
  }
  std::fprintf(stderr, "%s\n", wrong.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 0, first = 1, sequences = 250, steps = 300, keep_going = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!read_option(argument, "--seed=", seed) && !read_option(argument, "--first=", first) &&
        !read_option(argument, "--sequences=", sequences) && !read_option(argument, "--steps=", steps) &&
        !read_option(argument, "--keep-going=", keep_going)) {
      std::fprintf(stderr, "usage: %s [--seed=N | --first=N --sequences=N] [--steps=N] [--keep-going=1]\n", argv[0]);
      return 2;
    }
  }
  if (seed != 0) first = seed, sequences = 1;
  for (const int signal : {SIGABRT, SIGSEGV}) std::signal(signal, on_abort);
  std::size_t items = 0, wrong = 0;
  std::map<base::Status, std::size_t> statuses;
  for (std::uint64_t i = 0; i < sequences; ++i) {
    if (run_one(first + i, steps, items, statuses)) continue;
    ++wrong;
    if (keep_going == 0) return 1;
  }
  std::printf("%llu sequences of %llu steps, %zu items, %zu differ from the model; answers:\n",
              static_cast<unsigned long long>(sequences), static_cast<unsigned long long>(steps), items, wrong);
  for (const auto& [status, count] : statuses) {
    std::printf("  %-28s %zu\n", std::string(base::name(status)).c_str(), count);
  }
  return wrong == 0 ? 0 : 1;
}
