// Payers, payees, servers, plans, assets, mandates.

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlParties : public TabctlTest {};

TEST_F(TabctlParties, PayersByAddressNumberAndLabel) {
  for (const std::string& name : {address("payer"), std::string("1"), std::string("#1"), std::string("Crawler")}) {
    const cli::Json payer = json("operator", {"payer", "show", name});
    EXPECT_EQ(text_of(payer, "address"), address("payer")) << name;
    EXPECT_EQ(text_of(payer, "standing"), "active");
  }
  EXPECT_TRUE(contains(fails(1, "operator", {"payer", "show", "Crowler"}), "Did you mean \"Crawler\"?"));
  EXPECT_TRUE(contains(fails(1, "operator", {"payer", "show", "77"}), "There is no payer 77"));
  EXPECT_TRUE(contains(fails(2, "operator", {"payer", "add", "0x12", "--plan", "daily"}), "40 hexadecimal"));
  EXPECT_TRUE(contains(fails(1, "operator", {"payer", "add", address("agent"), "--plan", "dally"}), "dally"));
  EXPECT_TRUE(contains(good("payer", {"payer", "show", "--role", "payer"}), address("payer")));
  // The same again changes nothing and says so.
  EXPECT_TRUE(contains(good("operator", {"payer", "add", address("payer"), "--label", "Crawler", "--plan", "daily"}),
                       "Nothing changed"));
}

TEST_F(TabctlParties, ListsPageByCursor) {
  for (int i = 1; i <= 4; ++i) {
    const std::string digits(40, static_cast<char>('0' + i));
    good("operator", {"payer", "add", "0x" + digits, "--label", "p" + std::to_string(i), "--plan", "daily"});
  }
  const cli::Json first = json("operator", {"payer", "list", "--limit", "2"});
  EXPECT_EQ(first.at("items").as_array().size(), 2u);
  EXPECT_EQ(text_of(first, "next"), "2");
  const cli::Json rest = json("operator", {"payer", "list", "--after", "2", "--all"});
  EXPECT_EQ(rest.at("items").as_array().size(), 3u);
  EXPECT_EQ(text_of(rest, "next"), "null");
  EXPECT_EQ(json("auditor", {"payer", "list"}).at("items").as_array().size(), 5u);
  EXPECT_TRUE(contains(good("operator", {"payer", "list"}), "p4"));
}

TEST_F(TabctlParties, SuspendedPayersAreRefused) {
  good("operator", {"payer", "suspend", "Crawler", "--reason", "test"});
  EXPECT_EQ(text_of(json("operator", {"payer", "show", "Crawler"}), "standing"), "suspended");
  const std::string refused = fails(1, "server", {"submit", "-"}, signed_charge("0.10"));
  EXPECT_TRUE(contains(refused, "payer_suspended")) << refused;
  good("operator", {"payer", "resume", "Crawler", "--reason", "test"});
  charge("0.10");
}

TEST_F(TabctlParties, LimitsAreEnforcedWithNumbers) {
  good("operator", {"payer", "limit", "Crawler", "0.25"});
  charge("0.20");
  const std::string refused = fails(1, "server", {"submit", "-"}, signed_charge("0.10"));
  EXPECT_TRUE(contains(refused, "credit_limit_exceeded")) << refused;
  EXPECT_TRUE(contains(refused, "0.250000 USD")) << refused;
  EXPECT_TRUE(contains(refused, "0.050000 USD would be accepted")) << refused;
  const cli::Json exposure = json("operator", {"exposure", "Crawler"});
  EXPECT_EQ(text_of(exposure, "available"), "0.050000");
  EXPECT_EQ(text_of(json("server", {"exposure", address("payer")}), "available"), "0.050000");
  good("operator", {"payer", "limit", "Crawler", "plan"});
  charge("0.10");
  EXPECT_TRUE(contains(fails(2, "operator", {"payer", "limit", "Crawler", "0"}), "suspend"));
}

TEST_F(TabctlParties, PayeesAndServers) {
  const cli::Json payee = json("operator", {"payee", "show", "weather"});
  EXPECT_EQ(text_of(payee, "fee_basis_points"), "250");
  EXPECT_EQ(text_of(payee, "payout_rail"), "sandbox");
  EXPECT_TRUE(contains(good("operator", {"payee", "list"}), "2.50%"));
  EXPECT_TRUE(contains(good("operator", {"server", "show", "eu-1"}), address("server")));
  EXPECT_TRUE(contains(good("operator", {"server", "list"}), "weather"));
  EXPECT_TRUE(contains(fails(1, "operator", {"server", "show", "eu-2"}), "Did you mean \"eu-1\"?"));
  good("operator", {"server", "suspend", "eu-1"});
  fails(1, "server", {"submit", "-"}, signed_charge("0.10"));
  good("operator", {"server", "resume", "eu-1"});
  charge("0.10");
  good("operator", {"payee", "suspend", "weather"});
  EXPECT_EQ(text_of(json("operator", {"payee", "show", "weather"}), "active"), "false");
  fails(1, "server", {"submit", "-"}, signed_charge("0.10"));
  good("operator", {"payee", "resume", "weather"});
  charge("0.10");
}

TEST_F(TabctlParties, PlansAndAssets) {
  good("operator", {"plan", "add", "monthly", "--window", "month@Europe/Berlin", "--credit-limit", "10", "--minimum",
                    "1", "--threshold", "5", "--terms", "2d", "--dunning", "1d,3d", "--rail", "sandbox"});
  const cli::Json plan = json("operator", {"plan", "show", "monthly"});
  EXPECT_EQ(text_of(plan, "window"), "month@Europe/Berlin");
  EXPECT_EQ(text_of(plan, "terms_seconds"), "172800");
  EXPECT_EQ(cli::to_line(plan.at("dunning_seconds")), "[86400,259200]");
  EXPECT_TRUE(contains(good("operator", {"plan", "list"}), "monthly"));
  EXPECT_TRUE(contains(fails(1, "operator", {"plan", "show", "montly"}), "Did you mean \"monthly\"?"));
  EXPECT_TRUE(contains(
      fails(2, "operator", {"plan", "add", "x", "--window", "year", "--credit-limit", "1", "--rail", "sandbox"}),
      "not a billing window"));
  good("operator", {"payer", "plan", "Crawler", "monthly"});
  EXPECT_EQ(cli::to_line(json("operator", {"payer", "show", "Crawler"}).at("plans")), "[\"monthly\"]");
  good("operator", {"asset", "add", "2", "EUR", "--symbol", "EUR", "--scale", "4", "--rail-scale", "2"});
  const Finished assets = tabctl({"asset", "list", "--socket", tabd_->socket()});
  EXPECT_TRUE(contains(assets.output, "EUR")) << assets.output;
  EXPECT_TRUE(contains(fails(2, "operator", {"payer", "limit", "Crawler", "5"}), "Add --asset"));
}

TEST_F(TabctlParties, WhatIsNotNamedStaysAsItIs) {
  EXPECT_TRUE(contains(fails(2, "operator", {"plan", "add", "weekly", "--window", "week"}), "is a new plan"));
  good("operator", {"plan", "add", "weekly", "--window", "week", "--credit-limit", "10", "--minimum", "1",
                    "--threshold", "5", "--terms", "2d", "--dunning", "1d", "--rail", "sandbox", "--series", "W"});
  const auto plan = [&] {
    cli::JsonObject shown = json("operator", {"plan", "show", "weekly"}).as_object();
    EXPECT_EQ(text_of(shown, "id"), "2");
    return shown;
  };
  cli::JsonObject expected = plan();
  good("operator", {"plan", "add", "weekly", "--credit-limit", "20"});
  expected["credit_limit"] = "20.000000";
  EXPECT_EQ(cli::to_line(plan()), cli::to_line(expected));
  good("operator", {"plan", "add", "weekly", "--dunning", "none"});
  expected["dunning_seconds"] = cli::JsonArray();
  EXPECT_EQ(cli::to_line(plan()), cli::to_line(expected));

  EXPECT_TRUE(contains(fails(2, "operator", {"payee", "add", address("stranger")}), "--rail"));
  good("operator", {"payee", "add", "--label", "weather", "--fee-fixed", "0.10", "--minimum", "5", address("payee")});
  good("operator", {"payee", "terms", "weather", "--release", "sandbox:7d:1000", "--every", "week"});
  good("operator", {"payee", "suspend", "weather"});
  cli::JsonObject payee = json("operator", {"payee", "show", "weather"}).as_object();
  EXPECT_EQ(text_of(payee, "fee_basis_points"), "250");
  good("operator", {"payee", "add", address("payee"), "--fee", "3%"});
  payee["fee_basis_points"] = 300;
  EXPECT_EQ(cli::to_line(json("operator", {"payee", "show", "weather"})), cli::to_line(payee));
  good("operator", {"payee", "terms", "weather", "--every", "month"});
  payee["payout_every"] = "month@UTC";
  EXPECT_EQ(cli::to_line(json("operator", {"payee", "show", "weather"})), cli::to_line(payee));
  EXPECT_TRUE(contains(fails(2, "operator", {"payee", "terms", "weather"}), "Nothing to change"));
}

TEST_F(TabctlParties, AgentsSpendUnderAMandate) {
  const Words as_agent = {"sign",    "commitment",     "--payee",   address("payee"),
                          "--payer", address("payer"), "--maximum", "0.30"};
  const std::string unauthorised = fails(1, "server", {"submit", "-"}, good("agent", as_agent));
  EXPECT_TRUE(contains(unauthorised, "signer_not_authorised")) << unauthorised;

  const std::string mandate =
      good("payer", {"mandate", "sign", "--agent", address("agent"), "--cap", "0.50", "--period", "day"});
  EXPECT_TRUE(contains(good("payer", {"mandate", "set", "-"}, mandate), "may spend 0.500000 USD"));
  EXPECT_TRUE(contains(fails(1, "stranger", {"mandate", "set", "-"}, mandate), "registered here as a payer"));
  good("server", {"submit", "-"}, good("agent", as_agent));
  const std::string over = fails(1, "server", {"submit", "-"}, good("agent", as_agent));
  EXPECT_TRUE(contains(over, "mandate_cap_exceeded")) << over;
  EXPECT_TRUE(contains(over, "0.200000 USD would be accepted")) << over;
  const cli::Json listed = json("operator", {"mandate", "list", "Crawler"});
  EXPECT_EQ(text_of(listed.at("items").at(0), "spent"), "0.300000");

  good("payer", {"mandate", "revoke", address("agent")});
  EXPECT_TRUE(contains(good("payer", {"mandate", "list", "--role", "payer"}), "revoked"));
  EXPECT_TRUE(contains(fails(1, "server", {"submit", "-"}, good("agent", as_agent)), "mandate_revoked"));

  good("payer", {"mandate", "set", "--agent", address("agent"), "--cap", "1", "--valid-before", "+30d"});
  good("operator", {"mandate", "revoke", address("agent"), "--payer", "Crawler"});
  EXPECT_TRUE(contains(good("payer", {"mandate", "rail", "0x0102", "--rail", "sandbox"}), "2 bytes"));
}

}  // namespace
}  // namespace system_test
