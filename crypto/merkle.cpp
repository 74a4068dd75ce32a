#include "crypto/merkle.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "crypto/sha256.h"

// RFC 6962 splits n leaves at the largest power of two below n. Working level by level, from left to right, and moving
// an odd last node up unchanged gives the same tree without recursion.

namespace crypto {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00;
constexpr std::uint8_t kNodePrefix = 0x01;

// Replaces the nodes of one level by those of the next.
void raise(std::vector<base::Hash>& level) {
  const std::size_t pairs = level.size() / 2;
  for (std::size_t i = 0; i < pairs; ++i) level[i] = merkle_node(level[2 * i], level[2 * i + 1]);
  if (level.size() % 2 != 0) level[pairs] = level.back();
  level.resize(pairs + level.size() % 2);
}

// Moves both positions up to the level where `a` is a right child, or the leftmost node.
void skip_left_children(std::uint64_t& a, std::uint64_t& b) noexcept {
  while (a != 0 && a % 2 == 0) {
    a >>= 1;
    b >>= 1;
  }
}

}  // namespace

base::Hash merkle_leaf(base::ByteView data) noexcept { return sha256({base::ByteView(&kLeafPrefix, 1), data}); }

base::Hash merkle_node(const base::Hash& left, const base::Hash& right) noexcept {
  std::array<std::uint8_t, 65> bytes;
  bytes[0] = kNodePrefix;
  std::memcpy(bytes.data() + 1, left.data(), 32);
  std::memcpy(bytes.data() + 33, right.data(), 32);
  return sha256(bytes);
}

base::Hash merkle_root(std::span<const base::Hash> leaves) {
  if (leaves.empty()) return sha256(base::ByteView{});
  std::vector<base::Hash> level(leaves.begin(), leaves.end());
  while (level.size() > 1) raise(level);
  return level.front();
}

std::vector<base::Hash> merkle_inclusion_proof(std::span<const base::Hash> leaves, std::uint64_t index) {
  CHECK(index < leaves.size());
  std::vector<base::Hash> proof;
  std::vector<base::Hash> level(leaves.begin(), leaves.end());
  while (level.size() > 1) {
    const std::uint64_t sibling = index ^ 1;
    if (sibling < level.size()) proof.push_back(level[sibling]);
    raise(level);
    index /= 2;
  }
  return proof;
}

// RFC 9162, 2.1.3.2 (the same trees as RFC 6962).
bool merkle_verify_inclusion(const base::Hash& leaf, std::uint64_t index, std::uint64_t tree_size,
                             std::span<const base::Hash> proof, const base::Hash& root) {
  if (index >= tree_size) return false;
  std::uint64_t node = index;
  std::uint64_t last = tree_size - 1;
  base::Hash hash = leaf;
  for (const base::Hash& sibling : proof) {
    if (last == 0) return false;
    if (node % 2 != 0 || node == last) {
      hash = merkle_node(sibling, hash);
      skip_left_children(node, last);
    } else {
      hash = merkle_node(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

std::vector<base::Hash> merkle_consistency_proof(std::span<const base::Hash> leaves, std::uint64_t old_size) {
  CHECK(old_size > 0 && old_size <= leaves.size());
  // SUBPROOF of RFC 6962, 2.1.2, from the root down; the proof lists the hashes from the bottom up.
  std::vector<base::Hash> proof;
  bool is_old_tree = true;  // whether the verifier knows the hash of this subtree, as it is the whole old tree
  while (old_size < leaves.size()) {
    const std::size_t split = std::bit_floor(leaves.size() - 1);
    if (old_size <= split) {
      proof.push_back(merkle_root(leaves.subspan(split)));
      leaves = leaves.first(split);
    } else {
      proof.push_back(merkle_root(leaves.first(split)));
      leaves = leaves.subspan(split);
      old_size -= split;
      is_old_tree = false;
    }
  }
  if (!is_old_tree) proof.push_back(merkle_root(leaves));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

// RFC 9162, 2.1.4.2.
bool merkle_verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const base::Hash& old_root,
                               const base::Hash& new_root, std::span<const base::Hash> proof) {
  if (old_size == 0 || old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  std::uint64_t node = old_size - 1;
  std::uint64_t last = new_size - 1;
  while (node % 2 != 0) {
    node >>= 1;
    last >>= 1;
  }
  // A perfect old tree is itself the first node, so its hash is not sent.
  base::Hash start = old_root;
  if (!std::has_single_bit(old_size)) {
    if (proof.empty()) return false;
    start = proof.front();
    proof = proof.subspan(1);
  }
  base::Hash old_hash = start;
  base::Hash new_hash = start;
  for (const base::Hash& sibling : proof) {
    if (last == 0) return false;
    if (node % 2 != 0 || node == last) {
      old_hash = merkle_node(sibling, old_hash);
      new_hash = merkle_node(sibling, new_hash);
      skip_left_children(node, last);
    } else {
      new_hash = merkle_node(new_hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && new_hash == new_root;
}

void MerkleFrontier::append(const base::Hash& leaf) {
  peaks_.push_back(leaf);
  // Each trailing one of the old size is a perfect subtree as large as the one that has just been completed.
  for (std::uint64_t size = size_; size % 2 != 0; size >>= 1) {
    const base::Hash right = peaks_.back();
    peaks_.pop_back();
    peaks_.back() = merkle_node(peaks_.back(), right);
  }
  ++size_;
}

base::Hash MerkleFrontier::root() const {
  if (peaks_.empty()) return sha256(base::ByteView{});
  base::Hash hash = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i > 0; --i) hash = merkle_node(peaks_[i - 1], hash);
  return hash;
}

void MerkleFrontier::encode(base::Encoder& out) const {
  out.u64(size_);
  for (const base::Hash& peak : peaks_) out.fixed(peak);
}

std::optional<MerkleFrontier> MerkleFrontier::decode(base::Decoder& in) {
  MerkleFrontier result;
  result.size_ = in.u64();
  const int peaks = std::popcount(result.size_);
  for (int i = 0; i < peaks; ++i) result.peaks_.push_back(in.fixed<base::Hash>());
  if (!in.ok()) return std::nullopt;
  return result;
}

}  // namespace crypto
