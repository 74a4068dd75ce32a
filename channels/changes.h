#pragma once

// Which kept channels changed in the ledger since they were last asked for. Safe from any thread.

#include <cstdint>
#include <mutex>
#include <set>
#include <vector>

#include "ledger/api/observer.h"

namespace channels {

class Changes {
 public:
  // From the ledger's observer, on its thread.
  void on_committed(const ledger::api::CommittedSegment& segment);

  struct Taken {
    std::set<ledger::core::ChannelId> changed;  // those that were opened too
    std::vector<ledger::core::ChannelId> opened;
  };
  Taken take();

 private:
  std::mutex mutex_;
  Taken taken_;  // guarded by mutex_
};

}  // namespace channels
