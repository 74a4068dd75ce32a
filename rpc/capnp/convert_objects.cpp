// The ledger's objects and journal entries.

#include "base/limits.h"
#include "rpc/capnp/convert.h"

namespace rpc {
namespace {

namespace limits = base::limits;

void encode_signed(base::i128 value, wire::Int128::Builder out) {
  out.setLow(static_cast<std::uint64_t>(static_cast<base::u128>(value)));
  out.setHigh(static_cast<std::int64_t>(value >> 64));
}

base::i128 decode_signed(wire::Int128::Reader in) {
  const auto high = static_cast<base::u128>(static_cast<base::i128>(in.getHigh())) << 64;
  return static_cast<base::i128>(high | in.getLow());
}

void encode(const core::Balance& in, wire::Balance::Builder out) {
  if (in.posted != 0) encode_signed(in.posted, out.initPosted());
  if (in.pending != 0) encode_signed(in.pending, out.initPending());
}

core::Balance decode_balance(wire::Balance::Reader in) {
  return {decode_signed(in.getPosted()), decode_signed(in.getPending())};
}

}  // namespace

void encode(const aggregator::WindowBounds& in, wire::WindowBounds::Builder out) {
  out.setStartUs(in.start.us);
  out.setEndUs(in.end.us);
}

aggregator::WindowBounds decode_bounds(wire::WindowBounds::Reader in) {
  return {base::Time{in.getStartUs()}, base::Time{in.getEndUs()}};
}

void encode(const aggregator::Line& in, wire::Line::Builder out) {
  out.setPayee(in.payee.value);
  out.setResource(data(in.resource));
  TABD_SET_AMOUNT(out, Amount, in.amount);
  out.setCharges(in.charges);
  out.setQuantity(in.quantity);
}

bool decode(wire::Line::Reader in, aggregator::Line& out) {
  out.payee = base::PayeeId(in.getPayee());
  out.charges = in.getCharges();
  out.quantity = in.getQuantity();
  return decode_fixed(in.getResource(), out.resource) && decode_amount(in.getAmount(), out.amount);
}

void encode(const aggregator::PayeeShare& in, wire::PayeeShare::Builder out) {
  out.setPayee(in.payee.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
}

bool decode(wire::PayeeShare::Reader in, aggregator::PayeeShare& out) {
  out.payee = base::PayeeId(in.getPayee());
  return decode_amount(in.getAmount(), out.amount);
}

void encode(const core::Asset& in, wire::Asset::Builder out) {
  out.setId(in.id.value);
  out.setText(text(in.text));
  out.setSymbol(text(in.symbol));
  out.setScale(in.scale);
  out.setRailScale(in.rail_scale);
}

bool decode(wire::Asset::Reader in, core::Asset& out) {
  out.id = base::AssetId(in.getId());
  out.text = string(in.getText());
  out.symbol = string(in.getSymbol());
  out.scale = in.getScale();
  out.rail_scale = in.getRailScale();
  return true;
}

void encode(const core::Plan& in, wire::Plan::Builder out) {
  out.setId(in.id.value);
  out.setLabel(text(in.label));
  out.setAsset(in.asset.value);
  encode(in.window, out.initWindow());
  out.setSeries(text(string_of(in.series)));
  out.setCreditNoteSeries(text(string_of(in.credit_note_series)));
  TABD_SET_AMOUNT(out, SettleThreshold, in.settle_threshold);
  TABD_SET_AMOUNT(out, Minimum, in.minimum);
  TABD_SET_AMOUNT(out, CreditLimit, in.credit_limit);
  out.setTermsS(in.terms_s);
  auto rails = out.initRails(list_size(in.rails.size()));
  for (std::size_t i = 0; i < in.rails.size(); ++i) rails.set(list_size(i), text(string_of(in.rails[i])));
  auto dunning = out.initDunningS(list_size(in.dunning_s.size()));
  for (std::size_t i = 0; i < in.dunning_s.size(); ++i) dunning.set(list_size(i), in.dunning_s[i]);
}

bool decode(wire::Plan::Reader in, core::Plan& out) {
  out.id = base::PlanId(in.getId());
  out.label = string(in.getLabel());
  out.asset = base::AssetId(in.getAsset());
  if (!decode(in.getWindow(), out.window)) return false;
  if (in.getSeries().size() > 0 && !decode_text(in.getSeries(), out.series)) return false;
  if (in.getCreditNoteSeries().size() > 0 && !decode_text(in.getCreditNoteSeries(), out.credit_note_series)) {
    return false;
  }
  out.terms_s = in.getTermsS();
  const auto rails = in.getRails();
  const auto dunning = in.getDunningS();
  if (rails.size() > limits::kRailsPerPlanMax || dunning.size() > limits::kDunningStepsMax) return false;
  out.rails.resize(rails.size());
  for (capnp::uint i = 0; i < rails.size(); ++i) {
    if (!decode_rail(rails[i], out.rails[i])) return false;
  }
  for (const std::uint64_t wait : dunning) out.dunning_s.push_back(wait);
  return decode_amount(in.getSettleThreshold(), out.settle_threshold) && decode_amount(in.getMinimum(), out.minimum) &&
         decode_amount(in.getCreditLimit(), out.credit_limit);
}

void encode(const core::Payer& in, wire::Payer::Builder out) {
  out.setId(in.id.value);
  out.setAddress(data(in.address));
  out.setLabel(text(in.label));
  auto plans = out.initPlans(list_size(in.plans.size()));
  for (std::size_t i = 0; i < in.plans.size(); ++i) plans.set(list_size(i), in.plans[i].value);
  out.setStanding(static_cast<wire::Standing>(in.standing));
  out.setRegisteredUs(in.registered.us);
  auto mandates = out.initRailMandates(list_size(in.rail_mandates.size()));
  for (std::size_t i = 0; i < in.rail_mandates.size(); ++i) {
    mandates[list_size(i)].setRail(text(string_of(in.rail_mandates[i].rail)));
    mandates[list_size(i)].setMandate(data(base::ByteView(in.rail_mandates[i].mandate)));
  }
  encode(in.tax, out.initTax());
}

bool decode(wire::Payer::Reader in, core::Payer& out) {
  out.id = base::PayerId(in.getId());
  out.label = string(in.getLabel());
  for (auto plan : in.getPlans()) out.plans.emplace_back(plan);
  out.standing = static_cast<core::Standing>(in.getStanding());
  out.registered.us = in.getRegisteredUs();
  for (auto mandate : in.getRailMandates()) {
    core::RailMandate& one = out.rail_mandates.emplace_back();
    const auto bytes = view(mandate.getMandate());
    one.mandate.assign(bytes.begin(), bytes.end());
    if (!decode_rail(mandate.getRail(), one.rail)) return false;
  }
  return decode(in.getTax(), out.tax) && decode_fixed(in.getAddress(), out.address);
}

void encode(const TallyView& in, wire::Tally::Builder out) {
  out.setPayer(in.payer.value);
  out.setAsset(in.asset.value);
  out.setPlan(in.plan.value);
  TABD_SET_AMOUNT(out, CreditLimit, in.credit_limit);
  TABD_SET_AMOUNT(out, CreditLimitOverride, in.credit_limit_override);
  TABD_SET_AMOUNT(out, Held, in.held);
  TABD_SET_AMOUNT(out, Unbilled, in.unbilled);
  TABD_SET_AMOUNT(out, Billed, in.billed);
  TABD_SET_AMOUNT(out, Credit, in.credit);
  encode(in.window, out.initWindow());
  out.setWindowNumber(in.window_number);
  out.setEntries(in.entries);
  encode_list(in.lines, out.initLines(list_size(in.lines.size())));
  encode_list(in.carried_in, out.initCarriedIn(list_size(in.carried_in.size())));
  encode(in.account_unbilled, out.initAccountUnbilled());
  encode(in.account_receivable, out.initAccountReceivable());
  encode(in.account_credit, out.initAccountCredit());
}

bool decode(wire::Tally::Reader in, TallyView& out) {
  out.payer = base::PayerId(in.getPayer());
  out.asset = base::AssetId(in.getAsset());
  out.plan = base::PlanId(in.getPlan());
  out.window = decode_bounds(in.getWindow());
  out.window_number = in.getWindowNumber();
  out.entries = in.getEntries();
  out.account_unbilled = decode_balance(in.getAccountUnbilled());
  out.account_receivable = decode_balance(in.getAccountReceivable());
  out.account_credit = decode_balance(in.getAccountCredit());
  return decode_amount(in.getCreditLimit(), out.credit_limit) &&
         decode_amount(in.getCreditLimitOverride(), out.credit_limit_override) &&
         decode_amount(in.getHeld(), out.held) && decode_amount(in.getUnbilled(), out.unbilled) &&
         decode_amount(in.getBilled(), out.billed) && decode_amount(in.getCredit(), out.credit) &&
         decode_list(in.getLines(), out.lines) && decode_list(in.getCarriedIn(), out.carried_in);
}

void encode(const Exposure& in, wire::Exposure::Builder out) {
  out.setStanding(static_cast<wire::Standing>(in.standing));
  TABD_SET_AMOUNT(out, Limit, in.limit);
  TABD_SET_AMOUNT(out, Exposure, in.exposure);
  TABD_SET_AMOUNT(out, Available, in.available);
}

bool decode(wire::Exposure::Reader in, Exposure& out) {
  out.standing = static_cast<core::Standing>(in.getStanding());
  return decode_amount(in.getLimit(), out.limit) && decode_amount(in.getExposure(), out.exposure) &&
         decode_amount(in.getAvailable(), out.available);
}

void encode(const core::Payee& in, wire::Payee::Builder out) {
  out.setId(in.id.value);
  out.setAddress(data(in.address));
  out.setLabel(text(in.label));
  out.setFeeBasisPoints(in.fee_basis_points);
  TABD_SET_AMOUNT(out, FeeFixed, in.fee_fixed);
  out.setPayoutRail(text(string_of(in.payout_rail)));
  out.setPayoutAccount(text(in.payout_account));
  TABD_SET_AMOUNT(out, PayoutMinimum, in.payout_minimum);
  out.setActive(in.active);
  out.setRegisteredUs(in.registered.us);
  out.setOwnTerms(in.own_terms);
  encode_list(in.release, out.initRelease(list_size(in.release.size())));
  encode(in.payout_every, out.initPayoutEvery());
}

bool decode(wire::Payee::Reader in, core::Payee& out) {
  out.id = base::PayeeId(in.getId());
  out.label = string(in.getLabel());
  out.fee_basis_points = in.getFeeBasisPoints();
  out.payout_account = string(in.getPayoutAccount());
  out.active = in.getActive();
  out.registered.us = in.getRegisteredUs();
  out.own_terms = in.getOwnTerms();
  if (!decode_list(in.getRelease(), out.release) || !decode(in.getPayoutEvery(), out.payout_every)) return false;
  return decode_fixed(in.getAddress(), out.address) && decode_amount(in.getFeeFixed(), out.fee_fixed) &&
         decode_rail(in.getPayoutRail(), out.payout_rail) && decode_amount(in.getPayoutMinimum(), out.payout_minimum);
}

void encode(const core::PayeeBalance& in, wire::PayeeBalance::Builder out) {
  out.setPayee(in.payee.value);
  out.setAsset(in.asset.value);
  encode(in.accrued, out.initAccrued());
  encode(in.payable, out.initPayable());
  encode(in.reserve, out.initReserve());
  encode(in.recoverable, out.initRecoverable());
  out.setPayoutFromUs(in.payout_from.us);
  TABD_SET_AMOUNT(out, PayableNow, in.payable_now);
  TABD_SET_AMOUNT(out, PaidOut, in.paid_out);
  TABD_SET_AMOUNT(out, Fees, in.fees);
  out.setOpenPayout(in.open_payout.value);
}

bool decode(wire::PayeeBalance::Reader in, core::PayeeBalance& out) {
  out.payee = base::PayeeId(in.getPayee());
  out.asset = base::AssetId(in.getAsset());
  out.accrued = decode_balance(in.getAccrued());
  out.payable = decode_balance(in.getPayable());
  out.reserve = decode_balance(in.getReserve());
  out.recoverable = decode_balance(in.getRecoverable());
  out.payout_from.us = in.getPayoutFromUs();
  out.open_payout = base::SettlementId(in.getOpenPayout());
  return decode_amount(in.getPayableNow(), out.payable_now) && decode_amount(in.getPaidOut(), out.paid_out) &&
         decode_amount(in.getFees(), out.fees);
}

void encode(const core::OperatorBalance& in, wire::OperatorBalance::Builder out) {
  out.setAsset(in.asset.value);
  encode(in.in_transit, out.initInTransit());
  encode(in.out_transit, out.initOutTransit());
  encode(in.cash, out.initCash());
  encode(in.revenue, out.initRevenue());
  encode(in.bad_debt, out.initBadDebt());
  encode(in.rounding, out.initRounding());
  encode(in.rail_fees, out.initRailFees());
  encode(in.suspense, out.initSuspense());
  encode(in.tax, out.initTax());
  encode(in.refunds, out.initRefunds());
}

bool decode(wire::OperatorBalance::Reader in, core::OperatorBalance& out) {
  out.asset = base::AssetId(in.getAsset());
  out.in_transit = decode_balance(in.getInTransit());
  out.out_transit = decode_balance(in.getOutTransit());
  out.cash = decode_balance(in.getCash());
  out.revenue = decode_balance(in.getRevenue());
  out.bad_debt = decode_balance(in.getBadDebt());
  out.rounding = decode_balance(in.getRounding());
  out.rail_fees = decode_balance(in.getRailFees());
  out.suspense = decode_balance(in.getSuspense());
  out.tax = decode_balance(in.getTax());
  out.refunds = decode_balance(in.getRefunds());
  return true;
}

void encode(const core::Server& in, wire::Server::Builder out) {
  out.setId(in.id.value);
  out.setKey(data(in.key));
  out.setLabel(text(in.label));
  auto payees = out.initPayees(list_size(in.payees.size()));
  for (std::size_t i = 0; i < in.payees.size(); ++i) payees.set(list_size(i), in.payees[i].value);
  out.setActive(in.active);
}

bool decode(wire::Server::Reader in, core::Server& out) {
  out.id = base::ServerId(in.getId());
  out.label = string(in.getLabel());
  for (auto payee : in.getPayees()) out.payees.emplace_back(payee);
  out.active = in.getActive();
  return decode_fixed(in.getKey(), out.key);
}

void encode(const core::MandateState& in, wire::MandateState::Builder out) {
  out.setId(in.id.value);
  encode(in.mandate, out.initMandate());
  out.setSignature(data(in.signature));
  out.setRevoked(in.revoked);
  out.setNonceFloor(in.nonce_floor);
  out.setPeriodStartUs(in.period_start().us);
  TABD_SET_AMOUNT(out, Spent, in.spent());
  TABD_SET_AMOUNT(out, Held, in.held);
}

bool decode(wire::MandateState::Reader in, core::MandateState& out) {
  out.id = base::MandateId(in.getId());
  out.revoked = in.getRevoked();
  out.nonce_floor = in.getNonceFloor();
  out.counted_at.us = in.getPeriodStartUs();
  return decode(in.getMandate(), out.mandate) && decode_fixed(in.getSignature(), out.signature) &&
         decode_amount(in.getSpent(), out.spent_by_period[static_cast<std::size_t>(out.mandate.period)]) &&
         decode_amount(in.getHeld(), out.held);
}

void encode(const core::Settlement& in, Detail detail, wire::Settlement::Builder out) {
  out.setId(in.id.value);
  out.setKind(static_cast<wire::SettlementKind>(in.kind));
  out.setPayer(in.payer.value);
  out.setPayee(in.payee.value);
  out.setStatement(in.statement.value);
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  TABD_SET_AMOUNT(out, Fee, in.fee);
  out.setRail(text(string_of(in.rail)));
  out.setState(static_cast<wire::SettlementState>(in.state));
  out.setAttempt(in.attempt);
  out.setTechnicalRetries(in.technical_retries);
  out.setDunningStep(in.dunning_step);
  out.setNextActionUs(in.next_action.us);
  if (!in.idempotency_key.is_zero()) out.setIdempotencyKey(data(in.idempotency_key));
  if (detail == Detail::full) out.setRequest(data(base::ByteView(in.request)));
  out.setReference(text(in.reference));
  out.setFailure(static_cast<wire::FailureClass>(in.failure));
  out.setDetail(text(in.detail));
  out.setCreatedUs(in.created.us);
  out.setSubmittedUs(in.submitted.us);
  out.setConfirmedUs(in.confirmed.us);
  out.setFinalizedUs(in.finalized.us);
  out.setOperatorReference(text(in.operator_reference));
  out.setCode(text(in.code));
  TABD_SET_AMOUNT(out, RailFee, in.rail_fee);
  auto refusals = out.initRefusals(list_size(in.refusals.size()));
  for (std::size_t i = 0; i < in.refusals.size(); ++i) {
    refusals[list_size(i)].setRail(text(string_of(in.refusals[i].rail)));
    refusals[list_size(i)].setFailure(static_cast<wire::FailureClass>(in.refusals[i].failure));
  }
}

bool decode(wire::Settlement::Reader in, core::Settlement& out) {
  out.id = base::SettlementId(in.getId());
  out.kind = static_cast<core::SettlementKind>(in.getKind());
  out.payer = base::PayerId(in.getPayer());
  out.payee = base::PayeeId(in.getPayee());
  out.statement = base::StatementId(in.getStatement());
  out.asset = base::AssetId(in.getAsset());
  out.state = static_cast<core::SettlementState>(in.getState());
  out.attempt = in.getAttempt();
  out.technical_retries = in.getTechnicalRetries();
  out.dunning_step = in.getDunningStep();
  out.next_action.us = in.getNextActionUs();
  const auto request = view(in.getRequest());
  out.request.assign(request.begin(), request.end());
  out.reference = string(in.getReference());
  out.failure = static_cast<core::FailureClass>(in.getFailure());
  out.detail = string(in.getDetail());
  out.created.us = in.getCreatedUs();
  out.submitted.us = in.getSubmittedUs();
  out.confirmed.us = in.getConfirmedUs();
  out.finalized.us = in.getFinalizedUs();
  out.operator_reference = string(in.getOperatorReference());
  out.code = string(in.getCode());
  for (auto refusal : in.getRefusals()) {
    core::RailRefusal& one = out.refusals.emplace_back();
    one.failure = static_cast<core::FailureClass>(refusal.getFailure());
    if (!decode_rail(refusal.getRail(), one.rail)) return false;
  }
  return decode_amount(in.getRailFee(), out.rail_fee) && decode_amount(in.getAmount(), out.amount) &&
         decode_amount(in.getFee(), out.fee) && decode_rail(in.getRail(), out.rail) &&
         decode_optional(in.getIdempotencyKey(), out.idempotency_key);
}

void encode(const core::Relay& in, wire::Relay::Builder out) {
  out.setSettlement(in.settlement.value);
  out.setKey(data(in.key));
  out.setLabel(text(in.label));
  out.setOrder(data(base::ByteView(in.order)));
}

bool decode(wire::Relay::Reader in, core::Relay& out) {
  out.settlement = base::SettlementId(in.getSettlement());
  out.label = string(in.getLabel());
  const auto order = view(in.getOrder());
  out.order.assign(order.begin(), order.end());
  return decode_fixed(in.getKey(), out.key);
}

void encode(const RawEntry& in, wire::Entry::Builder out) {
  out.setSequence(in.sequence.value);
  out.setSegment(in.segment.value);
  out.setIndex(in.index);
  out.setTimeUs(in.time.us);
  out.setBytes(data(base::ByteView(in.bytes)));
}

bool decode(wire::Entry::Reader in, RawEntry& out) {
  out.sequence = core::Sequence(in.getSequence());
  out.segment = core::SegmentId(in.getSegment());
  out.index = in.getIndex();
  out.time.us = in.getTimeUs();
  const auto bytes = view(in.getBytes());
  out.bytes.assign(bytes.begin(), bytes.end());
  return true;
}

void encode(const ChargeRecord& in, wire::ChargeRecord::Builder out) {
  encode(in.entry, out.initEntry());
  out.setKind(static_cast<wire::ChargeKind>(in.kind));
  out.setPayee(in.payee.value);
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  encode_list(in.usages, out.initUsages(list_size(in.usages.size())));
}

bool decode(wire::ChargeRecord::Reader in, ChargeRecord& out) {
  out.kind = static_cast<ChargeKind>(in.getKind());
  out.payee = base::PayeeId(in.getPayee());
  out.asset = base::AssetId(in.getAsset());
  for (auto usage : in.getUsages()) {
    if (decode_usage(usage, base::Hash{}, out.usages.emplace_back()) != nullptr) return false;
  }
  return decode(in.getEntry(), out.entry) && decode_amount(in.getAmount(), out.amount);
}

void encode(const Head& in, wire::Head::Builder out) {
  out.setNetwork(text(in.network));
  out.setOperatorKey(data(in.operator_key));
  out.setLastSequence(in.last_sequence.value);
  out.setLastSegment(in.last_segment.value);
  out.setSegmentHash(data(in.segment_hash));
  out.setHeader(data(base::ByteView(in.header)));
  out.setSignature(data(in.signature));
  out.setTimeUs(in.time.us);
  out.setPayers(in.payers);
  out.setPayees(in.payees);
  out.setServers(in.servers);
  out.setPlans(in.plans);
  out.setMandates(in.mandates);
  out.setTabs(in.tabs);
  out.setStatements(in.statements);
  out.setSettlements(in.settlements);
  out.setNotices(in.notices);
}

bool decode(wire::Head::Reader in, Head& out) {
  out.network = string(in.getNetwork());
  out.last_sequence = core::Sequence(in.getLastSequence());
  out.last_segment = core::SegmentId(in.getLastSegment());
  const auto header = view(in.getHeader());
  out.header.assign(header.begin(), header.end());
  out.time.us = in.getTimeUs();
  out.payers = in.getPayers();
  out.payees = in.getPayees();
  out.servers = in.getServers();
  out.plans = in.getPlans();
  out.mandates = in.getMandates();
  out.tabs = in.getTabs();
  out.statements = in.getStatements();
  out.settlements = in.getSettlements();
  out.notices = in.getNotices();
  return decode_fixed(in.getOperatorKey(), out.operator_key) &&
         decode_optional(in.getSegmentHash(), out.segment_hash) && decode_optional(in.getSignature(), out.signature);
}

}  // namespace rpc
