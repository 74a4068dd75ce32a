#include "evm/channel_orders.h"

#include <array>

#include "base/check.h"
#include "crypto/eip3009.h"
#include "crypto/keccak.h"
#include "evm/abi.h"
#include "evm/channel_contract.h"
#include "evm/eip3009.h"

namespace evm {
namespace {

namespace channel = commitments::channel;

// First topics, by their places in ChannelEvent.
enum class Event : std::size_t { deposited = 2, claimed = 3, settled = 4, refunded = 5 };
static_assert(std::is_same_v<std::variant_alternative_t<2, ChannelEvent>, Deposited>);
static_assert(std::is_same_v<std::variant_alternative_t<3, ChannelEvent>, Claimed>);
static_assert(std::is_same_v<std::variant_alternative_t<4, ChannelEvent>, Settled>);
static_assert(std::is_same_v<std::variant_alternative_t<5, ChannelEvent>, Refunded>);

base::Hash topic(Event which) { return channel_event_topics()[static_cast<std::size_t>(which)]; }

EventPattern event(const channel::Domain& domain, Event which, std::initializer_list<base::Hash> topics) {
  EventPattern pattern;
  pattern.contract = domain.contract;
  pattern.topics.push_back(topic(which));
  pattern.topics.insert(pattern.topics.end(), topics);
  return pattern;
}

ChannelOrder new_order(const channel::Domain& domain, const base::Hash& key, std::string label) {
  ChannelOrder made;
  made.key = key;
  made.order.chain_id = domain.chain_id;
  made.order.to = domain.contract;
  made.label = std::move(label);
  return made;
}

base::Hash hash_of(std::initializer_list<base::ByteView> parts) {
  base::Bytes all;
  for (const base::ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return crypto::keccak256(all);
}

}  // namespace

ChannelOrder deposit_order(const channel::VoucherItem& item, const channel::Deposit& deposit,
                           const crypto::TokenDomain& token, const base::Address& collector) {
  const channel::Domain& domain = *item.domain;
  const base::Hash& id = item.voucher.channel_id;
  const crypto::Authorization authorization = channel::deposit_authorization(item.config, id, deposit, collector);
  ChannelOrder made = new_order(domain, crypto::authorization_key(token, item.config.payer, authorization.nonce),
                                "deposit " + base::to_hex(id));
  made.order.data = call_deposit(item.config, deposit.amount, collector, collector_data(deposit));
  const std::optional<base::u128> before = deposit.valid_before.to_u128();
  if (before && *before <= UINT64_MAX) made.order.deadline_s = static_cast<std::uint64_t>(*before);
  made.order.proof = authorized_transfer_events(token.token, authorization);
  made.order.proof.push_back(event(domain, Event::deposited, {id}));
  made.order.elsewhere = made.order.proof;
  return made;
}

base::Hash claim_key(const channel::Domain& domain, std::span<const channel::Claim> claims) {
  return channel::claim_batch_digest(domain, channel::claim_entries(domain, claims));
}

ChannelOrder claim_order(const channel::Domain& domain, std::span<const channel::Claim> claims,
                         const base::Signature& authorizer, std::uint64_t gas_limit_max, ClaimProof proof) {
  ChannelOrder made =
      new_order(domain, claim_key(domain, claims), "claim " + std::to_string(claims.size()) + " channels");
  made.order.data = call_claim_with_signature(claims, authorizer.view());
  made.order.gas_limit_max = gas_limit_max;
  const std::size_t proving = proof == ClaimProof::all_rows ? claims.size() : 1;
  CHECK(!claims.empty() && proving <= kOrderEventsMax);
  for (const channel::Claim& claim : claims.first(proving))
    made.order.proof.push_back(event(domain, Event::claimed, {channel::channel_id(domain, claim.config)}));
  return made;
}

ChannelOrder settle_order(const channel::Domain& domain, const base::Address& receiver, const base::Address& token,
                          base::u128 total_claimed, std::uint64_t gas_limit_max) {
  const base::Hash total = word_of(total_claimed);
  ChannelOrder made = new_order(domain, hash_of({domain.separator.view(), receiver.view(), token.view(), total.view()}),
                                "settle " + base::to_hex(receiver));
  made.order.data = call_settle(receiver, token);
  made.order.gas_limit_max = gas_limit_max;
  made.order.proof.push_back(event(domain, Event::settled, {word_of(receiver), word_of(token)}));
  return made;
}

base::Hash claimed_topic() { return topic(Event::claimed); }
base::Hash settled_topic() { return topic(Event::settled); }

base::Hash refund_key(const channel::Domain& domain, const ChannelRefund& refund) {
  const base::Hash what = channel::refund_digest(domain, refund.channel_id, refund.nonce, refund.amount);
  const base::Hash claims = claim_key(domain, refund.claims);
  return hash_of({what.view(), claims.view()});
}

ChannelOrder refund_order(const channel::Domain& domain, const base::Hash& key, const ChannelRefund& refund,
                          const base::Signature& refund_signature, const base::Signature& claim_signature,
                          std::uint64_t gas_limit_max) {
  ChannelOrder made = new_order(domain, key, "refund " + base::to_hex(refund.channel_id));
  made.order.data = call_refund_with_signature(refund.config, refund.amount, refund.nonce, refund_signature.view());
  if (!refund.claims.empty()) {
    const std::array<base::Bytes, 2> calls = {call_claim_with_signature(refund.claims, claim_signature.view()),
                                              std::move(made.order.data)};
    made.order.data = call_multicall(calls);
  }
  made.order.gas_limit_max = gas_limit_max;
  made.order.proof.push_back(event(domain, Event::refunded, {refund.channel_id}));
  return made;
}

}  // namespace evm
