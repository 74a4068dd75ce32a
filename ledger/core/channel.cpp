// Channels: what may be done to them, and the effects of their entries. What the chain says comes in by syncs; what was
// charged here only ever grows, and is claimed with the voucher of the last capture.

#include "ledger/core/channel.h"

#include "base/limits.h"
#include "base/uint256.h"
#include "crypto/sha256.h"
#include "ledger/core/decide.h"

namespace ledger::core {
namespace {

using base::Status;
using base::to_decimal_string;
using commitments::channel::Snapshot;

// What a new voucher may count on: not what the payer has asked back.
u128 available(const Snapshot& chain) {
  return chain.withdrawal >= chain.balance ? 0 : chain.balance - chain.withdrawal;
}

base::FixedBytes<16> content_of(const Usage& usage) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.amount(usage.amount);
  out.u64(usage.quantity);
  out.text(usage.unit);
  out.fixed(usage.resource);
  const Hash digest = crypto::sha256(bytes);
  base::FixedBytes<16> content;
  std::copy_n(digest.bytes.begin(), content.bytes.size(), content.bytes.begin());
  return content;
}

ChannelCheck check_refund(const ChannelRecord& record, const ChannelReservation& wanted) {
  const u128 balance = record.chain.balance;
  const u128 left = balance > record.charged ? balance - record.charged : 0;
  if (wanted.amount <= left) return {};
  return {Status::channel_refund_too_high,
          to_decimal_string(wanted.amount) + " cannot go back: " + to_decimal_string(left) + " is left"};
}

}  // namespace

ChannelCheck check_reservation(const ChannelRecord& record, const ChannelReservation& wanted, Time now) {
  if (record.put_aside) return {Status::channel_put_aside, "the channel was put aside: " + *record.put_aside};
  if (record.reservation && is_held(*record.reservation, now)) {
    const ChannelReservation& present = *record.reservation;
    return {Status::channel_busy,
            "reservation " + std::to_string(present.sequence.value) +
                (present.refund ? " is a refund" : " holds until " + std::to_string(present.expires.seconds()))};
  }
  const std::optional<u128> due = wanted.refund ? record.charged : add_u128(record.charged, wanted.amount);
  if (due != wanted.maximum) {
    return {Status::channel_amount_mismatch,
            "the maximum is " + to_decimal_string(wanted.maximum) + ", charged " + to_decimal_string(record.charged) +
                (wanted.refund ? "" : " and amount " + to_decimal_string(wanted.amount))};
  }
  const u128 free = available(record.chain);
  if (wanted.maximum > free && wanted.maximum - free > wanted.deposit) {
    return {Status::channel_exceeds_balance, "the maximum is " + to_decimal_string(wanted.maximum) + ", the balance " +
                                                 to_decimal_string(record.chain.balance) + " with a withdrawal of " +
                                                 to_decimal_string(record.chain.withdrawal) + " and a deposit of " +
                                                 to_decimal_string(wanted.deposit)};
  }
  return wanted.refund ? check_refund(record, wanted) : ChannelCheck{};
}

ChannelCheck check_capture(const ChannelRecord& record, const Earnings& earnings, Sequence reservation, u128 amount) {
  if (!record.reservation || record.reservation->sequence != reservation) {
    return {Status::reservation_ended, "reservation " + std::to_string(reservation.value) + " is not the channel's"};
  }
  const ChannelReservation& present = *record.reservation;
  if (present.refund) {
    return {Status::reservation_ended, "reservation " + std::to_string(reservation.value) + " is a refund"};
  }
  if (amount == 0) return {Status::value_invalid, "usage: its amount is zero; release the reservation instead"};
  if (amount > present.amount) {
    return {Status::charge_above_maximum,
            "the charge is " + to_decimal_string(amount) + ", reserved is " + to_decimal_string(present.amount)};
  }
  const std::optional<u128> charged = add_u128(record.charged, amount);
  if (!charged || *charged > present.maximum) {
    return {Status::channel_amount_mismatch, "the voucher's maximum is " + to_decimal_string(present.maximum) +
                                                 ", charged " + to_decimal_string(record.charged) + " and the charge " +
                                                 to_decimal_string(amount)};
  }
  if (*charged > record.chain.balance) {
    return {Status::channel_exceeds_balance, "charged would be " + to_decimal_string(*charged) +
                                                 ", the confirmed balance is " +
                                                 to_decimal_string(record.chain.balance)};
  }
  if (!add_u128(earnings.charged, amount)) {
    return {Status::amount_overflow, "what the receiver earned exceeds 2^128-1"};
  }
  return {};
}

std::optional<ChannelSynced> synced(ChannelId id, const ChannelRecord& record, const Snapshot& chain,
                                    std::uint64_t block, bool rewound) {
  if (block < record.block && !rewound) return std::nullopt;
  if (chain == record.chain && (!rewound || block == record.block)) return std::nullopt;
  ChannelSynced entry{id, chain, block, rewound, std::max(record.charged, chain.total_claimed), Sequence{}, false};
  const bool refunded = chain.refund_nonce != record.chain.refund_nonce;
  if (refunded && record.reservation && record.reservation->refund) entry.ended = record.reservation->sequence;
  entry.taken_back = record.put_aside && (refunded || chain.balance != record.chain.balance);
  return entry;
}

bool is_news(const Earnings& present, u128 claimed, u128 settled, std::uint64_t block, bool rewound) {
  if (block < present.block && !rewound) return false;
  if (claimed != present.claimed || settled != present.settled) return true;
  return block != present.block && (present.block == 0 || rewound);
}

StateMachine::ReplayRecord StateMachine::State::replay_record(const ChannelCharged& entry) {
  return {replay_key_capture(entry.id, entry.reservation), {Sequence{}, content_of(entry.usage)}};
}

Earnings StateMachine::State::earnings_of(const Channel& channel) {
  Earnings of;
  of.chain_id = channel.chain_id;
  of.contract = channel.contract;
  of.receiver = channel.config.receiver;
  of.token = channel.config.token;
  return of;
}

Channel StateMachine::State::unpack(ChannelId id, const ChannelRecord& record) const {
  const Earnings& of = earnings[record.earnings - 1].earnings;
  Channel channel;
  channel.id = id;
  channel.key = record.key;
  channel.chain_id = of.chain_id;
  channel.contract = of.contract;
  channel.config = {record.payer, record.payer_authorizer, of.receiver, record.receiver_authorizer,
                    of.token,     record.withdraw_delay_s, record.salt};
  channel.charged = record.charged;
  channel.captured = record.captured;
  channel.charges = record.charges;
  channel.signed_maximum = record.signed_maximum;
  channel.signature = record.signature;
  channel.chain = record.chain;
  channel.block = record.block;
  if (record.reservation) channel.reservation = *record.reservation;
  if (record.put_aside) channel.put_aside = *record.put_aside;
  channel.opened = record.opened;
  channel.charged_at = record.charged_at;
  return channel;
}

void StateMachine::State::pack(const Channel& channel, std::uint32_t earnings, ChannelRecord& record) {
  record.present = true;
  record.key = channel.key;
  record.payer = channel.config.payer;
  record.payer_authorizer = channel.config.payer_authorizer;
  record.receiver_authorizer = channel.config.receiver_authorizer;
  record.withdraw_delay_s = channel.config.withdraw_delay_s;
  record.salt = channel.config.salt;
  record.earnings = earnings;
  record.charged = channel.charged;
  record.captured = channel.captured;
  record.charges = channel.charges;
  record.signed_maximum = channel.signed_maximum;
  record.signature = channel.signature;
  record.chain = channel.chain;
  record.block = channel.block;
  if (channel.reservation != ChannelReservation{}) {
    record.reservation = std::make_unique<ChannelReservation>(channel.reservation);
  }
  if (!channel.put_aside.empty()) record.put_aside = std::make_unique<std::string>(channel.put_aside);
  record.opened = channel.opened;
  record.charged_at = channel.charged_at;
}

// ---- effects ----

Outcome StateMachine::State::apply(const ChannelOpened& entry, const At& at) {
  if (entry.id.value != channels.size() + 1) {
    return mismatch("the channel is " + std::to_string(entry.id.value) + " in the journal, the next number is " +
                    std::to_string(channels.size() + 1));
  }
  const Hash key =
      commitments::channel::channel_id(commitments::channel::Domain(entry.chain_id, entry.contract), entry.config);
  if (key != entry.key) {
    return mismatch("the channel's key is " + base::to_hex(entry.key) + " in the journal, its configuration gives " +
                    base::to_hex(key));
  }
  if (find_channel(key).valid()) return mismatch("the channel was opened before");
  Channel channel;
  channel.id = entry.id;
  channel.key = key;
  channel.chain_id = entry.chain_id;
  channel.contract = entry.contract;
  channel.config = entry.config;
  channel.charged = entry.chain.total_claimed;
  channel.chain = entry.chain;
  channel.block = entry.block;
  channel.opened = at.time;
  ChannelRecord& record = channels.emplace_back();
  pack(channel, ensure_earnings(earnings_of(channel)), record);
  record.fresh = true;
  channel_index.insert(hash(key), static_cast<std::uint32_t>(entry.id.value),
                       [this](std::uint32_t number) { return hash(channels[number - 1].key); });
  channel_counts_dirty = true;
  touch(record, entry.id);
  return {};
}

Outcome StateMachine::State::apply(const ChannelSynced& entry, const At&) {
  ChannelRecord* record = find_channel(entry.id);
  if (record == nullptr) return mismatch("the channel is unknown");
  const std::optional<ChannelSynced> expected = synced(entry.id, *record, entry.chain, entry.block, entry.rewound);
  if (!expected) return mismatch("its figures are no news");
  if (entry.charged != expected->charged) {
    return mismatch("charged is " + to_decimal_string(entry.charged) + " in the journal, the replay gives " +
                    to_decimal_string(expected->charged));
  }
  if (entry.ended != expected->ended) return mismatch("another reservation ends by it");
  if (entry.taken_back != expected->taken_back) return mismatch("whether the channel is still put aside differs");
  record->chain = entry.chain;
  record->block = entry.block;
  record->charged = entry.charged;
  if (entry.ended.valid()) record->reservation.reset();
  if (entry.taken_back) record->put_aside.reset();
  touch(*record, entry.id);
  return {};
}

Outcome StateMachine::State::apply(const EarningsSynced& entry, const At&) {
  Earnings of;
  of.chain_id = entry.chain_id;
  of.contract = entry.contract;
  of.receiver = entry.receiver;
  of.token = entry.token;
  const std::uint32_t known = find_earnings(of);
  const Earnings& present = known == 0 ? of : earnings[known - 1].earnings;
  if (!is_news(present, entry.claimed, entry.settled, entry.block, entry.rewound)) {
    return mismatch("its figures are no news");
  }
  const std::uint32_t number = ensure_earnings(of);
  Earnings& changed = earnings[number - 1].earnings;
  changed.claimed = entry.claimed;
  changed.settled = entry.settled;
  changed.block = entry.block;
  touch_earnings(number);
  return {};
}

Outcome StateMachine::State::apply(const ChannelReserved& entry, const At& at) {
  ChannelRecord* record = find_channel(entry.id);
  if (record == nullptr) return mismatch("the channel is unknown");
  const ChannelReservation wanted{at.sequence,     entry.request, entry.refund,  entry.maximum,
                                  entry.signature, entry.amount,  entry.deposit, entry.expires};
  if (entry.amount == 0) return mismatch("its amount is zero");
  const bool has_end = entry.refund ? entry.expires.us == 0 : entry.expires > at.time;
  if (!has_end) return mismatch("its end is not one that can be asked for");
  const ChannelCheck check = check_reservation(*record, wanted, at.time);
  if (check.status != Status::ok) return mismatch(check.detail);
  record->reservation = std::make_unique<ChannelReservation>(wanted);
  touch(*record, entry.id);
  return {};
}

Outcome StateMachine::State::apply(const ChannelCharged& entry, const At& at) {
  ChannelRecord* record = find_channel(entry.id);
  if (record == nullptr) return mismatch("the channel is unknown");
  Earnings& of = earnings[record->earnings - 1].earnings;
  const u128 amount = entry.usage.amount.units();
  const ChannelCheck check = check_capture(*record, of, entry.reservation, amount);
  if (check.status != Status::ok) return mismatch(check.detail);
  if (entry.charged != record->charged + amount) {
    return mismatch("charged is " + to_decimal_string(entry.charged) + " in the journal, the replay gives " +
                    to_decimal_string(record->charged + amount));
  }
  record->charged = entry.charged;
  record->captured += amount;
  ++record->charges;
  record->signed_maximum = record->reservation->maximum;
  record->signature = record->reservation->signature;
  record->charged_at = at.time;
  record->reservation.reset();
  of.charged += amount;
  invariants::VoucherCovers::check(record->charged, record->signed_maximum, record->chain.balance);
  touch(*record, entry.id);
  touch_earnings(record->earnings);
  return {};
}

Outcome StateMachine::State::apply(const ChannelReleased& entry, const At&) {
  ChannelRecord* record = find_channel(entry.id);
  if (record == nullptr) return mismatch("the channel is unknown");
  if (!record->reservation || record->reservation->sequence != entry.reservation) {
    return mismatch("reservation " + std::to_string(entry.reservation.value) + " is not the channel's");
  }
  record->reservation.reset();
  touch(*record, entry.id);
  return {};
}

Outcome StateMachine::State::apply(const ChannelPutAside& entry, const At&) {
  ChannelRecord* record = find_channel(entry.id);
  if (record == nullptr) return mismatch("the channel is unknown");
  if (entry.reason.empty()) {
    record->put_aside.reset();
  } else {
    record->put_aside = std::make_unique<std::string>(entry.reason);
  }
  touch(*record, entry.id);
  return {};
}

}  // namespace ledger::core
