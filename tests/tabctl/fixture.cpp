#include "tests/tabctl/fixture.h"

namespace system_test {

Finished tabctl(const Words& arguments, const std::map<std::string, std::string>& environment,
                const std::string& input) {
  Words command = {tabctl_binary()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::map<std::string, std::string> all = {{"TZ", "UTC"},         {"HOME", "/nonexistent"}, {"XDG_CONFIG_HOME", ""},
                                            {"TABCTL_SOCKET", ""}, {"TABCTL_KEY_FILE", ""},  {"TABCTL_CONNECT", ""}};
  for (const auto& [name, value] : environment) all[name] = value;
  return run(command, input, all);
}

void TabctlTest::SetUp() {
  for (const char* name : {"auditor", "server", "payee", "payer", "agent", "stranger"}) {
    const Finished made = tabctl({"keygen", key(name), "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.output;
    addresses_[name] = made.output.substr(0, made.output.find('\n'));
  }
  tabd_ = std::make_unique<Tabd>(folder_,
                                 "[[asset]]\nid = 1\ntext = \"USD\"\nsymbol = \"USD\"\nscale = 6\nrail_scale = 2\n"
                                 "[settlement]\npoll_interval = \"50ms\"\n"
                                 "[rails.sandbox]\nenabled = true\n" +
                                     extra_config(),
                                 "auditors = [\"" + address("auditor") + "\"]\n");
  std::string config = read_file(tabd_->config_file());
  config.replace(config.find("test:tab"), std::string("test:tab").size(), network());
  folder_.write("tabd.toml", config);
  tabd_->start_ready();
  good("operator", {"plan", "add", "daily", "--window", "day", "--credit-limit", "50", "--rail", "sandbox"});
  good("operator", {"payee", "add", address("payee"), "--label", "weather", "--fee", "2.5%", "--rail", "sandbox"});
  good("operator", {"server", "add", address("server"), "--label", "eu-1", "--payee", "weather"});
  good("operator", {"payer", "add", address("payer"), "--label", "Crawler", "--plan", "daily"});
}

Finished TabctlTest::run_as(const std::string& name, Words arguments, const std::string& input) {
  const Words common = {"--socket", tabd_->socket(), "--key", key(name), "--quiet"};
  arguments.insert(arguments.begin(), common.begin(), common.end());
  return tabctl(arguments, {}, input);
}

std::string TabctlTest::good(const std::string& name, const Words& arguments, const std::string& input) {
  const Finished done = run_as(name, arguments, input);
  EXPECT_EQ(done.exit_code, 0) << testing::PrintToString(arguments) << "\n" << done.output;
  return done.output;
}

cli::Json TabctlTest::json(const std::string& name, Words arguments, const std::string& input) {
  arguments.emplace_back("--json");
  const std::string output = good(name, arguments, input);
  const cli::Result<cli::Json> value = cli::parse_json(output, "output");
  EXPECT_TRUE(value) << output;
  return value ? *value : cli::Json();
}

std::string TabctlTest::fails(int code, const std::string& name, const Words& arguments, const std::string& input) {
  const Finished done = run_as(name, arguments, input);
  EXPECT_EQ(done.exit_code, code) << testing::PrintToString(arguments) << "\n" << done.output;
  return done.output;
}

std::string TabctlTest::signed_charge(const std::string& amount, const Words& more) {
  Words arguments = {"sign", "commitment", "--payee", address("payee"), "--maximum", amount};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return good("payer", arguments);
}

std::string TabctlTest::charge(const std::string& amount) {
  const std::string output = good("server", {"submit", "-", "--json", "--results"}, signed_charge(amount));
  const cli::Result<cli::Json> first = cli::parse_json(output.substr(0, output.find('\n')), "output");
  EXPECT_TRUE(first) << output;
  return first ? cli::to_line(first->at("sequence")) : "";
}

std::string TabctlTest::bill() {
  good("operator", {"close", "Crawler"});
  cli::Json last;
  const bool paid = eventually([&] {
    const cli::Json listed = json("operator", {"statement", "list", "--all"});
    const cli::JsonArray& items = listed.at("items").as_array();
    if (items.empty()) return false;
    last = items.back();
    return text_of(last, "state") == "paid";
  });
  EXPECT_TRUE(paid) << cli::to_line(last) << "\n" << tabd_->log();
  return cli::to_line(last.at("id"));
}

std::string text_of(const cli::Json& value, const std::string& member) {
  const cli::Json* found = value.is_object() ? value.as_object().if_contains(member) : nullptr;
  if (found == nullptr) return "(no " + member + ")";
  return found->is_string() ? std::string(found->get_string()) : cli::to_line(*found);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace system_test
