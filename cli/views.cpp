#include "cli/views.h"

#include <array>

#include "cli/text.h"

namespace cli {
namespace {

template <std::size_t N>
std::string_view at(const std::array<std::string_view, N>& names, std::size_t index) noexcept {
  return index < N ? names[index] : std::string_view("unknown");
}

constexpr std::array<std::string_view, 13> kSettlementStates = {
    "none",   "ready",   "sending",  "accepted", "confirmed",   "settled",  "final",
    "failed", "unknown", "returned", "disputed", "written_off", "cancelled"};

constexpr std::array<std::string_view, 6> kNoticeStates = {"none",    "applied",  "waiting",
                                                           "refused", "suspense", "resolved"};
constexpr std::array<std::string_view, 6> kResolutions = {"none",         "dismiss",  "went-back",
                                                          "payer-credit", "operator", "pays-statement"};

JsonArray shares_json(const std::vector<aggregator::PayeeShare>& shares, const core::Asset& asset, Names& names) {
  JsonArray out;
  for (const aggregator::PayeeShare& share : shares) {
    JsonObject one;
    one["payee"] = names.payee(share.payee);
    one["payee_address"] = names.payee_address(share.payee);
    one["amount"] = share.amount.to_decimal_string(asset.scale);
    out.emplace_back(std::move(one));
  }
  return out;
}

JsonArray lines_json(const std::vector<aggregator::Line>& lines, const core::Asset& asset, Names& names) {
  JsonArray out;
  for (const aggregator::Line& line : lines) {
    JsonObject one;
    one["payee"] = names.payee(line.payee);
    one["payee_address"] = names.payee_address(line.payee);
    one["resource"] = base::to_hex(line.resource);
    one["charges"] = line.charges;
    one["quantity"] = line.quantity;
    one["amount"] = line.amount.to_decimal_string(asset.scale);
    out.emplace_back(std::move(one));
  }
  return out;
}

Json balance_json(const core::Balance& balance, const core::Asset& asset) {
  JsonObject out;
  out["posted"] = signed_decimal(balance.posted, asset.scale);
  out["pending"] = signed_decimal(balance.pending, asset.scale);
  return out;
}

void add_window(JsonObject& out, const aggregator::WindowBounds& window) {
  out["window_start"] = time_json(window.start);
  out["window_end"] = time_json(window.end);
}

// Zero is "none" for every number of the ledger.
Json number_or_null(std::uint64_t number) { return number == 0 ? Json(nullptr) : Json(number); }

}  // namespace

std::string_view word(core::Standing standing) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"active", "suspended", "suspended (unpaid)"};
  return at(kNames, static_cast<std::size_t>(standing));
}

std::string_view word(core::StatementState state) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"none", "open", "paid", "written_off", "credited"};
  return at(kNames, static_cast<std::size_t>(state));
}

std::string_view word(core::SettlementKind kind) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"none", "collection", "payout", "relay", "refund"};
  return at(kNames, static_cast<std::size_t>(kind));
}

std::string_view word(core::SettlementState state) noexcept {
  return at(kSettlementStates, static_cast<std::size_t>(state));
}

std::string_view word(core::FailureClass failure) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"none",     "insufficient_funds", "no_mandate",
                                                      "rejected", "technical",          "needs_action"};
  return at(kNames, static_cast<std::size_t>(failure));
}

Result<core::SettlementState> parse_settlement_state(std::string_view text) {
  for (std::size_t i = 1; i < kSettlementStates.size(); ++i)
    if (kSettlementStates[i] == text) return static_cast<core::SettlementState>(i);
  return usage_failure(
      fmt::format("\"{}\" is not a state of a settlement.", text),
      fmt::format("States are {}.", fmt::join(kSettlementStates.begin() + 1, kSettlementStates.end(), ", ")));
}

std::string_view word(core::NoticeKind kind) noexcept {
  constexpr std::array<std::string_view, 7> kNames = {"none",   "event",    "accepted", "rejected",
                                                      "booked", "returned", "changed"};
  return at(kNames, static_cast<std::size_t>(kind));
}

std::string_view word(core::NoticeState state) noexcept { return at(kNoticeStates, static_cast<std::size_t>(state)); }

std::string_view word(core::Resolution resolution) noexcept {
  return at(kResolutions, static_cast<std::size_t>(resolution));
}

Result<core::NoticeState> parse_notice_state(std::string_view text) {
  for (std::size_t i = 1; i < kNoticeStates.size(); ++i)
    if (kNoticeStates[i] == text) return static_cast<core::NoticeState>(i);
  return usage_failure(fmt::format("\"{}\" is not a state of a notice.", text),
                       fmt::format("States are {}.", fmt::join(kNoticeStates.begin() + 1, kNoticeStates.end(), ", ")));
}

Result<core::Resolution> parse_resolution(std::string_view text) {
  for (std::size_t i = 1; i < kResolutions.size(); ++i)
    if (kResolutions[i] == text) return static_cast<core::Resolution>(i);
  return usage_failure(fmt::format("\"{}\" is nothing to do about a notice.", text),
                       fmt::format("It is one of {}.", fmt::join(kResolutions.begin() + 1, kResolutions.end(), ", ")));
}

Json notice_json(const core::Notice& notice, const AssetBook& assets, Names& names) {
  const bool money = notice.direction != core::Direction::none;
  JsonObject out;
  out["id"] = notice.id.value;
  out["rail"] = text_json(notice.rail.view());
  out["key"] = base::to_hex(notice.key);
  out["source"] = notice.source;
  out["external_id"] = notice.external_id;
  out["kind"] = text_json(word(notice.kind));
  out["state"] = text_json(word(notice.mark.state));
  out["recorded_as"] = text_json(word(notice.recorded_as));
  out["settlement"] = number_or_null(notice.settlement.value);
  out["asset"] = money ? Json(assets.get(notice.asset).symbol) : Json(nullptr);
  out["amount"] = money ? Json(assets.decimal(notice.amount, notice.asset)) : Json(nullptr);
  out["direction"] = money ? text_json(notice.direction == core::Direction::in ? "in" : "out") : Json(nullptr);
  out["detail"] = notice.detail;
  out["body"] = base::to_hex(notice.body);
  out["received"] = time_json(notice.received);
  const bool resolved = notice.mark.resolution != core::Resolution::none;
  out["resolution"] = resolved ? text_json(word(notice.mark.resolution)) : Json(nullptr);
  out["credited_to"] = notice.mark.payer.valid() ? Json(names.payer(notice.mark.payer)) : Json(nullptr);
  out["reason"] = notice.mark.reason;
  out["changed"] = time_json(notice.mark.changed);
  return out;
}

Json time_json(core::Time time) { return time.us == 0 ? Json(nullptr) : text_json(time_iso(time)); }

Json asset_json(const core::Asset& asset) {
  JsonObject out;
  out["id"] = asset.id.value;
  out["symbol"] = asset.symbol;
  out["text"] = asset.text;
  out["scale"] = asset.scale;
  out["rail_scale"] = asset.rail_scale;
  return out;
}

Json rails_json(const std::vector<base::RailName>& rails) {
  JsonArray out;
  for (const base::RailName& rail : rails) out.emplace_back(text_json(rail.view()));
  return out;
}

Json plan_json(const core::Plan& plan, const AssetBook& assets) {
  JsonObject out;
  out["id"] = plan.id.value;
  out["label"] = plan.label;
  out["asset"] = assets.get(plan.asset).symbol;
  out["window"] = window_text(plan.window);
  out["series"] = text_json(plan.series.view());
  out["credit_note_series"] = text_json(plan.credit_note_series.view());
  out["settle_threshold"] = assets.decimal(plan.settle_threshold, plan.asset);
  out["minimum"] = assets.decimal(plan.minimum, plan.asset);
  out["credit_limit"] = assets.decimal(plan.credit_limit, plan.asset);
  out["terms_seconds"] = plan.terms_s;
  out["rails"] = rails_json(plan.rails);
  JsonArray dunning;
  for (const std::uint64_t wait : plan.dunning_s) dunning.emplace_back(wait);
  out["dunning_seconds"] = std::move(dunning);
  return out;
}

Json payer_json(const core::Payer& payer, Names& names) {
  JsonObject out;
  out["id"] = payer.id.value;
  out["address"] = base::to_hex(payer.address);
  out["label"] = payer.label;
  JsonArray plans;
  for (const base::PlanId plan : payer.plans) plans.emplace_back(names.plan(plan));
  out["plans"] = std::move(plans);
  out["standing"] = text_json(word(payer.standing));
  out["registered"] = time_json(payer.registered);
  JsonObject mandates;
  for (const core::RailMandate& one : payer.rail_mandates)
    mandates[std::string(one.rail.view())] = base::to_hex(one.mandate);
  out["rail_mandates"] = std::move(mandates);
  JsonObject tax;
  tax["rate_ppm"] = payer.tax.rate_ppm;
  tax["label"] = payer.tax.label;
  tax["note"] = payer.tax.note;
  out["tax"] = std::move(tax);
  return out;
}

Json tally_json(const rpc::TallyView& tally, const AssetBook& assets, Names& names) {
  const core::Asset asset = assets.get(tally.asset);
  const auto decimal = [&](core::Amount amount) { return amount.to_decimal_string(asset.scale); };
  JsonObject out;
  out["asset"] = asset.symbol;
  out["plan"] = names.plan(tally.plan);
  out["exposure"] = decimal(tally.exposure());
  out["held"] = decimal(tally.held);
  out["unbilled"] = decimal(tally.unbilled);
  out["billed"] = decimal(tally.billed);
  out["credit"] = decimal(tally.credit);
  out["credit_limit"] = decimal(tally.credit_limit);
  out["own_limit"] = !tally.credit_limit_override.is_zero();
  out["available"] = decimal(base::subtract_to_zero(tally.credit_limit, tally.exposure()));
  out["window_number"] = tally.window_number;
  add_window(out, tally.window);
  out["entries"] = tally.entries;
  out["lines"] = lines_json(tally.lines, asset, names);
  out["carried_in"] = shares_json(tally.carried_in, asset, names);
  return out;
}

Json payee_json(const core::Payee& payee, const AssetBook& assets) {
  JsonObject out;
  out["id"] = payee.id.value;
  out["address"] = base::to_hex(payee.address);
  out["label"] = payee.label;
  out["active"] = payee.active;
  out["fee_basis_points"] = payee.fee_basis_points;
  // One number for all assets: counted in ledger units, shown at the scale of the only asset.
  out["fee_fixed_units"] = payee.fee_fixed.to_units_string();
  out["payout_rail"] = text_json(payee.payout_rail.view());
  out["payout_account"] = payee.payout_account;
  out["payout_minimum_units"] = payee.payout_minimum.to_units_string();
  out["own_terms"] = payee.own_terms;
  JsonArray release;
  for (const core::ReleaseRule& rule : payee.release) {
    JsonObject one;
    one["rail"] = text_json(rule.rail.view());
    one["hold_seconds"] = rule.hold_s;
    one["reserve_basis_points"] = rule.reserve_bp;
    release.emplace_back(std::move(one));
  }
  out["release"] = std::move(release);
  const aggregator::WindowSpec& every = payee.payout_every;
  const bool asap = every.kind == aggregator::WindowKind::duration && every.duration_s == 0;
  out["payout_every"] = asap ? std::string("asap") : window_text(every);
  out["registered"] = time_json(payee.registered);
  if (assets.all().size() == 1) {
    out["fee_fixed"] = assets.decimal(payee.fee_fixed, assets.all().front().id);
    out["payout_minimum"] = assets.decimal(payee.payout_minimum, assets.all().front().id);
  }
  return out;
}

Json payee_balance_json(const core::PayeeBalance& balance, const AssetBook& assets) {
  const core::Asset asset = assets.get(balance.asset);
  JsonObject out;
  out["asset"] = asset.symbol;
  // Credit balances: what is owed to the payee is shown without a sign.
  out["accrued"] = signed_decimal(-(balance.accrued.posted + balance.accrued.pending), asset.scale);
  out["payable"] = signed_decimal(-(balance.payable.posted + balance.payable.pending), asset.scale);
  out["payable_now"] = balance.payable_now.to_decimal_string(asset.scale);
  out["reserve"] = signed_decimal(-balance.reserve.posted, asset.scale);
  out["recoverable"] = signed_decimal(balance.recoverable.posted, asset.scale);
  out["payout_from"] = time_json(balance.payout_from);
  out["paid_out"] = balance.paid_out.to_decimal_string(asset.scale);
  out["fees"] = balance.fees.to_decimal_string(asset.scale);
  out["open_payout"] = number_or_null(balance.open_payout.value);
  return out;
}

Json operator_balance_json(const core::OperatorBalance& balance, const AssetBook& assets) {
  const core::Asset asset = assets.get(balance.asset);
  JsonObject out;
  out["asset"] = asset.symbol;
  out["cash"] = balance_json(balance.cash, asset);
  out["in_transit"] = balance_json(balance.in_transit, asset);
  out["out_transit"] = balance_json(balance.out_transit, asset);
  out["revenue"] = balance_json(balance.revenue, asset);
  out["bad_debt"] = balance_json(balance.bad_debt, asset);
  out["rounding"] = balance_json(balance.rounding, asset);
  out["rail_fees"] = balance_json(balance.rail_fees, asset);
  out["suspense"] = balance_json(balance.suspense, asset);
  out["tax"] = balance_json(balance.tax, asset);
  out["refunds"] = balance_json(balance.refunds, asset);
  return out;
}

Json server_json(const core::Server& server, Names& names) {
  JsonObject out;
  out["id"] = server.id.value;
  out["key"] = base::to_hex(server.key);
  out["label"] = server.label;
  out["active"] = server.active;
  JsonArray payees;
  for (const base::PayeeId payee : server.payees) payees.emplace_back(names.payee_address(payee));
  out["payees"] = std::move(payees);
  return out;
}

Json mandate_json(const commitments::tab::Mandate& mandate, const AssetBook& assets) {
  JsonObject out;
  out["payer"] = base::to_hex(mandate.payer);
  out["agent"] = base::to_hex(mandate.agent);
  out["asset"] = assets.get(mandate.asset).symbol;
  out["cap"] = assets.decimal(mandate.cap, mandate.asset);
  out["period"] = text_json(period_name(mandate.period));
  JsonArray payees;
  for (const base::Address& payee : mandate.payees) payees.emplace_back(base::to_hex(payee));
  out["payees"] = std::move(payees);
  out["valid_after"] = mandate.valid_after;
  out["valid_before"] = mandate.valid_before;
  out["nonce"] = mandate.nonce;
  return out;
}

Json mandate_state_json(const core::MandateState& state, const AssetBook& assets) {
  JsonObject out = mandate_json(state.mandate, assets).as_object();
  out["id"] = state.id.value;
  out["signature"] = base::to_hex(state.signature);
  out["revoked"] = state.revoked;
  out["spent"] = assets.decimal(state.spent(), state.mandate.asset);
  out["held"] = assets.decimal(state.held, state.mandate.asset);
  out["period_start"] = time_json(state.period_start());
  return out;
}

Json statement_json(const core::Statement& statement, const AssetBook& assets, Names& names) {
  const core::Asset asset = assets.get(statement.asset);
  JsonObject out;
  out["id"] = statement.id.value;
  out["state"] = text_json(word(statement.mark.state));
  out["payer"] = names.payer(statement.payer);
  out["payer_address"] = names.payer_address(statement.payer);
  out["asset"] = asset.symbol;
  out["plan"] = names.plan(statement.plan);
  out["window_number"] = statement.window_number;
  add_window(out, statement.window);
  out["issued"] = time_json(statement.issued);
  out["due"] = time_json(statement.due);
  out["total"] = statement.total.to_decimal_string(asset.scale);
  out["billed"] = statement.billed().to_decimal_string(asset.scale);
  out["net"] = statement.net.to_decimal_string(asset.scale);
  out["tax"] = statement.tax.to_decimal_string(asset.scale);
  out["tax_rate_ppm"] = statement.tax_terms.rate_ppm;
  out["tax_label"] = statement.tax_terms.label;
  out["tax_note"] = statement.tax_terms.note;
  out["invoice"] = core::document_number(statement.series, statement.number);
  out["credit_applied"] = statement.credit_applied.to_decimal_string(asset.scale);
  out["credited"] = statement.mark.credited.to_decimal_string(asset.scale);
  out["credited_paid"] = statement.mark.credited_paid.to_decimal_string(asset.scale);
  out["paid"] = statement.mark.paid.to_decimal_string(asset.scale);
  out["refunded"] = statement.mark.refunded.to_decimal_string(asset.scale);
  out["to_collect"] = statement.due_amount().to_decimal_string(asset.scale);
  out["lines"] = lines_json(statement.lines, asset, names);
  out["shares"] = shares_json(statement.shares, asset, names);
  out["carried_in"] = shares_json(statement.carried_in, asset, names);
  out["carried_out"] = shares_json(statement.carried_out, asset, names);
  out["entries"] = statement.entries;
  out["root"] = base::to_hex(statement.root);
  out["closed_by"] = statement.closed_by.value;
  out["settlement"] = number_or_null(statement.settlement.value);
  return out;
}

std::string party_of(const core::Settlement& settlement, Names& names) {
  if (settlement.kind == core::SettlementKind::relay) return {};
  return settlement.kind != core::SettlementKind::payout ? names.payer(settlement.payer)
                                                         : names.payee(settlement.payee);
}

std::string party_address_of(const core::Settlement& settlement, Names& names) {
  if (settlement.kind == core::SettlementKind::relay) return {};
  return settlement.kind != core::SettlementKind::payout ? names.payer_address(settlement.payer)
                                                         : names.payee_address(settlement.payee);
}

Json relay_json(const core::Relay& relay) {
  JsonObject out;
  out["key"] = base::to_hex(relay.key);
  out["label"] = relay.label;
  out["order"] = base::to_hex(relay.order);
  return out;
}

std::string_view channel_state(const core::Channel& channel) noexcept {
  if (!channel.put_aside.empty()) return "put aside";
  if (channel.chain.withdrawal != 0) return "withdrawal";
  if (!channel.reservation.sequence.valid()) return "open";
  return channel.reservation.refund ? "refund" : "reserved";
}

namespace {

Json reservation_json(const core::ChannelReservation& reservation) {
  if (!reservation.sequence.valid()) return nullptr;
  JsonObject out;
  out["reservation"] = reservation.sequence.value;
  out["kind"] = reservation.refund ? "refund" : "charge";
  out["request"] = reservation.request.is_zero() ? Json(nullptr) : text_json(base::to_hex(reservation.request));
  out["maximum"] = base::to_decimal_string(reservation.maximum);
  out["signature"] = base::to_hex(reservation.signature);
  out["amount"] = base::to_decimal_string(reservation.amount);
  out["deposit"] = base::to_decimal_string(reservation.deposit);
  out["expires"] = time_json(reservation.expires);
  return out;
}

}  // namespace

Json channel_json(const core::Channel& channel) {
  JsonObject out;
  out["id"] = channel.id.value;
  out["key"] = base::to_hex(channel.key);
  out["state"] = channel_state(channel);
  out["chain_id"] = channel.chain_id;
  out["contract"] = base::to_hex(channel.contract);
  out["payer"] = base::to_hex(channel.config.payer);
  out["payer_authorizer"] = base::to_hex(channel.config.payer_authorizer);
  out["receiver"] = base::to_hex(channel.config.receiver);
  out["receiver_authorizer"] = base::to_hex(channel.config.receiver_authorizer);
  out["token"] = base::to_hex(channel.config.token);
  out["withdraw_delay_seconds"] = channel.config.withdraw_delay_s;
  out["salt"] = base::to_hex(channel.config.salt);
  out["charged"] = base::to_decimal_string(channel.charged);
  out["captured"] = base::to_decimal_string(channel.captured);
  out["charges"] = channel.charges;
  out["signed_maximum"] = base::to_decimal_string(channel.signed_maximum);
  out["signature"] = channel.charges == 0 ? Json(nullptr) : text_json(base::to_hex(channel.signature));
  out["balance"] = base::to_decimal_string(channel.chain.balance);
  out["claimed"] = base::to_decimal_string(channel.chain.total_claimed);
  out["withdrawal"] = base::to_decimal_string(channel.chain.withdrawal);
  out["withdrawal_requested"] = time_json(core::Time::from_seconds(channel.chain.withdraw_requested_at_s));
  out["refund_nonce"] = channel.chain.refund_nonce.to_decimal_string();
  out["block"] = channel.block;
  out["reservation"] = reservation_json(channel.reservation);
  out["put_aside"] = channel.put_aside.empty() ? Json(nullptr) : text_json(channel.put_aside);
  out["opened"] = time_json(channel.opened);
  out["charged_at"] = time_json(channel.charged_at);
  return out;
}

Json earnings_json(const core::Earnings& earnings) {
  JsonObject out;
  out["chain_id"] = earnings.chain_id;
  out["contract"] = base::to_hex(earnings.contract);
  out["receiver"] = base::to_hex(earnings.receiver);
  out["token"] = base::to_hex(earnings.token);
  out["charged"] = base::to_decimal_string(earnings.charged);
  const bool known = earnings.block != 0;
  out["claimed"] = known ? text_json(base::to_decimal_string(earnings.claimed)) : Json(nullptr);
  out["settled"] = known ? text_json(base::to_decimal_string(earnings.settled)) : Json(nullptr);
  out["block"] = known ? Json(earnings.block) : Json(nullptr);
  return out;
}

Json settlement_json(const core::Settlement& settlement, const AssetBook& assets, Names& names) {
  const core::Asset asset = settlement.asset.valid() ? assets.get(settlement.asset) : core::Asset{};
  const bool relay = settlement.kind == core::SettlementKind::relay;
  JsonObject out;
  out["id"] = settlement.id.value;
  out["kind"] = text_json(word(settlement.kind));
  out["state"] = text_json(word(settlement.state));
  out["party"] = relay ? Json(nullptr) : Json(party_of(settlement, names));
  out["party_address"] = relay ? Json(nullptr) : Json(party_address_of(settlement, names));
  out["statement"] = number_or_null(settlement.statement.value);
  out["asset"] = settlement.asset.valid() ? Json(asset.symbol) : Json(nullptr);
  out["amount"] = settlement.amount.to_decimal_string(asset.scale);
  out["fee"] = settlement.fee.to_decimal_string(asset.scale);
  out["rail"] = text_json(settlement.rail.view());
  out["reference"] = settlement.reference;
  out["operator_reference"] = settlement.operator_reference;
  out["attempt"] = settlement.attempt;
  out["technical_retries"] = settlement.technical_retries;
  out["dunning_step"] = settlement.dunning_step;
  out["next_action"] = time_json(settlement.next_action);
  out["failure"] = text_json(word(settlement.failure));
  out["code"] = settlement.code;
  out["detail"] = settlement.detail;
  out["rail_fee"] = settlement.rail_fee.to_decimal_string(asset.scale);
  JsonObject refusals;
  for (const core::RailRefusal& one : settlement.refusals)
    refusals[std::string(one.rail.view())] = text_json(word(one.failure));
  out["refused_by"] = std::move(refusals);
  out["idempotency_key"] = base::to_hex(settlement.idempotency_key);
  out["request"] = base::to_hex(settlement.request);
  out["created"] = time_json(settlement.created);
  out["submitted"] = time_json(settlement.submitted);
  out["confirmed"] = time_json(settlement.confirmed);
  out["finalized"] = time_json(settlement.finalized);
  return out;
}

Json charge_json(const rpc::ChargeRecord& charge, const AssetBook& assets, Names& names) {
  const core::Asset asset = assets.get(charge.asset);
  JsonObject out;
  out["sequence"] = charge.entry.sequence.value;
  out["time"] = time_json(charge.entry.time);
  out["kind"] = text_json(rpc::name(charge.kind));
  out["payee"] = names.payee(charge.payee);
  out["asset"] = asset.symbol;
  out["amount"] = charge.amount.to_decimal_string(asset.scale);
  JsonArray usages;
  for (const commitments::tab::Usage& usage : charge.usages) {
    JsonObject one;
    one["amount"] = usage.amount.to_decimal_string(asset.scale);
    one["quantity"] = usage.quantity;
    one["unit"] = text_json(usage.unit.view());
    one["resource"] = base::to_hex(usage.resource);
    usages.emplace_back(std::move(one));
  }
  out["usages"] = std::move(usages);
  return out;
}

Json event_json(const rpc::Event& event, const AssetBook& assets) {
  JsonObject out;
  out["sequence"] = event.sequence.value;
  out["time"] = time_json(event.time);
  out["kind"] = text_json(rpc::name(event.kind));
  out["payer"] = event.payer.is_zero() ? Json(nullptr) : text_json(base::to_hex(event.payer));
  out["payee"] = event.payee.is_zero() ? Json(nullptr) : text_json(base::to_hex(event.payee));
  out["asset"] = event.asset.valid() ? Json(assets.get(event.asset).symbol) : Json(nullptr);
  out["amount"] = event.asset.valid() ? Json(assets.decimal(event.amount, event.asset)) : Json(nullptr);
  out["charges"] = event.charges;
  out["statement"] = number_or_null(event.statement.value);
  out["settlement"] = number_or_null(event.settlement.value);
  out["settlement_state"] = event.settlement.valid() ? text_json(word(event.settlement_state)) : Json(nullptr);
  out["text"] = event.text;
  // Channels are kept in the token's smallest units.
  const bool of_channel = event.kind >= rpc::EventKind::channel_opened;
  out["channel"] = event.channel.is_zero() ? Json(nullptr) : text_json(base::to_hex(event.channel));
  out["units"] = of_channel ? text_json(event.amount.to_units_string()) : Json(nullptr);
  return out;
}

Json head_json(const rpc::Head& head) {
  JsonObject out;
  out["network"] = head.network;
  out["operator"] = base::to_hex(head.operator_key);
  out["last_sequence"] = head.last_sequence.value;
  out["last_segment"] = head.last_segment.value;
  out["segment_hash"] = base::to_hex(head.segment_hash);
  out["time"] = time_json(head.time);
  out["payers"] = head.payers;
  out["payees"] = head.payees;
  out["servers"] = head.servers;
  out["plans"] = head.plans;
  out["mandates"] = head.mandates;
  out["tabs"] = head.tabs;
  out["statements"] = head.statements;
  out["settlements"] = head.settlements;
  return out;
}

Json rail_json(const rpc::RailStatus& rail) {
  JsonObject out;
  out["name"] = rail.name;
  out["enabled"] = rail.enabled;
  out["dry_run"] = rail.dry_run;
  out["pull"] = rail.pull;
  out["push"] = rail.push;
  out["in_flight"] = rail.in_flight;
  out["in_flight_max"] = rail.in_flight_max;
  out["available"] = rail.available;
  out["description"] = rail.description;
  return out;
}

}  // namespace cli
