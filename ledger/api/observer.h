#pragma once

// Hooks into the ledger with no-op defaults, so that metrics, event streams and the dispatcher can listen without the
// ledger knowing them. Calls come from ledger threads, must return quickly and must not throw.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ledger/api/reader.h"

namespace ledger::api {

// One durable segment, decoded. Shared, immutable.
struct CommittedSegment {
  core::SegmentHeader header;
  core::Hash hash;
  core::Signature signature;
  core::Bytes body;  // entries_of(body) gives the entries; decode only what you need
};

struct CommitTimings {
  std::uint64_t apply_ns = 0;  // deciding and applying
  std::uint64_t write_ns = 0;  // RocksDB write with fsync
  std::uint64_t queue_ns = 0;  // the oldest item's wait from submission to the start of apply
  std::size_t items = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;
  // After the fsync, in order of segments.
  virtual void on_committed(const std::shared_ptr<const CommittedSegment>&, const CommitTimings&) {}
  // A decided item or command that was refused (stateless refusals of the verifier included).
  virtual void on_refused(base::Status, std::size_t /*count*/) {}
  virtual void on_queue_depth(std::string_view /*queue: "verify", "writer"*/, std::size_t /*items*/) {}
};

}  // namespace ledger::api
