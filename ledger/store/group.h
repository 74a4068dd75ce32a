#pragma once

// What one group commit consists of, on its way from the writer to the committer.

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"

namespace rocksdb {
class WriteBatch;
}

namespace ledger::store {

struct BatchReply {
  api::BatchDone done;
  api::BatchReceipt receipt;
};
struct CommandReply {
  api::CommandDone done;
  api::CommandReceipt receipt;
};
using Reply = std::variant<BatchReply, CommandReply>;

struct Group {
  Group();
  ~Group();
  void clear();

  std::optional<core::Segment> segment;       // none: nothing was decided, the replies only wait for their turn
  core::Hash hash;                            // of the segment
  std::unique_ptr<rocksdb::WriteBatch> rows;  // the state's changed rows
  std::vector<Reply> replies;                 // in order of submission
  std::shared_ptr<const commitments::tab::AssetTable> assets;  // set when an asset was added
  api::CommitTimings timings;
};

}  // namespace ledger::store
