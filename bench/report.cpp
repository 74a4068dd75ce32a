#include "bench/report.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace bench {

void Report::add(Figure figure) {
  fmt::print("{:<28} {:>14.3f} {}{}\n", figure.name, figure.value, figure.unit,
             figure.base.empty() ? "" : fmt::format("  (base: {})", figure.base));
  std::fflush(stdout);
  figures_.push_back(std::move(figure));
}

void Report::say(std::string_view line) {
  fmt::print("# {}\n", line);
  std::fflush(stdout);
}

base::Result<void> Report::write(const std::string& path) const {
  std::ofstream out(path, std::ios::trunc);
  out << "[\n";
  for (std::size_t i = 0; i < figures_.size(); ++i) {
    const Figure& figure = figures_[i];
    out << fmt::format(R"(  {{"name": "{}", "value": {:.6g}, "unit": "{}")", figure.name, figure.value, figure.unit);
    if (!figure.base.empty()) out << fmt::format(R"(, "base": "{}")", figure.base);
    out << (i + 1 < figures_.size() ? "},\n" : "}\n");
  }
  out << "]\n";
  out.close();
  if (!out) return base::error(base::ErrorCode::io, "cannot write " + path);
  return {};
}

double percentile(std::vector<double>& samples, double p) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double rank = std::ceil(p / 100 * static_cast<double>(samples.size()));
  const std::size_t index = std::min(samples.size(), std::max<std::size_t>(1, static_cast<std::size_t>(rank))) - 1;
  return samples[index];
}

double resident_mib(int pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

double cpu_seconds(int pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(in, text)) return 0;
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state .. cmajflt: utime is field 14
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::map<std::string, double> cpu_seconds_by_thread(int pid) {
  std::map<std::string, double> seconds;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
    double ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    seconds[name] += ns / 1e9;
  }
  return seconds;
}

}  // namespace bench
