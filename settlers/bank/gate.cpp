// What the operator may say of a file.

#include "settlers/bank/spool.h"
#include "settlers/bank/spool_disk.h"

namespace settlers::bank {

std::string_view word(FileAnswer answer) noexcept {
  switch (answer) {
    case FileAnswer::release: return "release";
    case FileAnswer::resend: return "resend";
    case FileAnswer::sent: return "sent";
    case FileAnswer::void_: return "void";
    case FileAnswer::clear_alarm: return "clear";
  }
  return "?";
}

std::optional<FileAnswer> answer_from_word(std::string_view text) noexcept {
  for (const FileAnswer answer : {FileAnswer::release, FileAnswer::resend, FileAnswer::sent, FileAnswer::void_})
    if (word(answer) == text) return answer;
  return std::nullopt;
}

std::string answer_problem(std::string_view state, FileAnswer answer) {
  const bool held = state == name(FileState::held);
  if (answer == FileAnswer::void_) return state == name(FileState::voided) ? "it is void already" : std::string();
  if (held || (answer == FileAnswer::resend && state == name(FileState::taken))) return {};
  return "its state is " + std::string(state) + ", and there is nothing to " +
         (answer == FileAnswer::resend ? "resend" : "release");
}

base::Result<void> put_answer(const std::string& spool, const std::string& name) {
  return write_file(spool + "/gate", name, {});
}

}  // namespace settlers::bank
