// Statements and what finance teams set: tax, release of payees' shares.

#include "rpc/capnp/convert.h"

namespace rpc {

void encode(const aggregator::WindowSpec& in, wire::WindowSpec::Builder out) {
  out.setKind(static_cast<wire::WindowKind>(in.kind));
  out.setDurationS(in.duration_s);
  out.setTimeZone(text(in.time_zone));
}

bool decode(wire::WindowSpec::Reader in, aggregator::WindowSpec& out) {
  if (in.getKind() > wire::WindowKind::MONTH) return false;
  out.kind = static_cast<aggregator::WindowKind>(in.getKind());
  out.duration_s = in.getDurationS();
  if (in.getTimeZone().size() > 0) out.time_zone = string(in.getTimeZone());
  return true;
}

void encode(const core::Tax& in, wire::Tax::Builder out) {
  out.setRatePpm(in.rate_ppm);
  out.setLabel(text(in.label));
  out.setNote(text(in.note));
}

bool decode(wire::Tax::Reader in, core::Tax& out) {
  out = {in.getRatePpm(), string(in.getLabel()), string(in.getNote())};
  return true;
}

void encode(const core::ReleaseRule& in, wire::ReleaseRule::Builder out) {
  out.setRail(text(string_of(in.rail)));
  out.setHoldS(in.hold_s);
  out.setReserveBp(in.reserve_bp);
}

bool decode(wire::ReleaseRule::Reader in, core::ReleaseRule& out) {
  out.hold_s = in.getHoldS();
  out.reserve_bp = in.getReserveBp();
  return decode_rail(in.getRail(), out.rail);
}

void encode(const core::ReleaseDefaults& in, wire::ReleaseDefaults::Builder out) {
  encode_list(in.release, out.initRelease(list_size(in.release.size())));
  encode(in.payout_every, out.initPayoutEvery());
}

bool decode(wire::ReleaseDefaults::Reader in, core::ReleaseDefaults& out) {
  return decode_list(in.getRelease(), out.release) && decode(in.getPayoutEvery(), out.payout_every);
}

void encode(const core::CreditNote& in, wire::CreditNote::Builder out) {
  out.setId(in.id.value);
  out.setSeries(text(string_of(in.series)));
  out.setNumber(in.number);
  out.setPayer(in.payer.value);
  out.setAsset(in.asset.value);
  out.setStatement(in.statement.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  TABD_SET_AMOUNT(out, Tax, in.tax);
  TABD_SET_AMOUNT(out, ReducedDue, in.reduced_due);
  TABD_SET_AMOUNT(out, Credited, in.credited);
  out.setReason(text(in.reason));
  out.setTimeUs(in.time.us);
  out.setReference(text(in.reference));
  out.setNotedBy(in.noted_by.value);
}

bool decode(wire::CreditNote::Reader in, core::CreditNote& out) {
  out.id = base::CreditNoteId(in.getId());
  out.number = in.getNumber();
  out.payer = base::PayerId(in.getPayer());
  out.asset = base::AssetId(in.getAsset());
  out.statement = base::StatementId(in.getStatement());
  out.reason = string(in.getReason());
  out.time.us = in.getTimeUs();
  out.reference = string(in.getReference());
  out.noted_by = base::Sequence(in.getNotedBy());
  if (!decode_amount(in.getAmount(), out.amount) || !decode_amount(in.getTax(), out.tax) || out.amount < out.tax) {
    return false;
  }
  out.net = base::subtract_checked(out.amount, out.tax);
  return decode_text(in.getSeries(), out.series) && decode_amount(in.getReducedDue(), out.reduced_due) &&
         decode_amount(in.getCredited(), out.credited);
}

void encode(const core::Payment::Part& in, wire::Payment::Part::Builder out) {
  out.setStatement(in.statement.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
}

bool decode(wire::Payment::Part::Reader in, core::Payment::Part& out) {
  out.statement = base::StatementId(in.getStatement());
  return decode_amount(in.getAmount(), out.amount);
}

void encode(const core::Payment& in, wire::Payment::Builder out) {
  out.setId(in.id.value);
  out.setPayer(in.payer.value);
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  out.setReference(text(in.reference));
  out.setReceivedUs(in.received.us);
  encode_list(in.parts, out.initParts(list_size(in.parts.size())));
  TABD_SET_AMOUNT(out, Credited, in.credited);
  out.setTimeUs(in.time.us);
}

bool decode(wire::Payment::Reader in, core::Payment& out) {
  out.id = base::PaymentId(in.getId());
  out.payer = base::PayerId(in.getPayer());
  out.asset = base::AssetId(in.getAsset());
  out.reference = string(in.getReference());
  out.received.us = in.getReceivedUs();
  out.time.us = in.getTimeUs();
  return decode_amount(in.getAmount(), out.amount) && decode_list(in.getParts(), out.parts) &&
         decode_amount(in.getCredited(), out.credited);
}

void encode(const core::Statement& in, Detail detail, wire::Statement::Builder out) {
  out.setId(in.id.value);
  out.setPayer(in.payer.value);
  out.setAsset(in.asset.value);
  out.setPlan(in.plan.value);
  out.setWindowNumber(in.window_number);
  encode(in.window, out.initWindow());
  out.setIssuedUs(in.issued.us);
  out.setDueUs(in.due.us);
  TABD_SET_AMOUNT(out, Total, in.total);
  TABD_SET_AMOUNT(out, Billed, in.billed());
  TABD_SET_AMOUNT(out, Tax, in.tax);
  encode(in.tax_terms, out.initTaxTerms());
  out.setSeries(text(string_of(in.series)));
  out.setNumber(in.number);
  TABD_SET_AMOUNT(out, CreditApplied, in.credit_applied);
  out.setEntries(in.entries);
  out.setRoot(data(in.root));
  out.setClosedBy(in.closed_by.value);
  out.setSettlement(in.settlement.value);
  out.setState(static_cast<wire::StatementState>(in.mark.state));
  TABD_SET_AMOUNT(out, Credited, in.mark.credited);
  TABD_SET_AMOUNT(out, CreditedPaid, in.mark.credited_paid);
  TABD_SET_AMOUNT(out, Paid, in.mark.paid);
  TABD_SET_AMOUNT(out, Refunded, in.mark.refunded);
  if (detail == Detail::brief) return;
  auto fees = out.initFees(list_size(in.mark.fees.size()));
  for (std::size_t i = 0; i < in.mark.fees.size(); ++i) encode_wide(in.mark.fees[i].units(), fees[list_size(i)]);
  encode_list(in.lines, out.initLines(list_size(in.lines.size())));
  encode_list(in.carried_in, out.initCarriedIn(list_size(in.carried_in.size())));
  encode_list(in.shares, out.initShares(list_size(in.shares.size())));
  encode_list(in.carried_out, out.initCarriedOut(list_size(in.carried_out.size())));
}

bool decode(wire::Statement::Reader in, core::Statement& out) {
  out.id = base::StatementId(in.getId());
  out.payer = base::PayerId(in.getPayer());
  out.asset = base::AssetId(in.getAsset());
  out.plan = base::PlanId(in.getPlan());
  out.window_number = in.getWindowNumber();
  out.window = decode_bounds(in.getWindow());
  out.issued.us = in.getIssuedUs();
  out.due.us = in.getDueUs();
  out.entries = in.getEntries();
  out.closed_by = base::Sequence(in.getClosedBy());
  out.settlement = base::SettlementId(in.getSettlement());
  out.mark.state = static_cast<core::StatementState>(in.getState());
  for (auto fee : in.getFees()) {
    if (!decode_amount(fee, out.mark.fees.emplace_back())) return false;
  }
  base::Amount billed;
  if (!decode_amount(in.getBilled(), billed) || !decode_amount(in.getTax(), out.tax) || billed < out.tax) return false;
  out.net = base::subtract_checked(billed, out.tax);
  out.number = in.getNumber();
  return decode(in.getTaxTerms(), out.tax_terms) && decode_text(in.getSeries(), out.series) &&
         decode_amount(in.getCredited(), out.mark.credited) &&
         decode_amount(in.getCreditedPaid(), out.mark.credited_paid) && decode_amount(in.getPaid(), out.mark.paid) &&
         decode_amount(in.getRefunded(), out.mark.refunded) && decode_amount(in.getTotal(), out.total) &&
         decode_amount(in.getCreditApplied(), out.credit_applied) && decode_fixed(in.getRoot(), out.root) &&
         decode_list(in.getLines(), out.lines) && decode_list(in.getCarriedIn(), out.carried_in) &&
         decode_list(in.getShares(), out.shares) && decode_list(in.getCarriedOut(), out.carried_out);
}

}  // namespace rpc
