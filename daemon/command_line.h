#pragma once

// tabd's command line.

#include <optional>
#include <string>
#include <variant>

#include "daemon/exit_code.h"

namespace tabd_daemon {

struct Run {
  std::string config_file;
};
struct CheckConfig {
  std::string config_file;
};
struct Init {
  std::string directory;
  std::string network;
};

// What to do, or (help, version and mistakes, which have been printed) the exit code.
using CommandLine = std::variant<Run, CheckConfig, Init, ExitCode>;
CommandLine parse_command_line(int argc, char** argv);

}  // namespace tabd_daemon
