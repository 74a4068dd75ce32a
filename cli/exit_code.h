#pragma once

// What tabctl's exit code means, and how a command says that it did not succeed.

#include <string>

#include "base/result.h"
#include "base/status.h"

namespace cli {

enum class ExitCode : int {
  ok = 0,
  refused = 1,      // the ledger answered, and the answer is no
  usage = 2,        // the command line or an input file cannot be used
  unreachable = 3,  // no connection, or a file cannot be read or written
  unverified = 4,   // a proof, an audit or a checkpoint does not hold; the books and a rail differ
};

// Why a command stopped. `message` is a sentence with what was wrong and where; `next` says what to do (may be empty).
struct Failure {
  ExitCode code = ExitCode::usage;
  std::string message;
  std::string next;
  base::Status status = base::Status::ok;  // set when code is refused
};

template <typename T>
using Result = tl::expected<T, Failure>;
using Outcome = Result<void>;

[[nodiscard]] inline tl::unexpected<Failure> usage_failure(std::string message, std::string next = {}) {
  return tl::unexpected<Failure>(Failure{ExitCode::usage, std::move(message), std::move(next), base::Status::ok});
}
[[nodiscard]] inline tl::unexpected<Failure> unverified_failure(std::string message, std::string next = {}) {
  return tl::unexpected<Failure>(Failure{ExitCode::unverified, std::move(message), std::move(next), base::Status::ok});
}
// From the environment: invalid_argument is a usage failure, corruption is unverified, everything else unreachable.
[[nodiscard]] tl::unexpected<Failure> failure_from(base::Error error);
// From the ledger: the status' sentence, `detail` with its numbers, and the next step in words.
[[nodiscard]] tl::unexpected<Failure> failure_from(base::Status status, const std::string& detail);
// "Correct the request and send it again." Empty when there is nothing to do.
std::string next_step_sentence(base::NextStep step);

}  // namespace cli

// As ASSIGN_OR_RETURN and RETURN_IF_ERROR (base/result.h), for functions of this folder: turns a base::Error or passes
// a Failure on.
#define CLI_TRY(declaration, expression)                                            \
  auto TABD_CONCAT(cli_try_, __LINE__) = (expression);                              \
  if (!TABD_CONCAT(cli_try_, __LINE__))                                             \
    return ::cli::pass_failure(std::move(TABD_CONCAT(cli_try_, __LINE__)).error()); \
  declaration = std::move(*TABD_CONCAT(cli_try_, __LINE__))
#define CLI_CHECK(expression)                                                               \
  do {                                                                                      \
    auto cli_check_result = (expression);                                                   \
    if (!cli_check_result) return ::cli::pass_failure(std::move(cli_check_result).error()); \
  } while (false)

namespace cli {
[[nodiscard]] inline tl::unexpected<Failure> pass_failure(Failure failure) {
  return tl::unexpected<Failure>(std::move(failure));
}
[[nodiscard]] inline tl::unexpected<Failure> pass_failure(base::Error error) { return failure_from(std::move(error)); }
}  // namespace cli
