#pragma once

// Tells those who wait for a relay what the ledger has recorded of it.

#include <atomic>

#include "facilitator/relays.h"
#include "ledger/api/observer.h"

namespace tabd_daemon {

class RelayEvents final : public ledger::api::Observer {
 public:
  // `relays` comes after the ledger has opened and must outlive it.
  void set(facilitator::Relays& relays) { relays_ = &relays; }
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings&) override {
    if (facilitator::Relays* relays = relays_.load()) relays->on_committed(*segment);
  }

 private:
  std::atomic<facilitator::Relays*> relays_{nullptr};
};

}  // namespace tabd_daemon
