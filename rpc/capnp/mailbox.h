#pragma once

// The one way into the KJ thread from other threads: tasks in order, many for each wake-up. It replaces KJ's own
// cross-thread fulfillers because it may be posted to at any time, also after the event loop is gone.

#include <kj/async-unix.h>
#include <kj/async.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace rpc {

class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Any thread. Runs `task` on the KJ thread, or drops it when the loop has ended. Move-only callables are fine. What
  // the task captures is destroyed on the KJ thread, or on the posting thread when it is dropped.
  template <typename Callable>
  void post(Callable&& task) {
    push(std::make_unique<Holder<std::decay_t<Callable>>>(std::forward<Callable>(task)));
  }

  // KJ thread: serves the tasks as long as the promise lives. Never resolves.
  kj::Promise<void> serve(kj::UnixEventPort& port);
  // KJ thread, when the loop ends: later tasks are dropped.
  void close();

 private:
  struct Task {
    virtual ~Task() = default;
    virtual void run() = 0;
  };
  template <typename Callable>
  struct Holder final : Task {
    explicit Holder(Callable own) : callable(std::move(own)) {}
    void run() override { callable(); }
    Callable callable;
  };

  void push(std::unique_ptr<Task> task);
  kj::Promise<void> receive();
  void drain();

  int event_fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;  // KJ thread
  std::mutex mutex_;
  std::vector<std::unique_ptr<Task>> tasks_;  // protected by mutex_
  bool signalled_ = false;                    // protected by mutex_: the descriptor was written and not read yet
  bool closed_ = false;                       // protected by mutex_
};

}  // namespace rpc
