#pragma once

// Merkle trees over SHA-256 as in RFC 6962, section 2.1: leaf = SHA-256(0x00 || data), node = SHA-256(0x01 || l || r).
// The root of no leaves is SHA-256 of the empty string.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/codec.h"

namespace crypto {

base::Hash merkle_leaf(base::ByteView data) noexcept;
base::Hash merkle_node(const base::Hash& left, const base::Hash& right) noexcept;

// Root over leaf hashes.
base::Hash merkle_root(std::span<const base::Hash> leaves);

// Proof that leaf `index` is in the tree over `leaves` (RFC 6962, 2.1.1). index < leaves.size().
std::vector<base::Hash> merkle_inclusion_proof(std::span<const base::Hash> leaves, std::uint64_t index);
bool merkle_verify_inclusion(const base::Hash& leaf, std::uint64_t index, std::uint64_t tree_size,
                             std::span<const base::Hash> proof, const base::Hash& root);

// Proof that the tree over the first `old_size` leaves is a prefix of the tree over all (RFC 6962, 2.1.2).
// 0 < old_size <= leaves.size().
std::vector<base::Hash> merkle_consistency_proof(std::span<const base::Hash> leaves, std::uint64_t old_size);
bool merkle_verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const base::Hash& old_root,
                               const base::Hash& new_root, std::span<const base::Hash> proof);

// A tree that only grows, kept as the roots of its perfect subtrees: at most 64 hashes whatever the size.
class MerkleFrontier {
 public:
  void append(const base::Hash& leaf);
  std::uint64_t size() const noexcept { return size_; }
  base::Hash root() const;

  // u64 size, then popcount(size) hashes, largest subtree first.
  void encode(base::Encoder& out) const;
  // Empty if the bytes are malformed.
  static std::optional<MerkleFrontier> decode(base::Decoder& in);
  bool operator==(const MerkleFrontier&) const = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<base::Hash> peaks_;  // one for each set bit of size_, largest first
};

}  // namespace crypto
