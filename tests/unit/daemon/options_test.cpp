#include "daemon/options.h"

#include <gtest/gtest.h>

namespace {

constexpr const char* kPayer = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

ops::Config parse(const std::string& text) {
  const auto calendar = aggregator::make_calendar();
  auto config = ops::parse_config("network = \"acme:tab\"\ndata_dir = \"/d\"\n" + text, "/c/tabd.toml", *calendar);
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().message);
  return config ? *config : ops::Config{};
}

TEST(Options, StoreLivesBelowTheDataDirectory) {
  const auto options = tabd_daemon::store_options(parse("[ledger]\nmemory = \"64MiB\""));
  EXPECT_EQ(options.path, "/d/ledger");
  EXPECT_EQ(options.network, "acme:tab");
  EXPECT_EQ(options.memory_bytes, 64u << 20);
}

// The configuration's reader and the sandbox must know the same names.
TEST(Options, EveryScriptOfTheSandboxCanBeConfigured) {
  int scripts = 0;
  for (std::uint8_t number = 0; number < 32; ++number) {
    const auto script = static_cast<settlers::sandbox::Script>(number);
    const std::string name(settlers::sandbox::name(script));
    if (settlers::sandbox::script_from_name(name) != script) break;
    const auto options = tabd_daemon::sandbox_options(
        parse("[rails.sandbox.payers]\n\"" + std::string(kPayer) + "\" = \"" + name + "\"\n").sandbox);
    ASSERT_EQ(options.by_payer.size(), 1u);
    EXPECT_EQ(options.by_payer.begin()->second, script);
    ++scripts;
  }
  EXPECT_EQ(scripts, 12);
}

TEST(Options, StablecoinHasUnitsOfTheChain) {
  const auto options = tabd_daemon::stablecoin_options(parse(R"(
[[asset]]
id = 3
text = "eip155:1/erc20:0x00"
symbol = "USDC"
scale = 9
rail_scale = 6
[rails.stablecoin]
rpc_url = "http://127.0.0.1:8545"
chain_id = 1
confirmed = "2"
finality = "safe"
max_fee_gwei = 7
[[rails.stablecoin.token]]
asset = "USDC"
address = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
eip712_name = "USD Coin"
)"));
  EXPECT_EQ(options.max_fee_per_gas_wei, 7'000'000'000u);
  EXPECT_EQ(options.confirmed.depth, 2u);
  EXPECT_EQ(options.finality.kind, settlers::stablecoin::BlockRule::Kind::safe);
  ASSERT_EQ(options.tokens.size(), 1u);
  EXPECT_EQ(options.tokens[0].asset, base::AssetId(3));
  EXPECT_EQ(options.tokens[0].decimals, 6);
  EXPECT_EQ(options.state_directory, "/d/stablecoin");
}

TEST(Options, CardHasSecondsAndTheLedgersName) {
  const auto options = tabd_daemon::card_options(parse(R"(
[[asset]]
id = 3
text = "USD"
symbol = "USD"
[rails.card]
final_after = "30d"
absent_after = "48h"
settled_interval = "1d"
[[rails.card.asset]]
asset = "USD"
currency = "eur"
rate = "0.92"
)"));
  EXPECT_EQ(options.final_after_s, 30u * 86'400);
  EXPECT_EQ(options.absent_after_s, 48u * 3'600);
  EXPECT_EQ(options.settled_probe_s, 86'400u);
  ASSERT_EQ(options.assets.size(), 1u);
  EXPECT_EQ(options.assets[0].asset, base::AssetId(3));
  EXPECT_EQ(options.assets[0].currency, "eur");
  EXPECT_EQ(options.assets[0].rate, "0.92");
  EXPECT_FALSE(options.ledger.empty());
}

TEST(Options, PlansThatTheirRailsCannotServeAreDoubted) {
  const std::string assets = R"(
[[asset]]
id = 1
text = "USD"
symbol = "USD"
[[asset]]
id = 2
text = "EUR"
symbol = "EUR"
[rails.sandbox]
enabled = true
)";
  const auto plan = [](const std::string& asset, const std::string& rails) {
    return "[[plan]]\nlabel = \"p\"\nasset = \"" + asset + "\"\ncredit_limit = \"1\"\nrails = [" + rails + "]\n";
  };
  EXPECT_TRUE(tabd_daemon::doubts(parse(assets + plan("USD", "\"sandbox\""))).empty());
  const auto doubts = tabd_daemon::doubts(parse(assets + plan("EUR", "\"sandbox\", \"nosuch\", \"card\"")));
  ASSERT_EQ(doubts.size(), 2u);
  EXPECT_EQ(doubts[0].substr(0, doubts[0].find(';')), "plan \"p\": rail \"nosuch\" is no rail of this configuration");
  EXPECT_EQ(doubts[1].substr(0, doubts[1].find(';')), "plan \"p\": rail \"card\" is not enabled");
}

TEST(Options, TheOperatorKeyMayLogInAsOperator) {
  const base::Address key = base::address_from_hex(kPayer).value();
  const auto alone = tabd_daemon::rpc_options(parse(""), key);
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->operators, std::vector<base::Address>{key});
  const auto listed = tabd_daemon::rpc_options(parse("operators = [\"" + std::string(kPayer) + "\"]"), key);
  EXPECT_EQ(listed->operators.size(), 1u);
}

}  // namespace
