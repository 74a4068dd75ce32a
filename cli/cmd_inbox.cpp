// What rails said on their own, and what the operator does about it.

#include <algorithm>

#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct InboxListOptions {
  std::string state;
  bool every = false;
  ListOptions list;
};

std::string money_of(const core::Notice& notice, const AssetBook& assets) {
  if (notice.direction == core::Direction::none) return "-";
  return fmt::format("{} {}", assets.text(notice.amount, notice.asset),
                     notice.direction == core::Direction::in ? "in" : "out");
}

Outcome list(Context& context, const InboxListOptions& options) {
  core::NoticeState state{};
  if (!options.state.empty()) {
    CLI_TRY(state, parse_notice_state(options.state));
  }
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  const auto read = [&](core::NoticeState wanted) {
    return read_list<core::Notice>(options.list, [&](rpc::Page page) { return viewer.books()->notices(wanted, page); });
  };
  Listed<core::Notice> listed;
  if (options.every || !options.state.empty()) {
    CLI_TRY(listed, read(state));
  } else {  // what there is something to do about
    CLI_TRY(listed, read(core::NoticeState::waiting));
    CLI_TRY(const Listed<core::Notice> suspense, read(core::NoticeState::suspense));
    listed.items.insert(listed.items.end(), suspense.items.begin(), suspense.items.end());
    std::sort(listed.items.begin(), listed.items.end(),
              [](const core::Notice& a, const core::Notice& b) { return a.id < b.id; });
    if (listed.next == 0) listed.next = suspense.next;
  }
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Notice& one) { return notice_json(one, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.write_line(options.state.empty() && !options.every
                           ? "There is nothing to do: no notice waits or is in suspense."
                           : "There are no such notices.");
    return {};
  }
  Table table({{"NUMBER", Align::right},
               {"RAIL"},
               {"KIND"},
               {"STATE"},
               {"SETTLEMENT", Align::right},
               {"MONEY", Align::right},
               {"SOURCE"},
               {"DETAIL"}});
  for (const core::Notice& one : listed.items) {
    table.row({std::to_string(one.id.value), std::string(one.rail.view()), std::string(word(one.kind)),
               std::string(word(one.mark.state)), one.settlement.valid() ? std::to_string(one.settlement.value) : "-",
               money_of(one, assets), one.source, one.detail});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

struct NoticeOptions {
  std::uint64_t id = 0;
};

Outcome show(Context& context, const NoticeOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Notice one,
          asked_for(fmt::format("notice {}", options.id), viewer.books()->notice(core::NoticeId(options.id))));
  Names names(viewer);
  if (context.json()) {
    context.write_json(notice_json(one, assets, names));
    return {};
  }
  Fields fields;
  fields.add("notice", fmt::format("{} ({})", one.id.value, word(one.kind)));
  fields.add("state", std::string(word(one.mark.state)));
  fields.add("rail", std::string(one.rail.view()));
  fields.add("source", one.source);
  fields.add("external id", one.external_id.empty() ? "-" : one.external_id);
  fields.add("settlement", one.settlement.valid() ? std::to_string(one.settlement.value) : "none");
  fields.add("money", money_of(one, assets));
  if (!one.detail.empty()) fields.add("detail", one.detail);
  fields.add("body", fmt::format("{} bytes", one.body.size()));
  fields.add("key", base::to_hex(one.key));
  fields.add("received", time_text(one.received));
  if (one.mark.changed.us != 0) fields.add("changed", time_text(one.mark.changed));
  if (one.mark.resolution != core::Resolution::none) {
    fields.add("resolution", std::string(word(one.mark.resolution)));
    if (one.mark.payer.valid()) fields.add("credited to", names.payer(one.mark.payer));
    fields.add("reason", one.mark.reason);
  }
  context.write(fields.render());
  return {};
}

struct ResolveOptions {
  std::uint64_t id = 0;
  std::string resolution;
  std::string payer;
  std::string reason;
  std::uint64_t statement = 0;
};

Outcome resolve(Context& context, const ResolveOptions& options) {
  core::ResolveNotice wanted;
  wanted.id = core::NoticeId(options.id);
  wanted.reason = options.reason;
  CLI_TRY(wanted.resolution, parse_resolution(options.resolution));
  wanted.statement = core::StatementId(options.statement);
  const bool to_payer =
      wanted.resolution == core::Resolution::payer_credit || wanted.resolution == core::Resolution::pays_statement;
  if (to_payer != !options.payer.empty())
    return usage_failure(to_payer ? "Which payer's?" : "Only payer-credit and pays-statement are about a payer.",
                         "Name --payer with payer-credit and pays-statement.");
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  if (to_payer) {
    CLI_TRY(wanted.payer, find_payer(session, options.payer));
  }
  CLI_TRY(const auto receipt, decided(session.resolve_notice(wanted)));
  context.report(receipt, fmt::format("Notice {} is resolved: {}.", options.id, word(wanted.resolution)));
  return {};
}

}  // namespace

void add_inbox_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group =
      add_group(root, "inbox", "What rails said on their own: webhooks and files, and money that matches nothing.");
  add_command<InboxListOptions>(
      *group, chosen, "list", "List the notices that wait or are in suspense, those in one state, or all.",
      "  tabctl inbox list\n  tabctl inbox list --state refused\n  tabctl inbox list --every",
      [](CLI::App& app, InboxListOptions& options) {
        app.add_option("--state", options.state, "applied, waiting, refused, suspense or resolved.");
        app.add_flag("--every", options.every, "In every state.");
        add_list_options(app, options.list);
      },
      list);
  add_command<NoticeOptions>(
      *group, chosen, "show", "One notice: where it came from, what it says, what became of it.",
      "  tabctl inbox show 17",
      [](CLI::App& app, NoticeOptions& options) { app.add_option("number", options.id, "Of the notice.")->required(); },
      show);
  add_command<ResolveOptions>(
      *group, chosen, "resolve",
      "Say where the money of a notice in suspense goes, or dismiss one that waits. Nothing is sent: do that first.",
      "  tabctl inbox resolve 17 payer-credit --payer \"Crawler Inc\" --reason \"paid twice\"\n"
      "  tabctl inbox resolve 18 went-back --reason \"sent back by the bank\"\n"
      "  tabctl inbox resolve 19 dismiss --reason \"explained by statement 4\"",
      [](CLI::App& app, ResolveOptions& options) {
        app.add_option("number", options.id, "Of the notice.")->required();
        app.add_option("what", options.resolution,
                       "dismiss (it waits, and is explained without it), went-back (in cash, to where it came from), "
                       "payer-credit, pays-statement, operator (the operator's revenue or loss).")
            ->required();
        app.add_option("--payer", options.payer, "With payer-credit, pays-statement: address, number or label.");
        app.add_option("--statement", options.statement, "With pays-statement; otherwise the open ones, oldest first.");
        app.add_option("--reason", options.reason, "For the journal.")->required();
      },
      resolve);
}

}  // namespace cli
