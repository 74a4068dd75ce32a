#pragma once

// The one way in for state changes. Interface only; ledger/store implements it on RocksDB, tests in memory.

#include <functional>
#include <memory>
#include <vector>

#include "commitments/tab/verify.h"
#include "ledger/core/command.h"

namespace ledger::api {

// What a caller gets for a batch. Made only after the segment with the accepted items is durable.
struct BatchReceipt {
  base::Status status = base::Status::ok;  // other than ok: nothing of the batch was decided
  std::vector<core::ItemResult> items;     // in order; empty when status is not ok
  core::SegmentId segment;                 // where newly accepted items are; none if there are none
  core::Sequence segment_first;            // its first entry: an item's leaf has the index sequence - segment_first
  core::Time time;                         // ledger time of that segment
  std::uint32_t retry_after_ms = 0;        // with overloaded
};

struct CommandReceipt {
  core::CommandResult result;
  core::SegmentId segment;
  core::Time time;
};

// Callbacks run once, on a thread of the ledger's, after the fsync (or at once, on the calling thread, when the answer
// is overloaded or shutting_down). They must return quickly and not throw.
using BatchDone = std::function<void(BatchReceipt)>;
using CommandDone = std::function<void(CommandReceipt)>;

// Safe from any thread.
class LedgerService {
 public:
  virtual ~LedgerService() = default;
  // A verified batch. Batches are applied in the order of the calls.
  virtual void submit(commitments::tab::VerifiedBatch batch, BatchDone done) = 0;
  virtual void submit(core::Command command, CommandDone done) = 0;
  // Waits for the receipt. Never call it from a ledger callback.
  CommandReceipt submit_and_wait(core::Command command);
};

// Verification and the ledger behind one door: what RPC and HTTP fronts use. Safe from any thread.
class IngestService {
 public:
  virtual ~IngestService() = default;
  // Checks signatures on the verifying threads, then hands the batch to the ledger, in the order of the calls that
  // named the same server. Answers `overloaded` at once when limits::kIngestQueueItemsMax items are waiting.
  virtual void submit(commitments::tab::UnverifiedBatch batch, BatchDone done) = 0;
  // Runs `work`, which checks so many signatures that the ledger knows nothing of, on the verifying threads, in turn
  // with the batches. False when too much is waiting. When the service stops, work that has not begun is dropped.
  virtual bool run(std::size_t signatures, std::function<void()> work) = 0;
  virtual const commitments::tab::Domain& domain() const = 0;
};

}  // namespace ledger::api
