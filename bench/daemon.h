#pragma once

// A real tabd as a child process on a temporary folder, prepared for the load of bench/traffic.h.

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace bench {

class DaemonUnderTest {
 public:
  // Starts `program` (tabd) below `directory` and waits until it answers.
  // `more`: of its configuration, or all of it if it begins with "network".
  static base::Result<DaemonUnderTest> start(const std::string& program, const std::string& directory,
                                             const base::Clock& clock, const std::string& more = "");
  DaemonUnderTest(DaemonUnderTest&& other) noexcept
      : pid_(other.pid_),
        socket_(std::move(other.socket_)),
        start_s_(other.start_s_),
        start_cpu_s_(other.start_cpu_s_) {
    other.pid_ = 0;
  }
  DaemonUnderTest& operator=(DaemonUnderTest&&) = delete;
  ~DaemonUnderTest();  // SIGTERM, and waits for the end

  // Registers the payee, both servers and the first `payers` payers that sign.
  base::Result<void> register_everyone(std::size_t payers) const;
  // Where the daemon of `directory` keeps its ledger.
  static std::string ledger_of(const std::string& directory) { return directory + "/data/ledger"; }

  const std::string& socket() const { return socket_; }
  // From the start of the process to the answer to an operator's first question.
  double start_s() const { return start_s_; }
  double start_cpu_s() const { return start_cpu_s_; }
  int pid() const { return pid_; }

 private:
  DaemonUnderTest(int pid, std::string socket) : pid_(pid), socket_(std::move(socket)) {}
  int pid_;
  std::string socket_;
  double start_s_ = 0;
  double start_cpu_s_ = 0;
};

}  // namespace bench
