#pragma once

// RocksDB's MANIFEST after a crash: its last record may be torn. Internal to ledger/store.

#include <string>

#include "base/result.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace ledger::store {

// Cuts a torn end off the MANIFEST that CURRENT names: everything from the first record whose checksum is wrong.
// RocksDB takes a MANIFEST that ends within a record, and refuses one whose last record has zeros or other bytes where
// a block never reached the disk; to the ledger both are the same. RocksDB acts on a record (deletes files, lets go of
// logs) only when it is synced, so nothing that was acknowledged depends on a torn one.
//
// Gives whether anything was cut. corruption if a whole record follows the wrong one: then synced bytes are damaged.
base::Result<bool> cut_torn_manifest(const std::string& path, rocksdb::Env& env);

}  // namespace ledger::store
