#pragma once

#include <string>

#include "cli/exit_code.h"

namespace cli {

// Lets WeasyPrint (the program `weasyprint` on the PATH) make a PDF of a page. It has no network: it gets an empty one
// of its own where the system allows that, and in any case no way out by a proxy that does not exist. unreachable: it
// is not there, it failed (with what it said), or the file cannot be written. Waits for it, 10 minutes of CPU time at
// most.
Outcome write_pdf(const std::string& html, const std::string& path);

}  // namespace cli
