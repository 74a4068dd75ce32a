#include "base/result.h"

namespace base {

std::string_view name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::corruption: return "corruption";
    case ErrorCode::io: return "io";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::permission: return "permission";
  }
  return "unknown";
}

std::string Error::to_string() const { return std::string(name(code)) + ": " + message; }

}  // namespace base
