#include "ledger/core/containers.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace ledger::core {
namespace {

TEST(ChunkedVector, KeepsReferences) {
  ChunkedVector<int> numbers;
  int& first = numbers.emplace_back();
  first = 7;
  for (int i = 1; i < 5000; ++i) numbers.emplace_back() = i;
  EXPECT_EQ(&first, &numbers[0]);
  EXPECT_EQ(first, 7);
  EXPECT_EQ(numbers.size(), 5000u);
  EXPECT_EQ(numbers[4999], 4999);
}

TEST(NumberIndex, FindsEachOfMany) {
  const auto hash_of = [](std::uint32_t number) {
    const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
                                   static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 24)};
    return base::mix_bytes(bytes, 42);
  };
  NumberIndex index;
  constexpr std::uint32_t kCount = 20'000;
  for (std::uint32_t number = 1; number <= kCount; ++number) {
    EXPECT_EQ(index.find(hash_of(number), [&](std::uint32_t n) { return n == number; }), 0u);
    index.insert(hash_of(number), number, hash_of);
  }
  for (std::uint32_t number = 1; number <= kCount; ++number) {
    EXPECT_EQ(index.find(hash_of(number), [&](std::uint32_t n) { return n == number; }), number);
  }
}

TEST(NumberIndex, CollisionsAreToldApart) {
  NumberIndex index;
  const auto hash_of = [](std::uint32_t) { return std::uint64_t{5}; };
  for (std::uint32_t number = 1; number <= 100; ++number) index.insert(5, number, hash_of);
  for (std::uint32_t number = 1; number <= 100; ++number) {
    EXPECT_EQ(index.find(5, [&](std::uint32_t n) { return n == number; }), number);
  }
  EXPECT_EQ(index.find(5, [](std::uint32_t) { return false; }), 0u);
}

}  // namespace
}  // namespace ledger::core
