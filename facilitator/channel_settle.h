#pragma once

// /settle of a deposit, a claim, a settle or a refund: each is one relay. Private to facilitator/channel_*.cpp.

#include <map>
#include <set>

#include "evm/channel_orders.h"
#include "facilitator/channel_desk.h"

namespace facilitator {

class ChannelSettle {
 public:
  explicit ChannelSettle(ChannelDesk& desk) : desk_(desk) {}
  void deposit(const SharedJob& job);
  // `payees`: for whom the caller may ask.
  void claim(const SharedJob& job, std::span<const base::Address> payees);
  void settle(const SharedJob& job, std::span<const base::Address> payees);
  void refund(const SharedJob& job);

  // The relay of a deposit whose signatures are good; everything else is answered here.
  void send_deposit(const SharedJob& job, RelayDone done);
  // What is not a success.
  Answer unfinished(const ChannelJob& job, const RelayAnswer& answer) const;

 private:
  using Rows = std::vector<commitments::channel::Claim>;
  // Those who asked for the same while it is under way here get the same answer. True for the first of them.
  bool first(const base::Hash& key, const SharedJob& job);
  void answer_all(const base::Hash& key, const Answer& answer);

  void deposited(const SharedJob& job, const RelayAnswer& answer);
  void look_at_rows(const SharedJob& job, const base::Hash& key);
  void claim_rows(const SharedJob& job, const base::Hash& key, const std::vector<evm::ChannelState>& states);
  void nothing_to_claim(const SharedJob& job, const base::Hash& key);
  void send_settle(const SharedJob& job, const base::Hash& key, const evm::Earnings& earned);
  void nothing_to_settle(const SharedJob& job, const base::Hash& key, const base::Hash& relay);
  void check_refund(const SharedJob& job, const base::Hash& key);
  void send_refund(const SharedJob& job, const base::Hash& key, const commitments::channel::Snapshot& state);
  void refunded(const SharedJob& job, const base::Hash& key, base::u128 amount, const RelayAnswer& answer);

  ChannelDesk& desk_;
  std::map<base::Hash, std::vector<SharedJob>> under_way_;  // by what was asked for
  std::set<base::Hash> pending_settles_;                    // relays whose askers heard settlement_pending
};

}  // namespace facilitator
