#pragma once

// The ledger on RocksDB: one writer thread decides and applies, one committer thread writes one synced batch for each
// segment and then opens the gate for its replies. See ARCHITECTURE.md, "Threads", and ledger/FORMAT.md.

#include <functional>
#include <memory>
#include <string>

#include "aggregator/calendar.h"
#include "base/clock.h"
#include "crypto/secp256k1.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"
#include "ledger/api/reader.h"

namespace rocksdb {
class Env;
}

namespace ledger::store {

enum class OpenMode : std::uint8_t { open_existing, create_if_missing };

struct StoreOptions {
  std::string path;  // a directory; made if it does not exist
  OpenMode mode = OpenMode::create_if_missing;
  std::string network;                        // must equal the stored one when the ledger exists
  std::size_t memory_bytes = 256u << 20;      // RocksDB caches and write buffers together
  std::size_t recent_replay_keys = 1u << 19;  // replay keys kept in memory before they move to disk
  rocksdb::Env* env = nullptr;                // tests: a fault-injecting environment; must outlive the store
};

// Progress of long work (open, audit, checkpoint): phase, done, total. May be null.
using Progress = std::function<void(std::string_view phase, std::uint64_t done, std::uint64_t total)>;

class LedgerStore {
 public:
  // Opens or creates a ledger, replays what is needed and starts its threads. `clock`, `calendar`, `operator_key` and
  // `observer` (may be null) must outlive the store. Errors: corruption (names what is damaged and the remedy),
  // invalid_argument (another network or operator key), io, unsupported (newer format).
  static base::Result<std::unique_ptr<LedgerStore>> open(StoreOptions options, const base::Clock& clock,
                                                         const aggregator::Calendar& calendar,
                                                         const crypto::SecretKey& operator_key, api::Observer* observer,
                                                         const Progress& progress = {});
  virtual ~LedgerStore() = default;  // stops if stop() was not called

  virtual api::LedgerService& service() = 0;
  virtual const api::LedgerReader& reader() const = 0;
  // The assets for the verifier, always current. Safe from any thread.
  virtual std::shared_ptr<const commitments::tab::AssetTable> asset_table() const = 0;

  // Refuses new work with shutting_down, finishes what is queued, flushes, joins the threads. Idempotent.
  virtual void stop() = 0;
  // A consistent copy by hard links while running; `directory` must not exist. Safe from any thread.
  virtual base::Result<void> checkpoint(const std::string& directory) = 0;

  struct Stats {
    std::uint64_t replayed_entries = 0;  // at open
    std::uint64_t open_ms = 0;
    std::size_t disk_bytes = 0;
    std::size_t queued_batches = 0;
  };
  virtual Stats stats() const = 0;
};

}  // namespace ledger::store
