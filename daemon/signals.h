#pragma once

// SIGTERM and SIGINT. The first asks for a graceful stop; a second one, or a stop that takes longer than its bound,
// ends the process at once (which is safe: everything acknowledged is on disk). SIGHUP asks for a look at the
// configuration; many of them before it has begun are one.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "ops/log.h"

namespace tabd_daemon {

class Signals {
 public:
  // Call it before any other thread starts: blocks the signals for all threads and ignores SIGPIPE.
  static void block();

  // `log` must outlive this.
  explicit Signals(ops::Log& log);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Asked : std::uint8_t { reload, stop };
  // Until somebody asks for something.
  Asked wait();

 private:
  void run();

  ops::Log& log_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool reload_ = false;  // guarded by mutex_
  bool asked_ = false;   // guarded by mutex_
  bool done_ = false;    // guarded by mutex_
  std::thread thread_;
};

}  // namespace tabd_daemon
