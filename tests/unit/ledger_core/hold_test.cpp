// Holds: reserve, capture, release, expire.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

class HoldTest : public LedgerTest {
 protected:
  HoldTest() { set_up_world(); }
  SingleSpec spec(base::u128 nonce, std::uint64_t maximum = 100) const {
    SingleSpec spec;
    spec.nonce = nonce;
    spec.maximum = maximum;
    spec.amount = maximum / 2;
    return spec;
  }
  Sequence hold(const SingleSpec& spec) {
    const ItemResult result = submit_one(actors_.unsigned_hold(spec));
    EXPECT_EQ(base::name(result.status), "ok");
    return result.sequence;
  }
};

TEST_F(HoldTest, ReservesItsMaximum) {
  const Sequence sequence = hold(spec(1));
  EXPECT_EQ(tally().held, Amount(100));
  EXPECT_EQ(tally().exposure(), Amount(100));
  EXPECT_EQ(machine_->counts().open_holds, 1u);
  EXPECT_TRUE(has_row(row_key(Table::hold, sequence.value)));
  EXPECT_EQ(machine_->next_hold_expiry(), Time::from_seconds(kNow + 3600));
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(150)});
  const ItemResult refused = submit_one(actors_.unsigned_hold(spec(2)));
  EXPECT_EQ(refused.status, Status::credit_limit_exceeded);
  EXPECT_EQ(refused.allowed, Amount(50));
}

TEST_F(HoldTest, CaptureChargesAndFreesTheRest) {
  const Sequence sequence = hold(spec(1));
  const ItemResult captured = submit_one(actors_.capture(spec(1)));
  EXPECT_EQ(captured.status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"window_opened", "hold_captured", "batch_signed"}));
  EXPECT_EQ(tally().held, Amount(0));
  EXPECT_EQ(tally().unbilled, Amount(50));
  EXPECT_FALSE(has_row(row_key(Table::hold, sequence.value)));
  const ItemResult again = submit_one(actors_.capture(spec(1)));
  EXPECT_EQ(again.status, Status::already_accepted);
  EXPECT_EQ(again.sequence, captured.sequence);
  SingleSpec other = spec(1);
  other.amount = 49;
  EXPECT_EQ(submit_one(actors_.capture(other)).status, Status::hold_captured);
  EXPECT_EQ(submit_one(actors_.release(spec(1))).status, Status::hold_captured);
  EXPECT_EQ(submit_one(actors_.unsigned_hold(spec(1))).status, Status::already_accepted);
  EXPECT_EQ(submit_one(actors_.unsigned_hold(spec(1, 101))).status, Status::nonce_conflict);
}

TEST_F(HoldTest, ReleaseFreesEverything) {
  hold(spec(1));
  EXPECT_EQ(submit_one(actors_.release(spec(1))).status, Status::ok);
  EXPECT_EQ(tally().exposure(), Amount(0));
  EXPECT_EQ(submit_one(actors_.release(spec(1))).status, Status::already_accepted);
  EXPECT_EQ(submit_one(actors_.capture(spec(1))).status, Status::hold_released);
}

TEST_F(HoldTest, ExpiryReleases) {
  hold(spec(1));
  SingleSpec later = spec(2);
  later.valid_before = kNow + 7200;
  hold(later);
  advance(3599);
  EXPECT_EQ(must(ExpireHolds{10}).count, 0u);
  advance(1);
  EXPECT_EQ(submit_one(actors_.capture(spec(1))).status, Status::hold_expired) << "also before the timer ran";
  EXPECT_EQ(submit_one(actors_.release(spec(1))).status, Status::hold_expired);
  EXPECT_EQ(must(ExpireHolds{10}).count, 1u);
  EXPECT_EQ(tally().held, Amount(100));
  EXPECT_EQ(submit_one(actors_.capture(spec(1))).status, Status::hold_expired);
  EXPECT_EQ(submit_one(actors_.release(spec(1))).status, Status::hold_expired);
  EXPECT_EQ(entries_of_kind<HoldReleased>().back().reason, ReleaseReason::expired);
  EXPECT_EQ(machine_->next_hold_expiry(), Time::from_seconds(kNow + 7200));
}

TEST_F(HoldTest, ExpiryWorksInSlices) {
  for (int i = 1; i <= 5; ++i) hold(spec(static_cast<base::u128>(i)));
  advance(4000);
  CommandResult slice = must(ExpireHolds{3});
  EXPECT_EQ(slice.count, 3u);
  EXPECT_TRUE(slice.more);
  slice = must(ExpireHolds{3});
  EXPECT_EQ(slice.count, 2u);
  EXPECT_FALSE(slice.more);
  EXPECT_EQ(tally().held, Amount(0));
}

TEST_F(HoldTest, UnknownHolds) {
  EXPECT_EQ(submit_one(actors_.capture(spec(7))).status, Status::hold_unknown);
  EXPECT_EQ(submit_one(actors_.release(spec(7))).status, Status::hold_unknown);
  SingleSpec charged = spec(8);
  charge(10, charged);
  EXPECT_EQ(submit_one(actors_.capture(charged)).status, Status::hold_unknown) << "that nonce was a charge";
  SingleSpec stranger = spec(1);
  stranger.payer = 9;
  EXPECT_EQ(submit_one(actors_.capture(stranger)).status, Status::payer_unknown);
}

TEST_F(HoldTest, CaptureIsCheckedLikeACharge) {
  SingleSpec one = spec(1);
  one.resource = support::test_hash(1);
  hold(one);
  SingleSpec above = one;
  above.amount = 101;
  const ItemResult result = submit_one(actors_.capture(above));
  EXPECT_EQ(result.status, Status::charge_above_maximum);
  EXPECT_EQ(result.allowed, Amount(100));
  SingleSpec elsewhere = one;
  elsewhere.delivered = support::test_hash(2);
  EXPECT_EQ(submit_one(actors_.capture(elsewhere)).status, Status::item_malformed);
  must(SetServer{actors_.server(1), "", {actors_.payee(1)}, true});
  EXPECT_EQ(submit_one(actors_.capture(one), 1).status, Status::server_not_for_payee);
  EXPECT_EQ(submit_one(actors_.release(one), 1).status, Status::server_not_for_payee);
  must(SetServer{actors_.server(1), "", {actors_.payee(0)}, true});
  EXPECT_EQ(submit_one(actors_.capture(one), 1).status, Status::ok) << "any server of the payee may";
}

TEST_F(HoldTest, AHoldOutlivesSuspensionLowerLimitsAndThePlan) {
  hold(spec(1));
  hold(spec(2));
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(1)});
  must(SetStanding{actors_.payer(0), Standing::suspended_by_operator, ""});
  must(SetPayer{actors_.payer(0), "payer 0", {}});
  EXPECT_EQ(submit_one(actors_.capture(spec(1))).status, Status::ok);
  EXPECT_EQ(tally().plan, PlanId(1)) << "the plan at the time of the hold bills it";
  EXPECT_EQ(submit_one(actors_.unsigned_hold(spec(3))).status, Status::asset_not_enabled);
  Payee inactive;
  inactive.address = actors_.payee(0);
  inactive.active = false;
  must(SetPayee{inactive});
  EXPECT_EQ(submit_one(actors_.capture(spec(2))).status, Status::payee_unknown);
  must(SetServer{actors_.server(1), "", {actors_.payee(1)}, true});
  EXPECT_EQ(submit_one(actors_.release(spec(2)), 1).status, Status::server_not_for_payee);
  EXPECT_EQ(submit_one(actors_.release(spec(2))).status, Status::ok) << "a release only helps the payer";
}

TEST_F(HoldTest, CapturesAreOnTheStatement) {
  hold(spec(1));
  submit_one(actors_.capture(spec(1)));
  advance(24 * 3600);
  must(CloseDue{1});
  EXPECT_EQ(statement(1).net, Amount(50));
  EXPECT_EQ(statement(1).entries, 1u);
}

}  // namespace
}  // namespace ledger::core
