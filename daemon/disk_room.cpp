#include "daemon/disk_room.h"

#include <filesystem>

#include "base/limits.h"

namespace tabd_daemon {
namespace {

namespace fs = std::filesystem;

// RocksDB reserves 4 MiB for its list of files, and the first group commit may be of this size.
constexpr std::uint64_t kRoomBytes = base::limits::kSegmentBytesMax;

// Opening moves what the write-ahead logs hold into tables.
std::uint64_t log_bytes(const std::string& directory) {
  std::uint64_t sum = 0;
  std::error_code failure;
  for (const fs::directory_entry& file : fs::directory_iterator(directory, failure)) {
    if (file.path().extension() != ".log") continue;
    const std::uintmax_t size = file.file_size(failure);
    if (!failure) sum += size;
  }
  return sum;
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

base::Result<void> check_disk_room(const std::string& directory, std::uint64_t available) {
  const std::uint64_t needed = log_bytes(directory) + kRoomBytes;
  if (available >= needed) return {};
  return base::error(base::ErrorCode::io, "the disk is full: " + directory + " has " + mib(available) +
                                              " left and opening the ledger may need " + mib(needed) +
                                              "; free space and start again, nothing acknowledged is lost");
}

}  // namespace tabd_daemon
