#pragma once

// The fields of every stored object, listed once and used for both directions: fields(archive, object) names the
// members in their stored order, Writer appends them, Reader fills them. Internal to ledger/core; layouts:
// ledger/FORMAT.md.

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

#include "base/codec.h"
#include "ledger/core/entry.h"
#include "ledger/core/row.h"

namespace ledger::core {

// True for T and const T: lets one list serve writing (const) and reading.
template <typename T, typename Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

// Numbers that were never given out must not be read back as one of an enumeration.
constexpr bool known(commitments::tab::Period value) { return value <= commitments::tab::Period::month; }
constexpr bool known(aggregator::WindowKind value) { return value <= aggregator::WindowKind::month; }
constexpr bool known(Standing value) { return value <= Standing::suspended_by_dunning; }
constexpr bool known(CloseReason value) { return value >= CloseReason::time && value <= CloseReason::operator_asked; }
constexpr bool known(ReleaseReason value) {
  return value >= ReleaseReason::released && value <= ReleaseReason::expired;
}
constexpr bool known(StatementState value) {
  return value >= StatementState::open && value <= StatementState::credited;
}
constexpr bool known(SettlementKind value) {
  return value >= SettlementKind::collection && value <= SettlementKind::refund;
}
constexpr bool known(SettlementState value) {
  return value >= SettlementState::ready && value <= SettlementState::cancelled;
}
constexpr bool known(FailureClass value) { return value <= FailureClass::needs_action; }
constexpr bool known(NoticeKind value) { return value >= NoticeKind::event && value <= NoticeKind::changed; }
constexpr bool known(NoticeState value) { return value >= NoticeState::applied && value <= NoticeState::resolved; }
constexpr bool known(Direction value) { return value <= Direction::out; }
constexpr bool known(Resolution value) { return value <= Resolution::pays_statement; }

// Objects.
template <typename A, Is<Balance> T>
void fields(A& a, T& v) {
  a(v.posted, v.pending);
}
template <typename A, Is<aggregator::WindowSpec> T>
void fields(A& a, T& v) {
  a(v.kind, v.duration_s, v.time_zone);
}
template <typename A, Is<aggregator::WindowBounds> T>
void fields(A& a, T& v) {
  a(v.start, v.end);
}
template <typename A, Is<aggregator::Line> T>
void fields(A& a, T& v) {
  a(v.payee, v.resource, v.amount, v.charges, v.quantity);
}
template <typename A, Is<aggregator::PayeeShare> T>
void fields(A& a, T& v) {
  a(v.payee, v.amount);
}
template <typename A, Is<Asset> T>
void fields(A& a, T& v) {
  a(v.id, v.text, v.symbol, v.scale, v.rail_scale);
}
template <typename A, Is<Plan> T>
void fields(A& a, T& v) {
  a(v.id, v.label, v.asset, v.window, v.settle_threshold, v.minimum, v.credit_limit, v.terms_s, v.rails, v.dunning_s,
    v.series, v.credit_note_series);
}
template <typename A, Is<Tax> T>
void fields(A& a, T& v) {
  a(v.rate_ppm, v.label, v.note);
}
template <typename A, Is<RailMandate> T>
void fields(A& a, T& v) {
  a(v.rail, v.mandate);
}
template <typename A, Is<RailRefusal> T>
void fields(A& a, T& v) {
  a(v.rail, v.failure);
}
template <typename A, Is<Payer> T>
void fields(A& a, T& v) {
  a(v.id, v.address, v.label, v.plans, v.standing, v.registered, v.rail_mandates, v.tax);
}
template <typename A, Is<Tally> T>  // without its lines, which have rows of their own
void fields(A& a, T& v) {
  a(v.payer, v.asset, v.plan, v.credit_limit_override, v.held, v.unbilled, v.billed, v.credit, v.window,
    v.window_number, v.entries, v.carried_in, v.account_unbilled, v.account_receivable, v.account_credit);
}
template <typename A, Is<ReleaseRule> T>
void fields(A& a, T& v) {
  a(v.rail, v.hold_s, v.reserve_bp);
}
template <typename A, Is<ReleaseDefaults> T>
void fields(A& a, T& v) {
  a(v.release, v.payout_every);
}
template <typename A, Is<Payee> T>
void fields(A& a, T& v) {
  a(v.id, v.address, v.label, v.fee_basis_points, v.fee_fixed, v.payout_rail, v.payout_account, v.payout_minimum,
    v.active, v.registered, v.own_terms, v.release, v.payout_every);
}
template <typename A, Is<PayeeBalance> T>
void fields(A& a, T& v) {
  a(v.payee, v.asset, v.accrued, v.payable, v.reserve, v.recoverable, v.payable_now, v.paid_out, v.fees, v.open_payout,
    v.payout_from);
}
template <typename A, Is<Server> T>
void fields(A& a, T& v) {
  a(v.id, v.key, v.label, v.payees, v.active);
}
template <typename A, Is<commitments::tab::Mandate> T>
void fields(A& a, T& v) {
  a(v.payer, v.agent, v.asset, v.cap, v.period, v.payees, v.valid_after, v.valid_before, v.nonce);
}
template <typename A, Is<commitments::tab::MandateRevocation> T>
void fields(A& a, T& v) {
  a(v.payer, v.agent, v.asset, v.nonce);
}
template <typename A, Is<MandateState> T>
void fields(A& a, T& v) {
  a(v.id, v.mandate, v.signature, v.revoked, v.nonce_floor, v.counted_at);
  for (auto& spent : v.spent_by_period) a(spent);
  a(v.held);
}
template <typename A, Is<Tab> T>
void fields(A& a, T& v) {
  a(v.id, v.key, v.payer, v.payee, v.asset, v.salt, v.maximum, v.charged, v.charges);
}
template <typename A, Is<Hold> T>
void fields(A& a, T& v) {
  a(v.sequence, v.payer, v.payee, v.asset, v.nonce, v.maximum, v.resource, v.mandate, v.expires, v.server);
}
template <typename A, Is<StatementMark> T>
void fields(A& a, T& v) {
  a(v.state, v.credited, v.credited_paid, v.paid, v.refunded, v.fees);
}
template <typename A, Is<Statement> T>  // without its mark, which has a row of its own
void fields(A& a, T& v) {
  a(v.id, v.payer, v.asset, v.plan, v.window_number, v.window, v.issued, v.due, v.total, v.net, v.tax, v.tax_terms,
    v.series, v.number, v.credit_applied, v.lines, v.carried_in, v.shares, v.carried_out, v.entries, v.root,
    v.closed_by, v.settlement);
}
template <typename A, Is<Settlement> T>
void fields(A& a, T& v) {
  a(v.id, v.kind, v.payer, v.payee, v.statement, v.asset, v.amount, v.fee, v.rail, v.state, v.attempt,
    v.technical_retries, v.dunning_step, v.next_action, v.idempotency_key, v.request, v.reference, v.failure, v.detail,
    v.code, v.rail_fee, v.refusals, v.created, v.submitted, v.confirmed, v.finalized, v.operator_reference);
}
template <typename A, Is<ShareRelease> T>
void fields(A& a, T& v) {
  a(v.due, v.reserve_bp, v.done, v.fee, v.reserve);
}
template <typename A, Is<ClosedStatement> T>
void fields(A& a, T& v) {
  a(v.statement, v.payer, v.asset, v.plan, v.net, v.tax, v.shares, v.mark, v.collection, v.collected, v.rail,
    v.refunds_open);
}
template <typename A, Is<Series> T>
void fields(A& a, T& v) {
  a(v.name, v.last);
}
// A credit note as its entry has it.
template <typename A, Is<CreditNote> T>
void noted_fields(A& a, T& v) {
  a(v.id, v.series, v.number, v.payer, v.asset, v.statement, v.amount, v.net, v.tax, v.reduced_due, v.credited,
    v.reason, v.reference, v.time);
}
template <typename A, Is<CreditNote> T>
void fields(A& a, T& v) {
  noted_fields(a, v);
  a(v.noted_by);
}
template <typename A, Is<Payment::Part> T>
void fields(A& a, T& v) {
  a(v.statement, v.amount);
}
template <typename A, Is<Payment> T>
void fields(A& a, T& v) {
  a(v.id, v.payer, v.asset, v.amount, v.reference, v.received, v.parts, v.credited, v.time);
}
template <typename A, Is<NoticeMark> T>
void fields(A& a, T& v) {
  a(v.state, v.resolution, v.payer, v.reason, v.changed);
}
template <typename A, Is<Notice> T>  // without its mark, which has a row of its own
void fields(A& a, T& v) {
  a(v.id, v.rail, v.key, v.source, v.external_id, v.kind, v.settlement, v.asset, v.amount, v.direction, v.recorded_as,
    v.detail, v.body, v.received);
}
template <typename A, Is<OpenNotice> T>
void fields(A& a, T& v) {
  a(v.id, v.rail, v.settlement, v.asset, v.amount, v.direction, v.state);
}
template <typename A, Is<Relay> T>
void fields(A& a, T& v) {
  a(v.settlement, v.key, v.label, v.order);
}
template <typename A, Is<commitments::channel::ChannelConfig> T>
void fields(A& a, T& v) {
  a(v.payer, v.payer_authorizer, v.receiver, v.receiver_authorizer, v.token, v.withdraw_delay_s, v.salt);
}
template <typename A, Is<commitments::channel::Snapshot> T>
void fields(A& a, T& v) {
  a(v.balance, v.total_claimed, v.withdrawal, v.withdraw_requested_at_s, v.refund_nonce);
}
template <typename A, Is<ChannelReservation> T>
void fields(A& a, T& v) {
  a(v.sequence, v.request, v.refund, v.maximum, v.signature, v.amount, v.deposit, v.expires);
}
template <typename A, Is<Channel> T>
void fields(A& a, T& v) {
  a(v.id, v.key, v.chain_id, v.contract, v.config, v.charged, v.captured, v.charges, v.signed_maximum, v.signature,
    v.chain, v.block, v.reservation, v.put_aside, v.opened, v.charged_at);
}
template <typename A, Is<Earnings> T>
void fields(A& a, T& v) {
  a(v.chain_id, v.contract, v.receiver, v.token, v.charged, v.claimed, v.settled, v.block);
}
template <typename A, Is<ChannelCounts> T>
void fields(A& a, T& v) {
  a(v.channels, v.earnings);
}
template <typename A, Is<OperatorBalance> T>
void fields(A& a, T& v) {
  a(v.asset, v.in_transit, v.out_transit, v.cash, v.revenue, v.bad_debt, v.rounding, v.rail_fees, v.suspense, v.tax,
    v.refunds, v.volume);
}
template <typename A, Is<OpenSettlement> T>
void fields(A& a, T& v) {
  a(v.settlement, v.plan, v.net, v.tax, v.credited, v.credited_paid, v.paid, v.refunded, v.surplus, v.refunds_open,
    v.overdue, v.shares, v.releases);
}
template <typename A, Is<LedgerHead> T>
void fields(A& a, T& v) {
  a(v.format_version, v.network, v.operator_key, v.last_sequence, v.last_segment, v.last_segment_hash, v.last_time,
    v.payers, v.payees, v.servers, v.plans, v.mandates, v.tabs, v.statements, v.settlements, v.notices, v.credit_notes,
    v.payments, v.segments);
}

// Entries.
template <typename A, Is<Usage> T>
void fields(A& a, T& v) {
  a(v.amount, v.quantity, v.unit, v.resource);
}
template <typename A, Is<SignedSingleUse> T>
void fields(A& a, T& v) {
  a(v.payer, v.payee, v.asset, v.mandate, v.maximum, v.resource, v.nonce, v.valid_after, v.valid_before, v.signature);
}
template <typename A, Is<Genesis> T>
void fields(A& a, T& v) {
  a(v.network, v.operator_key);
}
template <typename A, Is<AssetSet> T>
void fields(A& a, T& v) {
  a(v.asset);
}
template <typename A, Is<PlanSet> T>
void fields(A& a, T& v) {
  a(v.plan);
}
template <typename A, Is<PayerSet> T>
void fields(A& a, T& v) {
  a(v.payer);
}
template <typename A, Is<PayeeSet> T>
void fields(A& a, T& v) {
  a(v.payee);
}
template <typename A, Is<ServerSet> T>
void fields(A& a, T& v) {
  a(v.server);
}
template <typename A, Is<CreditLimitSet> T>
void fields(A& a, T& v) {
  a(v.payer, v.asset, v.limit);
}
template <typename A, Is<MandateSet> T>
void fields(A& a, T& v) {
  a(v.id, v.mandate, v.signature);
}
template <typename A, Is<MandateRevoked> T>
void fields(A& a, T& v) {
  a(v.id, v.revocation, v.signature);
}
template <typename A, Is<RailMandateSet> T>
void fields(A& a, T& v) {
  a(v.payer, v.rail, v.mandate);
}
template <typename A, Is<StandingSet> T>
void fields(A& a, T& v) {
  a(v.payer, v.standing, v.reason);
}
template <typename A, Is<WindowOpened> T>
void fields(A& a, T& v) {
  a(v.payer, v.asset, v.plan, v.number, v.bounds);
}
template <typename A, Is<WindowClosed> T>
void fields(A& a, T& v) {
  a(v.payer, v.asset, v.number, v.reason, v.statement, v.total, v.net, v.tax, v.invoice, v.entries, v.root, v.due,
    v.settlement);
}
template <typename A, Is<TabOpened> T>
void fields(A& a, T& v) {
  a(v.id, v.payer, v.payee, v.asset, v.salt);
}
template <typename A, Is<Charged> T>
void fields(A& a, T& v) {
  a(v.commitment, v.server, v.usage);
}
template <typename A, Is<HoldMade> T>
void fields(A& a, T& v) {
  a(v.commitment, v.server);
}
template <typename A, Is<HoldCaptured> T>
void fields(A& a, T& v) {
  a(v.hold, v.payer, v.nonce, v.usage);
}
template <typename A, Is<HoldReleased> T>
void fields(A& a, T& v) {
  a(v.hold, v.payer, v.nonce, v.reason);
}
template <typename A, Is<VoucherCharged> T>
void fields(A& a, T& v) {
  a(v.tab, v.server, v.mandate, v.maximum, v.valid_before, v.signature, v.first_index, v.usages);
}
template <typename A, Is<RefusedLeaf> T>
void fields(A& a, T& v) {
  a(v.index, v.leaf);
}
template <typename A, Is<BatchSigned> T>
void fields(A& a, T& v) {
  a(v.server, v.number, v.count, v.root, v.signature, v.first, v.refused);
}
template <typename A, Is<CreditNoted> T>
void fields(A& a, T& v) {
  noted_fields(a, v.note);
}
template <typename A, Is<SettlementPlanned> T>
void fields(A& a, T& v) {
  a(v.settlement);
}
template <typename A, Is<SettlementStepped> T>
void fields(A& a, T& v) {
  a(v.id, v.attempt, v.from, v.to, v.next_action, v.technical_retries, v.dunning_step, v.idempotency_key, v.request,
    v.reference, v.failure, v.detail, v.rail, v.code, v.rail_fee, v.moved);
}
template <typename A, Is<StatementClosed> T>
void fields(A& a, T& v) {
  a(v.id, v.state, v.reason);
}
template <typename A, Is<RelayPlanned> T>
void fields(A& a, T& v) {
  a(v.id, v.rail, v.key, v.asset, v.amount, v.label, v.order);
}
template <typename A, Is<ChannelOpened> T>
void fields(A& a, T& v) {
  a(v.id, v.chain_id, v.contract, v.config, v.key, v.chain, v.block);
}
template <typename A, Is<ChannelSynced> T>
void fields(A& a, T& v) {
  a(v.id, v.chain, v.block, v.rewound, v.charged, v.ended, v.taken_back);
}
template <typename A, Is<EarningsSynced> T>
void fields(A& a, T& v) {
  a(v.chain_id, v.contract, v.receiver, v.token, v.claimed, v.settled, v.block, v.rewound);
}
template <typename A, Is<ChannelReserved> T>
void fields(A& a, T& v) {
  a(v.id, v.request, v.refund, v.maximum, v.signature, v.amount, v.deposit, v.expires);
}
template <typename A, Is<ChannelCharged> T>
void fields(A& a, T& v) {
  a(v.id, v.reservation, v.usage, v.charged);
}
template <typename A, Is<ChannelReleased> T>
void fields(A& a, T& v) {
  a(v.id, v.reservation);
}
template <typename A, Is<ChannelPutAside> T>
void fields(A& a, T& v) {
  a(v.id, v.reason);
}
template <typename A, Is<NoticeRecorded> T>
void fields(A& a, T& v) {
  a(v.notice);
}
template <typename A, Is<NoticesApplied> T>
void fields(A& a, T& v) {
  a(v.settlement, v.notices);
}
template <typename A, Is<NoticeResolved> T>
void fields(A& a, T& v) {
  a(v.id, v.resolution, v.payer, v.reason);
}
template <typename A, Is<TaxSet> T>
void fields(A& a, T& v) {
  a(v.payer, v.tax);
}
template <typename A, Is<StatementRecalled> T>
void fields(A& a, T& v) {
  a(v.statement);
}
template <typename A, Is<PaymentRecorded> T>
void fields(A& a, T& v) {
  a(v.payment);
}
template <typename A, Is<ReleaseDefaultsSet> T>
void fields(A& a, T& v) {
  a(v.defaults);
}
template <typename A, Is<SharesReleased> T>
void fields(A& a, T& v) {
  a(v.settlement);
}
template <typename A, Is<PayoutScheduled> T>
void fields(A& a, T& v) {
  a(v.payee, v.asset, v.from);
}

// Appends fields to an Encoder.
class Writer {
 public:
  explicit Writer(base::Encoder& out) noexcept : out_(out) {}
  template <typename... Ts>
  void operator()(const Ts&... values) {
    (put(values), ...);
  }

 private:
  void put(bool value) { out_.u8(value ? 1 : 0); }
  template <std::unsigned_integral T>
  void put(T value) {
    out_.integer(value);
  }
  template <typename T>
  requires std::is_enum_v<T>
  void put(T value) { out_.u8(static_cast<std::uint8_t>(value)); }
  void put(const base::u128& value) { out_.wide(value); }
  void put(const base::i128& value) { out_.signed_wide(value); }
  void put(const Amount& value) { out_.amount(value); }
  void put(const Time& value) { out_.time(value); }
  template <typename Tag, typename Number>
  void put(const base::Id<Tag, Number>& value) {
    out_.id(value);
  }
  template <std::size_t N>
  void put(const base::FixedBytes<N>& value) {
    out_.fixed(value);
  }
  template <std::size_t N>
  void put(const base::ShortText<N>& value) {
    out_.text(value);
  }
  void put(const base::Uint256& value) { out_.fixed(value.word()); }
  void put(const std::string& value) { out_.string(value); }
  void put(const Bytes& value) { out_.bytes(value); }
  void put(const crypto::MerkleFrontier& value) { value.encode(out_); }
  template <typename T>
  requires(!std::same_as<T, std::uint8_t>) void put(const std::vector<T>& values) {
    out_.u32(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) put(value);
  }
  template <typename T>
  requires std::is_class_v<T>
  void put(const T& value) { fields(*this, value); }

  base::Encoder& out_;
};

// Fills fields from bytes; ok() afterwards says whether they were exactly that object.
class Reader {
 public:
  explicit Reader(base::ByteView bytes) noexcept : in_(bytes), size_(bytes.size()) {}
  template <typename... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }
  bool complete() const noexcept { return in_.complete(); }
  base::Decoder& decoder() noexcept { return in_; }

 private:
  void get(bool& value) {
    const std::uint8_t byte = in_.u8();
    if (byte > 1) in_.fail();
    value = byte == 1;
  }
  template <std::unsigned_integral T>
  void get(T& value) {
    value = in_.integer<T>();
  }
  template <typename T>
  requires std::is_enum_v<T>
  void get(T& value) {
    value = static_cast<T>(in_.u8());
    if (!known(value)) in_.fail();
  }
  void get(base::u128& value) { value = in_.wide(); }
  void get(base::i128& value) { value = in_.signed_wide(); }
  void get(Amount& value) { value = in_.amount(); }
  void get(Time& value) { value = in_.time(); }
  template <typename Tag, typename Number>
  void get(base::Id<Tag, Number>& value) {
    value = in_.id<base::Id<Tag, Number>>();
  }
  template <std::size_t N>
  void get(base::FixedBytes<N>& value) {
    value = in_.fixed<base::FixedBytes<N>>();
  }
  template <std::size_t N>
  void get(base::ShortText<N>& value) {
    value = in_.text<base::ShortText<N>>();
    // One encoding for each text: printable characters, then only zeros.
    if (base::ShortText<N>::parse(value.view()) != value) in_.fail();
  }
  void get(base::Uint256& value) { value = base::Uint256::from_word(in_.fixed<Hash>()); }
  void get(std::string& value) { value = in_.string(); }
  void get(Bytes& value) {
    const base::ByteView view = in_.bytes();
    value.assign(view.begin(), view.end());
  }
  void get(crypto::MerkleFrontier& value) {
    std::optional<crypto::MerkleFrontier> frontier = crypto::MerkleFrontier::decode(in_);
    if (frontier) {
      value = std::move(*frontier);
    } else {
      in_.fail();
    }
  }
  template <typename T>
  requires(!std::same_as<T, std::uint8_t>) void get(std::vector<T>& values) {
    const std::uint32_t count = in_.u32();
    // Every element takes at least one byte: a hostile count cannot reserve more than the input is long.
    if (!in_.ok() || count > size_ - in_.position()) {
      in_.fail();
      return;
    }
    values.clear();
    for (std::uint32_t i = 0; i < count && in_.ok(); ++i) get(values.emplace_back());
  }
  template <typename T>
  requires std::is_class_v<T>
  void get(T& value) { fields(*this, value); }

  base::Decoder in_;
  std::size_t size_;
};

}  // namespace ledger::core
