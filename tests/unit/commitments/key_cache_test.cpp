#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "commitments/tab/verify.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

// The cache does not look into its values: an address and a key that belong together only by their number.
Address address_of(std::uint64_t number) {
  Address address;
  std::memcpy(address.data(), support::test_hash(number).data(), address.size());
  return address;
}
crypto::PublicKey key_of(std::uint64_t number) {
  crypto::PublicKey key;
  std::memcpy(key.opaque.data(), support::test_hash(number + 1'000'000).data(), 32);
  return key;
}

std::size_t count_found(const KeyCache& cache, std::uint64_t begin, std::uint64_t end) {
  std::size_t found = 0;
  for (std::uint64_t i = begin; i < end; ++i) {
    const std::optional<crypto::PublicKey> key = cache.find(address_of(i));
    if (!key) continue;
    EXPECT_EQ(*key, key_of(i)) << i;
    ++found;
  }
  return found;
}

TEST(KeyCache, FindsWhatWasInserted) {
  KeyCache cache(64 * 1024);
  EXPECT_FALSE(cache.find(address_of(1)).has_value());
  for (std::uint64_t i = 0; i < 5000; ++i) cache.insert(address_of(i), key_of(i));
  EXPECT_EQ(count_found(cache, 0, 5000), 5000u);
  EXPECT_EQ(count_found(cache, 5000, 6000), 0u);
}

TEST(KeyCache, InsertingAgainChangesNothing) {
  KeyCache cache(64);
  for (int i = 0; i < 10; ++i) cache.insert(address_of(1), key_of(1));
  EXPECT_EQ(count_found(cache, 1, 2), 1u);
}

TEST(KeyCache, StaysWithinItsCapacityAndNeverGivesAnotherKey) {
  constexpr std::uint64_t kCapacity = 640;
  KeyCache cache(kCapacity);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    cache.insert(address_of(i), key_of(i));
    ASSERT_TRUE(cache.find(address_of(i)).has_value()) << "the key inserted last is there";
  }
  const std::size_t found = count_found(cache, 0, 20'000);
  EXPECT_LE(found, kCapacity);
  EXPECT_GT(found, kCapacity / 2);
}

TEST(KeyCache, KeepsKeysThatAreInUse) {
  KeyCache cache(64 * 8);
  for (std::uint64_t i = 0; i < 64; ++i) cache.insert(address_of(i), key_of(i));
  std::size_t lost = 0;
  for (std::uint64_t i = 1000; i < 6000; ++i) {
    cache.insert(address_of(i), key_of(i));
    const std::uint64_t used = i % 4;  // four keys in constant use
    if (!cache.find(address_of(used))) {
      ++lost;
      cache.insert(address_of(used), key_of(used));
    }
  }
  EXPECT_EQ(lost, 0u);
}

TEST(KeyCache, SmallestCapacity) {
  KeyCache cache(0);
  for (std::uint64_t i = 0; i < 1000; ++i) cache.insert(address_of(i), key_of(i));
  EXPECT_EQ(count_found(cache, 0, 1000), 64u);  // one for each shard
}

TEST(KeyCache, SafeFromSeveralThreads) {
  KeyCache cache(256);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &wrong, t] {
      for (std::uint64_t i = 0; i < 4000; ++i) {
        const std::uint64_t number = (i * (t + 1)) % 512;
        cache.insert(address_of(number), key_of(number));
        const std::optional<crypto::PublicKey> key = cache.find(address_of((number * 7) % 512));
        if (key && *key != key_of((number * 7) % 512)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace commitments::tab
