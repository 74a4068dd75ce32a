#pragma once

// Mirrors the kept channels and what their receivers earned, as the chain has them at confirmed depth, into the ledger:
// everything once after the start, in pieces, and from then on what the contract's events name. Where a block that was
// looked at is gone, the chain was reorganised deeper than the confirmations: everything is read again, and the ledger
// told that blocks may go back. Withdrawals are looked for in the newest blocks too, as their deadline does not wait.

#include <atomic>
#include <memory>
#include <optional>
#include <set>

#include "channels/parts.h"

namespace channels {

class Watcher {
 public:
  struct Status {
    std::uint64_t newest_block = 0;
    std::uint64_t newest_block_time_s = 0;
    std::uint64_t confirmed_block = 0;
    std::uint64_t seen_block = 0;  // up to which everything is in the ledger
    std::uint64_t rewinds = 0;
    bool whole = false;  // everything has been compared once
  };
  // A withdrawal under way, perhaps in a block that may be undone; the same may come many times.
  using OnWithdrawal = std::function<void(const core::Channel&, std::uint64_t deadline_s)>;

  // What the references name must outlive this.
  Watcher(const Parts& parts, const Options& options, Observer& observer, OnWithdrawal on_withdrawal);

  // On the thread of channels, like all but in_step().
  void start();
  void stop() { anchor_.drop(); }
  // Channels that are kept from now on: they may have been read at a block that was looked at before.
  void opened(const std::vector<core::ChannelId>& ids);
  Status status() const { return status_; }

  // Whether what the ledger says of kept channels is what the chain said a moment ago. From any thread.
  bool in_step() const;

 private:
  struct Look;  // one look at the chain
  using LookPtr = std::shared_ptr<Look>;

  void look();
  void head_known(const LookPtr& work, const evm::Head& head);
  void same_chain(const LookPtr& work, const base::Result<evm::BlockPoint>& last);
  void read_events(const LookPtr& work);
  void take_events(const LookPtr& work, const std::vector<evm::LoggedEvent>& events);
  base::Result<std::optional<core::Channel>> kept(const base::Hash& key) const;
  void note_event(const evm::ChannelEvent& event);
  void next_piece(const LookPtr& work);
  std::vector<core::Channel> choose_piece(Look& work);
  void sync_piece(const LookPtr& work, const std::vector<core::Channel>& channels,
                  const std::vector<evm::ChannelState>& states);
  void next_earnings(const LookPtr& work);
  void choose_earnings(Look& work);
  void sync_earnings(const LookPtr& work, const core::Earnings& earnings, const evm::EarningsState& state);
  void read_newest(const LookPtr& work);
  void finish(const LookPtr& work);
  void fail(const base::Error& error);
  bool taken(const std::vector<core::CommandResult>& results);
  void look_later(std::uint64_t ms);

  const Parts parts_;
  const Options& options_;
  Observer& observer_;
  const OnWithdrawal on_withdrawal_;
  Anchor anchor_;
  Problem problem_;
  Status status_;
  std::optional<evm::BlockPoint> last_;  // up to here every event was taken
  std::uint64_t newest_seen_ = 0;        // up to here withdrawals were looked for
  std::optional<core::ChannelId> pass_;  // a pass over everything is under way, and came to here
  std::uint64_t passed_ = 0;             // channels of this pass
  bool rewound_ = false;                 // until the pass ends, blocks may go back
  bool rewound_earnings_ = false;        // the same, until all earnings were read
  std::uint64_t passed_ns_ = 0;          // when the last pass ended
  std::uint64_t earnings_ns_ = 0;        // when all earnings were read
  std::set<base::Hash> touched_;         // to be read again
  std::set<std::pair<base::Address, base::Address>> touched_earnings_;  // (receiver, token)
  bool all_earnings_ = true;
  std::atomic<std::uint64_t> in_step_ns_{0};  // when a look ended with everything in step; 0: never, or not now
};

}  // namespace channels
