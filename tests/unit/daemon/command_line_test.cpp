#include "daemon/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

using tabd_daemon::CommandLine;
using tabd_daemon::ExitCode;

CommandLine parse(std::vector<std::string> words) {
  words.insert(words.begin(), "tabd");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  CommandLine result = tabd_daemon::parse_command_line(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return result;
}

TEST(CommandLine, KnowsItsCommands) {
  EXPECT_EQ(std::get<tabd_daemon::Run>(parse({"--config", "a.toml"})).config_file, "a.toml");
  EXPECT_EQ(std::get<tabd_daemon::CheckConfig>(parse({"--check-config", "a.toml"})).config_file, "a.toml");
  const auto init = std::get<tabd_daemon::Init>(parse({"--init", "d", "--network", "acme:tab"}));
  EXPECT_EQ(init.directory, "d");
  EXPECT_EQ(init.network, "acme:tab");
}

TEST(CommandLine, HelpAndVersionSucceed) {
  EXPECT_EQ(std::get<ExitCode>(parse({"--help"})), ExitCode::ok);
  EXPECT_EQ(std::get<ExitCode>(parse({"--version"})), ExitCode::ok);
}

TEST(CommandLine, MistakesAreUsage) {
  EXPECT_EQ(std::get<ExitCode>(parse({})), ExitCode::usage);
  EXPECT_EQ(std::get<ExitCode>(parse({"--confg", "a"})), ExitCode::usage);
  EXPECT_EQ(std::get<ExitCode>(parse({"--config"})), ExitCode::usage);
  EXPECT_EQ(std::get<ExitCode>(parse({"--config", "a", "--check-config", "b"})), ExitCode::usage);
  EXPECT_EQ(std::get<ExitCode>(parse({"--network", "acme:tab", "--config", "a"})), ExitCode::usage);
}

}  // namespace
