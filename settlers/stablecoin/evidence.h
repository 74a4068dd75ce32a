#pragma once

// What the chain's answers prove. Pure functions over JSON-RPC results; anything malformed gives empty.

#include <boost/json/value.hpp>
#include <optional>

#include "evm/order.h"
#include "settlers/stablecoin/token.h"
#include "settlers/stablecoin/transaction.h"

namespace settlers::stablecoin {

struct Block {
  std::uint64_t number = 0;
  base::Hash hash;
  std::uint64_t timestamp_s = 0;
  base::u128 base_fee_wei = 0;
};
std::optional<Block> parse_block(const boost::json::value& value);

struct Receipt {
  base::Hash transaction;
  std::uint64_t block_number = 0;
  base::Hash block_hash;
  bool success = false;
};
std::optional<Receipt> parse_receipt(const boost::json::value& value);  // empty for null: not in a block

// The movement that a payment transaction of ours is meant to make, read from its own bytes.
struct Movement {
  base::Address token;
  base::Address from;
  base::Address to;
  base::u128 value = 0;
  bool by_allowance = false;  // transferFrom
  bool operator==(const Movement&) const = default;
};
// Empty for anything but transfer, transferFrom and receiveWithAuthorization.
std::optional<Movement> movement_of(const Transaction& transaction, const base::Address& signer);
// Whether a receipt's logs have every one of the events.
bool has_events(const boost::json::value& receipt, const std::vector<evm::EventPattern>& events);
// Whether a receipt's logs have exactly this movement's Transfer event.
bool has_transfer(const boost::json::value& receipt, const Movement& movement);

// Whether a block counts under a rule. `tagged` is the node's block for the rule's tag, if it has one.
bool counts(const BlockRule& rule, std::uint64_t block_number, std::uint64_t latest,
            const std::optional<Block>& tagged);

// Fees of a new transaction, and of its replacement. Empty: the caps do not allow it.
struct Fees {
  base::u128 max_fee_wei = 0;
  base::u128 max_priority_fee_wei = 0;
  bool operator==(const Fees&) const = default;
};
struct FeeCaps {
  base::u128 max_fee_wei = 0;
  base::u128 max_priority_fee_wei = 0;
};
std::optional<Fees> initial_fees(base::u128 base_fee_wei, base::u128 suggested_tip_wei, const FeeCaps& caps);
// Both at least 12.5 % higher (rounded up, at least 1 wei): what every pool takes as a replacement.
std::optional<Fees> bumped_fees(const Fees& old, base::u128 base_fee_wei, const FeeCaps& caps);

// What a node says to eth_sendRawTransaction.
enum class BroadcastReply : std::uint8_t {
  known,          // it had the transaction before: success
  nonce_too_low,  // the nonce is in a block: by ours, or by another
  refused,        // not taken (fees, gas money, pool); the same bytes may be sent again
};
BroadcastReply broadcast_reply(std::string_view message);

// The request of a settlement: u8 version (1), u8 count, and the raw transactions; the last is the payment, one before
// it the permit that it needs.
base::Bytes encode_request(const std::vector<SignedTransaction>& transactions);
base::Result<std::vector<SignedTransaction>> decode_request(base::ByteView request);
// The request of a relay that somebody else had done before anything was sent: u8 version (2), and the hash of the
// transaction that was seen.
base::Bytes encode_seen(const base::Hash& transaction);
std::optional<base::Hash> decode_seen(base::ByteView request);

}  // namespace settlers::stablecoin
