#include <unistd.h>

#include <csignal>
#include <map>

#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

// Without a key that may read the books: what everybody may know.
void public_status(Context& context, const rpc::NetworkInfo& info, const std::string& why) {
  if (context.json()) {
    JsonObject out;
    out["network"] = info.network;
    out["operator"] = base::to_hex(info.operator_key);
    out["version"] = info.version;
    out["now"] = time_json(info.now);
    out["full"] = false;
    context.write_json(out);
    return;
  }
  Fields fields;
  fields.add("network", info.network);
  fields.add("operator", base::to_hex(info.operator_key));
  fields.add("version", info.version);
  fields.add("its clock", time_text(info.now));
  context.write(fields.render());
  context.note("{}", why);
}

Json status_json(const rpc::DaemonStatus& status, const std::vector<rpc::RailStatus>& rails) {
  JsonObject out;
  out["network"] = status.head.network;
  out["operator"] = base::to_hex(status.head.operator_key);
  out["version"] = status.version;
  out["now"] = time_json(status.now);
  out["full"] = true;
  out["started"] = time_json(status.started);
  out["dry_run"] = status.dry_run;
  JsonArray degraded;
  for (const std::string& cause : status.degraded) degraded.emplace_back(cause);
  out["degraded"] = std::move(degraded);
  out["head"] = head_json(status.head);
  JsonObject figures;
  for (const rpc::Figure& figure : status.figures) figures[figure.name] = figure.value;
  out["figures"] = std::move(figures);
  JsonArray rail_list;
  for (const rpc::RailStatus& rail : rails) rail_list.emplace_back(rail_json(rail));
  out["rails"] = std::move(rail_list);
  return out;
}

std::int64_t figure(const rpc::DaemonStatus& status, std::string_view name) {
  for (const rpc::Figure& one : status.figures)
    if (one.name == name) return one.value;
  return 0;
}

std::uint64_t count(const rpc::DaemonStatus& status, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(figure(status, name), 0));
}

std::string rail_text(const rpc::RailStatus& rail) {
  std::string text = rail.enabled ? (rail.dry_run ? "dry run" : "on") : "off (kill switch)";
  if (!rail.available) text += ", nobody there";
  text += fmt::format(", {} of {} under way", rail.in_flight, rail.in_flight_max);
  return rail.description.empty() ? text : text + "; " + rail.description;
}

std::string signatures_text(const rpc::DaemonStatus& now) {
  std::string text = count(now, "verify_together") != 0 ? "checked together" : "checked one by one";
  text += fmt::format("; {} together, {} alone", thousands(count(now, "verify_together_total")),
                      thousands(count(now, "verify_single_total")));
  const std::uint64_t singled_out = count(now, "verify_singled_out");
  if (singled_out != 0) text += fmt::format("; {} submitters of wrong ones singled out", thousands(singled_out));
  return text;
}

Outcome status(Context& context, const NoOptions&) {
  CLI_TRY(tabd::Client * client, context.client());
  if (context.settings().key_file.empty()) {
    public_status(context, client->info(), "More with an operator's or auditor's key: add --key FILE.");
    return {};
  }
  Result<Viewer> viewer = context.viewer(false);
  if (!viewer) {
    if (viewer.error().code != ExitCode::refused) return tl::unexpected<Failure>(viewer.error());
    public_status(context, client->info(), viewer.error().next);
    return {};
  }
  CLI_TRY(const rpc::DaemonStatus now, asked(viewer->books()->status()));
  CLI_TRY(const std::vector<rpc::RailStatus> rails, asked(viewer->books()->rails()));
  if (context.json()) {
    context.write_json(status_json(now, rails));
    return {};
  }
  Fields fields;
  fields.add("network", now.head.network);
  fields.add("operator", base::to_hex(now.head.operator_key));
  fields.add("version", now.version);
  fields.add("up", fmt::format("{}, since {}", duration_text(now.now.us - std::min(now.now.us, now.started.us)),
                               time_text(now.started)));
  fields.add("health", now.degraded.empty() ? "good" : now.degraded.front());
  for (std::size_t i = 1; i < now.degraded.size(); ++i) fields.add("", now.degraded[i]);
  fields.add("journal", fmt::format("{} entries in {} segments, {} on disk", thousands(now.head.last_sequence.value),
                                    thousands(now.head.last_segment.value), bytes_text(count(now, "disk_bytes"))));
  fields.add("newest segment", fmt::format("{} at {}", base::to_hex(now.head.segment_hash), time_text(now.head.time)));
  fields.add("parties", fmt::format("{} payers, {} payees, {} servers, {} mandates, {} tabs",
                                    thousands(now.head.payers), thousands(now.head.payees), thousands(now.head.servers),
                                    thousands(now.head.mandates), thousands(now.head.tabs)));
  fields.add("bills", fmt::format("{} statements, {} settlements", thousands(now.head.statements),
                                  thousands(now.head.settlements)));
  fields.add("since start",
             fmt::format("{} items accepted ({} charges), {} refused", thousands(count(now, "items_accepted_total")),
                         thousands(count(now, "charges_total")), thousands(count(now, "refused_total"))));
  fields.add("signatures", signatures_text(now));
  for (const rpc::RailStatus& rail : rails) fields.add("rail " + rail.name, rail_text(rail));
  context.write(fields.render());
  return {};
}

struct TopOptions {
  std::uint64_t interval_ms = 1000;
  bool once = false;
  std::uint64_t count = 0;
};

std::string per_second(const rpc::DaemonStatus& before, const rpc::DaemonStatus& now, std::string_view name,
                       std::uint64_t elapsed_ns) {
  const std::uint64_t difference = count(now, name) - std::min(count(now, name), count(before, name));
  if (elapsed_ns == 0) return "-";
  return thousands(static_cast<std::uint64_t>(static_cast<base::u128>(difference) * 1'000'000'000 / elapsed_ns));
}

std::string frame(Context& context, const rpc::DaemonStatus& before, const rpc::DaemonStatus& now,
                  const std::vector<rpc::RailStatus>& rails, std::uint64_t elapsed_ns) {
  std::string out = fmt::format("tabd {}  {}  up {}  {}\n\n", now.head.network, time_text(now.now),
                                duration_text(now.now.us - std::min(now.now.us, now.started.us)),
                                now.degraded.empty() ? "good" : now.degraded.front());
  Table rates({{"RATE"}, {"PER SECOND", Align::right}, {"SINCE START", Align::right}});
  for (const auto& [name, title] : {std::pair<const char*, const char*>{"items_accepted_total", "items accepted"},
                                    {"charges_total", "charges"},
                                    {"refused_total", "items refused"},
                                    {"rpc_batches_total", "batches"},
                                    {"entries_total", "journal entries"},
                                    {"segments_total", "group commits"},
                                    {"journal_bytes_total", "journal bytes"}})
    rates.row({title, per_second(before, now, name, elapsed_ns), thousands(count(now, name))});
  out += rates.render(context.color());
  Table gauges({{"NOW"}, {"", Align::right}});
  const auto row = [&](const char* title, const std::string& value) { gauges.row({title, value}); };
  row("waiting for verification", thousands(count(now, "queue_verify_items")));
  row("waiting for the writer", thousands(count(now, "queue_writer_items")));
  row("last commit: waited", duration_text(count(now, "commit_queue_us")));
  row("last commit: applied in", duration_text(count(now, "commit_apply_us")));
  row("last commit: on disk in", duration_text(count(now, "commit_write_us")));
  row("last commit: items", thousands(count(now, "commit_items")));
  row("connections", thousands(count(now, "rpc_connections")));
  row("calls under way", thousands(count(now, "rpc_calls_in_flight")));
  row("disk", bytes_text(count(now, "disk_bytes")));
  for (const rpc::RailStatus& rail : rails)
    row(("rail " + rail.name).c_str(), fmt::format("{} of {}{}", rail.in_flight, rail.in_flight_max,
                                                   rail.enabled ? (rail.available ? "" : ", nobody there") : ", off"));
  return out + "\n" + gauges.render(context.color());
}

Json frame_json(const rpc::DaemonStatus& before, const rpc::DaemonStatus& now, std::uint64_t elapsed_ns) {
  JsonObject out;
  out["now"] = time_json(now.now);
  JsonObject rates;
  JsonObject figures;
  for (const rpc::Figure& one : now.figures) {
    figures[one.name] = one.value;
    const bool total = one.name.size() > 6 && one.name.compare(one.name.size() - 6, 6, "_total") == 0;
    if (!total || elapsed_ns == 0) continue;
    const std::int64_t difference = one.value - figure(before, one.name);
    rates[one.name.substr(0, one.name.size() - 6)] = static_cast<std::int64_t>(
        static_cast<base::i128>(difference) * 1'000'000'000 / static_cast<base::i128>(elapsed_ns));
  }
  out["per_second"] = std::move(rates);
  out["figures"] = std::move(figures);
  return out;
}

Outcome top(Context& context, const TopOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(rpc::DaemonStatus before, asked(viewer.books()->status()));
  std::uint64_t before_ns = context.clock().monotonic_ns();
  const std::uint64_t frames = options.once ? 1 : options.count;
  for (std::uint64_t shown = 0; frames == 0 || shown < frames; ++shown) {
    ::usleep(static_cast<useconds_t>(options.interval_ms * 1000));
    CLI_TRY(rpc::DaemonStatus now, asked(viewer.books()->status()));
    CLI_TRY(const std::vector<rpc::RailStatus> rails, asked(viewer.books()->rails()));
    const std::uint64_t now_ns = context.clock().monotonic_ns();
    if (context.json()) {
      context.write_json_line(frame_json(before, now, now_ns - before_ns));
    } else {
      if (context.out_is_tty() && !options.once)
        context.write("\x1b[H\x1b[2J");
      else if (shown > 0)
        context.write("\n");
      context.write(frame(context, before, now, rails, now_ns - before_ns));
      if (context.out_is_tty() && !options.once) context.write("\nCtrl-C ends.\n");
    }
    std::fflush(stdout);
    before = std::move(now);
    before_ns = now_ns;
  }
  return {};
}

}  // namespace

void add_status_commands(CLI::App& root, Chosen& chosen) {
  add_command<NoOptions>(root, chosen, "status", "Is it well? The daemon, its journal, its rails.",
                         "  tabctl status\n  tabctl status --json", no_options, status);
  add_command<TopOptions>(
      root, chosen, "top", "Live rates and queues.",
      "  tabctl top\n  tabctl top --once\n  tabctl top --json --count 10",
      [](CLI::App& app, TopOptions& options) {
        app.add_flag("--once", options.once, "One frame, then end.");
        app.add_option("--count", options.count, "This many frames; 0 = until Ctrl-C.")->capture_default_str();
        app.add_option("--interval-ms", options.interval_ms, "Between two frames.")
            ->capture_default_str()
            ->check(CLI::Range(100, 60'000));
      },
      top);
}

}  // namespace cli
