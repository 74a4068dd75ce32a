#include <array>

#include "cli/command.h"
#include "cli/entry_text.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

constexpr std::uint64_t kWaitUs = 200'000;

struct EventOptions {
  std::vector<std::string> kinds;
  std::string payer;
  std::string payee;
  std::uint64_t count = 0;
};

Result<std::uint32_t> kinds_of(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (unsigned kind = 1; kind <= static_cast<unsigned>(rpc::kLastEventKind); ++kind)
    known.emplace_back(rpc::name(static_cast<rpc::EventKind>(kind)));
  std::uint32_t bits = 0;
  for (const std::string& name : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) {
      const std::string meant = closest(name, known);
      return usage_failure(fmt::format("There is no kind of event \"{}\".", name),
                           meant.empty() ? fmt::format("Kinds are {}.", fmt::join(known, ", "))
                                         : fmt::format("Did you mean \"{}\"?", meant));
    }
    bits |= 1u << static_cast<unsigned>(at - known.begin() + 1);
  }
  return bits;
}

std::string event_text(const rpc::Event& event, const AssetBook& assets) {
  std::string text = fmt::format("{}  {:<17}", time_text(event.time), rpc::name(event.kind));
  if (!event.payer.is_zero()) text += fmt::format(" payer {}", short_hex(event.payer.view()));
  if (!event.payee.is_zero()) text += fmt::format(" payee {}", short_hex(event.payee.view()));
  if (!event.channel.is_zero()) text += fmt::format(" channel {}", short_hex(event.channel.view()));
  if (!event.asset.valid() && event.kind >= rpc::EventKind::channel_opened && !event.amount.is_zero())
    text += " " + event.amount.to_units_string() + " units";
  if (event.asset.valid() && !event.amount.is_zero()) text += " " + assets.text(event.amount, event.asset);
  if (event.charges > 1) text += fmt::format(" in {} charges", event.charges);
  if (event.statement.valid()) text += fmt::format(" statement {}", event.statement.value);
  if (event.settlement.valid())
    text += fmt::format(" settlement {} {}", event.settlement.value, word(event.settlement_state));
  if (!event.text.empty()) text += fmt::format(": {}", event.text);
  return text;
}

// A lost stream: what was missed can be read from the lists.
Outcome stream_ended(const std::string& reason) {
  Failure failure;
  failure.code = ExitCode::unreachable;
  failure.message = "The daemon ended the stream: " + reason;
  failure.next = "Start the command again; what was missed is in the lists and the journal.";
  return tl::unexpected<Failure>(std::move(failure));
}

Outcome events(Context& context, const EventOptions& options) {
  rpc::EventFilter filter;
  CLI_TRY(filter.kinds, kinds_of(options.kinds));
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const AssetBook assets, context.assets());
  if (!options.payer.empty() && viewer.books() != nullptr) {
    CLI_TRY(filter.payer, find_payer(*viewer.books(), options.payer));
  }
  if (!options.payee.empty() && viewer.books() != nullptr) {
    CLI_TRY(filter.payee, find_payee(*viewer.books(), options.payee));
  }
  std::uint64_t seen = 0;
  std::optional<std::string> ended;
  tabd::EventHandler handler;
  handler.event = [&](const rpc::Event& event) {
    if (options.count != 0 && seen >= options.count) return;
    ++seen;
    if (context.json()) {
      context.write_json_line(event_json(event, assets));
    } else {
      context.write_line(event_text(event, assets));
      std::fflush(stdout);
    }
  };
  handler.dropped = [&](const std::string& reason) { ended = reason; };
  CLI_TRY(const tabd::Subscription subscription, asked(viewer.any().subscribe(filter, std::move(handler))));
  context.note("Following events; Ctrl-C ends.");
  while ((options.count == 0 || seen < options.count) && !ended) {
    tabd::Client::run_for(kWaitUs);
    if (!subscription.active() && !ended) ended = "the connection was lost";
  }
  if (ended && (options.count == 0 || seen < options.count)) return stream_ended(*ended);
  return {};
}

struct JournalOptions {
  std::uint64_t from = 0;
  std::uint64_t limit = 50;
  std::uint64_t count = 0;
};

// One entry, as a line of a table would be.
void write_entry(Context& context, const AssetBook& assets, core::Sequence sequence, core::SegmentId segment,
                 core::Time time, base::ByteView bytes) {
  const base::Result<core::Entry> entry = core::decode_entry(bytes);
  const std::string_view kind = bytes.empty() ? "empty" : core::kind_name(bytes[0]);
  const std::string text = entry ? entry_text(*entry, assets) : entry.error().message;
  if (context.json()) {
    JsonObject out;
    out["sequence"] = sequence.value;
    out["segment"] = segment.value;
    out["time"] = time_json(time);
    out["kind"] = text_json(kind);
    out["text"] = text;
    out["bytes"] = base::to_hex(bytes);
    context.write_json_line(out);
    return;
  }
  context.say("{:>10}  {}  {:<18} {}", sequence.value, time_text(time), kind, text);
}

Outcome journal_list(Context& context, const JournalOptions& options) {
  CLI_TRY(tabd::AuditorSession session, context.auditor_session());
  CLI_TRY(const AssetBook assets, context.assets());
  core::Sequence from(std::max<std::uint64_t>(options.from, 1));
  std::uint64_t shown = 0;
  while (shown < options.limit) {
    const auto wanted =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(options.limit - shown, base::limits::kPageItemsMax));
    CLI_TRY(const std::vector<rpc::RawEntry> entries, asked(session.entries(from, wanted)));
    if (entries.empty()) break;
    for (const rpc::RawEntry& entry : entries)
      write_entry(context, assets, entry.sequence, entry.segment, entry.time, entry.bytes);
    shown += entries.size();
    from.value = entries.back().sequence.value + 1;
  }
  if (shown == 0 && !context.json()) context.say("The journal ends before entry {}.", from.value);
  return {};
}

Outcome journal_follow(Context& context, const JournalOptions& options) {
  CLI_TRY(tabd::AuditorSession session, context.auditor_session());
  CLI_TRY(const AssetBook assets, context.assets());
  core::Sequence from(options.from);
  if (from.value == 0) {
    CLI_TRY(const rpc::Head head, asked(session.head()));
    from.value = head.last_sequence.value + 1;
  }
  std::uint64_t seen = 0;
  std::optional<std::string> ended;
  tabd::FollowHandler handler;
  handler.segment = [&](core::Segment segment) {
    const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment.body);
    if (!entries) return;
    core::Sequence sequence = segment.header.first_sequence;
    for (const base::ByteView bytes : *entries) {
      const bool wanted = sequence >= from && (options.count == 0 || seen < options.count);
      if (wanted) {
        write_entry(context, assets, sequence, segment.header.number, segment.header.time, bytes);
        ++seen;
      }
      ++sequence.value;
    }
    std::fflush(stdout);
  };
  handler.ended = [&](const std::string& reason) { ended = reason; };
  CLI_TRY(const tabd::Subscription subscription, asked(session.follow(from, std::move(handler))));
  context.note("Following the journal from entry {}; Ctrl-C ends.", from.value);
  while ((options.count == 0 || seen < options.count) && !ended) {
    tabd::Client::run_for(kWaitUs);
    if (!subscription.active() && !ended) ended = "the connection was lost";
  }
  if (ended && (options.count == 0 || seen < options.count)) return stream_ended(*ended);
  return {};
}

}  // namespace

void add_follow_commands(CLI::App& root, Chosen& chosen) {
  add_command<EventOptions>(
      root, chosen, "events", "Follow what happens, as it happens.",
      "  tabctl events\n  tabctl events --kind settled --kind failed --json\n"
      "  tabctl events --role payer --key payer.key --count 1",
      [](CLI::App& app, EventOptions& options) {
        app.add_option("--kind", options.kinds, "Only these kinds; may be repeated.");
        app.add_option("--payer", options.payer, "Only of this payer.");
        app.add_option("--payee", options.payee, "Only of this payee.");
        app.add_option("--count", options.count, "End after this many; 0 = never.")->capture_default_str();
      },
      events);
  CLI::App* journal = add_group(root, "journal", "The ledger itself, entry by entry. Needs an auditor's key.");
  add_command<JournalOptions>(
      *journal, chosen, "follow", "Follow the journal live, without gaps.",
      "  tabctl journal follow --key auditor.key\n  tabctl journal follow --from 1 --json > journal.jsonl",
      [](CLI::App& app, JournalOptions& options) {
        app.add_option("--from", options.from, "From this entry on; 0 = what is new.")->capture_default_str();
        app.add_option("--count", options.count, "End after this many entries; 0 = never.")->capture_default_str();
      },
      journal_follow);
  add_command<JournalOptions>(
      *journal, chosen, "list", "Entries of the journal.", "  tabctl journal list --from 100 --limit 20",
      [](CLI::App& app, JournalOptions& options) {
        app.add_option("--from", options.from, "The first entry.")->capture_default_str();
        app.add_option("--limit", options.limit, "At most this many.")->capture_default_str();
      },
      journal_list);
}

}  // namespace cli
