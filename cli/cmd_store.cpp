#include <filesystem>

#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"
#include "ledger/store/audit.h"

namespace cli {
namespace {

struct AuditOptions {
  std::string path;
  std::string network;
  std::string operator_key;
  unsigned threads = 0;
};

Json report_json(const ledger::store::AuditReport& report) {
  JsonObject out;
  out["clean"] = report.clean();
  out["network"] = report.network;
  out["operator"] = base::to_hex(report.operator_key);
  out["segments"] = report.segments;
  out["entries"] = report.entries;
  out["payer_signatures"] = report.payer_signatures;
  out["server_signatures"] = report.server_signatures;
  out["operator_signatures"] = report.operator_signatures;
  out["statements"] = report.statements;
  out["rows"] = report.rows;
  out["replay_keys"] = report.replay_keys;
  out["last_sequence"] = report.last_sequence.value;
  out["last_segment_hash"] = base::to_hex(report.last_segment_hash);
  out["last_time"] = time_json(report.last_time);
  out["difference"] = nullptr;
  if (report.difference) {
    JsonObject difference;
    difference["segment"] = report.difference->segment.value;
    difference["sequence"] = report.difference->sequence.value;
    difference["kind"] = report.difference->kind;
    difference["field"] = report.difference->field;
    difference["stored"] = report.difference->stored;
    difference["computed"] = report.difference->computed;
    difference["text"] = report.difference->to_string();
    out["difference"] = std::move(difference);
  }
  return out;
}

void show_report(Context& context, const ledger::store::AuditReport& report) {
  Fields fields;
  fields.add("network", report.network);
  fields.add("operator", base::to_hex(report.operator_key));
  fields.add("segments", fmt::format("{}, each signed by the operator and chained", thousands(report.segments)));
  fields.add("entries", fmt::format("{}, replayed from the first", thousands(report.entries)));
  fields.add("signatures", fmt::format("{} of payers and agents, {} of servers, {} of the operator",
                                       thousands(report.payer_signatures), thousands(report.server_signatures),
                                       thousands(report.operator_signatures)));
  fields.add("statements", fmt::format("{}, recomputed", thousands(report.statements)));
  fields.add("rows",
             fmt::format("{}, and {} replay keys, compared", thousands(report.rows), thousands(report.replay_keys)));
  fields.add("ends with", fmt::format("entry {} at {}", report.last_sequence.value, time_text(report.last_time)));
  fields.add("last hash", base::to_hex(report.last_segment_hash));
  context.write(fields.render());
}

// A data_dir holds its ledger in a folder of this name.
std::string ledger_folder(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path inner = std::filesystem::path(path) / "ledger";
  const bool here = std::filesystem::exists(std::filesystem::path(path) / "CURRENT", ignored);
  return !here && std::filesystem::exists(inner / "CURRENT", ignored) ? inner.string() : path;
}

Outcome audit(Context& context, const AuditOptions& options) {
  ledger::store::AuditOptions what;
  what.network = options.network;
  what.threads = options.threads;
  if (!options.operator_key.empty()) {
    CLI_TRY(what.operator_key, parse_address("--operator", options.operator_key));
  }
  const std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  Progress progress = context.progress();
  CLI_TRY(const ledger::store::AuditReport report,
          ledger::store::audit(ledger_folder(options.path), *calendar, what,
                               [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
                                 progress.update(phase, done, total);
                               }));
  progress.finish();
  if (context.json()) context.write_json(report_json(report));
  if (report.clean()) {
    if (context.json()) return {};
    show_report(context, report);
    context.say("Everything is as it must be.");
    return {};
  }
  context.note("{} entries in {} segments were as they must be before it.", thousands(report.entries),
               thousands(report.segments));
  return unverified_failure("The first difference: " + report.difference->to_string(),
                            "Do not serve from this ledger. Restore the newest checkpoint that passes the audit.");
}

struct CheckpointOptions {
  std::string name;
};

Outcome checkpoint(Context& context, const CheckpointOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  Result<std::string> directory = asked(session.checkpoint(options.name));
  if (!directory) {
    if (directory.error().code == ExitCode::usage) directory.error().code = ExitCode::refused;
    return pass_failure(std::move(directory).error());
  }
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["directory"] = *directory;
    context.write_json(out);
  } else {
    context.say("The checkpoint is in {}. Check it with: tabctl audit {}", *directory, *directory);
  }
  return {};
}

struct RestoreOptions {
  std::string from;
  std::string to;
};

Outcome restore(Context& context, const RestoreOptions& options) {
  Progress progress = context.progress();
  CLI_CHECK(ledger::store::restore(
      options.from, options.to,
      [&](std::string_view phase, std::uint64_t done, std::uint64_t total) { progress.update(phase, done, total); }));
  progress.finish();
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["directory"] = options.to;
    context.write_json(out);
  } else {
    context.say(
        "The ledger is in {}. tabd opens it when this folder is `ledger` in its data_dir. What was accepted after the "
        "checkpoint is not in it.",
        options.to);
  }
  return {};
}

}  // namespace

void add_store_commands(CLI::App& root, Chosen& chosen) {
  add_command<AuditOptions>(
      root, chosen, "audit",
      "Replay a checkpoint or a stopped ledger offline and verify every signature, hash, balance and statement.",
      "  tabctl audit /var/lib/tabd/checkpoints/monday\n"
      "  tabctl audit ./ledger --network acme:tab --operator 0xf39F...2266 --json",
      [](CLI::App& app, AuditOptions& options) {
        app.add_option("path", options.path, "A checkpoint, or the data_dir of a daemon that is stopped.")->required();
        app.add_option("--network", options.network, "It must be this network; what the ledger says, if not given.");
        app.add_option("--operator", options.operator_key, "Its segments must be signed by this address.");
        app.add_option("--threads", options.threads, "For signatures; 0 = one for each core.")->capture_default_str();
      },
      audit);
  add_command<CheckpointOptions>(
      root, chosen, "checkpoint", "Make a consistent copy of the ledger while the daemon runs.",
      "  tabctl checkpoint monday",
      [](CLI::App& app, CheckpointOptions& options) {
        app.add_option("name", options.name, "1 to 64 letters, digits, '-', '_' and '.'.")->required();
      },
      checkpoint);
  add_command<RestoreOptions>(
      root, chosen, "restore", "Copy a checkpoint to a new folder, from which tabd can start.",
      "  tabctl restore /var/lib/tabd/checkpoints/monday /srv/tabd/ledger",
      [](CLI::App& app, RestoreOptions& options) {
        app.add_option("from", options.from, "The checkpoint.")->required();
        app.add_option("to", options.to, "Must not exist.")->required();
      },
      restore);
}

}  // namespace cli
