#include "facilitator/channel_reads.h"

#include <utility>

#include "base/limits.h"

namespace facilitator {
namespace {

using base::Result;
using evm::BlockPoint;
using evm::ChannelState;

}  // namespace

ChannelReads::ChannelReads(evm::Chain& chain, const base::Address& contract, const base::Clock& clock, Post post)
    : chain_(chain), contract_(contract), clock_(clock), post_(std::move(post)) {}

bool ChannelReads::fresh() const {
  return seen_ns_ && *seen_ns_ >= expected_ns_ &&
         clock_.monotonic_ns() - *seen_ns_ < base::limits::kNewestBlockFreshMs * 1'000'000;
}

void ChannelReads::ask(const base::Hash& id, StateDone done) {
  const auto known = known_.find(id);
  if (known != known_.end() && fresh())
    return post_([done = std::move(done), state = known->second] { done(Result<ChannelState>(state)); });
  (known != known_.end() ? to_look_ : to_read_)[id].push_back(std::move(done));
  go_on();
}

void ChannelReads::go_on() {
  if (!looking_ && !to_look_.empty()) look();
  if (!reading_ && !to_read_.empty()) read();
}

void ChannelReads::look() {
  looking_ = true;
  const auto questions = std::make_shared<const Questions>(std::exchange(to_look_, {}));
  chain_.newest([this, post = post_, questions, asked_ns = clock_.monotonic_ns()](const Result<BlockPoint>& newest) {
    post([this, questions, newest, asked_ns] { looked(*questions, newest, asked_ns); });
  });
}

void ChannelReads::looked(const Questions& questions, const Result<BlockPoint>& newest, std::uint64_t asked_ns) {
  looking_ = false;
  const bool same = newest && newest->hash == block_;
  if (same) seen_ns_ = asked_ns;
  for (const auto& [id, all] : questions) {
    const auto known = known_.find(id);
    if (!same || known == known_.end()) {
      std::vector<StateDone>& waiting = to_read_[id];
      waiting.insert(waiting.end(), all.begin(), all.end());
      continue;
    }
    const Result<ChannelState> state = known->second;
    for (const StateDone& done : all) done(state);
  }
  go_on();
}

void ChannelReads::read() {
  reading_ = true;
  const auto questions = std::make_shared<const Questions>(std::exchange(to_read_, {}));
  const auto arrived = [this, post = post_, questions, asked_ns = clock_.monotonic_ns()](Result<States> states) {
    post([this, questions, states = std::move(states), asked_ns] { has_read(*questions, states, asked_ns); });
  };
  if (questions->size() == 1) {  // one round trip less
    return chain_.channel(contract_, questions->begin()->first, evm::Depth::newest,
                          [arrived](const Result<ChannelState>& state) {
                            arrived(state.map([](const ChannelState& one) { return States{one}; }));
                          });
  }
  std::vector<base::Hash> ids;
  for (const auto& [id, done] : *questions) ids.push_back(id);
  chain_.channels(contract_, std::move(ids), evm::Depth::newest, arrived);
}

void ChannelReads::has_read(const Questions& questions, const Result<States>& states, std::uint64_t asked_ns) {
  reading_ = false;
  std::size_t at = 0;
  for (const auto& [id, all] : questions) {
    const Result<ChannelState> state =
        states ? Result<ChannelState>((*states)[at++]) : tl::unexpected<base::Error>(states.error());
    if (state) remember(id, *state, asked_ns);
    for (const StateDone& done : all) done(state);
  }
  go_on();
}

void ChannelReads::remember(const base::Hash& id, const ChannelState& state, std::uint64_t asked_ns) {
  if (state.block_hash != block_) {
    known_.clear();
    seen_ns_ = asked_ns;
  }
  block_ = state.block_hash;
  if (!block_.is_zero() && known_.size() < base::limits::kFacilitatorChannelsMax) known_.insert_or_assign(id, state);
}

}  // namespace facilitator
