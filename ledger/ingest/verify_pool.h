#pragma once

// Signature checks on several threads in front of the ledger. A thread takes what waits, and never waits for more: at
// least limits::kVerifyChunkItems of it if there are so many, its share of all of it otherwise, up to
// limits::kVerifyTogetherItems (more when very much waits), out of as many batches of as many servers as that takes.
// Finished batches go to the ledger in the order in which their server submitted them. Bounded: see
// limits::kIngestQueueItemsMax.
//
// A server that brings wrong signatures is checked apart from others, and one that brings many is singled out: checked
// one by one, in the turn of all such servers and within their bound, so that the others lose less than a tenth and
// always find room (commitments::tab::Company, limits::kSingledOutItemsMax).

#include <atomic>
#include <functional>
#include <memory>

#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"

namespace ledger::ingest {

// Counters since the start, and gauges. Written by the pool, read by anybody.
struct VerifyFigures {
  std::atomic<bool> together{false};                // what the pool does: as configured and built
  std::atomic<std::uint64_t> checks{0};             // of many signatures at once
  std::atomic<std::uint64_t> failed_checks{0};      // those that found a wrong one among theirs
  std::atomic<std::uint64_t> together_items{0};     // signatures that were proved together
  std::atomic<std::uint64_t> single_items{0};       // signatures that were checked one by one
  std::atomic<std::uint64_t> singled_out{0};        // submitters that are checked one by one now
  std::atomic<std::uint64_t> singled_out_total{0};  // how often one became that
};

struct VerifyPoolOptions {
  bool together = true;             // false, or a build without crypto::batch_verification_built(): one by one
  unsigned threads = 0;             // 0: one for each core
  std::size_t queue_items_max = 0;  // 0: limits::kIngestQueueItemsMax
  std::size_t key_cache_entries = 1u << 20;
  std::shared_ptr<VerifyFigures> figures;  // may be null
};

// `domain`, `ledger`, `observer` (may be null) must outlive the pool; `assets` gives the current table.
// Stops when destroyed: batches not yet verified are answered shutting_down, other work not yet begun is dropped.
std::unique_ptr<api::IngestService> make_verify_pool(
    const commitments::tab::Domain& domain, std::function<std::shared_ptr<const commitments::tab::AssetTable>()> assets,
    api::LedgerService& ledger, api::Observer* observer, VerifyPoolOptions options);

}  // namespace ledger::ingest
