#include "cli/lists.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct PlanOptions {
  std::string label;
  std::string asset;
  std::optional<std::string> window;
  std::optional<std::string> threshold;
  std::optional<std::string> minimum;
  std::optional<std::string> credit_limit;
  std::optional<std::string> terms;
  std::vector<std::string> rails;
  std::vector<std::string> dunning;
  std::string series;
  std::string credit_note_series;
};

Outcome read_series(const char* option, const std::string& text, core::SeriesName& series) {
  if (text.empty()) return {};
  const std::optional<core::SeriesName> parsed = core::SeriesName::parse(text);
  if (!parsed) return usage_failure(fmt::format("{}: \"{}\" is not 1 to 16 letters, digits and '-'.", option, text));
  series = *parsed;
  return {};
}

// The plan with that label, or none.
Result<std::optional<core::Plan>> present_plan(tabd::OperatorSession& session, const std::string& label) {
  CLI_TRY(const std::vector<core::Plan> plans, asked(session.plans()));
  for (const core::Plan& plan : plans)
    if (plan.label == label) return std::optional(plan);
  return std::optional<core::Plan>();
}

Outcome read_amounts(const PlanOptions& options, const core::Asset& asset, core::Plan& plan) {
  if (options.threshold) {
    CLI_TRY(plan.settle_threshold, parse_money("--threshold", *options.threshold, asset.scale));
  }
  if (options.minimum) {
    CLI_TRY(plan.minimum, parse_money("--minimum", *options.minimum, asset.scale));
  }
  if (options.credit_limit) {
    CLI_TRY(plan.credit_limit, parse_money("--credit-limit", *options.credit_limit, asset.scale));
  }
  return {};
}

Outcome read_rails(const std::vector<std::string>& names, core::Plan& plan) {
  if (!names.empty()) plan.rails.clear();
  for (const std::string& name : names) {
    const std::optional<base::RailName> rail = base::RailName::parse(name);
    if (!rail) return usage_failure(fmt::format("\"{}\" is not the name of a rail.", name), "See: tabctl rails list");
    plan.rails.push_back(*rail);
  }
  return {};
}

// "none" takes the waits away.
Outcome read_dunning(const std::vector<std::string>& waits, core::Plan& plan) {
  if (!waits.empty()) plan.dunning_s.clear();
  if (waits == std::vector<std::string>{"none"}) return {};
  for (const std::string& wait : waits) {
    CLI_TRY(plan.dunning_s.emplace_back(), parse_duration(wait));
  }
  return {};
}

// What the command line does not name stays as it is.
Outcome add(Context& context, const PlanOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const std::optional<core::Plan> present, present_plan(session, options.label));
  core::Plan plan = present.value_or(core::Plan{});
  plan.label = options.label;
  if (!present && (!options.credit_limit || options.rails.empty()))
    return usage_failure(fmt::format("\"{}\" is a new plan: it needs --credit-limit and --rail.", options.label),
                         "To change a plan, see: tabctl plan list");
  if (!present || options.window) {
    CLI_TRY(plan.window, parse_window(options.window.value_or("day")));
  }
  if (options.terms) {
    CLI_TRY(plan.terms_s, parse_duration(*options.terms));
  }
  core::Asset asset = assets.get(plan.asset);
  if (!present || !options.asset.empty()) {
    CLI_TRY(asset, assets.find_or_only(options.asset));
  }
  plan.asset = asset.id;
  CLI_CHECK(read_amounts(options, asset, plan));
  CLI_CHECK(read_rails(options.rails, plan));
  CLI_CHECK(read_dunning(options.dunning, plan));
  CLI_CHECK(read_series("--series", options.series, plan.series));
  CLI_CHECK(read_series("--credit-note-series", options.credit_note_series, plan.credit_note_series));
  CLI_TRY(const auto receipt, decided(session.set_plan(plan)));
  context.report(receipt, fmt::format("Plan {} is {}: {} windows in {}, limit {}.", receipt.result.id, plan.label,
                                      window_text(plan.window), asset.symbol,
                                      money(plan.credit_limit, asset.scale, asset.symbol)));
  return {};
}

std::string dunning_text(const core::Plan& plan) {
  std::vector<std::string> waits;
  for (const std::uint64_t wait : plan.dunning_s) waits.push_back(duration_spec(wait));
  return waits.empty() ? "none" : fmt::format("{}", fmt::join(waits, ", "));
}

std::string rails_text(const core::Plan& plan) {
  std::vector<std::string> rails;
  for (const base::RailName& rail : plan.rails) rails.emplace_back(rail.view());
  return fmt::format("{}", fmt::join(rails, ", "));
}

Outcome list(Context& context, const NoOptions&) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const std::vector<core::Plan> plans, asked(viewer.books()->plans()));
  if (context.json()) {
    write_list_json(context, Listed<core::Plan>{plans, 0},
                    [&](const core::Plan& plan) { return plan_json(plan, assets); });
    return {};
  }
  if (plans.empty()) {
    context.say("There are no plans yet; make one with: tabctl plan add");
    return {};
  }
  Table table({{"ID", Align::right},
               {"LABEL"},
               {"WINDOW"},
               {"CREDIT LIMIT", Align::right},
               {"THRESHOLD", Align::right},
               {"MINIMUM", Align::right},
               {"TERMS", Align::right},
               {"SERIES"},
               {"RAILS"}});
  for (const core::Plan& plan : plans) {
    table.row({std::to_string(plan.id.value), plan.label, window_text(plan.window),
               assets.text(plan.credit_limit, plan.asset),
               plan.settle_threshold.is_zero() ? "-" : assets.text(plan.settle_threshold, plan.asset),
               plan.minimum.is_zero() ? "-" : assets.text(plan.minimum, plan.asset), duration_spec(plan.terms_s),
               std::string(plan.series.view()), rails_text(plan)});
  }
  context.write(table.render(context.color()));
  return {};
}

Outcome show(Context& context, const PlanOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const std::vector<core::Plan> plans, asked(viewer.books()->plans()));
  std::vector<std::string> labels;
  for (const core::Plan& plan : plans) {
    labels.push_back(plan.label);
    if (plan.label != options.label && std::to_string(plan.id.value) != options.label) continue;
    if (context.json()) {
      context.write_json(plan_json(plan, assets));
      return {};
    }
    Fields fields;
    fields.add("plan", fmt::format("{} {}", plan.id.value, plan.label));
    fields.add("asset", assets.get(plan.asset).symbol);
    fields.add("window", window_text(plan.window));
    fields.add("credit limit", assets.text(plan.credit_limit, plan.asset));
    fields.add("closes early at",
               plan.settle_threshold.is_zero() ? "never" : assets.text(plan.settle_threshold, plan.asset));
    fields.add("minimum bill", plan.minimum.is_zero() ? "none" : assets.text(plan.minimum, plan.asset));
    fields.add("terms", duration_spec(plan.terms_s));
    fields.add("invoices",
               fmt::format("series {}, credit notes {}", plan.series.view(), plan.credit_note_series.view()));
    fields.add("rails", rails_text(plan));
    fields.add("dunning", dunning_text(plan));
    context.write(fields.render());
    return {};
  }
  const std::string meant = closest(options.label, labels);
  Failure failure{ExitCode::refused, fmt::format("There is no plan \"{}\".", options.label),
                  meant.empty() ? "See: tabctl plan list" : fmt::format("Did you mean \"{}\"?", meant),
                  base::Status::not_found};
  return tl::unexpected<Failure>(std::move(failure));
}

struct AssetOptions {
  std::uint16_t id = 0;
  std::string text;
  std::string symbol;
  std::uint16_t scale = 6;
  std::uint16_t rail_scale = 6;
};

Outcome asset_add(Context& context, const AssetOptions& options) {
  core::Asset asset;
  asset.id = base::AssetId(options.id);
  asset.text = options.text;
  asset.symbol = options.symbol;
  asset.scale = static_cast<std::uint8_t>(options.scale);
  asset.rail_scale = static_cast<std::uint8_t>(options.rail_scale);
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const auto receipt, decided(session.set_asset(asset)));
  context.report(receipt, fmt::format("Asset {} is {}.", options.id, options.symbol));
  return {};
}

Outcome asset_list(Context& context, const NoOptions&) {
  CLI_TRY(const AssetBook assets, context.assets());
  if (context.json()) {
    write_list_json(context, Listed<core::Asset>{assets.all(), 0}, asset_json);
    return {};
  }
  if (assets.all().empty()) {
    context.say("There are no assets yet: add an [[asset]] to tabd.toml.");
    return {};
  }
  Table table(
      {{"ID", Align::right}, {"SYMBOL"}, {"DECIMALS", Align::right}, {"ON THE RAIL", Align::right}, {"SIGNED TEXT"}});
  for (const core::Asset& asset : assets.all()) {
    table.row({std::to_string(asset.id.value), asset.symbol, std::to_string(asset.scale),
               std::to_string(asset.rail_scale), asset.text});
  }
  context.write(table.render(context.color()));
  return {};
}

}  // namespace

void add_plan_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "plan", "How payers are billed.");
  add_command<PlanOptions>(
      *group, chosen, "add", "Make a plan, or change what is given of the plan with this label.",
      "  tabctl plan add daily-usdc --asset USDC --window day@Europe/Berlin --credit-limit 100 --rail stablecoin\n"
      "  tabctl plan add fast --window 1h --credit-limit 10 --threshold 5 --dunning 1h,1d --rail sandbox\n"
      "  tabctl plan add fast --credit-limit 20",
      [](CLI::App& app, PlanOptions& options) {
        app.add_option("label", options.label, "Its name.")->required();
        app.add_option("--asset", options.asset, "Symbol, number or signed text; not needed when there is only one.");
        app.add_option("--window", options.window,
                       "day (a new plan's default), week or month, with @ZONE if you like, or a duration (1h).");
        app.add_option("--credit-limit", options.credit_limit, "Exposure allowed, as a decimal; a new plan needs it.");
        app.add_option("--threshold", options.threshold, "Closes the window early at this amount; 0 = never.");
        app.add_option("--minimum", options.minimum, "Below it, charges carry forward to the next window.");
        app.add_option("--terms", options.terms, "From the statement to the collection.");
        app.add_option("--rail", options.rails, "In order of preference; may be repeated; a new plan needs one.")
            ->delimiter(',');
        app.add_option("--series", options.series, "Of invoice numbers; as before, or INV, if not given.");
        app.add_option("--credit-note-series", options.credit_note_series,
                       "Of the numbers of credit notes; as before, or CN, if not given.");
        app.add_option("--dunning", options.dunning,
                       "Waits between attempts to collect, or none; then the payer is suspended.")
            ->delimiter(',');
      },
      add);
  add_command<NoOptions>(*group, chosen, "list", "List plans.", "  tabctl plan list", no_options, list);
  add_command<PlanOptions>(
      *group, chosen, "show", "One plan.", "  tabctl plan show daily-usdc",
      [](CLI::App& app, PlanOptions& options) {
        app.add_option("plan", options.label, "Label or number.")->required();
      },
      show);

  CLI::App* assets = add_group(root, "asset", "What is owed: the operator's assets.");
  add_command<AssetOptions>(
      *assets, chosen, "add", "Add an asset. Its text and decimals cannot change later.",
      "  tabctl asset add 2 eip155:8453/erc20:0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913 --symbol USDC",
      [](CLI::App& app, AssetOptions& options) {
        app.add_option("id", options.id, "A number of yours, 1 to 65535.")->required()->check(CLI::Range(1, 65535));
        app.add_option("text", options.text, "As signed: a CAIP-19 asset type or an ISO 4217 code.")->required();
        app.add_option("--symbol", options.symbol, "For people.")->required();
        app.add_option("--scale", options.scale, "Decimals of one ledger unit.")
            ->capture_default_str()
            ->check(CLI::Range(0, 30));
        app.add_option("--rail-scale", options.rail_scale, "Decimals that the rails can move.")
            ->capture_default_str()
            ->check(CLI::Range(0, 30));
      },
      asset_add);
  add_command<NoOptions>(*assets, chosen, "list", "List assets. Needs no key.", "  tabctl asset list", no_options,
                         asset_list);
}

}  // namespace cli
