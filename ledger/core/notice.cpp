// Notices: what rails said on their own. A notice is kept for ever and once; it makes its settlement due and moves no
// money of it. Money that belongs to no settlement is booked to suspense until the operator says where it goes.

#include <algorithm>

#include "base/limits.h"
#include "crypto/sha256.h"
#include "ledger/core/decide.h"
#include "ledger/core/fields.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
namespace limits = base::limits;
using S = SettlementState;

// The rail may still say something about it, and is asked.
bool is_probed(S state) { return needs_action(state) && state != S::ready; }

bool is_about_money(const Notice& notice) { return notice.direction != Direction::none; }
bool is_about_money(const OpenNotice& notice) { return notice.direction != Direction::none; }

// The way in which a settlement's money moves.
Direction direction_of(SettlementKind kind) {
  switch (kind) {
    case SettlementKind::collection: return Direction::in;
    case SettlementKind::payout:
    case SettlementKind::refund: return Direction::out;
    case SettlementKind::relay: return Direction::none;
  }
  return Direction::none;
}

// Empty, or what is wrong with it.
std::string check_notice(const Notice& notice) {
  if (notice.rail.view().empty()) return "rail: it is empty";
  if (notice.key.is_zero()) return "key: it is zero";
  if (!known(notice.kind)) return "kind: " + std::to_string(static_cast<unsigned>(notice.kind)) + " is not one";
  if (!known(notice.direction)) return "direction: it is none of none, in, out";
  if (notice.body.size() > limits::kNoticeBodyBytesMax) {
    return "body: " + std::to_string(notice.body.size()) + " bytes, at most " +
           std::to_string(limits::kNoticeBodyBytesMax) + " are allowed";
  }
  const bool money = is_about_money(notice);
  if (money != !notice.amount.is_zero() || money != notice.asset.valid()) {
    return "amount: a notice about money has an asset, an amount and a direction, any other has none of them";
  }
  return {};
}

OpenNotice open_of(const Notice& notice) {
  return {notice.id, notice.rail, notice.settlement, notice.asset, notice.amount, notice.direction, notice.recorded_as};
}

}  // namespace

template <typename Visit>
void StateMachine::State::for_waiting(SettlementId id, const Visit& visit) const {
  for (auto at = waiting_notices.lower_bound({id.value, 0}); at != waiting_notices.end() && at->first == id.value;
       ++at) {
    if (!visit(open_notices.at(at->second))) return;
  }
}

NoticeId StateMachine::State::contradiction(SettlementId id, const SettlementRecord& record) const {
  NoticeId found;
  const Direction own = direction_of(record.kind);
  if (own == Direction::none) return found;
  for_waiting(id, [&](const OpenNotice& notice) {
    if (notice.direction == own) found = notice.id;
    return !found.valid();
  });
  return found;
}

bool StateMachine::State::news_after(SettlementId id, const SettlementRecord& record, NoticeId read) const {
  bool found = false;
  for_waiting(id, [&](const OpenNotice& notice) {
    found = notice.id > read && notice.rail == rail_names[record.rail];
    return !found;
  });
  return found;
}

void StateMachine::State::apply_notices(const StepSettlement& command, const SettlementView& before,
                                        SegmentBuilder& out) {
  const SettlementId id = command.id;
  const std::vector<NoticeId>& said = command.explained;
  const SettlementRecord& record = *find_settlement(id);
  const bool looked_at = needs_action(record.state);  // by its rail, sooner or later
  NoticesApplied entry;
  entry.settlement = id;
  for_waiting(id, [&](const OpenNotice& notice) {
    const bool known_then = notice.id <= command.notices_read && notice.rail == before.rail;
    // Money that had moved before anything was sent, or once more, is the operator's to explain.
    const bool named = std::find(said.begin(), said.end(), notice.id) != said.end();
    const bool explained = !is_about_money(notice) || (before.state != S::ready && named);
    const bool never = !is_about_money(notice) && (!looked_at || notice.rail != rail_names[record.rail]);
    if ((known_then && explained) || never) entry.notices.push_back(notice.id);
    return true;
  });
  if (!entry.notices.empty()) commit(entry, out);
}

NoticeState StateMachine::State::state_of_new(const Notice& notice) const {
  if (notice.recorded_as == NoticeState::refused) return NoticeState::refused;
  if (!notice.settlement.valid()) return is_about_money(notice) ? NoticeState::suspense : NoticeState::applied;
  if (is_about_money(notice)) return NoticeState::waiting;
  const SettlementRecord* record = settlements.find(notice.settlement.value);
  const bool over = record == nullptr || record->finished;
  if (over && notice.kind == NoticeKind::returned) return NoticeState::waiting;  // for the operator: no rail is asked
  const bool looked_at = !over && needs_action(record->state) && rail_names[record->rail] == notice.rail;
  return looked_at ? NoticeState::waiting : NoticeState::applied;
}

bool StateMachine::State::is_suspense_full(AssetId asset, Amount amount) const {
  return amount.units() > kVolumeMax || find_asset(asset)->operators.volume.units() + amount.units() > kVolumeMax;
}

void StateMachine::State::change_notice(const OpenNotice& notice, NoticeMark mark) {
  const auto from = static_cast<std::uint8_t>(notice.state);
  const NoticeId id = notice.id;
  ++changes;
  if (notice.state == NoticeState::waiting) waiting_notices.erase({notice.settlement.value, id.value});
  open_notices.erase(id.value);  // `notice` is gone
  notice_changes.push_back({id, from, std::move(mark)});
}

// ---- entries ----

StateMachine::ReplayRecord StateMachine::State::replay_record(const NoticeRecorded& entry) {
  const Notice& notice = entry.notice;
  Bytes bytes;
  base::Encoder out(bytes);
  out.text(notice.rail);
  out.fixed(notice.key);
  const Hash digest = crypto::sha256(bytes);
  ReplayRecord record{replay_key_notice(notice.rail, notice.key), {Sequence(notice.id.value), {}}};
  std::copy_n(digest.bytes.begin(), record.hit.content.bytes.size(), record.hit.content.bytes.begin());
  return record;
}

Outcome StateMachine::State::apply(const NoticeRecorded& entry, const At& at) {
  const Notice& notice = entry.notice;
  if (notice.id.value != head.notices + 1) {
    return mismatch("the notice is " + std::to_string(notice.id.value) + " in the journal, the next number is " +
                    std::to_string(head.notices + 1));
  }
  if (std::string wrong = check_notice(notice); !wrong.empty()) return mismatch(std::move(wrong));
  if (notice.settlement.value > head.settlements) return mismatch("the notice's settlement is unknown");
  if (is_about_money(notice) && find_asset(notice.asset) == nullptr) return mismatch("the notice's asset is unknown");
  const NoticeState state = state_of_new(notice);
  if (notice.recorded_as != state) return mismatch("the notice has another state than it is recorded with");
  if (state == NoticeState::suspense) {
    if (is_suspense_full(notice.asset, notice.amount)) return mismatch("the asset's volume overflows");
    AssetRecord& asset = *find_asset(notice.asset);
    Balance& cash = asset.operators.cash;
    Balance& suspense = asset.operators.suspense;
    asset.operators.volume = base::add_checked(asset.operators.volume, notice.amount);
    transaction.debit(notice.direction == Direction::in ? cash : suspense, Phase::posted, notice.amount);
    transaction.credit(notice.direction == Direction::in ? suspense : cash, Phase::posted, notice.amount);
    transaction.commit();
    touch_operators(asset);
  }
  if (state == NoticeState::waiting) {
    waiting_notices.emplace(notice.settlement.value, notice.id.value);
    SettlementRecord* record = find_settlement(notice.settlement);
    const bool due =
        record != nullptr && !record->finished && is_probed(record->state) && rail_names[record->rail] == notice.rail;
    if (due) {
      record->next_action = at.time;
      touch(*record, notice.settlement);
    }
  }
  if (state == NoticeState::waiting || state == NoticeState::suspense) open_notices[notice.id.value] = open_of(notice);
  new_rows.push_back({row_key(Table::notice, notice.id.value), encode_row(notice)});
  if (notice.settlement.valid()) {
    new_rows.push_back({row_key(Table::notice_by_settlement, notice.settlement.value, notice.id.value), {}});
  }
  NoticeMark mark;
  mark.state = state;
  notice_changes.push_back({notice.id, 0, mark});
  ++changes;
  ++head.notices;
  head_dirty = true;
  return {};
}

Outcome StateMachine::State::apply(const NoticesApplied& entry, const At& at) {
  if (entry.notices.empty()) return mismatch("it names no notice");
  for (const NoticeId id : entry.notices) {
    const auto found = open_notices.find(id.value);
    if (found == open_notices.end() || found->second.state != NoticeState::waiting ||
        found->second.settlement != entry.settlement) {
      return mismatch("notice " + std::to_string(id.value) + " does not wait for this settlement");
    }
    NoticeMark mark;
    mark.state = NoticeState::applied;
    mark.changed = at.time;
    change_notice(found->second, std::move(mark));
  }
  return {};
}

std::string StateMachine::State::check_resolution(const OpenNotice& notice, Resolution resolution) const {
  const bool booked = notice.state == NoticeState::suspense;
  switch (resolution) {
    case Resolution::none:
      return "resolution: it is none of dismissed, went_back, payer_credit, operators, pays_statement";
    case Resolution::dismissed: return booked ? "its money is in suspense: say where it goes" : std::string();
    case Resolution::went_back:
    case Resolution::operators:
    case Resolution::payer_credit:
    case Resolution::pays_statement: break;
  }
  if (!is_about_money(notice)) return "it is not about money: it can only be dismissed";
  const bool to_payer = resolution == Resolution::payer_credit || resolution == Resolution::pays_statement;
  if (to_payer && notice.direction != Direction::in) return "its money went out: it cannot be a payer's";
  const bool is_booked_here = resolution != Resolution::went_back && resolution != Resolution::pays_statement;
  if (!booked && is_booked_here && is_suspense_full(notice.asset, notice.amount)) {
    return "its amount is more than can be represented";
  }
  return {};
}

void StateMachine::State::book_resolution(const OpenNotice& notice, const NoticeResolved& entry) {
  if (entry.resolution == Resolution::dismissed) return;
  AssetRecord& asset = *find_asset(notice.asset);
  OperatorBalance& operators = asset.operators;
  const bool booked = notice.state == NoticeState::suspense;
  // It came and went, and never was in the books; or the payment that follows books it.
  const bool elsewhere = entry.resolution == Resolution::went_back || entry.resolution == Resolution::pays_statement;
  if (!booked && elsewhere) return;
  if (!booked) operators.volume = base::add_checked(operators.volume, notice.amount);
  const bool came_in = notice.direction == Direction::in;
  Balance& from = booked ? operators.suspense : operators.cash;
  Balance* to = &operators.cash;
  if (entry.resolution == Resolution::operators) to = came_in ? &operators.revenue : &operators.bad_debt;
  if (entry.resolution == Resolution::payer_credit) {
    TallyRecord& owner = tally(entry.payer, notice.asset);
    if (!owner.extra) owner.extra = std::make_unique<TallyExtra>();
    to = &owner.extra->credit;
    touch(owner);
  }
  transaction.debit(came_in ? from : *to, Phase::posted, notice.amount);
  transaction.credit(came_in ? *to : from, Phase::posted, notice.amount);
  transaction.commit();
  touch_operators(asset);
}

Outcome StateMachine::State::apply(const NoticeResolved& entry, const At& at) {
  const auto found = open_notices.find(entry.id.value);
  if (found == open_notices.end()) return mismatch("notice " + std::to_string(entry.id.value) + " is not open");
  if (std::string wrong = check_resolution(found->second, entry.resolution); !wrong.empty()) {
    return mismatch(std::move(wrong));
  }
  const bool to_payer = entry.resolution == Resolution::payer_credit || entry.resolution == Resolution::pays_statement;
  if (to_payer ? find_payer(entry.payer) == nullptr : entry.payer.valid()) return mismatch("the payer is wrong");
  book_resolution(found->second, entry);
  change_notice(found->second, {NoticeState::resolved, entry.resolution, entry.payer, entry.reason, at.time});
  return {};
}

// ---- decisions ----

NoticeAnswer StateMachine::State::record_notice(const Notice& asked, ReplayIndex& replay, SegmentBuilder& out) {
  if (std::string wrong = check_notice(asked); !wrong.empty()) return {Status::value_invalid, {}, std::move(wrong)};
  if (is_about_money(asked) && find_asset(asked.asset) == nullptr) {
    return {Status::asset_unknown, {}, "asset: there is no asset " + std::to_string(asked.asset.value)};
  }
  NoticeRecorded entry{asked};
  Notice& notice = entry.notice;
  notice.id = NoticeId(head.notices + 1);
  const ReplayRecord record = replay_record(entry);
  if (const std::optional<ReplayHit> first = replay.find(record.key)) {
    return {Status::already_accepted, NoticeId(first->sequence.value), {}};
  }
  notice.mark = {};
  notice.source = cleaned(notice.source, limits::kNoticeTextBytesMax);
  notice.external_id = cleaned(notice.external_id, limits::kNoticeTextBytesMax);
  notice.detail = cleaned(notice.detail, kDetailBytesMax);
  if (notice.received.us == 0) notice.received = out.time();
  if (notice.settlement.value > head.settlements) {
    notice.detail = cleaned(
        "it names settlement " + std::to_string(notice.settlement.value) + ", which does not exist; " + notice.detail,
        kDetailBytesMax);
    notice.settlement = SettlementId{};
  }
  notice.recorded_as = state_of_new(notice);
  const bool open = notice.recorded_as == NoticeState::waiting || notice.recorded_as == NoticeState::suspense;
  if (open && open_notices.size() >= limits::kNoticesOpenMax) {
    return {Status::overloaded, {}, std::to_string(open_notices.size()) + " notices wait for the operator"};
  }
  if (notice.recorded_as == NoticeState::suspense && is_suspense_full(notice.asset, notice.amount)) {
    return {Status::amount_overflow, {}, "amount: it is more than can be represented"};
  }
  commit(entry, out);
  replay.insert(record.key, record.hit);
  return {Status::ok, notice.id, {}};
}

CommandResult StateMachine::State::decide_record(const RecordNotices& command, ReplayIndex& replay,
                                                 SegmentBuilder& out) {
  if (command.notices.empty() || command.notices.size() > limits::kNoticesPerCommandMax) {
    return refuse(Status::value_invalid,
                  "notices: 1 to " + std::to_string(limits::kNoticesPerCommandMax) + " are recorded at once");
  }
  CommandResult result;
  result.notices.reserve(command.notices.size());
  for (const Notice& notice : command.notices) {
    result.notices.push_back(record_notice(notice, replay, out));
    if (result.notices.back().status != Status::ok) continue;
    ++result.count;
    result.sequence = head.last_sequence;
    result.id = head.notices;
  }
  return result;
}

CommandResult StateMachine::State::decide_resolve(const ResolveNotice& command, ReplayIndex& replay,
                                                  SegmentBuilder& out) {
  const std::string name = "notice " + std::to_string(command.id.value);
  const auto found = open_notices.find(command.id.value);
  if (found == open_notices.end()) {
    if (!command.id.valid() || command.id.value > head.notices) {
      return refuse(Status::not_found, "there is no " + name);
    }
    return refuse(Status::wrong_state, name + " neither waits nor is in suspense");
  }
  if (std::string wrong = check_text("reason", command.reason, kDetailBytesMax); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (std::string wrong = check_resolution(found->second, command.resolution); !wrong.empty()) {
    return refuse(Status::wrong_state, name + ": " + std::move(wrong));
  }
  NoticeResolved entry{command.id, command.resolution, PayerId{}, command.reason};
  const bool pays = command.resolution == Resolution::pays_statement;
  if (pays || command.resolution == Resolution::payer_credit) {
    entry.payer = find_payer(command.payer);
    if (!entry.payer.valid()) {
      return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(command.payer));
    }
  }
  if (!pays) return changed(commit(entry, out), command.id.value);
  if (command.oldest_first.size() > limits::kPaymentStatementsMax || command.statement.value > head.statements) {
    return refuse(Status::value_invalid, "statement: there is no such statement, or they are too many");
  }
  Payment payment;
  payment.payer = entry.payer;
  payment.asset = found->second.asset;
  payment.amount = found->second.amount;
  payment.reference = name;
  payment.received = payment.time = out.time();
  const std::span<const StatementId> statements =
      command.statement.valid() ? std::span(&command.statement, 1) : std::span(command.oldest_first);
  return record_payment(std::move(payment), statements, replay, out, &entry);
}

}  // namespace ledger::core
