#pragma once

// The kept channels that were charged more than was claimed, in the order in which they are claimed: withdrawals by
// their deadline, the others by how long they have waited. Pure; one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "ledger/core/types.h"

namespace channels {

namespace core = ledger::core;

// What can be claimed: what was charged, as far as the voucher goes.
base::u128 claimable(const core::Channel& channel);

// Whose claims are ours: channels of this contract whose receiver authorizer is ours.
struct Ours {
  std::uint64_t chain_id = 0;
  base::Address contract;
  base::Address authorizer;  // zero: none
};

// Reasons that we give begin with it; others are an operator's, which only an operator takes back.
inline constexpr std::string_view kAsidePrefix = "claim: ";

class Unclaimed {
 public:
  struct Row {
    base::Hash key;
    base::Address receiver;
    base::Address token;
    base::u128 due = 0;            // not claimed yet, as confirmed
    base::Time since;              // the oldest charge that is not claimed, or later
    std::uint64_t deadline_s = 0;  // from then on the payer may take it; 0: no withdrawal is known
    bool ours = false;
    bool aside = false;
    bool may_try_again = false;  // it was put aside by us
  };
  struct Totals {
    std::uint64_t channels = 0;  // that are kept
    std::uint64_t unclaimed_channels = 0;
    std::map<base::Address, base::u128> unclaimed;  // by token; put aside ones too
    std::uint64_t put_aside = 0;
    std::uint64_t withdrawals = 0;
    std::uint64_t withdrawals_due = 0;  // with something to claim, and not put aside
    base::Time oldest;                  // of what waits for a claim of ours; zero: nothing does
  };

  Unclaimed(Ours ours, base::u128 minimum) : ours_(ours), minimum_(minimum) {}

  // As the ledger has it now.
  void update(const core::Channel& channel, base::Time now);
  // Of a withdrawal that is on the chain and perhaps not confirmed yet. False if it was known.
  bool note_withdrawal(core::ChannelId id, std::uint64_t deadline_s, base::Time now);

  // Channels with a withdrawal, the earliest deadline first; put aside ones are not among them. At most `limit`, none
  // of `held`.
  std::vector<core::ChannelId> withdrawals(std::size_t limit, const std::unordered_set<std::uint64_t>& held) const;
  // Those that have waited since `until` or before, the longest first; below the minimum none.
  std::vector<core::ChannelId> waiting(base::Time until, std::size_t limit,
                                       const std::unordered_set<std::uint64_t>& held) const;
  // Put aside by us, with something to claim.
  std::vector<core::ChannelId> aside(std::size_t limit, const std::unordered_set<std::uint64_t>& held) const;

  const Row* find(core::ChannelId id) const;
  Totals totals() const;

 private:
  void index(std::uint64_t id, const Row& row, bool in);

  const Ours ours_;
  const base::u128 minimum_;
  std::unordered_map<std::uint64_t, Row> rows_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_deadline_;  // (deadline, channel)
  std::set<std::pair<base::Time, std::uint64_t>> by_age_;          // (since, channel)
  std::set<std::uint64_t> may_try_again_;
  std::set<std::uint64_t> put_aside_;
  std::set<std::uint64_t> withdrawing_;
  std::map<base::Address, base::u128> sums_;
  // Withdrawals that were seen before they are confirmed: channel -> (deadline, when it was seen).
  std::unordered_map<std::uint64_t, std::pair<std::uint64_t, base::Time>> early_;
  std::uint64_t channels_ = 0;
};

}  // namespace channels
