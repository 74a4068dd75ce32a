#pragma once

// Many rows at once, in any order, written as sorted files and taken in by RocksDB in one atomic step: no write-ahead
// log, no memory table, a tenth of the cost of single writes.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/store/database.h"

namespace ledger::store {

class BulkRows {
 public:
  explicit BulkRows(Family family) : family_(family) {}
  // Keys must differ from each other. A key that is stored already gets the new value.
  void add(base::ByteView key, base::ByteView value);
  bool empty() const noexcept { return rows_.empty(); }
  Family family() const noexcept { return family_; }
  // Writes all rows, in order of keys, to a new file that RocksDB can take in. CHECKs that there are rows.
  base::Result<void> write_file(const Database& database, const std::string& file);

 private:
  struct Row {
    std::size_t start;  // in bytes_: key, then value
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
  };
  base::ByteView key(const Row& row) const noexcept { return base::ByteView(bytes_).subspan(row.start, row.key_bytes); }

  Family family_;
  base::Bytes bytes_;
  std::vector<Row> rows_;
};

// Written rows that are not visible yet.
struct BulkFile {
  Family family;
  std::string path;
};

// The long part: sorts and writes, below the ledger's directory. A family without rows has no file.
base::Result<std::vector<BulkFile>> write_files(const Database& database, BulkRows& first, BulkRows& second);
// All become visible and durable together, or none. Every commit waits meanwhile, some milliseconds, so this is not for
// a thread that gives way.
base::Result<void> take_in(Database& database, const std::vector<BulkFile>& files);

}  // namespace ledger::store
