// Payment channels and earnings.

#include "rpc/capnp/convert.h"

namespace rpc {
namespace {

// Zero is an absent pointer.
#define TABD_SET_WIDE(builder, Field, value)                                \
  do {                                                                      \
    if ((value) != 0) ::rpc::encode_wide((value), (builder).init##Field()); \
  } while (false)
#define TABD_SET_BYTES(builder, Field, value)                  \
  do {                                                         \
    if (!(value).is_zero()) (builder).set##Field(data(value)); \
  } while (false)

void encode(const core::ChannelReservation& in, wire::ChannelReservation::Builder out) {
  out.setSequence(in.sequence.value);
  TABD_SET_BYTES(out, Request, in.request);
  out.setRefund(in.refund);
  TABD_SET_WIDE(out, Maximum, in.maximum);
  out.setSignature(data(in.signature));
  TABD_SET_WIDE(out, Amount, in.amount);
  TABD_SET_WIDE(out, Deposit, in.deposit);
  out.setExpiresUs(in.expires.us);
}

bool decode(wire::ChannelReservation::Reader in, core::ChannelReservation& out) {
  out.sequence = core::Sequence(in.getSequence());
  out.refund = in.getRefund();
  out.maximum = decode_wide(in.getMaximum());
  out.amount = decode_wide(in.getAmount());
  out.deposit = decode_wide(in.getDeposit());
  out.expires.us = in.getExpiresUs();
  return decode_optional(in.getRequest(), out.request) && decode_optional(in.getSignature(), out.signature);
}

}  // namespace

void encode(const core::Channel& in, wire::Channel::Builder out) {
  out.setId(in.id.value);
  out.setKey(data(in.key));
  out.setChainId(in.chain_id);
  out.setContract(data(in.contract));
  out.setPayer(data(in.config.payer));
  out.setPayerAuthorizer(data(in.config.payer_authorizer));
  out.setReceiver(data(in.config.receiver));
  out.setReceiverAuthorizer(data(in.config.receiver_authorizer));
  out.setToken(data(in.config.token));
  out.setWithdrawDelayS(in.config.withdraw_delay_s);
  out.setSalt(data(in.config.salt));
  TABD_SET_WIDE(out, Charged, in.charged);
  TABD_SET_WIDE(out, Captured, in.captured);
  out.setCharges(in.charges);
  TABD_SET_WIDE(out, SignedMaximum, in.signed_maximum);
  TABD_SET_BYTES(out, Signature, in.signature);
  TABD_SET_WIDE(out, Balance, in.chain.balance);
  TABD_SET_WIDE(out, TotalClaimed, in.chain.total_claimed);
  TABD_SET_WIDE(out, Withdrawal, in.chain.withdrawal);
  out.setWithdrawRequestedAtS(in.chain.withdraw_requested_at_s);
  out.setRefundNonce(data(in.chain.refund_nonce.word()));
  out.setBlock(in.block);
  if (in.reservation.sequence.valid()) encode(in.reservation, out.initReservation());
  out.setPutAside(text(in.put_aside));
  out.setOpenedUs(in.opened.us);
  out.setChargedUs(in.charged_at.us);
}

bool decode(wire::Channel::Reader in, core::Channel& out) {
  out.id = base::ChannelId(in.getId());
  out.chain_id = in.getChainId();
  out.config.withdraw_delay_s = in.getWithdrawDelayS();
  out.charged = decode_wide(in.getCharged());
  out.captured = decode_wide(in.getCaptured());
  out.charges = in.getCharges();
  out.signed_maximum = decode_wide(in.getSignedMaximum());
  out.chain.balance = decode_wide(in.getBalance());
  out.chain.total_claimed = decode_wide(in.getTotalClaimed());
  out.chain.withdrawal = decode_wide(in.getWithdrawal());
  out.chain.withdraw_requested_at_s = in.getWithdrawRequestedAtS();
  out.block = in.getBlock();
  out.put_aside = string(in.getPutAside());
  out.opened.us = in.getOpenedUs();
  out.charged_at.us = in.getChargedUs();
  base::Hash nonce;
  const bool fits = decode_fixed(in.getKey(), out.key) && decode_fixed(in.getContract(), out.contract) &&
                    decode_fixed(in.getPayer(), out.config.payer) &&
                    decode_fixed(in.getPayerAuthorizer(), out.config.payer_authorizer) &&
                    decode_fixed(in.getReceiver(), out.config.receiver) &&
                    decode_fixed(in.getReceiverAuthorizer(), out.config.receiver_authorizer) &&
                    decode_fixed(in.getToken(), out.config.token) && decode_fixed(in.getSalt(), out.config.salt) &&
                    decode_optional(in.getSignature(), out.signature) && decode_optional(in.getRefundNonce(), nonce);
  out.chain.refund_nonce = base::Uint256::from_word(nonce);
  return fits && (!in.hasReservation() || decode(in.getReservation(), out.reservation));
}

void encode(const core::Earnings& in, wire::Earnings::Builder out) {
  out.setChainId(in.chain_id);
  out.setContract(data(in.contract));
  out.setReceiver(data(in.receiver));
  out.setToken(data(in.token));
  TABD_SET_WIDE(out, Charged, in.charged);
  TABD_SET_WIDE(out, Claimed, in.claimed);
  TABD_SET_WIDE(out, Settled, in.settled);
  out.setBlock(in.block);
}

bool decode(wire::Earnings::Reader in, core::Earnings& out) {
  out.chain_id = in.getChainId();
  out.charged = decode_wide(in.getCharged());
  out.claimed = decode_wide(in.getClaimed());
  out.settled = decode_wide(in.getSettled());
  out.block = in.getBlock();
  return decode_fixed(in.getContract(), out.contract) && decode_fixed(in.getReceiver(), out.receiver) &&
         decode_fixed(in.getToken(), out.token);
}

}  // namespace rpc
