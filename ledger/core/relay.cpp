// Relays: transactions that are sent for others. A relay is a settlement without parties and postings; its key is in
// the replay index, which makes it one for ever, and its order in a row of its own, which only the rail reads.

#include "base/limits.h"
#include "crypto/sha256.h"
#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
namespace limits = base::limits;
using S = SettlementState;

// What makes two plans the same. The whole key is in it: the replay index keeps a digest's part of it.
base::FixedBytes<16> content_of(const RailName& rail, const Hash& key, const Bytes& order) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.text(rail);
  out.fixed(key);
  const Hash digest = crypto::sha256({bytes, order});
  base::FixedBytes<16> content;
  std::copy_n(digest.bytes.begin(), content.bytes.size(), content.bytes.begin());
  return content;
}

std::string check_relay(const PlanRelay& command) {
  if (command.rail.view().empty()) return "rail: it is empty";
  if (command.key.is_zero()) return "key: it is zero";
  if (command.order.size() > limits::kRelayOrderBytesMax) {
    return "order: " + std::to_string(command.order.size()) + " bytes, at most " +
           std::to_string(limits::kRelayOrderBytesMax) + " are allowed";
  }
  if (!command.asset.valid() && !command.amount.is_zero()) return "amount: it has no asset";
  return check_label(command.label);
}

// It did not happen: it waits for somebody who wants it tried again.
bool is_put_aside(S state) { return state == S::failed || state == S::returned; }

}  // namespace

StateMachine::ReplayRecord StateMachine::State::replay_record(const RelayPlanned& entry) {
  return {replay_key_relay(entry.key), {Sequence(entry.id.value), content_of(entry.rail, entry.key, entry.order)}};
}

void StateMachine::State::track_relay(SettlementId id, const SettlementRecord& record) {
  const bool aside = is_put_aside(record.state);
  if (aside) put_aside.insert(id.value);
  if (aside || is_finished(record.kind, record.state)) {
    relays_under_way.erase(id.value);
  } else {
    relays_under_way.insert(id.value);
  }
  if (!aside) put_aside.erase(id.value);
}

Outcome StateMachine::State::apply(const RelayPlanned& entry, const At& at) {
  if (entry.id.value != head.settlements + 1) {
    return mismatch("the settlement is " + std::to_string(entry.id.value) + " in the journal, the next number is " +
                    std::to_string(head.settlements + 1));
  }
  if (entry.asset.valid() && find_asset(entry.asset) == nullptr) return mismatch("the asset is unknown");
  SettlementRecord& record = settlements[entry.id.value];
  record.kind = SettlementKind::relay;
  record.asset = entry.asset;
  record.amount = entry.amount;
  record.rail = rail_index(entry.rail);
  record.next_action = at.time;
  record.created = at.time;
  new_rows.push_back(
      {row_key(Table::relay, entry.id.value), encode_row(Relay{entry.id, entry.key, entry.label, entry.order})});
  ++head.settlements;
  head_dirty = true;
  track_relay(entry.id, record);
  touch(record, entry.id);
  return {};
}

CommandResult StateMachine::State::decide_plan(const PlanRelay& command, ReplayIndex& replay, SegmentBuilder& out) {
  if (std::string wrong = check_relay(command); !wrong.empty()) return refuse(Status::value_invalid, std::move(wrong));
  if (command.asset.valid() && find_asset(command.asset) == nullptr) {
    return refuse(Status::asset_unknown, "there is no asset " + std::to_string(command.asset.value));
  }
  const SettlementId id(head.settlements + 1);
  const RelayPlanned entry{id, command.rail, command.key, command.asset, command.amount, command.label, command.order};
  const ReplayRecord record = replay_record(entry);
  if (const std::optional<ReplayHit> first = replay.find(record.key)) {
    CommandResult result = unchanged(first->sequence.value);
    result.status = Status::already_accepted;
    if (first->content == record.hit.content || command.order.empty()) return result;
    result.status = Status::relay_conflict;
    result.detail = "key " + base::to_hex(command.key) + " belongs to settlement " +
                    std::to_string(first->sequence.value) + ", which has another rail or order";
    return result;
  }
  if (command.order.empty()) return refuse(Status::not_found, "no relay has the key " + base::to_hex(command.key));
  if (relays_under_way.size() >= limits::kRelaysOpenMax) {
    return refuse(Status::overloaded, std::to_string(relays_under_way.size()) + " relays are under way");
  }
  const Sequence sequence = commit(entry, out);
  replay.insert(record.key, record.hit);
  return changed(sequence, id.value);
}

// Failed relays would otherwise stay in memory for ever.
void StateMachine::State::cancel_old_relays(SegmentBuilder& out) {
  while (put_aside.size() > limits::kRelaysFailedMax) {
    const SettlementId id(*put_aside.begin());
    const SettlementRecord& record = *find_settlement(id);
    SettlementStepped entry;
    entry.id = id;
    entry.attempt = record.attempt;
    entry.from = record.state;
    entry.to = S::cancelled;
    entry.technical_retries = record.technical_retries;
    entry.detail =
        "no new attempt was asked for, and " + std::to_string(limits::kRelaysFailedMax) + " later ones have failed";
    commit(entry, out);
  }
}

}  // namespace ledger::core
