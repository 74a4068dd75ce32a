#pragma once

// One observer of the ledger that passes each call on to several.

#include <vector>

#include "ledger/api/observer.h"

namespace tabd_daemon {

class FanOut final : public ledger::api::Observer {
 public:
  // All must outlive this; none may be null.
  explicit FanOut(std::vector<ledger::api::Observer*> observers) : observers_(std::move(observers)) {}

  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override {
    for (ledger::api::Observer* observer : observers_) observer->on_committed(segment, timings);
  }
  void on_refused(base::Status status, std::size_t count) override {
    for (ledger::api::Observer* observer : observers_) observer->on_refused(status, count);
  }
  void on_queue_depth(std::string_view queue, std::size_t items) override {
    for (ledger::api::Observer* observer : observers_) observer->on_queue_depth(queue, items);
  }

 private:
  const std::vector<ledger::api::Observer*> observers_;
};

}  // namespace tabd_daemon
