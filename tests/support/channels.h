#pragma once

// Channels of the tests and what is asked of the ledger about them. Channel `n` belongs to payer n (those from a
// million on all to one payer), whose agent n signs its vouchers; even numbers pay payee 0, odd ones payee 1.

#include <algorithm>

#include "ledger/core/command.h"
#include "tests/support/actors.h"

namespace support {

inline constexpr std::uint64_t kChannelChain = 84532;

inline Address channel_contract() {
  Address contract;
  contract.bytes.fill(0x40);
  return contract;
}
inline Address channel_token() {
  Address token;
  token.bytes.fill(0x55);
  return token;
}
inline commitments::channel::Domain channel_domain() { return {kChannelChain, channel_contract()}; }

inline std::uint64_t channel_payer(std::uint64_t n) { return std::min<std::uint64_t>(n, 1'000'000); }
inline commitments::channel::ChannelConfig channel_config(std::uint64_t n) {
  commitments::channel::ChannelConfig config;
  config.payer = secret_key(Role::payer, channel_payer(n)).address();
  config.payer_authorizer = secret_key(Role::agent, n).address();
  config.receiver = secret_key(Role::payee, n % 2).address();
  config.receiver_authorizer = secret_key(Role::keeper, 0).address();
  config.token = channel_token();
  config.withdraw_delay_s = 86'400;
  config.salt = test_hash(n);
  return config;
}
inline Hash channel_key(std::uint64_t n) {
  return commitments::channel::channel_id(channel_domain(), channel_config(n));
}

inline commitments::channel::Snapshot escrow(base::u128 balance, base::u128 claimed = 0, std::uint64_t nonce = 0) {
  commitments::channel::Snapshot snapshot;
  snapshot.balance = balance;
  snapshot.total_claimed = claimed;
  snapshot.refund_nonce = base::Uint256(nonce);
  return snapshot;
}
inline ledger::core::SyncChannel sync_channel(std::uint64_t n, const commitments::channel::Snapshot& snapshot,
                                              std::uint64_t block, bool rewound = false) {
  return {kChannelChain, channel_contract(), channel_config(n), channel_key(n), snapshot, block, rewound};
}
inline ledger::core::SyncEarnings sync_earnings(std::uint64_t payee, base::u128 claimed, base::u128 settled,
                                                std::uint64_t block, bool rewound = false) {
  return {kChannelChain,
          channel_contract(),
          secret_key(Role::payee, payee).address(),
          channel_token(),
          claimed,
          settled,
          block,
          rewound};
}

// A charge of at most `amount`, with a signed voucher over `maximum`.
inline ledger::core::ReserveVoucher reserve_charge(std::uint64_t n, base::u128 maximum, base::u128 amount,
                                                   std::uint64_t ttl_s = 60) {
  ledger::core::ReserveVoucher command;
  command.key = channel_key(n);
  command.maximum = maximum;
  command.signature =
      secret_key(Role::agent, n).sign(commitments::channel::voucher_digest(channel_domain(), command.key, maximum));
  command.amount = amount;
  command.ttl_s = ttl_s;
  return command;
}
inline ledger::core::ReserveVoucher reserve_refund(std::uint64_t n, base::u128 maximum, base::u128 amount) {
  ledger::core::ReserveVoucher command = reserve_charge(n, maximum, amount, 0);
  command.refund = true;
  return command;
}
inline ledger::core::CaptureReservation capture(std::uint64_t n, base::Sequence reservation, std::uint64_t amount) {
  return {channel_key(n), reservation, {Amount(amount), 1, unit("request"), {}}};
}

}  // namespace support
