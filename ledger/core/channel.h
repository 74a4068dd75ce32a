#pragma once

// What may be done to a channel, asked before a command is accepted and again when its entry is applied. Pure; internal
// to ledger/core.

#include <optional>
#include <string>

#include "base/status.h"
#include "ledger/core/entry.h"
#include "ledger/core/state.h"

namespace ledger::core {

// ok, or the first reason why not.
struct ChannelCheck {
  base::Status status = base::Status::ok;
  std::string detail;
};

// Empty above 2^128-1.
inline std::optional<u128> add_u128(u128 a, u128 b) {
  if (b > ~static_cast<u128>(0) - a) return std::nullopt;
  return a + b;
}

// Until its time has come a reservation keeps others out; a refund's has no end.
inline bool is_held(const ChannelReservation& reservation, Time now) {
  return reservation.refund || reservation.expires > now;
}

// A voucher may be reserved: the channel is not put aside and not busy, the voucher fits its figures.
ChannelCheck check_reservation(const ChannelRecord& record, const ChannelReservation& wanted, Time now);
// The present reservation may be captured with `amount`.
ChannelCheck check_capture(const ChannelRecord& record, const Earnings& earnings, Sequence reservation, u128 amount);
// What the chain's figures do to the channel; none if they are not news.
std::optional<ChannelSynced> synced(ChannelId id, const ChannelRecord& record,
                                    const commitments::channel::Snapshot& chain, std::uint64_t block, bool rewound);
bool is_news(const Earnings& present, u128 claimed, u128 settled, std::uint64_t block, bool rewound);

}  // namespace ledger::core
