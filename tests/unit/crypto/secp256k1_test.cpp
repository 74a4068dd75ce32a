#include "crypto/secp256k1.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "crypto/keccak.h"

namespace crypto {
namespace {

constexpr std::string_view kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::string_view kOrderMinus1 = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
constexpr std::string_view kHalfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
constexpr std::string_view kHalfOrderPlus1 = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";
constexpr std::string_view kFieldPrime = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
constexpr std::string_view kFieldPrimeMinusOrder = "000000000000000000000000000000014551231950b75fc4402da1722fc9baee";
constexpr std::string_view kGeneratorX = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
constexpr std::string_view kZero = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kOne = "0000000000000000000000000000000000000000000000000000000000000001";
constexpr std::string_view kFive = "0000000000000000000000000000000000000000000000000000000000000005";
constexpr std::string_view kAllOnes = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

SecretKey key_from(std::string_view hex) {
  std::optional<SecretKey> key = SecretKey::from_bytes(base::from_hex(hex).value());
  EXPECT_TRUE(key.has_value());
  return std::move(*key);
}

// Anvil's and Hardhat's first and second accounts.
SecretKey first_key() { return key_from("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"); }
SecretKey second_key() { return key_from("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"); }

base::Hash digest_of(std::uint8_t number) { return keccak256(base::Bytes{number}); }

base::Signature signature_of(std::string_view r, std::string_view s, std::uint8_t v) {
  base::Bytes bytes = base::from_hex(r).value();
  const base::Bytes second = base::from_hex(s).value();
  bytes.insert(bytes.end(), second.begin(), second.end());
  bytes.push_back(v);
  return base::fixed_from_bytes<base::Signature>(bytes).value();
}

// The other signature over the same digest: (r, n - s) with v flipped.
base::Signature negated(base::Signature signature) {
  const base::Bytes order = base::from_hex(kOrder).value();
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int difference = int{order[i]} - int{signature.bytes[32 + i]} - borrow;
    borrow = difference < 0 ? 1 : 0;
    signature.bytes[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
  }
  signature.bytes[64] = signature.bytes[64] == 27 ? 28 : 27;
  return signature;
}

VerifyAnswer check(const base::Hash& digest, const base::Signature& signature, const base::Address& signer,
                   const PublicKey* key) {
  const VerifyItem item{digest, signature, signer, key};
  VerifyAnswer answer;
  verify({&item, 1}, {&answer, 1});
  return answer;
}

// Both ways of checking: with the signer's key at hand, and by recovery.
struct Both {
  SignatureCheck with_key;
  SignatureCheck by_recovery;
  bool operator==(const Both&) const = default;
};
Both check_both(const base::Hash& digest, const base::Signature& signature, const SecretKey& signer) {
  const PublicKey key = signer.public_key();
  return {check(digest, signature, signer.address(), &key).check,
          check(digest, signature, signer.address(), nullptr).check};
}
constexpr Both both(SignatureCheck answer) { return {answer, answer}; }

TEST(SecretKey, KnownAddresses) {
  EXPECT_EQ(base::to_hex(first_key().address()), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  EXPECT_EQ(base::to_hex(second_key().address()), "0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
  EXPECT_EQ(base::to_hex(key_from(kOne).address()), "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

TEST(SecretKey, RefusesNumbersOutOfRange) {
  EXPECT_FALSE(SecretKey::from_bytes(base::from_hex(kZero).value()).has_value());
  EXPECT_FALSE(SecretKey::from_bytes(base::from_hex(kOrder).value()).has_value());
  EXPECT_FALSE(SecretKey::from_bytes(base::from_hex(kAllOnes).value()).has_value());
  EXPECT_TRUE(SecretKey::from_bytes(base::from_hex(kOrderMinus1).value()).has_value());
  EXPECT_FALSE(SecretKey::from_bytes(base::Bytes(31, 1)).has_value());
  EXPECT_FALSE(SecretKey::from_bytes(base::Bytes(33, 1)).has_value());
  EXPECT_FALSE(SecretKey::from_bytes({}).has_value());
}

TEST(SecretKey, GeneratedKeysDifferAndSign) {
  const SecretKey a = SecretKey::generate();
  const SecretKey b = SecretKey::generate();
  EXPECT_NE(a.address(), b.address());
  EXPECT_EQ(check_both(digest_of(1), a.sign(digest_of(1)), a), both(SignatureCheck::ok));
  const SecretKey again = key_from(base::to_hex(a.reveal()));
  EXPECT_EQ(again.address(), a.address());
}

TEST(SecretKey, MovingWipesTheSource) {
  SecretKey a = first_key();
  const SecretKey b = std::move(a);
  EXPECT_TRUE(a.reveal().is_zero());  // NOLINT(bugprone-use-after-move): this is what the test is about
  EXPECT_EQ(b.address(), first_key().address());
  SecretKey c = second_key();
  SecretKey d = first_key();
  d = std::move(c);
  EXPECT_TRUE(c.reveal().is_zero());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(d.address(), second_key().address());
}

TEST(SecretKeyDeathTest, AMovedKeyDoesNotSign) {
  SecretKey a = first_key();
  const SecretKey b = std::move(a);
  EXPECT_DEATH((void)a.sign(digest_of(1)), "moved away");  // NOLINT(bugprone-use-after-move)
}

TEST(PublicKey, CompressionRoundTrip) {
  const PublicKey key = first_key().public_key();
  const CompressedPublicKey bytes = compress(key);
  EXPECT_EQ(base::to_hex(compress(key_from(kOne).public_key())),
            "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  ASSERT_TRUE(decompress(bytes).has_value());
  EXPECT_EQ(*decompress(bytes), key);
}

TEST(PublicKey, RefusesWhatIsNoPoint) {
  const auto with_prefix = [](std::uint8_t prefix, std::string_view x) {
    base::Bytes bytes = {prefix};
    const base::Bytes rest = base::from_hex(x).value();
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return decompress(base::fixed_from_bytes<CompressedPublicKey>(bytes).value());
  };
  EXPECT_TRUE(with_prefix(2, kGeneratorX).has_value());
  EXPECT_TRUE(with_prefix(3, kGeneratorX).has_value());
  EXPECT_FALSE(with_prefix(4, kGeneratorX).has_value());
  EXPECT_FALSE(with_prefix(0, kGeneratorX).has_value());
  EXPECT_FALSE(with_prefix(2, kFive).has_value());  // 5^3 + 7 is no square
  EXPECT_FALSE(with_prefix(2, kFieldPrime).has_value());
  EXPECT_FALSE(with_prefix(2, kAllOnes).has_value());
  EXPECT_FALSE(with_prefix(2, kZero).has_value());
}

TEST(Verify, GoodSignatures) {
  for (std::uint8_t i = 0; i < 20; ++i) {
    const base::Signature signature = first_key().sign(digest_of(i));
    EXPECT_TRUE(signature.bytes[64] == 27 || signature.bytes[64] == 28);
    EXPECT_EQ(check_both(digest_of(i), signature, first_key()), both(SignatureCheck::ok));
    EXPECT_EQ(signature, first_key().sign(digest_of(i))) << "RFC 6979 signatures repeat";
  }
}

TEST(Verify, RecoveryGivesTheKeyOnceItIsGood) {
  const base::Signature signature = first_key().sign(digest_of(1));
  const VerifyAnswer good = check(digest_of(1), signature, first_key().address(), nullptr);
  ASSERT_TRUE(good.recovered.has_value());
  EXPECT_EQ(*good.recovered, first_key().public_key());
  EXPECT_FALSE(check(digest_of(1), signature, second_key().address(), nullptr).recovered.has_value());
  const PublicKey key = first_key().public_key();
  EXPECT_FALSE(check(digest_of(1), signature, first_key().address(), &key).recovered.has_value());
}

TEST(Verify, OtherSignerOrDigest) {
  const base::Signature signature = first_key().sign(digest_of(1));
  EXPECT_EQ(check_both(digest_of(1), signature, second_key()), both(SignatureCheck::wrong));
  EXPECT_EQ(check_both(digest_of(2), signature, first_key()), both(SignatureCheck::wrong));
}

TEST(Verify, EveryChangedByteIsNoticed) {
  const base::Signature good = first_key().sign(digest_of(3));
  for (std::size_t i = 0; i < 64; ++i) {
    base::Signature changed = good;
    changed.bytes[i] ^= 0x01;
    const Both answers = check_both(digest_of(3), changed, first_key());
    EXPECT_NE(answers.with_key, SignatureCheck::ok) << "byte " << i;
    EXPECT_EQ(answers.with_key, answers.by_recovery) << "byte " << i;
  }
}

TEST(Verify, RAndSZeroOrNotBelowTheOrder) {
  const base::Signature good = first_key().sign(digest_of(4));
  const std::string hex = base::to_hex(good);
  const std::string r = hex.substr(2, 64);
  const std::string s = hex.substr(66, 64);
  const Both out_of_range = both(SignatureCheck::out_of_range);
  for (const std::string_view bad : {kZero, kOrder, kFieldPrime, kAllOnes}) {
    EXPECT_EQ(check_both(digest_of(4), signature_of(bad, s, 27), first_key()), out_of_range) << "r " << bad;
    EXPECT_EQ(check_both(digest_of(4), signature_of(r, bad, 27), first_key()), out_of_range) << "s " << bad;
    EXPECT_EQ(check_both(digest_of(4), signature_of(bad, bad, 28), first_key()), out_of_range) << "both " << bad;
  }
  EXPECT_EQ(check_both(digest_of(4), signature_of(kOrderMinus1, s, 27), first_key()), both(SignatureCheck::wrong));
  EXPECT_EQ(check_both(digest_of(4), signature_of(kOne, kOne, 27), first_key()), both(SignatureCheck::wrong));
}

TEST(Verify, HighS) {
  for (std::uint8_t i = 0; i < 10; ++i) {
    const base::Signature mirrored = negated(first_key().sign(digest_of(i)));
    EXPECT_EQ(check_both(digest_of(i), mirrored, first_key()), both(SignatureCheck::high_s));
    EXPECT_EQ(recover(digest_of(i), mirrored).check, SignatureCheck::high_s);
  }
  // The bound itself: n/2 rounded down is low, one more is high.
  EXPECT_EQ(check_both(digest_of(0), signature_of(kOne, kHalfOrder, 27), first_key()), both(SignatureCheck::wrong));
  EXPECT_EQ(check_both(digest_of(0), signature_of(kOne, kHalfOrderPlus1, 27), first_key()),
            both(SignatureCheck::high_s));
  EXPECT_EQ(check_both(digest_of(0), signature_of(kOne, kOrderMinus1, 27), first_key()), both(SignatureCheck::high_s));
}

TEST(Verify, OnlyV27And28) {
  base::Signature signature = first_key().sign(digest_of(5));
  for (int v = 0; v <= 255; ++v) {
    if (v == 27 || v == 28) continue;
    signature.bytes[64] = static_cast<std::uint8_t>(v);
    ASSERT_EQ(check_both(digest_of(5), signature, first_key()), both(SignatureCheck::bad_v)) << "v " << v;
  }
}

TEST(Verify, OrderOfTheChecks) {
  // v before range, range before high s, and all of them before the curve.
  EXPECT_EQ(check_both(digest_of(5), signature_of(kZero, kAllOnes, 0), first_key()), both(SignatureCheck::bad_v));
  EXPECT_EQ(check_both(digest_of(5), signature_of(kZero, kOrderMinus1, 27), first_key()),
            both(SignatureCheck::out_of_range));
  EXPECT_EQ(check_both(digest_of(5), signature_of(kFive, kOrderMinus1, 27), first_key()), both(SignatureCheck::high_s));
}

// The library's own verification would take either v beside a known key.
TEST(Verify, AFlippedVIsWrongBothWays) {
  base::Signature signature = first_key().sign(digest_of(6));
  signature.bytes[64] = signature.bytes[64] == 27 ? 28 : 27;
  EXPECT_EQ(check_both(digest_of(6), signature, first_key()), both(SignatureCheck::wrong));
}

TEST(Verify, RThatIsNoPointsX) {
  EXPECT_EQ(recover(digest_of(7), signature_of(kFive, kOne, 27)).check, SignatureCheck::wrong);
  EXPECT_EQ(check_both(digest_of(7), signature_of(kFive, kOne, 27), first_key()), both(SignatureCheck::wrong));
}

TEST(Verify, XNotBelowTheOrderNeedsARecoveryIdThatVCannotCarry) {
  // With the recovery ids 2 and 3, r stands for x = r + n: for r = p - n that is p, which is no field element; r = 1
  // stands for n + 1. Only v 29 and 30 could express these ids.
  for (const std::string_view r : {kFieldPrimeMinusOrder, kOne}) {
    for (const std::uint8_t v : {std::uint8_t{29}, std::uint8_t{30}}) {
      EXPECT_EQ(check_both(digest_of(7), signature_of(r, kOne, v), first_key()), both(SignatureCheck::bad_v));
    }
    EXPECT_NE(check_both(digest_of(7), signature_of(r, kOne, 27), first_key()).by_recovery, SignatureCheck::ok);
  }
}

TEST(Verify, AKeyAtInfinityIsNotRecovered) {
  // With R = G and s equal to the digest, s * R - digest * G is the point at infinity.
  const base::Hash digest = base::hash_from_hex(kFive).value();
  EXPECT_EQ(recover(digest, signature_of(kGeneratorX, kFive, 27)).check, SignatureCheck::wrong);
  EXPECT_EQ(recover(digest, signature_of(kGeneratorX, kFive, 28)).check, SignatureCheck::ok);
}

TEST(Verify, ExtremeDigests) {
  for (const std::string_view hex : {kZero, kOne, kOrderMinus1, kOrder, kFieldPrime, kAllOnes}) {
    const base::Hash digest = base::hash_from_hex(hex).value();
    EXPECT_EQ(check_both(digest, first_key().sign(digest), first_key()), both(SignatureCheck::ok)) << hex;
    EXPECT_EQ(check_both(digest, first_key().sign(digest), second_key()), both(SignatureCheck::wrong)) << hex;
  }
}

TEST(Verify, DigestsAreReducedModuloTheOrder) {
  // n and 0 are the same number to ECDSA; keccak-256 gives neither.
  const base::Hash zero{};
  EXPECT_EQ(check_both(base::hash_from_hex(kOrder).value(), first_key().sign(zero), first_key()),
            both(SignatureCheck::ok));
}

TEST(Verify, SmallKeys) {
  for (const std::string_view hex : {kOne, kFive, kOrderMinus1}) {
    const SecretKey key = key_from(hex);
    EXPECT_EQ(check_both(digest_of(8), key.sign(digest_of(8)), key), both(SignatureCheck::ok)) << hex;
  }
}

TEST(Verify, AnswersStandInOrder) {
  const PublicKey key = first_key().public_key();
  std::vector<VerifyItem> items;
  for (std::uint8_t i = 0; i < 12; ++i) {
    base::Signature signature = first_key().sign(digest_of(i));
    if (i % 3 == 1) signature.bytes[64] = 0;
    const base::Hash digest = i % 3 == 2 ? digest_of(100) : digest_of(i);
    items.push_back({digest, signature, first_key().address(), i % 2 == 0 ? &key : nullptr});
  }
  std::vector<VerifyAnswer> answers(items.size());
  verify(items, answers);
  constexpr std::array kExpected = {SignatureCheck::ok, SignatureCheck::bad_v, SignatureCheck::wrong};
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].check, kExpected[i % 3]) << i;
  verify({}, {});
}

TEST(Verify, WorksFromSeveralThreads) {
  std::vector<std::thread> threads;
  std::array<int, 4> good{};
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([t, &good] {
      const SecretKey key = SecretKey::generate();
      for (std::uint8_t i = 0; i < 20; ++i) {
        if (check_both(digest_of(i), key.sign(digest_of(i)), key) == both(SignatureCheck::ok)) ++good[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : good) EXPECT_EQ(count, 20);
}

}  // namespace
}  // namespace crypto
