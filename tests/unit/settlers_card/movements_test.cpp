// Disputes on the provider's record, beside what the books say.

#include "settlers/reconciler.h"
#include "tests/unit/settlers_card/card_fixture.h"

namespace settlers::card {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000;

json::object intent(std::uint64_t settlement, std::uint64_t amount, std::uint64_t age_s = kHour) {
  return {{"id", "pi_" + std::to_string(settlement)},
          {"object", "payment_intent"},
          {"status", "succeeded"},
          {"amount", amount},
          {"amount_received", amount},
          {"currency", "usd"},
          {"created", kNow - age_s},
          {"metadata", json::object{{"tabd_ledger", "acme:tab"}, {"tabd_settlement", std::to_string(settlement)}}}};
}

json::object dispute(const json::object& of, std::uint64_t amount, const char* status) {
  return {{"id", "du_" + std::string(of.at("id").as_string())},
          {"object", "dispute"},
          {"amount", amount},
          {"currency", "usd"},
          {"status", status},
          {"reason", "fraudulent"},
          {"created", kNow - 60},
          {"payment_intent", of}};
}

Settlement settlement(std::uint64_t id, S state, std::uint64_t age_s = kHour) {
  Settlement one;
  one.id = SettlementId(id);
  one.rail = *base::RailName::parse("card");
  one.asset = core::AssetId(1);
  one.amount = Amount(10'000'000);
  one.state = state;
  one.reference = "pi_" + std::to_string(id);
  one.submitted = base::Time::from_seconds(kNow - age_s);
  return one;
}

class CardMovementsTest : public CardTest {
 protected:
  std::vector<std::string> differences(const std::vector<Settlement>& books, const std::vector<Notice>& notices = {}) {
    start();
    RailComparison comparison("card", base::Time::from_seconds(kNow - 30 * kDay), base::Time::from_seconds(kNow),
                              [](const Settlement&) { return true; });
    MovementQuery query;
    query.from = base::Time::from_seconds(kNow - 33 * kDay);
    query.to = base::Time::from_seconds(kNow);
    core::Asset asset;
    asset.id = core::AssetId(1);
    asset.scale = 6;
    query.assets = {asset};
    do {
      std::optional<base::Result<MovementPage>> page;
      card_->movements(query, [&page](base::Result<MovementPage> said) { page = std::move(said); });
      run_until([&page] { return page.has_value(); });
      EXPECT_TRUE(page->has_value());
      for (const RailMovement& one : (*page)->movements) comparison.add(one);
      query.after = (*page)->next;
    } while (!query.after.empty());
    for (const Notice& one : notices) comparison.explain(one);
    std::vector<Difference> found;
    for (const Settlement& one : books) comparison.compare(one, found);
    comparison.finish(found);
    std::vector<std::string> words;
    for (const Difference& one : found)
      words.push_back(std::to_string(static_cast<int>(one.kind)) + " " + std::to_string(one.settlement.value) + " " +
                      (one.theirs ? one.theirs->to_decimal_string(6) : "-") + (one.incoming ? " in " : " out ") +
                      one.detail);
    return words;
  }
  void list(json::array intents, json::array disputes) {
    provider_.listed = {{"/v1/payment_intents", std::move(intents)},
                        {"/v1/disputes", std::move(disputes)},
                        {"/v1/refunds", {}},
                        {"/v1/transfers", {}}};
  }
};

TEST_F(CardMovementsTest, WhatADisputeTakesAfterFinalIsADifference) {
  const json::object taken = intent(1, 1'000), lost = intent(2, 1'000), open = intent(3, 1'000), won = intent(4, 1'000);
  const json::object old = intent(5, 1'000, 90 * kDay), back = intent(6, 1'000, 90 * kDay);
  list({taken, lost, open, won},
       {dispute(taken, 1'000, "lost"), dispute(lost, 1'000, "lost"), dispute(open, 1'000, "needs_response"),
        dispute(won, 1'000, "won"), dispute(old, 1'000, "lost"), dispute(back, 1'000, "lost")});
  EXPECT_THAT(differences({settlement(1, S::final), settlement(2, S::returned), settlement(3, S::disputed),
                           settlement(4, S::settled), settlement(5, S::final, 90 * kDay),
                           settlement(6, S::returned, 90 * kDay)}),
              ElementsAre("2 1 - in all of it went back; disputed, du_pi_1 of pi_1 is lost",
                          "2 5 - in all of it went back; disputed, du_pi_5 of pi_5 is lost"));
}

TEST_F(CardMovementsTest, APartIsADifferenceUntilItIsInSuspense) {
  const json::object one = intent(1, 1'000), two = intent(2, 1'000);
  list({one, two}, {dispute(one, 100, "needs_response"), dispute(two, 200, "lost")});
  Notice notice;
  notice.rail = *base::RailName::parse("card");
  notice.recorded_as = NoticeState::suspense;
  notice.external_id = "du_pi_2";
  notice.asset = core::AssetId(1);
  notice.amount = Amount(2'000'000);
  notice.direction = core::Direction::out;
  EXPECT_THAT(differences({settlement(1, S::settled), settlement(2, S::settled)}, {notice}),
              ElementsAre("1 0 1.000000 out it names no settlement; disputed, du_pi_1 of pi_1 is needs_response"));
}

}  // namespace
}  // namespace settlers::card
