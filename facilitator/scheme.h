#pragma once

// One way to pay: a scheme on a network, such as `batch-settlement` on `acme:tab`. A new one is one class and one line
// where the facilitator is put together.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "facilitator/protocol.h"

namespace facilitator {

// Runs a function on the facilitator's thread, later. Safe from any thread.
using Post = std::function<void(std::function<void()>)>;
// Runs a function on the facilitator's thread after so many milliseconds. Called on that thread.
using After = std::function<void(std::uint64_t ms, std::function<void()>)>;

// All calls come from one thread, the facilitator's, and must not block it: what waits for a disk, a signature or a
// chain calls `done` later, through Post.
class Scheme {
 public:
  virtual ~Scheme() = default;
  virtual std::string_view scheme() const = 0;
  virtual std::string_view network() const = 0;
  // The `extra` of this kind in /supported: a JSON object, or empty.
  virtual std::string supported_extra() const = 0;
  // (pattern of networks, address) of the keys that this facilitator signs with.
  virtual std::vector<std::pair<std::string, std::string>> signers() const = 0;

  // Verifies or settles. The answer must be the truth for ever: a settle is acknowledged when it is on disk, and asking
  // again gives an equal answer.
  virtual void run(const PaymentRequest& request, Done done) = 0;
  // What arrived together has been handed over: whatever was kept back to be sent as one may go.
  virtual void flush() {}
  // The facilitator is about to stop: answer now whatever waits for something slow, and let nothing wait any more.
  virtual void hurry() {}
};

}  // namespace facilitator
