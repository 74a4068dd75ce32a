#pragma once

// Reads of the durable state from RocksDB. Internal to ledger/store; the interface is api::LedgerReader.

#include <memory>

#include "ledger/api/reader.h"
#include "ledger/store/database.h"

namespace ledger::store {

class Follower;

// `database` must outlive the reader; `follower` (null: the indexes on disk are complete) too.
std::unique_ptr<api::LedgerReader> make_reader(const Database& database, const Follower* follower);

}  // namespace ledger::store
