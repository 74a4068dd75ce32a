// The books beside what a rail has on record. What providers, banks and chains can get wrong is planted in
// tests/card/reconcile.test.mjs, tests/unit/bank and tests/unit/settlers.

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlReconcile : public TabctlTest {
 protected:
  std::string extra_config() const override {
    return "[rails.sandbox2]\nenabled = true\nannounce = true\n[rails.sandbox2.payers]\n\"" + address("payer") +
           "\" = \"stray\"\n";
  }
};

TEST_F(TabctlReconcile, ACleanLedgerHasNoDifferenceAndAuditorsMayLook) {
  EXPECT_TRUE(contains(fails(2, "auditor", {"reconcile", "--last"}), "Nothing was reconciled"));
  charge("1.00");
  bill();
  const cli::Json made = json("operator", {"reconcile", "--rail", "sandbox"});
  EXPECT_EQ(text_of(made, "number"), "1");
  EXPECT_EQ(text_of(made, "differences_total"), "0");
  ASSERT_EQ(made.at("rails").as_array().size(), 1u);
  const cli::Json& rail = made.at("rails").at(0);
  EXPECT_EQ(text_of(rail, "rail"), "sandbox");
  EXPECT_EQ(text_of(rail, "settlements"), text_of(rail, "matched"));
  EXPECT_EQ(text_of(rail, "movements"), text_of(rail, "matched"));
  EXPECT_NE(text_of(rail, "matched"), "0");
  EXPECT_TRUE(contains(good("operator", {"reconcile", "--since", "7d", "--stuck", "1h"}), "No difference."));
  EXPECT_EQ(text_of(json("auditor", {"reconcile", "--last"}), "number"), "2");
  EXPECT_TRUE(contains(fails(1, "operator", {"reconcile", "--rail", "paper"}), "rail paper"));
  EXPECT_TRUE(contains(fails(2, "operator", {"reconcile", "--since", "yesterday"}), "yesterday"));
  EXPECT_NE(fails(1, "auditor", {"reconcile"}), "");
}

TEST_F(TabctlReconcile, MoneyThatBelongsToNothingIsListedWithItsAge) {
  good("operator", {"plan", "add", "two", "--window", "day", "--credit-limit", "50", "--rail", "sandbox2"});
  good("operator", {"payer", "add", address("payer"), "--label", "Crawler", "--plan", "two"});
  charge("1.00");
  bill();
  EXPECT_TRUE(eventually([&] {
    return json("operator", {"inbox", "list", "--state", "suspense"}).at("items").as_array().size() == 1;
  })) << tabd_->log();
  const std::string output = fails(4, "operator", {"reconcile", "--json"});
  const cli::Result<cli::Json> made = cli::parse_json(output.substr(0, output.find("\n{\"error\"")), "output");
  ASSERT_TRUE(made) << output;
  ASSERT_EQ(text_of(*made, "differences_total"), "1") << output;
  const cli::Json& one = made->at("differences").at(0);
  EXPECT_EQ(text_of(one, "kind"), "suspense");
  EXPECT_EQ(text_of(one, "rail"), "sandbox2");
  EXPECT_EQ(text_of(one, "theirs"), "1.000000");
  EXPECT_EQ(text_of(one, "direction"), "in");
  EXPECT_NE(text_of(one, "since"), "null");
  const std::string notice = text_of(one, "notice");
  good("operator", {"inbox", "resolve", notice, "payer-credit", "--payer", "Crawler", "--reason", "paid twice"});
  EXPECT_EQ(text_of(json("operator", {"reconcile"}), "differences_total"), "0");
}

}  // namespace
}  // namespace system_test
