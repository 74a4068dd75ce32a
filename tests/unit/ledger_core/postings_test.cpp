#include "ledger/core/postings.h"

#include <gtest/gtest.h>

#include "ledger/core/invariants.h"

namespace ledger::core {
namespace {

TEST(Transaction, MovesBothSides) {
  Balance a, b;
  Transaction transaction;
  transaction.debit(a, Phase::pending, Amount(5));
  transaction.credit(b, Phase::pending, Amount(5));
  transaction.commit();
  EXPECT_EQ(a, (Balance{0, 5}));
  EXPECT_EQ(b, (Balance{0, -5}));
  transaction.post_debit(a, Amount(5));
  transaction.post_credit(b, Amount(5));
  transaction.commit();
  EXPECT_EQ(a, (Balance{5, 0}));
  EXPECT_EQ(b, (Balance{-5, 0}));
}

TEST(TransactionDeathTest, OneSidedPostingsAbort) {
  EXPECT_DEATH(
      {
        Balance a;
        Transaction transaction;
        transaction.debit(a, Phase::posted, Amount(1));
        transaction.commit();
      },
      "do not sum to zero");
  EXPECT_DEATH(
      {
        Balance a;
        Balance b;
        Transaction transaction;
        transaction.debit(a, Phase::posted, Amount(1));
        transaction.credit(b, Phase::pending, Amount(1));
        transaction.commit();
      },
      "do not sum to zero");
}

TEST(InvariantsDeathTest, EachOneAborts) {
  const Balance huge{static_cast<base::i128>(2 * kVolumeMax) + 1, 0};
  EXPECT_DEATH(invariants::BalanceBounds::check(huge), "larger than");
  EXPECT_DEATH(invariants::ExposureWithin::check(5, 6, 10), "exposure");
  EXPECT_DEATH(invariants::ExposureWithin::check(11, 11, 10), "above the limit");
  EXPECT_DEATH(invariants::RefusalChangesNothing(1, 1).check(2, 1), "appended");
  EXPECT_DEATH(invariants::RefusalChangesNothing(1, 1).check(1, 2), "changed the state");
  EXPECT_DEATH(invariants::SequenceStep::check(Sequence(1), Sequence(3)), "does not follow");
  aggregator::Bill bill;
  bill.total = bill.billed = Amount(1);
  EXPECT_DEATH(invariants::StatementAddsUp::check(bill), "shares");
  bill.shares.push_back({PayeeId(1), Amount(1)});
  bill.total = Amount(2);
  EXPECT_DEATH(invariants::StatementAddsUp::check(bill), "parts");
  const Balance unbilled{0, 2};
  EXPECT_DEATH(invariants::WindowAddsUp::check(1, 0, unbilled), "lines");
  EXPECT_DEATH(invariants::WindowAddsUp::check(2, 1, unbilled), "carried");
}

}  // namespace
}  // namespace ledger::core
