#include "tests/sim/world.h"

// What can happen to channels. A few of them, and a chain that changes their balances now and then.

namespace sim {
namespace {

constexpr std::uint64_t kChannels = 4;

commitments::channel::ChannelConfig config_of(std::uint64_t n) {
  commitments::channel::ChannelConfig config;
  config.receiver.bytes[0] = static_cast<std::uint8_t>(1 + n % 2);
  config.receiver_authorizer.bytes[0] = 9;
  config.withdraw_delay_s = 900;
  config.salt = support::test_hash(n);
  return config;
}

}  // namespace

core::SyncChannel World::random_sync() {
  core::SyncChannel sync;
  sync.chain_id = 1;
  sync.config = config_of(below(kChannels));
  sync.key = commitments::channel::channel_id(commitments::channel::Domain(1, {}), sync.config);
  const auto at = model_.channels.find(sync.key);
  sync.block = 100;
  if (at != model_.channels.end()) {
    const ModelChannel& channel = at->second;
    sync.snapshot = channel.chain;
    sync.block = channel.block + below(3);
    if (chance(10)) sync.block -= 1 + below(5);
    sync.rewound = chance(5);
    if (chance(20)) {  // a claim: ours, or through another server
      const auto charged = static_cast<std::uint64_t>(channel.charged());
      sync.snapshot.total_claimed = chance(90) ? charged : charged + below(500);
    }
    if (chance(20)) sync.snapshot.withdrawal = chance(50) ? 0 : below(3000);
    if (chance(10)) sync.snapshot.refund_nonce = base::Uint256(below(1000));
  }
  if (chance(40)) sync.snapshot.balance += 1 + below(4000);
  if (chance(10)) sync.snapshot.balance = below(3000);
  return sync;
}

core::Command World::random_channel_command() {
  if (chance(25)) return random_sync();
  const commitments::channel::ChannelConfig config = config_of(below(kChannels + (chance(3) ? 1 : 0)));
  if (chance(5)) {
    const std::uint64_t claimed = below(50);
    return core::SyncEarnings{1, {}, config.receiver, {}, claimed, below(claimed + 1), below(50), chance(10)};
  }
  const Hash key = commitments::channel::channel_id(commitments::channel::Domain(1, {}), config);
  const auto at = model_.channels.find(key);
  const ModelChannel channel = at == model_.channels.end() ? ModelChannel{} : at->second;
  if (chance(5)) return core::PutChannelAside{key, chance(70) ? "" : "reason " + std::to_string(below(2))};
  core::Sequence reservation(channel.reservation ? channel.reservation->sequence : 0);
  if (chance(10) && !reservations_.empty()) reservation = core::Sequence(reservations_[below(reservations_.size())]);
  if (chance(8)) return core::ReleaseReservation{key, reservation};
  if (channel.reservation ? chance(75) : chance(10)) {
    std::uint64_t most = channel.reservation ? static_cast<std::uint64_t>(channel.reservation->amount) : 10;
    const std::uint64_t amount = chance(60) ? most : below(most + 2);
    return core::CaptureReservation{key, reservation, {core::Amount(amount), chance(95) ? 1 : below(3), {}, {}}};
  }
  core::ReserveVoucher reserve;
  reserve.key = key;
  reserve.refund = chance(10);
  const auto charged = static_cast<std::uint64_t>(channel.charged());
  const auto balance = static_cast<std::uint64_t>(channel.chain.balance);
  reserve.amount = below(400);
  if (chance(10) && balance > charged) reserve.amount = balance - charged + below(2);
  reserve.maximum = reserve.refund ? charged : charged + reserve.amount;
  if (chance(5)) reserve.maximum = below(3000);
  reserve.signature.bytes[0] = static_cast<std::uint8_t>(below(2));
  if (chance(10)) reserve.deposit = below(2000);
  if (chance(50)) reserve.request.bytes[0] = static_cast<std::uint8_t>(below(4));
  if (channel.reservation && chance(30)) {  // the same again
    const ModelReservation& present = *channel.reservation;
    reserve.refund = present.refund;
    reserve.amount = static_cast<base::u128>(present.amount);
    reserve.maximum = static_cast<base::u128>(present.maximum);
    reserve.deposit = static_cast<base::u128>(present.deposit);
    reserve.request = present.request;
    reserve.signature = present.signature;
  }
  reserve.ttl_s = chance(97) ? 1 + below(20) : below(2) * 3'000'000;
  return reserve;
}

}  // namespace sim
