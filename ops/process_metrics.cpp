#include <dirent.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "ops/metrics.h"
#include "ops/version.h"

namespace ops {
namespace {

MetricFamily single(std::string name, std::string help, MetricKind kind, double value) {
  return {std::move(name), std::move(help), kind, {{{}, value}}};
}

double open_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double count = -3;  // ".", ".." and the directory itself
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

// The fields of /proc/self/stat after the command's name, which may hold spaces (proc(5)).
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');
  std::vector<std::string> fields;
  if (end == std::string::npos) return fields;
  std::istringstream rest(line.substr(end + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// Seconds since 1970 at which the machine booted.
double boot_time() {
  std::ifstream file("/proc/stat");
  std::string key;
  for (double value = 0; file >> key; file.ignore(1 << 16, '\n'))
    if (key == "btime" && file >> value) return value;
  return 0;
}

double number(const std::vector<std::string>& fields, std::size_t index) {
  return index < fields.size() ? std::strtod(fields[index].c_str(), nullptr) : 0;
}

}  // namespace

MetricSource build_metrics() {
  return [] {
    return std::vector<MetricFamily>{{"tabd_build_info",
                                      "Always 1; the labels say which build this is.",
                                      MetricKind::gauge,
                                      {{{{"version", kVersion}, {"compiler", __VERSION__}}, 1}}}};
  };
}

MetricSource process_metrics() {
  return [] {
    // proc(5) numbers from 1; the third field (state) is our index 0.
    const std::vector<std::string> fields = stat_fields();
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    std::vector<MetricFamily> families;
    families.push_back(single("process_cpu_seconds_total", "User and system CPU time.", MetricKind::counter,
                              (number(fields, 11) + number(fields, 12)) / ticks));
    families.push_back(single("process_threads", "Threads of the process.", MetricKind::gauge, number(fields, 17)));
    families.push_back(single("process_start_time_seconds", "Start of the process, since 1970.", MetricKind::gauge,
                              boot_time() + number(fields, 19) / ticks));
    families.push_back(
        single("process_virtual_memory_bytes", "Virtual memory size.", MetricKind::gauge, number(fields, 20)));
    families.push_back(
        single("process_resident_memory_bytes", "Resident memory size.", MetricKind::gauge, number(fields, 21) * page));
    families.push_back(single("process_open_fds", "Open file descriptors.", MetricKind::gauge, open_descriptors()));
    families.push_back(single("process_max_fds", "Limit of open file descriptors.", MetricKind::gauge,
                              static_cast<double>(descriptors.rlim_cur)));
    return families;
  };
}

}  // namespace ops
