// Two books that differ in every way that they can.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settlers/reconciler.h"

namespace {

using namespace settlers;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using S = SettlementState;

base::Time day(std::uint64_t number) { return base::Time::from_seconds(number * 86'400); }

Settlement collection(std::uint64_t id, std::uint64_t amount, S state = S::final) {
  Settlement one;
  one.id = SettlementId(id);
  one.rail = *base::RailName::parse("card");
  one.asset = base::AssetId(1);
  one.amount = Amount(amount);
  one.state = state;
  one.reference = "ref-" + std::to_string(id);
  one.submitted = day(100);
  return one;
}

RailMovement movement(std::uint64_t id, std::uint64_t amount, bool incoming = true) {
  RailMovement one;
  one.settlement = SettlementId(id);
  one.reference = "ref-" + std::to_string(id);
  one.incoming = incoming;
  one.asset = base::AssetId(1);
  one.amount = Amount(amount);
  one.time = day(100);
  return one;
}

class Comparing : public ::testing::Test {
 protected:
  std::vector<std::string> result() {
    std::vector<Difference> found;
    for (const Settlement& one : settlements_) comparison_.compare(one, found);
    comparison_.finish(found);
    std::vector<std::string> words;
    for (const Difference& one : found)
      words.push_back(std::to_string(static_cast<int>(one.kind)) + " " + std::to_string(one.settlement.value) + " " +
                      (one.ours ? one.ours->to_decimal_string(0) : "-") + " " +
                      (one.theirs ? one.theirs->to_decimal_string(0) : "-") + (one.incoming ? " in" : " out"));
    return words;
  }
  RailComparison comparison_{"card", day(90), day(110), [this](const Settlement&) { return keeps_; }};
  std::vector<Settlement> settlements_;
  bool keeps_ = true;
};

TEST_F(Comparing, TheSameOnBothSidesIsNoDifference) {
  Settlement payout = collection(2, 7);
  payout.kind = SettlementKind::payout;
  settlements_ = {collection(1, 5), payout, collection(3, 9, S::failed), collection(4, 9, S::accepted)};
  comparison_.add(movement(1, 5));
  comparison_.add(movement(2, 7, false));
  comparison_.add(movement(4, 9));  // the rail knows first
  EXPECT_THAT(result(), IsEmpty());
  EXPECT_EQ(comparison_.counts().matched, 2U);
  EXPECT_EQ(comparison_.counts().settlements, 2U);
  EXPECT_EQ(comparison_.counts().movements, 3U);
}

TEST_F(Comparing, APaymentThatCameBackIsNothingOnBothSides) {
  settlements_ = {collection(1, 5, S::returned)};
  comparison_.add(movement(1, 5));
  comparison_.add(movement(1, 5, false));
  EXPECT_THAT(result(), IsEmpty());
}

TEST_F(Comparing, EveryKind) {
  settlements_ = {collection(1, 5), collection(2, 5), collection(3, 5, S::failed), collection(4, 5), collection(5, 5)};
  comparison_.add(movement(2, 6));
  comparison_.add(movement(3, 5));  // failed here, paid there
  comparison_.add(movement(4, 5));  // twice
  comparison_.add(movement(4, 5));
  comparison_.add(movement(5, 5));  // went back there, and we do not know
  comparison_.add(movement(5, 5, false));
  comparison_.add(movement(6, 8));  // no such settlement
  RailMovement unnamed = movement(0, 9, false);
  unnamed.reference = "by hand";
  comparison_.add(unnamed);
  EXPECT_THAT(result(), ElementsAre("2 1 5 - in", "3 2 5 6 in", "1 3 - 5 in", "3 4 5 10 in", "2 5 5 - in", "1 6 - 8 in",
                                    "1 0 - 9 out"));
}

TEST_F(Comparing, APaymentThatWentOnByAnotherRailIsNotPaidTwice) {
  Settlement elsewhere = collection(1, 5);
  elsewhere.rail = *base::RailName::parse("bank");
  settlements_ = {elsewhere};
  comparison_.add(movement(1, 5));
  EXPECT_THAT(result(), ElementsAre("1 1 - 5 in"));
}

TEST_F(Comparing, WhatARailNamesOnlyByItsReferenceIsFoundByIt) {
  settlements_ = {collection(1, 5), collection(2, 5)};
  RailMovement first = movement(0, 5), second = movement(0, 4);
  first.reference = "ref-1";
  second.reference = "ref-2";
  comparison_.add(first);
  comparison_.add(second);
  EXPECT_THAT(result(), ElementsAre("3 2 5 4 in"));
}

TEST_F(Comparing, OnlyTheTimeThatWasAskedForIsJudged) {
  Settlement old = collection(1, 5);
  old.submitted = day(80);
  RailMovement early = movement(2, 5), late = movement(3, 5);
  early.time = day(89);
  late.time = day(110);
  settlements_ = {old};
  comparison_.add(early);
  comparison_.add(late);
  EXPECT_THAT(result(), IsEmpty());
}

TEST_F(Comparing, WhatWasInSuspenseIsInTheBooks) {
  Notice wire;
  wire.rail = *base::RailName::parse("card");
  wire.external_id = "wire-1";
  wire.recorded_as = NoticeState::suspense;
  wire.direction = ledger::core::Direction::in;
  wire.amount = Amount(7);
  RailMovement moved = movement(0, 7);
  moved.reference = "wire-1";
  comparison_.add(moved);
  comparison_.add(movement(1, 5));
  comparison_.add(movement(1, 5));  // twice: the second is in suspense
  comparison_.explain(wire);
  wire.external_id = "twice";
  wire.settlement = SettlementId(1);
  wire.amount = Amount(5);
  comparison_.explain(wire);
  wire.rail = *base::RailName::parse("bank");  // another rail's is nothing here
  comparison_.explain(wire);
  settlements_ = {collection(1, 5)};
  EXPECT_THAT(result(), IsEmpty());
}

TEST_F(Comparing, ARefundIsASettlementOfItsOwn) {
  Settlement refund = collection(2, 3);
  refund.kind = SettlementKind::refund;
  settlements_ = {collection(1, 5), refund};
  comparison_.add(movement(1, 5));
  comparison_.add(movement(2, 3, false));
  EXPECT_THAT(result(), IsEmpty());
}

TEST_F(Comparing, APieceOfWhatIsOlderIsNotTakenForTheWhole) {
  Settlement old = collection(1, 5);
  old.submitted = day(80);
  RailMovement back = movement(1, 2, false);
  back.time = day(89);
  settlements_ = {old};
  comparison_.add(back);
  EXPECT_THAT(result(), IsEmpty());
}

TEST_F(Comparing, WhatCannotBeKnownIsNotClaimed) {
  keeps_ = false;  // no record of this settlement is to be expected
  RailMovement converted = movement(2, 0);
  converted.amount.reset();
  settlements_ = {collection(1, 5), collection(2, 5)};
  comparison_.add(converted);
  EXPECT_THAT(result(), IsEmpty());
  EXPECT_EQ(comparison_.counts().uncompared, 2U);
}

// 1 is disputed in the books too; 2 was final before, 3 is disputed and the rail has not taken it yet.
TEST_F(Comparing, WhatADisputeTookIsInTheBooksOrADifference) {
  settlements_ = {collection(1, 5, S::disputed), collection(2, 6, S::final), collection(3, 7, S::disputed)};
  for (std::uint64_t id = 1; id <= 3; ++id) comparison_.add(movement(id, id + 4));
  for (std::uint64_t id = 1; id <= 2; ++id) comparison_.add(movement(id, id + 4, false));
  EXPECT_THAT(result(), ElementsAre("2 2 6 - in"));
  EXPECT_EQ(comparison_.counts().matched, 2U);
}

}  // namespace
