#pragma once

// What the operations on channels share: the request on its way, what is known of a channel, and the form of answers.
// Private to facilitator/channel_*.cpp.

#include <memory>
#include <string>

#include "evm/channel_orders.h"
#include "facilitator/channel_payload.h"
#include "facilitator/channel_reads.h"
#include "facilitator/channel_scheme.h"
#include "facilitator/signature_work.h"

namespace facilitator {

struct ChannelJob {
  Operation operation = Operation::verify;
  ChannelPayload payload;
  const crypto::TokenDomain* token = nullptr;  // the channel's; set for deposit, voucher and refund
  base::u128 price = 0;                        // paymentRequirements.amount
  std::uint64_t max_timeout_s = 0;
  base::FixedBytes<16> request_id;
  std::uint64_t reservation = 0;
  base::Hash resource;  // keccak-256 of the resource's URL; zero: not named
  Done done;
  // What the verifying thread said.
  commitments::channel::Code code = commitments::channel::Code::ok;
  std::string why;
};
using SharedJob = std::shared_ptr<ChannelJob>;
using SnapshotDone = std::function<void(const base::Result<commitments::channel::Snapshot>&)>;

class ChannelDesk {
 public:
  explicit ChannelDesk(ChannelSchemeParts parts);

  const ChannelSchemeParts& parts() const noexcept { return parts_; }
  const commitments::channel::Domain& domain() const noexcept { return domain_; }
  const std::string& network() const noexcept { return network_; }
  // Null if the token is not on the rail's list.
  const crypto::TokenDomain* token(const base::Address& address) const;
  // Whether our key is this receiver authorizer.
  bool is_authorizer(const base::Address& authorizer) const {
    return parts_.authorizer != nullptr && parts_.authorizer->address() == authorizer;
  }

  // Runs `job->code = check(*job)` on a verifying thread; then `next`, if that is ok. Everything else is answered here.
  void check(const SharedJob& job, std::size_t signatures, std::function<void(ChannelJob&)> check,
             std::function<void()> next);
  // The same for the signature of the job's voucher, which is checked together with those of others.
  void check_voucher(const SharedJob& job, std::function<void()> next);
  void flush() { work_.flush(); }

  // What an asynchronous answer of the chain is given to: runs on this thread, later.
  template <typename T>
  evm::Done<T> here(std::function<void(const base::Result<T>&)> done) const {
    return [post = parts_.post, done = std::move(done)](base::Result<T> result) {
      post([done, result = std::move(result)] { done(result); });
    };
  }
  // The chain's word on a channel. On this thread, later.
  void ask_chain(const base::Hash& id, evm::Depth depth, StateDone done) {
    if (depth == evm::Depth::newest) return reads_.ask(id, std::move(done));
    parts_.chain.channel(parts_.contract, id, depth, here<evm::ChannelState>(std::move(done)));
  }
  // The newest block's, again until `enough`: a node may be behind the one that confirmed our transaction. unavailable
  // after some seconds.
  void ask_chain_until(const base::Hash& id, std::function<bool(const commitments::channel::Snapshot&)> enough,
                       SnapshotDone done);
  // From the ledger if the channel is kept there and the watcher is in step (then at once), else from the chain.
  void state_of(const base::Hash& id, const SnapshotDone& done);

  Answer refuse(const ChannelJob& job, commitments::channel::Code code, std::string_view why = {},
                std::string extra = {}) const;
  SettleResponse settle_response(const ChannelJob& job, const RelayAnswer& answer) const;
  ledger::core::PlanRelay plan(const evm::ChannelOrder& order) const;

 private:
  void checked(const ChannelJob& job, bool taken, const std::function<void()>& next) const;
  void ask_again(const base::Hash& id, unsigned left, std::function<bool(const commitments::channel::Snapshot&)> enough,
                 SnapshotDone done);

  const ChannelSchemeParts parts_;
  const commitments::channel::Domain domain_;
  const std::string network_;
  std::vector<crypto::TokenDomain> tokens_;  // in the order of chain.tokens()
  SignatureWork work_;
  ChannelReads reads_;
};

// {channelId, balance, totalClaimed, withdrawRequestedAt, refundNonce [, chargedCumulativeAmount]}
std::string channel_state_json(const base::Hash& id, const commitments::channel::Snapshot& state,
                               std::optional<base::u128> charged = std::nullopt);

}  // namespace facilitator
