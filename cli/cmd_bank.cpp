// The bank rail's files, and what the operator says of them.

#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

constexpr unsigned kCentDigits = 2;

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
  out["payments"] = file.payments;
  out["sha256"] = base::to_hex(file.sha256);
  return out;
}

Outcome list(Context& context, const BankListOptions& options) {
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
               base::Amount(one.cents).to_decimal_string(kCentDigits), one.state,
               one.reason.empty() ? "-" : one.reason});
  context.write(table.render(context.color()));
  return {};
}

Outcome answer(Context& context, const std::string& file, rpc::FileAnswer said, const std::string& told) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto taken, asked(session.answer_bank(file, said)));
  if (taken.first != base::Status::ok) return failure_from(taken.first, taken.second);
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["file"] = file;
    context.write_json(out);
  } else {
    context.say("{}", told);
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
  return answer(context, options.file, rpc::FileAnswer::release, options.file + " leaves for out/ in a moment.");
}
Outcome resend(Context& context, const FileOptions& options) {
  return answer(context, options.file, rpc::FileAnswer::resend,
                options.file + " goes to out/ once more in a moment, with the same bytes.");
}
Outcome sent(Context& context, const FileOptions& options) {
  return answer(context, options.file, rpc::FileAnswer::sent, options.file + " is taken as delivered.");
}
Outcome not_delivered(Context& context, const VoidOptions& options) {
  if (!options.confirmed)
    return usage_failure(
        "The payments of this file would be made again.",
        "Ask the bank whether it has the file. If it has not and never will, add --confirmed-by-bank.");
  return answer(context, options.file, rpc::FileAnswer::void_,
                options.file + " is void in a moment: its payments fail, and are planned anew.");
}
Outcome clear_alarm(Context& context, const NoOptions&) {
  return answer(context, "", rpc::FileAnswer::clear_alarm,
                "The alarm is cleared in a moment. Files that are held for it wait for tabctl bank release.");
}

}  // namespace

void add_bank_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group =
      add_group(root, "bank", "Files for the bank: which there are, and the operator's word on those that wait.");
  add_command<BankListOptions>(
      *group, chosen, "list", "List the files, all or in one state.",
      "  tabctl bank list\n  tabctl bank list --state held",
      [](CLI::App& app, BankListOptions& options) {
        app.add_option("--state", options.state, "written, out, taken, held or void.");
      },
      list);
  add_command<FileOptions>(*group, chosen, "release", "Let a file that is held leave.",
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
