#include "crypto/keccak.h"

#include <gtest/gtest.h>

#include <cryptopp/keccak.h>

namespace crypto {
namespace {

base::Bytes pattern(std::size_t size, std::uint32_t seed) {
  base::Bytes bytes(size);
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

base::Hash oracle(const base::Bytes& bytes) {
  CryptoPP::Keccak_256 hash;
  base::Hash digest;
  hash.Update(bytes.data(), bytes.size());
  hash.Final(digest.data());
  return digest;
}

TEST(Keccak, KnownAnswers) {
  EXPECT_EQ(base::to_hex(keccak256({})), "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  const base::Bytes abc = {'a', 'b', 'c'};
  EXPECT_EQ(base::to_hex(keccak256(abc)), "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

TEST(Keccak, EqualsCryptoppForAllLengthsTo999) {
  for (std::uint32_t size = 0; size < 1000; ++size) {
    const base::Bytes bytes = pattern(size, size);
    ASSERT_EQ(keccak256(bytes), oracle(bytes)) << "length " << size;
  }
}

TEST(Keccak, EqualsCryptoppAroundEveryBlockEdgeWithExtremeBytes) {
  for (std::size_t block = 1; block <= 8; ++block) {
    for (std::size_t size = 136 * block - 2; size <= 136 * block + 2; ++size) {
      for (const int byte : {0x00, 0x01, 0x80, 0xff}) {
        const base::Bytes bytes(size, static_cast<std::uint8_t>(byte));
        ASSERT_EQ(keccak256(bytes), oracle(bytes)) << "length " << size << " of byte " << byte;
      }
    }
  }
}

TEST(Keccak, ReadsFromAnUnalignedAddress) {
  const base::Bytes bytes = pattern(300, 7);
  for (std::size_t offset = 0; offset < 8; ++offset) {
    const base::Bytes copy(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end());
    EXPECT_EQ(keccak256(base::ByteView(bytes).subspan(offset)), keccak256(copy));
  }
}

}  // namespace
}  // namespace crypto
