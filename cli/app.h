#pragma once

// tabctl: from argc and argv to an exit code.

namespace cli {

// Prints to stdout and stderr. Never throws.
int run(int argc, char** argv) noexcept;

}  // namespace cli
