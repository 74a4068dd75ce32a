#include "crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace crypto {
namespace {

TEST(Random, FillsEveryByte) {
  // A byte that stays zero 16 times in a row would be a hole (2^-128 by chance).
  std::vector<std::uint8_t> seen(1000, 0);
  for (int i = 0; i < 16; ++i) {
    std::vector<std::uint8_t> bytes(seen.size(), 0);
    random_bytes(bytes);
    for (std::size_t j = 0; j < seen.size(); ++j) seen[j] = static_cast<std::uint8_t>(seen[j] | bytes[j]);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0);
}

TEST(Random, NumbersDiffer) {
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.insert(random_u64());
  EXPECT_EQ(numbers.size(), 100u);
}

TEST(Random, NothingIsAskedForNothing) { random_bytes({}); }

}  // namespace
}  // namespace crypto
