#include "bench/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

extern char** environ;

namespace bench {
namespace {

// For the chain, the deposits on it and five processes. Milliseconds.
constexpr int kStartMs = 180'000;

}  // namespace

Stage::Stage(Stage&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), input_(other.input_), manifest_(std::move(other.manifest_)) {}

Stage::~Stage() {
  if (pid_ == 0) return;
  ::close(input_);
  ::waitpid(pid_, nullptr, 0);
}

base::Result<Stage> Stage::start(const std::string& script, const std::string& tabd) {
  std::array<int, 2> input{}, output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0)
    return base::error(base::ErrorCode::io, "cannot make a pipe");
  ::setenv("TABD_BINARY", tabd.c_str(), 1);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
  std::string node = "node", file = script;
  std::array<char*, 3> words = {node.data(), file.data(), nullptr};
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, "node", &files, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::close(input[0]);
  ::close(output[1]);
  if (failure != 0) {
    ::close(input[1]);
    ::close(output[0]);
    return base::error(base::ErrorCode::not_found, "Node.js is missing; run tools/setup.sh bench");
  }
  Stage stage(pid, input[1]);
  std::array<char, 65536> part{};
  bool silent = false;
  while (stage.manifest_.empty() || stage.manifest_.back() != '\n') {
    pollfd manifest{output[0], POLLIN, 0};
    silent = ::poll(&manifest, 1, kStartMs) == 0;
    if (silent) break;
    const ssize_t bytes = ::read(output[0], part.data(), part.size());
    if (bytes <= 0) break;
    stage.manifest_.append(part.data(), static_cast<std::size_t>(bytes));
  }
  ::close(output[0]);
  if (silent) {
    ::kill(pid, SIGTERM);
    return base::error(base::ErrorCode::unavailable,
                       script + " was not ready after " + std::to_string(kStartMs / 1000) + " s");
  }
  if (!stage.manifest_.ends_with('\n'))
    return base::error(base::ErrorCode::unavailable, script + " ended without a manifest");
  return stage;
}

}  // namespace bench
