#include "daemon/command_line.h"

#include <iostream>

#include <CLI/CLI.hpp>

#include "crypto/batch.h"
#include "ops/version.h"

namespace tabd_daemon {
namespace {

constexpr const char* kDescription =
    "tabd - a tab for machines: records signed promises to pay, bills them per window, settles the bills.";

constexpr const char* kFooter = R"(
First steps:
  tabd --init ./my-tab             makes a folder with a configuration and a key
  tabd --config ./my-tab/tabd.toml runs it
  tabctl --help                    talks to it

Every key of the configuration is explained in the reference file tabd.toml
(/usr/share/doc/tabd/tabd.toml, or ops/deploy/tabd.toml in the sources).

Signals: SIGTERM and SIGINT stop it gracefully; a second one ends it at once.

Exit codes: 0 stopped as asked; 1 could not start; 2 wrong command line or
configuration; 3 another process has the ledger open; 4 the ledger is damaged;
5 ended by a second signal or because the stop took too long.)";

std::string version_text() {
  return std::string("tabd ") + ops::kVersion +
         (crypto::batch_verification_built() ? " (checks signatures together)" : " (checks signatures one by one)");
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CLI::App app(kDescription, "tabd");
  app.footer(kFooter);
  std::string config, check, init, network = "local:tab";
  CLI::Option* run_option = app.add_option("--config", config, "Run with this configuration")->type_name("FILE");
  CLI::Option* check_option =
      app.add_option("--check-config", check, "Check a configuration, name every mistake, and end")->type_name("FILE");
  CLI::Option* init_option =
      app.add_option("--init", init, "Make a folder with a configuration and a new operator key")->type_name("DIR");
  app.add_option("--network", network, "The network's name for --init")->needs(init_option)->capture_default_str();
  app.set_version_flag("--version", version_text(), "Print the version");
  run_option->excludes(check_option)->excludes(init_option);
  check_option->excludes(init_option);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    // Help and version are "errors" of code 0 here.
    const int code = app.exit(failure);
    return code == 0 ? ExitCode::ok : ExitCode::usage;
  }
  if (!check.empty()) return CheckConfig{check};
  if (!init.empty()) return Init{init, network};
  if (!config.empty()) return Run{config};
  std::cerr << app.help();
  return ExitCode::usage;
}

}  // namespace tabd_daemon
