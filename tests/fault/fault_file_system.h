#pragma once

// A disk that fails on command, under RocksDB: the N-th write or sync fails, the space ends, the power goes. It knows
// which bytes were synced, and can take away the others as a power cut would. Syncs are only noted, not done, so that
// tests are quick.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace fault {

class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem();
  const char* Name() const override { return "FaultFileSystem"; }

  // From now on; 1 = the next one. 0 = never. The disk stays failed.
  void fail_write(std::uint64_t nth) { fail_write_at_ = nth == 0 ? 0 : writes_ + nth; }
  void fail_sync(std::uint64_t nth) { fail_sync_at_ = nth == 0 ? 0 : syncs_ + nth; }
  // The next sync of a file with `part` in its name fails, and it alone. What it should have made durable never will
  // be.
  void fail_one_sync(std::string part) {
    const std::lock_guard lock(mutex_);
    fail_one_ = std::move(part);
  }
  // After so many bytes more, every write says that there is no space. UINT64_MAX: unlimited.
  void limit_space(std::uint64_t bytes) { space_ = bytes; }
  // Every write, sync and creation fails until power_on().
  void power_off() { off_ = true; }
  void power_on();
  // What was written and not synced: cut off, kept in part, or replaced by something else; by a random number.
  void drop_unsynced(std::uint64_t random);

  std::uint64_t writes() const { return writes_; }
  std::uint64_t syncs() const { return syncs_; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // Called by the files.
  rocksdb::IOStatus before_write(std::size_t bytes);
  rocksdb::IOStatus before_sync(const std::string& name);
  void written(const std::string& name, std::size_t bytes);
  void truncated(const std::string& name, std::uint64_t size);
  void synced(const std::string& name);

 private:
  struct Tracked {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
    bool reused = false;  // has older bytes beyond `size`
    bool lost = false;    // a sync failed: later ones make nothing durable that this one did not
  };
  rocksdb::IOStatus track(const std::string& name, bool reused, rocksdb::IOStatus opened,
                          std::unique_ptr<rocksdb::FSWritableFile>* file);

  std::atomic<std::uint64_t> writes_{0}, syncs_{0}, fail_write_at_{0}, fail_sync_at_{0};
  std::atomic<std::uint64_t> space_{UINT64_MAX};
  std::atomic<bool> off_{false};
  std::mutex mutex_;
  std::map<std::string, Tracked> files_;  // under mutex_
  std::string fail_one_;                  // under mutex_
};

// The file system and an Env on it, with one lifetime.
struct FaultEnv {
  FaultEnv() : files(std::make_shared<FaultFileSystem>()), env(rocksdb::NewCompositeEnv(files)) {}
  std::shared_ptr<FaultFileSystem> files;
  std::unique_ptr<rocksdb::Env> env;
};

}  // namespace fault
