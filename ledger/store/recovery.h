#pragma once

// What happens when a ledger is opened: is it whole, and what must be read again. Internal to ledger/store.

#include "base/result.h"
#include "commitments/tab/types.h"
#include "ledger/core/state_machine.h"
#include "ledger/store/acknowledged.h"
#include "ledger/store/database.h"
#include "ledger/store/follower.h"
#include "ledger/store/ledger_store.h"
#include "ledger/store/replay_store.h"

namespace ledger::store {

// Whether a first segment was ever written. unsupported if the store's format is newer than this build.
base::Result<bool> has_ledger(const Database& database);

// Checks the ledger's end: format, head row, last segment (lengths, roots, chain to the one before, operator
// signature), and the segment's place row. Corruption names what is wrong and the remedy.
base::Result<core::LedgerHead> verify_end(const Database& database);

// Refuses a ledger that ends before what was acknowledged: synced bytes of the write-ahead log are gone.
base::Result<void> verify_acknowledged(const core::LedgerHead& head, core::Sequence acknowledged);

// Loads all rows of the state.
base::Result<void> load_state(const Database& database, core::StateMachine& machine, const Progress& progress);

// How far the replay and history families reach; none for a new ledger.
base::Result<core::Sequence> indexed_up_to(const Database& database);

// After a mended file index the mark is not believed: if the cut record was of moved indexes, a replay would be taken
// for new. The journal gives them again.
base::Result<void> forget_indexes(const Database& database);

// Reads the journal after the mark into the replay and history indexes' memory. Gives the number of entries read.
base::Result<std::uint64_t> rebuild_indexes(const Database& database, const core::StateMachine& machine,
                                            ReplayStore& replay, Follower& follower, const Progress& progress);

}  // namespace ledger::store
