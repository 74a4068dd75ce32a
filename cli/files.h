#pragma once

#include <string>

#include "base/bytes.h"
#include "cli/exit_code.h"

namespace cli {

// Through a temporary name (`path`.part), so that a file of this name is always whole.
Outcome write_file(const std::string& path, base::ByteView bytes);
Outcome write_file(const std::string& path, std::string_view text);

}  // namespace cli
