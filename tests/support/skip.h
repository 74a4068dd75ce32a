#pragma once

// For a test that lacks something on this machine. No GoogleTest in here (see CMakeLists.txt); who uses it has it.

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace support {

// Whether the run is one where nothing may be missing.
inline bool everything_required() {
  const char* const ci = std::getenv("CI");
  return ci != nullptr && std::string_view(ci) == "true";
}

}  // namespace support

// In a test or a fixture's SetUp(): without `missing` (what is, and how to bring it) it is skipped for all to see; with
// CI=true it fails.
#define SKIP_LOUDLY(missing)                                   \
  do {                                                         \
    if (::support::everything_required()) FAIL() << (missing); \
    std::cerr << "\n*** SKIPPED: " << (missing) << "\n\n";     \
    GTEST_SKIP() << (missing);                                 \
  } while (false)
