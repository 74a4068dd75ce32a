#include "ledger/ingest/verify_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/limits.h"
#include "crypto/batch.h"
#include "tests/support/actors.h"
#include "tests/support/skip.h"

namespace ledger::ingest {
namespace {

using base::Status;

// Remembers what arrives; answers at once, or when told to.
class FakeLedger final : public api::LedgerService {
 public:
  void submit(commitments::tab::VerifiedBatch batch, api::BatchDone done) override {
    std::unique_lock lock(mutex_);
    numbers_.push_back(batch.header().number);
    std::vector<Status> statuses;
    for (const auto& item : batch.items()) statuses.push_back(item.status());
    statuses_.push_back(std::move(statuses));
    if (holding_) {
      held_.push_back(std::move(done));
      return;
    }
    lock.unlock();
    done(api::BatchReceipt{});
  }
  void submit(core::Command, api::CommandDone done) override { done({}); }

  void hold() { holding_ = true; }
  void release() {
    std::vector<api::BatchDone> held;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      held.swap(held_);
    }
    for (const api::BatchDone& done : held) done(api::BatchReceipt{});
  }
  std::vector<std::uint64_t> numbers() const {
    const std::lock_guard lock(mutex_);
    return numbers_;
  }
  std::vector<std::vector<Status>> statuses() const {
    const std::lock_guard lock(mutex_);
    return statuses_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> numbers_;
  std::vector<std::vector<Status>> statuses_;
  std::vector<api::BatchDone> held_;
  std::atomic<bool> holding_{false};
};

class Counter final : public api::Observer {
 public:
  void on_refused(Status status, std::size_t count) override {
    const std::lock_guard lock(mutex_);
    refused[status] += count;
  }
  void on_queue_depth(std::string_view queue, std::size_t items) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(queue, "verify");
    depths.push_back(items);
  }
  std::mutex mutex_;
  std::map<Status, std::size_t> refused;
  std::vector<std::size_t> depths;
};

// Counts answers and lets a test wait for a number of them.
class Answers {
 public:
  api::BatchDone next() {
    return [this](const api::BatchReceipt& receipt) {
      const std::lock_guard lock(mutex_);
      receipts_.push_back(receipt);
      changed_.notify_all();
    };
  }
  std::vector<api::BatchReceipt> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return receipts_.size() >= count; });
    return receipts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<api::BatchReceipt> receipts_;
};

// Keeps the one thread of a pool from its work, from the constructor to release() or the end.
class HeldThread {
 public:
  explicit HeldThread(api::IngestService& pool) {
    const bool taken = pool.run(1, [state = state_] {
      state->begun = true;
      const std::lock_guard lock(state->mutex);
    });
    EXPECT_TRUE(taken);
    while (taken && !state_->begun) std::this_thread::yield();
  }
  void release() { gate_.unlock(); }

 private:
  struct State {
    std::mutex mutex;
    std::atomic<bool> begun{false};
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_lock<std::mutex> gate_{state_->mutex};
};

class VerifyPool : public testing::Test {
 protected:
  std::unique_ptr<api::IngestService> make(std::size_t queue_items_max = 0, unsigned threads = 3) {
    VerifyPoolOptions options;
    options.threads = threads;
    options.queue_items_max = queue_items_max;
    options.key_cache_entries = 1024;
    options.together = together;
    options.figures = figures;
    return make_verify_pool(
        actors.domain(), [this] { return actors.assets(); }, ledger, &counter, options);
  }
  commitments::tab::UnverifiedBatch batch(std::uint64_t number, std::size_t items, std::uint64_t server = 0) {
    std::vector<commitments::tab::Item> list;
    for (std::size_t i = 0; i < items; ++i) list.push_back(actors.charge({.payer = i % 3, .nonce = next_nonce++}));
    return actors.batch(server, number, std::move(list));
  }

  bool together = true;
  const std::shared_ptr<VerifyFigures> figures = std::make_shared<VerifyFigures>();
  support::Actors actors;
  FakeLedger ledger;
  Counter counter;
  Answers answers;
  base::u128 next_nonce = 1;
  std::uint64_t sent = 1;
};

TEST_F(VerifyPool, ForwardsBatchesOfAllSizesInTheOrderOfTheCalls) {
  const auto pool = make();
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    pool->submit(batch(number, number % 5 == 0 ? 150 : number % 3), answers.next());  // 0 items are refused
    if (number % 3 != 0 || number % 5 == 0) numbers.push_back(number);
  }
  answers.wait_for(40);
  EXPECT_EQ(ledger.numbers(), numbers);
  EXPECT_EQ(pool->domain().network, support::kNetwork);
}

TEST_F(VerifyPool, EveryItemIsCheckedOnItsOwn) {
  const auto pool = make();
  commitments::tab::UnverifiedBatch mixed = batch(1, 100);
  mixed.items[70].signature.bytes[10] ^= 1;
  mixed.items[99].signature.bytes[64] = 0;
  // Signatures are not part of the batch's leaves, so the server's signature still holds.
  pool->submit(mixed, answers.next());
  answers.wait_for(1);
  const std::vector<std::vector<Status>> statuses = ledger.statuses();
  ASSERT_EQ(statuses.size(), 1u);
  for (std::size_t i = 0; i < 100; ++i) {
    const Status expected = i == 70 ? Status::signature_wrong : i == 99 ? Status::signature_bad_v : Status::ok;
    EXPECT_EQ(statuses[0][i], expected) << i;
  }
}

TEST_F(VerifyPool, ABatchThatIsRefusedAsAWholeDoesNotReachTheLedger) {
  const auto pool = make();
  commitments::tab::UnverifiedBatch wrong_root = batch(1, 3);
  wrong_root.header.root.bytes[0] ^= 1;
  commitments::tab::UnverifiedBatch wrong_network = batch(2, 3);
  wrong_network.network = "other:tab";
  pool->submit(wrong_root, answers.next());
  pool->submit(wrong_network, answers.next());
  pool->submit(batch(3, 3), answers.next());
  const auto receipts = answers.wait_for(3);
  EXPECT_EQ(receipts[0].status, Status::batch_signature_wrong);
  EXPECT_EQ(receipts[1].status, Status::domain_wrong);
  EXPECT_EQ(receipts[2].status, Status::ok);
  EXPECT_EQ(ledger.numbers(), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(counter.refused[Status::batch_signature_wrong], 3u);
  EXPECT_EQ(counter.refused[Status::domain_wrong], 3u);
}

TEST_F(VerifyPool, SaysOverloadedAtOnceAndRecovers) {
  ledger.hold();
  const auto pool = make(10);
  pool->submit(batch(1, 8), answers.next());
  std::atomic<bool> refused{false};
  pool->submit(batch(2, 3), [&](const api::BatchReceipt& receipt) {
    EXPECT_EQ(receipt.status, Status::overloaded);
    EXPECT_GT(receipt.retry_after_ms, 0u);
    refused = true;
  });
  EXPECT_TRUE(refused) << "the answer has to come before submit() returns";
  pool->submit(batch(3, 2), answers.next());
  while (ledger.numbers().size() < 2) std::this_thread::yield();
  ledger.release();
  answers.wait_for(2);
  EXPECT_EQ(counter.refused[Status::overloaded], 3u);
  pool->submit(batch(4, 10), answers.next());
  EXPECT_EQ(answers.wait_for(3)[2].status, Status::ok);
  EXPECT_EQ(ledger.numbers(), (std::vector<std::uint64_t>{1, 3, 4}));
  const std::lock_guard lock(counter.mutex_);
  EXPECT_EQ(counter.depths.back(), 0u);
}

TEST_F(VerifyPool, ABatchLargerThanTheBoundIsAdmittedWhenNothingWaits) {
  const auto pool = make(10);
  pool->submit(batch(1, 50), answers.next());
  EXPECT_EQ(answers.wait_for(1)[0].status, Status::ok);
}

TEST_F(VerifyPool, AnswersEverythingWhenItStops) {
  auto pool = make(0, 1);
  constexpr std::size_t kBatches = 20;
  for (std::uint64_t number = 1; number <= kBatches; ++number) pool->submit(batch(number, 64), answers.next());
  pool.reset();
  const auto receipts = answers.wait_for(kBatches);
  ASSERT_EQ(receipts.size(), kBatches);
  std::size_t stopped = 0;
  for (const api::BatchReceipt& receipt : receipts) {
    EXPECT_TRUE(receipt.status == Status::ok || receipt.status == Status::shutting_down);
    stopped += receipt.status == Status::shutting_down;
  }
  EXPECT_EQ(ledger.numbers().size() + stopped, kBatches);
}

TEST_F(VerifyPool, TakesBatchesFromManyThreads) {
  const auto pool = make();
  std::vector<std::vector<commitments::tab::UnverifiedBatch>> prepared(4);
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    for (std::uint64_t i = 0; i < 25; ++i) prepared[thread].push_back(batch(thread * 1000 + i, 1 + i % 40));
  }
  std::vector<std::thread> threads;
  for (auto& batches : prepared) {
    threads.emplace_back([&] {
      for (auto& each : batches) pool->submit(std::move(each), answers.next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  answers.wait_for(100);
  // Each caller's batches arrive in its order.
  std::map<std::uint64_t, std::uint64_t> last;
  const std::vector<std::uint64_t> numbers = ledger.numbers();
  ASSERT_EQ(numbers.size(), 100u);
  for (const std::uint64_t number : numbers) {
    const auto [at, first] = last.emplace(number / 1000, number);
    if (!first) {
      EXPECT_GT(number, at->second);
      at->second = number;
    }
  }
}

// Every good item is admitted and every wrong one named, however the threads cut and mix what waits.
TEST_F(VerifyPool, NamesTheWrongOnesAmongManyServers) {
  const auto pool = make();
  std::map<std::uint64_t, std::vector<Status>> expected;
  std::vector<commitments::tab::UnverifiedBatch> prepared;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    commitments::tab::UnverifiedBatch made = batch(number, 1 + number * 7 % 90, number % 4);
    std::vector<Status>& statuses = expected[number];
    statuses.resize(made.items.size(), Status::ok);
    for (std::size_t i = 0; i < made.items.size(); ++i) {
      if (number % 4 != 1 || (i + number) % 3 != 0) continue;  // only server 1 is hostile
      made.items[i].signature.bytes[64] ^= 27 ^ 28;
      statuses[i] = Status::signature_wrong;
    }
    prepared.push_back(std::move(made));
  }
  for (commitments::tab::UnverifiedBatch& each : prepared) pool->submit(std::move(each), answers.next());
  answers.wait_for(60);
  const std::vector<std::uint64_t> numbers = ledger.numbers();
  const std::vector<std::vector<Status>> statuses = ledger.statuses();
  ASSERT_EQ(numbers.size(), 60u);
  std::map<std::uint64_t, std::uint64_t> last;  // by server
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(statuses[i], expected[numbers[i]]) << numbers[i];
    EXPECT_GT(numbers[i], last[numbers[i] % 4]) << "the batches of a server keep their order";
    last[numbers[i] % 4] = numbers[i];
  }
  if (!figures->together) return;
  EXPECT_EQ(figures->singled_out, 1u);
  EXPECT_GT(figures->checks, 0u);
}

// Servers that were singled out have half of the room, and each of them as much as they all leave free. What they send
// beyond that is refused, and neither crowds out the others nor a further server of their kind.
class SingledOut : public VerifyPool {
 protected:
  void SetUp() override {
    if (!crypto::batch_verification_built())
      SKIP_LOUDLY("this build checks signatures one by one: tools/setup.sh fetches the sources of libsecp256k1");
    pool = make(0, 1);
    for (const std::uint64_t server : {1u, 2u}) {
      commitments::tab::UnverifiedBatch wrong = batch(1, 64, server);
      for (auto& item : wrong.items) item.signature.bytes[64] ^= 27 ^ 28;
      pool->submit(std::move(wrong), answers.next());
    }
    answers.wait_for(2);
    ASSERT_EQ(figures->singled_out, 2u);
    held.emplace(*pool);
  }
  void TearDown() override {
    held.reset();
    pool.reset();
  }
  // Sends so many batches of 1,024 while the one thread is held; gives how many of them were refused at once.
  std::size_t refused(std::size_t batches, std::uint64_t server) {
    const std::size_t before = counter.refused[Status::overloaded];
    for (std::size_t i = 0; i < batches; ++i) pool->submit(large_batch(server), [](const api::BatchReceipt&) {});
    return (counter.refused[Status::overloaded] - before) / base::limits::kBatchItemsMax;
  }
  // Its root is wrong, which nobody looks at while the thread is held; so one signature does for all items.
  commitments::tab::UnverifiedBatch large_batch(std::uint64_t server) {
    commitments::tab::UnverifiedBatch made = batch(++number, 1, server);
    made.items.resize(base::limits::kBatchItemsMax, made.items.front());
    return made;
  }

  std::unique_ptr<api::IngestService> pool;
  std::optional<HeldThread> held;
  std::uint64_t number = 1;
};

TEST_F(SingledOut, OneServerFillsHalfOfTheirBound) {
  EXPECT_EQ(refused(12, 1), 4u) << "with 8 of 16 it has as much as is free";
  EXPECT_EQ(refused(16, 3), 0u) << "a server in good standing";
}

TEST_F(SingledOut, SeveralServersShareTheirBound) {
  EXPECT_EQ(refused(5, 1), 0u);
  EXPECT_EQ(refused(7, 2), 1u) << "6 fit beside 5 of another";
  EXPECT_EQ(refused(2, 1), 2u) << "5 are free, and it has as many";
  EXPECT_EQ(refused(16, 3), 0u) << "a server in good standing";
}

// What waits is checked together, whoever sent it, and more of it at once the more there is.
TEST_F(VerifyPool, ChecksGrowWithWhatWaits) {
  if (!crypto::batch_verification_built())
    SKIP_LOUDLY("this build checks signatures one by one: tools/setup.sh fetches the sources of libsecp256k1");
  const auto pool = make(0, 1);
  pool->submit(batch(1, 3), answers.next());  // from here on the keys are known
  answers.wait_for(1);
  const auto checks_for = [&](std::size_t batches, std::size_t items) {
    HeldThread held(*pool);
    const std::uint64_t before = figures->checks;
    for (std::size_t i = 0; i < batches; ++i) pool->submit(batch(++sent, items, i % 4), answers.next());
    held.release();
    answers.wait_for(sent);
    return figures->checks - before;
  };
  EXPECT_EQ(checks_for(2, 10), 1u);
  EXPECT_EQ(checks_for(8, 64), 2u) << "256 at once";
  EXPECT_EQ(checks_for(3, 1024), 4u + 4u) << "512 at once until no more than 1,024 wait, then 256";
  const std::vector<std::vector<Status>> statuses = ledger.statuses();
  EXPECT_EQ(statuses.size(), sent);
  for (const std::vector<Status>& each : statuses) EXPECT_EQ(each, std::vector(each.size(), Status::ok));
}

TEST_F(VerifyPool, OneByOneWhenSwitchedOff) {
  together = false;
  const auto pool = make();
  pool->submit(batch(1, 300), answers.next());
  answers.wait_for(1);
  EXPECT_FALSE(figures->together);
  EXPECT_EQ(figures->checks, 0u);
  EXPECT_EQ(figures->single_items, 300u + 1u) << "each item, and the signature of the server";
}

TEST_F(VerifyPool, OtherWorkTakesTurnsWithBatches) {
  const auto pool = make();
  std::atomic<int> worked{0};
  for (std::uint64_t number = 1; number <= 20; ++number) {
    pool->submit(batch(number, 32), answers.next());
    ASSERT_TRUE(pool->run(32, [&worked] { ++worked; }));
  }
  EXPECT_EQ(answers.wait_for(20).size(), 20u);
  for (int i = 0; i < 10'000 && worked < 20; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(worked, 20);
}

TEST_F(VerifyPool, OtherWorkIsBoundedAndDroppedAtTheEnd) {
  auto pool = make(10, 1);
  std::mutex gate;
  gate.lock();
  std::atomic<bool> begun{false};
  std::atomic<int> worked{0};
  ASSERT_TRUE(pool->run(4, [&] {
    begun = true;
    const std::lock_guard lock(gate);
  }));
  while (!begun) std::this_thread::yield();
  EXPECT_TRUE(pool->run(6, [&worked] { ++worked; }));
  EXPECT_FALSE(pool->run(1, [&worked] { ++worked; })) << "11 signatures would wait";
  std::thread stopping([&pool] { pool.reset(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  gate.unlock();
  stopping.join();
  EXPECT_LE(worked, 1);
}

}  // namespace
}  // namespace ledger::ingest
