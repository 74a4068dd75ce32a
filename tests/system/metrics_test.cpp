// /metrics as Prometheus sees it: the real promtool checks it, the real Prometheus scrapes it.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/skip.h"
#include "tests/system/harness.h"

namespace {

using system_test::http_get;
using system_test::Tabd;
using system_test::TempFolder;

// Both rails, the x402 port and channels, so that every metric that can exist does. Nobody answers on port 1: the rail
// says so and goes on.
constexpr const char* kEverything = R"(
[[asset]]
id = 1
text = "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3"
symbol = "USDC"
[x402]
listen = "127.0.0.1:0"
server_key_file = "operator.key"
[x402.channels]
contract = "0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003"
collector = "0x4020806089470a89826cb9fb1f4059150b550004"
authorizer_key_file = "operator.key"
[rails.sandbox]
enabled = true
[rails.bank]
enabled = true
[rails.bank.sepa]
enabled = true
name = "Acme GmbH"
iban = "DE89370400440532013000"
creditor_id = "DE98ZZZ09999999999"
[rails.bank.ach]
enabled = true
bank_routing_number = "231380104"
origin = "1121042882"
company_name = "ACME INC"
company_id = "1121042882"
odfi = "23138010"
[[rails.bank.asset]]
asset = "USDC"
currency = "USD"
rate = "1.00"
[rails.stablecoin]
enabled = true
rpc_url = "http://127.0.0.1:1"
chain_id = 31337
signer_key_file = "operator.key"
[[rails.stablecoin.token]]
asset = "USDC"
address = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
eip712_name = "USD Coin"
)";

// Debian's package `prometheus` has both. Where it is missing the test says so; with CI=true it must not be missing.
bool have(const std::string& program) {
  if (system_test::run({"sh", "-c", "command -v " + program}).exit_code == 0) return true;
  if (support::everything_required()) ADD_FAILURE() << program << " is missing: run tools/setup.sh";
  return false;
}

std::set<std::string> names_in(const std::string& text, const std::regex& pattern) {
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) names.insert((*at)[1].str());
  return names;
}

class SystemMetrics : public testing::Test {
 protected:
  void start() {
    ASSERT_NO_FATAL_FAILURE(tabd_.start_ready());
    // The first look over the ledger comes a moment after ready.
    ASSERT_TRUE(system_test::eventually([this] {
      metrics_ = http_get(tabd_.http_port(), "/metrics").body;
      return metrics_.find("tabd_exposure{") != std::string::npos;
    })) << metrics_;
  }

  TempFolder folder_;
  Tabd tabd_{folder_, kEverything};
  std::string metrics_;
};

TEST_F(SystemMetrics, PassPromtool) {
  if (!have("promtool")) GTEST_SKIP() << "promtool is not installed";
  ASSERT_NO_FATAL_FAILURE(start());
  const auto checked = system_test::run({"promtool", "check", "metrics"}, metrics_);
  EXPECT_EQ(checked.exit_code, 0) << checked.output;
  EXPECT_EQ(checked.output, "");
  EXPECT_EQ(tabd_.stop(), 0);
}

TEST_F(SystemMetrics, DashboardAndAlertsNameOnlyWhatExists) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::set<std::string> known = names_in(metrics_, std::regex("# TYPE ([a-z0-9_]+) "));
  for (const char* file : {"dashboard.json", "alerts.yml"}) {
    const std::string text = system_test::read_file(std::string(TABD_SOURCE) + "/ops/deploy/" + file);
    const std::set<std::string> used = names_in(text, std::regex("\\b((?:tabd|process)_[a-z0-9_]+)"));
    EXPECT_GT(used.size(), 5u);
    for (const std::string& name : used) {
      const std::string family = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
      EXPECT_TRUE(known.contains(name) || known.contains(family)) << file << " names " << name;
    }
  }
  EXPECT_EQ(tabd_.stop(), 0);
}

TEST_F(SystemMetrics, NoLabelNamesAPayer) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_FALSE(std::regex_search(metrics_, std::regex("0x[0-9a-f]{20}")));
  EXPECT_EQ(tabd_.stop(), 0);
}

TEST_F(SystemMetrics, AlertRulesAreValid) {
  if (!have("promtool")) GTEST_SKIP() << "promtool is not installed";
  const auto checked =
      system_test::run({"promtool", "check", "rules", std::string(TABD_SOURCE) + "/ops/deploy/alerts.yml"});
  EXPECT_EQ(checked.exit_code, 0) << checked.output;
}

TEST_F(SystemMetrics, RealPrometheusScrapes) {
  if (!have("prometheus")) GTEST_SKIP() << "prometheus is not installed";
  ASSERT_NO_FATAL_FAILURE(start());
  const std::uint16_t port = system_test::free_port();
  const std::string target = "127.0.0.1:" + std::to_string(tabd_.http_port());
  const std::string config =
      folder_.write("prometheus.yml", "global:\n  scrape_interval: 1s\nrule_files:\n  - " + std::string(TABD_SOURCE) +
                                          "/ops/deploy/alerts.yml\nscrape_configs:\n  - job_name: tabd\n"
                                          "    static_configs:\n      - targets: ['" +
                                          target + "']\n");
  system_test::Process prometheus(
      {"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + folder_.path() + "/tsdb",
       "--web.listen-address=127.0.0.1:" + std::to_string(port)},
      folder_.path() + "/prometheus.log");
  const auto query = [port](const std::string& expression) {
    return http_get(port, "/api/v1/query?query=" + expression).body;
  };
  ASSERT_TRUE(system_test::eventually(
      [&] { return query("tabd_build_info").find("\"instance\":\"" + target + "\"") != std::string::npos; }, 60'000))
      << query("tabd_build_info") << prometheus.output();
  EXPECT_NE(query("up").find("\"1\"]"), std::string::npos) << query("up");
  EXPECT_NE(query("tabd_segments_total").find("\"status\":\"success\""), std::string::npos);
  EXPECT_NE(query("tabd_exposure").find("\"asset\":\"USDC\""), std::string::npos) << query("tabd_exposure");
  EXPECT_EQ(tabd_.stop(), 0);
}

}  // namespace
