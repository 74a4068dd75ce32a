#include "crypto/batch.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "crypto/keccak.h"
#include "crypto/random.h"
#include "tests/support/signature_mix.h"
#include "tests/support/skip.h"

namespace crypto {
namespace {

using support::Scalar;
using support::SignatureMix;

constexpr double kNone = 0;

std::vector<SignatureCheck> together(BatchVerifier& verifier, std::span<const VerifyItem> items) {
  std::vector<VerifyAnswer> answers(items.size());
  verifier.verify(items, answers);
  std::vector<SignatureCheck> checks;
  for (const VerifyAnswer& answer : answers) checks.push_back(answer.check);
  return checks;
}

std::vector<SignatureCheck> alone(std::span<const VerifyItem> items) {
  std::vector<VerifyAnswer> answers(items.size());
  verify(items, answers);
  std::vector<SignatureCheck> checks;
  for (const VerifyAnswer& answer : answers) checks.push_back(answer.check);
  return checks;
}

std::vector<SignatureCheck> reference(std::span<const VerifyItem> items) {
  std::vector<SignatureCheck> checks;
  for (const VerifyItem& item : items) checks.push_back(support::reference_check(item, *item.key));
  return checks;
}

std::vector<VerifyItem> draw(SignatureMix& mix, std::size_t count, double bad_share) {
  std::vector<VerifyItem> items;
  for (std::size_t i = 0; i < count; ++i) items.push_back(mix.next(bad_share));
  return items;
}

// Wrong in the way that costs most: well-formed, R is a point.
void flip_v(VerifyItem& item) { item.signature.bytes[64] ^= 27 ^ 28; }

// Off by `times` G in its sum u1 G + u2 Q - R.
void move_by_g(VerifyItem& item, int times) {
  Scalar s;
  std::memcpy(s.data(), item.signature.data() + 32, s.size());
  if (times < 0) s = support::scalar_negation(s);
  for (int i = 0; i < std::abs(times); ++i) item.digest = support::scalar_sum(item.digest, s);
}

// Skips the tests of a build without the curve, and fails where everything is to be built.
class Batch : public testing::Test {
 protected:
  void SetUp() override {
    if (batch_verification_built()) return;
    SKIP_LOUDLY("this build checks signatures one by one: tools/setup.sh fetches the sources of libsecp256k1");
  }
  SignatureMix mix{7, 16, 600};
  BatchVerifier verifier;
};

TEST_F(Batch, AllGoodInEverySize) {
  for (const std::size_t count :
       {0u, 1u, 2u, 3u, 15u, 16u, 17u, 43u, 44u, 88u, 89u, 300u, 512u, 513u, 1024u, 1025u, 1100u}) {
    const std::vector<VerifyItem> items = draw(mix, count, kNone);
    EXPECT_EQ(together(verifier, items), std::vector(count, SignatureCheck::ok)) << count;
  }
  EXPECT_EQ(verifier.tally().failed_batches, 0u);
  EXPECT_GT(verifier.tally().items, 2000u);
  EXPECT_LE(verifier.tally().single_items, 2u) << "one of one, and the last of 1,025";
}

TEST_F(Batch, EveryPositionBad) {
  for (const std::size_t count : {1u, 2u, 5u, 16u, 33u, 64u}) {
    const std::vector<VerifyItem> good = draw(mix, count, kNone);
    for (std::size_t bad = 0; bad < count; ++bad) {
      std::vector<VerifyItem> items = good;
      flip_v(items[bad]);
      std::vector<SignatureCheck> expected(count, SignatureCheck::ok);
      expected[bad] = SignatureCheck::wrong;
      ASSERT_EQ(together(verifier, items), expected) << bad << " of " << count;
    }
  }
}

TEST_F(Batch, EveryPairOfPositionsBad) {
  const std::vector<VerifyItem> good = draw(mix, 20, kNone);
  for (std::size_t first = 0; first < good.size(); ++first) {
    for (std::size_t second = first + 1; second < good.size(); ++second) {
      std::vector<VerifyItem> items = good;
      flip_v(items[first]);
      move_by_g(items[second], 1);
      std::vector<SignatureCheck> expected(good.size(), SignatureCheck::ok);
      expected[first] = expected[second] = SignatureCheck::wrong;
      ASSERT_EQ(together(verifier, items), expected) << first << ", " << second;
    }
  }
}

TEST_F(Batch, AllBad) {
  for (const std::size_t count : {1u, 2u, 31u, 256u, 512u}) {
    std::vector<VerifyItem> items = draw(mix, count, kNone);
    for (VerifyItem& item : items) flip_v(item);
    EXPECT_EQ(together(verifier, items), std::vector(count, SignatureCheck::wrong));
  }
}

TEST_F(Batch, OneBadCostsFewSingleChecks) {
  std::vector<VerifyItem> items = draw(mix, 256, kNone);
  flip_v(items[100]);
  together(verifier, items);
  EXPECT_EQ(verifier.tally().batches, 1u);
  EXPECT_EQ(verifier.tally().failed_batches, 1u);
  EXPECT_LT(verifier.tally().single_items, 16u);
  EXPECT_EQ(verifier.tally().items + verifier.tally().single_items, 256u);
}

// Bad signatures whose errors add up to nothing. Numbers that a submitter can foresee are fooled by them, and so this
// test shows both that the pairs are what they should be, and that it is the drawn numbers that catch them.
TEST_F(Batch, ErrorsThatCancelFoolForeseeableNumbersAndNotOurs) {
  BatchVerifier constant([](std::span<std::uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 16 * 7 + 1);
  });
  BatchVerifier counting([](std::span<std::uint8_t> bytes) {  // 1, 2, 3, ...
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i % 16 == 15 ? static_cast<std::uint8_t>(i / 16 + 1) : 0;
  });
  const std::size_t count = 8;
  const std::vector<VerifyItem> good(count, mix.next(kNone));  // equal keys, so places are positions
  std::vector<VerifyItem> pair = good;
  move_by_g(pair[2], 1);
  move_by_g(pair[5], -1);
  std::vector<VerifyItem> weighted = good;
  move_by_g(weighted[1], 2);   // 2 * 2
  move_by_g(weighted[3], -1);  // 4 * 1
  std::vector<VerifyItem> three = good;
  move_by_g(three[0], 3);
  move_by_g(three[6], -1);
  move_by_g(three[7], -2);

  const std::vector<SignatureCheck> all_ok(count, SignatureCheck::ok);
  EXPECT_EQ(together(constant, pair), all_ok) << "the pair does not cancel: this test shows nothing";
  EXPECT_EQ(together(constant, three), all_ok);
  EXPECT_EQ(together(counting, weighted), all_ok);
  EXPECT_NE(together(constant, weighted), all_ok);
  for (int round = 0; round < 200; ++round) {
    for (const std::vector<VerifyItem>& items : {pair, weighted, three}) {
      const std::vector<SignatureCheck> expected = reference(items);
      ASSERT_NE(expected, all_ok);
      ASSERT_EQ(together(verifier, items), expected);
    }
  }
}

// Under keys that are negations of each other, errors of the keys' parts could cancel too.
TEST_F(Batch, OppositeKeys) {
  const PublicKey& key = mix.keys()[2];
  const PublicKey& opposite = mix.keys()[3];
  ASSERT_EQ(compress(key).bytes[0] ^ compress(opposite).bytes[0], 2 ^ 3);
  std::vector<VerifyItem> items;
  while (items.size() < 40) {
    VerifyItem item = mix.next(kNone);
    if (item.key != &key && item.key != &opposite) continue;
    items.push_back(item);
  }
  EXPECT_EQ(together(verifier, items), std::vector(items.size(), SignatureCheck::ok));
  for (VerifyItem& item : items) item.key = item.key == &key ? &opposite : &key;
  EXPECT_EQ(together(verifier, items), std::vector(items.size(), SignatureCheck::wrong));
}

TEST_F(Batch, EqualSignatures) {
  for (const bool good : {true, false}) {
    VerifyItem item = mix.next(kNone);
    if (!good) move_by_g(item, 1);
    const std::vector<VerifyItem> items(200, item);
    EXPECT_EQ(together(verifier, items), std::vector(200, good ? SignatureCheck::ok : SignatureCheck::wrong));
  }
}

// u1 G + u2 Q is the point at infinity, and R is not: by the key 1 and the digest n - r.
TEST_F(Batch, SumsAtInfinity) {
  std::vector<VerifyItem> items;
  while (items.size() < 30) {
    VerifyItem item = mix.next(kNone);
    if (item.key != &mix.keys()[0]) continue;
    Scalar r;
    std::memcpy(r.data(), item.signature.data(), r.size());
    item.digest = support::scalar_negation(r);
    items.push_back(item);
  }
  EXPECT_EQ(reference(items), std::vector(30, SignatureCheck::wrong));
  EXPECT_EQ(together(verifier, items), reference(items));
  EXPECT_EQ(together(verifier, std::span(items).first(1)), std::vector(1, SignatureCheck::wrong));
}

TEST_F(Batch, FormIsRefusedAsAlone) {
  const VerifyItem good = mix.next(kNone);
  const auto changed = [&](std::size_t begin, std::string_view hex, int v) {
    VerifyItem item = good;
    const base::Bytes bytes = base::from_hex(hex).value();
    std::memcpy(item.signature.data() + begin, bytes.data(), bytes.size());
    if (v != 0) item.signature.bytes[64] = static_cast<std::uint8_t>(v);
    return item;
  };
  std::vector<VerifyItem> items;
  for (const char* number : {"0000000000000000000000000000000000000000000000000000000000000000",
                             "0000000000000000000000000000000000000000000000000000000000000001",
                             "0000000000000000000000000000000000000000000000000000000000000005",  // no point has this x
                             "000000000000000000000000000000014551231950b75fc4402da1722fc9baee",  // p - n
                             "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0",  // n / 2
                             "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1",  // high
                             "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",  // n - 1
                             "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",  // n
                             "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",  // p
                             "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    for (const std::size_t begin : {0u, 32u}) {
      for (const int v : {0, 27, 28, 29}) items.push_back(changed(begin, number, v));
    }
  }
  for (const int v : {1, 2, 26, 29, 30, 255}) items.push_back(changed(0, "", v));
  ASSERT_EQ(alone(items), reference(items));
  EXPECT_EQ(together(verifier, items), reference(items));
  const std::size_t count = items.size();
  for (std::size_t i = 0; i < count; ++i) items.push_back(mix.next(kNone));
  EXPECT_EQ(together(verifier, items), reference(items)) << "bad form beside good signatures";
}

TEST_F(Batch, ItemsWithoutAKeyAreRecovered) {
  std::vector<VerifyItem> items = draw(mix, 40, 0.2);
  std::vector<VerifyItem> keyless = items;
  for (std::size_t i = 0; i < keyless.size(); i += 2) keyless[i].key = nullptr;
  std::vector<VerifyAnswer> answers(keyless.size());
  verifier.verify(keyless, answers);
  std::vector<VerifyAnswer> expected(keyless.size());
  verify(keyless, expected);
  for (std::size_t i = 0; i < keyless.size(); ++i) {
    EXPECT_EQ(answers[i].check, expected[i].check) << i;
    EXPECT_EQ(answers[i].recovered, expected[i].recovered) << i;
  }
}

TEST_F(Batch, AnswersDoNotDependOnWhatWasAskedBefore) {
  std::vector<VerifyItem> bad = draw(mix, 100, kNone);
  for (VerifyItem& item : bad) flip_v(item);
  const std::vector<VerifyItem> good = draw(mix, 60, kNone);
  std::vector<VerifyAnswer> answers(100);
  verifier.verify(bad, answers);
  verifier.verify(good, std::span(answers).first(60));
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(answers[i].check, SignatureCheck::ok);
  verifier.verify(std::span(bad).first(60), std::span(answers).first(60));
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(answers[i].check, SignatureCheck::wrong);
}

// The long run is `batch_differential` in tests/differential.
TEST_F(Batch, AgreesWithTheReferenceOnRandomMixtures) {
  for (const double share : {0.0, 0.002, 0.05, 0.5, 1.0}) {
    for (const std::size_t count : {2u, 7u, 32u, 100u, 512u}) {
      const std::vector<VerifyItem> items = draw(mix, count, share);
      ASSERT_EQ(together(verifier, items), reference(items)) << share << " of " << count;
      ASSERT_EQ(alone(items), reference(items)) << share << " of " << count;
    }
  }
}

// In every build: also one without the curve.
TEST(Verifying, AgreesWithTheReference) {
  SignatureMix mix(11, 8, 200);
  BatchVerifier verifier;
  const std::vector<VerifyItem> items = draw(mix, 600, 0.4);
  const std::vector<SignatureCheck> expected = reference(items);
  EXPECT_EQ(alone(items), expected);
  EXPECT_EQ(together(verifier, items), expected);
}

}  // namespace
}  // namespace crypto
