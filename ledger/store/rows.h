#pragma once

// Small helpers for reading rows. Internal to ledger/store; included by files that include RocksDB anyway.

#include <functional>
#include <optional>
#include <string>

#include <rocksdb/db.h>

#include "base/result.h"
#include "ledger/core/segment.h"
#include "ledger/store/database.h"
#include "ledger/store/keys.h"

namespace ledger::store {

inline rocksdb::Slice slice(base::ByteView bytes) {
  return rocksdb::Slice(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
inline base::ByteView view(const rocksdb::Slice& slice) {
  return base::ByteView(reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size());
}

// The value of a key; not_found with `what` in the message if there is none.
base::Result<base::Bytes> get(const Database& database, Family family, base::ByteView key, std::string_view what,
                              const rocksdb::Snapshot* snapshot = nullptr);

// Calls `row` for every row whose key starts with `prefix`, from `prefix` + `from` on, until it returns false or an
// Error. Ascending.
using RowVisitor = std::function<base::Result<bool>(base::ByteView key, base::ByteView value)>;
base::Result<void> scan(const Database& database, Family family, base::ByteView prefix, base::ByteView from,
                        const RowVisitor& row, const rocksdb::Snapshot* snapshot = nullptr);

// The stored bytes of the segment that contains `sequence`; not_found beyond the end.
base::Result<base::Bytes> segment_bytes(const Database& database, core::Sequence sequence,
                                        const rocksdb::Snapshot* snapshot = nullptr);

// Calls `segment` with the stored bytes of every segment from the one that contains `from` on.
using SegmentVisitor = std::function<base::Result<bool>(base::ByteView bytes)>;
base::Result<void> scan_segments(const Database& database, core::Sequence from, const SegmentVisitor& segment);

}  // namespace ledger::store
