#include <algorithm>

#include "base/check.h"
#include "commitments/tab/verify.h"
#include "crypto/random.h"

// Each shard keeps its keys in one dense array, and finds them through an open-addressed index of positions (linear
// probing, at most half full). Both grow by doubling, so a cache costs memory only for the keys that it has seen. A
// full shard replaces keys by second chance: the hand clears the mark of a key that was used since it last came by, and
// replaces the first key without a mark.

namespace commitments::tab {
namespace {

constexpr std::uint32_t kEmpty = UINT32_MAX;
constexpr std::size_t kFirstIndexSize = 16;

struct Entry {
  Address address;
  crypto::PublicKey key;
  bool used = false;
};

}  // namespace

struct alignas(64) KeyCache::Shard {
  std::mutex mutex;  // guards all that follows
  std::vector<Entry> entries;
  std::vector<std::uint32_t> index = std::vector<std::uint32_t>(kFirstIndexSize, kEmpty);
  std::size_t hand = 0;

  // Position in the index of `address`, or of the empty place where it belongs.
  std::size_t locate(const Address& address, std::uint64_t hash) const {
    const std::size_t mask = index.size() - 1;
    std::size_t place = hash & mask;
    while (index[place] != kEmpty && entries[index[place]].address != address) place = (place + 1) & mask;
    return place;
  }

  void grow(std::uint64_t seed) {
    index.assign(index.size() * 2, kEmpty);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t hash = base::mix_bytes(entries[i].address.view(), seed);
      index[locate(entries[i].address, hash)] = static_cast<std::uint32_t>(i);
    }
  }

  // Empties a place of the index and moves later members of its run up, so that no run has a gap.
  void unlink(std::size_t place, std::uint64_t seed) {
    const std::size_t mask = index.size() - 1;
    std::size_t hole = place;
    for (std::size_t next = (place + 1) & mask; index[next] != kEmpty; next = (next + 1) & mask) {
      const std::size_t home = base::mix_bytes(entries[index[next]].address.view(), seed) & mask;
      // Whether `home` is outside (hole, next], cyclically: then the member may stand in the hole.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        index[hole] = index[next];
        hole = next;
      }
    }
    index[hole] = kEmpty;
  }

  // The entry to replace; removed from the index.
  std::uint32_t evict(std::uint64_t seed) {
    while (entries[hand].used) {
      entries[hand].used = false;
      hand = (hand + 1) % entries.size();
    }
    const std::size_t victim = hand;
    hand = (hand + 1) % entries.size();
    unlink(locate(entries[victim].address, base::mix_bytes(entries[victim].address.view(), seed)), seed);
    return static_cast<std::uint32_t>(victim);
  }
};

// The upper bits choose the shard and the lower ones the place in it.
KeyCache::Shard& KeyCache::shard_of(std::uint64_t hash) const noexcept { return shards_[hash >> 58]; }

KeyCache::KeyCache(std::size_t capacity)
    : capacity_per_shard_(std::max<std::size_t>(1, capacity / kShards)),
      seed_(crypto::random_u64()),
      shards_(std::make_unique<Shard[]>(kShards)) {
  static_assert(kShards == 64, "shard_of takes 6 bits");
  CHECK_MSG(capacity_per_shard_ < kEmpty / 4, "positions are 32 bits wide");
}

KeyCache::~KeyCache() = default;

std::optional<crypto::PublicKey> KeyCache::find(const Address& address) const {
  const std::uint64_t hash = base::mix_bytes(address.view(), seed_);
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  const std::size_t place = shard.locate(address, hash);
  if (shard.index[place] == kEmpty) return std::nullopt;
  Entry& entry = shard.entries[shard.index[place]];
  entry.used = true;
  return entry.key;
}

void KeyCache::insert(const Address& address, const crypto::PublicKey& key) {
  const std::uint64_t hash = base::mix_bytes(address.view(), seed_);
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  if (shard.index[shard.locate(address, hash)] != kEmpty) return;  // an address has only one key
  std::uint32_t position = 0;
  if (shard.entries.size() < capacity_per_shard_) {
    if (2 * (shard.entries.size() + 1) > shard.index.size()) shard.grow(seed_);
    position = static_cast<std::uint32_t>(shard.entries.size());
    shard.entries.emplace_back();
  } else {
    position = shard.evict(seed_);
  }
  shard.entries[position] = {address, key, false};
  shard.index[shard.locate(address, hash)] = position;
}

}  // namespace commitments::tab
