#include "rpc/capnp/event_builder.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/uint256.h"
#include "ledger/core/entry.h"

namespace rpc {
namespace {

// Bounds each cache; an address with its node is below 100 bytes.
constexpr std::size_t kCacheMax = 64 * 1024;

template <typename Map, typename Key, typename Value>
const Value& remember(Map& map, Key key, Value&& value) {
  if (map.size() >= kCacheMax) map.clear();
  return map.insert_or_assign(key, std::forward<Value>(value)).first->second;
}

// The event kinds that an entry of this stored kind can become: skips the decoding of what nobody asked for.
std::uint32_t kinds_of(std::uint8_t entry_kind) noexcept {
  switch (entry_kind) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 10: return bit(EventKind::configured);
    case 8:
    case 9: return bit(EventKind::mandate);
    case 11: return bit(EventKind::suspended) | bit(EventKind::resumed);
    case 12: return bit(EventKind::window_opened);
    case 13: return bit(EventKind::window_closed);
    case 15:
    case 16:
    case 17:
    case 19: return bit(EventKind::accepted);
    case 18: return bit(EventKind::released);
    case 21:
    case 24: return bit(EventKind::credited);
    case 22:
    case 25: return bit(EventKind::settling);
    case 33:
    case 35: return bit(EventKind::notice);
    case 23:
      return bit(EventKind::settling) | bit(EventKind::settled) | bit(EventKind::failed) | bit(EventKind::reversed);
    case 26: return bit(EventKind::channel_opened);
    case 27: return bit(EventKind::channel_synced);
    case 28: return bit(EventKind::channel_earnings);
    case 29: return bit(EventKind::channel_reserved);
    case 30: return bit(EventKind::channel_charged);
    case 31: return bit(EventKind::channel_released);
    case 32: return bit(EventKind::channel_put_aside);
    default: return 0;
  }
}

core::Amount amount_of(base::u128 units) {
  return core::Amount::from_units(std::min(units, core::Amount::kUnitsMax)).value_or(core::Amount());
}

EventKind kind_of_step(core::SettlementState to) noexcept {
  switch (to) {
    case core::SettlementState::confirmed:
    case core::SettlementState::settled:
    case core::SettlementState::final: return EventKind::settled;
    case core::SettlementState::failed:
    case core::SettlementState::unknown: return EventKind::failed;
    case core::SettlementState::returned:
    case core::SettlementState::disputed: return EventKind::reversed;
    case core::SettlementState::ready:
    case core::SettlementState::sending:
    case core::SettlementState::accepted:
    case core::SettlementState::written_off:
    case core::SettlementState::cancelled: return EventKind::settling;
  }
  return EventKind::settling;
}

}  // namespace

core::Address EventBuilder::payer(core::PayerId id) {
  if (!id.valid()) return {};
  if (const auto found = payers_.find(id); found != payers_.end()) return found->second;
  const auto row = reader_.payer(id);
  return row ? remember(payers_, id, core::Address(row->address)) : core::Address{};
}

core::Address EventBuilder::payee(core::PayeeId id) {
  if (!id.valid()) return {};
  if (const auto found = payees_.find(id); found != payees_.end()) return found->second;
  const auto row = reader_.payee(id);
  return row ? remember(payees_, id, core::Address(row->address)) : core::Address{};
}

EventBuilder::Parties EventBuilder::tab(core::TabId id) {
  if (const auto found = tabs_.find(id); found != tabs_.end()) return found->second;
  const auto row = reader_.tab(id);
  return row ? remember(tabs_, id, Parties{row->payer, row->payee, row->asset, {}, {}}) : Parties{};
}

EventBuilder::Parties EventBuilder::hold(core::Sequence sequence) {
  const auto stored = reader_.entry(sequence);
  if (!stored) return {};
  const auto* made = std::get_if<core::HoldMade>(&stored->entry);
  if (made == nullptr) return {};
  return {made->commitment.payer, made->commitment.payee, made->commitment.asset, {}, made->commitment.maximum};
}

EventBuilder::Parties EventBuilder::settlement(core::SettlementId id) {
  if (const auto found = settlements_.find(id); found != settlements_.end()) return found->second;
  const auto row = reader_.settlement(id);
  if (!row) return {};
  return remember(settlements_, id, Parties{row->payer, row->payee, row->asset, row->statement, row->amount});
}

EventBuilder::ChannelParties EventBuilder::channel(core::ChannelId id) {
  if (const auto found = channels_.find(id); found != channels_.end()) return found->second;
  const auto row = reader_.channel(id);
  if (!row) return {};
  return remember(channels_, id, ChannelParties{row->key, row->config.payer, row->config.receiver});
}

// Fills the event from one entry; leaves `kind` unspecified for entries that are no event.
struct EventBuilder::Describe {
  EventBuilder& names;
  Event& event;

  void parties(const Parties& from) const {
    event.payer = names.payer(from.payer);
    event.payee = names.payee(from.payee);
    event.asset = from.asset;
  }
  void commitment(const core::SignedSingleUse& from) const { parties({from.payer, from.payee, from.asset, {}, {}}); }
  void configured(std::string text) const {
    event.kind = EventKind::configured;
    event.text = std::move(text);
  }

  void operator()(const core::Genesis&) const {}
  void channel(EventKind kind, core::ChannelId id) const {
    const ChannelParties parties = names.channel(id);
    event.kind = kind;
    event.channel = parties.key;
    event.payer = parties.payer;
    event.payee = parties.receiver;
  }
  void operator()(const core::ChannelOpened& entry) const {
    event.kind = EventKind::channel_opened;
    event.channel = entry.key;
    event.payer = entry.config.payer;
    event.payee = entry.config.receiver;
    event.amount = amount_of(entry.chain.balance);
  }
  void operator()(const core::ChannelSynced& entry) const {
    channel(EventKind::channel_synced, entry.id);
    event.amount = amount_of(entry.chain.total_claimed);
    event.text = "balance " + base::to_decimal_string(entry.chain.balance) + ", claimed " +
                 base::to_decimal_string(entry.chain.total_claimed) + ", withdrawal " +
                 base::to_decimal_string(entry.chain.withdrawal) + " in block " + std::to_string(entry.block);
  }
  void operator()(const core::EarningsSynced& entry) const {
    event.kind = EventKind::channel_earnings;
    event.payee = entry.receiver;
    event.amount = amount_of(entry.claimed);
    event.text = "claimed " + base::to_decimal_string(entry.claimed) + ", settled " +
                 base::to_decimal_string(entry.settled) + " of " + base::to_hex(entry.token);
  }
  void operator()(const core::ChannelReserved& entry) const {
    channel(EventKind::channel_reserved, entry.id);
    event.amount = amount_of(entry.amount);
    event.text = entry.refund ? "refund" : "charge";
  }
  void operator()(const core::ChannelCharged& entry) const {
    channel(EventKind::channel_charged, entry.id);
    event.amount = entry.usage.amount;
    event.charges = 1;
    event.text = "charged " + base::to_decimal_string(entry.charged) + " in all";
  }
  void operator()(const core::ChannelReleased& entry) const {
    channel(EventKind::channel_released, entry.id);
    event.text = "reservation " + std::to_string(entry.reservation.value);
  }
  void operator()(const core::ChannelPutAside& entry) const {
    channel(EventKind::channel_put_aside, entry.id);
    event.text = entry.reason;
  }
  void operator()(const core::NoticesApplied&) const {}
  void operator()(const core::TabOpened&) const {}
  void operator()(const core::BatchSigned&) const {}
  void operator()(const core::AssetSet& entry) const {
    configured("asset " + entry.asset.symbol);
    event.asset = entry.asset.id;
  }
  void operator()(const core::PlanSet& entry) const {
    configured("plan " + entry.plan.label);
    event.asset = entry.plan.asset;
  }
  void operator()(const core::PayerSet& entry) const {
    configured("payer " + entry.payer.label);
    event.payer = entry.payer.address;
  }
  void operator()(const core::PayeeSet& entry) const {
    configured("payee " + entry.payee.label);
    event.payee = entry.payee.address;
  }
  void operator()(const core::ServerSet& entry) const { configured("server " + entry.server.label); }
  void operator()(const core::CreditLimitSet& entry) const {
    configured("credit limit");
    event.payer = names.payer(entry.payer);
    event.asset = entry.asset;
    event.amount = entry.limit;
  }
  void operator()(const core::RailMandateSet& entry) const {
    configured("rail mandate for " + std::string(entry.rail.view()));
    event.payer = names.payer(entry.payer);
  }
  void operator()(const core::MandateSet& entry) const {
    event.kind = EventKind::mandate;
    event.payer = entry.mandate.payer;
    event.asset = entry.mandate.asset;
    event.amount = entry.mandate.cap;
    event.text = "set for agent " + base::to_hex(entry.mandate.agent);
  }
  void operator()(const core::MandateRevoked& entry) const {
    event.kind = EventKind::mandate;
    event.payer = entry.revocation.payer;
    event.asset = entry.revocation.asset;
    event.text = "revoked for agent " + base::to_hex(entry.revocation.agent);
  }
  void operator()(const core::StandingSet& entry) const {
    event.kind = entry.standing == core::Standing::active ? EventKind::resumed : EventKind::suspended;
    event.payer = names.payer(entry.payer);
    event.text = entry.reason;
  }
  void operator()(const core::WindowOpened& entry) const {
    event.kind = EventKind::window_opened;
    parties({entry.payer, {}, entry.asset, {}, {}});
  }
  void operator()(const core::WindowClosed& entry) const {
    event.kind = EventKind::window_closed;
    parties({entry.payer, {}, entry.asset, {}, {}});
    event.amount = entry.billed();
    event.statement = entry.statement;
    event.settlement = entry.settlement;
  }
  void operator()(const core::Charged& entry) const {
    event.kind = EventKind::accepted;
    commitment(entry.commitment);
    event.amount = entry.usage.amount;
    event.charges = 1;
  }
  void operator()(const core::HoldMade& entry) const {
    event.kind = EventKind::accepted;
    commitment(entry.commitment);
    event.amount = entry.commitment.maximum;
    event.text = "hold";
  }
  void operator()(const core::HoldCaptured& entry) const {
    event.kind = EventKind::accepted;
    parties(names.hold(entry.hold));
    event.amount = entry.usage.amount;
    event.charges = 1;
    event.text = "capture";
  }
  void operator()(const core::HoldReleased& entry) const {
    event.kind = EventKind::released;
    const Parties from = names.hold(entry.hold);
    parties(from);
    event.amount = from.amount;
    event.text = entry.reason == core::ReleaseReason::expired ? "expired" : "released";
  }
  void operator()(const core::VoucherCharged& entry) const {
    event.kind = EventKind::accepted;
    parties(names.tab(entry.tab));
    for (const commitments::tab::Usage& usage : entry.usages)
      event.amount = base::add_checked(event.amount, usage.amount);
    event.charges = static_cast<std::uint32_t>(entry.usages.size());
    event.text = "voucher";
  }
  void operator()(const core::CreditNoted& entry) const {
    event.kind = EventKind::credited;
    const core::CreditNote& note = entry.note;
    parties({note.payer, {}, note.asset, {}, {}});
    event.amount = note.amount;
    event.statement = note.statement;
    event.text = core::document_number(note.series, note.number) + ": " + note.reason;
  }
  void operator()(const core::PaymentRecorded& entry) const {
    event.kind = EventKind::settled;
    const core::Payment& payment = entry.payment;
    parties({payment.payer, {}, payment.asset, {}, {}});
    event.amount = payment.amount;
    if (payment.parts.size() == 1) event.statement = payment.parts.front().statement;
    event.text = payment.reference;
  }
  void operator()(const core::TaxSet& entry) const {
    configured("tax of " + std::to_string(entry.tax.rate_ppm) + " ppm " + entry.tax.label);
    event.payer = names.payer(entry.payer);
  }
  void operator()(const core::StatementRecalled&) const {}
  void operator()(const core::ReleaseDefaultsSet&) const { configured("release of payees' shares"); }
  void operator()(const core::PayoutScheduled&) const {}
  void operator()(const core::SharesReleased& entry) const {
    const Parties from = names.settlement(entry.settlement);
    event.kind = EventKind::settling;
    parties(from);
    event.amount = from.amount;
    event.statement = from.statement;
    event.settlement = entry.settlement;
    event.settlement_state = core::SettlementState::settled;
    event.text = "released to payees";
  }
  void operator()(const core::StatementClosed& entry) const {
    event.kind = EventKind::credited;
    event.statement = entry.id;
    event.text = entry.reason;
    const auto statement = names.reader_.statement(entry.id);
    if (statement) parties({statement->payer, {}, statement->asset, {}, {}});
  }
  void operator()(const core::SettlementPlanned& entry) const {
    const core::Settlement& planned = entry.settlement;
    event.kind = EventKind::settling;
    parties({planned.payer, planned.payee, planned.asset, {}, {}});
    event.amount = planned.amount;
    event.statement = planned.statement;
    event.settlement = planned.id;
    event.settlement_state = planned.state;
  }
  void operator()(const core::RelayPlanned& entry) const {
    event.kind = EventKind::settling;
    parties({{}, {}, entry.asset, {}, {}});
    event.amount = entry.amount;
    event.settlement = entry.id;
    event.settlement_state = core::SettlementState::ready;
    event.text = entry.label;
  }
  void operator()(const core::SettlementStepped& entry) const {
    const Parties from = names.settlement(entry.id);
    event.kind = kind_of_step(entry.to);
    parties(from);
    event.amount = from.amount;
    event.statement = from.statement;
    event.settlement = entry.id;
    event.settlement_state = entry.to;
    event.text = entry.detail.empty() ? entry.reference : entry.detail;
    if (!entry.rail.view().empty()) event.text += "; next on " + std::string(entry.rail.view());
  }
  void operator()(const core::NoticeRecorded& entry) const {
    const core::Notice& notice = entry.notice;
    event.kind = EventKind::notice;
    event.asset = notice.asset;
    event.amount = notice.amount;
    event.settlement = notice.settlement;
    event.text = "notice " + std::to_string(notice.id.value) + " of " + std::string(notice.rail.view()) + ", " +
                 notice.source + (notice.detail.empty() ? "" : ": " + notice.detail);
  }
  void operator()(const core::NoticeResolved& entry) const {
    event.kind = EventKind::notice;
    event.text = "notice " + std::to_string(entry.id.value) + " is resolved: " + entry.reason;
  }
};

std::vector<Event> EventBuilder::build(const ledger::api::CommittedSegment& segment, std::uint32_t kinds) {
  std::vector<Event> events;
  const auto entries = core::entries_of(segment.body);
  if (!entries) return events;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const base::ByteView bytes = (*entries)[i];
    if (bytes.empty() || (kinds_of(bytes[0]) & kinds) == 0) continue;
    const auto entry = core::decode_entry(bytes);
    if (!entry) continue;
    Event event;
    event.sequence = core::Sequence(segment.header.first_sequence.value + i);
    event.time = segment.header.time;
    std::visit(Describe{*this, event}, *entry);
    if ((bit(event.kind) & kinds) != 0) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace rpc
