// Mandates: caps per period, replacement, revocation.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using commitments::tab::Mandate;
using commitments::tab::Period;

class MandateTest : public LedgerTest {
 protected:
  MandateTest() { set_up_world(); }

  Mandate make(std::uint64_t cap, Period period, std::uint64_t nonce) const {
    Mandate mandate;
    mandate.payer = actors_.payer(0);
    mandate.agent = actors_.agent(0);
    mandate.asset = kUsdc;
    mandate.cap = Amount(cap);
    mandate.period = period;
    mandate.nonce = nonce;
    return mandate;
  }
  Status spend(std::uint64_t amount) {
    SingleSpec spec;
    spec.agent = 0;
    return submit_one(charge_item(amount, spec)).status;
  }
};

TEST_F(MandateTest, ACapCountsInItsPeriod) {
  struct Row {
    Period period;
    std::uint64_t to_next_s;  // from 2030-01-01T00:00:00Z, a Tuesday, to the next period
  };
  for (const Row& row : {Row{Period::hour, 3600}, Row{Period::day, 24 * 3600}, Row{Period::week, 6 * 24 * 3600},
                         Row{Period::month, 31 * 24 * 3600}}) {
    restart();
    set_up_world();
    must(SetMandate{make(100, row.period, 1), {}});
    EXPECT_EQ(spend(70), Status::ok);
    now_.us += row.to_next_s * 1'000'000 - 1;
    EXPECT_EQ(spend(31), Status::mandate_cap_exceeded);
    EXPECT_EQ(spend(30), Status::ok);
    EXPECT_EQ(mandate(1).spent(), Amount(100));
    now_.us += 1;
    EXPECT_EQ(spend(100), Status::ok);
    EXPECT_EQ(mandate(1).spent(), Amount(100));
    EXPECT_EQ(mandate(1).period_start(), now_);
  }
}

TEST_F(MandateTest, ATotalNeverStartsAgain) {
  must(SetMandate{make(100, Period::total, 1), {}});
  EXPECT_EQ(spend(100), Status::ok);
  advance(400ULL * 24 * 3600);
  EXPECT_EQ(spend(1), Status::mandate_cap_exceeded);
  EXPECT_EQ(spend(0), Status::ok);
}

TEST_F(MandateTest, TheSamePayersAgentsHaveOneEach) {
  must(SetMandate{make(100, Period::day, 1), {}});
  Mandate other = make(50, Period::day, 1);
  other.agent = actors_.agent(1);
  EXPECT_EQ(must(SetMandate{other, {}}).id, 2u);
  Mandate usd = make(10, Period::day, 1);
  usd.asset = kUsd;
  EXPECT_EQ(must(SetMandate{usd, {}}).id, 3u);
  EXPECT_EQ(spend(100), Status::ok);
  SingleSpec spec;
  spec.agent = 1;
  EXPECT_EQ(submit_one(charge_item(51, spec)).status, Status::mandate_cap_exceeded);
  EXPECT_EQ(submit_one(charge_item(50, spec)).status, Status::ok);
  EXPECT_TRUE(has_row(row_key(Table::mandate_by_payer, 1, 2)));
}

TEST_F(MandateTest, ANewOneReplacesAndKeepsWhatWasSpentInThePeriod) {
  must(SetMandate{make(100, Period::day, 5), {}});
  EXPECT_EQ(spend(80), Status::ok);
  EXPECT_EQ(run(SetMandate{make(500, Period::day, 5), {}}).status, Status::mandate_nonce_old);
  EXPECT_EQ(run(SetMandate{make(500, Period::day, 4), {}}).status, Status::mandate_nonce_old);
  EXPECT_EQ(must(SetMandate{make(120, Period::day, 6), {}}).id, 1u);
  EXPECT_EQ(mandate(1).spent(), Amount(80));
  EXPECT_EQ(spend(41), Status::mandate_cap_exceeded);
  EXPECT_EQ(spend(40), Status::ok);
}

TEST_F(MandateTest, AnotherKindOfPeriodIsNoWayAroundTheCap) {
  must(SetMandate{make(100, Period::day, 1), {}});
  EXPECT_EQ(spend(80), Status::ok);
  advance(3600);
  EXPECT_EQ(spend(20), Status::ok);
  must(SetMandate{make(30, Period::hour, 2), {}});
  EXPECT_EQ(spend(11), Status::mandate_cap_exceeded) << "20 were spent in this hour";
  EXPECT_EQ(spend(10), Status::ok);
  for (const Period wider : {Period::day, Period::week, Period::month}) {
    must(SetMandate{make(110, wider, 3 + static_cast<std::uint64_t>(wider)), {}});
    EXPECT_EQ(spend(1), Status::mandate_cap_exceeded) << "110 were spent since midnight";
  }
  advance(24 * 3600);
  EXPECT_EQ(spend(1), Status::mandate_cap_exceeded) << "the month goes on";
  must(SetMandate{make(10, Period::day, 10), {}});
  EXPECT_EQ(spend(10), Status::ok) << "a new day";
}

TEST_F(MandateTest, ATotalCountsWhatWasSpentUnderTotals) {
  must(SetMandate{make(100, Period::day, 1), {}});
  EXPECT_EQ(spend(100), Status::ok);
  must(SetMandate{make(50, Period::total, 2), {}});
  EXPECT_EQ(spend(50), Status::ok) << "its life begins now";
  must(SetMandate{make(1000, Period::hour, 3), {}});
  EXPECT_EQ(spend(500), Status::ok);
  must(SetMandate{make(50, Period::total, 4), {}});
  EXPECT_EQ(spend(1), Status::mandate_cap_exceeded) << "an hour in between does not begin it again";
}

TEST_F(MandateTest, SettingTheSameAgainChangesNothing) {
  must(SetMandate{make(100, Period::day, 5), {}});
  const CommandResult again = must(SetMandate{make(100, Period::day, 5), {}});
  EXPECT_FALSE(again.sequence.valid());
  EXPECT_EQ(again.id, 1u);
}

TEST_F(MandateTest, ALowerCapThanSpentAllowsNothing) {
  must(SetMandate{make(100, Period::day, 1), {}});
  EXPECT_EQ(spend(80), Status::ok);
  must(SetMandate{make(50, Period::day, 2), {}});
  SingleSpec spec;
  spec.agent = 0;
  const ItemResult result = submit_one(charge_item(1, spec));
  EXPECT_EQ(result.status, Status::mandate_cap_exceeded);
  EXPECT_EQ(result.limit, Amount(50));
  EXPECT_EQ(result.allowed, Amount(0));
}

TEST_F(MandateTest, ARevocationEndsItAndAHigherNonceBeginsAgain) {
  must(SetMandate{make(100, Period::day, 5), {}});
  Signature signature;
  signature.bytes[0] = 1;
  commitments::tab::MandateRevocation revocation{actors_.payer(0), actors_.agent(0), kUsdc, 5};
  EXPECT_EQ(run(RevokeMandate{revocation, signature}).status, Status::mandate_nonce_old);
  revocation.nonce = 9;
  must(RevokeMandate{revocation, signature});
  EXPECT_EQ(spend(1), Status::mandate_revoked);
  EXPECT_FALSE(must(RevokeMandate{revocation, signature}).sequence.valid()) << "again changes nothing";
  EXPECT_EQ(run(SetMandate{make(100, Period::day, 9), {}}).status, Status::mandate_nonce_old);
  EXPECT_EQ(run(SetMandate{make(100, Period::day, 5), {}}).status, Status::mandate_nonce_old);
  must(SetMandate{make(100, Period::day, 10), {}});
  EXPECT_EQ(spend(1), Status::ok);
}

TEST_F(MandateTest, TheOperatorsRevocationLeavesTheNextNonceFree) {
  must(SetMandate{make(100, Period::day, 5), {}});
  must(RevokeMandate{{actors_.payer(0), actors_.agent(0), kUsdc, 0}, {}});
  EXPECT_EQ(spend(1), Status::mandate_revoked);
  must(SetMandate{make(100, Period::day, 6), {}});
  EXPECT_EQ(spend(1), Status::ok);
}

TEST_F(MandateTest, ARevocationIsRememberedBeforeAnyMandate) {
  Signature signature;
  signature.bytes[0] = 1;
  const commitments::tab::MandateRevocation revocation{actors_.payer(0), actors_.agent(0), kUsdc, 5};
  EXPECT_EQ(must(RevokeMandate{revocation, signature}).id, 1u);
  EXPECT_EQ(run(SetMandate{make(100, Period::day, 5), {}}).status, Status::mandate_nonce_old) << "signed earlier";
  EXPECT_EQ(run(SetMandate{make(100, Period::day, 1), {}}).status, Status::mandate_nonce_old);
  EXPECT_EQ(spend(1), Status::mandate_revoked);
  EXPECT_FALSE(must(RevokeMandate{revocation, signature}).sequence.valid()) << "again changes nothing";
  EXPECT_EQ(must(SetMandate{make(100, Period::day, 6), {}}).id, 1u);
  EXPECT_EQ(spend(1), Status::ok);
  Mandate other = make(100, Period::day, 0);
  other.agent = actors_.agent(1);
  must(RevokeMandate{{actors_.payer(0), other.agent, kUsdc, 0}, signature});
  EXPECT_EQ(run(SetMandate{other, {}}).status, Status::mandate_nonce_old) << "zero is a nonce";
}

TEST_F(MandateTest, ImpossibleRevocationsAreRefused) {
  Signature signature;
  signature.bytes[0] = 1;
  const auto revoke = [&](const Address& payer, const Address& agent, AssetId asset, const Signature& by) {
    return run(RevokeMandate{{payer, agent, asset, 0}, by}).status;
  };
  EXPECT_EQ(revoke(actors_.payer(9), actors_.agent(0), kUsdc, signature), Status::payer_unknown);
  EXPECT_EQ(revoke(actors_.payer(0), actors_.agent(0), AssetId(9), signature), Status::asset_unknown);
  EXPECT_EQ(revoke(actors_.payer(0), {}, kUsdc, signature), Status::value_invalid);
  EXPECT_EQ(revoke(actors_.payer(0), actors_.payer(0), kUsdc, signature), Status::value_invalid);
  EXPECT_EQ(revoke(actors_.payer(0), actors_.agent(0), kUsdc, {}), Status::not_found) << "nothing to end or to block";
}

TEST_F(MandateTest, ImpossibleOnesAreRefused) {
  Mandate mandate = make(1, Period::day, 1);
  mandate.agent = actors_.payer(0);
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::value_invalid);
  mandate.agent = {};
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::value_invalid);
  mandate = make(1, Period::day, 1);
  mandate.payer = actors_.payer(9);
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::payer_unknown);
  mandate = make(1, Period::day, 1);
  mandate.asset = AssetId(9);
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::asset_unknown);
  mandate = make(1, Period::day, 1);
  mandate.payees = {actors_.payee(0), actors_.payee(0)};
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::value_invalid);
  mandate = make(1, Period::day, 1);
  mandate.valid_after = 10;
  mandate.valid_before = 10;
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::value_invalid);
  mandate.valid_after = 0;
  EXPECT_EQ(run(SetMandate{mandate, {}}).status, Status::expired);
}

TEST_F(MandateTest, HoldsReserveTheirMaximum) {
  must(SetMandate{make(100, Period::day, 1), {}});
  SingleSpec hold;
  hold.agent = 0;
  hold.nonce = 1;
  hold.maximum = 60;
  EXPECT_EQ(submit_one(actors_.unsigned_hold(hold)).status, Status::ok);
  EXPECT_EQ(mandate(1).held, Amount(60));
  EXPECT_EQ(spend(41), Status::mandate_cap_exceeded);
  EXPECT_EQ(spend(40), Status::ok);
  hold.amount = 25;
  EXPECT_EQ(submit_one(actors_.capture(hold)).status, Status::ok);
  EXPECT_EQ(mandate(1).held, Amount(0));
  EXPECT_EQ(mandate(1).spent(), Amount(65));
  EXPECT_EQ(spend(35), Status::ok);
  EXPECT_EQ(spend(1), Status::mandate_cap_exceeded);
}

TEST_F(MandateTest, VouchersSpendFromTheCap) {
  must(SetMandate{make(30, Period::day, 1), {}});
  VoucherSpec voucher;
  voucher.agent = 0;
  voucher.amounts = {10, 15};
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(voucher)).status, Status::ok);
  voucher.first_index = 2;
  voucher.amounts = {6};
  const ItemResult result = submit_one(actors_.unsigned_voucher(voucher));
  EXPECT_EQ(result.status, Status::mandate_cap_exceeded);
  EXPECT_EQ(result.allowed, Amount(5));
}

}  // namespace
}  // namespace ledger::core
