#pragma once

// Channels that were opened for a deposit which has not come yet, by payer. Opening costs a payer a signature, and the
// ledger keeps a channel for ever: without a bound one wallet could fill it by promising the same money again and
// again. Remembered in memory alone: a restart forgets. One thread.

#include <functional>
#include <map>
#include <vector>

#include "base/bytes.h"

namespace facilitator {

class UnfundedChannels {
 public:
  // Whether a channel has got money meanwhile.
  using Funded = std::function<bool(const base::Hash& channel)>;

  // True if the payer may open this one, which is then counted; for one that is counted already, always. At most
  // base::limits::kUnfundedChannelsMax.
  bool admit(const base::Address& payer, const base::Hash& channel, const Funded& funded);

 private:
  std::map<base::Address, std::vector<base::Hash>> by_payer_;
};

}  // namespace facilitator
