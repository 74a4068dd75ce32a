#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

using base::Status;

class MandateCheck : public testing::Test {
 protected:
  MandateCheck() {
    mandate.payer = actors.payer(0);
    mandate.agent = actors.agent(0);
    mandate.asset = support::kUsdc;
    mandate.cap = Amount(5000);
    mandate.period = Period::day;
    mandate.valid_after = support::kNow;
    mandate.nonce = 1;
    revocation = {actors.payer(0), actors.agent(0), support::kUsdc, 2};
  }
  Status signed_by(std::uint64_t payer) const {
    return verify_mandate(actors.domain(), *actors.assets(), mandate, actors.sign_mandate(mandate, payer));
  }
  Status signed_by_payer() const { return signed_by(0); }

  support::Actors actors;
  Mandate mandate;
  MandateRevocation revocation;
};

TEST_F(MandateCheck, GoodOnes) {
  EXPECT_EQ(signed_by_payer(), Status::ok);
  mandate.valid_before = mandate.valid_after + 1;
  EXPECT_EQ(signed_by_payer(), Status::ok);
  for (const Period period : {Period::total, Period::hour, Period::week, Period::month}) {
    mandate.period = period;
    EXPECT_EQ(signed_by_payer(), Status::ok);
  }
}

TEST_F(MandateCheck, OnlyThePayerCanGiveOne) {
  EXPECT_EQ(signed_by(1), Status::signature_wrong);
  const Signature by_agent =
      sign(actors.key(support::Role::agent, 0), actors.domain(), mandate, actors.text_hash(mandate.asset));
  EXPECT_EQ(verify_mandate(actors.domain(), *actors.assets(), mandate, by_agent), Status::signature_wrong);
}

TEST_F(MandateCheck, EveryFieldIsSigned) {
  const Signature signature = actors.sign_mandate(mandate, 0);
  const auto with = [&](auto change) {
    Mandate changed = mandate;
    change(changed);
    return verify_mandate(actors.domain(), *actors.assets(), changed, signature);
  };
  EXPECT_EQ(with([](Mandate&) {}), Status::ok);
  EXPECT_EQ(with([&](Mandate& m) { m.payer = actors.payer(1); }), Status::signature_wrong);
  EXPECT_EQ(with([&](Mandate& m) { m.agent = actors.agent(1); }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.asset = support::kUsd; }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.cap = Amount(5001); }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.period = Period::month; }), Status::signature_wrong);
  EXPECT_EQ(with([&](Mandate& m) { m.payees = {actors.payee(0)}; }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.valid_after = 0; }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.valid_before = support::kNow * 2; }), Status::signature_wrong);
  EXPECT_EQ(with([](Mandate& m) { m.nonce = 2; }), Status::signature_wrong);
}

TEST_F(MandateCheck, OtherNetwork) {
  const Domain other("other:tab");
  EXPECT_EQ(verify_mandate(other, *actors.assets(), mandate, actors.sign_mandate(mandate, 0)), Status::signature_wrong);
}

TEST_F(MandateCheck, Malformed) {
  const auto status = [&](auto change) {
    Mandate original = mandate;
    change(mandate);
    const Status result = signed_by_payer();
    mandate = original;
    return result;
  };
  EXPECT_EQ(status([](Mandate& m) { m.payer = {}; }), Status::item_malformed);
  EXPECT_EQ(status([](Mandate& m) { m.agent = {}; }), Status::item_malformed);
  EXPECT_EQ(status([](Mandate& m) { m.agent = m.payer; }), Status::item_malformed);
  EXPECT_EQ(status([](Mandate& m) { m.period = static_cast<Period>(5); }), Status::item_malformed);
  EXPECT_EQ(status([](Mandate& m) { m.valid_before = m.valid_after; }), Status::item_malformed);
}

TEST_F(MandateCheck, PayeeLists) {
  for (std::uint64_t i = 0; i <= base::limits::kMandatePayeesMax; ++i) mandate.payees.push_back(actors.payee(i));
  std::sort(mandate.payees.begin(), mandate.payees.end());
  EXPECT_EQ(signed_by_payer(), Status::item_malformed) << "one more than the limit";
  mandate.payees.pop_back();
  EXPECT_EQ(signed_by_payer(), Status::ok);
  std::swap(mandate.payees[3], mandate.payees[4]);
  EXPECT_EQ(signed_by_payer(), Status::item_malformed) << "not ascending";
  mandate.payees = {actors.payee(0), actors.payee(0)};
  EXPECT_EQ(signed_by_payer(), Status::item_malformed) << "twice the same";
  mandate.payees = {Address{}};
  EXPECT_EQ(signed_by_payer(), Status::item_malformed) << "zero payee";
}

TEST_F(MandateCheck, UnknownAsset) {
  const Signature signature = actors.sign_mandate(mandate, 0);
  mandate.asset = AssetId(77);
  EXPECT_EQ(verify_mandate(actors.domain(), *actors.assets(), mandate, signature), Status::asset_unknown);
  revocation.asset = AssetId(77);
  EXPECT_EQ(verify_revocation(actors.domain(), *actors.assets(), revocation, signature), Status::asset_unknown);
}

TEST_F(MandateCheck, FormOfTheSignature) {
  const Signature good = actors.sign_mandate(mandate, 0);
  Signature changed = good;
  changed.bytes[64] = 1;
  EXPECT_EQ(verify_mandate(actors.domain(), *actors.assets(), mandate, changed), Status::signature_bad_v);
  changed = good;
  changed.bytes[64] = good.bytes[64] == 27 ? 28 : 27;  // always recovered, so v counts
  EXPECT_EQ(verify_mandate(actors.domain(), *actors.assets(), mandate, changed), Status::signature_wrong);
  EXPECT_EQ(verify_mandate(actors.domain(), *actors.assets(), mandate, {}), Status::signature_bad_v);
}

TEST_F(MandateCheck, Revocation) {
  const auto status = [&](std::uint64_t payer) {
    return verify_revocation(actors.domain(), *actors.assets(), revocation, actors.sign_revocation(revocation, payer));
  };
  EXPECT_EQ(status(0), Status::ok);
  EXPECT_EQ(status(1), Status::signature_wrong);
  const Signature signature = actors.sign_revocation(revocation, 0);
  revocation.nonce = 3;
  EXPECT_EQ(verify_revocation(actors.domain(), *actors.assets(), revocation, signature), Status::signature_wrong);
  revocation.agent = {};
  EXPECT_EQ(status(0), Status::item_malformed);
  revocation = {{}, actors.agent(0), support::kUsdc, 2};
  EXPECT_EQ(status(0), Status::item_malformed);
}

// A signature over one of our types must never pass for another type, whatever the fields.
TEST_F(MandateCheck, TypesDoNotMix) {
  const Hash& asset = actors.text_hash(support::kUsdc);
  const Hash digests[] = {
      digest(actors.domain(), SingleUse{}, asset), digest(actors.domain(), Voucher{}, asset),
      digest(actors.domain(), Mandate{}, asset),   digest(actors.domain(), MandateRevocation{}, asset),
      digest(actors.domain(), BatchHeader{}),      segment_digest(actors.domain(), 0, {}),
      login_digest(actors.domain(), "", {}, {})};
  for (const Hash& a : digests) EXPECT_EQ(std::count(std::begin(digests), std::end(digests), a), 1);
}

}  // namespace
}  // namespace commitments::tab
