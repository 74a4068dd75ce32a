#include "facilitator/tab_gather.h"

#include <algorithm>
#include <memory>

#include "base/limits.h"
#include "commitments/tab/sign.h"

namespace facilitator {
namespace {

namespace limits = base::limits;
namespace tab = commitments::tab;

// With a batch under way, further items wait for its answer, so that they go as one; unless so many have gathered that
// they are worth a batch of their own.
constexpr std::size_t kCompanyItems = limits::kVerifyChunkItems;
constexpr std::size_t kBatchesMax = 4;

}  // namespace

TabGather::TabGather(TabGatherParts parts, std::uint64_t first_number)
    : parts_(std::move(parts)), next_number_(first_number) {}

bool TabGather::add(Queue& queue, Waiting waiting) {
  if (items_ >= limits::kFacilitatorItemsMax) return false;
  ++items_;
  queue.waiting.push_back(std::move(waiting));
  return true;
}

void TabGather::flush() {
  flush(recording_, false);
  flush(checking_, true);
}

void TabGather::flush(Queue& queue, bool check_only) {
  while (!queue.waiting.empty() && queue.batches < kBatchesMax) {
    if (queue.batches > 0 && queue.waiting.size() < kCompanyItems) return;
    send(queue, check_only);
  }
}

void TabGather::send(Queue& queue, bool check_only) {
  const std::size_t count = std::min(queue.waiting.size(), limits::kBatchItemsMax);
  tab::UnverifiedBatch batch;
  batch.network = parts_.ingest.domain().network;
  batch.check_only = check_only;
  batch.items.reserve(count);
  auto done = std::make_shared<std::vector<TabDone>>();
  done->reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    batch.items.push_back(std::move(queue.waiting.front().item));
    batch.clients.push_back(queue.waiting.front().client);
    done->push_back(std::move(queue.waiting.front().done));
    queue.waiting.pop_front();
  }
  if (check_only) {
    batch.header.server = parts_.server_key.address();
  } else {
    batch.header =
        tab::sign_batch(parts_.server_key, parts_.ingest.domain(), parts_.assets, next_number_++, batch.items);
  }
  ++queue.batches;
  parts_.ingest.submit(std::move(batch), [this, &queue, done, post = parts_.post](ledger::api::BatchReceipt receipt) {
    post([this, &queue, done, receipt = std::move(receipt)] { receive(queue, *done, receipt); });
  });
}

void TabGather::receive(Queue& queue, const std::vector<TabDone>& done, const ledger::api::BatchReceipt& receipt) {
  --queue.batches;
  items_ -= done.size();
  TabOutcome outcome;
  outcome.retry_after_ms = receipt.retry_after_ms;
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (receipt.status == base::Status::ok) {
      outcome.result = receipt.items[i];
    } else {
      outcome.result.status = receipt.status;
    }
    done[i](outcome);
  }
  flush();
}

}  // namespace facilitator
