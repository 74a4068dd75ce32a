// Cumulative vouchers on tabs.

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

class VoucherTest : public LedgerTest {
 protected:
  VoucherTest() { set_up_world(); }
  ItemResult submit_voucher(std::uint64_t first, std::vector<std::uint64_t> amounts, std::uint64_t maximum = 1000) {
    VoucherSpec spec;
    spec.first_index = first;
    spec.amounts = std::move(amounts);
    spec.maximum = maximum;
    return submit_one(actors_.unsigned_voucher(spec));
  }
  Tab tab(std::uint64_t id = 1) const { return row<Tab>(row_key(Table::tab, id)).value_or(Tab{}); }
};

TEST_F(VoucherTest, ChargesManyAtOnce) {
  const ItemResult result = submit_voucher(0, {10, 20, 30});
  EXPECT_EQ(result.status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"tab_opened", "window_opened", "voucher_charged", "batch_signed"}));
  EXPECT_EQ(tab().charges, 3u);
  EXPECT_EQ(tab().charged, Amount(60));
  EXPECT_EQ(tab().maximum, Amount(1000));
  EXPECT_TRUE(has_row(row_key(Table::tab_by_key, tab().key)));
  EXPECT_EQ(tally().unbilled, Amount(60));
  ASSERT_EQ(tally().lines.lines().size(), 1u);
  EXPECT_EQ(tally().lines.lines()[0].charges, 3u);
  EXPECT_EQ(tally().entries.size(), 1u) << "one entry, one leaf";
  EXPECT_EQ(submit_voucher(3, {1}, 2000).status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"voucher_charged", "batch_signed"}));
  EXPECT_EQ(tab().maximum, Amount(2000));
  EXPECT_EQ(submit_voucher(4, {1}, 1500).status, Status::ok) << "a lower voucher still covers its charges";
  EXPECT_EQ(tab().maximum, Amount(2000));
}

TEST_F(VoucherTest, TheKeyIsTheOneOfTheBinding) {
  submit_voucher(0, {1});
  commitments::tab::Voucher voucher;
  voucher.payer = actors_.payer(0);
  voucher.payee = actors_.payee(0);
  voucher.asset = kUsdc;
  EXPECT_EQ(tab().key, commitments::tab::tab_key(voucher, actors_.text_hash(kUsdc)));
}

TEST_F(VoucherTest, ReplaysAndConflicts) {
  const ItemResult first = submit_voucher(0, {10, 20});
  const ItemResult second = submit_voucher(2, {5});
  EXPECT_EQ(submit_voucher(0, {10, 20}).status, Status::already_accepted);
  EXPECT_EQ(submit_voucher(0, {10, 20}).sequence, first.sequence);
  EXPECT_EQ(submit_voucher(2, {5}).sequence, second.sequence);
  EXPECT_EQ(submit_voucher(0, {10, 21}).status, Status::tab_conflict);
  EXPECT_EQ(submit_voucher(1, {20}).status, Status::tab_conflict) << "the index is inside an earlier item";
  EXPECT_EQ(submit_voucher(2, {5, 6}).status, Status::tab_conflict);
  const ItemResult missing = submit_voucher(5, {1});
  EXPECT_EQ(missing.status, Status::tab_out_of_order);
  EXPECT_EQ(missing.expected_index, 3u);
  EXPECT_EQ(tally().unbilled, Amount(35));
}

TEST_F(VoucherTest, ANewTabStartsAtZero) {
  const ItemResult result = submit_voucher(1, {1});
  EXPECT_EQ(result.status, Status::tab_out_of_order);
  EXPECT_EQ(result.expected_index, 0u);
  EXPECT_EQ(machine_->head().tabs, 0u) << "a refusal opens no tab";
}

TEST_F(VoucherTest, TheMaximumCoversEverythingCharged) {
  EXPECT_EQ(submit_voucher(0, {600}).status, Status::ok);
  const ItemResult result = submit_voucher(1, {300, 101});
  EXPECT_EQ(result.status, Status::voucher_below_charged);
  EXPECT_EQ(result.limit, Amount(1000));
  EXPECT_EQ(result.allowed, Amount(400));
  const ItemResult lower = submit_voucher(1, {1}, 500);
  EXPECT_EQ(lower.status, Status::voucher_below_charged);
  EXPECT_EQ(lower.allowed, Amount(0));
  EXPECT_EQ(submit_voucher(1, {300, 100}).status, Status::ok);
}

TEST_F(VoucherTest, UsagesBeyondEveryNumberAreRefused) {
  commitments::tab::Item item = actors_.unsigned_voucher(VoucherSpec{});
  item.voucher.maximum = *Amount::from_units(Amount::kUnitsMax);
  item.usages.assign(5, item.usages[0]);
  for (auto& usage : item.usages) usage.amount = *Amount::from_units(Amount::kUnitsMax);
  EXPECT_EQ(submit_one(item).status, Status::voucher_below_charged);
}

TEST_F(VoucherTest, SaltsTellTabsApart) {
  VoucherSpec spec;
  submit_one(actors_.unsigned_voucher(spec));
  spec.salt = support::test_hash(1);
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(spec)).status, Status::ok);
  spec.payee = 1;
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(spec)).status, Status::ok);
  EXPECT_EQ(machine_->head().tabs, 3u);
  EXPECT_EQ(tab(3).payee, PayeeId(2));
}

TEST_F(VoucherTest, TheRestOfTheLadderAppliesToo) {
  VoucherSpec spec;
  spec.valid_before = now_.seconds();
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(spec)).status, Status::expired);
  spec.valid_before = 0;
  spec.payee = 50;
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(spec)).status, Status::payee_unknown);
  spec.payee = 0;
  spec.agent = 4;
  EXPECT_EQ(submit_one(actors_.unsigned_voucher(spec)).status, Status::signer_not_authorised);
  spec.agent.reset();
  spec.maximum = 2'000'000;
  spec.amounts = {1'000'001};
  const ItemResult result = submit_one(actors_.unsigned_voucher(spec));
  EXPECT_EQ(result.status, Status::credit_limit_exceeded);
  EXPECT_EQ(result.allowed, Amount(1'000'000));
  EXPECT_EQ(machine_->head().tabs, 0u);
}

TEST_F(VoucherTest, TheLongestItem) {
  std::vector<std::uint64_t> amounts(base::limits::kChargesPerVoucherMax, 1);
  EXPECT_EQ(submit_voucher(0, amounts).status, Status::ok);
  EXPECT_EQ(tab().charges, base::limits::kChargesPerVoucherMax);
  advance(24 * 3600);
  must(CloseDue{1});
  EXPECT_EQ(statement(1).net.units(), base::limits::kChargesPerVoucherMax);
  EXPECT_EQ(statement(1).entries, 1u);
}

}  // namespace
}  // namespace ledger::core
