#include "ledger/store/errand.h"

#include <pthread.h>

namespace ledger::store {

Errand::Errand() : thread_([this] { serve(); }) { ::pthread_setname_np(thread_.native_handle(), "tabd-errand"); }

Errand::~Errand() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Errand::run(const std::function<void()>& what) {
  std::unique_lock lock(mutex_);
  what_ = &what;
  changed_.notify_all();
  changed_.wait(lock, [this] { return what_ == nullptr; });
}

void Errand::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return what_ != nullptr || stopping_; });
    if (what_ == nullptr) return;
    lock.unlock();
    (*what_)();
    lock.lock();
    what_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace ledger::store
