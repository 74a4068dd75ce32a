#pragma once

// Collects the state's changed rows in the write batch that also carries their segment, in the order of their keys: the
// memory table then finds each row's place from the one before. Internal to ledger/store.

#include <algorithm>
#include <cstdint>
#include <vector>

#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "ledger/core/row.h"
#include "ledger/store/rows.h"

namespace ledger::store {

class SortedRows final : public core::RowSink {
 public:
  void put(base::ByteView key, base::ByteView value) override { add(key, value, false); }
  void erase(base::ByteView key) override { add(key, {}, true); }
  // Appends everything to `batch` and is empty afterwards.
  void move_to(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family) {
    std::sort(rows_.begin(), rows_.end(), [this](const Row& a, const Row& b) { return key(a).compare(key(b)) < 0; });
    for (const Row& row : rows_) {
      const rocksdb::Status status =
          row.erased ? batch.Delete(family, key(row)) : batch.Put(family, key(row), value(row));
      CHECK(status.ok());
    }
    rows_.clear();
    bytes_.clear();
  }

 private:
  struct Row {
    std::size_t start;  // in bytes_: key, then value
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
    bool erased;
  };
  void add(base::ByteView key, base::ByteView value, bool erased) {
    rows_.push_back(
        {bytes_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), erased});
    bytes_.insert(bytes_.end(), key.begin(), key.end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  rocksdb::Slice key(const Row& row) const { return slice(base::ByteView(bytes_).subspan(row.start, row.key_bytes)); }
  rocksdb::Slice value(const Row& row) const {
    return slice(base::ByteView(bytes_).subspan(row.start + row.key_bytes, row.value_bytes));
  }

  base::Bytes bytes_;
  std::vector<Row> rows_;
};

}  // namespace ledger::store
