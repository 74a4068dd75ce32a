#include "ledger/core/state_machine.h"

#include "ledger/core/state.h"

namespace ledger::core {
namespace {

base::FixedBytes<16> content_of(const Hash& leaf) {
  base::FixedBytes<16> content;
  std::memcpy(content.data(), leaf.data(), content.size());
  return content;
}

}  // namespace

std::string entry_name(Sequence sequence, std::uint8_t kind) {
  return "entry " + std::to_string(sequence.value) + " (" + std::string(kind_name(kind)) + "): ";
}

void StateMachine::State::advance(Sequence sequence, Time time) {
  head.last_sequence = sequence;
  head.last_time = time;
  head_dirty = true;
  ++changes;
}

StateMachine::StateMachine(const aggregator::Calendar& calendar, std::uint64_t hash_seed)
    : state_(std::make_unique<State>(calendar, hash_seed)) {}
StateMachine::~StateMachine() = default;

void StateMachine::create(const std::string& network, const Address& operator_key, SegmentBuilder& out) {
  CHECK_MSG(!state_->head.last_sequence.valid(), "a ledger is created once");
  state_->commit(Genesis{network, operator_key}, out);
}

void StateMachine::execute_batch(const commitments::tab::VerifiedBatch& batch, ReplayIndex& replay, SegmentBuilder& out,
                                 std::span<ItemResult> results) {
  CHECK_MSG(out.time() >= state_->head.last_time, "ledger time never goes back");
  state_->decide_batch(batch, replay, out, results);
}

CommandResult StateMachine::execute(const Command& command, ReplayIndex& replay, SegmentBuilder& out) {
  CHECK_MSG(out.time() >= state_->head.last_time, "ledger time never goes back");
  const invariants::RefusalChangesNothing untouched(out.count(), state_->changes);
  CommandResult result = std::visit(
      [&](const auto& alternative) {
        if constexpr (std::same_as<std::decay_t<decltype(alternative)>, ExpireHolds>) {
          return state_->decide_expire(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, PlanRelay>) {
          return state_->decide_plan(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, CaptureReservation>) {
          return state_->decide_capture(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, RecordNotices>) {
          return state_->decide_record(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, ResolveNotice>) {
          return state_->decide_resolve(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, RecordPayment>) {
          return state_->decide_payment(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, CreateCreditNote>) {
          return state_->decide_note(alternative, replay, out);
        } else if constexpr (std::same_as<std::decay_t<decltype(alternative)>, RefundPayer>) {
          return state_->decide_refund(alternative, replay, out);
        } else {
          return state_->decide(alternative, out);
        }
      },
      command);
  if (result.status != base::Status::ok) untouched.check(out.count(), state_->changes);
  return result;
}

base::Result<void> StateMachine::apply(const Entry& entry, Sequence sequence, const Hash& leaf, Time time,
                                       ReplayIndex& replay) {
  State& state = *state_;
  const std::string where = entry_name(sequence, kind_of(entry));
  if (sequence.value != state.head.last_sequence.value + 1) {
    return mismatch(where + "it does not follow entry " + std::to_string(state.head.last_sequence.value));
  }
  if (time < state.head.last_time) return mismatch(where + "its time is before the previous entry's");
  if (!state.domain && !std::holds_alternative<Genesis>(entry)) return mismatch(where + "the ledger has no genesis");
  const std::optional<ReplayRecord> record = replay_record(entry, sequence);
  if (record && replay.find(record->key))
    return mismatch(where +
                    "the same commitment, capture, relay, notice, payment, credit note or refund was recorded before");
  Outcome outcome =
      std::visit([&](const auto& alternative) { return state.apply_next(alternative, sequence, leaf, time); }, entry);
  if (!outcome) return mismatch(where + outcome.error().message);
  if (record) replay.insert(record->key, record->hit);
  return {};
}

std::optional<commitments::tab::Item> StateMachine::item_of(const Entry& entry) const { return state_->item_of(entry); }

std::optional<StateMachine::ReplayRecord> StateMachine::replay_record(const Entry& entry, Sequence sequence) const {
  if (const auto* released = std::get_if<HoldReleased>(&entry);
      released != nullptr && released->reason == ReleaseReason::expired) {
    // Zero content: no item has it, so a later capture or release learns that the hold expired.
    return ReplayRecord{replay_key_finish(released->payer, released->nonce), {sequence, {}}};
  }
  if (const auto* planned = std::get_if<RelayPlanned>(&entry)) return State::replay_record(*planned);
  if (const auto* recorded = std::get_if<NoticeRecorded>(&entry)) return State::replay_record(*recorded);
  if (const auto* payment = std::get_if<PaymentRecorded>(&entry)) return State::replay_record(*payment);
  if (const auto* noted = std::get_if<CreditNoted>(&entry)) return State::replay_record(*noted);
  if (const auto* planned = std::get_if<SettlementPlanned>(&entry);
      planned != nullptr && planned->settlement.kind == SettlementKind::refund) {
    return State::replay_record(*planned);
  }
  if (const auto* charged = std::get_if<ChannelCharged>(&entry)) {
    ReplayRecord record = State::replay_record(*charged);
    record.hit.sequence = sequence;
    return record;
  }
  const std::optional<commitments::tab::Item> item = state_->item_of(entry);
  if (!item) return std::nullopt;
  const AssetId asset = item->kind == commitments::tab::ItemKind::voucher ? item->voucher.asset : item->single.asset;
  const AssetRecord* record = state_->find_asset(asset);
  const Hash text_hash = record == nullptr ? Hash{} : record->text_hash;  // captures and releases name no asset
  const Hash digest = commitments::tab::item_digest(*state_->domain, *item, text_hash);
  const Hash leaf = commitments::tab::item_leaf(item->kind, digest, item->first_index, item->usages);
  ReplayRecord result{{}, {sequence, content_of(leaf)}};
  if (const auto* charged = std::get_if<Charged>(&entry)) {
    result.key = replay_key_single_use(charged->commitment.payer, charged->commitment.nonce);
  } else if (const auto* hold = std::get_if<HoldMade>(&entry)) {
    result.key = replay_key_single_use(hold->commitment.payer, hold->commitment.nonce);
  } else if (const auto* captured = std::get_if<HoldCaptured>(&entry)) {
    result.key = replay_key_finish(captured->payer, captured->nonce);
  } else if (const auto* released = std::get_if<HoldReleased>(&entry)) {
    result.key = replay_key_finish(released->payer, released->nonce);
  } else {
    const auto& voucher = std::get<VoucherCharged>(entry);
    result.key = replay_key_voucher(voucher.tab, voucher.first_index);
  }
  return result;
}

void StateMachine::segment_done(const SegmentHeader& header, const Hash& segment_hash) {
  LedgerHead& head = state_->head;
  CHECK(header.number.value == head.last_segment.value + 1);
  CHECK(header.first_sequence.value + header.count - 1 == head.last_sequence.value);
  head.last_segment = header.number;
  head.last_segment_hash = segment_hash;
  head.segments.append(segment_hash);
  state_->head_dirty = true;
}

void StateMachine::drain_changes(RowSink& sink) { state_->drain(sink); }
base::Result<void> StateMachine::load_row(base::ByteView key, base::ByteView value) { return state_->load(key, value); }
base::Result<void> StateMachine::finish_load() { return state_->finish_load(); }
void StateMachine::dump_rows(RowSink& sink) const { state_->dump(sink); }
base::Result<void> StateMachine::check_books() const { return state_->check_books(); }

Time StateMachine::next_window_end() const {
  return state_->windows_due.empty() ? Time{~std::uint64_t{0}} : state_->windows_due.begin()->first;
}
Time StateMachine::next_hold_expiry() const {
  return state_->hold_expiry.empty() ? Time{~std::uint64_t{0}} : state_->hold_expiry.begin()->first;
}
bool StateMachine::payouts_waiting() const { return !state_->payouts_due.empty(); }
Time StateMachine::next_payout() const {
  return state_->payouts_later.empty() ? Time{~std::uint64_t{0}} : std::get<Time>(*state_->payouts_later.begin());
}
Time StateMachine::next_release() const {
  return state_->releases_due.empty() ? Time{~std::uint64_t{0}} : state_->releases_due.begin()->first;
}

StatementId StateMachine::recalls(const Command& command) const {
  StatementId id;
  if (const auto* note = std::get_if<CreateCreditNote>(&command)) id = note->statement;
  if (const auto* refund = std::get_if<RefundPayer>(&command)) id = refund->statement;
  if (!id.valid() || id.value > state_->head.statements || state_->keeps_closed(id)) return {};
  SettlementId collection;
  const SettlementRecord* record = state_->find_collection(id, collection);
  return record != nullptr && !record->finished ? StatementId{} : id;
}

const LedgerHead& StateMachine::head() const { return state_->head; }

StateCounts StateMachine::counts() const {
  StateCounts counts;
  counts.payers = state_->head.payers;
  counts.tallies = state_->tallies.size();
  counts.open_windows = state_->open_windows;
  counts.open_holds = state_->holds.size();
  counts.tabs = state_->tabs.size();
  counts.open_settlements = state_->settlements.size();
  counts.channels = state_->channels.size();
  counts.open_notices = state_->open_notices.size();
  return counts;
}

std::shared_ptr<const commitments::tab::AssetTable> StateMachine::asset_table() const { return state_->asset_table; }

}  // namespace ledger::core
