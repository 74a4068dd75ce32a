#pragma once

// /verify of a deposit, a voucher or a refund. Private to facilitator/channel_*.cpp.

#include "facilitator/channel_desk.h"

namespace facilitator {

// Checks for the verifying threads: they set the job's code.
void take_answer(ChannelJob& job, const commitments::channel::Answer& answer);
void check_voucher_signature(ChannelJob& job);
void check_deposit_signatures(ChannelJob& job, const base::Address& collector, std::uint64_t now_s);

// What the chain says of a deposit that is not made yet.
struct DepositView {
  commitments::channel::Code code = commitments::channel::Code::ok;
  std::string why;
  commitments::channel::Snapshot channel;
};
using DepositViewDone = std::function<void(const base::Result<DepositView>&)>;

class ChannelVerify {
 public:
  explicit ChannelVerify(ChannelDesk& desk) : desk_(desk) {}
  void voucher(const SharedJob& job);  // also of a refund
  void deposit(const SharedJob& job);
  // Balance, simulation and channel, from the chain.
  void look_at_deposit(const SharedJob& job, DepositViewDone done);

 private:
  void answer(const ChannelJob& job, const commitments::channel::Snapshot& state) const;

  ChannelDesk& desk_;
};

}  // namespace facilitator
