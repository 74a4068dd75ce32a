// tabd: the composition root. daemon/daemon.h says which threads there are; daemon.cpp lists the parts.

#include <iostream>

#include "aggregator/calendar.h"
#include "base/clock.h"
#include "daemon/command_line.h"
#include "daemon/daemon.h"
#include "daemon/hardening.h"
#include "daemon/init.h"
#include "daemon/options.h"
#include "daemon/signals.h"
#include "ops/config.h"
#include "ops/log.h"

namespace {

using tabd_daemon::ExitCode;

ExitCode exit_code_of(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::unavailable: return ExitCode::already_running;
    case base::ErrorCode::corruption: return ExitCode::damaged;
    case base::ErrorCode::invalid_argument: return ExitCode::usage;
    default: return ExitCode::failed;
  }
}

void reload(const std::string& file, const aggregator::Calendar& calendar, tabd_daemon::Daemon& tabd, ops::Log& log) {
  const base::Result<ops::Config> config = ops::load_config(file, calendar);
  if (config) return tabd.reload_api_keys(*config);
  log.error("the configuration has mistakes; everything stays as it was", {{"reason", config.error().message}});
}

ExitCode run(const tabd_daemon::Run& command) {
  const std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  const base::Result<ops::Config> config = ops::load_config(command.config_file, *calendar);
  if (!config) {
    std::cerr << config.error().message << "\n";
    return ExitCode::usage;
  }
  ops::Log log(config->log);
  tabd_daemon::Signals signals(log);
  const base::SystemClock clock;
  const auto tabd = tabd_daemon::Daemon::start(*config, log, clock, *calendar);
  if (!tabd) {
    log.error("cannot start", {{"reason", tabd.error().message}});
    return exit_code_of(tabd.error().code);
  }
  while (signals.wait() == tabd_daemon::Signals::Asked::reload) reload(command.config_file, *calendar, **tabd, log);
  (*tabd)->stop();
  return ExitCode::ok;
}

ExitCode check(const tabd_daemon::CheckConfig& command) {
  const std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  const base::Result<ops::Config> config = ops::load_config(command.config_file, *calendar);
  if (!config) {
    std::cerr << config.error().message << "\n";
    return ExitCode::usage;
  }
  std::vector<std::string> unchecked;
  const std::vector<std::string> problems = tabd_daemon::check_files(*config, unchecked);
  for (const std::string& problem : problems) std::cerr << command.config_file << ": " << problem << "\n";
  if (!problems.empty()) return ExitCode::usage;
  std::cout << command.config_file << ": good; network " << config->network << ", " << config->assets.size()
            << " assets, " << config->plans.size() << " plans\n";
  for (const std::string& doubt : tabd_daemon::doubts(*config)) std::cout << "is this meant? " << doubt << "\n";
  for (const std::string& note : unchecked) std::cout << "not checked here: " << note << "\n";
  return ExitCode::ok;
}

ExitCode initialise(const tabd_daemon::Init& command) {
  const base::Result<std::string> made = tabd_daemon::initialise(command.directory, command.network);
  if (!made) {
    std::cerr << made.error().message << "\n";
    return ExitCode::usage;
  }
  std::cout << *made;
  return ExitCode::ok;
}

}  // namespace

int main(int argc, char** argv) {
  tabd_daemon::harden_process();
  tabd_daemon::Signals::block();
  const tabd_daemon::CommandLine command = tabd_daemon::parse_command_line(argc, argv);
  ExitCode code = ExitCode::ok;
  if (const auto* how = std::get_if<tabd_daemon::Run>(&command)) code = run(*how);
  if (const auto* how = std::get_if<tabd_daemon::CheckConfig>(&command)) code = check(*how);
  if (const auto* how = std::get_if<tabd_daemon::Init>(&command)) code = initialise(*how);
  if (const auto* known = std::get_if<ExitCode>(&command)) code = *known;
  return static_cast<int>(code);
}
