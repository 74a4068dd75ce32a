// The way of a batch through the ledger: order, receipts, replay of the same items, limits.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/limits.h"
#include "ledger/store/follower.h"
#include "tests/unit/ledger_store/store_world.h"

namespace ledger::store {
namespace {

class Recorder final : public api::Observer {
 public:
  void on_committed(const std::shared_ptr<const api::CommittedSegment>& segment, const api::CommitTimings&) override {
    const std::lock_guard lock(mutex_);
    segments_.push_back(segment);
  }
  void on_refused(base::Status status, std::size_t count) override {
    const std::lock_guard lock(mutex_);
    refused_[status] += count;
  }
  std::vector<std::shared_ptr<const api::CommittedSegment>> segments() const {
    const std::lock_guard lock(mutex_);
    return segments_;
  }
  std::size_t refused(base::Status status) const {
    const std::lock_guard lock(mutex_);
    const auto at = refused_.find(status);
    return at == refused_.end() ? 0 : at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const api::CommittedSegment>> segments_;
  std::map<base::Status, std::size_t> refused_;
};

TEST(Gate, AReceiptSaysWhereAnItemIs) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  const api::BatchReceipt receipt = world.submit(*store, world.charges(3));
  ASSERT_EQ(receipt.status, Status::ok);
  ASSERT_EQ(receipt.items.size(), 3u);
  for (const core::ItemResult& item : receipt.items) {
    ASSERT_EQ(item.status, Status::ok);
    const api::StoredEntry entry = store->reader().entry(item.sequence).value();
    EXPECT_EQ(entry.segment, receipt.segment);
    EXPECT_EQ(entry.time, receipt.time);
    EXPECT_TRUE(std::holds_alternative<core::Charged>(entry.entry));
  }
}

TEST(Gate, TheReaderSeesWhatAReceiptSays) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  std::atomic<int> seen{0};
  std::atomic<int> answered{0};
  constexpr int kBatches = 50;
  for (int i = 0; i < kBatches; ++i) {
    store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(2, 0, false)),
                            [&](api::BatchReceipt receipt) {
                              if (store->reader().entry(receipt.items.at(1).sequence).has_value()) ++seen;
                              ++answered;
                            });
  }
  store->stop();
  EXPECT_EQ(answered, kBatches);
  EXPECT_EQ(seen, kBatches);
}

TEST(Gate, BatchesAreAppliedAndAnsweredInTheOrderOfTheCalls) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  std::vector<std::future<api::BatchReceipt>> receipts;
  std::vector<int> order;
  for (int i = 0; i < 200; ++i) {
    store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(1, 0, false)),
                            [&order, i](api::BatchReceipt) { order.push_back(i); });
    receipts.push_back(world.send(*store, world.actors.trusted(0, world.next_batch++, world.charges(3, 1, false))));
  }
  core::Sequence last;
  for (auto& future : receipts) {
    const api::BatchReceipt receipt = future.get();
    for (const core::ItemResult& item : receipt.items) {
      ASSERT_EQ(item.status, Status::ok);
      EXPECT_GT(item.sequence, last);
      last = item.sequence;
    }
  }
  store->stop();
  EXPECT_EQ(order.size(), 200u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Gate, ObserversSeeEverySegmentOnceAndCountRefusals) {
  World world;
  Recorder recorder;
  const auto store = world.open(world.options(), &recorder);
  world.set_up(*store);
  auto items = world.charges(2);
  items[1].usages[0].amount = base::Amount(101);  // above the commitment's maximum
  const api::BatchReceipt receipt = world.submit(*store, items);
  EXPECT_EQ(receipt.items.at(0).status, Status::ok);
  EXPECT_EQ(receipt.items.at(1).status, Status::charge_above_maximum);
  EXPECT_EQ(receipt.items.at(1).limit, base::Amount(100));
  EXPECT_EQ(store->service().submit_and_wait(core::SetPayer{world.actors.payer(9), "x", {"none"}}).result.status,
            Status::not_found);
  store->stop();
  EXPECT_EQ(recorder.refused(Status::charge_above_maximum), 1u);
  EXPECT_EQ(recorder.refused(Status::not_found), 1u);
  const auto segments = recorder.segments();
  std::uint64_t number = 2;  // the genesis segment is written before anybody listens
  for (const auto& segment : segments) EXPECT_EQ(segment->header.number.value, number++);
  EXPECT_EQ(store->reader().head().value().last_segment.value, number - 1);
  EXPECT_EQ(core::hash_of(segments.back()->header), store->reader().head().value().last_segment_hash);
}

TEST(Gate, NothingIsWrittenWhenNothingWasDecided) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  const core::LedgerHead before = store->reader().head().value();
  auto items = world.charges(1);
  items[0].usages[0].amount = base::Amount(101);
  const api::BatchReceipt receipt = world.submit(*store, items);
  EXPECT_EQ(receipt.items.at(0).status, Status::charge_above_maximum);
  EXPECT_FALSE(receipt.segment.valid());
  EXPECT_EQ(store->reader().head().value().last_segment, before.last_segment);
}

TEST(Gate, ABatchThatIsRefusedAsAWholeDecidesNothing) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  auto batch = world.actors.batch(0, world.next_batch++, world.charges(2));
  batch.header.root.bytes[0] ^= 1;
  const api::BatchReceipt receipt = world.send(*store, world.actors.verify(std::move(batch))).get();
  EXPECT_EQ(receipt.status, Status::batch_signature_wrong);
  EXPECT_TRUE(receipt.items.empty());
}

// Nine times as many keys as stay in memory: early ones must be found on disk, late ones in memory.
class Replay : public testing::TestWithParam<bool> {};

TEST_P(Replay, TheSameItemsGiveTheFirstResultForEver) {
  const bool restart = GetParam();
  World world;
  StoreOptions options = world.options();
  options.recent_replay_keys = 32;
  auto store = world.open(options);
  world.set_up(*store);
  std::vector<std::vector<commitments::tab::Item>> batches;
  std::vector<api::BatchReceipt> first;
  for (int i = 0; i < 30; ++i) {
    batches.push_back(world.charges(10, 0, false));
    first.push_back(world.submit_trusted(*store, batches.back()));
  }
  if (restart) {
    store.reset();
    store = world.open(options);
  }
  const core::Sequence head = store->reader().head().value().last_sequence;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const api::BatchReceipt again = world.submit_trusted(*store, batches[i]);
    ASSERT_EQ(again.items.size(), 10u);
    for (std::size_t j = 0; j < 10; ++j) {
      EXPECT_EQ(again.items[j].status, Status::already_accepted) << i << ", " << j;
      EXPECT_EQ(again.items[j].sequence, first[i].items[j].sequence);
    }
    auto other = batches[i];
    for (auto& item : other) item.usages[0].amount = base::Amount(11);
    for (const core::ItemResult& item : world.submit_trusted(*store, other).items)
      EXPECT_EQ(item.status, Status::nonce_conflict);
  }
  EXPECT_EQ(store->reader().head().value().last_sequence, head);
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfterRestart, Replay, testing::Bool());

TEST(Gate, AnswersOverloadedAtOnceWhenTheQueueIsFull) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  // A callback that waits holds the committer, so nothing leaves the queue.
  std::promise<void> release;
  std::shared_future<void> released(release.get_future());
  std::promise<void> blocked;
  store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(1, 0, false)),
                          [&](api::BatchReceipt) {
                            blocked.set_value();
                            released.wait();
                          });
  blocked.get_future().wait();
  std::atomic<std::size_t> overloaded{0}, accepted{0}, submitted{0};
  constexpr std::size_t kItems = 512;
  const std::size_t most =
      2 * base::limits::kIngestQueueItemsMax / kItems + 2 * base::limits::kSegmentEntriesMax / kItems;
  while (submitted < most) {
    ++submitted;
    store->service().submit(world.actors.trusted(0, world.next_batch++, world.charges(kItems, 0, false)),
                            [&](api::BatchReceipt receipt) {
                              if (receipt.status == Status::overloaded) {
                                EXPECT_GT(receipt.retry_after_ms, 0u);
                                ++overloaded;
                              } else {
                                ++accepted;
                              }
                            });
  }
  EXPECT_GT(overloaded, 0u) << "the queue has no bound";
  EXPECT_EQ(accepted, 0u) << "nothing can have been answered yet";
  release.set_value();
  store->stop();
  EXPECT_EQ(overloaded + accepted, submitted);
}

TEST(Gate, AFullCommandQueueIsOverloadedToo) {
  World world;
  const auto store = world.open();
  std::promise<void> release;
  std::shared_future<void> released(release.get_future());
  std::promise<void> blocked;
  store->service().submit(core::CloseDue{1}, [&](api::CommandReceipt) {
    blocked.set_value();
    released.wait();
  });
  blocked.get_future().wait();
  std::atomic<std::size_t> overloaded{0}, answered{0};
  // The writer may take what is queued once or twice before it has to wait for the committer.
  for (std::size_t i = 0; i < 4 * base::limits::kCommandQueueMax; ++i) {
    store->service().submit(core::SetStanding{world.actors.payer(0), core::Standing::active, ""},
                            [&](api::CommandReceipt receipt) {
                              ++answered;
                              if (receipt.result.status == Status::overloaded) ++overloaded;
                            });
  }
  EXPECT_GT(overloaded, 0u);
  release.set_value();
  store->stop();
  EXPECT_EQ(answered, 4 * base::limits::kCommandQueueMax);
}

TEST(Gate, WindowsCloseWhenTheirTimeComes) {
  World world;
  const auto store = world.open();
  world.set_up(*store, 600);  // more than two slices
  std::vector<commitments::tab::Item> items;
  for (std::uint64_t payer = 0; payer < 600; ++payer) items.push_back(world.charges(1, payer, false).front());
  ASSERT_EQ(world.submit_trusted(*store, items).items.at(599).status, Status::ok);
  EXPECT_TRUE(store->reader().statements(core::StatementId(), 10).value().empty());
  world.clock.advance(24 * 3600);
  // The timers run on the writer's own; wait for their effect.
  for (int i = 0; i < 500 && store->reader().head().value().statements < 600; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(store->reader().head().value().statements, 600u);
  const auto statements = store->reader().statements(core::StatementId(598), 10).value();
  ASSERT_EQ(statements.size(), 2u);
  EXPECT_EQ(statements[0].net, base::Amount(10));
}

TEST(Gate, HoldsExpireWhenTheirTimeComes) {
  World world;
  const auto store = world.open();
  world.set_up(*store);
  SingleSpec spec;
  spec.maximum = 500;
  spec.nonce = 77;
  spec.valid_before = world.clock.now().seconds() + 10;
  ASSERT_EQ(world.submit(*store, {world.actors.hold(spec)}).items.at(0).status, Status::ok);
  EXPECT_EQ(store->reader().tally(core::PayerId(1), kUsdc).value().held, base::Amount(500));
  world.clock.advance(10);
  for (int i = 0; i < 500 && !store->reader().tally(core::PayerId(1), kUsdc).value().held.is_zero(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(store->reader().tally(core::PayerId(1), kUsdc).value().held.is_zero());
  EXPECT_EQ(world.submit(*store, {world.actors.capture(spec)}).items.at(0).status, Status::hold_expired);
}

}  // namespace
}  // namespace ledger::store
