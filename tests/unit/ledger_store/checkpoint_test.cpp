#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ledger/store/audit.h"
#include "tests/unit/ledger_store/store_world.h"

namespace ledger::store {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

TEST(Checkpoint, IsAWholeLedgerWhileBatchesKeepComing) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> accepted{0};
  std::thread load([&] {
    while (!stop) {
      const api::BatchReceipt receipt = world.submit(*store, world.charges(4));
      for (const core::ItemResult& item : receipt.items) accepted += item.status == Status::ok;
    }
  });
  std::vector<std::uint64_t> acknowledged;
  for (int i = 0; i < 3; ++i) {
    while (accepted < static_cast<std::uint64_t>(20 * (i + 1))) std::this_thread::yield();
    acknowledged.push_back(accepted);
    const auto made = store->checkpoint(world.directory / ("checkpoint" + std::to_string(i)));
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  stop = true;
  load.join();
  for (int i = 0; i < 3; ++i) {
    const std::string checkpoint = world.directory / ("checkpoint" + std::to_string(i));
    const std::string target = world.directory / ("restored" + std::to_string(i));
    const auto restored = restore(checkpoint, target);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    const AuditReport report = audit(checkpoint, *world.calendar, {}).value();
    EXPECT_TRUE(report.clean()) << report.difference->to_string();
    EXPECT_GE(report.payer_signatures, acknowledged[static_cast<std::size_t>(i)]);
    StoreOptions options = world.options();
    options.path = target;
    options.mode = OpenMode::open_existing;
    const auto again = world.open(options);
    EXPECT_EQ(again->reader().head().value().last_sequence, report.last_sequence);
    EXPECT_EQ(world.submit(*again, world.charges(1)).items.at(0).status, Status::ok);
  }
}

TEST(Checkpoint, RefusesADirectoryThatExists) {
  World world;
  const auto store = world.open();
  fs::create_directory(world.directory / "taken");
  EXPECT_EQ(store->checkpoint(world.directory / "taken").error().code, ErrorCode::invalid_argument);
}

TEST(Restore, LeavesNothingBehindWhenTheCopyIsDamaged) {
  World world;
  {
    const auto store = world.open();
    world.set_up(*store);
    ASSERT_EQ(world.submit(*store, world.charges(50)).status, Status::ok);
    ASSERT_TRUE(store->checkpoint(world.directory / "checkpoint").has_value());
  }
  for (const fs::directory_entry& file : fs::directory_iterator(world.directory / "checkpoint")) {
    if (file.path().extension() != ".sst") continue;
    const fs::path copy = file.path().string() + ".damaged";
    fs::copy_file(file.path(), copy);  // the files are hard links: the ledger must not be damaged too
    fs::remove(file.path());
    fs::rename(copy, file.path());
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(20);
    bytes.write("\xff\x00\xff\x00", 4);
  }
  const std::string target = world.directory / "restored";
  const auto restored = restore(world.directory / "checkpoint", target);
  ASSERT_FALSE(restored.has_value());
  EXPECT_EQ(restored.error().code, ErrorCode::corruption) << restored.error().message;
  EXPECT_FALSE(fs::exists(target));
  EXPECT_FALSE(fs::exists(target + ".restoring"));
  EXPECT_EQ(world.open()->reader().tally(core::PayerId(1), kUsdc).value().unbilled, base::Amount(500));
}

TEST(Restore, ReadsEveryFileToItsEnd) {
  World world;
  const fs::path checkpoint = world.directory / "checkpoint";
  {
    const auto store = world.open();
    world.set_up(*store);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(world.submit(*store, world.charges(50)).status, Status::ok);
    ASSERT_TRUE(store->checkpoint(checkpoint).has_value());
  }
  std::size_t files = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(checkpoint)) {
    if (file.path().extension() != ".sst") continue;
    const fs::path damaged = world.directory / ("damaged" + std::to_string(files++));
    fs::copy(checkpoint, damaged);
    std::fstream bytes(damaged / file.path().filename(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(file.file_size() / 2));
    const int byte = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(file.file_size() / 2));
    bytes.put(static_cast<char>(byte ^ 1));
    bytes.close();
    const auto restored = restore(damaged, world.directory / "restored");
    ASSERT_FALSE(restored.has_value()) << file.path();
    EXPECT_EQ(restored.error().code, ErrorCode::corruption) << restored.error().message;
  }
  EXPECT_GE(files, 2u);
}

TEST(Restore, RefusesWhatIsNoCheckpointAndATargetThatExists) {
  World world;
  EXPECT_EQ(restore(world.directory / "nothing", world.directory / "x").error().code, ErrorCode::not_found);
  {
    const auto store = world.open();
    ASSERT_TRUE(store->checkpoint(world.directory / "checkpoint").has_value());
  }
  fs::create_directory(world.directory / "taken");
  EXPECT_EQ(restore(world.directory / "checkpoint", world.directory / "taken").error().code,
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace ledger::store
