#include "playground/demo/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace playground::demo {
namespace {

std::vector<char*> argument_pointers(const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const std::vector<char*>& arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

base::Result<Child> Child::start(const std::vector<std::string>& arguments, const std::string& log) {
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return base::error(base::ErrorCode::io, "cannot write " + log + ": " + std::strerror(errno));
  const std::vector<char*> pointers = argument_pointers(arguments);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    become(pointers);
  }
  ::close(out);
  if (pid < 0) return base::error(base::ErrorCode::io, std::string("cannot start a process: ") + std::strerror(errno));
  return Child(pid);
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = other.pid_;
    other.pid_ = -1;
  }
  return *this;
}

bool Child::running() {
  if (pid_ < 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

void Child::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && running(); ++i) ::usleep(10'000);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

base::Result<Ran> run_program(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return base::error(base::ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  std::vector<char*> variable_pointers = argument_pointers(variables);
  const std::vector<char*> pointers = argument_pointers(arguments);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::execve(pointers[0], pointers.data(), variable_pointers.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  Ran ran;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(pipe[0], buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    ran.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  if (pid < 0) return base::error(base::ErrorCode::io, std::string("cannot start a process: ") + std::strerror(errno));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace playground::demo
