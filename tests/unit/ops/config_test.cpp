#include "ops/config.h"

#include <gtest/gtest.h>

#include <array>

namespace {

constexpr std::string_view kMinimal = "network = \"acme:tab\"\n";

base::Result<ops::Config> parse(std::string_view text) {
  const auto calendar = aggregator::make_calendar();
  return ops::parse_config(text, "/etc/tabd/tabd.toml", *calendar);
}

TEST(Config, MinimalFileHasDefaults) {
  const auto config = parse(kMinimal);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->network, "acme:tab");
  EXPECT_EQ(config->data_dir, "/var/lib/tabd");
  EXPECT_EQ(config->rpc.unix_socket_mode, 0660u);
  ASSERT_EQ(config->http.listen.size(), 1u);
  EXPECT_EQ(ops::to_string(config->http.listen[0]), "127.0.0.1:9402");
  EXPECT_TRUE(config->plans.empty());
}

TEST(Config, AssetsAndPlansBecomeLedgerObjects) {
  const auto config = parse(R"(
network = "acme:tab"
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 2
[[plan]]
label = "hourly"
asset = "USD"
window = "1h"
credit_limit = "12.5"
minimum = "0.01"
terms = "1d"
rails = ["card", "sandbox"]
dunning = ["30s", "1d"]
)");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  const ledger::core::Plan& plan = config->plans.at(0);
  EXPECT_EQ(plan.asset, base::AssetId(1));
  EXPECT_EQ(plan.window.kind, aggregator::WindowKind::duration);
  EXPECT_EQ(plan.window.duration_s, 3600u);
  EXPECT_EQ(plan.credit_limit, base::Amount(12'500'000));
  EXPECT_EQ(plan.minimum, base::Amount(10'000));
  EXPECT_EQ(plan.terms_s, 86'400u);
  EXPECT_EQ(plan.dunning_s, (std::vector<std::uint64_t>{30, 86'400}));
  EXPECT_EQ(plan.rails.at(1).view(), "sandbox");
  EXPECT_EQ(config->assets.at(0).rail_scale, 2);
}

TEST(Config, RelativePathsAreRelativeToTheFile) {
  const auto config = parse("network = \"acme:tab\"\ndata_dir = \"data\"\noperator_key_file = \"../keys/op.key\"\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->data_dir, "/etc/tabd/data");
  EXPECT_EQ(config->operator_key_file, "/etc/keys/op.key");
  EXPECT_EQ(config->ledger.checkpoint_root, "/etc/tabd/data/checkpoints");
  EXPECT_EQ(config->stablecoin.state_directory, "/etc/tabd/data/stablecoin");
}

struct BadCase {
  const char* text;      // after the line `network = "acme:tab"`
  const char* position;  // "line:column"
  const char* key;
  const char* message;  // a part of it
  friend void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.key << " at " << bad.position; }
};

constexpr std::array kBadCases = {
    BadCase{"nonsense = 1", "2:1", "nonsense", "unknown key; allowed here: asset, auditors"},
    BadCase{"[rpc]\nunix_soket = \"x\"", "3:1", "rpc.unix_soket", "unknown key; allowed here: listen, tls_"},
    BadCase{"[rpc]\nunix_socket_mode = \"999\"", "3:20", "rpc.unix_socket_mode", "\"0600\" to \"0777\""},
    BadCase{"[rpc]\nunix_socket = \"\"", "3:15", "rpc.unix_socket", "nothing to listen on"},
    BadCase{"[rpc]\nlisten = \"127.0.0.1:9401\"", "3:10", "rpc.listen", "TCP needs TLS"},
    BadCase{"[rpc]\ntls_key_file = \"/k\"", "3:16", "rpc.tls_key_file", "set both"},
    BadCase{"[http]\nlisten = \"localhost\"", "3:10", "http.listen", "\"127.0.0.1:9402\""},
    BadCase{"[http]\nlisten = \"1.2.3.4:70000\"", "3:10", "http.listen", "not an address to listen on"},
    BadCase{"[http]\nlisten = 9402", "3:10", "http.listen", "this is a number; allowed: a text in quotes"},
    BadCase{"[http]\nrequest_timeout = \"10\"", "3:19", "http.request_timeout", "is not a duration"},
    BadCase{"[http]\nrequest_timeout = \"1d\"", "3:19", "http.request_timeout", "allowed: 100ms to 10m"},
    BadCase{"[http]\nconnections_max = 0", "3:19", "http.connections_max", "allowed: 1 to 10000"},
    BadCase{"[http]\nconnections_max = 2.5", "3:19", "http.connections_max", "a number with a fraction"},
    BadCase{"[http]\npage = 1", "3:8", "http.page", "allowed: true, false"},
    BadCase{"[http]\nlisten = \"\"\npage = true", "4:8", "http.page", "set http.listen, or page = false"},
    BadCase{"[http]\npage_hosts = [\"http://a\"]", "3:14", "http.page_hosts", "names without scheme and port"},
    BadCase{"[x402]\nsettle_wait = \"60s\"", "3:15", "x402.settle_wait", "a duration below request_timeout"},
    BadCase{"[x402.channels]\ncontract = \"0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003\"", "2:1",
            "x402.channels.collector", "missing; allowed: the address"},
    BadCase{"[x402.channels]\ncontract = \"0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003\"", "3:12",
            "x402.channels.contract", "enabled = true"},
    BadCase{"[x402.channels]\ncollector = \"0x4020806089470a89826cb9fb1f4059150b550004\"", "2:1",
            "x402.channels.contract", "missing; allowed: the address of the settlement contract"},
    BadCase{"[x402.channels]\nwithdraw_delay = \"14m\"", "3:18", "x402.channels.withdraw_delay", "allowed: 15m to 30d"},
    BadCase{"[x402.channels]\nclaim_minimum = \"0.5\"", "3:17", "x402.channels.claim_minimum",
            "a whole number in quotes"},
    BadCase{"[x402.channels]\nclaim_rows_max = 257", "3:18", "x402.channels.claim_rows_max", "allowed: 1 to 256"},
    BadCase{"[ledger]\nmemory = \"1MB\"", "3:10", "ledger.memory", "is not a size"},
    BadCase{"[ledger]\nmemory = \"1KiB\"", "3:10", "ledger.memory", "allowed: 16MiB to 1024GiB"},
    BadCase{"[log]\nlevel = \"loud\"", "3:9", "log.level", "\"debug\", \"info\", \"warning\", \"error\""},
    BadCase{"[settlement]\ndry_run = \"yes\"", "3:11", "settlement.dry_run", "allowed: true, false"},
    BadCase{"operators = [\"0x12\"]", "2:13", "operators", "0x and 40 hexadecimal digits"},
    BadCase{"operators = [7]", "2:14", "operators", "this element is a number"},
    BadCase{"operator_key_file = \"credential:\"", "2:21", "operator_key_file", "names no credential"},
    BadCase{"log = 3", "2:7", "log", "allowed: a table, [log]"},
    BadCase{"plan = 3", "2:8", "plan", "allowed: tables, each under [[plan]]"},
    BadCase{"[[asset]]\ntext=\"USD\"\nsymbol=\"USD\"", "2:1", "asset.id", "missing; allowed: 1 to 65535"},
    BadCase{"[[asset]]\nid=1\ntext=\"USD\"\nsymbol=\"U\xe2\x80\xaeSD\"\nscale=2", "5:8", "asset.symbol",
            "turns the direction"},
    BadCase{"[http]\npage_hosts = [\"a\", \"b\xc2\x9b\"]", "3:20", "http.page_hosts", "control character"},
    BadCase{"[[asset]]\nid=1\ntext=\"USD\"\nsymbol=\"USD\"\nscale=2\nrail_scale=6", "7:12", "asset.rail_scale",
            "finer than scale"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n[[asset]]\nid=1\ntext=\"B\"\nsymbol=\"B\"", "7:4", "asset.id",
            "1 is the id of \"A\" already"},
    BadCase{"[[plan]]\nlabel=\"p\"\nasset=\"EUR\"\ncredit_limit=\"1\"\nrails=[\"sandbox\"]", "4:7", "plan.asset",
            "\"EUR\" is no asset of this file"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\nscale=2\n"
            "[[plan]]\nlabel=\"p\"\nasset=\"A\"\ncredit_limit=\"1.234\"\nrails=[\"sandbox\"]",
            "10:14", "plan.credit_limit", "at most 2 digits after the point"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n"
            "[[plan]]\nlabel=\"p\"\nasset=\"A\"\ncredit_limit=1.5\nrails=[\"sandbox\"]",
            "9:14", "plan.credit_limit", "this is a number with a fraction; allowed: a decimal in quotes"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n"
            "[[plan]]\nlabel=\"p\"\nasset=\"A\"\ncredit_limit=\"1\"\nrails=[\"sandbox\"]\nwindow=\"fortnight\"",
            "11:8", "plan.window", "\"day\", \"week\", \"month\""},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n"
            "[[plan]]\nlabel=\"p\"\nasset=\"A\"\ncredit_limit=\"1\"\nrails=[\"sandbox\"]\ntime_zone=\"Mars/Base\"",
            "11:11", "plan.time_zone", "Mars/Base"},
    BadCase{"[rails.stablecoin]\nenabled = true\nchain_id = 1\nsigner_key_file=\"k\"\n", "2:1",
            "rails.stablecoin.rpc_url", "missing"},
    BadCase{"[rails.stablecoin]\nrpc_url = \"wss://node\"", "3:11", "rails.stablecoin.rpc_url", "https://host"},
    BadCase{"[rails.stablecoin]\nconfirmed = \"soon\"", "3:13", "rails.stablecoin.confirmed",
            "\"safe\", \"finalized\""},
    BadCase{"[rails.sandbox.payers]\nbob = \"success\"", "3:7", "rails.sandbox.payers.bob", "not an address"},
    BadCase{"[rails.sandbox]\n[[rails.sandbox.amount]]\nscript=\"explode\"", "4:8", "rails.sandbox.amount.script",
            "lost_accepted"},
    BadCase{"[rails.paper]\nx = 1", "2:8", "rails.paper", "unknown key; allowed here:"},
    BadCase{"[rails.card]\nx = 1", "3:1", "rails.card.x", "unknown key; allowed here: absent_after"},
    BadCase{"[rails.card]\nenabled = true\n", "2:1", "rails.card.api_key_file", "sk_... or rk_..."},
    BadCase{"[rails.card]\nenabled = true\n", "2:1", "rails.card.asset", "add a [[rails.card.asset]]"},
    BadCase{"[rails.card]\nbase_url = \"stripe.com\"", "3:12", "rails.card.base_url", "https://host"},
    BadCase{"[rails.card]\nlivemode = true\nbase_url = \"http://stripe.com\"", "4:12", "rails.card.base_url",
            "real money needs https"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n[rails.card]\nenabled=true\napi_key_file=\"k\"\n"
            "webhook_secret_file=\"w\"\n[[rails.card.asset]]\nasset=\"A\"\ncurrency=\"usd\"\n",
            "1:1", "x402.listen", "the webhook of [rails.card]"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\nscale=6\n[[rails.stablecoin.token]]\nasset=\"A\"\n"
            "address=\"0x833589fcd6edb6e08f4c7c32d4f71b54bda02913\"\neip712_name=\"A\"\ndecimals=5",
            "11:10", "rails.stablecoin.token.decimals", "fewer than the asset's rail_scale, 6"},
    BadCase{"[rails.card]\naccount = \"me\"", "3:11", "rails.card.account", "acct_"},
    BadCase{"[rails.card]\nabsent_after = \"1h\"", "3:16", "rails.card.absent_after", "\"25h\" and more"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n[[rails.card.asset]]\nasset=\"A\"\ncurrency=\"USD\"", "8:10",
            "rails.card.asset.currency", "lower case"},
    BadCase{
        "[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n[[rails.card.asset]]\nasset=\"A\"\ncurrency=\"usd\"\nrate=\"0\"",
        "9:6", "rails.card.asset.rate", "a decimal above zero"},
    BadCase{"[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n[[plan]]\nlabel=\"hasty\"\nasset=\"A\"\ncredit_limit=\"1\"\n"
            "rails=[\"card\"]\ndunning=[\"1h\"]\n[rails.card]\nenabled=true\nlivemode=true\n",
            "14:10", "rails.card.livemode", "within a day"},
    BadCase{"[rails.bank.sepa]\nenabled = true\nname = \"A\"\niban = \"DE89370400440532013000\"", "2:1",
            "rails.bank.sepa.creditor_id", "missing"},
    BadCase{"[rails.bank.sepa]\nenabled = true\nname = \"A\"\ncreditor_id = \"DE98ZZZ09999999999\"", "2:1",
            "rails.bank.sepa.iban", "missing"},
    BadCase{"[rails.bank.ach]\ncut_off = \"25:00\"", "3:11", "rails.bank.ach.cut_off", "no time of day"},
    BadCase{"[rails.bank]\nenabled = true\n[rails.bank.ach]\nbank_routing_number = \"1\"", "2:1", "rails.bank.sepa",
            "neither network is enabled"},
    BadCase{"[rails.bank]\ndemonstration_day = \"1s\"", "3:21", "rails.bank.demonstration_day",
            "only for demonstrations"},
    BadCase{"[[rails.bank.asset]]\nasset = \"X\"\ncurrency = \"EUR\"", "3:9", "rails.bank.asset.asset",
            "is no asset of this file"},
};

class BadConfig : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfig, NamesFileLineColumnKeyAndRemedy) {
  const BadCase& bad = GetParam();
  const auto config = parse(std::string(kMinimal) + bad.text);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, base::ErrorCode::invalid_argument);
  const std::string start = "/etc/tabd/tabd.toml:" + std::string(bad.position) + ": " + bad.key + ": ";
  const std::size_t at = config.error().message.find(start);
  ASSERT_NE(at, std::string::npos) << config.error().message;
  const std::string line = config.error().message.substr(at, config.error().message.find('\n', at) - at);
  EXPECT_NE(line.find(bad.message), std::string::npos) << line;
}

INSTANTIATE_TEST_SUITE_P(Table, BadConfig, testing::ValuesIn(kBadCases));

TEST(Config, X402WithApiKeys) {
  const std::string hash = "0x" + std::string(64, 'a');
  const std::string text = std::string(kMinimal) +
                           "[x402]\nlisten = \"127.0.0.1:9403\"\nserver_key_file = \"x402.key\"\nbody_max = \"64KiB\"\n"
                           "[[x402.api_key]]\nname = \"a\"\nsha256 = \"" +
                           hash + "\"\naddresses = [\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\"]\nburst = 7\n";
  const auto config = parse(text);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->x402.server_key_file, "/etc/tabd/x402.key");
  EXPECT_EQ(config->x402.body_max_bytes, 64u << 10);
  ASSERT_EQ(config->x402.api_keys.size(), 1u);
  EXPECT_EQ(config->x402.api_keys[0].role, ops::ApiKeyConfig::Role::server);
  EXPECT_EQ(config->x402.api_keys[0].burst, 7u);

  const auto twice = parse(text + "[[x402.api_key]]\nname = \"a\"\nsha256 = \"" + hash +
                           "\"\nrole = \"payer\"\naddresses = [\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\", "
                           "\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bd\"]\n");
  ASSERT_FALSE(twice.has_value());
  for (const char* part : {"x402.api_key.name: \"a\" is used twice", "x402.api_key.sha256: this is the key of \"a\"",
                           "a payer's key is for one payer"})
    EXPECT_NE(twice.error().message.find(part), std::string::npos) << twice.error().message;
  const auto bare =
      parse(std::string(kMinimal) + "[x402]\nlisten = \"127.0.0.1:9403\"\n[[x402.api_key]]\nrole = \"x\"\n");
  ASSERT_FALSE(bare.has_value());
  for (const char* part :
       {"x402.server_key_file: missing", "x402.api_key.name: missing", "x402.api_key.sha256: missing",
        "x402.api_key.addresses: missing", "x402.api_key.role: \"x\" is not known"})
    EXPECT_NE(bare.error().message.find(part), std::string::npos) << bare.error().message;
}

TEST(Config, Channels) {
  const auto off = parse(kMinimal);
  ASSERT_TRUE(off.has_value()) << off.error().message;
  EXPECT_TRUE(off->x402.channels.contract.is_zero());
  const auto on = parse(std::string(kMinimal) +
                        "[x402.channels]\ncontract = \"0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003\"\n"
                        "collector = \"0x4020806089470a89826cb9fb1f4059150b550004\"\nauthorizer_key_file = \"a.key\"\n"
                        "withdraw_delay = \"2h\"\nclaim_interval = \"5s\"\nclaim_minimum = \"1000\"\n"
                        "claim_rows_max = 7\nclaim_gas_max = 1000000\nsettle_interval = \"1m\"\n"
                        "[[asset]]\nid=1\ntext=\"A\"\nsymbol=\"A\"\n"
                        "[rails.stablecoin]\nenabled = true\nrpc_url = \"http://127.0.0.1:1\"\nchain_id = 1\n"
                        "signer_key_file = \"s.key\"\n[[rails.stablecoin.token]]\nasset = \"A\"\n"
                        "address = \"0x833589fcd6edb6e08f4c7c32d4f71b54bda02913\"\neip712_name = \"A\"\n");
  ASSERT_TRUE(on.has_value()) << on.error().message;
  const ops::ChannelsConfig& channels = on->x402.channels;
  EXPECT_EQ(base::to_hex(channels.contract), "0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003");
  EXPECT_EQ(channels.authorizer_key_file, "/etc/tabd/a.key");
  EXPECT_EQ(channels.withdraw_delay_ms, 7'200'000u);
  EXPECT_EQ(channels.claim_interval_ms, 5'000u);
  EXPECT_EQ(channels.claim_minimum.to_units_string(), "1000");
  EXPECT_EQ(channels.claim_rows_max, 7u);
  EXPECT_EQ(channels.claim_gas_max, 1'000'000u);
  EXPECT_EQ(channels.settle_interval_ms, 60'000u);
}

TEST(Config, AllMistakesAreNamedInOrder) {
  const auto config = parse("network = \"acme\"\n[http]\nconnections_max = -1\n[log]\nlevel = \"x\"\nextra = 1\n");
  ASSERT_FALSE(config.has_value());
  const std::string& message = config.error().message;
  const std::array<std::size_t, 4> at = {message.find(":1:11: network:"), message.find(":3:19: http.connections_max:"),
                                         message.find(":5:9: log.level:"), message.find(":6:1: log.extra:")};
  for (std::size_t i = 0; i < at.size(); ++i) {
    ASSERT_NE(at[i], std::string::npos) << message;
    if (i > 0) {
      EXPECT_LT(at[i - 1], at[i]) << message;
    }
  }
}

TEST(Config, NotTomlNamesThePlace) {
  const auto config = parse("network = \"acme:tab\"\n[rpc\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_NE(config.error().message.find("/etc/tabd/tabd.toml:2:"), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().message.find("this is not TOML"), std::string::npos) << config.error().message;
}

TEST(Config, MissingFileIsNotFound) {
  const auto calendar = aggregator::make_calendar();
  const auto config = ops::load_config("/nowhere/tabd.toml", *calendar);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, base::ErrorCode::not_found);
}

}  // namespace
