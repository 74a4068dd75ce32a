#pragma once

// One thread with a bounded queue, for work that may touch the disk.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace rpc {

class Worker {
 public:
  explicit Worker(std::size_t queue_max) : queue_max_(queue_max) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // Any thread. False when the queue is full or the worker does not run: then `job` was not taken.
  [[nodiscard]] bool post(std::function<void()> job);
  // Finishes the job at hand, drops the rest, joins. Idempotent.
  void stop();

 private:
  void run();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // protected by mutex_
  bool running_ = false;                    // protected by mutex_
  std::thread thread_;
};

}  // namespace rpc
