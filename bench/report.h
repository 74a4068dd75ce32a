#pragma once

// Figures of one benchmark run: printed one a line as they come, written to a JSON file at the end. Single-threaded.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bench {

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string base;  // for a ratio: the figure of the same run that it is relative to; otherwise empty
};

class Report {
 public:
  // Prints "name value unit" and keeps it.
  void add(Figure figure);
  // A line for people that is not a figure.
  static void say(std::string_view line);
  // Replaces the file. An array of objects with name, value, unit and, for ratios, base.
  base::Result<void> write(const std::string& path) const;

 private:
  std::vector<Figure> figures_;
};

// The p-th percentile (0..100) by the nearest-rank method; 0 for no samples. Sorts the samples.
double percentile(std::vector<double>& samples, double p);

// Resident memory of a process in MiB, from /proc; 0 if it is gone.
double resident_mib(int pid);
// User and system time of a process so far, from /proc; 0 if it is gone.
double cpu_seconds(int pid);
// The same of its living threads by their names, all threads of one name together. Seconds.
std::map<std::string, double> cpu_seconds_by_thread(int pid);

}  // namespace bench
