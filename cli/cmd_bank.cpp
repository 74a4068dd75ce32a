// The bank rail's files, and what the operator says of them.

#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

constexpr unsigned kCentDigits = 2;
constexpr std::array<std::string_view, 6> kStates = {"written", "handing over", "out", "taken", "held", "void"};
// How long the outcome of an answer is waited for. tabd looks at once, and at the latest at its next look.
constexpr int kPolls = 100;
constexpr useconds_t kPollUs = 100'000;
// How the reason of a file begins that the operator has answered for (daemon/operator_hooks.cpp).
constexpr std::string_view kWaits = "an answer waits: ", kRefused = "an answer was refused: ";

// ACH moves dollars, SEPA euros, and a file's name says which it is.
std::string_view currency_of(const rpc::BankFile& file) { return file.name.ends_with(".ach") ? "USD" : "EUR"; }

struct BankListOptions {
  std::string state;
};

JsonObject file_json(const rpc::BankFile& file) {
  JsonObject out;
  out["name"] = file.name;
  out["state"] = file.state;
  out["reason"] = file.reason;
  out["kind"] = text_json(file.collection ? "collection" : "payout");
  out["due"] = file.due;
  out["amount"] = base::Amount(file.cents).to_decimal_string(kCentDigits);
  out["currency"] = text_json(currency_of(file));
  out["payments"] = file.payments;
  out["sha256"] = base::to_hex(file.sha256);
  return out;
}

Outcome list(Context& context, const BankListOptions& options) {
  if (!options.state.empty() && std::find(kStates.begin(), kStates.end(), options.state) == kStates.end())
    return usage_failure(fmt::format("\"{}\" is not a state of a file.", options.state),
                         fmt::format("States are {}.", fmt::join(kStates, ", ")));
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(rpc::BankFiles files, asked_for("bank rail", viewer.books()->bank_files()));
  if (!options.state.empty())
    std::erase_if(files.files, [&options](const rpc::BankFile& one) { return one.state != options.state; });
  if (context.json()) {
    JsonArray items;
    for (const rpc::BankFile& one : files.files) items.emplace_back(file_json(one));
    JsonObject out;
    out["items"] = std::move(items);
    out["next"] = nullptr;
    out["alarm"] = files.alarm;
    context.write_json(out);
    return {};
  }
  if (!files.alarm.empty())
    context.write_line(
        fmt::format("ALARM: {}. Collections are held; tabctl bank clear-alarm when it is mended.\n", files.alarm));
  if (files.files.empty()) {
    context.write_line(options.state.empty() ? "There are no files." : "There are no such files.");
    return {};
  }
  Table table(
      {{"FILE"}, {"KIND"}, {"DUE"}, {"PAYMENTS", Align::right}, {"AMOUNT", Align::right}, {"STATE"}, {"REASON"}});
  for (const rpc::BankFile& one : files.files)
    table.row({one.name, one.collection ? "collection" : "payout", one.due, thousands(one.payments),
               fmt::format("{} {}", base::Amount(one.cents).to_decimal_string(kCentDigits), currency_of(one)),
               one.state, one.reason.empty() ? "-" : one.reason});
  context.write(table.render(context.color()));
  return {};
}

// The file once the answer is carried out or refused; nothing: it waits still.
Result<std::optional<rpc::BankFile>> answered(tabd::OperatorSession& session, const std::string& name) {
  for (int i = 0; i < kPolls; ++i) {
    CLI_TRY(const rpc::BankFiles files, asked_for("bank rail", session.bank_files()));
    const auto found = std::find_if(files.files.begin(), files.files.end(),
                                    [&name](const rpc::BankFile& one) { return one.name == name; });
    if (found != files.files.end() && !found->reason.starts_with(kWaits)) return *found;
    ::usleep(kPollUs);
  }
  return std::nullopt;
}

std::string outcome_text(const rpc::BankFile& file) {
  if (file.state == "written")
    return fmt::format("{} may leave{}.", file.name, file.reason.empty() ? "" : ", and " + file.reason);
  if (file.state == "out") return fmt::format("{} is in out/, for its transport.", file.name);
  if (file.state == "taken") return fmt::format("{} is with the bank: it counts as delivered.", file.name);
  if (file.state == "void") return fmt::format("{} is void: its payments fail, and are planned anew.", file.name);
  return fmt::format("{} is {}{}.", file.name, file.state, file.reason.empty() ? "" : ": " + file.reason);
}

Outcome answer(Context& context, const std::string& name, rpc::FileAnswer said) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto taken, asked(session.answer_bank(name, said)));
  if (taken.first != base::Status::ok) return failure_from(taken.first, taken.second);
  CLI_TRY(const std::optional<rpc::BankFile> file, answered(session, name));
  if (file && file->reason.starts_with(kRefused))
    return failure_from(base::Status::wrong_state, file->reason.substr(kRefused.size()));
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["file"] = name;
    out["carried_out"] = file.has_value();
    out["state"] = file ? Json(file->state) : Json(nullptr);
    out["reason"] = file ? Json(file->reason) : Json(nullptr);
    context.write_json(out);
  } else if (file) {
    context.say("{}", outcome_text(*file));
  } else {
    context.say("Recorded, and not carried out yet; tabctl bank list shows what becomes of {}.", name);
  }
  return {};
}

struct FileOptions {
  std::string file;
};
struct VoidOptions {
  std::string file;
  bool confirmed = false;
};

void define_file(CLI::App& app, FileOptions& options) {
  app.add_option("file", options.file, "Its name; see: tabctl bank list")->required();
}

Outcome release(Context& context, const FileOptions& options) {
  return answer(context, options.file, rpc::FileAnswer::release);
}
Outcome resend(Context& context, const FileOptions& options) {
  return answer(context, options.file, rpc::FileAnswer::resend);
}
Outcome sent(Context& context, const FileOptions& options) {
  return answer(context, options.file, rpc::FileAnswer::sent);
}
Outcome not_delivered(Context& context, const VoidOptions& options) {
  if (!options.confirmed)
    return usage_failure(
        "The payments of this file would be made again.",
        "Ask the bank whether it has the file. If it has not and never will, add --confirmed-by-bank.");
  return answer(context, options.file, rpc::FileAnswer::void_);
}

Outcome clear_alarm(Context& context, const NoOptions&) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto taken, asked(session.answer_bank("", rpc::FileAnswer::clear_alarm)));
  if (taken.first != base::Status::ok) return failure_from(taken.first, taken.second);
  bool cleared = false;
  for (int i = 0; i < kPolls && !cleared; ++i) {
    if (i > 0) ::usleep(kPollUs);
    CLI_TRY(const rpc::BankFiles files, asked_for("bank rail", session.bank_files()));
    cleared = files.alarm.empty();
  }
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["file"] = "";
    out["carried_out"] = cleared;
    out["state"] = out["reason"] = nullptr;
    context.write_json(out);
  } else {
    context.say("{} Files that are held for it wait for tabctl bank release.",
                cleared ? "The alarm is cleared." : "Recorded, and not carried out yet.");
  }
  return {};
}

}  // namespace

void add_bank_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group =
      add_group(root, "bank", "Files for the bank: which there are, and the operator's word on those that wait.");
  add_command<BankListOptions>(
      *group, chosen, "list", "List the files, all or in one state.",
      "  tabctl bank list\n  tabctl bank list --state held",
      [](CLI::App& app, BankListOptions& options) {
        app.add_option("--state", options.state, "written (it may leave), handing over, out, taken, held or void.");
      },
      list);
  add_command<FileOptions>(*group, chosen, "release", "Let a file leave that is held and was never in out/.",
                           "  tabctl bank release TABD-1f00-20261123-000001-core-rcur.xml", define_file, release);
  add_command<FileOptions>(*group, chosen, "resend", "Send the same bytes once more: the bank does not have the file.",
                           "  tabctl bank resend TABD-1f00-20261123-000001-core-rcur.xml", define_file, resend);
  add_command<FileOptions>(*group, chosen, "sent", "The bank has a file whose fate was not known.",
                           "  tabctl bank sent TABD-1f00-20261123-000001-core-rcur.xml", define_file, sent);
  add_command<VoidOptions>(
      *group, chosen, "void", "The bank never got a file and never will: its payments fail and are planned anew.",
      "  tabctl bank void TABD-1f00-20261123-000001-core-rcur.xml --confirmed-by-bank",
      [](CLI::App& app, VoidOptions& options) {
        app.add_option("file", options.file, "Its name; see: tabctl bank list")->required();
        app.add_flag("--confirmed-by-bank", options.confirmed, "The bank has said that it does not have it.");
      },
      not_delivered);
  add_command<NoOptions>(*group, chosen, "clear-alarm", "What raised the alarm is mended: collections may leave again.",
                         "  tabctl bank clear-alarm", no_options, clear_alarm);
}

}  // namespace cli
