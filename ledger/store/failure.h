#pragma once

// What happens when the disk says no. A write or fsync that failed leaves it unknown what is durable, so nothing may be
// acknowledged any more: the process ends, and the next start reads what is really there.

#include <atomic>
#include <functional>
#include <string>

#include "base/result.h"

namespace ledger::store {

// Safe from any thread.
class Failure {
 public:
  // `action` gets the message once. The default prints it to stderr and aborts. An action that returns (tests) leaves a
  // store that answers nothing more and can only be stopped.
  using Action = std::function<void(const std::string& message)>;
  explicit Failure(Action action = {});

  // The first call runs the action; further calls do nothing.
  void fail(const base::Error& error) noexcept;
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

 private:
  Action action_;
  std::atomic<bool> failed_{false};
};

}  // namespace ledger::store
