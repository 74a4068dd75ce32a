#include "tests/fault/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/check.h"

namespace fault {

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultFileSystem& files, std::string name)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}

  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_.before_write(data.size());
    if (!status.ok()) return status;
    status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) files_.written(name_, data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    files_.truncated(name_, size);
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    IOStatus status = files_.before_sync(name_);
    if (status.ok()) files_.synced(name_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  // A hint that promises nothing.
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  FaultFileSystem& files_;
  std::string name_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, FaultFileSystem& files)
      : FSDirectoryWrapper(std::move(directory)), files_(files) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.before_sync("directory"); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*, const rocksdb::DirFsyncOptions&) override {
    return files_.before_sync("directory");
  }

 private:
  FaultFileSystem& files_;
};

}  // namespace

FaultFileSystem::FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

IOStatus FaultFileSystem::before_write(std::size_t bytes) {
  const std::uint64_t number = ++writes_;
  if (off_) return IOStatus::IOError("the power is off");
  // A disk that has failed stays failed: the process would have stopped, and writes nothing after a torn record.
  if (fail_write_at_ != 0 && number >= fail_write_at_) return IOStatus::IOError("this write fails");
  std::uint64_t left = space_;
  do {
    if (left == UINT64_MAX) return IOStatus::OK();
    if (left < bytes) return IOStatus::NoSpace("No space left on device");
  } while (!space_.compare_exchange_weak(left, left - bytes));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::before_sync(const std::string& name) {
  const std::uint64_t number = ++syncs_;
  if (off_) return IOStatus::IOError("the power is off");
  if (fail_sync_at_ != 0 && number >= fail_sync_at_) return IOStatus::IOError("this sync fails");
  const std::lock_guard lock(mutex_);
  if (!fail_one_.empty() && name.find(fail_one_) != std::string::npos) {
    fail_one_.clear();
    files_[name].lost = true;
    return IOStatus::IOError("this sync fails");
  }
  return IOStatus::OK();
}

void FaultFileSystem::written(const std::string& name, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  files_[name].size += bytes;
}

void FaultFileSystem::truncated(const std::string& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  Tracked& file = files_[name];
  file.size = std::min(file.size, size);
  file.synced = std::min(file.synced, size);
}

void FaultFileSystem::synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Tracked& file = files_[name];
  if (!file.lost) file.synced = file.size;
}

void FaultFileSystem::power_on() {
  off_ = false;
  fail_write_at_ = 0;
  fail_sync_at_ = 0;
  space_ = UINT64_MAX;
  const std::lock_guard lock(mutex_);
  fail_one_.clear();
}

void FaultFileSystem::drop_unsynced(std::uint64_t random) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, file] : files_) {
    if (file.size <= file.synced || !std::filesystem::exists(name)) continue;
    random = random * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t unsynced = file.size - file.synced;
    const std::uint64_t kept = file.synced + (random >> 33) % (unsynced + 1);
    const std::uint64_t on_disk = std::filesystem::file_size(name);
    CHECK(on_disk >= file.size);
    if (!file.reused && (random & 1) != 0) {
      std::filesystem::resize_file(name, kept);
    } else {
      // Blocks that never reached the disk: zeros, or what was there before.
      std::fstream bytes(name, std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekp(static_cast<std::streamoff>(kept));
      const std::vector<char> other(file.size - kept, (random & 2) != 0 ? '\0' : '\x5a');
      bytes.write(other.data(), static_cast<std::streamsize>(other.size()));
    }
  }
  files_.clear();
}

IOStatus FaultFileSystem::track(const std::string& name, bool reused, IOStatus opened,
                                std::unique_ptr<rocksdb::FSWritableFile>* file) {
  if (!opened.ok()) return opened;
  *file = std::make_unique<FaultFile>(std::move(*file), *this, name);
  const std::lock_guard lock(mutex_);
  files_[name] = Tracked{0, 0, reused};
  return opened;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  return track(name, false, target()->NewWritableFile(name, options, file, debug), file);
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& name, const FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  return track(name, true, target()->ReopenWritableFile(name, options, file, debug), file);
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string& name, const std::string& old_name,
                                            const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* file,
                                            IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  {
    const std::lock_guard lock(mutex_);
    files_.erase(old_name);
  }
  return track(name, true, target()->ReuseWritableFile(name, old_name, options, file, debug), file);
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  const IOStatus status = target()->NewDirectory(name, options, directory, debug);
  if (status.ok()) *directory = std::make_unique<FaultDirectory>(std::move(*directory), *this);
  return status;
}

// Names are taken as durable at once: what this file system drops are bytes.
IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  const IOStatus status = target()->RenameFile(from, to, options, debug);
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    if (auto node = files_.extract(from)) {
      files_.erase(to);
      node.key() = to;
      files_.insert(std::move(node));
    }
  }
  return status;
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                                   IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  return target()->LinkFile(from, to, options, debug);
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (off_) return IOStatus::IOError("the power is off");
  {
    const std::lock_guard lock(mutex_);
    files_.erase(name);
  }
  return target()->DeleteFile(name, options, debug);
}

}  // namespace fault
