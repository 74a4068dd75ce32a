#pragma once

// For threads that give way (base/thread.h): a section during which others must stand still is run by a thread of usual
// priority, since a thread that gives way may lose the processor in the middle of it, and they would all wait.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace ledger::store {

class Errand {
 public:
  // Its thread gets the priority of the calling one.
  Errand();
  ~Errand();
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // Runs `what` on that thread and waits for its end. One caller at a time; `what` must not throw.
  void run(const std::function<void()>& what);

 private:
  void serve();

  std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable changed_;
  const std::function<void()>* what_ = nullptr;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace ledger::store
