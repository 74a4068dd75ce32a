#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ctime>

#include "base/limits.h"
#include "daemon/exit_code.h"

namespace tabd_daemon {
namespace {

// RPC, dispatcher and store have a grace each.
constexpr std::uint64_t kStopSecondsMax = 3 * base::limits::kShutdownGraceMs / 1000;

// `hangup`: SIGHUP too.
sigset_t stop_signals(bool hangup = false) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  if (hangup) ::sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

void Signals::block() {
  const sigset_t signals = stop_signals(true);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Signals::Signals(ops::Log& log) : log_(log), thread_([this] { run(); }) {}

Signals::~Signals() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  // Wakes the thread if it still waits; the mask makes the signal arrive there and nowhere else.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): the signal is blocked and waited for, it terminates nothing.
  ::pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

Signals::Asked Signals::wait() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return asked_ || reload_; });
  if (asked_) return Asked::stop;
  reload_ = false;
  return Asked::reload;
}

void Signals::run() {
  const sigset_t signals = stop_signals();
  const sigset_t all = stop_signals(true);
  int number = 0;
  while (::sigwait(&all, &number) == 0 && number == SIGHUP) {
    const std::lock_guard lock(mutex_);
    reload_ = true;
    arrived_.notify_all();
  }
  {
    const std::lock_guard lock(mutex_);
    if (done_) return;
    asked_ = true;
  }
  log_.info("stopping", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
  arrived_.notify_all();
  const timespec bound{static_cast<time_t>(kStopSecondsMax), 0};
  const int second = ::sigtimedwait(&signals, nullptr, &bound);
  {
    const std::lock_guard lock(mutex_);
    if (done_) return;
  }
  log_.error(second > 0 ? "second signal: ending at once" : "the stop took too long: ending at once",
             {{"bound_s", kStopSecondsMax}});
  log_.flush();
  ::_exit(static_cast<int>(ExitCode::stopped_hard));
}

}  // namespace tabd_daemon
