#include "cli/entry_text.h"

#include <fmt/format.h>

#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

// One overload for each kind.
struct Describe {
  const AssetBook& assets;

  std::string operator()(const core::Genesis& e) const {
    return fmt::format("network {}, operator {}", e.network, base::to_hex(e.operator_key));
  }
  std::string operator()(const core::AssetSet& e) const {
    return fmt::format("asset {} is {} ({})", e.asset.id.value, e.asset.symbol, e.asset.text);
  }
  std::string operator()(const core::PlanSet& e) const {
    return fmt::format("plan {} is {}: {} windows, limit {}", e.plan.id.value, e.plan.label, window_text(e.plan.window),
                       assets.text(e.plan.credit_limit, e.plan.asset));
  }
  std::string operator()(const core::PayerSet& e) const {
    return fmt::format("payer {} is {} {}", e.payer.id.value, base::to_hex(e.payer.address), e.payer.label);
  }
  std::string operator()(const core::PayeeSet& e) const {
    return fmt::format("payee {} is {} {}", e.payee.id.value, base::to_hex(e.payee.address), e.payee.label);
  }
  std::string operator()(const core::ServerSet& e) const {
    return fmt::format("server {} is {} {}", e.server.id.value, base::to_hex(e.server.key), e.server.label);
  }
  std::string operator()(const core::CreditLimitSet& e) const {
    return fmt::format("payer {}: limit {}", e.payer.value,
                       e.limit.is_zero() ? "of the plan" : assets.text(e.limit, e.asset));
  }
  std::string operator()(const core::MandateSet& e) const {
    return fmt::format("mandate {}: agent {} may spend {} ({})", e.id.value, base::to_hex(e.mandate.agent),
                       assets.text(e.mandate.cap, e.mandate.asset), period_name(e.mandate.period));
  }
  std::string operator()(const core::MandateRevoked& e) const {
    return fmt::format("mandate {}: agent {}{}", e.id.value, base::to_hex(e.revocation.agent),
                       e.signature.is_zero() ? ", by the operator" : "");
  }
  std::string operator()(const core::RailMandateSet& e) const {
    return fmt::format("payer {} for {}: {} bytes", e.payer.value, e.rail.view(), e.mandate.size());
  }
  std::string operator()(const core::StandingSet& e) const {
    return fmt::format("payer {} is {}: {}", e.payer.value, word(e.standing), e.reason);
  }
  std::string operator()(const core::WindowOpened& e) const {
    return fmt::format("payer {}: window {} from {} to {}", e.payer.value, e.number, time_text(e.bounds.start),
                       time_text(e.bounds.end));
  }
  std::string operator()(const core::WindowClosed& e) const {
    const std::string result =
        e.statement.valid() ? fmt::format("statement {} over {}", e.statement.value, assets.text(e.billed(), e.asset))
                            : std::string("carried forward");
    return fmt::format("payer {}: window {} with {} entries: {}", e.payer.value, e.number, e.entries, result);
  }
  std::string operator()(const core::TabOpened& e) const {
    return fmt::format("tab {} of payer {} with payee {}", e.id.value, e.payer.value, e.payee.value);
  }
  std::string operator()(const core::Charged& e) const {
    return fmt::format("payer {} to payee {}: {} for {} {}", e.commitment.payer.value, e.commitment.payee.value,
                       assets.text(e.usage.amount, e.commitment.asset), e.usage.quantity, e.usage.unit.view());
  }
  std::string operator()(const core::HoldMade& e) const {
    return fmt::format("payer {} for payee {}: up to {}", e.commitment.payer.value, e.commitment.payee.value,
                       assets.text(e.commitment.maximum, e.commitment.asset));
  }
  std::string operator()(const core::HoldCaptured& e) const {
    // The hold's entry knows the asset; here it is units.
    return fmt::format("hold of entry {}: {} units", e.hold.value, e.usage.amount.to_units_string());
  }
  std::string operator()(const core::HoldReleased& e) const {
    return fmt::format("hold of entry {}, {}", e.hold.value,
                       e.reason == core::ReleaseReason::expired ? "expired" : "released");
  }
  std::string operator()(const core::VoucherCharged& e) const {
    base::Amount sum;
    for (const core::Usage& usage : e.usages) sum = base::add_checked(sum, usage.amount);
    return fmt::format("tab {}: {} charges from index {}, {} units", e.tab.value, e.usages.size(), e.first_index,
                       sum.to_units_string());
  }
  std::string operator()(const core::BatchSigned& e) const {
    return fmt::format("server {}: batch {} of {} items from entry {}, {} not recorded", e.server.value, e.number,
                       e.count, e.first.value, e.refused.size());
  }
  std::string operator()(const core::CreditNoted& e) const {
    const core::CreditNote& n = e.note;
    return fmt::format(
        "payer {}: {} over {} ({} tax){}: {} (reference {})", n.payer.value, core::document_number(n.series, n.number),
        assets.text(n.amount, n.asset), assets.decimal(n.tax, n.asset),
        n.statement.valid() ? fmt::format(" on statement {}", n.statement.value) : "", n.reason, n.reference);
  }
  std::string operator()(const core::TaxSet& e) const {
    return fmt::format("payer {}: {} ppm {}", e.payer.value, e.tax.rate_ppm, e.tax.label);
  }
  std::string operator()(const core::StatementRecalled& e) const {
    return fmt::format("statement {} is taken up again", e.statement.statement.value);
  }
  std::string operator()(const core::PaymentRecorded& e) const {
    const core::Payment& p = e.payment;
    return fmt::format("payment {} of payer {}: {} for {} statements, {}: {}", p.id.value, p.payer.value,
                       assets.text(p.amount, p.asset), p.parts.size(),
                       p.credited.is_zero() ? "no credit" : assets.text(p.credited, p.asset) + " credit", p.reference);
  }
  std::string operator()(const core::ReleaseDefaultsSet& e) const {
    return fmt::format("release rules for {} rails", e.defaults.release.size());
  }
  std::string operator()(const core::SharesReleased& e) const {
    return fmt::format("settlement {}: shares released before final", e.settlement.value);
  }
  std::string operator()(const core::PayoutScheduled& e) const {
    return fmt::format("payee {}: next payout from {}", e.payee.value, time_text(e.from));
  }
  std::string operator()(const core::SettlementPlanned& e) const {
    const core::Settlement& s = e.settlement;
    return fmt::format("settlement {}: {} of {} by {}{}", s.id.value, word(s.kind), assets.text(s.amount, s.asset),
                       s.rail.view(),
                       s.operator_reference.empty() ? "" : fmt::format(" (reference {})", s.operator_reference));
  }
  std::string operator()(const core::SettlementStepped& e) const {
    std::string text = fmt::format("settlement {}: {} to {}", e.id.value, word(e.from), word(e.to));
    if (!e.reference.empty()) text += ", " + e.reference;
    if (!e.rail.view().empty()) text += fmt::format(", next on {}", e.rail.view());
    if (!e.code.empty()) text += fmt::format(" ({})", e.code);
    if (!e.detail.empty()) text += ": " + e.detail;
    return text;
  }
  std::string operator()(const core::RelayPlanned& e) const {
    return fmt::format("settlement {}: relay{}{} by {}", e.id.value, e.label.empty() ? "" : " ", e.label,
                       e.rail.view());
  }
  std::string operator()(const core::ChannelOpened& e) const {
    return fmt::format("channel {} is {} on chain {}, {} in it", e.id.value, short_hex(e.key.view()), e.chain_id,
                       units_text(e.chain.balance));
  }
  std::string operator()(const core::ChannelSynced& e) const {
    return fmt::format("channel {}: balance {}, claimed {} at block {}{}{}", e.id.value, units_text(e.chain.balance),
                       units_text(e.chain.total_claimed), e.block, e.rewound ? " (the chain was reorganised)" : "",
                       e.ended.valid() ? fmt::format("; refund {} is done", e.ended.value) : "");
  }
  std::string operator()(const core::EarningsSynced& e) const {
    return fmt::format("receiver {} on chain {}: claimed {}, settled {} at block {}", short_hex(e.receiver.view()),
                       e.chain_id, units_text(e.claimed), units_text(e.settled), e.block);
  }
  std::string operator()(const core::ChannelReserved& e) const {
    return fmt::format("channel {}: {} of at most {} reserved, voucher up to {}", e.id.value,
                       e.refund ? "a refund" : "a charge", units_text(e.amount), units_text(e.maximum));
  }
  std::string operator()(const core::ChannelCharged& e) const {
    return fmt::format("channel {}: reservation {} charged with {}, {} in all", e.id.value, e.reservation.value,
                       units_text(e.usage.amount.units()), units_text(e.charged));
  }
  std::string operator()(const core::ChannelReleased& e) const {
    return fmt::format("channel {}: reservation {} released", e.id.value, e.reservation.value);
  }
  std::string operator()(const core::ChannelPutAside& e) const {
    return e.reason.empty() ? fmt::format("channel {} is no longer put aside", e.id.value)
                            : fmt::format("channel {} is put aside: {}", e.id.value, e.reason);
  }
  std::string operator()(const core::NoticeRecorded& e) const {
    const core::Notice& n = e.notice;
    std::string text = fmt::format("notice {} of {}, {}: {}, {}", n.id.value, n.rail.view(), n.source, word(n.kind),
                                   word(n.recorded_as));
    if (n.settlement.valid()) text += fmt::format(", settlement {}", n.settlement.value);
    if (n.direction != core::Direction::none)
      text += fmt::format(", {} {}", assets.text(n.amount, n.asset), n.direction == core::Direction::in ? "in" : "out");
    return text;
  }
  std::string operator()(const core::NoticesApplied& e) const {
    return fmt::format("settlement {}: {} notices applied, the last is {}", e.settlement.value, e.notices.size(),
                       e.notices.empty() ? 0 : e.notices.back().value);
  }
  std::string operator()(const core::NoticeResolved& e) const {
    return fmt::format("notice {}: {}: {}", e.id.value, word(e.resolution), e.reason);
  }
  std::string operator()(const core::StatementClosed& e) const {
    return fmt::format("statement {} is {}: {}", e.id.value, word(e.state), e.reason);
  }
};

}  // namespace

std::string entry_text(const core::Entry& entry, const AssetBook& assets) {
  return std::visit(Describe{assets}, entry);
}

}  // namespace cli
