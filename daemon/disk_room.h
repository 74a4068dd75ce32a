#pragma once

// Is there enough room on the disk to open the ledger? RocksDB aborts in the middle when there is not, without a cause.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tabd_daemon {

// `available`: bytes that the file system of `directory` has left for this user. io with the cause and the remedy if
// opening the ledger in `directory` (which need not exist) may need more.
base::Result<void> check_disk_room(const std::string& directory, std::uint64_t available);

}  // namespace tabd_daemon
