#pragma once

// Signature checks on several threads in front of the ledger. Batches are cut into chunks of limits::kVerifyChunkItems;
// finished batches go to the ledger in the order in which they were submitted. Bounded: see
// limits::kIngestQueueItemsMax.

#include <functional>
#include <memory>

#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"

namespace ledger::ingest {

struct VerifyPoolOptions {
  unsigned threads = 0;             // 0: one for each core
  std::size_t queue_items_max = 0;  // 0: limits::kIngestQueueItemsMax
  std::size_t key_cache_entries = 1u << 20;
};

// `domain`, `ledger`, `observer` (may be null) must outlive the pool; `assets` gives the current table.
// Stops when destroyed: batches not yet verified are answered shutting_down, other work not yet begun is dropped.
std::unique_ptr<api::IngestService> make_verify_pool(
    const commitments::tab::Domain& domain, std::function<std::shared_ptr<const commitments::tab::AssetTable>()> assets,
    api::LedgerService& ledger, api::Observer* observer, VerifyPoolOptions options);

}  // namespace ledger::ingest
