#pragma once

// `reserve` and `capture`: the ledger keeps the channel for a server that keeps no state of its own. Reserving takes
// the channel's next voucher, so that of many requests at once one is served; capturing charges what was used. Private
// to facilitator/channel_*.cpp.

#include "facilitator/channel_settle.h"
#include "facilitator/channel_verify.h"
#include "facilitator/unfunded_channels.h"

namespace facilitator {

class ChannelStore {
 public:
  ChannelStore(ChannelDesk& desk, ChannelVerify& verify, ChannelSettle& settle)
      : desk_(desk), verify_(verify), settle_(settle) {}
  // Of a voucher, a deposit or a refund.
  void reserve(const SharedJob& job);
  void capture(const SharedJob& job);

 private:
  using Receipt = ledger::api::CommandReceipt;
  using ReceiptDone = std::function<void(const Receipt&)>;
  using Next = std::function<void()>;

  // The receipt comes on this thread.
  void submit(ledger::core::Command command, ReceiptDone done) const;
  // Brings the ledger's channel up to the confirmed block; opens it if `may_open` or if there is money in it. Answers
  // the job itself if that fails.
  void sync(const SharedJob& job, bool may_open, Next next);
  void reserve_deposit(const SharedJob& job);
  // Whether the ledger may keep the channel of a deposit from now on, if it does not yet.
  bool may_open(const ChannelJob& job, const commitments::channel::Snapshot& newest);
  void reserve_now(const SharedJob& job, bool synced);
  void reserved(const SharedJob& job, const Receipt& receipt);

  void capture_deposit(const SharedJob& job);
  void capture_now(const SharedJob& job, const std::string& transaction);
  void captured(const SharedJob& job, const std::string& transaction, const Receipt& receipt);
  void release(const SharedJob& job);
  void release_refund(const SharedJob& job);
  void capture_refund(const SharedJob& job);
  void send_refund(const SharedJob& job, const base::Hash& key, const ledger::core::Channel& kept);
  void refunded(const SharedJob& job, const RelayAnswer& answer);

  // What the ledger refused.
  Answer refused(const ChannelJob& job, const ledger::core::CommandResult& result) const;

  ChannelDesk& desk_;
  ChannelVerify& verify_;
  ChannelSettle& settle_;
  UnfundedChannels unfunded_;
};

}  // namespace facilitator
