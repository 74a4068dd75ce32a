#pragma once

// The newest block's word on channels, asked for together. Questions that gather while the node answers others become
// one read, with each channel once. What was read at a block is true as long as that block is the newest: then only the
// block is asked for, at most every base::limits::kNewestBlockFreshMs. So nothing is older than its question by more
// than that. Private to facilitator/channel_*.cpp; one thread, that of `post`.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "evm/chain.h"
#include "facilitator/scheme.h"

namespace facilitator {

using StateDone = std::function<void(const base::Result<evm::ChannelState>&)>;

class ChannelReads {
 public:
  // `chain` and `clock` outlive this, and this the answers to its reads.
  ChannelReads(evm::Chain& chain, const base::Address& contract, const base::Clock& clock, Post post);

  // `done` is called later; with the chain's Error if the read failed.
  void ask(const base::Hash& id, StateDone done);
  // The next question is answered by the chain, however fresh what is known may be: we know that a block has come.
  void expect_block() { expected_ns_ = clock_.monotonic_ns(); }

 private:
  using Questions = std::map<base::Hash, std::vector<StateDone>>;
  using Shared = std::shared_ptr<Questions>;
  using States = std::vector<evm::ChannelState>;

  bool fresh() const;
  void go_on();
  void look();
  void looked(const Questions& questions, const base::Result<evm::BlockPoint>& newest, std::uint64_t asked_ns);
  void read();
  void has_read(const Questions& questions, const base::Result<States>& states, std::uint64_t asked_ns);
  void remember(const base::Hash& id, const evm::ChannelState& state, std::uint64_t asked_ns);

  evm::Chain& chain_;
  const base::Address contract_;
  const base::Clock& clock_;
  const Post post_;
  Questions to_look_;  // known at block_: is that still the newest?
  Questions to_read_;
  bool looking_ = false;
  bool reading_ = false;
  std::optional<std::uint64_t> seen_ns_;           // block_ was the newest then, or later
  std::uint64_t expected_ns_ = 0;                  // what was seen before is not fresh
  base::Hash block_;                               // the newest that was read
  std::map<base::Hash, evm::ChannelState> known_;  // at that block
};

}  // namespace facilitator
