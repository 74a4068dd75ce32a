#pragma once

// Collects the state's changed rows in the write batch that also carries their segment. Internal to ledger/store.

#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "ledger/core/row.h"
#include "ledger/store/rows.h"

namespace ledger::store {

class RowsToBatch final : public core::RowSink {
 public:
  RowsToBatch(rocksdb::ColumnFamilyHandle* family, rocksdb::WriteBatch& rows) : family_(family), rows_(rows) {}
  void put(base::ByteView key, base::ByteView value) override {
    CHECK(rows_.Put(family_, slice(key), slice(value)).ok());
  }
  void erase(base::ByteView key) override { CHECK(rows_.Delete(family_, slice(key)).ok()); }

 private:
  rocksdb::ColumnFamilyHandle* family_;
  rocksdb::WriteBatch& rows_;
};

}  // namespace ledger::store
