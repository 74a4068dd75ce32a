#include "evm/channel_contract.h"

#include <array>
#include <string>
#include <vector>

#include "evm/abi.h"

namespace evm {

namespace {

using base::Address;
using base::Bytes;
using base::ByteView;
using base::Hash;
using base::u128;

constexpr std::string_view kConfig = "(address,address,address,address,address,uint40,bytes32)";
constexpr unsigned kTimeBits = 40;

// A function's signature: `text` with the configuration's and the claims' types in the place of # and @.
std::string function(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '#') {
      out.append(kConfig);
    } else if (c == '@') {
      out.append("((").append(kConfig).append(",uint128),bytes,uint128)[]");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

TupleEncoder& add(TupleEncoder& out, const ChannelConfig& config) {
  out.address(config.payer).address(config.payer_authorizer).address(config.receiver);
  return out.address(config.receiver_authorizer)
      .address(config.token)
      .number(config.withdraw_delay_s)
      .word(config.salt);
}

Bytes encode_claims(std::span<const Claim> claims) {
  std::vector<Bytes> rows;
  rows.reserve(claims.size());
  for (const Claim& claim : claims) {
    TupleEncoder row;
    add(row, claim.config).number(claim.maximum);
    rows.push_back(row.dynamic(encode_bytes(claim.signature.view())).number(claim.total_claimed).finish());
  }
  return encode_array(rows);
}

Bytes call_with_config(std::string_view text, const ChannelConfig& config) {
  TupleEncoder arguments;
  return call_data(function(text), add(arguments, config).finish());
}

Bytes call_with_config(std::string_view text, const ChannelConfig& config, u128 amount) {
  TupleEncoder arguments;
  return call_data(function(text), add(arguments, config).number(amount).finish());
}

ChannelConfig read_config(WordReader& in) {
  ChannelConfig config;
  config.payer = in.address();
  config.payer_authorizer = in.address();
  config.receiver = in.address();
  config.receiver_authorizer = in.address();
  config.token = in.address();
  config.withdraw_delay_s = in.number64(kTimeBits);
  config.salt = in.word();
  return config;
}

const std::array<Hash, std::variant_size_v<ChannelEvent>>& topics_of_events() {
  static const std::array<Hash, std::variant_size_v<ChannelEvent>> topics = {
      event_topic("ChannelCreated(bytes32," + std::string(kConfig) + ")"),
      event_topic("ChannelClosed(bytes32," + std::string(kConfig) + ")"),
      event_topic("Deposited(bytes32,address,uint128,uint128)"),
      event_topic("Claimed(bytes32,address,uint128,uint128)"),
      event_topic("Settled(address,address,address,uint128)"),
      event_topic("Refunded(bytes32,address,uint128)"),
      event_topic("WithdrawInitiated(bytes32,uint128,uint40)"),
      event_topic("WithdrawFinalized(bytes32,address,uint128)"),
  };
  return topics;
}

// How many topics an event has, its own included.
constexpr std::array<std::size_t, std::variant_size_v<ChannelEvent>> kTopicCounts = {2, 2, 3, 3, 4, 3, 2, 3};

// `in` reads the topics after the first, then the data.
ChannelEvent read_event(std::size_t index, WordReader& in) {
  switch (index) {
    case 0: return ChannelCreated{in.word(), read_config(in)};
    case 1: return ChannelClosed{in.word(), read_config(in)};
    case 2: return Deposited{in.word(), in.address(), in.number(), in.number()};
    case 3: return Claimed{in.word(), in.address(), in.number(), in.number()};
    case 4: return Settled{in.address(), in.address(), in.address(), in.number()};
    case 5: return Refunded{in.word(), in.address(), in.number()};
    case 6: return WithdrawInitiated{in.word(), in.number(), in.number64(kTimeBits)};
    default: return WithdrawFinalized{in.word(), in.address(), in.number()};
  }
}

}  // namespace

Bytes call_deposit(const ChannelConfig& config, u128 amount, const Address& collector, ByteView data) {
  TupleEncoder arguments;
  add(arguments, config).number(amount).address(collector).dynamic(encode_bytes(data));
  return call_data(function("deposit(#,uint128,address,bytes)"), arguments.finish());
}

Bytes collector_data(const commitments::channel::Deposit& deposit) {
  TupleEncoder members;
  members.word(deposit.valid_after.word()).word(deposit.valid_before.word()).word(deposit.salt.word());
  return members.dynamic(encode_bytes(deposit.signature.view())).finish();
}

Bytes call_claim(std::span<const Claim> claims) {
  return call_data(function("claim(@)"), TupleEncoder().dynamic(encode_claims(claims)).finish());
}

Bytes call_claim_with_signature(std::span<const Claim> claims, ByteView authorizer_signature) {
  TupleEncoder arguments;
  arguments.dynamic(encode_claims(claims)).dynamic(encode_bytes(authorizer_signature));
  return call_data(function("claimWithSignature(@,bytes)"), arguments.finish());
}

Bytes call_settle(const Address& receiver, const Address& token) {
  return call_data("settle(address,address)", {word_of(receiver), word_of(token)});
}

Bytes call_refund(const ChannelConfig& config, u128 amount) {
  return call_with_config("refund(#,uint128)", config, amount);
}

Bytes call_refund_with_signature(const ChannelConfig& config, u128 amount, const base::Uint256& nonce,
                                 ByteView authorizer_signature) {
  TupleEncoder arguments;
  add(arguments, config).number(amount).word(nonce.word()).dynamic(encode_bytes(authorizer_signature));
  return call_data(function("refundWithSignature(#,uint128,uint256,bytes)"), arguments.finish());
}

Bytes call_multicall(std::span<const Bytes> calls) {
  std::vector<Bytes> parts;
  parts.reserve(calls.size());
  for (const Bytes& call : calls) parts.push_back(encode_bytes(call));
  return call_data("multicall(bytes[])", TupleEncoder().dynamic(encode_array(parts)).finish());
}

Bytes call_initiate_withdraw(const ChannelConfig& config, u128 amount) {
  return call_with_config("initiateWithdraw(#,uint128)", config, amount);
}

Bytes call_finalize_withdraw(const ChannelConfig& config) { return call_with_config("finalizeWithdraw(#)", config); }

Bytes call_get_channel_id(const ChannelConfig& config) { return call_with_config("getChannelId(#)", config); }

Bytes call_get_voucher_digest(const Hash& channel_id, u128 maximum) {
  return call_data("getVoucherDigest(bytes32,uint128)", {channel_id, word_of(maximum)});
}

Bytes call_get_refund_digest(const Hash& channel_id, const base::Uint256& nonce, u128 amount) {
  return call_data("getRefundDigest(bytes32,uint256,uint128)", {channel_id, nonce.word(), word_of(amount)});
}

Bytes call_get_claim_batch_digest(std::span<const Claim> claims) {
  return call_data(function("getClaimBatchDigest(@)"), TupleEncoder().dynamic(encode_claims(claims)).finish());
}

Bytes call_channels(const Hash& channel_id) { return call_data("channels(bytes32)", {channel_id}); }
Bytes call_pending_withdrawals(const Hash& channel_id) {
  return call_data("pendingWithdrawals(bytes32)", {channel_id});
}
Bytes call_refund_nonce(const Hash& channel_id) { return call_data("refundNonce(bytes32)", {channel_id}); }
Bytes call_receivers(const Address& receiver, const Address& token) {
  return call_data("receivers(address,address)", {word_of(receiver), word_of(token)});
}

std::optional<commitments::channel::Snapshot> decode_snapshot(ByteView channels, ByteView withdrawal,
                                                              ByteView refund_nonce) {
  commitments::channel::Snapshot snapshot;
  WordReader escrow(channels);
  snapshot.balance = escrow.number();
  snapshot.total_claimed = escrow.number();
  WordReader pending(withdrawal);
  snapshot.withdrawal = pending.number();
  snapshot.withdraw_requested_at_s = pending.number64(kTimeBits);
  WordReader nonce(refund_nonce);
  snapshot.refund_nonce = base::Uint256::from_word(nonce.word());
  if (!escrow.complete() || !pending.complete() || !nonce.complete()) return std::nullopt;
  return snapshot;
}

std::optional<Earnings> decode_receivers(ByteView answer) {
  WordReader in(answer);
  const Earnings earnings{in.number(), in.number()};
  return in.complete() ? std::optional(earnings) : std::nullopt;
}

std::optional<ChannelEvent> decode_channel_event(std::span<const Hash> topics, ByteView data) {
  if (topics.empty()) return std::nullopt;
  const auto& known = topics_of_events();
  for (std::size_t index = 0; index < known.size(); ++index) {
    if (topics.front() != known[index]) continue;
    if (topics.size() != kTopicCounts[index]) return std::nullopt;
    Bytes words;
    for (const Hash& topic : topics.subspan(1)) words.insert(words.end(), topic.bytes.begin(), topic.bytes.end());
    words.insert(words.end(), data.begin(), data.end());
    WordReader in(words);
    ChannelEvent event = read_event(index, in);
    return in.complete() ? std::optional(std::move(event)) : std::nullopt;
  }
  return std::nullopt;
}

std::span<const Hash> channel_event_topics() { return topics_of_events(); }

}  // namespace evm
