#include "channels/watcher.h"

#include <algorithm>

namespace channels {

namespace {

using base::ErrorCode;
using evm::Depth;

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kStaleMsMin = 30'000;
// Channels of one piece: what a node answers in one request.
constexpr std::size_t kPieceMax = 100;
// Pieces of a pass within one look, so that events and withdrawals are not kept waiting by a pass over millions.
constexpr std::size_t kPiecesMax = 20;
// Blocks that are looked through again for withdrawals: a short reorganisation may have put one into them.
constexpr std::uint64_t kOverlapBlocks = 16;
// Newest blocks in which withdrawals are looked for at most; the rest is the confirmed look's.
constexpr std::uint64_t kNewestBlocksMax = 5'000;
constexpr std::size_t kEarningsMax = 100'000;

base::Error lagging() {
  return {ErrorCode::unavailable, "the node lags: blocks that count have been seen that it does not have"};
}

base::Hash key_of(const evm::ChannelEvent& event) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.channel_id; }) return one.channel_id;
        return base::Hash{};
      },
      event);
}

}  // namespace

struct Watcher::Look {
  evm::Head head;
  std::size_t pieces = 0;  // of the pass
  std::vector<core::Earnings> earnings;
  std::size_t earnings_done = 0;
  bool earnings_chosen = false;
};

Watcher::Watcher(const Parts& parts, const Options& options, Observer& observer, OnWithdrawal on_withdrawal)
    : parts_(parts),
      options_(options),
      observer_(observer),
      on_withdrawal_(std::move(on_withdrawal)),
      anchor_(parts.post),
      problem_(observer, "watcher") {}

void Watcher::start() {
  pass_ = core::ChannelId(0);
  look();
}

bool Watcher::in_step() const {
  const std::uint64_t then = in_step_ns_.load();
  const std::uint64_t limit_ns = std::max(options_.stale_after_ms, kStaleMsMin) * kNsPerMs;
  return then != 0 && parts_.clock.monotonic_ns() + 1 - then <= limit_ns;
}

void Watcher::opened(const std::vector<core::ChannelId>& ids) {
  for (const core::ChannelId id : ids) {
    const base::Result<core::Channel> channel = parts_.reader.channel(id);
    if (!channel || channel->contract != options_.contract) continue;
    touched_.insert(channel->key);
    touched_earnings_.emplace(channel->config.receiver, channel->config.token);
  }
}

void Watcher::look_later(std::uint64_t ms) {
  parts_.after(ms, anchor_.later([this] { look(); }));
}

void Watcher::fail(const base::Error& error) {
  problem_.is(error.message);
  look_later(options_.poll_ms);
}

void Watcher::look() {
  parts_.chain.head(anchor_.then<base::Result<evm::Head>>([this](const base::Result<evm::Head>& head) {
    if (!head) return fail(head.error());
    auto work = std::make_shared<Look>();
    work->head = *head;
    head_known(work, *head);
  }));
}

void Watcher::head_known(const LookPtr& work, const evm::Head& head) {
  status_.newest_block = head.newest.number;
  status_.newest_block_time_s = head.newest.time_s;
  status_.confirmed_block = head.confirmed.number;
  if (!last_) {
    last_ = head.confirmed;  // what was before, the pass reads
    return next_piece(work);
  }
  if (head.confirmed.number < last_->number) return fail(lagging());
  parts_.chain.block(last_->number,
                     anchor_.then<base::Result<evm::BlockPoint>>(
                         [this, work](const base::Result<evm::BlockPoint>& last) { same_chain(work, last); }));
}

void Watcher::same_chain(const LookPtr& work, const base::Result<evm::BlockPoint>& last) {
  if (!last) return fail(last.error());
  if (last->hash == last_->hash) return read_events(work);
  observer_.on_rewound(last_->number);
  ++status_.rewinds;
  status_.whole = false;
  in_step_ns_ = 0;
  rewound_ = true;
  rewound_earnings_ = true;
  pass_ = core::ChannelId(0);
  passed_ = 0;
  all_earnings_ = true;
  newest_seen_ = 0;
  last_ = work->head.confirmed;
  next_piece(work);
}

void Watcher::read_events(const LookPtr& work) {
  if (last_->number == work->head.confirmed.number) return next_piece(work);
  parts_.chain.events(options_.contract, last_->number + 1, work->head.confirmed.number,
                      anchor_.then<base::Result<std::vector<evm::LoggedEvent>>>(
                          [this, work](const base::Result<std::vector<evm::LoggedEvent>>& events) {
                            if (!events) return fail(events.error());
                            take_events(work, *events);
                          }));
}

base::Result<std::optional<core::Channel>> Watcher::kept(const base::Hash& key) const {
  base::Result<core::Channel> channel = parts_.reader.channel(key);
  if (channel) return std::optional<core::Channel>(std::move(*channel));
  if (channel.error().code == ErrorCode::not_found) return std::optional<core::Channel>();
  return tl::unexpected<base::Error>(channel.error());
}

void Watcher::take_events(const LookPtr& work, const std::vector<evm::LoggedEvent>& events) {
  for (const evm::LoggedEvent& event : events) {
    if (const auto* settled = std::get_if<evm::Settled>(&event.event)) {
      touched_earnings_.emplace(settled->receiver, settled->token);
      continue;
    }
    const base::Hash key = key_of(event.event);
    const base::Result<std::optional<core::Channel>> channel = kept(key);
    if (!channel) return fail(channel.error());
    if (!*channel) continue;
    touched_.insert(key);
    if (std::holds_alternative<evm::Claimed>(event.event))
      touched_earnings_.emplace((*channel)->config.receiver, (*channel)->config.token);
  }
  last_ = work->head.confirmed;
  next_piece(work);
}

// What events named first, then some of the pass.
std::vector<core::Channel> Watcher::choose_piece(Look& work) {
  std::vector<core::Channel> chosen;
  while (!touched_.empty() && chosen.size() < kPieceMax) {
    base::Result<core::Channel> channel = parts_.reader.channel(*touched_.begin());
    touched_.erase(touched_.begin());
    if (channel) chosen.push_back(std::move(*channel));
  }
  while (chosen.empty() && pass_ && work.pieces < kPiecesMax) {
    ++work.pieces;
    const base::Result<std::vector<core::Channel>> page = parts_.reader.channels(*pass_, kPieceMax);
    if (!page || page->empty()) {
      pass_.reset();
      break;
    }
    pass_ = page->back().id;
    passed_ += page->size();
    for (const core::Channel& channel : *page)
      if (channel.contract == options_.contract && channel.chain_id == parts_.chain.chain_id())
        chosen.push_back(channel);
  }
  return chosen;
}

void Watcher::next_piece(const LookPtr& work) {
  const bool passing = pass_.has_value();
  std::vector<core::Channel> channels = choose_piece(*work);
  if (channels.empty()) {
    if (passing && !pass_) {
      rewound_ = false;
      status_.whole = true;
      passed_ns_ = parts_.clock.monotonic_ns();
      observer_.on_synced(passed_, work->head.confirmed.number);
      passed_ = 0;
    }
    return next_earnings(work);
  }
  std::vector<base::Hash> keys;
  for (const core::Channel& channel : channels) keys.push_back(channel.key);
  const auto again = [this, keys](const base::Error& error) {
    touched_.insert(keys.begin(), keys.end());
    fail(error);
  };
  parts_.chain.channels(options_.contract, keys, Depth::confirmed,
                        anchor_.then<base::Result<std::vector<evm::ChannelState>>>(
                            [this, work, again, channels = std::move(channels)](
                                const base::Result<std::vector<evm::ChannelState>>& states) {
                              if (!states) return again(states.error());
                              if (states->front().block_number < last_->number) return again(lagging());
                              sync_piece(work, channels, *states);
                            }));
}

void Watcher::sync_piece(const LookPtr& work, const std::vector<core::Channel>& channels,
                         const std::vector<evm::ChannelState>& states) {
  std::vector<core::Command> commands;
  std::vector<base::Hash> keys;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const core::Channel& channel = channels[i];
    const evm::ChannelState& state = states[i];
    if (state.channel.withdraw_requested_at_s != 0)
      on_withdrawal_(channel, state.channel.withdraw_requested_at_s + channel.config.withdraw_delay_s);
    if (state.channel == channel.chain && (!rewound_ || state.block_number == channel.block)) continue;
    keys.push_back(channel.key);
    commands.emplace_back(core::SyncChannel{channel.chain_id, channel.contract, channel.config, channel.key,
                                            state.channel, state.block_number, rewound_});
  }
  submit_all(parts_, anchor_, std::move(commands), [this, work, keys](const std::vector<core::CommandResult>& results) {
    if (taken(results)) return next_piece(work);
    touched_.insert(keys.begin(), keys.end());
    look_later(options_.poll_ms);
  });
}

// False: the ledger has no room now, or refuses; it is tried again.
bool Watcher::taken(const std::vector<core::CommandResult>& results) {
  for (const core::CommandResult& result : results) {
    if (base::accepted(result.status)) continue;
    problem_.is("the ledger does not take what the chain says: " + std::string(base::info(result.status).name) + " " +
                result.detail);
    return false;
  }
  return true;
}

void Watcher::choose_earnings(Look& work) {
  work.earnings_chosen = true;
  const std::uint64_t now_ns = parts_.clock.monotonic_ns();
  if (now_ns - earnings_ns_ >= options_.earnings_interval_ms * kNsPerMs) all_earnings_ = true;
  if (!all_earnings_ && touched_earnings_.empty()) return;
  const base::Result<std::vector<core::Earnings>> list = parts_.reader.earnings(kEarningsMax);
  if (!list) return;
  for (const core::Earnings& one : *list) {
    if (one.contract != options_.contract || one.chain_id != parts_.chain.chain_id()) continue;
    if (all_earnings_ || touched_earnings_.contains({one.receiver, one.token})) work.earnings.push_back(one);
  }
}

void Watcher::next_earnings(const LookPtr& work) {
  if (!work->earnings_chosen) choose_earnings(*work);
  if (work->earnings_done == work->earnings.size()) {
    if (all_earnings_) {
      earnings_ns_ = parts_.clock.monotonic_ns();
      rewound_earnings_ = false;
    }
    all_earnings_ = false;
    touched_earnings_.clear();
    return read_newest(work);
  }
  const core::Earnings& one = work->earnings[work->earnings_done];
  parts_.chain.earnings(
      options_.contract, one.receiver, one.token, Depth::confirmed,
      anchor_.then<base::Result<evm::EarningsState>>([this, work](const base::Result<evm::EarningsState>& state) {
        if (!state) return fail(state.error());
        if (state->block_number < last_->number) return fail(lagging());
        sync_earnings(work, work->earnings[work->earnings_done], *state);
      }));
}

void Watcher::sync_earnings(const LookPtr& work, const core::Earnings& earnings, const evm::EarningsState& state) {
  ++work->earnings_done;
  const bool same = earnings.claimed == state.earnings.total_claimed &&
                    earnings.settled == state.earnings.total_settled && earnings.block != 0;
  if (same && (!rewound_earnings_ || earnings.block == state.block_number)) return next_earnings(work);
  const core::SyncEarnings sync{earnings.chain_id,
                                earnings.contract,
                                earnings.receiver,
                                earnings.token,
                                state.earnings.total_claimed,
                                state.earnings.total_settled,
                                state.block_number,
                                rewound_earnings_};
  submit_all(parts_, anchor_, {sync}, [this, work](const std::vector<core::CommandResult>& results) {
    if (!taken(results)) return look_later(options_.poll_ms);
    next_earnings(work);
  });
}

void Watcher::read_newest(const LookPtr& work) {
  const std::uint64_t newest = work->head.newest.number;
  const std::uint64_t seen = newest_seen_ - std::min(newest_seen_, kOverlapBlocks);
  const std::uint64_t from =
      std::max({work->head.confirmed.number, seen, newest - std::min(newest, kNewestBlocksMax)}) + 1;
  if (from > newest) return finish(work);
  parts_.chain.events(options_.contract, from, newest,
                      anchor_.then<base::Result<std::vector<evm::LoggedEvent>>>(
                          [this, work](const base::Result<std::vector<evm::LoggedEvent>>& events) {
                            if (!events) return fail(events.error());
                            for (const evm::LoggedEvent& one : *events) note_event(one.event);
                            newest_seen_ = work->head.newest.number;
                            finish(work);
                          }));
}

void Watcher::note_event(const evm::ChannelEvent& event) {
  const auto* withdrawal = std::get_if<evm::WithdrawInitiated>(&event);
  if (withdrawal == nullptr) return;
  const base::Result<core::Channel> channel = parts_.reader.channel(withdrawal->channel_id);
  if (channel) on_withdrawal_(*channel, withdrawal->finalize_after_s);
}

void Watcher::finish(const LookPtr& work) {
  status_.seen_block = work->head.confirmed.number;
  problem_.over();
  if (!pass_ && touched_.empty() && status_.whole) in_step_ns_ = parts_.clock.monotonic_ns() + 1;
  const bool sweep = parts_.clock.monotonic_ns() - passed_ns_ >= options_.sweep_interval_ms * kNsPerMs;
  if (!pass_ && sweep) pass_ = core::ChannelId(0);
  look_later(pass_ || !touched_.empty() ? 1 : options_.poll_ms);
}

}  // namespace channels
