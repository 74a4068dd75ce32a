#pragma once

// Offline work on a stopped ledger or a checkpoint: audit and restore. Nothing here changes the ledger that it reads.

#include <cstdint>
#include <optional>
#include <string>

#include "aggregator/calendar.h"
#include "base/result.h"
#include "ledger/core/types.h"
#include "ledger/store/ledger_store.h"

namespace ledger::store {

struct AuditOptions {
  unsigned threads = 0;         // for signatures; 0: one for each core
  std::string network;          // empty: whatever the ledger says; otherwise it must be this one
  base::Address operator_key;   // zero: whatever the ledger says; otherwise segments must be signed by this key
  rocksdb::Env* env = nullptr;  // tests
};

// The first thing that is not as it must be, in journal order (stored rows come last).
struct AuditDifference {
  core::SegmentId segment;  // none: not in the journal
  core::Sequence sequence;  // none: the segment as a whole, or a row
  std::string kind;         // "charged", "segment", "row: tally", ...
  std::string field;        // "payer signature", "entries_root", "value", ...
  std::string stored;       // what the ledger has; numbers in decimal, bytes in hexadecimal
  std::string computed;     // what the replay gives
  // One sentence: "segment 12, entry 3401 (charged), payer signature: stored 0x..., computed ...".
  std::string to_string() const;
};

struct AuditReport {
  std::string network;
  base::Address operator_key;
  std::uint64_t segments = 0;
  std::uint64_t entries = 0;
  std::uint64_t payer_signatures = 0;     // commitments, vouchers, mandates, revocations, by payers and agents
  std::uint64_t server_signatures = 0;    // batches
  std::uint64_t operator_signatures = 0;  // segments
  std::uint64_t statements = 0;           // windows closed with a statement, recomputed
  std::uint64_t rows = 0;                 // compared in both directions
  std::uint64_t replay_keys = 0;          // found in the replay index
  core::Sequence last_sequence;
  core::Hash last_segment_hash;
  core::Time last_time;
  std::optional<AuditDifference> difference;  // none: everything is as it must be
  bool clean() const { return !difference.has_value(); }
};

// Replays the whole journal from its first entry into a fresh state machine and compares everything that can be
// derived: lengths, chain, Merkle roots, operator, payer, agent and server signatures, order of sequences and times,
// every derived value of an entry, and at the end all stored rows in both directions. Memory is bounded by the state.
// Errors: not_found, unavailable (the ledger is open in a running daemon: audit a checkpoint), io, unsupported,
// invalid_argument (another network or operator key than asked for). Damage is a difference, not an error.
base::Result<AuditReport> audit(const std::string& path, const aggregator::Calendar& calendar,
                                const AuditOptions& options, const Progress& progress = {});

// Copies a checkpoint to `target` (must not exist), syncs it and verifies its end (chain, roots, operator signature,
// head row). On failure nothing is left at `target`. Errors: not_found, invalid_argument, corruption, io.
base::Result<void> restore(const std::string& checkpoint, const std::string& target, const Progress& progress = {});

}  // namespace ledger::store
