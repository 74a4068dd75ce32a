#include <gtest/gtest.h>

#include <filesystem>

#include "base/limits.h"
#include "tests/unit/ledger_store/store_world.h"

namespace ledger::store {
namespace {

using base::ErrorCode;

TEST(OpenStore, MakesALedgerThatCanBeOpenedAgain) {
  World world;
  core::LedgerHead first;
  {
    const auto store = world.open();
    first = store->reader().head().value();
    EXPECT_EQ(first.last_sequence, core::Sequence(1));
    EXPECT_EQ(first.last_segment, core::SegmentId(1));
    EXPECT_EQ(first.network, support::kNetwork);
    EXPECT_EQ(first.operator_key, world.operator_key.address());
    EXPECT_EQ(first.last_time, world.clock.now());
    const api::StoredEntry genesis = store->reader().entry(core::Sequence(1)).value();
    EXPECT_TRUE(std::holds_alternative<core::Genesis>(genesis.entry));
  }
  StoreOptions options = world.options();
  options.mode = OpenMode::open_existing;
  const auto again = world.open(options);
  EXPECT_EQ(again->reader().head().value().last_segment_hash, first.last_segment_hash);
  EXPECT_EQ(again->stats().replayed_entries, 1u);
}

TEST(OpenStore, RefusesADirectoryWithoutALedgerUnlessAskedToMakeOne) {
  World world;
  StoreOptions options = world.options();
  options.mode = OpenMode::open_existing;
  const auto store = world.try_open(options);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(options.path + "/CURRENT"));
}

TEST(OpenStore, RefusesAnotherNetworkAndAnotherOperatorKey) {
  World world;
  world.open()->stop();
  StoreOptions options = world.options();
  options.network = "other:tab";
  const auto other_network = world.try_open(options);
  ASSERT_FALSE(other_network.has_value());
  EXPECT_EQ(other_network.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(other_network.error().message.find("test:tab"), std::string::npos);

  world.operator_key = support::secret_key(support::Role::keeper, 1);
  const auto other_key = world.try_open(world.options());
  ASSERT_FALSE(other_key.has_value());
  EXPECT_EQ(other_key.error().code, ErrorCode::invalid_argument);
}

TEST(OpenStore, RefusesALedgerThatIsOpen) {
  World world;
  const auto store = world.open();
  const auto second = world.try_open(world.options());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable) << second.error().message;
}

TEST(OpenStore, KeepsEverythingOverARestart) {
  World world;
  core::LedgerHead before;
  core::Tally tally_before;
  {
    const auto store = world.open();
    world.set_up(*store);
    for (int i = 0; i < 5; ++i) ASSERT_EQ(world.submit(*store, world.charges(7)).status, Status::ok);
    before = store->reader().head().value();
    tally_before = store->reader().tally(core::PayerId(1), kUsdc).value();
    EXPECT_EQ(tally_before.unbilled, base::Amount(350));
  }
  const auto store = world.open();
  const core::LedgerHead after = store->reader().head().value();
  EXPECT_EQ(after.last_sequence, before.last_sequence);
  EXPECT_EQ(after.last_segment_hash, before.last_segment_hash);
  EXPECT_EQ(after.segments, before.segments);
  const api::BatchReceipt more = world.submit(*store, world.charges(1));
  ASSERT_EQ(more.items.at(0).status, Status::ok);
  EXPECT_EQ(store->reader().tally(core::PayerId(1), kUsdc).value().unbilled, base::Amount(360));
  EXPECT_EQ(store->asset_table()->text_hash(kUsdc) != nullptr, true);
}

// More than the open decodes at once, and nothing of it in the indexes on disk.
TEST(OpenStore, ReadsALongEndOfTheJournal) {
  World world;
  StoreOptions options = world.options();
  options.recent_replay_keys = 1u << 20;
  const auto store = world.open(options);
  world.set_up(*store);
  std::vector<std::vector<commitments::tab::Item>> batches;
  std::vector<api::BatchReceipt> first;
  for (std::uint64_t i = 0; i < 64; ++i) {
    batches.push_back(world.charges(base::limits::kBatchItemsMax, i % 3, false));
    first.push_back(world.submit_trusted(*store, batches.back()));
  }
  ASSERT_TRUE(store->checkpoint(world.directory / "copy").has_value());
  store->stop();
  options.path = world.directory / "copy";
  const auto copy = world.open(options);
  EXPECT_GT(copy->stats().replayed_entries, 64 * base::limits::kBatchItemsMax);
  for (const std::size_t i : {0u, 31u, 63u}) {
    const api::BatchReceipt again = world.submit_trusted(*copy, batches[i]);
    ASSERT_EQ(again.items.size(), base::limits::kBatchItemsMax);
    for (std::size_t j = 0; j < again.items.size(); ++j) {
      ASSERT_EQ(again.items[j].status, Status::already_accepted) << i << ", " << j;
      ASSERT_EQ(again.items[j].sequence, first[i].items[j].sequence);
    }
  }
}

TEST(OpenStore, LedgerTimeNeverGoesBack) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  const base::Time before = store->reader().head().value().last_time;
  world.clock.set(base::Time{before.us - 1'800'000'000});
  const api::BatchReceipt receipt = world.submit(*store, world.charges(1));
  ASSERT_EQ(receipt.items.at(0).status, Status::ok);
  EXPECT_EQ(receipt.time, before);
}

TEST(OpenStore, AStoppedStoreRefusesWorkAtOnce) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  store->stop();
  store->stop();
  EXPECT_EQ(world.submit(*store, world.charges(1)).status, Status::shutting_down);
  EXPECT_EQ(store->service().submit_and_wait(core::CloseDue{1}).result.status, Status::shutting_down);
}

TEST(OpenStore, NoticesThatAcknowledgedEntriesAreMissing) {
  World world;
  {
    const auto store = world.open();
    world.set_up(*store);
    ASSERT_EQ(world.submit(*store, world.charges(3)).status, Status::ok);
  }
  // The same ledger as it was earlier, under a mark that says more: as after damage to the write-ahead log.
  const std::string mark = world.options().path + "/ACKNOWLEDGED";
  std::filesystem::copy_file(mark, world.directory / "mark");
  std::filesystem::remove_all(world.options().path);
  world.open()->stop();
  std::filesystem::copy_file(world.directory / "mark", mark, std::filesystem::copy_options::overwrite_existing);
  const auto store = world.try_open(world.options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::corruption);
  EXPECT_NE(store.error().message.find("was acknowledged"), std::string::npos);
  EXPECT_NE(store.error().message.find("tabctl restore"), std::string::npos);
}

}  // namespace
}  // namespace ledger::store
