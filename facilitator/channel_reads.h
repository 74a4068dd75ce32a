#pragma once

// The newest block's word on channels, asked for together. Questions that gather while the node answers others become
// one read, with each channel once. What was read at a block is true as long as that block is the newest: then only the
// block is asked for. Nothing is older than its question either way. Private to facilitator/channel_*.cpp; one thread,
// that of `post`.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "evm/chain.h"
#include "facilitator/scheme.h"

namespace facilitator {

using StateDone = std::function<void(const base::Result<evm::ChannelState>&)>;

class ChannelReads {
 public:
  // `chain` outlives this, and this the answers to its reads.
  ChannelReads(evm::Chain& chain, const base::Address& contract, Post post);

  // `done` is called later; with the chain's Error if the read failed.
  void ask(const base::Hash& id, StateDone done);

 private:
  using Questions = std::map<base::Hash, std::vector<StateDone>>;
  using Shared = std::shared_ptr<Questions>;
  using States = std::vector<evm::ChannelState>;

  void go_on();
  void look();
  void looked(const Questions& questions, const base::Result<evm::BlockPoint>& newest);
  void read();
  void has_read(const Questions& questions, const base::Result<States>& states);
  void remember(const base::Hash& id, const evm::ChannelState& state);

  evm::Chain& chain_;
  const base::Address contract_;
  const Post post_;
  Questions to_look_;  // known at block_: is that still the newest?
  Questions to_read_;
  bool looking_ = false;
  bool reading_ = false;
  base::Hash block_;                               // the newest that was read
  std::map<base::Hash, evm::ChannelState> known_;  // at that block
};

}  // namespace facilitator
