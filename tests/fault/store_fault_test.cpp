// The ledger on a failing disk: whatever fails, nothing is acknowledged that is not there afterwards, and what is there
// is a whole ledger.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "ledger/store/audit.h"
#include "tests/fault/fault_file_system.h"
#include "tests/unit/ledger_store/store_world.h"

namespace fault {
namespace {

using base::Status;
using ledger::store::CaughtFailure;
using ledger::store::LedgerStore;
using ledger::store::StoreOptions;
using ledger::store::World;
namespace api = ledger::api;
namespace core = ledger::core;

class FailingDisk : public testing::Test {
 protected:
  StoreOptions options() {
    StoreOptions options = world.options();
    options.env = disk.env.get();
    options.memory_bytes = 4u << 20;  // flushes and compactions happen too
    options.recent_replay_keys = 64;  // and moves of the indexes
    return options;
  }
  void open() { store = world.open(options(), nullptr, failure.action()); }

  // Sends batches of `items` without waiting for the answers; at most `batches`, less once the store has failed.
  void send(std::size_t batches, std::size_t items) {
    for (std::size_t i = 0; i < batches && failure.message().empty(); ++i) {
      store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(items, i % 3, false)),
                              [this](const api::BatchReceipt& receipt) {
                                const std::lock_guard lock(mutex);
                                for (const core::ItemResult& item : receipt.items) {
                                  if (item.status == Status::ok) acknowledged.insert(item.sequence.value);
                                }
                              });
    }
  }
  std::size_t acknowledged_count() {
    const std::lock_guard lock(mutex);
    return acknowledged.size();
  }

  // As after a crash: what was not synced is gone. The next open must find everything that was acknowledged, and a
  // ledger that stands an audit.
  void crash_and_check(std::uint64_t random) {
    disk.files->power_off();
    store.reset();
    disk.files->drop_unsynced(random);
    disk.files->power_on();
    CaughtFailure none;
    auto again = world.try_open(options(), nullptr, none.action());
    ASSERT_TRUE(again.has_value()) << again.error().message;
    const std::uint64_t last = (*again)->reader().head().value().last_sequence.value;
    EXPECT_GE(last, acknowledged.empty() ? 1 : *acknowledged.rbegin());
    for (const std::uint64_t sequence : acknowledged) {
      const auto entry = (*again)->reader().entry(core::Sequence(sequence));
      ASSERT_TRUE(entry.has_value()) << "entry " << sequence << " was acknowledged: " << entry.error().message;
      EXPECT_TRUE(std::holds_alternative<core::Charged>(entry->entry));
    }
    (*again)->stop();
    EXPECT_EQ(none.message(), "");
    again->reset();
    ledger::store::AuditOptions audit_options;
    audit_options.env = disk.env.get();
    const auto report = ledger::store::audit(options().path, *world.calendar, audit_options);
    ASSERT_TRUE(report.has_value()) << report.error().message;
    // The items were not really signed (trusted()), so the first one's signature is all that may be wrong.
    EXPECT_TRUE(report->clean() || report->difference->field == "payer signature") << report->difference->to_string();
  }

  FaultEnv disk;
  World world;
  CaughtFailure failure;
  std::unique_ptr<LedgerStore> store;
  std::mutex mutex;
  std::set<std::uint64_t> acknowledged;
};

class NthFails : public FailingDisk, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(NthFails, WriteThenNothingIsAcknowledgedAnyMore) {
  open();
  world.set_up(*store);
  disk.files->fail_write(GetParam());
  send(400, 8);
  store->stop();
  if (disk.files->writes() > 0 && !failure.message().empty()) {
    EXPECT_NE(failure.message().find("this write fails"), std::string::npos) << failure.message();
  }
  crash_and_check(GetParam());
}

TEST_P(NthFails, SyncThenNothingIsAcknowledgedAnyMore) {
  open();
  world.set_up(*store);
  disk.files->fail_sync(GetParam());
  send(400, 8);
  store->stop();
  crash_and_check(GetParam());
}

INSTANTIATE_TEST_SUITE_P(FromNow, NthFails, testing::Values(1, 2, 3, 4, 5, 7, 10, 15, 22, 33, 50, 75, 110));

// A flush needs a record in RocksDB's index of files. When that cannot be synced the ledger stops, before any commit
// meets the error; and however the record was torn, the next open cuts it off.
TEST_F(FailingDisk, ATornFileIndexStopsTheLedgerAndIsMended) {
  for (std::uint64_t random = 1; random <= 12; ++random) {
    open();
    if (random == 1) world.set_up(*store);
    const std::size_t enough = acknowledged_count() + 40;
    send(5, 8);
    for (int i = 0; i < 1000 && acknowledged_count() < enough; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_EQ(failure.message(), "");
    disk.files->fail_one_sync("MANIFEST");
    const auto made = store->checkpoint(options().path + ".checkpoint" + std::to_string(random));  // flushes
    EXPECT_FALSE(made.has_value());
    EXPECT_NE(failure.message().find("this sync fails"), std::string::npos) << failure.message();
    crash_and_check(random);
    if (HasFatalFailure()) return;
    failure.reset();
  }
}

// The same bytes wrong in the middle of the index: they were synced, so it is damage and no torn end.
TEST_F(FailingDisk, ADamagedFileIndexIsRefused) {
  open();
  world.set_up(*store);
  send(5, 8);
  store->stop();
  store.reset();
  std::string index;
  for (const auto& file : std::filesystem::directory_iterator(options().path)) {
    if (file.path().filename().string().starts_with("MANIFEST")) index = file.path().string();
  }
  ASSERT_FALSE(index.empty());
  std::fstream bytes(index, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(20);
  bytes.write("\x5a\x5a\x5a\x5a", 4);
  bytes.close();
  const auto again = world.try_open(options(), nullptr, {});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, base::ErrorCode::corruption);
  EXPECT_NE(again.error().message.find("MANIFEST-"), std::string::npos) << again.error().message;
  EXPECT_NE(again.error().message.find("tabctl restore"), std::string::npos) << again.error().message;
}

// The very next commit cannot be written: its batch is never answered, and neither is anything after it.
TEST_F(FailingDisk, ABatchWhoseCommitFailsIsNeverAnswered) {
  for (const bool write : {true, false}) {
    open();
    if (acknowledged.empty()) world.set_up(*store);
    if (write) {
      disk.files->fail_write(1);
    } else {
      disk.files->fail_sync(1);
    }
    const std::size_t before = acknowledged_count();
    send(1, 4);
    for (int i = 0; i < 1000 && failure.message().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_NE(failure.message().find("cannot write segment"), std::string::npos) << failure.message();
    store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(1, 0, false)),
                            [](const api::BatchReceipt& receipt) { EXPECT_NE(receipt.status, Status::ok); });
    store->stop();
    EXPECT_EQ(acknowledged_count(), before);
    crash_and_check(write ? 1 : 2);
    failure.reset();
  }
}

TEST_F(FailingDisk, AFullDiskStopsTheLedgerAndSaysSo) {
  open();
  world.set_up(*store);
  send(5, 8);
  for (int i = 0; i < 1000 && acknowledged_count() < 40; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  disk.files->limit_space(60'000);
  send(2000, 8);
  store->stop();
  EXPECT_NE(failure.message().find("the disk is full"), std::string::npos) << failure.message();
  EXPECT_GE(acknowledged_count(), 40u);
  crash_and_check(3);
}

// Making a ledger on a failing disk gives an error, and the next try starts anew.
TEST_F(FailingDisk, AnOpenThatFailsCanBeRepeated) {
  std::size_t refused = 0;
  for (std::uint64_t nth = 1; nth <= 16; nth += 3) {
    for (const bool write : {true, false}) {
      StoreOptions tried = options();
      tried.path += std::to_string(2 * nth + (write ? 0 : 1));
      if (write) {
        disk.files->fail_write(nth);
      } else {
        disk.files->fail_sync(nth);
      }
      const auto first = world.try_open(tried, nullptr, failure.action());
      refused += !first.has_value();
      if (first) (*first)->stop();
      disk.files->power_off();
      disk.files->drop_unsynced(nth);
      disk.files->power_on();
      if (first) continue;
      const auto second = world.try_open(tried, nullptr, {});
      EXPECT_TRUE(second.has_value()) << second.error().message;
    }
  }
  EXPECT_GE(refused, 6u);
}

// Bytes that were synced and are different now: no torn tail, but damage. Recovery alone would silently stop before
// them; the mark of what was acknowledged tells the difference.
TEST_F(FailingDisk, ADamagedWriteAheadLogIsRefused) {
  open();
  world.set_up(*store);
  send(40, 2);
  for (int i = 0; i < 1000 && acknowledged_count() < 80; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_EQ(acknowledged_count(), 80u);
  disk.files->power_off();
  store.reset();
  disk.files->power_on();
  std::string log;
  for (const auto& file : std::filesystem::directory_iterator(options().path)) {
    if (file.path().extension() == ".log" && file.path().string() > log) log = file.path().string();
  }
  ASSERT_FALSE(log.empty());
  std::fstream bytes(log, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(2000);
  bytes.write("\x00\xff\x00\xff\x00\xff\x00\xff", 8);
  bytes.close();
  const auto again = world.try_open(options(), nullptr, {});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, base::ErrorCode::corruption);
  EXPECT_NE(again.error().message.find("tabctl restore"), std::string::npos) << again.error().message;
}

class PowerCut : public FailingDisk, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(PowerCut, LosesNothingThatWasAcknowledged) {
  std::uint64_t random = GetParam();
  for (int round = 0; round < 4; ++round) {
    open();
    if (round == 0) world.set_up(*store);
    random = random * 6364136223846793005u + 1442695040888963407u;
    std::thread load([&] { send(3000, 1 + (random >> 20) % 12); });
    const std::size_t before = acknowledged_count();
    const std::size_t enough = before + (random >> 40) % 600;
    while (acknowledged_count() < enough && failure.message().empty()) std::this_thread::yield();
    disk.files->power_off();
    load.join();
    store->stop();
    crash_and_check(random);
    if (HasFatalFailure()) return;
    failure.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCut, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace fault
