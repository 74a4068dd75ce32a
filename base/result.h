#pragma once

// Result<T>: a value, or the reason why the environment (disk, network, file, configuration) did not give one.
// A refused command is not an Error: it has a Status (base/status.h).

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace base {

enum class ErrorCode : unsigned char {
  invalid_argument = 1,  // the caller's input cannot be used; the message says what and where
  not_found = 2,
  corruption = 3,   // stored bytes are not what was written; the message names key and remedy
  io = 4,           // the operating system or a peer failed
  unavailable = 5,  // try again later
  timeout = 6,
  unsupported = 7,  // a newer format or a feature that this build lacks
  permission = 8,
};

// A short lower-case name, such as "io".
std::string_view name(ErrorCode code) noexcept;

struct Error {
  ErrorCode code;
  std::string message;  // a sentence for a person: what failed, on what, and what to do

  // "io: cannot open ...".
  std::string to_string() const;
};

template <typename T>
using Result = tl::expected<T, Error>;

template <typename... Args>
[[nodiscard]] tl::unexpected<Error> error(ErrorCode code, Args&&... message) {
  return tl::unexpected<Error>(Error{code, std::string(std::forward<Args>(message)...)});
}

}  // namespace base

// Runs an expression that gives a Result; on failure returns its Error from the enclosing function.
#define RETURN_IF_ERROR(expression)                                                                                 \
  do {                                                                                                              \
    auto return_if_error_result = (expression);                                                                     \
    if (!return_if_error_result) return ::tl::unexpected<::base::Error>(std::move(return_if_error_result).error()); \
  } while (false)

#define TABD_CONCAT_INNER(a, b) a##b
#define TABD_CONCAT(a, b) TABD_CONCAT_INNER(a, b)

// ASSIGN_OR_RETURN(auto value, function()): value on success, return of the Error otherwise.
#define ASSIGN_OR_RETURN(declaration, expression)                                                        \
  auto TABD_CONCAT(assign_or_return_, __LINE__) = (expression);                                          \
  if (!TABD_CONCAT(assign_or_return_, __LINE__))                                                         \
    return ::tl::unexpected<::base::Error>(std::move(TABD_CONCAT(assign_or_return_, __LINE__)).error()); \
  declaration = std::move(*TABD_CONCAT(assign_or_return_, __LINE__))
