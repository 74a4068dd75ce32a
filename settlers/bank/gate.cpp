// What the operator may say of a file, and what follows.

#include <algorithm>
#include <filesystem>
#include <set>

#include "settlers/bank/spool.h"
#include "settlers/bank/spool_disk.h"

namespace settlers::bank {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAlarmAnswer = "alarm.clear";
constexpr FileAnswer kOfFiles[] = {FileAnswer::release, FileAnswer::resend, FileAnswer::sent, FileAnswer::void_};

// Names in gate/ that wait, in order.
std::vector<std::string> answers_in(const std::string& gate) {
  std::vector<std::string> answers;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(gate, ignored)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with(".") && !name.ends_with(".refused")) answers.push_back(std::move(name));
  }
  std::sort(answers.begin(), answers.end());
  return answers;
}

// What may be said of a held file depends on whether the bank can have it.
std::string held_problem(bool may_have_left, FileAnswer answer) {
  if (answer == FileAnswer::release)
    return may_have_left ? "it may have left before. Ask the bank: resend, if it does not have it; sent, if it has"
                         : std::string();
  return may_have_left ? std::string() : "it has never left, so the bank cannot have it: release or void";
}

}  // namespace

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
  for (const FileAnswer answer : kOfFiles)
    if (word(answer) == text) return answer;
  return std::nullopt;
}

std::string answer_problem(const std::string& spool, const std::string& file, std::string_view state,
                           bool may_have_left, FileAnswer answer) {
  const auto is = [state](FileState one) { return state == name(one); };
  std::error_code ignored;
  if (is(FileState::voided))
    return answer == FileAnswer::void_ ? "it is void already" : "it is void: its payments have failed";
  if (answer == FileAnswer::void_)
    return fs::exists(spool + "/out/" + file, ignored)
               ? "take it out of out/ first, so that no transport can deliver it"
               : std::string();
  if (is(FileState::held)) return held_problem(may_have_left, answer);
  if (is(FileState::written)) {
    if (answer != FileAnswer::sent) return "it may leave already, and does as soon as sending is allowed";
    return may_have_left ? std::string() : "it has never left, so the bank cannot have it";
  }
  if (is(FileState::taken) && answer == FileAnswer::resend) return {};
  return "its state is " + std::string(state) + ", and there is nothing to " +
         (answer == FileAnswer::sent ? "say" : std::string(word(answer)));
}

base::Result<void> put_answer(const std::string& spool, const std::string& name) {
  return write_file(spool + "/gate", name, {});
}

std::map<std::string, std::string> waiting_answers(const std::string& spool) {
  std::map<std::string, std::string> waiting;
  for (const std::string& answer : answers_in(spool + "/gate")) {
    const std::size_t dot = answer.rfind('.');
    if (dot != std::string::npos) waiting.emplace(answer.substr(0, dot), answer.substr(dot + 1));
  }
  return waiting;
}

base::Result<SpoolNews> Spool::look() {
  SpoolNews news;
  ASSIGN_OR_RETURN(const std::set<std::string> waiting, names_in(directory_ + "/out"));
  for (const auto& [number, file] : files_) {
    if (file.state != FileState::out || waiting.count(file.name) != 0) continue;
    RETURN_IF_ERROR(set_state(number, FileState::taken, {}));
    news.words.push_back(file.name + " was taken from out/");
  }
  for (const std::string& answer : answers_in(directory_ + "/gate")) {
    ASSIGN_OR_RETURN(std::string said, answer_gate(answer, news));
    news.words.push_back(std::move(said));
  }
  return news;
}

// An answer is carried out once and then archived; one that makes no sense is kept as .refused.
base::Result<std::string> Spool::answer_gate(const std::string& answer, SpoolNews& news) {
  if (answer == kAlarmAnswer) {
    RETURN_IF_ERROR(move_file(directory_ + "/gate", directory_ + "/archive", answer, answer));
    RETURN_IF_ERROR(raise_alarm({}));
    return std::string("the alarm is cleared by the operator");
  }
  const std::size_t dot = answer.rfind('.');
  const std::string name = answer.substr(0, dot), verb = dot == std::string::npos ? "" : answer.substr(dot + 1);
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const auto& each) { return each.second.name == name; });
  const bool known = found != files_.end();
  std::string problem;
  const std::optional<FileAnswer> said = answer_from_word(verb);
  if (!known) {
    problem = "there is no such file";
  } else if (!said) {
    problem = "the answers are release, resend, sent and void";
  } else {
    problem = answer_problem(directory_, name, bank::name(found->second.state), found->second.may_have_left, *said);
  }
  if (!problem.empty()) {
    // What cannot even be renamed must not stop what is due.
    const base::Result<void> renamed =
        move_file(directory_ + "/gate", directory_ + "/gate", answer, shortened_name(answer) + ".refused");
    if (!renamed) return renamed.error().message;
    if (known) found->second.refused_answer = verb + ": " + problem;
    return "gate/" + answer + " is refused: " + problem;
  }
  // The answer is put away before it is carried out: after a crash in between the operator answers again. The other
  // order could send a file twice for one answer.
  const std::uint64_t number = found->first;
  RETURN_IF_ERROR(move_file(directory_ + "/gate", directory_ + "/archive", answer, answer));
  if (*said == FileAnswer::void_) {
    RETURN_IF_ERROR(set_state(number, FileState::voided, "by the operator"));
  } else if (*said == FileAnswer::sent) {
    RETURN_IF_ERROR(set_state(number, FileState::taken, {}));
  } else {
    RETURN_IF_ERROR(set_state(number, FileState::written, {}));
  }
  found->second.refused_answer.clear();
  news.answered.push_back(number);
  return name + ": " + verb + " by the operator";
}

}  // namespace settlers::bank
