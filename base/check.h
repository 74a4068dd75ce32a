#pragma once

// Always-on assertions. A failed CHECK means that this program is wrong; it prints where and aborts, because a ledger
// that goes on with a broken invariant can say something false about money, and restart from the journal is safe.
// Never use CHECK for input from outside: that gets a Status (base/status.h) or an Error (base/result.h).

#ifdef NDEBUG
#error "tabd keeps its assertions in every build: configure without NDEBUG (see CMakePresets.json)."
#endif

namespace base {

// Prints one line to stderr and aborts. `detail` may be null.
[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* detail) noexcept;

}  // namespace base

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::base::check_failed(#condition, __FILE__, __LINE__, nullptr); \
  } while (false)

// As CHECK, with a sentence for the person who reads the crash.
#define CHECK_MSG(condition, detail)                                  \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::base::check_failed(#condition, __FILE__, __LINE__, (detail)); \
  } while (false)
