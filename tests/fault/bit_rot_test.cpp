// Rot and tears in the files of a stopped ledger: whatever bit is wrong, whatever byte a file ends at, whatever file is
// gone, either it is noticed or nothing that the ledger says is different. "Noticed": the ledger does not open, and
// says why; or an audit names a difference.
//
// The short slice looks at a part of the places; TABD_ROT says how many (0: every one), TABD_SEED which.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include <rocksdb/db.h>

#include "ledger/store/acknowledged.h"
#include "ledger/store/audit.h"
#include "ledger/store/database.h"
#include "tests/unit/ledger_store/store_world.h"

namespace fault {
namespace {

using ledger::store::LedgerStore;
using ledger::store::StoreOptions;
using ledger::store::World;
namespace core = ledger::core;
namespace files = std::filesystem;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class BitRot : public testing::Test {
 protected:
  // A ledger as a crash leaves it: tables, indexes of files and a write-ahead log with the last segments.
  BitRot() : random_(from_environment("TABD_SEED", 1)) {
    StoreOptions options = world_.options();
    options.recent_replay_keys = 4;
    const auto store = world_.open(options);
    world_.set_up(*store);
    world_.live(*store);
    EXPECT_TRUE(store->checkpoint(world_.directory / "checkpoint").has_value());  // flushes
    for (int i = 0; i < 6; ++i) {
      take_image(options.path, original(i));
      heads_.push_back(store->reader().head().value());
      world_.submit(*store, world_.charges(1 + static_cast<std::size_t>(i) % 2, 1));
    }
    take_image(options.path, original(6));
    heads_.push_back(store->reader().head().value());
    store->stop();
  }
  // Of a ledger that nobody writes to now. Files that are compacted away meanwhile spoil an image.
  static void take_image(const std::string& from, const std::string& to) {
    std::error_code spoiled;
    for (int i = 0; i < 100; ++i) {
      files::remove_all(to);
      files::copy(from, to, files::copy_options::recursive, spoiled);
      if (!spoiled) return;
    }
    FAIL() << spoiled.message();
  }
  std::string original(int number) const { return world_.directory / ("original" + std::to_string(number)); }
  std::string original() const { return original(6); }

  // A fresh copy of the ledger.
  std::string copy() {
    const std::string path = world_.directory / "copy";
    files::remove_all(path);
    files::copy(original(), path, files::copy_options::recursive);
    return path;
  }

  // Where the ledger at `path` ends if it can be opened; checked: it is a beginning of the original, whole.
  enum class Found { refused, differs, whole };
  Found look(const std::string& path, const std::string& what) {
    StoreOptions options = world_.options();
    options.path = path;
    options.recent_replay_keys = 4;
    ledger::store::CaughtFailure none;
    core::LedgerHead head;
    {
      const auto store = world_.try_open(options, nullptr, none.action());
      if (!store) {
        EXPECT_FALSE(store.error().message.empty()) << what;
        return Found::refused;
      }
      head = (*store)->reader().head().value();
      (*store)->stop();
    }
    const auto report = ledger::store::audit(path, *world_.calendar, {});
    if (!report || !report->clean()) return Found::differs;
    EXPECT_EQ(head.last_sequence, heads_.back().last_sequence) << what << ": acknowledged entries are gone";
    EXPECT_EQ(head.last_segment_hash, heads_.back().last_segment_hash) << what;
    return Found::whole;
  }

  std::string newest_log() const {
    std::string log;
    for (const auto& file : files::directory_iterator(original()))
      if (file.path().extension() == ".log" && file.path().filename().string() > log)
        log = file.path().filename().string();
    return log;
  }
  static void flip(const std::string& file, std::uint64_t bit) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(bit / 8));
    const int byte = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(bit / 8));
    bytes.put(static_cast<char>(byte ^ (1 << (bit % 8))));
  }
  // `count` of 0 .. end - 1, or all of them.
  std::vector<std::uint64_t> some(std::uint64_t begin, std::uint64_t end, std::uint64_t count) {
    std::vector<std::uint64_t> places;
    if (count == 0 || count >= end - begin) {
      for (std::uint64_t i = begin; i < end; ++i) places.push_back(i);
      return places;
    }
    std::uniform_int_distribution<std::uint64_t> any(begin, end - 1);
    for (std::uint64_t i = 0; i < count; ++i) places.push_back(any(random_));
    return places;
  }
  // Where the last four commits begin in the write-ahead log.
  std::uint64_t last_four() const { return files::file_size(original(2) + "/" + newest_log()); }
  void count(Found found) { ++counts_[static_cast<std::size_t>(found)]; }
  void say(const char* what) const {
    std::cout << what << ": " << counts_[0] << " refused, " << counts_[1] << " found by an audit, " << counts_[2]
              << " without effect\n";
  }

  World world_;
  std::mt19937_64 random_;
  std::vector<core::LedgerHead> heads_;
  std::array<std::size_t, 3> counts_{};
};

TEST_F(BitRot, ALogThatEndsTooSoonIsNoticed) {
  const std::string log = newest_log();
  const std::uint64_t size = files::file_size(original() + "/" + log);
  ASSERT_LT(last_four(), size);
  for (const std::uint64_t end : some(last_four(), size, from_environment("TABD_ROT", 40))) {
    const std::string path = copy();
    files::resize_file(path + "/" + log, end);
    const Found found = look(path, log + " ends at byte " + std::to_string(end));
    count(found);
    EXPECT_NE(found, Found::whole) << end;
  }
  say("ends too soon");
}

// The mark of what was acknowledged is behind when the power goes between a commit and its answer: then the end is
// nobody's, and what is before it must be whole.
TEST_F(BitRot, ATornEndThatNobodyWasToldOfIsCutOff) {
  const std::string log = newest_log();
  const std::uint64_t begin = files::file_size(original(5) + "/" + log);
  const std::uint64_t end = files::file_size(original() + "/" + log);
  ASSERT_LT(begin, end);
  for (const std::uint64_t cut : some(begin, end, from_environment("TABD_ROT", 40))) {
    const std::string path = copy();
    files::resize_file(path + "/" + log, cut);
    const std::string mark = std::string("/") + ledger::store::kAcknowledgedFile;
    files::copy(original(5) + mark, path + mark, files::copy_options::overwrite_existing);
    StoreOptions options = world_.options();
    options.path = path;
    const auto store = world_.try_open(options);
    ASSERT_TRUE(store.has_value()) << "cut at " << cut << ": " << store.error().message;
    EXPECT_EQ((*store)->reader().head().value().last_segment_hash, heads_[5].last_segment_hash) << cut;
    (*store)->stop();
  }
}

TEST_F(BitRot, EveryBitOfTheLastRecordCounts) {
  const std::string log = newest_log();
  const std::uint64_t begin = files::file_size(original(5) + "/" + log);
  const std::uint64_t end = files::file_size(original() + "/" + log);
  for (const std::uint64_t bit : some(begin * 8, end * 8, from_environment("TABD_ROT", 40))) {
    const std::string path = copy();
    flip(path + "/" + log, bit);
    const Found found = look(path, log + ", bit " + std::to_string(bit));
    count(found);
    EXPECT_NE(found, Found::whole) << bit;
  }
  say("a bit of the last record");
}

TEST_F(BitRot, ABitAnywhereIsNoticedOrWithoutEffect) {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  std::uint64_t bits = 0;
  for (const auto& file : files::recursive_directory_iterator(original())) {
    if (!file.is_regular_file() || file.file_size() == 0) continue;
    all.emplace_back(files::relative(file.path(), original()).string(), file.file_size() * 8);
    bits += file.file_size() * 8;
  }
  for (std::uint64_t place : some(0, bits, std::max<std::uint64_t>(1, from_environment("TABD_ROT", 40)))) {
    std::size_t i = 0;
    while (place >= all[i].second) place -= all[i++].second;
    const std::string path = copy();
    flip(path + "/" + all[i].first, place);
    count(look(path, all[i].first + ", bit " + std::to_string(place)));
  }
  say("a bit anywhere");
}

TEST_F(BitRot, AMissingFileIsNoticedOrWithoutEffect) {
  std::vector<std::string> live;
  {
    std::uint64_t index_size = 0;
    const auto database = ledger::store::Database::open({.path = copy()});
    ASSERT_TRUE(database.has_value()) << database.error().message;
    ASSERT_TRUE((*database)->db().GetLiveFiles(live, &index_size, false).ok());
  }
  for (const auto& file : files::recursive_directory_iterator(original())) {
    if (!file.is_regular_file()) continue;
    const std::string name = files::relative(file.path(), original()).string();
    const std::string path = copy();
    files::remove(path + "/" + name);
    const Found found = look(path, name + " is missing");
    count(found);
    const bool in_use = std::find(live.begin(), live.end(), "/" + name) != live.end();
    const bool holds_data =
        (name.ends_with(".sst") && in_use) || name.ends_with(".log") || name.starts_with("MANIFEST");
    EXPECT_TRUE(found != Found::whole || !holds_data || file.file_size() == 0) << name;
  }
  say("a file is missing");
}

}  // namespace
}  // namespace fault
