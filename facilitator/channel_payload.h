#pragma once

// What is sent about a channel: PaymentPayload.payload of `batch-settlement` on eip155 (docs/bindings/channel.md).
// Pure.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "commitments/channel/verify.h"
#include "facilitator/protocol.h"

namespace facilitator {

enum class ChannelAction : std::uint8_t { deposit, voucher, refund, claim, settle };

struct ChannelPayload {
  ChannelAction action = ChannelAction::voucher;
  // deposit, voucher, refund
  std::string payer;                       // of the configuration, as it was written: answers repeat it
  commitments::channel::VoucherItem item;  // its domain is the one that was given to decode_channel
  commitments::channel::Deposit deposit;
  // claim, and a refund that a server has completed
  std::vector<commitments::channel::Claim> claims;
  std::optional<base::Signature> claim_signature;  // of the receiver authorizer; empty: ours is asked for
  // refund
  std::optional<base::u128> amount;           // empty: all that is left
  std::optional<base::Uint256> refund_nonce;  // set: a server has completed it
  std::optional<base::Signature> refund_signature;
  // settle
  base::Address receiver;
  base::Address token;
};

struct ChannelRejection {
  commitments::channel::Code code = commitments::channel::Code::payload_type;
  std::string message;  // what is wrong, and where
  std::string payer;    // as written; empty: not known
};

// `domain` must outlive the payload.
std::variant<ChannelPayload, ChannelRejection> decode_channel(const PaymentRequest& request,
                                                              const commitments::channel::Domain& domain);

}  // namespace facilitator
