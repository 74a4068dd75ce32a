// Small values, commands and their receipts, mandates, figures of the running daemon.

#include "base/limits.h"
#include "rpc/capnp/convert.h"

namespace rpc {

namespace tab = commitments::tab;
namespace limits = base::limits;

bool decode_amount(wire::UInt128::Reader in, base::Amount& out) {
  const std::optional<base::Amount> amount = base::Amount::from_units(decode_wide(in));
  if (!amount) return false;
  out = *amount;
  return true;
}

base::Status decode_status(std::uint16_t number) {
  return base::status_from_number(number).value_or(base::Status::not_permitted);
}

Page decode(wire::Page::Reader in) { return {in.getAfter(), in.getLimit()}; }

std::size_t page_limit(const Page& page) {
  if (page.limit == 0 || page.limit > limits::kPageItemsMax) return limits::kPageItemsMax;
  return page.limit;
}

void encode(const Page& in, wire::Page::Builder out) {
  out.setAfter(in.after);
  out.setLimit(in.limit);
}

void encode(const ledger::api::CommandReceipt& in, wire::CommandReceipt::Builder out) {
  out.setStatus(number(in.result.status));
  out.setSequence(in.result.sequence.value);
  out.setId(in.result.id);
  out.setDetail(text(in.result.detail));
  out.setSegment(in.segment.value);
  out.setTimeUs(in.time.us);
}

ledger::api::CommandReceipt decode(wire::CommandReceipt::Reader in) {
  ledger::api::CommandReceipt out;
  out.result.status = decode_status(in.getStatus());
  out.result.sequence = core::Sequence(in.getSequence());
  out.result.id = in.getId();
  out.result.detail = string(in.getDetail());
  out.segment = core::SegmentId(in.getSegment());
  out.time.us = in.getTimeUs();
  return out;
}

void encode(const tab::Mandate& in, wire::Mandate::Builder out) {
  out.setPayer(data(in.payer));
  out.setAgent(data(in.agent));
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Cap, in.cap);
  out.setPeriod(static_cast<wire::Period>(in.period));
  auto payees = out.initPayees(list_size(in.payees.size()));
  for (std::size_t i = 0; i < in.payees.size(); ++i) payees.set(list_size(i), data(in.payees[i]));
  out.setValidAfter(in.valid_after);
  out.setValidBefore(in.valid_before);
  out.setNonce(in.nonce);
}

bool decode(wire::Mandate::Reader in, tab::Mandate& out) {
  if (!decode_fixed(in.getPayer(), out.payer) || !decode_fixed(in.getAgent(), out.agent)) return false;
  if (!decode_amount(in.getCap(), out.cap)) return false;
  if (in.getPeriod() > wire::Period::MONTH) return false;
  const auto payees = in.getPayees();
  if (payees.size() > limits::kMandatePayeesMax) return false;
  out.payees.resize(payees.size());
  for (capnp::uint i = 0; i < payees.size(); ++i) {
    if (!decode_fixed(payees[i], out.payees[i])) return false;
  }
  out.asset = base::AssetId(in.getAsset());
  out.period = static_cast<tab::Period>(in.getPeriod());
  out.valid_after = in.getValidAfter();
  out.valid_before = in.getValidBefore();
  out.nonce = in.getNonce();
  return true;
}

void encode(const tab::MandateRevocation& in, wire::MandateRevocation::Builder out) {
  out.setPayer(data(in.payer));
  out.setAgent(data(in.agent));
  out.setAsset(in.asset.value);
  out.setNonce(in.nonce);
}

bool decode(wire::MandateRevocation::Reader in, tab::MandateRevocation& out) {
  out.asset = base::AssetId(in.getAsset());
  out.nonce = in.getNonce();
  return decode_fixed(in.getPayer(), out.payer) && decode_fixed(in.getAgent(), out.agent);
}

void encode(const Event& in, wire::Event::Builder out) {
  out.setSequence(in.sequence.value);
  out.setTimeUs(in.time.us);
  out.setKind(static_cast<wire::EventKind>(in.kind));
  if (!in.payer.is_zero()) out.setPayer(data(in.payer));
  if (!in.payee.is_zero()) out.setPayee(data(in.payee));
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  out.setCharges(in.charges);
  out.setStatement(in.statement.value);
  out.setSettlement(in.settlement.value);
  out.setSettlementState(static_cast<wire::SettlementState>(in.settlement_state));
  if (!in.text.empty()) out.setText(text(in.text));
  if (!in.channel.is_zero()) out.setChannel(data(in.channel));
}

bool decode(wire::Event::Reader in, Event& out) {
  out.sequence = core::Sequence(in.getSequence());
  out.time.us = in.getTimeUs();
  out.kind = static_cast<EventKind>(in.getKind());
  out.asset = base::AssetId(in.getAsset());
  out.charges = in.getCharges();
  out.statement = core::StatementId(in.getStatement());
  out.settlement = core::SettlementId(in.getSettlement());
  out.settlement_state = static_cast<core::SettlementState>(in.getSettlementState());
  out.text = string(in.getText());
  return decode_optional(in.getPayer(), out.payer) && decode_optional(in.getPayee(), out.payee) &&
         decode_optional(in.getChannel(), out.channel) && decode_amount(in.getAmount(), out.amount);
}

void encode(const EventFilter& in, wire::EventFilter::Builder out) {
  out.setKinds(in.kinds);
  if (!in.payer.is_zero()) out.setPayer(data(in.payer));
  if (!in.payee.is_zero()) out.setPayee(data(in.payee));
}

bool decode(wire::EventFilter::Reader in, EventFilter& out) {
  out.kinds = in.getKinds();
  return decode_optional(in.getPayer(), out.payer) && decode_optional(in.getPayee(), out.payee);
}

void encode(const DaemonStatus& in, wire::DaemonStatus::Builder out) {
  out.setVersion(text(in.version));
  out.setStartedUs(in.started.us);
  out.setNowUs(in.now.us);
  out.setDryRun(in.dry_run);
  auto degraded = out.initDegraded(list_size(in.degraded.size()));
  for (std::size_t i = 0; i < in.degraded.size(); ++i) degraded.set(list_size(i), text(in.degraded[i]));
  auto figures = out.initFigures(list_size(in.figures.size()));
  for (std::size_t i = 0; i < in.figures.size(); ++i) {
    figures[list_size(i)].setName(text(in.figures[i].name));
    figures[list_size(i)].setValue(in.figures[i].value);
  }
  encode(in.head, out.initHead());
}

bool decode(wire::DaemonStatus::Reader in, DaemonStatus& out) {
  out.version = string(in.getVersion());
  out.started.us = in.getStartedUs();
  out.now.us = in.getNowUs();
  out.dry_run = in.getDryRun();
  for (auto cause : in.getDegraded()) out.degraded.push_back(string(cause));
  for (auto figure : in.getFigures()) out.figures.push_back({string(figure.getName()), figure.getValue()});
  return decode(in.getHead(), out.head);
}

void encode(const RailStatus& in, wire::RailStatus::Builder out) {
  out.setName(text(in.name));
  out.setEnabled(in.enabled);
  out.setDryRun(in.dry_run);
  out.setPull(in.pull);
  out.setPush(in.push);
  out.setInFlight(in.in_flight);
  out.setInFlightMax(in.in_flight_max);
  out.setDescription(text(in.description));
  out.setAvailable(in.available);
}

bool decode(wire::RailStatus::Reader in, RailStatus& out) {
  out.name = string(in.getName());
  out.enabled = in.getEnabled();
  out.dry_run = in.getDryRun();
  out.pull = in.getPull();
  out.push = in.getPush();
  out.in_flight = in.getInFlight();
  out.in_flight_max = in.getInFlightMax();
  out.available = in.getAvailable();
  out.description = string(in.getDescription());
  return true;
}

void encode(const NetworkInfo& in, wire::Info::Builder out) {
  out.setNetwork(text(in.network));
  out.setOperatorKey(data(in.operator_key));
  out.setVersion(text(in.version));
  encode_list(in.assets, out.initAssets(list_size(in.assets.size())));
  out.setNowUs(in.now.us);
  out.setBatchItemsMax(in.batch_items_max);
  out.setBatchChargesMax(in.batch_charges_max);
}

bool decode(wire::Info::Reader in, NetworkInfo& out) {
  out.network = string(in.getNetwork());
  out.version = string(in.getVersion());
  out.now.us = in.getNowUs();
  out.batch_items_max = in.getBatchItemsMax();
  out.batch_charges_max = in.getBatchChargesMax();
  return decode_fixed(in.getOperatorKey(), out.operator_key) && decode_list(in.getAssets(), out.assets);
}

}  // namespace rpc
