#pragma once

// A real tabd as a child process on a temporary folder, prepared for the load of bench/traffic.h.

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace bench {

class DaemonUnderTest {
 public:
  // Starts `program` (tabd) below `directory` and registers `payers` payers, a payee and the server.
  static base::Result<DaemonUnderTest> start(const std::string& program, const std::string& directory,
                                             std::size_t payers, const base::Clock& clock);
  DaemonUnderTest(DaemonUnderTest&& other) noexcept : pid_(other.pid_), socket_(std::move(other.socket_)) {
    other.pid_ = 0;
  }
  DaemonUnderTest& operator=(DaemonUnderTest&&) = delete;
  ~DaemonUnderTest();  // SIGTERM, and waits for the end

  const std::string& socket() const { return socket_; }
  int pid() const { return pid_; }
  // User and system time of the daemon so far.
  double cpu_seconds() const;

 private:
  DaemonUnderTest(int pid, std::string socket) : pid_(pid), socket_(std::move(socket)) {}
  int pid_;
  std::string socket_;
};

}  // namespace bench
