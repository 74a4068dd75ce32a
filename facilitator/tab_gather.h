#pragma once

// Makes one signed ledger batch of what arrives together. Every batch costs a signature, its check, and a turn of the
// ledger; shared by the requests of a moment it is little for each.

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "commitments/tab/types.h"
#include "crypto/secp256k1.h"
#include "facilitator/scheme.h"
#include "ledger/api/ledger_service.h"

namespace facilitator {

// What the ledger said about one item. With a batch-wide status other than ok, that one.
struct TabOutcome {
  ledger::core::ItemResult result;
  std::uint32_t retry_after_ms = 0;  // with overloaded
};
using TabDone = std::function<void(const TabOutcome&)>;

struct TabGatherParts {
  ledger::api::IngestService& ingest;
  const crypto::SecretKey& server_key;
  const commitments::tab::AssetTable& assets;  // must hold the assets of all items
  Post post;
};

// Belongs to one thread; answers come on it. `parts` must outlive the last answer of the ledger.
class TabGather {
 public:
  // `first_number` of this run's batches, for the books.
  TabGather(TabGatherParts parts, std::uint64_t first_number);

  // Record: the item goes into the ledger. Check: the ledger says what it would do. False when too much is waiting:
  // nothing happens then.
  // `client` is Submitter::client, above zero.
  bool record(commitments::tab::Item item, std::uint64_t client, TabDone done) {
    return add(recording_, {std::move(item), client, std::move(done)});
  }
  bool check(commitments::tab::Item item, std::uint64_t client, TabDone done) {
    return add(checking_, {std::move(item), client, std::move(done)});
  }
  // Sends what has gathered, unless it is better off waiting for the batches that are under way.
  void flush();

 private:
  struct Waiting {
    commitments::tab::Item item;
    std::uint64_t client = 0;
    TabDone done;
  };
  struct Queue {
    std::deque<Waiting> waiting;
    std::size_t batches = 0;  // under way
  };
  bool add(Queue& queue, Waiting waiting);
  void flush(Queue& queue, bool check_only);
  void send(Queue& queue, bool check_only);
  void receive(Queue& queue, const std::vector<TabDone>& done, const ledger::api::BatchReceipt& receipt);

  const TabGatherParts parts_;
  std::uint64_t next_number_;
  Queue recording_, checking_;
  std::size_t items_ = 0;  // waiting or under way
};

}  // namespace facilitator
