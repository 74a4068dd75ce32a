// The checks of a batch as a whole: network, size, root, the server's signature, and verifying it in pieces.

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "crypto/merkle.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

using base::Status;
using support::Role;

class BatchCheck : public testing::Test {
 protected:
  std::vector<Item> charges(std::size_t count) const {
    std::vector<Item> items;
    for (std::size_t i = 0; i < count; ++i) {
      items.push_back(actors.charge({.payer = i % 3, .payee = i % 2, .nonce = i + 1}));
    }
    return items;
  }
  static std::vector<Status> statuses(const VerifiedBatch& batch) {
    std::vector<Status> result;
    for (const VerifiedItem& item : batch.items()) result.push_back(item.status());
    return result;
  }
  static bool all(const VerifiedBatch& batch, Status status) {
    return std::all_of(batch.items().begin(), batch.items().end(),
                       [&](const VerifiedItem& item) { return item.status() == status; });
  }
  support::Actors actors;
};

TEST_F(BatchCheck, Good) {
  const VerifiedBatch batch = actors.verified(0, 7, charges(5));
  EXPECT_EQ(batch.status(), Status::ok);
  EXPECT_EQ(batch.items().size(), 5u);
  EXPECT_TRUE(all(batch, Status::ok));
  EXPECT_EQ(batch.header().number, 7u);
  EXPECT_EQ(batch.header().server, actors.server(0));
}

TEST_F(BatchCheck, MixedItemsKeepTheirOwnAnswers) {
  std::vector<Item> items = charges(70);  // more than two blocks
  std::vector<Status> expected(items.size(), Status::ok);
  for (std::size_t i = 0; i < items.size(); i += 7) {
    items[i].signature.bytes[64] = 0;
    expected[i] = Status::signature_bad_v;
  }
  for (std::size_t i = 3; i < items.size(); i += 7) {
    items[i].single.maximum = Amount(999'999);
    expected[i] = Status::signature_wrong;
  }
  items[5] = actors.capture({});
  items[33].usages.clear();
  expected[33] = Status::item_malformed;
  const VerifiedBatch batch = actors.verified(0, 1, items);
  EXPECT_EQ(batch.status(), Status::ok);
  EXPECT_EQ(statuses(batch), expected);
}

TEST_F(BatchCheck, WrongNetwork) {
  for (const std::string network : {"", "other:tab", "test:tab ", "TEST:TAB"}) {
    UnverifiedBatch batch = actors.batch(0, 1, charges(3));
    batch.network = network;
    const VerifiedBatch result = actors.verify(std::move(batch));
    EXPECT_EQ(result.status(), Status::domain_wrong);
    EXPECT_EQ(result.items().size(), 3u);
    EXPECT_TRUE(all(result, Status::domain_wrong));
  }
}

TEST_F(BatchCheck, NumberOfItems) {
  EXPECT_EQ(actors.verified(0, 1, {}).status(), Status::batch_too_large);
  std::vector<Item> items(base::limits::kBatchItemsMax, actors.release({}));
  EXPECT_EQ(actors.verified(0, 1, items).status(), Status::ok);
  items.push_back(items[0]);
  const VerifiedBatch batch = actors.verified(0, 1, items);
  EXPECT_EQ(batch.status(), Status::batch_too_large);
  EXPECT_TRUE(all(batch, Status::batch_too_large));
}

TEST_F(BatchCheck, NumberOfCharges) {
  const std::size_t per_item = base::limits::kChargesPerVoucherMax;
  Item item = actors.unsigned_voucher({.maximum = 1'000'000});
  item.usages.assign(per_item, item.usages[0]);
  actors.resign(item, Role::payer, 0);
  const std::size_t fitting = base::limits::kBatchChargesMax / per_item;
  std::vector<Item> items(fitting, item);
  EXPECT_EQ(actors.verified(0, 1, items).status(), Status::ok);
  items.push_back(item);
  EXPECT_EQ(actors.verified(0, 1, items).status(), Status::batch_too_large);
}

TEST_F(BatchCheck, HeaderMustFitItemsAndSignature) {
  const UnverifiedBatch good = actors.batch(0, 1, charges(3));
  const auto status = [&](auto change) {
    UnverifiedBatch batch = good;
    change(batch);
    const VerifiedBatch result = actors.verify(std::move(batch));
    EXPECT_TRUE(all(result, Status::ok) || result.status() != Status::ok);
    return result.status();
  };
  EXPECT_EQ(status([](UnverifiedBatch&) {}), Status::ok);
  const Status wrong = Status::batch_signature_wrong;
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.number = 2; }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.count = 2; }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.root.bytes[0] ^= 1; }), wrong);
  EXPECT_EQ(status([&](UnverifiedBatch& b) { b.header.server = actors.server(1); }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.server = {}; }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.signature = {}; }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.header.signature.bytes[10] ^= 1; }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.items.pop_back(); }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { b.items.push_back(b.items[0]); }), wrong);
  EXPECT_EQ(status([](UnverifiedBatch& b) { std::swap(b.items[0], b.items[1]); }), wrong);
}

TEST_F(BatchCheck, EveryReportedFieldBindsTheServer) {
  const UnverifiedBatch good =
      actors.batch(0, 1, {actors.voucher({.first_index = 4, .amounts = {1, 2}}), actors.capture({.nonce = 9})});
  const auto status = [&](auto change) {
    UnverifiedBatch batch = good;
    change(batch.items);
    return actors.verify(std::move(batch)).status();
  };
  EXPECT_EQ(status([](std::vector<Item>&) {}), Status::ok);
  const Status wrong = Status::batch_signature_wrong;
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].first_index = 5; }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].usages[1].amount = Amount(3); }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].usages[1].quantity = 3; }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].usages[1].unit = support::unit("kB"); }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].usages[1].resource.bytes[31] = 1; }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[0].usages.pop_back(); }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[1].kind = ItemKind::release; }), wrong);
  EXPECT_EQ(status([](std::vector<Item>& i) { i[1].single.nonce = 10; }), wrong);
  EXPECT_EQ(status([&](std::vector<Item>& i) { i[1].single.payer = actors.payer(1); }), wrong);
}

TEST_F(BatchCheck, ServersKeyIsRememberedToo) {
  EXPECT_FALSE(actors.key_cache().find(actors.server(0)).has_value());
  EXPECT_EQ(actors.verified(0, 1, charges(1)).status(), Status::ok);
  EXPECT_TRUE(actors.key_cache().find(actors.server(0)).has_value());
  EXPECT_EQ(actors.verified(0, 2, charges(1)).status(), Status::ok);
}

TEST_F(BatchCheck, PiecesInAnyOrderGiveTheSame) {
  const UnverifiedBatch batch = actors.batch(0, 1, charges(100));
  BatchVerifier verifier(actors.domain(), actors.assets(), actors.key_cache(), batch);
  verifier.verify_items(99, 100);
  verifier.verify_items(40, 99);
  verifier.verify_items(0, 7);
  verifier.verify_items(7, 7);
  verifier.verify_items(7, 40);
  const VerifiedBatch result = verifier.finish();
  EXPECT_EQ(result.status(), Status::ok);
  EXPECT_TRUE(all(result, Status::ok));
}

TEST_F(BatchCheck, AForgottenPieceIsRefused) {
  BatchVerifier verifier(actors.domain(), actors.assets(), actors.key_cache(), actors.batch(0, 1, charges(10)));
  verifier.verify_items(0, 9);
  const VerifiedBatch result = verifier.finish();
  EXPECT_EQ(result.status(), Status::batch_signature_wrong);
  EXPECT_EQ(result.items()[9].status(), Status::signature_wrong);
}

TEST_F(BatchCheck, SeveralThreadsShareABatch) {
  const UnverifiedBatch batch = actors.batch(0, 1, charges(200));
  BatchVerifier verifier(actors.domain(), actors.assets(), actors.key_cache(), batch);
  std::vector<std::thread> threads;
  for (std::size_t begin = 0; begin < 200; begin += 50) {
    threads.emplace_back([&verifier, begin] { verifier.verify_items(begin, begin + 50); });
  }
  for (std::thread& thread : threads) thread.join();
  const VerifiedBatch result = verifier.finish();
  EXPECT_EQ(result.status(), Status::ok);
  EXPECT_TRUE(all(result, Status::ok));
}

// support::Actors::trusted must give what the real verifier gives, or tests that use it prove nothing.
TEST_F(BatchCheck, TrustedBatchesEqualVerifiedOnes) {
  const std::vector<Item> items = {actors.charge({.agent = 1, .nonce = 5}), actors.hold({.nonce = 6}),
                                   actors.capture({.nonce = 6}), actors.voucher({.first_index = 2})};
  const VerifiedBatch real = actors.verified(0, 3, items);
  const VerifiedBatch trusted = actors.trusted(0, 3, items);
  EXPECT_EQ(trusted.status(), real.status());
  EXPECT_EQ(trusted.header().root, real.header().root);
  EXPECT_EQ(trusted.header().count, real.header().count);
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(trusted.items()[i].digest(), real.items()[i].digest());
    EXPECT_EQ(trusted.items()[i].leaf(), real.items()[i].leaf());
    EXPECT_EQ(trusted.items()[i].status(), real.items()[i].status());
    EXPECT_EQ(trusted.items()[i].item().signer, real.items()[i].item().signer);
  }
}

TEST_F(BatchCheck, LoginAnswersTheChallengeOfOneRole) {
  const crypto::SecretKey& key = actors.key(Role::server, 0);
  const Hash challenge = support::test_hash(1);
  const Signature signature = sign_login(key, actors.domain(), "server", challenge);
  const auto signer = [&](std::string_view role, const Hash& answered) {
    return crypto::address_of(
        crypto::recover(login_digest(actors.domain(), role, key.address(), answered), signature).key);
  };
  EXPECT_EQ(signer("server", challenge), key.address());
  EXPECT_NE(signer("operator", challenge), key.address());
  EXPECT_NE(signer("server", support::test_hash(2)), key.address());
}

TEST(AssetTableCheck, KnowsWhatWasAdded) {
  AssetTable assets;
  EXPECT_EQ(assets.text_hash(AssetId(1)), nullptr);
  assets.add(AssetId(1), "USD");
  assets.add(AssetId(2), "EUR");
  ASSERT_NE(assets.text_hash(AssetId(1)), nullptr);
  EXPECT_EQ(base::to_hex(*assets.text_hash(AssetId(1))),
            "0xc4ae21aac0c6549d71dd96035b7e0bdb6c79ebdba8891b666115bc976d16a29e");
  EXPECT_NE(*assets.text_hash(AssetId(1)), *assets.text_hash(AssetId(2)));
  EXPECT_EQ(assets.text_hash(AssetId(3)), nullptr);
}

TEST(TabKey, EveryPartMakesAnotherTab) {
  const support::Actors actors;
  const Voucher voucher = actors.unsigned_voucher({}).voucher;
  const Hash usdc = actors.text_hash(support::kUsdc);
  const Hash key = tab_key(voucher, usdc);
  Voucher other = voucher;
  other.maximum = Amount(7);
  other.valid_before = 7;
  EXPECT_EQ(tab_key(other, usdc), key) << "what grows does not change the tab";
  other.payer = actors.payer(1);
  EXPECT_NE(tab_key(other, usdc), key);
  other = voucher;
  other.payee = actors.payee(1);
  EXPECT_NE(tab_key(other, usdc), key);
  other = voucher;
  other.salt = support::test_hash(1);
  EXPECT_NE(tab_key(other, usdc), key);
  EXPECT_NE(tab_key(voucher, actors.text_hash(support::kUsd)), key);
}

}  // namespace
}  // namespace commitments::tab
