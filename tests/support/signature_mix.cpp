#include "tests/support/signature_mix.h"

#include <cstring>

#include "base/check.h"
#include "crypto/keccak.h"

namespace support {
namespace {

const Scalar kOrder{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                     0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41}};

Scalar difference(const Scalar& a, const Scalar& b) {
  Scalar result;
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = int{a.bytes[i]} - int{b.bytes[i]} - borrow;
    borrow = digit < 0 ? 1 : 0;
    result.bytes[i] = static_cast<std::uint8_t>(digit + 256 * borrow);
  }
  return result;
}

}  // namespace

Scalar scalar_sum(const Scalar& a, const Scalar& b) {
  Scalar result;
  int carry = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = int{a.bytes[i]} + int{b.bytes[i]} + carry;
    carry = digit >> 8;
    result.bytes[i] = static_cast<std::uint8_t>(digit & 0xff);
  }
  return carry != 0 || result >= kOrder ? difference(result, kOrder) : result;
}

Scalar scalar_negation(const Scalar& a) { return a.is_zero() ? a : difference(kOrder, a); }

crypto::SignatureCheck reference_check(const crypto::VerifyItem& item, const crypto::PublicKey& key) {
  const crypto::Recovered recovered = crypto::recover(item.digest, item.signature);
  if (recovered.check != crypto::SignatureCheck::ok) return recovered.check;
  return recovered.key == key ? crypto::SignatureCheck::ok : crypto::SignatureCheck::wrong;
}

SignatureMix::SignatureMix(std::uint64_t seed, std::size_t keys, std::size_t pool) : random_(seed) {
  for (std::size_t i = 0; i < keys; ++i) {
    Scalar secret;
    if (i % 4 == 3) {
      secret = scalar_negation(secret_keys_.back().reveal());
    } else {
      const std::uint64_t number = seed * 1'000'003 + i;
      base::FixedBytes<8> bytes;
      std::memcpy(bytes.data(), &number, sizeof number);
      secret = crypto::keccak256(bytes.view());
    }
    if (i == 0) secret = base::fixed_from_bytes<Scalar>(base::from_hex(std::string(63, '0') + "1").value()).value();
    std::optional<crypto::SecretKey> key = crypto::SecretKey::from_bytes(secret.view());
    CHECK(key.has_value());
    secret_keys_.push_back(std::move(*key));
    public_keys_.push_back(secret_keys_.back().public_key());
  }
  for (std::size_t i = 0; i < pool; ++i) {
    Good good;
    const std::uint64_t number = random_();
    base::FixedBytes<8> bytes;
    std::memcpy(bytes.data(), &number, sizeof number);
    good.digest = crypto::keccak256(bytes.view());
    good.key = draw(keys);
    good.signature = secret_keys_[good.key].sign(good.digest);
    pool_.push_back(good);
  }
}

crypto::VerifyItem SignatureMix::next(double bad_share) {
  const Good& good = pool_[draw(pool_.size())];
  crypto::VerifyItem item{good.digest, good.signature, secret_keys_[good.key].address(), &public_keys_[good.key]};
  if (static_cast<double>(draw(1'000'000)) < bad_share * 1e6) spoil(item);
  return item;
}

// Not everything that this does makes a bad signature; the reference says what it made.
void SignatureMix::spoil(crypto::VerifyItem& item) {
  const auto flip = [&](std::size_t begin, std::size_t bytes) {
    item.signature.bytes[begin + draw(bytes)] ^= static_cast<std::uint8_t>(1u << draw(8));
  };
  const auto put = [&](std::size_t begin, const Scalar& number) {
    std::memcpy(item.signature.data() + begin, number.data(), number.size());
  };
  Scalar s;
  std::memcpy(s.data(), item.signature.data() + 32, s.size());
  Scalar r;
  std::memcpy(r.data(), item.signature.data(), r.size());
  const auto small = [&] {
    Scalar number;
    number.bytes[31] = static_cast<std::uint8_t>(draw(20));
    return number;
  };
  switch (draw(14)) {
    case 0: flip(0, 32); break;                          // r: half of these are no point's x
    case 1: flip(32, 32); break;                         // s
    case 2: item.signature.bytes[64] ^= 27 ^ 28; break;  // the other R
    case 3: item.signature.bytes[64] = static_cast<std::uint8_t>(draw(256)); break;
    case 4: item.digest.bytes[draw(32)] ^= static_cast<std::uint8_t>(1u << draw(8)); break;
    case 5: item.key = &public_keys_[draw(public_keys_.size())]; break;
    case 6: put(32, scalar_negation(s)); break;  // high s, v as it was
    case 7: put(0, small()); break;              // 0 too
    case 8: put(32, small()); break;
    case 9: put(0, scalar_negation(small())); break;  // near n
    case 10: put(32, kOrder); break;
    case 11: item.digest = scalar_sum(item.digest, s); break;                   // off by exactly G
    case 12: item.digest = scalar_sum(item.digest, scalar_negation(s)); break;  // off by exactly -G
    default: item.digest = scalar_negation(r); break;                           // u1 G + u2 Q is infinity for the key 1
  }
}

}  // namespace support
