#pragma once

// ECDSA over secp256k1 with Ethereum's conventions. The only code that includes libsecp256k1.
// All functions are pure and safe from any thread.

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace crypto {

// An uncompressed point, already decoded and on the curve (x || y in the library's internal form: do not store it).
struct PublicKey {
  base::FixedBytes<64> opaque;
  auto operator<=>(const PublicKey&) const = default;
};
using CompressedPublicKey = base::FixedBytes<33>;  // SEC 1, 2.3.3

base::Address address_of(const PublicKey& key);
CompressedPublicKey compress(const PublicKey& key);
std::optional<PublicKey> decompress(const CompressedPublicKey& bytes);

// A private key. Wiped when destroyed; not copyable; never printed.
class SecretKey {
 public:
  // Empty if the number is zero or not below the group order.
  static std::optional<SecretKey> from_bytes(base::ByteView bytes32);
  // From the operating system's random source.
  static SecretKey generate();
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey();

  PublicKey public_key() const;
  base::Address address() const;
  // Deterministic (RFC 6979), low s, v = 27 or 28.
  base::Signature sign(const base::Hash& digest) const;
  // For writing a key file and nothing else.
  base::FixedBytes<32> reveal() const { return bytes_; }

 private:
  SecretKey() = default;
  base::FixedBytes<32> bytes_;
  base::Address address_;  // computed once: a multiplication on the curve
};

enum class SignatureCheck : std::uint8_t {
  ok = 0,
  wrong = 1,         // well-formed, and not made by the expected signer
  high_s = 2,        // s > n/2 (EIP-2)
  bad_v = 3,         // not 27 or 28
  out_of_range = 4,  // r or s is 0 or >= n
};

// Recovers the signer's key (SEC 1, 4.1.6). Refuses what SignatureCheck names before any curve work.
struct Recovered {
  SignatureCheck check;
  PublicKey key;  // valid when check == ok
};
Recovered recover(const base::Hash& digest, const base::Signature& signature);

// One signature to check. With `key` (which must belong to `signer`) the check costs about 15 % less than recovery, and
// crypto/batch.h can check many at once. Without `key` the signer is recovered, compared with `signer`, and returned in
// `recovered`. Either way v must be the right one, as for a chain.
struct VerifyItem {
  base::Hash digest;
  base::Signature signature;
  base::Address signer;
  const PublicKey* key = nullptr;
};
struct VerifyAnswer {
  SignatureCheck check = SignatureCheck::wrong;
  std::optional<PublicKey> recovered;  // set when the key was not known and the check is ok
};

// Answers every item, in order, each checked by itself.
void verify(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers);

}  // namespace crypto
