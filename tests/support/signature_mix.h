#pragma once

// Signatures good and bad in every way that we know of, drawn from a seed, and what the one reference says of each: the
// key that Debian's libsecp256k1 recovers, compared with the key that should have signed. That code shares nothing with
// what checks many at once. One thread.

#include <memory>
#include <random>
#include <vector>

#include "crypto/secp256k1.h"

namespace support {

// Numbers modulo the group order n, big-endian.
using Scalar = base::FixedBytes<32>;
Scalar scalar_sum(const Scalar& a, const Scalar& b);
Scalar scalar_negation(const Scalar& a);

// What checking `item` with `key` must say.
crypto::SignatureCheck reference_check(const crypto::VerifyItem& item, const crypto::PublicKey& key);

class SignatureMix {
 public:
  // The same seed gives the same signatures. `pool` good ones are made, of `keys` keys; some keys are negations of
  // others.
  SignatureMix(std::uint64_t seed, std::size_t keys, std::size_t pool);
  // A good one, or with the chance `bad_share` one that was changed. Its `key` lives as long as this.
  crypto::VerifyItem next(double bad_share);
  const std::vector<crypto::PublicKey>& keys() const { return public_keys_; }

 private:
  struct Good {
    base::Hash digest;
    base::Signature signature;
    std::size_t key = 0;
  };
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  void spoil(crypto::VerifyItem& item);

  std::mt19937_64 random_;
  std::vector<crypto::SecretKey> secret_keys_;
  std::vector<crypto::PublicKey> public_keys_;
  std::vector<Good> pool_;
};

}  // namespace support
