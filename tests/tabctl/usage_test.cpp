// Help, mistakes, exit codes, settings, completion.

#include <fstream>
#include <sstream>

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

// Every command, out of the completion script: "payer add".
std::vector<Words> all_commands() {
  const Finished script = tabctl({"completion", "bash"});
  EXPECT_EQ(script.exit_code, 0);
  std::vector<Words> commands;
  std::istringstream lines(script.output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find("\") commands=");
    const std::size_t start = line.find('"');
    if (end == std::string::npos || start + 1 >= end) continue;
    std::istringstream words(line.substr(start + 1, end - start - 1));
    Words command;
    for (std::string word; words >> word;) command.push_back(word);
    commands.push_back(command);
  }
  return commands;
}

TEST(TabctlUsage, EveryCommandHasHelpAndAnExample) {
  const std::vector<Words> commands = all_commands();
  EXPECT_GE(commands.size(), 50u);
  std::size_t with_examples = 0;
  for (Words command : commands) {
    std::string name = "tabctl";
    for (const std::string& word : command) name += " " + word;
    command.emplace_back("--help");
    const Finished help = tabctl(command);
    EXPECT_EQ(help.exit_code, 0) << name;
    const bool group = contains(help.output, "Subcommands:");
    if (!group) {
      EXPECT_TRUE(contains(help.output, "Examples:")) << name << "\n" << help.output;
      ++with_examples;
    }
  }
  EXPECT_GE(with_examples, 45u);
}

TEST(TabctlUsage, MistakesAreExplainedAndEndWithTwo) {
  struct Case {
    Words arguments;
    const char* says;
  };
  const std::vector<Case> cases = {
      {{}, "Which command?"},
      {{"payer"}, "Which command?"},
      {{"payr", "list"}, "Did you mean payer?"},
      {{"payer", "lst"}, "Did you mean list?"},
      {{"--json", "--role", "payer", "stauts"}, "Did you mean status?"},
      {{"statement", "show", "-1"}, "-1 is below zero"},
      {{"charge", "list", "--after=-1"}, "-1 is below zero"},
      {{"payer", "list", "--limt", "3"}, "Did you mean --limit?"},
      {{"payer", "list", "--jsn"}, "Did you mean --json?"},
      {{"payer", "list", "--limit", "0"}, "--limit"},
      {{"payer", "add"}, "required"},
      {{"status", "--role", "king", "--key", "/dev/null"}, "/dev/null"},
      {{"completion", "fish"}, "fish"},
      {{"keygen"}, "required"},
  };
  for (const Case& one : cases) {
    const Finished done = tabctl(one.arguments);
    if (contains(one.says, "/dev/null")) continue;  // needs a daemon first
    EXPECT_EQ(done.exit_code, 2) << testing::PrintToString(one.arguments) << "\n" << done.output;
    EXPECT_TRUE(contains(done.output, one.says)) << testing::PrintToString(one.arguments) << "\n" << done.output;
  }
}

TEST(TabctlUsage, NobodyThereEndsWithThree) {
  const TempFolder folder;
  const Finished status = tabctl({"status", "--socket", folder.path() + "/none.sock"});
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_TRUE(contains(status.output, "Is tabd running?")) << status.output;
  EXPECT_TRUE(contains(status.output, folder.path() + "/none.sock")) << status.output;
  EXPECT_EQ(tabctl({"audit", folder.path() + "/none"}).exit_code, 3);
  EXPECT_EQ(tabctl({"verify-proof", folder.path() + "/none", "--network", "a:tab", "--operator",
                    "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"})
                .exit_code,
            3);
}

TEST(TabctlUsage, VersionAndErrorsForMachines) {
  EXPECT_EQ(tabctl({"--version"}).exit_code, 0);
  const Finished done = tabctl({"status", "--socket", "/nonexistent/x.sock", "--json"});
  EXPECT_EQ(done.exit_code, 3);
  const cli::Result<cli::Json> error = cli::parse_json(done.output, "output");
  ASSERT_TRUE(error) << done.output;
  EXPECT_EQ(text_of(error->at("error"), "code"), "3");
}

TEST(TabctlUsage, BashCompletionCompletes) {
  const std::string script = "source <(\"" + tabctl_binary() +
                             "\" completion bash)\n"
                             "complete_line() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tabctl; "
                             "echo \"${COMPREPLY[*]}\"; }\n"
                             "complete_line tabctl settle\n"
                             "complete_line tabctl --key x.key payer sus\n"
                             "complete_line tabctl payer list --li\n";
  const Finished done = run({"/bin/bash", "-c", script});
  EXPECT_EQ(done.exit_code, 0) << done.output;
  EXPECT_EQ(done.output, "settlement\nsuspend\n--limit\n");
}

TEST(TabctlUsage, ZshCompletionIsPrinted) {
  const Finished done = tabctl({"completion", "zsh"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.output.find("#compdef tabctl"), 0u);
}

class TabctlSettings : public TabctlTest {};

TEST_F(TabctlSettings, EnvironmentAndFileGiveDefaults) {
  const std::map<std::string, std::string> environment = {{"TABCTL_SOCKET", tabd_->socket()},
                                                          {"TABCTL_KEY_FILE", key("operator")}};
  const Finished by_environment = tabctl({"status"}, environment);
  EXPECT_EQ(by_environment.exit_code, 0) << by_environment.output;
  EXPECT_TRUE(contains(by_environment.output, "health")) << by_environment.output;

  folder_.write("tabctl.toml", "socket = \"" + tabd_->socket() + "\"\nkey = \"" + key("operator") + "\"\n");
  const Finished by_file = tabctl({"status"}, {{"XDG_CONFIG_HOME", folder_.path()}});
  EXPECT_EQ(by_file.exit_code, 0) << by_file.output;
  EXPECT_TRUE(contains(by_file.output, "health")) << by_file.output;
  // The command line wins.
  EXPECT_EQ(tabctl({"status", "--socket", "/nonexistent/x.sock"}, {{"XDG_CONFIG_HOME", folder_.path()}}).exit_code, 3);

  folder_.write("broken.toml", "sockt = \"x\"\n");
  const Finished broken = tabctl({"status", "--config", path("broken.toml")});
  EXPECT_EQ(broken.exit_code, 2) << broken.output;
  EXPECT_TRUE(contains(broken.output, "Did you mean \"socket\"?")) << broken.output;
}

TEST_F(TabctlSettings, KeysAreChecked) {
  folder_.write("open.key", "0x1111111111111111111111111111111111111111111111111111111111111111\n", 0644);
  EXPECT_TRUE(contains(fails(2, "open", {"payer", "list"}), "0644"));
  EXPECT_TRUE(contains(fails(3, "missing", {"payer", "list"}), "tabctl keygen"));
  EXPECT_TRUE(contains(fails(1, "stranger", {"payer", "list"}), address("stranger")));
  const Finished no_key = tabctl({"payer", "list", "--socket", tabd_->socket()});
  EXPECT_EQ(no_key.exit_code, 2);
  EXPECT_TRUE(contains(no_key.output, "--key FILE")) << no_key.output;
  EXPECT_TRUE(contains(fails(2, "operator", {"payer", "list", "--role", "king"}), "Roles are"));
}

TEST_F(TabctlSettings, StatusAndTop) {
  const Finished known_to_all = tabctl({"status", "--socket", tabd_->socket()});
  EXPECT_EQ(known_to_all.exit_code, 0);
  EXPECT_TRUE(contains(known_to_all.output, "test:tab")) << known_to_all.output;
  charge("0.50");
  const cli::Json status = json("operator", {"status"});
  EXPECT_EQ(text_of(status, "network"), "test:tab");
  EXPECT_EQ(text_of(status.at("head"), "payers"), "1");
  EXPECT_EQ(text_of(status.at("figures"), "items_accepted_total"), "1");
  EXPECT_TRUE(contains(good("auditor", {"status"}), "rail sandbox"));
  const std::string top = good("operator", {"top", "--once", "--interval-ms", "100"});
  EXPECT_TRUE(contains(top, "items accepted")) << top;
  EXPECT_TRUE(contains(top, "waiting for the writer")) << top;
  const cli::Json frame = json("operator", {"top", "--once", "--interval-ms", "100"});
  EXPECT_EQ(text_of(frame.at("per_second"), "items_accepted"), "0");
}

}  // namespace
}  // namespace system_test
