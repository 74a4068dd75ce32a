#pragma once

// RocksDB as the ledger uses it: which column families there are, how they are tuned, and how its errors are said.
// Internal to ledger/store; RocksDB's own headers appear in the .cpp files only.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
}  // namespace rocksdb

namespace ledger::store {

// Contents: ledger/FORMAT.md, "Store layout (column families)".
enum class Family : std::uint8_t { journal = 0, state = 1, replay = 2, history = 3, meta = 4 };
inline constexpr std::size_t kFamilies = 5;

class Database {
 public:
  struct Options {
    std::string path;
    bool create_if_missing = false;
    std::size_t memory_bytes = 256u << 20;  // block cache and write buffers together
    rocksdb::Env* env = nullptr;            // null: the machine's
    // A flush, compaction or change of the file index failed after the open. On any thread of RocksDB, with its locks.
    std::function<void(const base::Error&)> on_background_error = {};
  };
  // Errors: not_found (no ledger there and create_if_missing is false), unavailable (open in another process),
  // corruption, io.
  static base::Result<std::unique_ptr<Database>> open(const Options& options);
  // Changes nothing on disk; for stopped ledgers and checkpoints.
  static base::Result<std::unique_ptr<Database>> open_read_only(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const noexcept {
    return handles_[static_cast<std::size_t>(family)];
  }
  rocksdb::Env* env() const noexcept { return env_; }
  const std::string& path() const noexcept { return path_; }
  // The open found a torn end of the file index and cut it off (manifest.h).
  bool mended() const noexcept { return mended_; }

  // Writes all memory tables to files, so that the next open has nothing to recover.
  base::Result<void> flush();

 private:
  Database() = default;
  std::string path_;
  bool mended_ = false;
  rocksdb::Env* env_ = nullptr;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  rocksdb::ColumnFamilyHandle* default_handle_ = nullptr;
};

// Whether `path` holds a RocksDB database at all.
bool database_exists(const std::string& path, rocksdb::Env* env);

// What failed and what to do about it, for people. `doing` completes "cannot ...".
base::Error to_error(const rocksdb::Status& status, std::string_view doing, std::string_view path);

// The sentence that every message about damage ends with.
inline constexpr std::string_view kRestoreRemedy =
    "keep the directory for inspection and restore the latest checkpoint with `tabctl restore`";

}  // namespace ledger::store
