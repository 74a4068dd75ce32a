#pragma once

// Runs the real programs in a temporary folder: starts them, reads what they say, stops them by their own pid. Whatever
// a test left running is killed when its object goes.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace system_test {

// A folder below /tmp, removed at the end (kept and named when the test has failed).
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const noexcept { return path_; }
  // Writes a file below it and returns its path.
  std::string write(const std::string& name, const std::string& text, unsigned mode = 0644) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);

struct Finished {
  int exit_code = -1;  // 128 + the signal's number when one ended it
  std::string output;  // of stdout and stderr together
};

// A child whose output goes to a file.
class Process {
 public:
  Process(const std::vector<std::string>& command, std::string output_file,
          const std::map<std::string, std::string>& environment = {});
  ~Process();  // SIGKILL if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const noexcept { return pid_; }
  bool running();
  void signal(int number) const;
  // Waits for the end; empty after the limit.
  std::optional<int> wait(std::uint64_t limit_ms = 60'000);
  std::string output() const { return read_file(output_file_); }

 private:
  pid_t pid_ = -1;
  std::string output_file_;
  std::optional<int> exit_code_;
};

// Runs to the end.
Finished run(const std::vector<std::string>& command, const std::string& input = {},
             const std::map<std::string, std::string>& environment = {});

struct Answer {
  int status = 0;  // 0: no connection
  std::string body;
};
Answer http_get(std::uint16_t port, const std::string& path);

// One connection to an HTTP server, kept open.
class KeptConnection {
 public:
  explicit KeptConnection(std::uint16_t port);
  ~KeptConnection();
  KeptConnection(const KeptConnection&) = delete;
  KeptConnection& operator=(const KeptConnection&) = delete;
  // `headers`: lines that end with CRLF. The status; 0: the connection is gone, or no answer came in time.
  int get(const std::string& path, const std::string& headers) const;

 private:
  int socket_ = -1;
};

// A port that was free a moment ago.
std::uint16_t free_port();

// Asks again and again until `done` says true; false after the limit.
template <typename Done>
bool eventually(Done done, std::uint64_t limit_ms = 30'000);

// tabd with a configuration of its own in a folder.
class Tabd {
 public:
  // `more` goes at the end of the configuration; top-level keys can be given in `top`.
  explicit Tabd(const TempFolder& folder, const std::string& more = {}, const std::string& top = {});

  void start(const std::map<std::string, std::string>& environment = {});
  // Starts and waits until /readyz says yes; fails the test with the log otherwise.
  void start_ready();
  std::optional<int> stop();  // SIGTERM
  void kill();                // SIGKILL, and waits
  Process& process() { return *process_; }
  std::string log() const;
  std::uint16_t http_port();  // from the log, waits for it
  const std::string& config_file() const noexcept { return config_file_; }
  std::string socket() const { return folder_ + "/tabd.sock"; }
  std::string data() const { return folder_ + "/data"; }
  std::string operator_key_file() const { return folder_ + "/operator.key"; }

 private:
  std::string folder_;
  std::string config_file_;
  std::string log_file_;
  int starts_ = 0;
  std::optional<Process> process_;
};

// The programs under test.
std::string tabd_binary();
std::string tabctl_binary();

void sleep_ms(std::uint64_t ms);
std::uint64_t now_ms();

template <typename Done>
bool eventually(Done done, std::uint64_t limit_ms) {
  const std::uint64_t end = now_ms() + limit_ms;
  while (!done()) {
    if (now_ms() > end) return false;
    sleep_ms(20);
  }
  return true;
}

}  // namespace system_test
