#include "rpc/capnp/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace rpc {

Mailbox::Mailbox() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK_MSG(event_fd_ >= 0, "eventfd: no file descriptor left");
}

Mailbox::~Mailbox() { ::close(event_fd_); }

void Mailbox::push(std::unique_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
    if (signalled_) return;
    signalled_ = true;
  }
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from its maximum, as it is written once for each read.
  CHECK(::write(event_fd_, &one, sizeof one) == sizeof one);
}

kj::Promise<void> Mailbox::serve(kj::UnixEventPort& port) {
  observer_ = kj::heap<kj::UnixEventPort::FdObserver>(port, event_fd_, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  return receive();
}

kj::Promise<void> Mailbox::receive() {
  return observer_->whenBecomesReadable().then([this]() {
    drain();
    return receive();
  });
}

void Mailbox::drain() {
  std::uint64_t count = 0;
  // Edge-triggered: the read empties the counter; nothing to read means that another edge is still to come.
  [[maybe_unused]] const ssize_t got = ::read(event_fd_, &count, sizeof count);
  std::vector<std::unique_ptr<Task>> tasks;
  {
    const std::lock_guard lock(mutex_);
    signalled_ = false;
    tasks.swap(tasks_);
  }
  for (const std::unique_ptr<Task>& task : tasks) task->run();
}

void Mailbox::close() {
  std::vector<std::unique_ptr<Task>> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(tasks_);
  }
  observer_ = nullptr;
}

}  // namespace rpc
