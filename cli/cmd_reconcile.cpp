// Our books beside what the rails have on record.

#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

namespace api = ledger::api;

constexpr useconds_t kPollUs = 200'000;

struct ReconcileOptions {
  std::string rail;
  std::string since;
  std::string stuck;
  bool last = false;
};

std::string_view word(api::DifferenceKind kind) {
  constexpr std::array<std::string_view, api::kDifferenceKinds + 1> kNames = {
      "unknown", "not in books", "not at rail", "amount", "stuck", "clearing", "suspense"};
  const auto number = static_cast<std::size_t>(kind);
  return number < kNames.size() ? kNames[number] : kNames[0];
}

std::string name_json(api::DifferenceKind kind) {
  std::string name(word(kind));
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
}

std::string amount_text(const std::optional<core::Amount>& amount, core::AssetId asset, const AssetBook& assets) {
  if (!amount) return "-";
  return asset.valid() ? assets.text(*amount, asset) : "?";
}

Json amount_json(const std::optional<core::Amount>& amount, core::AssetId asset, const AssetBook& assets) {
  return amount && asset.valid() ? Json(assets.decimal(*amount, asset)) : Json(nullptr);
}

std::uint64_t age_us(const api::Difference& one, const api::Reconciliation& made) {
  return one.since.us == 0 || one.since > made.finished ? 0 : made.finished.us - one.since.us;
}

// A run's number says that it began after it was asked for.
Result<api::Reconciliation> made_now(Context& context, const ReconcileOptions& options) {
  api::ReconcileRequest request;
  request.rail = options.rail;
  if (!options.since.empty()) {
    const std::string text = options.since.find('-') == std::string::npos ? "" : options.since;
    if (text.empty()) {
      CLI_TRY(const std::uint64_t back_s, parse_duration(options.since));
      const std::uint64_t now_s = context.now().seconds();
      request.from = core::Time::from_seconds(now_s - std::min(now_s, back_s));
    } else {
      CLI_TRY(const std::uint64_t from_s, parse_when(text, context.now()));
      request.from = core::Time::from_seconds(from_s);
    }
    if (request.from > context.now()) return usage_failure("--since is in the future.", "Name a date, or \"30d\".");
    if (request.from.us == 0) return usage_failure("--since is before there was anything.", "Name a date, or \"30d\".");
  }
  if (!options.stuck.empty()) {
    CLI_TRY(request.stuck_after_s, parse_duration(options.stuck));
  }
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const std::uint64_t number, asked_for("rail " + options.rail, session.reconcile(request)));
  for (;;) {
    CLI_TRY(api::Reconciliation made, asked(session.reconciliation()));
    if (made.number >= number) return made;
    ::usleep(kPollUs);
  }
}

void write_json(Context& context, const api::Reconciliation& made, const AssetBook& assets) {
  JsonArray rails, differences;
  for (const api::RailReconciliation& one : made.rails) {
    JsonObject rail;
    rail["rail"] = one.rail;
    rail["movements"] = one.movements;
    rail["settlements"] = one.settlements;
    rail["matched"] = one.matched;
    rail["uncompared"] = one.uncompared;
    rail["problem"] = one.problem;
    rails.emplace_back(std::move(rail));
  }
  for (const api::Difference& one : made.differences) {
    JsonObject difference;
    difference["kind"] = name_json(one.kind);
    difference["rail"] = one.rail;
    difference["settlement"] = one.settlement.valid() ? Json(one.settlement.value) : Json(nullptr);
    difference["notice"] = one.notice.valid() ? Json(one.notice.value) : Json(nullptr);
    difference["reference"] = one.reference;
    difference["asset"] = one.asset.valid() ? Json(assets.get(one.asset).symbol) : Json(nullptr);
    difference["ours"] = amount_json(one.ours, one.asset, assets);
    difference["theirs"] = amount_json(one.theirs, one.asset, assets);
    difference["direction"] = one.incoming ? "in" : "out";
    difference["since"] = time_json(one.since);
    difference["age_seconds"] = age_us(one, made) / 1'000'000;
    difference["detail"] = one.detail;
    differences.emplace_back(std::move(difference));
  }
  JsonObject out;
  out["number"] = made.number;
  out["started"] = time_json(made.started);
  out["finished"] = time_json(made.finished);
  out["from"] = time_json(made.from);
  out["to"] = time_json(made.to);
  out["rails"] = std::move(rails);
  out["differences"] = std::move(differences);
  out["differences_total"] = made.differences_total;
  context.write_json(out);
}

void write_text(Context& context, const api::Reconciliation& made, const AssetBook& assets) {
  Table rails({{"RAIL"},
               {"MOVEMENTS", Align::right},
               {"SETTLEMENTS", Align::right},
               {"MATCHED", Align::right},
               {"NOT COMPARED", Align::right},
               {"PROBLEM"}});
  for (const api::RailReconciliation& one : made.rails)
    rails.row({one.rail, thousands(one.movements), thousands(one.settlements), thousands(one.matched),
               thousands(one.uncompared), one.problem.empty() ? "-" : one.problem});
  context.write(rails.render(context.color()));
  context.write_line(fmt::format("\nCompared: {} to {}.", time_text(made.from), time_text(made.to)));
  if (made.differences_total == 0) {
    const bool all = std::all_of(made.rails.begin(), made.rails.end(), [](const api::RailReconciliation& one) {
      return one.problem.empty() && one.uncompared == 0;
    });
    context.write_line(all ? "No difference." : "No difference in what could be compared.");
    return;
  }
  Table table({{"AGE", Align::right},
               {"KIND"},
               {"RAIL"},
               {"SETTLEMENT", Align::right},
               {"OURS", Align::right},
               {"THEIRS", Align::right},
               {"REFERENCE"},
               {"DETAIL"}});
  for (const api::Difference& one : made.differences) {
    const std::string subject = one.notice.valid()       ? fmt::format("notice {}", one.notice.value)
                                : one.settlement.valid() ? std::to_string(one.settlement.value)
                                                         : "-";
    table.row({one.since.us == 0 ? "-" : duration_text(age_us(one, made)), std::string(word(one.kind)),
               one.rail.empty() ? "-" : one.rail, subject, amount_text(one.ours, one.asset, assets),
               amount_text(one.theirs, one.asset, assets), one.reference.empty() ? "-" : one.reference, one.detail});
  }
  context.write("\n" + table.render(context.color()));
  if (made.differences_total > made.differences.size())
    context.write_line(fmt::format("The oldest {} of {}.", made.differences.size(), made.differences_total));
}

Outcome reconcile(Context& context, const ReconcileOptions& options) {
  api::Reconciliation made;
  if (options.last) {
    CLI_TRY(Viewer viewer, context.viewer(false));
    CLI_TRY(made, asked(viewer.books()->reconciliation()));
    if (made.number == 0)
      return usage_failure("Nothing was reconciled since the daemon started.", "Leave --last away to do it now.");
  } else {
    CLI_TRY(made, made_now(context, options));
  }
  CLI_TRY(const AssetBook assets, context.assets());
  if (context.json())
    write_json(context, made, assets);
  else
    write_text(context, made, assets);
  std::size_t unread = 0;
  for (const api::RailReconciliation& one : made.rails) unread += one.problem.empty() ? 0U : 1U;
  if (made.differences_total == 0 && unread == 0) return {};
  return unverified_failure(fmt::format("{} differences; {} rails could not be read.", made.differences_total, unread),
                            "docs/operating.md says what each kind means and what to do.");
}

}  // namespace

void add_reconcile_commands(CLI::App& root, Chosen& chosen) {
  add_command<ReconcileOptions>(
      root, chosen, "reconcile",
      "Compare the books with what the rails have on record: provider, bank statements, chain. Changes nothing.",
      "  tabctl reconcile\n  tabctl reconcile --rail card --since 7d\n  tabctl reconcile --since 2026-11-01 --stuck "
      "12h\n"
      "  tabctl reconcile --last --json",
      [](CLI::App& app, ReconcileOptions& options) {
        app.add_option("--rail", options.rail, "Only this one.");
        app.add_option("--since", options.since,
                       "How far back: \"30d\", or a date. Without it as the daemon's configuration says.");
        app.add_option("--stuck", options.stuck, "Report what is under way for longer.");
        app.add_flag("--last", options.last, "What the last run found, the daily one included; auditors may ask too.");
      },
      reconcile);
}

}  // namespace cli
