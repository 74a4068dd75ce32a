#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

// The last ones; all of them: tabctl inbox list.
constexpr std::uint32_t kNoticesShown = 10;

struct SettlementListOptions {
  std::string state;
  ListOptions list;
};

std::string amount_of(const core::Settlement& one, const AssetBook& assets) {
  return one.asset.valid() ? assets.text(one.amount, one.asset) : "-";  // a relay need not be about an asset
}

Outcome list(Context& context, const SettlementListOptions& options) {
  core::SettlementState state{};
  if (!options.state.empty()) {
    CLI_TRY(state, parse_settlement_state(options.state));
  }
  CLI_TRY(Viewer viewer, context.viewer(true));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(auto listed, read_list<core::Settlement>(options.list, [&](rpc::Page page) {
            if (viewer.books() == nullptr) return viewer.payer()->settlements(page);
            return options.state.empty() ? viewer.books()->settlements(page) : viewer.books()->settlements(state, page);
          }));
  if (viewer.books() == nullptr && !options.state.empty())
    std::erase_if(listed.items, [&](const core::Settlement& one) { return one.state != state; });
  Names names(viewer);
  if (context.json()) {
    write_list_json(context, listed, [&](const core::Settlement& one) { return settlement_json(one, assets, names); });
    return {};
  }
  if (listed.items.empty()) {
    context.write_line(options.state.empty() ? "There are no settlements yet: a closed window makes the first."
                                             : "No settlement is in this state.");
    return {};
  }
  Table table({{"NUMBER", Align::right},
               {"KIND"},
               {"PARTY"},
               {"AMOUNT", Align::right},
               {"RAIL"},
               {"STATE"},
               {"ATTEMPT", Align::right},
               {"REFERENCE"},
               {"DETAIL"}});
  for (const core::Settlement& one : listed.items) {
    table.row({std::to_string(one.id.value), std::string(word(one.kind)), party_of(one, names), amount_of(one, assets),
               std::string(one.rail.view()), std::string(word(one.state)), std::to_string(one.attempt),
               one.reference.size() > 20 ? one.reference.substr(0, 14) + "..." : one.reference, one.detail});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

struct NumberOptions {
  std::uint64_t id = 0;
  std::string reason;
};

Outcome show(Context& context, const NumberOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Settlement one, asked_for(fmt::format("settlement {}", options.id),
                                                viewer.books()->settlement(core::SettlementId(options.id))));
  Names names(viewer);
  const bool is_relay = one.kind == core::SettlementKind::relay;
  core::Relay relay;
  if (is_relay) {
    CLI_TRY(relay, asked(viewer.books()->relay(one.id)));
  }
  CLI_TRY(const std::vector<core::Notice> notices, asked(viewer.books()->notices_of(one.id, kNoticesShown)));
  if (context.json()) {
    Json out = settlement_json(one, assets, names);
    JsonArray list;
    for (const core::Notice& notice : notices) list.emplace_back(notice_json(notice, assets, names));
    out.as_object()["notices"] = std::move(list);
    out.as_object()["relay"] = is_relay ? relay_json(relay) : Json(nullptr);
    context.write_json(out);
    return {};
  }
  Fields fields;
  fields.add("settlement", fmt::format("{} ({})", one.id.value, word(one.kind)));
  fields.add("state", std::string(word(one.state)));
  if (is_relay) {
    fields.add("for", relay.label.empty() ? "-" : relay.label);
    fields.add("key", base::to_hex(relay.key));
    fields.add("order", fmt::format("{} bytes", relay.order.size()));
  } else {
    fields.add(one.kind == core::SettlementKind::collection ? "from" : "to",
               fmt::format("{} ({})", party_of(one, names), party_address_of(one, names)));
  }
  if (one.statement.valid()) fields.add("statement", std::to_string(one.statement.value));
  fields.add("amount", amount_of(one, assets));
  if (!one.fee.is_zero()) fields.add("fee kept", assets.text(one.fee, one.asset));
  fields.add("rail", std::string(one.rail.view()));
  fields.add("reference", one.reference.empty() ? "-" : one.reference);
  if (!one.operator_reference.empty()) fields.add("asked for with", one.operator_reference);
  fields.add("attempt", fmt::format("{} (technical retries {}, dunning step {})", one.attempt, one.technical_retries,
                                    one.dunning_step));
  if (one.failure != core::FailureClass::none) fields.add("failure", std::string(word(one.failure)));
  if (!one.code.empty()) fields.add("rail's code", one.code);
  if (!one.detail.empty()) fields.add("detail", one.detail);
  if (!one.rail_fee.is_zero()) fields.add("kept by the rail", assets.text(one.rail_fee, one.asset));
  for (const core::RailRefusal& refusal : one.refusals)
    fields.add("refused by", fmt::format("{} ({})", refusal.rail.view(), word(refusal.failure)));
  fields.add("idempotency key", one.idempotency_key.is_zero() ? "-" : base::to_hex(one.idempotency_key));
  fields.add("request",
             one.request.empty() ? "-" : fmt::format("{} bytes, recorded before sending", one.request.size()));
  fields.add("created", time_text(one.created));
  fields.add("submitted", time_text(one.submitted));
  fields.add("confirmed", time_text(one.confirmed));
  fields.add("final", time_text(one.finalized));
  fields.add("next action", time_text(one.next_action));
  for (const core::Notice& notice : notices)
    fields.add(
        fmt::format("notice {}", notice.id.value),
        fmt::format("{} by {}, {}: {}", word(notice.kind), notice.rail.view(), notice.source, word(notice.mark.state)));
  context.write(fields.render());
  return {};
}

Outcome retry(Context& context, const NumberOptions& options) {
  const core::SettlementId id(options.id);
  CLI_TRY(const Role role, context.settings().parsed_role());
  if (role == Role::payer) {
    CLI_TRY(tabd::PayerSession session, context.payer_session());
    CLI_TRY(const auto receipt, decided(session.retry_collection(id)));
    context.report(receipt, fmt::format("Settlement {} is collected again.", options.id));
    return {};
  }
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto receipt, decided(session.retry_settlement(id)));
  context.report(receipt, fmt::format("Settlement {} is tried again.", options.id));
  return {};
}

Outcome cancel(Context& context, const NumberOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto receipt, decided(session.cancel_settlement(core::SettlementId(options.id), options.reason)));
  context.report(receipt, fmt::format("Settlement {} is cancelled; a payout's amount is payable again.", options.id));
  return {};
}

void define_number(CLI::App& app, NumberOptions& options) {
  app.add_option("number", options.id, "Of the settlement.")->required();
}

Outcome rails_list(Context& context, const NoOptions&) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const std::vector<rpc::RailStatus> rails, asked(viewer.books()->rails()));
  if (context.json()) {
    write_list_json(context, Listed<rpc::RailStatus>{rails, 0}, rail_json);
    return {};
  }
  if (rails.empty()) {
    context.say("No rail is configured: statements are issued and nothing is collected.");
    return {};
  }
  Table table({{"RAIL"}, {"STATE"}, {"COLLECTS"}, {"PAYS OUT"}, {"UNDER WAY", Align::right}, {"DESCRIPTION"}});
  for (const rpc::RailStatus& rail : rails) {
    table.row({rail.name,
               rail.enabled ? (!rail.available ? "away"
                               : rail.dry_run  ? "dry run"
                                               : "on")
                            : "off",
               rail.pull ? "yes" : "no", rail.push ? "yes" : "no",
               fmt::format("{} of {}", rail.in_flight, rail.in_flight_max), rail.description});
  }
  context.write(table.render(context.color()));
  return {};
}

struct RailOptions {
  std::string name;
};

Outcome set_rail(Context& context, const std::string& name, bool enabled) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_CHECK(asked_for("rail " + name, session.set_rail(name, enabled)));
  if (context.json()) {
    JsonObject out;
    out["status"] = "ok";
    out["rail"] = name;
    out["enabled"] = enabled;
    context.write_json(out);
  } else {
    context.say("Rail {} sends {}.", name, enabled ? "again" : "nothing more; what is under way is still followed");
  }
  return {};
}

Outcome rails_enable(Context& context, const RailOptions& options) { return set_rail(context, options.name, true); }
Outcome rails_disable(Context& context, const RailOptions& options) { return set_rail(context, options.name, false); }

void define_rail(CLI::App& app, RailOptions& options) {
  app.add_option("rail", options.name, "Its name; see: tabctl rails list")->required();
}

}  // namespace

void add_settlement_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group =
      add_group(root, "settlement",
                "Money that moves: collections from payers, payouts to payees, transactions relayed for others.");
  add_command<SettlementListOptions>(
      *group, chosen, "list", "List settlements, all or in one state.",
      "  tabctl settlement list\n  tabctl settlement list --state failed",
      [](CLI::App& app, SettlementListOptions& options) {
        app.add_option("--state", options.state,
                       "ready, sending, accepted, confirmed, settled, final, failed, unknown, returned, disputed, "
                       "written_off or cancelled.");
        add_list_options(app, options.list);
      },
      list);
  add_command<NumberOptions>(*group, chosen, "show", "One settlement with its times and the rail's reference.",
                             "  tabctl settlement show 4", define_number, show);
  add_command<NumberOptions>(*group, chosen, "retry", "Try again now: what waits, failed or was returned.",
                             "  tabctl settlement retry 4\n  tabctl settlement retry 4 --role payer --key payer.key",
                             define_number, retry);
  add_command<NumberOptions>(
      *group, chosen, "cancel", "Cancel a payout or relay that was not sent; a payout's amount becomes payable again.",
      "  tabctl settlement cancel 9 --reason \"account closed\"",
      [](CLI::App& app, NumberOptions& options) {
        define_number(app, options);
        app.add_option("--reason", options.reason, "For the journal.")->required();
      },
      cancel);
  CLI::App* rails = add_group(root, "rails", "The ways by which money moves, and their kill switches.");
  add_command<NoOptions>(*rails, chosen, "list", "List the rails and how they are.", "  tabctl rails list", no_options,
                         rails_list);
  add_command<RailOptions>(*rails, chosen, "enable", "Let a rail send again.", "  tabctl rails enable stablecoin",
                           define_rail, rails_enable);
  add_command<RailOptions>(*rails, chosen, "disable", "Kill switch: a rail sends nothing until it is enabled.",
                           "  tabctl rails disable stablecoin", define_rail, rails_disable);
}

}  // namespace cli
