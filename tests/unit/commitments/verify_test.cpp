// The checks of single items: form, asset, signature.

#include "commitments/tab/verify.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

using base::Status;
using support::Role;
using support::SingleSpec;
using support::VoucherSpec;

class ItemCheck : public testing::Test {
 protected:
  // Both ways: the first time the signer's key is recovered, then it comes from the cache.
  std::pair<Status, Status> both(const Item& item) {
    support::Actors fresh;
    const Status first = only(fresh, item);
    const Status warm_up = only(actors, actors.charge({.payer = 0, .nonce = 900}));
    EXPECT_EQ(warm_up, Status::ok);
    (void)only(actors, actors.charge({.payer = 0, .agent = 0, .nonce = 901}));
    return {first, only(actors, item)};
  }
  // The status of an item alone in a batch that is otherwise good.
  static Status only(const support::Actors& who, Item item) {
    const VerifiedBatch batch = who.verified(0, 1, {std::move(item)});
    EXPECT_EQ(batch.status(), Status::ok) << "an item's refusal does not refuse the batch";
    return batch.items().at(0).status();
  }
  void expect(const Item& item, Status status) {
    const auto [recovered, cached] = both(item);
    EXPECT_EQ(recovered, status) << "by recovery";
    EXPECT_EQ(cached, status) << "with a cached key";
  }
  support::Actors actors;
};

TEST_F(ItemCheck, GoodItemsOfEveryKind) {
  expect(actors.charge({}), Status::ok);
  expect(actors.charge({.agent = 0}), Status::ok);
  expect(actors.charge({.asset = support::kUsd, .resource = support::test_hash(1)}), Status::ok);
  expect(actors.hold({}), Status::ok);
  expect(actors.capture({}), Status::ok);
  expect(actors.release({}), Status::ok);
  expect(actors.voucher({}), Status::ok);
  expect(actors.voucher({.agent = 0, .first_index = 5, .amounts = {1, 2, 3}}), Status::ok);
}

TEST_F(ItemCheck, DigestAndLeafAreThoseOfTheItem) {
  const Item item = actors.voucher({.first_index = 3, .amounts = {1, 2, 3, 4, 5, 6}});
  const VerifiedBatch batch = actors.verified(0, 1, {item});
  const Hash expected = digest(actors.domain(), item.voucher, actors.text_hash(support::kUsdc));
  EXPECT_EQ(batch.items()[0].digest(), expected);
  EXPECT_EQ(batch.items()[0].leaf(), item_leaf(ItemKind::voucher, expected, 3, item.usages));
}

TEST_F(ItemCheck, EverySignedFieldCounts) {
  const Item good = actors.charge({.resource = support::test_hash(1)});
  const auto status = [&](auto change) {
    Item item = good;
    change(item);
    return only(actors, item);
  };
  EXPECT_EQ(status([](Item&) {}), Status::ok);
  EXPECT_EQ(status([&](Item& i) { i.single.payer = actors.payer(1); }), Status::signature_wrong);
  EXPECT_EQ(status([&](Item& i) { i.single.payee = actors.payee(1); }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.asset = support::kUsd; }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.maximum = Amount(1001); }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.resource = i.usages[0].resource = support::test_hash(2); }),
            Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.nonce = 2; }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.valid_after = 1; }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.single.valid_before += 1; }), Status::signature_wrong);
  EXPECT_EQ(status([&](Item& i) { i.signer = actors.agent(0); }), Status::signature_wrong);
}

TEST_F(ItemCheck, EverySignedFieldOfAVoucherCounts) {
  const Item good = actors.voucher({});
  const auto status = [&](auto change) {
    Item item = good;
    change(item);
    return only(actors, item);
  };
  EXPECT_EQ(status([](Item&) {}), Status::ok);
  EXPECT_EQ(status([&](Item& i) { i.voucher.payer = actors.payer(1); }), Status::signature_wrong);
  EXPECT_EQ(status([&](Item& i) { i.voucher.payee = actors.payee(1); }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.voucher.asset = support::kUsd; }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.voucher.salt = support::test_hash(1); }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.voucher.maximum = Amount(1); }), Status::signature_wrong);
  EXPECT_EQ(status([](Item& i) { i.voucher.valid_before = 1; }), Status::signature_wrong);
}

TEST_F(ItemCheck, WhatTheServerReportsIsNotSignedByThePayer) {
  Item item = actors.charge({});
  item.usages[0].amount = Amount(1);
  item.usages[0].quantity = 99;
  expect(item, Status::ok);
}

TEST_F(ItemCheck, NamingThePayerAsSignerIsTheSameAsNamingNobody) {
  Item item = actors.charge({});
  item.signer = item.single.payer;
  const VerifiedBatch batch = actors.verified(0, 1, {item});
  EXPECT_EQ(batch.items()[0].status(), Status::ok);
  EXPECT_TRUE(batch.items()[0].item().signer.is_zero());
}

TEST_F(ItemCheck, OtherNetworksSignaturesAreWrong) {
  const support::Actors elsewhere("other:tab");
  expect(elsewhere.charge({}), Status::signature_wrong);
  expect(elsewhere.voucher({}), Status::signature_wrong);
}

TEST_F(ItemCheck, FormOfTheSignature) {
  Item item = actors.charge({});
  for (const int v : {0, 1, 26, 29, 255}) {
    item.signature.bytes[64] = static_cast<std::uint8_t>(v);
    expect(item, Status::signature_bad_v);
  }
  item = actors.charge({});
  std::fill_n(item.signature.bytes.begin(), 32, std::uint8_t{0});
  expect(item, Status::signature_out_of_range);
  item = actors.charge({});
  std::fill_n(item.signature.bytes.begin() + 32, 32, std::uint8_t{0xff});
  expect(item, Status::signature_out_of_range);
  item.signature.bytes[63] = 0;
  std::fill_n(item.signature.bytes.begin() + 32, 16, std::uint8_t{0x80});
  expect(item, Status::signature_high_s);
}

TEST_F(ItemCheck, SignaturesOfAnotherLength) {
  // What a front does with 0, 64 or 66 bytes: it says so, and the bytes themselves are never looked at.
  for (Item item : {actors.charge({}), actors.hold({}), actors.voucher({})}) {
    item.signature_length_ok = false;
    expect(item, Status::signature_length);
  }
  // Captures and releases carry no signature, so its length says nothing.
  for (Item item : {actors.capture({}), actors.release({})}) {
    item.signature_length_ok = false;
    expect(item, Status::ok);
  }
}

TEST_F(ItemCheck, FlippedVIsWrongWhetherTheKeyIsKnownOrNot) {
  Item item = actors.charge({});
  item.signature.bytes[64] = item.signature.bytes[64] == 27 ? 28 : 27;
  EXPECT_EQ(both(item), std::make_pair(Status::signature_wrong, Status::signature_wrong));
}

TEST_F(ItemCheck, WrongSignatureDoesNotTeachTheCache) {
  Item item = actors.charge({.payer = 3});
  actors.resign(item, Role::payer, 4);
  item.signer = {};
  EXPECT_EQ(only(actors, item), Status::signature_wrong);
  EXPECT_FALSE(actors.key_cache().find(actors.payer(3)).has_value());
  EXPECT_FALSE(actors.key_cache().find(actors.payer(4)).has_value());
  EXPECT_EQ(only(actors, actors.charge({.payer = 3})), Status::ok);
  EXPECT_EQ(actors.key_cache().find(actors.payer(3)), actors.key(Role::payer, 3).public_key());
}

TEST_F(ItemCheck, NumberOfUsages) {
  const Usage usage{Amount(1), 1, support::unit("kB"), {}};
  Item item = actors.charge({});
  item.usages.clear();
  expect(item, Status::item_malformed);
  item.usages = {usage, usage};
  expect(item, Status::item_malformed);
  item = actors.hold({});
  item.usages = {usage};
  expect(item, Status::item_malformed);
  item = actors.capture({});
  item.usages.clear();
  expect(item, Status::item_malformed);
  item = actors.release({});
  item.usages = {usage};
  expect(item, Status::item_malformed);
  item = actors.voucher({});
  item.usages.clear();
  expect(item, Status::item_malformed);
  item.usages.assign(base::limits::kChargesPerVoucherMax, usage);
  expect(item, Status::ok);
  item.usages.push_back(usage);
  expect(item, Status::item_malformed);
}

TEST_F(ItemCheck, ZeroParties) {
  for (Item item : {actors.charge({}), actors.hold({})}) {
    const Item good = item;
    item.single.payer = {};
    expect(item, Status::item_malformed);
    item = good;
    item.single.payee = {};
    expect(item, Status::item_malformed);
  }
  Item item = actors.voucher({});
  item.voucher.payer = {};
  expect(item, Status::item_malformed);
  item = actors.voucher({});
  item.voucher.payee = {};
  expect(item, Status::item_malformed);
  item = actors.capture({});
  item.single.payer = {};
  expect(item, Status::item_malformed);
}

TEST_F(ItemCheck, FirstIndexBelongsToVouchers) {
  Item item = actors.charge({});
  item.first_index = 1;
  expect(item, Status::item_malformed);
  item = actors.voucher({.amounts = {1, 2}});
  item.first_index = UINT64_MAX - 2;
  expect(item, Status::ok);
  item.first_index = UINT64_MAX - 1;
  expect(item, Status::item_malformed);
}

// Whether the delivered resource is the committed one is the ledger's question, like the amount: a capture can only be
// compared with its hold there.
TEST_F(ItemCheck, ChargeAndCommitmentAreNotCompared) {
  expect(actors.charge({.resource = support::test_hash(1), .delivered = support::test_hash(2)}), Status::ok);
  expect(actors.charge({.maximum = 10, .amount = 11}), Status::ok);
}

TEST_F(ItemCheck, UnknownAssetStillHasALeaf) {
  Item item = actors.charge({});
  item.single.asset = AssetId(77);
  BatchHeader header;
  header.server = actors.server(0);
  header.number = 1;
  header.count = 1;
  // docs/bindings/tab.md, "Item digest": the text hash of an asset that the operator does not know is zero.
  header.root = item_leaf(item.kind, digest(actors.domain(), item.single, Hash{}), 0, item.usages);
  header.signature = actors.key(Role::server, 0).sign(digest(actors.domain(), header));
  const VerifiedBatch batch = actors.verify({header, std::string(support::kNetwork), {item}, {}});
  EXPECT_EQ(batch.status(), Status::ok);
  EXPECT_EQ(batch.items()[0].status(), Status::asset_unknown);
}

TEST_F(ItemCheck, UnknownKindStillHasALeaf) {
  Item item = actors.charge({});
  item.kind = static_cast<ItemKind>(6);
  const VerifiedBatch batch = actors.verified(0, 1, {item});
  EXPECT_EQ(batch.status(), Status::ok);
  EXPECT_EQ(batch.items()[0].status(), Status::item_malformed);
  EXPECT_TRUE(batch.items()[0].digest().is_zero());
}

TEST_F(ItemCheck, OrderOfTheChecks) {
  // Form before length, length before asset, asset before signature.
  AssetId unknown(77);
  Item item = actors.charge({});
  item.single.asset = support::kUsd;  // in the table, and not what was signed
  expect(item, Status::signature_wrong);
  support::Actors fresh;
  const auto status = [&](bool malformed, bool length, bool asset) {
    Item bad = actors.charge({});
    bad.signature.bytes[64] = 0;
    if (malformed) bad.usages.clear();
    bad.signature_length_ok = !length;
    UnverifiedBatch batch = actors.batch(0, 1, {bad});
    if (asset) batch.items[0].single.asset = unknown;
    return fresh.verify(std::move(batch)).items()[0].status();
  };
  EXPECT_EQ(status(true, true, true), Status::item_malformed);
  EXPECT_EQ(status(false, true, true), Status::signature_length);
  EXPECT_EQ(status(false, false, true), Status::asset_unknown);
  EXPECT_EQ(status(false, false, false), Status::signature_bad_v);
}

}  // namespace
}  // namespace commitments::tab
