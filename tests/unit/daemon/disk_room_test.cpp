#include "daemon/disk_room.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/limits.h"

namespace tabd_daemon {
namespace {

constexpr std::uint64_t kLeast = base::limits::kSegmentBytesMax;

TEST(DiskRoom, AFullDiskIsNamedWithTheRemedy) {
  const auto full = check_disk_room("/nowhere/ledger", 0);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, base::ErrorCode::io);
  for (const char* part : {"the disk is full", "/nowhere/ledger", "0 MiB left", "free space and start again"})
    EXPECT_NE(full.error().message.find(part), std::string::npos) << full.error().message;
}

TEST(DiskRoom, ANewLedgerNeedsALittle) {
  EXPECT_TRUE(check_disk_room("/nowhere/ledger", kLeast).has_value());
  EXPECT_FALSE(check_disk_room("/nowhere/ledger", kLeast - 1).has_value());
}

TEST(DiskRoom, WhatTheLogsHoldIsWrittenAgain) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "tabd-disk-room";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "000004.log") << std::string(1000, 'x');
  std::ofstream(folder / "000005.sst") << std::string(5000, 'x');
  EXPECT_TRUE(check_disk_room(folder, kLeast + 1000).has_value());
  EXPECT_FALSE(check_disk_room(folder, kLeast + 999).has_value());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tabd_daemon
