#pragma once

// Child processes that end with their parent.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace playground::demo {

// A running program. Destroying it asks it to stop (SIGTERM), waits ten seconds, and then kills it, always by its pid.
class Child {
 public:
  // Output goes to the file `log`. The child has its own process group, so that Ctrl-C reaches the parent alone.
  static base::Result<Child> start(const std::vector<std::string>& arguments, const std::string& log);
  Child() = default;
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Child& operator=(Child&& other) noexcept;
  ~Child() { stop(); }

  bool running();
  void stop();
  pid_t pid() const noexcept { return pid_; }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

struct Ran {
  int exit_code = -1;
  std::string output;  // stdout
};
// Runs a program to its end, with stderr left where it is. `environment`: "NAME=value", added to ours.
base::Result<Ran> run_program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment);

}  // namespace playground::demo
