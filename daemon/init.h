#pragma once

// `tabd --init DIR`: a folder to start from, with a sandbox rail, one asset and one plan.

#include <string>

#include "base/result.h"

namespace tabd_daemon {

// Makes DIR (it may exist, empty of these files) with tabd.toml and operator.key (mode 0400). Never overwrites:
// invalid_argument if a file is there or `network` is no network; io otherwise. Returns what to do next, for people.
base::Result<std::string> initialise(const std::string& directory, const std::string& network);

}  // namespace tabd_daemon
