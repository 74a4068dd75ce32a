#include "cli/exit_code.h"

#include <fmt/format.h>

namespace cli {

tl::unexpected<Failure> failure_from(base::Error error) {
  Failure failure;
  failure.message = std::move(error.message);
  switch (error.code) {
    case base::ErrorCode::invalid_argument: failure.code = ExitCode::usage; break;
    case base::ErrorCode::corruption: failure.code = ExitCode::unverified; break;
    case base::ErrorCode::not_found:
    case base::ErrorCode::io:
    case base::ErrorCode::unavailable:
    case base::ErrorCode::timeout:
    case base::ErrorCode::unsupported:
    case base::ErrorCode::permission: failure.code = ExitCode::unreachable; break;
  }
  return tl::unexpected<Failure>(std::move(failure));
}

std::string next_step_sentence(base::NextStep step) {
  switch (step) {
    case base::NextStep::none: return "";
    case base::NextStep::fix: return "Correct the request and send it again.";
    case base::NextStep::retry_later: return "Wait a moment and send the same request again.";
    case base::NextStep::top_up: return "Settle what is due, or ask for a higher limit or cap.";
    case base::NextStep::ask_operator: return "Ask the operator of this ledger.";
  }
  return "";
}

tl::unexpected<Failure> failure_from(base::Status status, const std::string& detail) {
  const base::StatusInfo& known = base::info(status);
  Failure failure;
  failure.code = ExitCode::refused;
  failure.status = status;
  failure.message = fmt::format("{}: {}", known.name, known.sentence);
  if (!detail.empty()) {
    if (failure.message.back() == '.') failure.message.pop_back();
    failure.message += ": " + detail;
    if (failure.message.back() != '.') failure.message += '.';
  }
  failure.next = next_step_sentence(known.next_step);
  return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace cli
