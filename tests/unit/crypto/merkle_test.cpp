#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/sha256.h"

namespace crypto {
namespace {

constexpr std::size_t kSizes = 70;  // past 64, so that every shape of six levels and the first of seven are there

std::vector<base::Hash> numbered_leaves(std::size_t count) {
  std::vector<base::Hash> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    const std::array<std::uint8_t, 2> data = {static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    leaves.push_back(merkle_leaf(data));
  }
  return leaves;
}

// The definition of RFC 6962, 2.1, word for word: split at the largest power of two below n.
base::Hash definition(std::span<const base::Hash> leaves) {
  if (leaves.empty()) return sha256(base::ByteView{});
  if (leaves.size() == 1) return leaves[0];
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return merkle_node(definition(leaves.first(split)), definition(leaves.subspan(split)));
}

// The test data of the Certificate Transparency project's own Merkle tree tests.
class Reference : public testing::Test {
 protected:
  Reference() {
    for (const char* hex :
         {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
      leaves.push_back(merkle_leaf(base::from_hex(hex).value()));
    }
  }
  static std::vector<base::Hash> hashes(std::initializer_list<const char*> texts) {
    std::vector<base::Hash> result;
    for (const char* text : texts) result.push_back(base::hash_from_hex(text).value());
    return result;
  }
  std::vector<base::Hash> leaves;
  const std::vector<base::Hash> roots = hashes({"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"});
};

TEST_F(Reference, EmptyTree) {
  EXPECT_EQ(base::to_hex(merkle_root({})), "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(Reference, Roots) {
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    EXPECT_EQ(merkle_root(std::span(leaves).first(size)), roots[size - 1]) << "size " << size;
  }
}

TEST_F(Reference, InclusionProofs) {
  EXPECT_EQ(merkle_inclusion_proof(leaves, 0),
            hashes({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(merkle_inclusion_proof(leaves, 5),
            hashes({"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(merkle_inclusion_proof(std::span(leaves).first(3), 2),
            hashes({"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
}

TEST_F(Reference, ConsistencyProofs) {
  EXPECT_EQ(merkle_consistency_proof(leaves, 6),
            hashes({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(merkle_consistency_proof(std::span(leaves).first(5), 2),
            hashes({"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
  EXPECT_TRUE(merkle_consistency_proof(leaves, 8).empty());
}

TEST(Merkle, LeavesAndNodesHaveDifferentPrefixes) {
  const std::vector<base::Hash> leaves = numbered_leaves(2);
  base::Bytes joined(leaves[0].bytes.begin(), leaves[0].bytes.end());
  joined.insert(joined.end(), leaves[1].bytes.begin(), leaves[1].bytes.end());
  EXPECT_NE(merkle_leaf(joined), merkle_node(leaves[0], leaves[1]));
}

TEST(Merkle, RootIsTheDefinitionForAllSizes) {
  const std::vector<base::Hash> leaves = numbered_leaves(kSizes);
  for (std::size_t size = 0; size <= kSizes; ++size) {
    const std::span part = std::span(leaves).first(size);
    ASSERT_EQ(merkle_root(part), definition(part)) << "size " << size;
  }
}

TEST(Merkle, EveryInclusionProofHoldsAndOnlyThat) {
  const std::vector<base::Hash> all = numbered_leaves(kSizes);
  for (std::size_t size = 1; size <= kSizes; ++size) {
    const std::span leaves = std::span(all).first(size);
    const base::Hash root = merkle_root(leaves);
    for (std::size_t index = 0; index < size; ++index) {
      std::vector<base::Hash> proof = merkle_inclusion_proof(leaves, index);
      ASSERT_TRUE(merkle_verify_inclusion(leaves[index], index, size, proof, root)) << index << " of " << size;
      // Another leaf, position, size or root.
      EXPECT_FALSE(merkle_verify_inclusion(all[(index + 1) % kSizes], index, size, proof, root));
      EXPECT_FALSE(merkle_verify_inclusion(leaves[index], size, size, proof, root));
      if (size > 1) {
        EXPECT_FALSE(merkle_verify_inclusion(leaves[index], (index + 1) % size, size, proof, root));
        EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index ^ 1, size, proof, root));
      }
      EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index, 2 * size + 1, proof, root));
      EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index, size, proof, all[index]) && size > 1);
      // A changed, missing or additional hash.
      for (base::Hash& hash : proof) {
        hash.bytes[31] ^= 1;
        EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index, size, proof, root));
        hash.bytes[31] ^= 1;
      }
      proof.push_back(root);
      EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index, size, proof, root));
      proof.pop_back();
      if (proof.empty()) continue;
      proof.pop_back();
      EXPECT_FALSE(merkle_verify_inclusion(leaves[index], index, size, proof, root));
    }
  }
}

TEST(Merkle, EveryConsistencyProofHoldsAndOnlyThat) {
  const std::vector<base::Hash> leaves = numbered_leaves(kSizes);
  std::vector<base::Hash> roots;
  for (std::size_t size = 0; size <= kSizes; ++size) roots.push_back(merkle_root(std::span(leaves).first(size)));
  for (std::size_t size = 1; size <= kSizes; ++size) {
    for (std::size_t old_size = 1; old_size <= size; ++old_size) {
      std::vector<base::Hash> proof = merkle_consistency_proof(std::span(leaves).first(size), old_size);
      ASSERT_TRUE(merkle_verify_consistency(old_size, size, roots[old_size], roots[size], proof))
          << old_size << " in " << size;
      EXPECT_FALSE(merkle_verify_consistency(old_size, size, roots[old_size - 1], roots[size], proof));
      EXPECT_FALSE(merkle_verify_consistency(old_size, size, roots[old_size], roots[size - 1], proof));
      EXPECT_FALSE(merkle_verify_consistency(0, size, roots[0], roots[size], proof));
      EXPECT_FALSE(merkle_verify_consistency(size + 1, size, roots[old_size], roots[size], proof));
      for (base::Hash& hash : proof) {
        hash.bytes[0] ^= 0x80;
        EXPECT_FALSE(merkle_verify_consistency(old_size, size, roots[old_size], roots[size], proof));
        hash.bytes[0] ^= 0x80;
      }
      proof.push_back(roots[old_size]);
      EXPECT_FALSE(merkle_verify_consistency(old_size, size, roots[old_size], roots[size], proof));
      proof.pop_back();
      if (proof.empty()) continue;
      proof.pop_back();
      EXPECT_FALSE(merkle_verify_consistency(old_size, size, roots[old_size], roots[size], proof));
    }
  }
}

TEST(Merkle, AnEmptyTreeHasNoMembers) {
  EXPECT_FALSE(merkle_verify_inclusion(numbered_leaves(1)[0], 0, 0, {}, merkle_root({})));
}

TEST(MerkleFrontier, RootIsThatOfTheWholeTreeForAllSizes) {
  const std::vector<base::Hash> leaves = numbered_leaves(300);
  MerkleFrontier frontier;
  for (std::size_t size = 0; size < leaves.size(); ++size) {
    ASSERT_EQ(frontier.size(), size);
    ASSERT_EQ(frontier.root(), merkle_root(std::span(leaves).first(size))) << "size " << size;
    frontier.append(leaves[size]);
  }
}

TEST(MerkleFrontier, ContinuesAfterDecoding) {
  const std::vector<base::Hash> leaves = numbered_leaves(kSizes);
  MerkleFrontier frontier;
  for (const base::Hash& leaf : leaves) {
    base::Bytes bytes;
    base::Encoder out(bytes);
    frontier.encode(out);
    EXPECT_EQ(bytes.size(), 8 + 32 * static_cast<std::size_t>(__builtin_popcountll(frontier.size())));
    base::Decoder in(bytes);
    std::optional<MerkleFrontier> decoded = MerkleFrontier::decode(in);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_TRUE(in.complete());
    EXPECT_EQ(*decoded, frontier);
    decoded->append(leaf);
    frontier.append(leaf);
    EXPECT_EQ(decoded->root(), frontier.root());
  }
}

TEST(MerkleFrontier, RefusesTruncatedBytes) {
  MerkleFrontier frontier;
  for (const base::Hash& leaf : numbered_leaves(7)) frontier.append(leaf);
  base::Bytes bytes;
  base::Encoder out(bytes);
  frontier.encode(out);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    base::Decoder in(base::ByteView(bytes).first(size));
    EXPECT_FALSE(MerkleFrontier::decode(in).has_value()) << size;
  }
  // A size whose peaks are not there must not make it allocate or read beyond.
  const base::Bytes huge(8, 0xff);
  base::Decoder in(huge);
  EXPECT_FALSE(MerkleFrontier::decode(in).has_value());
}

TEST(MerkleDeathTest, ProofsNeedAMember) {
  const std::vector<base::Hash> leaves = numbered_leaves(3);
  EXPECT_DEATH((void)merkle_inclusion_proof(leaves, 3), "index");
  EXPECT_DEATH((void)merkle_consistency_proof(leaves, 0), "old_size");
  EXPECT_DEATH((void)merkle_consistency_proof(leaves, 4), "old_size");
}

}  // namespace
}  // namespace crypto
