// A check_only batch says what the ledger would do and changes nothing.

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

class CheckOnlyTest : public LedgerTest {
 protected:
  void SetUp() override { set_up_world(); }

  ItemResult check(const commitments::tab::Item& item) {
    commitments::tab::UnverifiedBatch batch = actors_.batch(0, 1, {item});
    batch.header.signature = {};  // nobody signs what is not kept
    batch.check_only = true;
    const commitments::tab::VerifiedBatch verified = actors_.verify(std::move(batch));
    EXPECT_EQ(verified.status(), Status::ok);
    const LedgerHead& head = machine_->head();
    SegmentBuilder out(SegmentId(head.last_segment.value + 1), Sequence(head.last_sequence.value + 1), now_);
    std::vector<ItemResult> results(1);
    machine_->execute_batch(verified, replay_, out, results);
    EXPECT_TRUE(out.empty());
    MapRows changed;
    machine_->drain_changes(changed);
    EXPECT_TRUE(changed.rows.empty());
    return results[0];
  }
  commitments::tab::Item voucher(std::uint64_t first_index, std::vector<std::uint64_t> amounts,
                                 std::uint64_t maximum = 1'000) {
    VoucherSpec spec;
    spec.first_index = first_index;
    spec.amounts = std::move(amounts);
    spec.maximum = maximum;
    return actors_.voucher(spec);
  }
};

TEST_F(CheckOnlyTest, EveryKindThatWouldBeAcceptedIsADryRun) {
  SingleSpec spec;
  EXPECT_EQ(check(actors_.charge(spec)).status, Status::dry_run);
  EXPECT_EQ(check(actors_.hold(spec)).status, Status::dry_run);
  EXPECT_EQ(check(voucher(0, {10})).status, Status::dry_run);
  EXPECT_EQ(machine_->head().tabs, 0u);
  EXPECT_EQ(submit_one(actors_.hold(spec)).status, Status::ok);
  EXPECT_EQ(check(actors_.capture(spec)).status, Status::dry_run);
  EXPECT_EQ(check(actors_.release(spec)).status, Status::dry_run);
  EXPECT_EQ(tally().held, Amount(1'000));
  EXPECT_EQ(tally().unbilled, Amount());
}

TEST_F(CheckOnlyTest, RefusalsAreThoseOfTheLadder) {
  SingleSpec rich;
  rich.maximum = 2'000'000;
  const ItemResult poor = check(actors_.hold(rich));
  EXPECT_EQ(poor.status, Status::credit_limit_exceeded);
  EXPECT_EQ(poor.allowed, Amount(1'000'000));
  SingleSpec spec;
  EXPECT_EQ(check(actors_.capture(spec)).status, Status::hold_unknown);
  submit_one(actors_.hold(spec));
  EXPECT_EQ(check(actors_.hold(spec)).status, Status::already_accepted);
  EXPECT_EQ(check(actors_.charge(spec)).status, Status::nonce_conflict);
  submit_one(actors_.capture(spec));
  EXPECT_EQ(check(actors_.release(spec)).status, Status::hold_captured);
  commitments::tab::Item forged = actors_.hold(SingleSpec{.nonce = 77});
  forged.signature.bytes[10] ^= 1;
  EXPECT_EQ(check(forged).status, Status::signature_wrong);
}

TEST_F(CheckOnlyTest, VouchersTellWhereTheTabStands) {
  EXPECT_EQ(check(voucher(0, {10})).tab, TabFigures{});
  const TabFigures after{Amount(30), Amount(1'000), 2};
  EXPECT_EQ(submit_one(voucher(0, {10, 20})).tab, after);
  EXPECT_EQ(check(voucher(2, {5}, 2'000)).tab, after);
  EXPECT_EQ(check(voucher(7, {5})).tab, after);
  const ItemResult low = check(voucher(2, {971}));
  EXPECT_EQ(low.status, Status::voucher_below_charged);
  EXPECT_EQ(low.tab, after);
  const ItemResult replayed = submit_one(voucher(0, {10, 20}));
  EXPECT_EQ(replayed.status, Status::already_accepted);
  EXPECT_EQ(replayed.tab, after);
}

}  // namespace
}  // namespace ledger::core
