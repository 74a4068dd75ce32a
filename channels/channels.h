#pragma once

// Kept payment channels and their chain: watcher and claims behind one door. See ARCHITECTURE.md, "Channels".

#include <mutex>

#include "channels/changes.h"
#include "channels/claims.h"
#include "channels/watcher.h"

namespace channels {

class Channels {
 public:
  struct Status {
    Watcher::Status watcher;
    Claims::Status claims;
    bool in_step = false;
  };

  // Everything that `parts` and `options` refer to must outlive this. Nothing happens before start().
  Channels(Parts parts, Options options, Observer& observer);

  // On the thread of channels. After stop() nothing is asked and nothing planned any more; what is under way is the
  // ledger's, and is taken up again after the next start.
  void start();
  void stop();

  // From the ledger's observer, on its thread.
  void on_committed(const ledger::api::CommittedSegment& segment) { changes_.on_committed(segment); }
  // Whether what the ledger says of kept channels is what the chain said a moment ago. From any thread.
  bool in_step() const { return watcher_.in_step(); }
  // As of the last tick, a second ago at most. From any thread.
  Status status() const;

 private:
  void tick();

  const Parts parts_;
  const Options options_;
  Anchor anchor_;
  Changes changes_;
  Claims claims_;
  Watcher watcher_;
  mutable std::mutex mutex_;
  Status shown_;  // guarded by mutex_
};

}  // namespace channels
