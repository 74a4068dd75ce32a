// The card's rows of docs/rails/faults.md about amounts: through the real dispatcher, as the provider gets them.

#include "tests/unit/settlers_card/card_fixture.h"

namespace settlers::card {
namespace {

// Of currencies with no, two and three decimals: the least, the most, and what is beyond either.
struct Limits {
  const char* currency;
  std::uint64_t least, most, step;  // in the currency's smallest unit
  unsigned exponent;
};
class CardAmountTest : public CardTest, public ::testing::WithParamInterface<Limits> {};
TEST_P(CardAmountTest, FromOneUnitToTheMaximum) {
  const Limits& limits = GetParam();
  options_.assets[0].currency = limits.currency;
  std::uint64_t unit = 1'000'000;  // the asset has six decimals
  for (unsigned i = 0; i < limits.exponent; ++i) unit /= 10;
  const auto collect = [&](std::uint64_t units) { return ledger_.collect(payer("pm_ok"), units * unit, "card"); };
  const SettlementId least = collect(limits.least), most = collect(limits.most);
  const SettlementId below = collect(limits.least - limits.step), above = collect(limits.most + limits.step);
  const SettlementId part = ledger_.collect(payer("pm_ok"), limits.least * unit + 1, "card");
  start();
  for (const SettlementId id : {least, most}) run_until_state(id, S::confirmed);
  for (const SettlementId id : {below, above, part}) {
    run_until_state(id, S::failed);
    EXPECT_EQ(ledger_.at(id).failure, FailureClass::rejected);
  }
  EXPECT_THAT(detail(below), HasSubstr("is below the least that can be moved"));
  EXPECT_THAT(detail(above), HasSubstr("is above the most that can be moved"));
  EXPECT_THAT(detail(part), HasSubstr("more decimals"));
  EXPECT_EQ(provider_.intents.size(), 2u) << "nothing was sent of the others";
  for (const auto& [id, intent] : provider_.intents) EXPECT_EQ(intent.at("currency"), limits.currency);
  EXPECT_EQ(json::value_to<std::uint64_t>(provider_.intents.at(ledger_.at(least).reference).at("amount")),
            limits.least);
  EXPECT_EQ(json::value_to<std::uint64_t>(provider_.intents.at(ledger_.at(most).reference).at("amount")), limits.most);
}
INSTANTIATE_TEST_SUITE_P(Currencies, CardAmountTest,
                         ::testing::Values(Limits{"jpy", 50, 99'999'999, 1, 0}, Limits{"usd", 50, 99'999'999, 1, 2},
                                           Limits{"kwd", 10, 99'999'990, 10, 3}));

// A part as small as one unit can be sent back, and all parts are the whole.
TEST_F(CardTest, RefundsOfOneUnitAddUpToTheWhole) {
  options_.assets[0].currency = "usd";
  const SettlementId origin = ledger_.collect(payer("pm_ok"), 500'000, "card");
  start();
  run_until_state(origin, S::confirmed);
  for (int i = 0; i < 50; ++i) {
    const SettlementId one = ledger_.refund(origin, 10'000);
    dispatcher_->wake();
    run_until_state(one, S::settled);
  }
  const SettlementId more = ledger_.refund(origin, 10'000);
  dispatcher_->wake();
  run_until_state(more, S::failed);
  EXPECT_EQ(ledger_.at(more).code, "charge_already_refunded");
  EXPECT_EQ(provider_.refunds.size(), 50u);
}

// The provider remembers the key with other parameters: it is not our payment, and nothing is believed of it.
TEST_F(CardTest, AKeyThatWasUsedWithOtherParametersProvesNothing) {
  const SettlementId id = ledger_.collect(payer("pm_ok"), 12'500'000, "card");
  bool met = false;
  provider_.fault = [&met](const Provider::Seen& seen) {
    if (seen.method != "POST" || met) return Fault::none;
    met = true;
    return Fault::reused;
  };
  start();
  run_until_state(id, S::unknown);
  EXPECT_EQ(ledger_.at(id).attempt, 1u) << "no new attempt without evidence";
  EXPECT_TRUE(provider_.intents.empty());
  pass_until_state(id, S::confirmed, 1);
  EXPECT_EQ(provider_.intents.size(), 1u);
}

}  // namespace
}  // namespace settlers::card
