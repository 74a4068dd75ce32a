#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace base {

void check_failed(const char* condition, const char* file, int line, const char* detail) noexcept {
  std::fprintf(stderr, "tabd: CHECK failed: %s at %s:%d%s%s\n", condition, file, line, detail != nullptr ? ": " : "",
               detail != nullptr ? detail : "");
  std::fflush(stderr);
  std::abort();
}

}  // namespace base
