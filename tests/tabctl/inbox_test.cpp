// Two rails, one that declines and one that says more than it was asked: fallback and the inbox, as an operator sees
// them.

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlInbox : public TabctlTest {
 protected:
  void SetUp() override {
    TabctlTest::SetUp();
    good("operator",
         {"plan", "add", "two", "--window", "day", "--credit-limit", "50", "--rail", "sandbox", "--rail", "sandbox2"});
    good("operator", {"payer", "add", address("payer"), "--label", "Crawler", "--plan", "two"});
  }
  std::string extra_config() const override {
    return "[rails.sandbox.payers]\n\"" + address("payer") + "\" = \"needs_action\"\n" +
           "[rails.sandbox2]\nenabled = true\nannounce = true\n" + "[rails.sandbox2.payers]\n\"" + address("payer") +
           "\" = \"stray\"\n";
  }
  cli::JsonArray items(const Words& arguments) { return json("operator", arguments).at("items").as_array(); }
};

TEST_F(TabctlInbox, TheNextRailCollectsAndStrayMoneyWaitsForTheOperator) {
  charge("1.00");
  bill();
  const cli::Json settlement = json("operator", {"settlement", "show", "1"});
  EXPECT_EQ(text_of(settlement, "rail"), "sandbox2");
  EXPECT_EQ(text_of(settlement, "attempt"), "2");
  EXPECT_EQ(text_of(settlement.at("refused_by"), "sandbox"), "needs_action");
  EXPECT_TRUE(eventually([&] { return items({"inbox", "list", "--every"}).size() == 2; })) << tabd_->log();
  const std::string shown = good("operator", {"settlement", "show", "1"});
  EXPECT_TRUE(contains(shown, "sandbox (needs_action)")) << shown;
  EXPECT_TRUE(contains(shown, "event by sandbox2")) << shown;

  const cli::JsonArray open = items({"inbox", "list", "--state", "suspense"});
  ASSERT_EQ(open.size(), 1u);
  const std::string number = text_of(open[0], "id");
  EXPECT_EQ(text_of(open[0], "amount"), "1.000000");
  EXPECT_EQ(text_of(json("operator", {"balance"}).at("items").at(0).at("suspense"), "posted"), "-1.000000");
  EXPECT_TRUE(contains(good("auditor", {"inbox", "show", number}), "the same amount once more"));

  EXPECT_TRUE(contains(fails(1, "operator", {"inbox", "resolve", number, "dismiss", "--reason", "x"}), "in suspense"));
  EXPECT_TRUE(contains(fails(2, "operator", {"inbox", "resolve", number, "payer-credit", "--reason", "x"}), "--payer"));
  EXPECT_TRUE(contains(fails(2, "operator", {"inbox", "resolve", number, "keep", "--reason", "x"}), "went-back"));
  fails(1, "operator", {"inbox", "resolve", "99", "dismiss", "--reason", "x"});
  good("operator", {"inbox", "resolve", number, "payer-credit", "--payer", "Crawler", "--reason", "paid twice"});
  EXPECT_EQ(text_of(json("operator", {"balance"}).at("items").at(0).at("suspense"), "posted"), "0.000000");
  EXPECT_EQ(text_of(json("operator", {"balance", "--payer", "Crawler"}).at("items").at(0), "credit"), "1.000000");
  const cli::Json resolved = json("operator", {"inbox", "show", number});
  EXPECT_EQ(text_of(resolved, "state"), "resolved");
  EXPECT_EQ(text_of(resolved, "credited_to"), "Crawler");
  EXPECT_TRUE(contains(good("operator", {"inbox", "list"}), "nothing to do"));
  EXPECT_TRUE(contains(good("auditor", {"journal", "list", "--from", "1", "--limit", "500"}), "notice_resolved"));
}

TEST_F(TabctlInbox, APayerHasAMandateForEachRail) {
  good("payer", {"mandate", "rail", "0x0102", "--rail", "sandbox"});
  good("operator", {"mandate", "rail", "cus_1;pm_2", "--text", "--rail", "card", "--payer", "Crawler"});
  const cli::Json payer = json("operator", {"payer", "show", "Crawler"});
  EXPECT_EQ(text_of(payer.at("rail_mandates"), "sandbox"), "0x0102");
  EXPECT_EQ(text_of(payer.at("rail_mandates"), "card"), "0x6375735f313b706d5f32");
  good("payer", {"mandate", "rail", "0x", "--rail", "sandbox"});
  EXPECT_EQ(json("payer", {"payer", "show", "--role", "payer"}).at("rail_mandates").as_object().size(), 1u);
  fails(2, "payer", {"mandate", "rail", "0x01"});
  fails(2, "payer", {"mandate", "rail", "0x01", "--rail", "a-name-that-is-too-long"});
}

}  // namespace
}  // namespace system_test
