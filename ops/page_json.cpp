#include "ops/page_json.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/uint256.h"
#include "ops/metrics.h"

namespace ops {
namespace {

namespace core = ledger::core;
namespace json = boost::json;

json::string text(std::string_view view) { return json::string(view.data(), view.size()); }

// null for "not yet".
json::value time_json(base::Time time) { return time.us == 0 ? json::value() : json::value(time.us); }

// null for "none".
template <typename Id>
json::value id_json(Id id) {
  return id.valid() ? json::value(std::uint64_t{id.value}) : json::value();
}

std::string_view name_of(core::Standing standing) {
  switch (standing) {
    case core::Standing::active: return "active";
    case core::Standing::suspended_by_operator: return "suspended_by_operator";
    case core::Standing::suspended_by_dunning: return "suspended_by_dunning";
  }
  return "unknown";
}

std::string_view name_of(core::StatementState state) {
  switch (state) {
    case core::StatementState::open: return "open";
    case core::StatementState::paid: return "paid";
    case core::StatementState::written_off: return "written_off";
    case core::StatementState::credited: return "credited";
  }
  return "unknown";
}

std::string_view name_of(core::FailureClass failure) {
  switch (failure) {
    case core::FailureClass::none: return "none";
    case core::FailureClass::insufficient_funds: return "insufficient_funds";
    case core::FailureClass::no_mandate: return "no_mandate";
    case core::FailureClass::rejected: return "rejected";
    case core::FailureClass::technical: return "technical";
    case core::FailureClass::needs_action: return "needs_action";
  }
  return "unknown";
}

// A balance's sign says which side it is on; the page shows how much.
std::string magnitude(base::i128 units, unsigned scale) {
  const base::u128 positive = units < 0 ? static_cast<base::u128>(-units) : static_cast<base::u128>(units);
  const core::Amount amount = core::Amount::from_units(positive).value_or(core::Amount());
  return (units < 0 ? "-" : "") + amount.to_decimal_string(scale);
}

json::object asset_json(const core::Asset& asset) {
  return {{"id", asset.id.value},
          {"symbol", text(asset.symbol)},
          {"text", text(asset.text)},
          {"scale", asset.scale},
          {"rail_scale", asset.rail_scale}};
}

template <typename Party>
json::object party_json(const Party& party) {
  return {{"id", party.id.value}, {"label", text(party.label)}, {"address", base::to_hex(party.address)}};
}

// As tabctl does it: where the operator has the token as an asset, amounts are in its whole units.
const core::Asset* asset_of(const std::vector<core::Asset>& assets, std::uint64_t chain_id,
                            const core::Address& token) {
  const std::string name = "eip155:" + std::to_string(chain_id) + "/erc20:" + base::to_hex(token);
  // An address may have a checksum's capitals.
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); };
  for (const core::Asset& one : assets)
    if (std::equal(one.text.begin(), one.text.end(), name.begin(), name.end(), same)) return &one;
  return nullptr;
}

// `asset` null: smallest units. Figures of a chain may be larger than an Amount.
json::string token_amount(base::u128 units, const core::Asset* asset) {
  std::string digits = base::to_decimal_string(units);
  const std::size_t scale = asset == nullptr ? 0 : asset->rail_scale;  // the token's own
  if (scale == 0) return text(digits);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  return text(digits.insert(digits.size() - scale, "."));
}

json::value asset_id(const core::Asset* asset) {
  return asset == nullptr ? json::value() : json::value(asset->id.value);
}

// What a relay does, for people: the word with which whoever planned it begins the label.
std::string_view relay_kind(std::string_view label) {
  const std::string_view word = label.substr(0, label.find(' '));
  for (const std::string_view known : {"exact", "deposit", "claim", "settle", "refund"})
    if (word == known) return known;
  return "other";
}

// The first of these that is true; as `tabctl channel list` has it.
std::string_view state_of(const core::Channel& channel) {
  if (!channel.put_aside.empty()) return "put_aside";
  if (channel.chain.withdrawal != 0) return "withdrawal";
  if (!channel.reservation.sequence.valid()) return "open";
  return channel.reservation.refund ? "refund" : "reserved";
}

json::value reservation_json(const core::ChannelReservation& reservation, const core::Asset* asset) {
  if (!reservation.sequence.valid()) return {};
  return json::object{{"id", reservation.sequence.value},
                      {"kind", reservation.refund ? "refund" : "charge"},
                      {"amount", token_amount(reservation.amount, asset)},
                      {"deposit", token_amount(reservation.deposit, asset)},
                      {"expires_us", time_json(reservation.expires)}};
}

json::value withdrawal_json(const core::Channel& channel, const core::Asset* asset) {
  if (channel.chain.withdrawal == 0) return {};
  return json::object{{"amount", token_amount(channel.chain.withdrawal, asset)},
                      {"deadline_us", withdrawal_deadline(channel).us}};
}

// A party of a channel need not be registered: then it has no label.
template <typename Party>
json::object party_at(const core::Address& address, const base::Result<Party>& known) {
  if (known) return party_json(*known);
  return {{"id", nullptr}, {"label", ""}, {"address", base::to_hex(address)}};
}

json::object channels_json(const LedgerTotals& totals) {
  // Few tokens are accepted by one daemon; an answer is bounded all the same.
  constexpr std::size_t kTokensMax = 20;
  std::vector<core::Asset> assets;
  for (const AssetTotals& one : totals.assets) assets.push_back(one.asset);
  json::array tokens;
  for (const TokenTotals& one : totals.channels.tokens) {
    if (tokens.size() == kTokensMax) break;
    const core::Asset* asset = asset_of(assets, one.chain_id, one.token);
    tokens.push_back(json::object{{"chain_id", one.chain_id},
                                  {"token", base::to_hex(one.token)},
                                  {"asset", asset_id(asset)},
                                  {"channels", one.channels},
                                  {"escrow", token_amount(one.escrow, asset)},
                                  {"charged", token_amount(one.charged, asset)},
                                  {"unclaimed", token_amount(one.unclaimed, asset)},
                                  {"claimed", token_amount(one.claimed, asset)},
                                  {"settled", token_amount(one.settled, asset)},
                                  {"unsettled", token_amount(one.unsettled, asset)}});
  }
  return {{"channels", totals.channels.channels},
          {"put_aside", totals.channels.put_aside},
          {"withdrawals", totals.channels.withdrawals},
          {"withdrawals_unclaimed", totals.channels.withdrawals_unclaimed},
          {"next_deadline_us", time_json(totals.channels.next_deadline)},
          {"next_channel", id_json(totals.channels.next_channel)},
          {"tokens", std::move(tokens)}};
}

json::object window_json(const aggregator::WindowBounds& window, std::uint64_t number) {
  return {{"number", number}, {"start_us", window.start.us}, {"end_us", window.end.us}};
}

}  // namespace

const core::Asset& PageJson::asset(core::AssetId id) {
  const auto known = assets_.find(id);
  if (known != assets_.end()) return known->second;
  return assets_.emplace(id, reader_.asset(id).value_or(core::Asset{})).first->second;
}

const core::Asset* PageJson::asset(std::uint64_t chain_id, const core::Address& token) {
  if (!all_assets_) all_assets_ = reader_.assets().value_or(std::vector<core::Asset>());
  return asset_of(*all_assets_, chain_id, token);
}

json::value PageJson::amount(core::Amount amount, core::AssetId id) {
  return json::value(text(amount.to_decimal_string(asset(id).scale)));
}

json::value PageJson::payer(core::PayerId id) {
  if (!id.valid()) return {};
  const auto known = payers_.find(id);
  if (known != payers_.end()) return known->second;
  const base::Result<core::Payer> found = reader_.payer(id);
  if (!found) return json::object{{"id", id.value}};
  return payers_.emplace(id, party_json(*found)).first->second;
}

json::value PageJson::payee(core::PayeeId id) {
  if (!id.valid()) return {};
  const auto known = payees_.find(id);
  if (known != payees_.end()) return known->second;
  const base::Result<core::Payee> found = reader_.payee(id);
  if (!found) return json::object{{"id", id.value}};
  return payees_.emplace(id, party_json(*found)).first->second;
}

json::object PageJson::payment(const Payment& payment) {
  json::object row = {{"sequence", payment.sequence.value},
                      {"time_us", payment.time.us},
                      {"how", text(payment.how)},
                      {"channel", nullptr},
                      {"payer", payer(payment.payer)},
                      {"payee", payee(payment.payee)},
                      {"by_agent", payment.mandate.valid()},
                      {"asset", payment.asset.value},
                      {"charges", payment.charges},
                      {"quantity", payment.quantity},
                      {"unit", text(payment.unit.view())}};
  if (payment.channel)
    name_channel(row, payment);
  else
    row["amount"] = amount(payment.amount, payment.asset);
  return row;
}

void PageJson::name_channel(json::object& row, const Payment& payment) {
  const PaymentChannel& channel = *payment.channel;
  const core::Asset* token = asset(channel.chain_id, channel.token);
  row["channel"] = channel.id.value;
  row["payer"] = party_at(channel.payer, reader_.payer(channel.payer));
  row["payee"] = party_at(channel.receiver, reader_.payee(channel.receiver));
  row["asset"] = asset_id(token);
  row["amount"] = token_amount(payment.amount.units(), token);
}

base::Result<json::array> PageJson::exposures(const core::Payer& who) {
  json::object row = party_json(who);
  row["standing"] = text(name_of(who.standing));
  row["asset"] = nullptr;
  ASSIGN_OR_RETURN(const std::vector<core::Tally> tallies, reader_.tallies(who.id));
  json::array rows;
  for (const core::Tally& tally : tallies) {
    auto plan = plans_.find(tally.plan);
    if (plan == plans_.end()) plan = plans_.emplace(tally.plan, reader_.plan(tally.plan).value_or(core::Plan{})).first;
    const core::Amount limit =
        tally.credit_limit_override.is_zero() ? plan->second.credit_limit : tally.credit_limit_override;
    row["asset"] = tally.asset.value;
    row["plan"] = text(plan->second.label);
    row["limit"] = amount(limit, tally.asset);
    row["held"] = amount(tally.held, tally.asset);
    row["unbilled"] = amount(tally.unbilled, tally.asset);
    row["billed"] = amount(tally.billed, tally.asset);
    row["credit"] = amount(tally.credit, tally.asset);
    row["exposure"] = amount(tally.exposure(), tally.asset);
    row["window"] =
        tally.window.end.us == 0 ? json::value() : json::value(window_json(tally.window, tally.window_number));
    rows.push_back(row);
  }
  if (rows.empty()) rows.push_back(row);
  return rows;
}

json::object PageJson::statement(const core::Statement& statement) {
  return {{"id", statement.id.value},
          {"payer", payer(statement.payer)},
          {"asset", statement.asset.value},
          {"state", text(name_of(statement.mark.state))},
          {"issued_us", statement.issued.us},
          {"due_us", statement.due.us},
          {"lines", statement.lines.size()},
          {"entries", statement.entries},
          {"invoice", text(core::document_number(statement.series, statement.number))},
          {"billed", amount(statement.billed(), statement.asset)},
          {"settlement", id_json(statement.settlement)}};
}

json::array PageJson::shares(const std::vector<aggregator::PayeeShare>& shares, core::AssetId asset) {
  // A statement can have more payees than a page should; their sum is elsewhere.
  constexpr std::size_t kSharesMax = 100;
  json::array result;
  for (const aggregator::PayeeShare& share : shares) {
    if (result.size() == kSharesMax) break;
    result.push_back(json::object{{"payee", payee(share.payee)}, {"amount", amount(share.amount, asset)}});
  }
  return result;
}

json::object PageJson::statement_in_full(const core::Statement& full) {
  json::object row = statement(full);
  row["window"] = window_json(full.window, full.window_number);
  row["plan"] = text(reader_.plan(full.plan).value_or(core::Plan{}).label);
  row["total"] = amount(full.total, full.asset);
  row["net"] = amount(full.net, full.asset);
  row["tax"] = amount(full.tax, full.asset);
  row["tax_label"] = text(full.tax_terms.label);
  row["credit_applied"] = amount(full.credit_applied, full.asset);
  row["credited"] = amount(full.mark.credited, full.asset);
  row["paid"] = amount(full.mark.paid, full.asset);
  row["refunded"] = amount(full.mark.refunded, full.asset);
  row["shares"] = shares(full.shares, full.asset);
  row["carried_in"] = shares(full.carried_in, full.asset);
  row["carried_out"] = shares(full.carried_out, full.asset);
  row["root"] = base::to_hex(full.root);
  row["closed_by"] = full.closed_by.value;
  return row;
}

json::object PageJson::line(const core::Statement& statement, const aggregator::Line& line) {
  return {{"payee", payee(line.payee)},
          {"resource", line.resource.is_zero() ? json::value() : json::value(text(base::to_hex(line.resource)))},
          {"charges", line.charges},
          {"quantity", line.quantity},
          {"amount", amount(line.amount, statement.asset)}};
}

json::object PageJson::settlement(const core::Settlement& settlement) {
  const bool known_asset = asset(settlement.asset).id.valid();
  return {{"id", settlement.id.value},
          {"kind", text(name(settlement.kind))},
          {"state", text(name(settlement.state))},
          {"payer", payer(settlement.payer)},
          {"payee", payee(settlement.payee)},
          {"statement", id_json(settlement.statement)},
          {"asset", id_json(settlement.asset)},
          {"amount", known_asset ? amount(settlement.amount, settlement.asset) : json::value()},
          {"rail", text(settlement.rail.view())},
          {"relay", relay(settlement)},
          {"attempt", settlement.attempt},
          {"dunning_step", settlement.dunning_step},
          {"failure", text(name_of(settlement.failure))},
          {"detail", text(settlement.detail)},
          {"reference", text(settlement.reference)},
          {"created_us", settlement.created.us},
          {"submitted_us", time_json(settlement.submitted)},
          {"confirmed_us", time_json(settlement.confirmed)},
          {"finalized_us", time_json(settlement.finalized)},
          {"next_action_us", time_json(settlement.next_action)}};
}

json::value PageJson::relay(const core::Settlement& settlement) const {
  if (settlement.kind != core::SettlementKind::relay) return {};
  const base::Result<core::Relay> found = reader_.relay(settlement.id);
  if (!found) return {};
  return json::object{{"kind", text(relay_kind(found->label))}, {"label", text(found->label)}};
}

json::object PageJson::channel(const core::Channel& channel) {
  const core::Asset* asset = this->asset(channel.chain_id, channel.config.token);
  return {{"id", channel.id.value},
          {"key", base::to_hex(channel.key)},
          {"state", text(state_of(channel))},
          {"chain_id", channel.chain_id},
          {"contract", base::to_hex(channel.contract)},
          {"payer", party_at(channel.config.payer, reader_.payer(channel.config.payer))},
          {"receiver", party_at(channel.config.receiver, reader_.payee(channel.config.receiver))},
          {"token", base::to_hex(channel.config.token)},
          {"asset", asset_id(asset)},
          {"balance", token_amount(channel.chain.balance, asset)},
          {"charged", token_amount(channel.charged, asset)},
          {"unclaimed", token_amount(unclaimed(channel), asset)},
          {"claimed", token_amount(channel.chain.total_claimed, asset)},
          {"charges", channel.charges},
          {"reservation", reservation_json(channel.reservation, asset)},
          {"withdrawal", withdrawal_json(channel, asset)},
          {"put_aside", channel.put_aside.empty() ? json::value() : json::value(text(channel.put_aside))},
          {"block", channel.block},
          {"opened_us", channel.opened.us},
          {"charged_at_us", time_json(channel.charged_at)}};
}

base::Result<json::array> PageJson::assets() const {
  ASSIGN_OR_RETURN(const std::vector<core::Asset> assets, reader_.assets());
  json::array result;
  for (const core::Asset& one : assets) result.push_back(asset_json(one));
  return result;
}

json::object page_json(const core::LedgerHead& head) {
  return {{"sequence", head.last_sequence.value},
          {"segment", head.last_segment.value},
          {"time_us", head.last_time.us},
          {"operator", base::to_hex(head.operator_key)},
          {"payers", head.payers},
          {"payees", head.payees},
          {"servers", head.servers},
          {"mandates", head.mandates},
          {"statements", head.statements},
          {"settlements", head.settlements}};
}

json::object page_json(const LedgerTotals& totals) {
  json::array sums;
  for (const AssetTotals& one : totals.assets) {
    const auto decimal = [&one](core::Amount amount) { return amount.to_decimal_string(one.asset.scale); };
    const auto posted = [&one](const core::Balance& balance) { return magnitude(balance.posted, one.asset.scale); };
    sums.push_back(json::object{{"asset", one.asset.id.value},
                                {"held", decimal(one.held)},
                                {"unbilled", decimal(one.unbilled)},
                                {"billed", decimal(one.billed)},
                                {"credit", decimal(one.credit)},
                                {"payable", decimal(one.payable)},
                                {"paid_out", decimal(one.paid_out)},
                                {"volume", decimal(one.operators.volume)},
                                {"cash", posted(one.operators.cash)},
                                {"revenue", posted(one.operators.revenue)}});
  }
  json::array open;
  for (const OpenSettlements& one : totals.settlements) {
    unsigned scale = 0;
    for (const AssetTotals& known : totals.assets)
      if (known.asset.id == one.asset) scale = known.asset.scale;
    open.push_back(json::object{{"kind", text(name(one.kind))},
                                {"state", text(name(one.state))},
                                {"asset", one.asset.value},
                                {"count", one.count},
                                {"amount", one.amount.to_decimal_string(scale)}});
  }
  return {{"looked_us", time_json(totals.looked)},
          {"assets", std::move(sums)},
          {"open_settlements", std::move(open)},
          {"open_windows", totals.open_windows},
          {"next_close_us", time_json(totals.next_close)},
          {"payers_suspended", totals.payers_suspended},
          {"channels", channels_json(totals)}};
}

json::object page_json(const PageHealth& health) {
  json::array degraded, queues, rails;
  for (const std::string& cause : health.degraded) degraded.push_back(text(cause));
  for (const PageQueue& queue : health.queues)
    queues.push_back(json::object{{"name", text(queue.name)}, {"waiting", queue.waiting}, {"limit", queue.limit}});
  for (const PageRail& rail : health.rails)
    rails.push_back(json::object{{"name", text(rail.name)},
                                 {"description", text(rail.description)},
                                 {"enabled", rail.enabled},
                                 {"dry_run", rail.dry_run},
                                 {"breaker", text(rail.breaker)},
                                 {"in_flight", rail.in_flight},
                                 {"in_flight_max", rail.in_flight_max},
                                 {"sent", rail.sent},
                                 {"faults", rail.faults},
                                 {"last_error", text(rail.last_error)},
                                 {"last_error_us", time_json(rail.last_error_time)}});
  return {{"started_us", health.started.us},
          {"degraded", std::move(degraded)},
          {"queues", std::move(queues)},
          {"rails", std::move(rails)},
          {"charges", health.charges},
          {"refused", health.refused},
          {"commit_queue_us", health.commit_queue_us},
          {"commit_write_us", health.commit_write_us},
          {"connections", health.connections},
          {"subscribers", health.subscribers},
          {"disk_bytes", health.disk_bytes}};
}

}  // namespace ops
