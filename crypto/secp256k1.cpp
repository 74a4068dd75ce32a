#include "crypto/secp256k1.h"

#include <string.h>  // explicit_bzero

#include <algorithm>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "crypto/random.h"
#include "crypto/secp256k1_internal.h"
#ifdef TABD_BATCH_VERIFICATION
#include "crypto/curve.h"
#endif

namespace crypto {
namespace {

static_assert(sizeof(secp256k1_pubkey) == sizeof(PublicKey));

// The group order n and n/2 rounded down, big-endian (SEC 2, 2.4.1).
constexpr std::array<std::uint8_t, 32> kOrder = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                                 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
constexpr std::array<std::uint8_t, 32> kHalfOrder = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                     0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                                     0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};
constexpr std::array<std::uint8_t, 32> kZero{};

// Verification, recovery and encoding need no tables of their own: the library's static context is immutable and may be
// used from any thread. The library asks for its self test before the first use of that context.
const secp256k1_context* verify_context() noexcept {
  static const secp256k1_context* const context = [] {
    secp256k1_selftest();
    return secp256k1_context_static;
  }();
  return context;
}

// Signing needs a context that was made at run time; it is blinded once against side channels and never changes after.
const secp256k1_context* sign_context() {
  static const secp256k1_context* const context = [] {
    secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    CHECK(made != nullptr);
    std::array<std::uint8_t, 32> seed;
    random_bytes(seed);
    CHECK(secp256k1_context_randomize(made, seed.data()) == 1);
    explicit_bzero(seed.data(), seed.size());
    return made;
  }();
  return context;
}

secp256k1_pubkey to_library(const PublicKey& key) noexcept {
  secp256k1_pubkey result;
  std::memcpy(result.data, key.opaque.data(), sizeof(result.data));
  return result;
}

PublicKey from_library(const secp256k1_pubkey& key) noexcept {
  PublicKey result;
  std::memcpy(result.opaque.data(), key.data, sizeof(key.data));
  return result;
}

int compare(const std::uint8_t* number, const std::array<std::uint8_t, 32>& bound) noexcept {
  return std::memcmp(number, bound.data(), bound.size());
}

}  // namespace

SignatureCheck check_form(const base::Signature& signature) noexcept {
  const std::uint8_t* r = signature.data();
  const std::uint8_t* s = signature.data() + 32;
  const std::uint8_t v = signature.bytes[64];
  if (v != 27 && v != 28) return SignatureCheck::bad_v;
  if (compare(r, kZero) == 0 || compare(r, kOrder) >= 0) return SignatureCheck::out_of_range;
  if (compare(s, kZero) == 0 || compare(s, kOrder) >= 0) return SignatureCheck::out_of_range;
  if (compare(s, kHalfOrder) > 0) return SignatureCheck::high_s;
  return SignatureCheck::ok;
}

// The library's own verification looks at the x of R alone and would take either v. Without the library's sources at
// hand the key is recovered, which needs the right v.
SignatureCheck verify_with_key(const VerifyItem& item) {
  CHECK(item.key != nullptr);
  const SignatureCheck form = check_form(item.signature);
  if (form != SignatureCheck::ok) return form;
#ifdef TABD_BATCH_VERIFICATION
  const PointBytes point = coordinates(*item.key);
  const bool good = tabd_curve_verify(item.digest.data(), item.signature.data(), point.data()) == 1;
#else
  const Recovered recovered = recover(item.digest, item.signature);
  const bool good = recovered.check == SignatureCheck::ok && recovered.key == *item.key;
#endif
  return good ? SignatureCheck::ok : SignatureCheck::wrong;
}

PointBytes coordinates(const PublicKey& key) {
  const secp256k1_pubkey point = to_library(key);
  std::array<std::uint8_t, 65> bytes;
  std::size_t size = bytes.size();
  CHECK(secp256k1_ec_pubkey_serialize(verify_context(), bytes.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED) == 1);
  PointBytes result;
  std::memcpy(result.data(), bytes.data() + 1, result.size());
  return result;
}

base::Address address_of(const PublicKey& key) {
  const base::Hash hash = keccak256(coordinates(key).view());
  base::Address address;
  std::memcpy(address.data(), hash.data() + 12, address.size());
  return address;
}

CompressedPublicKey compress(const PublicKey& key) {
  const secp256k1_pubkey point = to_library(key);
  CompressedPublicKey bytes;
  std::size_t size = bytes.size();
  CHECK(secp256k1_ec_pubkey_serialize(verify_context(), bytes.data(), &size, &point, SECP256K1_EC_COMPRESSED) == 1);
  return bytes;
}

std::optional<PublicKey> decompress(const CompressedPublicKey& bytes) {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(verify_context(), &point, bytes.data(), bytes.size()) != 1) return std::nullopt;
  return from_library(point);
}

std::optional<SecretKey> SecretKey::from_bytes(base::ByteView bytes32) {
  if (bytes32.size() != 32) return std::nullopt;
  if (secp256k1_ec_seckey_verify(verify_context(), bytes32.data()) != 1) return std::nullopt;
  SecretKey key;
  std::memcpy(key.bytes_.data(), bytes32.data(), key.bytes_.size());
  key.address_ = address_of(key.public_key());
  return key;
}

SecretKey SecretKey::generate() {
  SecretKey key;
  do {
    random_bytes(key.bytes_.bytes);
  } while (secp256k1_ec_seckey_verify(verify_context(), key.bytes_.data()) != 1);
  key.address_ = address_of(key.public_key());
  return key;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_), address_(other.address_) {
  explicit_bzero(other.bytes_.data(), other.bytes_.size());
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    address_ = other.address_;
    explicit_bzero(other.bytes_.data(), other.bytes_.size());
  }
  return *this;
}

SecretKey::~SecretKey() { explicit_bzero(bytes_.data(), bytes_.size()); }

PublicKey SecretKey::public_key() const {
  secp256k1_pubkey point;
  CHECK_MSG(secp256k1_ec_pubkey_create(sign_context(), &point, bytes_.data()) == 1, "the key was moved away");
  return from_library(point);
}

base::Address SecretKey::address() const {
  CHECK_MSG(!bytes_.is_zero(), "the key was moved away");
  return address_;
}

base::Signature SecretKey::sign(const base::Hash& digest) const {
  secp256k1_ecdsa_recoverable_signature signature;
  CHECK_MSG(
      secp256k1_ecdsa_sign_recoverable(sign_context(), &signature, digest.data(), bytes_.data(), nullptr, nullptr) == 1,
      "the key was moved away");
  base::Signature result;
  int recovery_id = 0;
  CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(verify_context(), result.data(), &recovery_id,
                                                                &signature) == 1);
  // Ids 2 and 3 mean that R's x is not below n. Nobody has ever met one (2^-128), and v cannot carry it.
  CHECK(recovery_id == 0 || recovery_id == 1);
  result.bytes[64] = static_cast<std::uint8_t>(27 + recovery_id);
  return result;
}

Recovered recover(const base::Hash& digest, const base::Signature& signature) {
  const SignatureCheck form = check_form(signature);
  if (form != SignatureCheck::ok) return {form, {}};
  secp256k1_ecdsa_recoverable_signature parsed;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(verify_context(), &parsed, signature.data(),
                                                          signature.bytes[64] - 27) != 1)
    return {SignatureCheck::out_of_range, {}};
  secp256k1_pubkey point;
  // Fails when r is no point's x coordinate, or when the key would be the point at infinity.
  if (secp256k1_ecdsa_recover(verify_context(), &point, &parsed, digest.data()) != 1)
    return {SignatureCheck::wrong, {}};
  return {SignatureCheck::ok, from_library(point)};
}

void verify(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers) {
  CHECK(items.size() == answers.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const VerifyItem& item = items[i];
    VerifyAnswer& answer = answers[i];
    answer = {};
    if (item.key != nullptr) {
      answer.check = verify_with_key(item);
      continue;
    }
    const Recovered recovered = recover(item.digest, item.signature);
    answer.check = recovered.check;
    if (recovered.check != SignatureCheck::ok) continue;
    if (address_of(recovered.key) == item.signer) {
      answer.recovered = recovered.key;
    } else {
      answer.check = SignatureCheck::wrong;
    }
  }
}

}  // namespace crypto
