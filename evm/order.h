#pragma once

// What a relay on an EVM chain is: one call, and what in the chain's logs proves that it happened. Whoever plans the
// relay writes it, the stablecoin rail reads it. Pure; safe from any thread.
//
// Encoding (base/codec.h): u8 version (1), u64 chain id, to (20 bytes), data `bytes`, u64 gas limit, u64 deadline, then
// the events of `proof` and of `elsewhere`, each list a u8 count and for each event: contract (20), u8 number of topics
// (1 to 4), the topics (32 each), u8 has data (0 or 1), data `bytes` if so.

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace evm {

// A log that must be there: of this contract, with exactly these first topics, and exactly this data if it is given.
struct EventPattern {
  base::Address contract;
  std::vector<base::Hash> topics;  // 1 to 4
  std::optional<base::Bytes> data;
  bool operator==(const EventPattern&) const = default;
};

struct RelayOrder {
  std::uint64_t chain_id = 0;
  base::Address to;  // one that the rail allows: a token, or a contract of its configuration
  base::Bytes data;
  std::uint64_t gas_limit_max = 0;  // 0: the rail's own cap alone
  // In a block with this time or a later one the call fails for ever (an authorisation's validBefore). Unix seconds; 0:
  // there is no such time.
  std::uint64_t deadline_s = 0;
  // All of them in the receipt of one successful transaction: it has happened. Success without them proves nothing.
  std::vector<EventPattern> proof;  // 1 to kOrderEventsMax
  // All of them in one transaction, whoever sent it: it has been done. The first is looked for, and must be one that
  // can be on the chain only once (AuthorizationUsed with its nonce). Empty: nobody else can do it, or it cannot be
  // told.
  std::vector<EventPattern> elsewhere;  // 0 to kOrderEventsMax
  bool operator==(const RelayOrder&) const = default;
};

// A claim of channels has one for each of its rows.
inline constexpr std::size_t kOrderEventsMax = 128;

base::Bytes encode(const RelayOrder& order);
// invalid_argument says what is wrong with it.
base::Result<RelayOrder> decode_order(base::ByteView bytes);

}  // namespace evm
