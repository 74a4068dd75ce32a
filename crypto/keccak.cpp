#include "crypto/keccak.h"

#include <array>
#include <bit>
#include <cstring>

// Keccak-f[1600] (FIPS 202, section 3.2) on 25 lanes of 64 bits. The lane in column x and row y is a[x + 5 * y]. The
// round is written out, because the compiler then keeps the lanes in registers instead of walking tables.

namespace crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "lanes are loaded from bytes as they are");

constexpr std::size_t kRateBytes = 136;  // 1600 bits less twice the 256 bits of the digest
constexpr std::size_t kRateLanes = kRateBytes / 8;

using Lanes = std::array<std::uint64_t, 25>;

constexpr std::array<std::uint64_t, 24> kRoundConstants = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// Chi on one row: each lane takes in the next one, negated, where the one after it is set.
inline void chi(Lanes& to, std::size_t row, std::uint64_t b0, std::uint64_t b1, std::uint64_t b2, std::uint64_t b3,
                std::uint64_t b4) noexcept {
  to[row + 0] = b0 ^ (~b1 & b2);
  to[row + 1] = b1 ^ (~b2 & b3);
  to[row + 2] = b2 ^ (~b3 & b4);
  to[row + 3] = b3 ^ (~b4 & b0);
  to[row + 4] = b4 ^ (~b0 & b1);
}

// One round from `a` to `e`: theta, then rho, pi and chi row by row, then iota.
inline void round(const Lanes& a, Lanes& e, std::uint64_t constant) noexcept {
  using std::rotl;
  const std::uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
  const std::uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
  const std::uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
  const std::uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
  const std::uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
  const std::uint64_t d0 = c4 ^ rotl(c1, 1);
  const std::uint64_t d1 = c0 ^ rotl(c2, 1);
  const std::uint64_t d2 = c1 ^ rotl(c3, 1);
  const std::uint64_t d3 = c2 ^ rotl(c4, 1);
  const std::uint64_t d4 = c3 ^ rotl(c0, 1);
  chi(e, 0, a[0] ^ d0, rotl(a[6] ^ d1, 44), rotl(a[12] ^ d2, 43), rotl(a[18] ^ d3, 21), rotl(a[24] ^ d4, 14));
  e[0] ^= constant;
  chi(e, 5, rotl(a[3] ^ d3, 28), rotl(a[9] ^ d4, 20), rotl(a[10] ^ d0, 3), rotl(a[16] ^ d1, 45), rotl(a[22] ^ d2, 61));
  chi(e, 10, rotl(a[1] ^ d1, 1), rotl(a[7] ^ d2, 6), rotl(a[13] ^ d3, 25), rotl(a[19] ^ d4, 8), rotl(a[20] ^ d0, 18));
  chi(e, 15, rotl(a[4] ^ d4, 27), rotl(a[5] ^ d0, 36), rotl(a[11] ^ d1, 10), rotl(a[17] ^ d2, 15),
      rotl(a[23] ^ d3, 56));
  chi(e, 20, rotl(a[2] ^ d2, 62), rotl(a[8] ^ d3, 55), rotl(a[14] ^ d4, 39), rotl(a[15] ^ d0, 41), rotl(a[21] ^ d1, 2));
}

void permute(Lanes& a) noexcept {
  Lanes e;
  for (std::size_t i = 0; i < kRoundConstants.size(); i += 2) {
    round(a, e, kRoundConstants[i]);
    round(e, a, kRoundConstants[i + 1]);
  }
}

void absorb(Lanes& state, const std::uint8_t* block) noexcept {
  for (std::size_t i = 0; i < kRateLanes; ++i) {
    std::uint64_t lane = 0;
    std::memcpy(&lane, block + 8 * i, 8);
    state[i] ^= lane;
  }
  permute(state);
}

}  // namespace

base::Hash keccak256(base::ByteView data) noexcept {
  Lanes state{};
  while (data.size() >= kRateBytes) {
    absorb(state, data.data());
    data = data.subspan(kRateBytes);
  }
  std::array<std::uint8_t, kRateBytes> last{};
  if (!data.empty()) std::memcpy(last.data(), data.data(), data.size());
  last[data.size()] = 0x01;
  last[kRateBytes - 1] |= 0x80;
  absorb(state, last.data());
  base::Hash digest;
  std::memcpy(digest.data(), state.data(), digest.size());
  return digest;
}

}  // namespace crypto
