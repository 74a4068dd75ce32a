#include "facilitator/unfunded_channels.h"

#include <algorithm>

#include "base/limits.h"

namespace facilitator {

bool UnfundedChannels::admit(const base::Address& payer, const base::Hash& channel, const Funded& funded) {
  if (by_payer_.size() >= base::limits::kUnfundedPayersMax && !by_payer_.contains(payer)) by_payer_.clear();
  std::vector<base::Hash>& opened = by_payer_[payer];
  if (std::find(opened.begin(), opened.end(), channel) != opened.end()) return true;
  if (opened.size() >= base::limits::kUnfundedChannelsMax) std::erase_if(opened, funded);
  if (opened.size() >= base::limits::kUnfundedChannelsMax) return false;
  opened.push_back(channel);
  return true;
}

}  // namespace facilitator
