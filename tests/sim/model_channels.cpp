#include "tests/sim/model.h"

// Channels, from docs/bindings/channel.md and ledger/core/command.h: lists of what the chain said and what was
// captured, added up when something is asked.

namespace sim {
namespace {

Money wide(base::u128 value) { return static_cast<Money>(value); }  // figures stay far below 2^127 here

std::string usage_of(const tab::Usage& usage) {
  return usage.amount.to_units_string() + "/" + std::to_string(usage.quantity) + "/" + std::string(usage.unit.view()) +
         "/" + base::to_hex(usage.resource);
}

}  // namespace

Money ModelChannel::charged() const {
  Money charged = 0;
  for (const Event& event : history) charged = event.capture ? charged + event.amount : std::max(charged, event.amount);
  return charged;
}

Money ModelChannel::captured() const {
  Money captured = 0;
  for (const Event& event : history) captured += event.capture ? event.amount : 0;
  return captured;
}

Status Model::wrote(bool wrote) {
  replied = wrote ? next_sequence : 0;
  return Status::ok;
}

Status Model::run(Time, const core::SyncChannel& command) {
  const auto [at, is_new] = channels.try_emplace(command.key);
  ModelChannel& channel = at->second;
  const bool older = command.block < channel.block && !command.rewound;
  const bool same = command.snapshot == channel.chain && (!command.rewound || command.block == channel.block);
  if (!is_new && (older || same)) return wrote(false);
  const bool refunded = command.snapshot.refund_nonce != channel.chain.refund_nonce;
  if (refunded || command.snapshot.balance != channel.chain.balance) channel.put_aside.clear();
  if (refunded && channel.reservation && channel.reservation->refund) channel.reservation.reset();
  channel.receiver = command.config.receiver;
  channel.chain = command.snapshot;
  channel.block = command.block;
  channel.history.push_back({false, wide(command.snapshot.total_claimed), 0});
  return wrote(true);
}

Status Model::run(Time, const core::SyncEarnings& command) {
  const auto at = mirrors.find(command.receiver);
  const ModelMirror present = at == mirrors.end() ? ModelMirror{} : at->second;
  const ModelMirror wanted{wide(command.claimed), wide(command.settled), command.block};
  if (command.block < present.block && !command.rewound) return wrote(false);
  const bool same = wanted.claimed == present.claimed && wanted.settled == present.settled;
  const bool block_matters = present.block == 0 || command.rewound;
  if (same && (!block_matters || command.block == present.block)) return wrote(false);
  mirrors[command.receiver] = wanted;
  return wrote(true);
}

Status Model::run(Time now, const core::ReserveVoucher& command) {
  constexpr std::uint64_t kThirtyDays = 30ULL * 86'400;
  if (command.amount == 0 || (command.refund && command.deposit != 0)) return Status::value_invalid;
  if (!command.refund && (command.ttl_s == 0 || command.ttl_s > kThirtyDays)) return Status::value_invalid;
  const auto at = channels.find(command.key);
  if (at == channels.end()) return Status::channel_unknown;
  ModelChannel& channel = at->second;
  const ModelReservation wanted{next_sequence,         command.refund,
                                wide(command.maximum), wide(command.amount),
                                wide(command.deposit), command.request,
                                command.signature,     Time{command.refund ? 0 : now.us + command.ttl_s * 1'000'000}};
  if (channel.reservation) {
    const ModelReservation& present = *channel.reservation;
    if (!command.request.is_zero() && present.request == command.request) {
      const bool same = present.refund == wanted.refund && present.maximum == wanted.maximum &&
                        present.amount == wanted.amount && present.deposit == wanted.deposit &&
                        present.signature == wanted.signature;
      replied = present.sequence;
      return same ? Status::already_accepted : Status::channel_busy;
    }
    if (channel.put_aside.empty() && (present.refund || now < present.expires)) return Status::channel_busy;
  }
  if (!channel.put_aside.empty()) return Status::channel_put_aside;
  const Money charged = channel.charged();
  if (wanted.maximum != charged + (wanted.refund ? 0 : wanted.amount)) return Status::channel_amount_mismatch;
  const Money balance = wide(channel.chain.balance);
  const Money free = std::max<Money>(0, balance - wide(channel.chain.withdrawal)) + wanted.deposit;
  if (wanted.maximum > free) return Status::channel_exceeds_balance;
  if (wanted.refund && charged + wanted.amount > balance) return Status::channel_refund_too_high;
  channel.reservation = wanted;
  return wrote(true);
}

Status Model::run(Time, const core::CaptureReservation& command) {
  const auto at = channels.find(command.key);
  if (at == channels.end()) return Status::channel_unknown;
  ModelChannel& channel = at->second;
  const std::string usage = usage_of(command.usage);
  const auto before = captures.find({command.key, command.reservation.value});
  if (before != captures.end()) {
    replied = before->second.sequence;
    return before->second.usage == usage ? Status::already_accepted : Status::reservation_conflict;
  }
  if (!channel.reservation || channel.reservation->sequence != command.reservation.value || channel.reservation->refund)
    return Status::reservation_ended;
  const Money amount = money(command.usage.amount);
  if (amount == 0) return Status::value_invalid;
  if (amount > channel.reservation->amount) return Status::charge_above_maximum;
  if (channel.charged() + amount > channel.reservation->maximum) return Status::channel_amount_mismatch;
  if (channel.charged() + amount > wide(channel.chain.balance)) return Status::channel_exceeds_balance;
  channel.history.push_back({true, amount, channel.reservation->maximum});
  channel.reservation.reset();
  captures[{command.key, command.reservation.value}] = {next_sequence, usage};
  return wrote(true);
}

Status Model::run(Time, const core::ReleaseReservation& command) {
  const auto at = channels.find(command.key);
  if (at == channels.end()) return Status::channel_unknown;
  std::optional<ModelReservation>& reservation = at->second.reservation;
  if (!reservation || reservation->sequence != command.reservation.value) return wrote(false);
  reservation.reset();
  return wrote(true);
}

Status Model::run(Time, const core::PutChannelAside& command) {
  const auto at = channels.find(command.key);
  if (at == channels.end()) return Status::channel_unknown;
  return wrote(std::exchange(at->second.put_aside, command.reason) != command.reason);
}

}  // namespace sim
