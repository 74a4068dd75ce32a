#pragma once

// A stand-in as a child process: that of playground/provider with stripe-mock as its judge, or another script of
// tests/card that prints its address. It ends with its standard input, so also when the test is killed.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace support {

class ProviderProcess {
 public:
  // Without a script: playground/provider.
  explicit ProviderProcess(const std::string& script = {}) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      if (script.empty()) {
        ::execlp("node", "node", TABD_PROVIDER, "--judge", TABD_CARD_TESTS "/oracle.mjs", static_cast<char*>(nullptr));
      } else {
        ::execlp("node", "node", (TABD_CARD_TESTS "/" + script).c_str(), static_cast<char*>(nullptr));
      }
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    stdin_ = in[1];
    if (FILE* lines = ::fdopen(out[0], "r"); lines != nullptr) {
      char line[256] = {};
      if (std::fgets(line, sizeof line, lines) != nullptr) url_ = line;
      std::fclose(lines);
    }
    while (!url_.empty() && url_.back() == '\n') url_.pop_back();
  }
  ~ProviderProcess() {
    if (stdin_ >= 0) ::close(stdin_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  ProviderProcess(const ProviderProcess&) = delete;
  ProviderProcess& operator=(const ProviderProcess&) = delete;

  // Empty: there is no Node.js, or what the script needs beside it.
  const std::string& url() const { return url_; }

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
  std::string url_;
};

}  // namespace support
