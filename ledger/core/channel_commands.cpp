// Decisions about channels.

#include "base/limits.h"
#include "base/text.h"
#include "ledger/core/channel.h"
#include "ledger/core/decide.h"

namespace ledger::core {
namespace {

using base::Status;
namespace limits = base::limits;

CommandResult unknown(const Hash& key) {
  return refuse(Status::channel_unknown, "channel " + base::to_hex(key) + " is not kept here");
}

std::string check_reserve(const ReserveVoucher& command) {
  if (command.amount == 0) return "amount: it is zero";
  if (command.refund) return command.deposit == 0 ? "" : "deposit: a refund has none";
  if (command.ttl_s == 0 || command.ttl_s > limits::kReservationSecondsMax) {
    return "ttl_s: it is " + std::to_string(command.ttl_s) + ", 1 to " +
           std::to_string(limits::kReservationSecondsMax) + " are allowed";
  }
  return {};
}

bool same_request(const ChannelReservation& present, const ReserveVoucher& command) {
  return present.refund == command.refund && present.maximum == command.maximum &&
         present.signature == command.signature && present.amount == command.amount &&
         present.deposit == command.deposit;
}

}  // namespace

CommandResult StateMachine::State::open_channel(const SyncChannel& command, SegmentBuilder& out) {
  if (command.chain_id == 0) return refuse(Status::value_invalid, "chain_id: it is zero");
  const commitments::channel::Domain contract(command.chain_id, command.contract);
  const Hash key = commitments::channel::channel_id(contract, command.config);
  if (key != command.key) {
    return refuse(Status::value_invalid,
                  "key: it is " + base::to_hex(command.key) + ", the configuration gives " + base::to_hex(key));
  }
  if (channels.size() >= limits::kChannelsMax) {
    return refuse(Status::limit_reached, std::to_string(channels.size()) + " channels are kept");
  }
  const ChannelId id(channels.size() + 1);
  return changed(commit(ChannelOpened{id, command.chain_id, command.contract, command.config, key, command.snapshot,
                                      command.block},
                        out),
                 id.value);
}

CommandResult StateMachine::State::decide(const SyncChannel& command, SegmentBuilder& out) {
  const ChannelId id = find_channel(command.key);
  if (!id.valid()) return open_channel(command, out);
  const std::optional<ChannelSynced> entry =
      synced(id, *find_channel(id), command.snapshot, command.block, command.rewound);
  return entry ? changed(commit(*entry, out), id.value) : unchanged(id.value);
}

CommandResult StateMachine::State::decide(const SyncEarnings& command, SegmentBuilder& out) {
  Earnings of;
  of.chain_id = command.chain_id;
  of.contract = command.contract;
  of.receiver = command.receiver;
  of.token = command.token;
  if (of.chain_id == 0) return refuse(Status::value_invalid, "chain_id: it is zero");
  const std::uint32_t known = find_earnings(of);
  const Earnings& present = known == 0 ? of : earnings[known - 1].earnings;
  if (!is_news(present, command.claimed, command.settled, command.block, command.rewound)) return unchanged(known);
  const Sequence sequence = commit(EarningsSynced{command.chain_id, command.contract, command.receiver, command.token,
                                                  command.claimed, command.settled, command.block, command.rewound},
                                   out);
  return changed(sequence, find_earnings(of));
}

CommandResult StateMachine::State::decide(const ReserveVoucher& command, SegmentBuilder& out) {
  if (std::string wrong = check_reserve(command); !wrong.empty())
    return refuse(Status::value_invalid, std::move(wrong));
  const ChannelId id = find_channel(command.key);
  if (!id.valid()) return unknown(command.key);
  const ChannelRecord& record = *find_channel(id);
  if (record.reservation && !command.request.is_zero() && record.reservation->request == command.request) {
    if (!same_request(*record.reservation, command)) {
      return refuse(Status::channel_busy, "the request was made before with another voucher or amount");
    }
    CommandResult result = changed(record.reservation->sequence, id.value);
    result.status = Status::already_accepted;
    return result;
  }
  ChannelReserved entry{
      id, command.request, command.refund, command.maximum, command.signature, command.amount, command.deposit, Time{}};
  if (!command.refund) entry.expires = Time{out.time().us + command.ttl_s * 1'000'000};
  const ChannelReservation wanted{Sequence{},      entry.request, entry.refund,  entry.maximum,
                                  entry.signature, entry.amount,  entry.deposit, entry.expires};
  ChannelCheck check = check_reservation(record, wanted, out.time());
  if (check.status != Status::ok) return refuse(check.status, std::move(check.detail));
  return changed(commit(entry, out), id.value);
}

CommandResult StateMachine::State::decide_capture(const CaptureReservation& command, ReplayIndex& replay,
                                                  SegmentBuilder& out) {
  const ChannelId id = find_channel(command.key);
  if (!id.valid()) return unknown(command.key);
  const ChannelRecord& record = *find_channel(id);
  ChannelCharged entry{id, command.reservation, command.usage, 0};
  ReplayRecord once = replay_record(entry);
  if (const std::optional<ReplayHit> first = replay.find(once.key)) {
    if (first->content != once.hit.content) {
      return refuse(Status::reservation_conflict,
                    "reservation " + std::to_string(command.reservation.value) + " was captured with another usage");
    }
    CommandResult result = changed(first->sequence, id.value);
    result.status = Status::already_accepted;
    return result;
  }
  const u128 amount = command.usage.amount.units();
  ChannelCheck check = check_capture(record, earnings[record.earnings - 1].earnings, command.reservation, amount);
  if (check.status != Status::ok) return refuse(check.status, std::move(check.detail));
  entry.charged = record.charged + amount;
  once.hit.sequence = commit(entry, out);
  replay.insert(once.key, once.hit);
  return changed(once.hit.sequence, id.value);
}

CommandResult StateMachine::State::decide(const ReleaseReservation& command, SegmentBuilder& out) {
  const ChannelId id = find_channel(command.key);
  if (!id.valid()) return unknown(command.key);
  const ChannelRecord& record = *find_channel(id);
  if (!record.reservation || record.reservation->sequence != command.reservation) return unchanged(id.value);
  return changed(commit(ChannelReleased{id, command.reservation}, out), id.value);
}

CommandResult StateMachine::State::decide(const PutChannelAside& command, SegmentBuilder& out) {
  const ChannelId id = find_channel(command.key);
  if (!id.valid()) return unknown(command.key);
  const ChannelRecord& record = *find_channel(id);
  std::string reason = base::without_flaws(command.reason, kDetailBytesMax);
  if (reason == (record.put_aside ? *record.put_aside : "")) return unchanged(id.value);
  return changed(commit(ChannelPutAside{id, std::move(reason)}, out), id.value);
}

}  // namespace ledger::core
