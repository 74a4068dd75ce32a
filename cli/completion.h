#pragma once

// Shell completion, made from the commands themselves.

#include <CLI/CLI.hpp>
#include <string>

namespace cli {

// A script for `source <(tabctl completion bash)`.
std::string bash_completion(const CLI::App& root);
// A script for a file _tabctl in zsh's fpath.
std::string zsh_completion(const CLI::App& root);

}  // namespace cli
