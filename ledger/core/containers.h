#pragma once

// Small containers for millions of objects: none ever moves an object or stalls on one big copy.

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/check.h"

namespace ledger::core {

// Grows in chunks, so that references stay valid and growth never copies.
template <typename T>
class ChunkedVector {
 public:
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t index) noexcept { return chunks_[index / kChunk][index % kChunk]; }
  const T& operator[](std::size_t index) const noexcept { return chunks_[index / kChunk][index % kChunk]; }
  T& emplace_back() {
    if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return (*this)[size_++];
  }

 private:
  static constexpr std::size_t kChunk = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t size_ = 0;
};

// Finds a number (from 1 on) by a hash and a test for equality: open addressing over 4-byte slots. Split into parts
// that grow one at a time, so that growth never stops the writer for more than moments. Nothing is ever removed.
class NumberIndex {
 public:
  template <typename Equal>
  std::uint32_t find(std::uint64_t hash, const Equal& equal) const {
    const Part& part = parts_[hash >> kPartShift];
    if (part.slots.empty()) return 0;
    const std::size_t mask = part.slots.size() - 1;
    for (std::size_t slot = hash & mask; part.slots[slot] != 0; slot = (slot + 1) & mask) {
      if (equal(part.slots[slot])) return part.slots[slot];
    }
    return 0;
  }

  // `number` must not be in the index. `hash_of(number)` gives the hash of one that is.
  template <typename HashOf>
  void insert(std::uint64_t hash, std::uint32_t number, const HashOf& hash_of) {
    CHECK(number != 0);
    Part& part = parts_[hash >> kPartShift];
    if (4 * (part.used + 1) > 3 * part.slots.size()) {
      std::vector<std::uint32_t> old(part.slots.empty() ? kFirstSlots : 2 * part.slots.size());
      old.swap(part.slots);
      for (const std::uint32_t present : old) {
        if (present != 0) place(part, hash_of(present), present);
      }
    }
    place(part, hash, number);
    ++part.used;
  }

 private:
  static constexpr std::size_t kParts = 64;
  static constexpr unsigned kPartShift = 58;  // the six highest bits choose the part, the lowest the slot
  static constexpr std::size_t kFirstSlots = 16;

  struct Part {
    std::vector<std::uint32_t> slots;
    std::size_t used = 0;
  };

  static void place(Part& part, std::uint64_t hash, std::uint32_t number) {
    const std::size_t mask = part.slots.size() - 1;
    std::size_t slot = hash & mask;
    while (part.slots[slot] != 0) slot = (slot + 1) & mask;
    part.slots[slot] = number;
  }

  std::array<Part, kParts> parts_;
};

// A map by number in many parts, so that growing one part is quick. Numbers are given in order, so a run of them shares
// a part: the parts grow one after the other and never all at once.
template <typename Value>
class ShardedMap {
 public:
  Value* find(std::uint64_t key) {
    auto& shard = shard_of(key);
    const auto at = shard.find(key);
    return at == shard.end() ? nullptr : &at->second;
  }
  const Value* find(std::uint64_t key) const { return const_cast<ShardedMap*>(this)->find(key); }
  Value& operator[](std::uint64_t key) { return shard_of(key)[key]; }
  void erase(std::uint64_t key) { shard_of(key).erase(key); }
  std::size_t size() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) total += shard.size();
    return total;
  }
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const auto& shard : shards_) {
      for (const auto& [key, value] : shard) visit(key, value);
    }
  }

 private:
  static constexpr std::size_t kShards = 256;
  static constexpr std::size_t kRun = 1024;
  std::unordered_map<std::uint64_t, Value>& shard_of(std::uint64_t key) { return shards_[key / kRun % kShards]; }
  std::array<std::unordered_map<std::uint64_t, Value>, kShards> shards_;
};

}  // namespace ledger::core
