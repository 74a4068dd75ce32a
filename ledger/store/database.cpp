#include "ledger/store/database.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "base/check.h"
#include "ledger/store/manifest.h"

namespace ledger::store {

namespace {

using base::ErrorCode;

constexpr std::array<const char*, kFamilies> kNames = {"journal", "state", "replay", "history", "meta"};

// Recovery replays the write-ahead log at about 30 MB/s in the worst case: 96 MiB keeps it in a few seconds.
constexpr std::uint64_t kWalBytesMin = 8u << 20;
constexpr std::uint64_t kWalBytesMax = 96u << 20;
constexpr std::size_t kWriteBufferMin = 1u << 20;
constexpr std::size_t kCacheMin = 4u << 20;
// Obsolete files go in pieces. On a disk that is told what is free (mount option `discard`, and likewise with thin
// volumes), freeing 60 MB at once holds up every other request for as long as 70 ms, a commit's fsync among them.
constexpr std::int64_t kDeletedBytesPerS = 64 << 20;
constexpr std::uint64_t kDeletedAtOnce = 2u << 20;
constexpr int kTrashRatioMax = 10;  // of the ledger's size; a small one is not deleted at once either
constexpr int kCacheShardBits = 3;  // few threads read; a shard must have room for the largest block

rocksdb::CompressionType fast_compression() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::DBOptions db_options(const Database::Options& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = options.create_if_missing;
  if (options.env != nullptr) db.env = options.env;
  // A tail that was not synced is normal after a power cut, so recovery ends at the last whole record; whether anything
  // acknowledged is missing is decided afterwards (recovery.cpp), by the journal and the acknowledgement mark.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.track_and_verify_wals_in_manifest = true;
  db.recycle_log_file_num = 4;  // about 10 % more synced commits: fdatasync has no new blocks to record
  db.max_total_wal_size = std::clamp<std::uint64_t>(options.memory_bytes / 2, kWalBytesMin, kWalBytesMax);
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(std::max(options.memory_bytes / 2, kWriteBufferMin * 4));
  db.max_background_jobs = 3;
  // Environments of tests count and fail every operation in turn: a thread that truncates would make it a game of luck.
  if (options.env == nullptr)
    db.sst_file_manager.reset(rocksdb::NewSstFileManager(db.env, nullptr, {}, kDeletedBytesPerS, true, nullptr,
                                                         kTrashRatioMax, kDeletedAtOnce));
  db.bytes_per_sync = 1u << 20;  // spreads the write-back of flushes, so that it does not meet a commit's fsync
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.keep_log_file_num = 4;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.skip_stats_update_on_db_open = true;
  return db;
}

rocksdb::ColumnFamilyOptions family_options(Family family, std::size_t memory_bytes,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;  // Debian builds RocksDB without the processor's CRC instruction
  rocksdb::ColumnFamilyOptions result;
  result.compression = fast_compression();
  result.write_buffer_size = std::max(memory_bytes / 8, kWriteBufferMin);
  result.max_write_buffer_number = 4;
  // Stalls would make ingest wait for compaction; the bounds here are far beyond what a healthy disk shows.
  result.level0_slowdown_writes_trigger = 60;
  result.level0_stop_writes_trigger = 120;
  result.soft_pending_compaction_bytes_limit = 0;
  result.hard_pending_compaction_bytes_limit = 0;
  switch (family) {
    case Family::journal:
      // Keys only grow, so files never overlap and move down without being rewritten (one compression for all levels).
      table.block_size = 16 * 1024;
      break;
    case Family::state:
    case Family::replay:
    case Family::history:
      // Random or often rewritten keys: few rewrites matter more than reads, which are rare.
      result.compaction_style = rocksdb::kCompactionStyleUniversal;
      result.compaction_options_universal.size_ratio = 10;
      result.level0_file_num_compaction_trigger = 8;
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      // In parts of 4 KiB. As one block, the filter of two million keys is larger than a shard of the block cache, so
      // it is never kept and every new nonce reads megabytes.
      table.partition_filters = true;
      table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
      table.block_size = 8 * 1024;
      break;
    case Family::meta:
      table.block_size = 8 * 1024;
      result.write_buffer_size = std::max(memory_bytes / 64, kWriteBufferMin);
      break;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(std::size_t memory_bytes) {
  const std::shared_ptr<rocksdb::Cache> cache =
      rocksdb::NewLRUCache(std::max(memory_bytes / 2, kCacheMin), kCacheShardBits);
  std::vector<rocksdb::ColumnFamilyDescriptor> result;
  for (std::size_t i = 0; i < kFamilies; ++i)
    result.emplace_back(kNames[i], family_options(static_cast<Family>(i), memory_bytes, cache));
  result.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  return result;
}

// Errors of an open are its result. Errors of a write are the writer's; all others have nobody who is told.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  BackgroundErrors(std::function<void(const base::Error&)> tell, std::string path)
      : tell_(std::move(tell)), path_(std::move(path)) {}
  void arm() { armed_ = true; }
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    if (!armed_ || !tell_ || status->ok() || status->IsShutdownInProgress()) return;
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) return;
    tell_(to_error(*status, "write the ledger's files in the background", path_));
  }

 private:
  std::atomic<bool> armed_{false};
  const std::function<void(const base::Error&)> tell_;
  const std::string path_;
};

bool is_locked(const rocksdb::Status& status) {
  return status.IsIOError() && status.ToString().find("lock ") != std::string::npos;
}

}  // namespace

bool database_exists(const std::string& path, rocksdb::Env* env) {
  rocksdb::Env* const used = env != nullptr ? env : rocksdb::Env::Default();
  return used->FileExists(path + "/CURRENT").ok();
}

base::Error to_error(const rocksdb::Status& status, std::string_view doing, std::string_view path) {
  std::string message = "cannot " + std::string(doing) + " (" + std::string(path) + "): " + status.ToString();
  if (status.IsCorruption()) {
    message += "; stored bytes are damaged: " + std::string(kRestoreRemedy);
    return {ErrorCode::corruption, std::move(message)};
  }
  if (status.IsNoSpace() || message.find("No space left") != std::string::npos) {
    message += "; the disk is full: free space and start again, nothing acknowledged is lost";
    return {ErrorCode::io, std::move(message)};
  }
  if (is_locked(status)) {
    message += "; another process has this ledger open: stop it first, or work on a checkpoint";
    return {ErrorCode::unavailable, std::move(message)};
  }
  if (status.IsPathNotFound() || status.IsNotFound()) return {ErrorCode::not_found, std::move(message)};
  if (status.IsNotSupported()) return {ErrorCode::unsupported, std::move(message)};
  if (status.IsInvalidArgument()) return {ErrorCode::invalid_argument, std::move(message)};
  return {ErrorCode::io, std::move(message)};
}

base::Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  if (!options.create_if_missing && !database_exists(options.path, options.env))
    return base::error(ErrorCode::not_found, "there is no ledger in " + options.path +
                                                 ": give the right directory, or let the daemon create one");
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  if (options.create_if_missing) {
    const rocksdb::Status made = env->CreateDirIfMissing(options.path);
    if (!made.ok()) return tl::unexpected(to_error(made, "make the ledger's directory", options.path));
  }
  // Flushes and compactions are bulk work: replies do not wait for their time slices.
  for (const auto pool : {rocksdb::Env::Priority::LOW, rocksdb::Env::Priority::HIGH})
    env->LowerThreadPoolCPUPriority(pool, rocksdb::CpuPriority::kLow);
  std::unique_ptr<Database> database(new Database());
  database->path_ = options.path;
  database->env_ = env;
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto listener = std::make_shared<BackgroundErrors>(options.on_background_error, options.path);
  rocksdb::DBOptions settings = db_options(options);
  settings.listeners.push_back(listener);
  const auto try_open = [&] {
    return rocksdb::DB::Open(settings, options.path, descriptors(options.memory_bytes), &handles, &db);
  };
  rocksdb::Status status = try_open();
  if (status.IsCorruption() && status.ToString().find("MANIFEST") != std::string::npos) {
    ASSIGN_OR_RETURN(database->mended_, cut_torn_manifest(options.path, *env));
    if (database->mended_) status = try_open();
  }
  if (!status.ok()) return tl::unexpected(to_error(status, "open the ledger", options.path));
  listener->arm();
  database->db_.reset(db);
  std::copy_n(handles.begin(), kFamilies, database->handles_.begin());
  database->default_handle_ = handles.back();
  return database;
}

base::Result<std::unique_ptr<Database>> Database::open_read_only(const Options& options) {
  if (!database_exists(options.path, options.env))
    return base::error(ErrorCode::not_found, "there is no ledger in " + options.path);
  std::unique_ptr<Database> database(new Database());
  database->path_ = options.path;
  database->env_ = options.env != nullptr ? options.env : rocksdb::Env::Default();
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(db_options(options), options.path, descriptors(options.memory_bytes), &handles, &db);
  if (!status.ok()) return tl::unexpected(to_error(status, "read the ledger", options.path));
  database->db_.reset(db);
  std::copy_n(handles.begin(), kFamilies, database->handles_.begin());
  database->default_handle_ = handles.back();
  return database;
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->DestroyColumnFamilyHandle(default_handle_).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

base::Result<void> Database::flush() {
  std::vector<rocksdb::ColumnFamilyHandle*> families(handles_.begin(), handles_.end());
  const rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), families);
  if (!status.ok()) return tl::unexpected(to_error(status, "flush the ledger", path_));
  return {};
}

}  // namespace ledger::store
