#pragma once

// The stablecoin rail: ERC-20 tokens on one EVM chain over JSON-RPC. Collections by transferFrom (allowance, or an
// EIP-2612 permit given as the mandate) or by EIP-3009 receiveWithAuthorization; payouts and refunds by transfer
// (refunds to the payer's address). The signer's account is the operator's treasury: collections go to it and payouts
// come from it.
//
// What a settlement's request holds is the signed transactions, so the hash is known and durable before the first
// broadcast, and the same bytes can be broadcast again without moving money twice. States: in a block = accepted,
// at `confirmed` depth or tag = confirmed, at `finality` = final. A receipt that vanishes (reorganisation) returns the
// outcome to accepted, and the same bytes are broadcast again.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/secp256k1.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers::stablecoin {

struct Token {
  ledger::core::AssetId asset;
  base::Address address;
  std::string eip712_name;  // as in its DOMAIN_SEPARATOR; differs by chain ("USD Coin", "USDC")
  std::string eip712_version = "2";
  std::uint8_t decimals = 6;  // checked against the contract; at least the asset's rail_scale
};

// A block counts when it is `depth` blocks deep (1 = the newest block), or when it is at or below the node's tag.
struct BlockRule {
  enum class Kind : std::uint8_t { depth, safe, finalized };
  Kind kind = Kind::depth;
  std::uint64_t depth = 12;
};

struct StablecoinOptions {
  std::string rail = "stablecoin";
  std::string rpc_url;         // http://host[:port][/path]; TLS ends at a proxy on this machine
  std::uint64_t chain_id = 0;  // must equal eth_chainId
  std::vector<Token> tokens;   // allow-list: nothing else is ever called
  // Contracts that relays may call beside the tokens: the settlement contract. Their code is not checked; what proves a
  // relay's success is in its order.
  std::vector<base::Address> contracts;
  std::uint64_t relay_lookback_blocks = 50'000;  // how far back somebody else's transaction is looked for
  std::string state_directory;                   // durable nonces; made if missing, locked while running
  BlockRule confirmed{BlockRule::Kind::depth, 12};
  BlockRule finality{BlockRule::Kind::finalized, 0};
  std::uint64_t max_fee_per_gas_wei = 200'000'000'000;         // hard cap of maxFeePerGas, bumps included
  std::uint64_t max_priority_fee_per_gas_wei = 5'000'000'000;  // hard cap of the tip
  std::uint64_t gas_limit_max = 300'000;                       // hard cap of gasLimit
  std::uint64_t relay_gas_limit_max = 0;  // the same for relays that name a cap of their own; 0: gas_limit_max
  std::uint64_t gas_balance_min_wei = 10'000'000'000'000'000;  // below it describe() warns
  std::uint64_t poll_ms = 2'000;  // next probes, and how often the watcher looks at the signer's nonces
  std::uint64_t rpc_timeout_ms = 10'000;
  std::uint64_t stuck_after_ms = 30'000;  // without a receipt this long: replace with higher fees
  std::uint64_t gap_after_ms = 10'000;  // a nonce whose transaction was never recorded: filled with a 0-value transfer
  std::size_t in_flight_max = 8;        // pools keep 16 executable transactions of one account
};

// Checks the options. invalid_argument names the option. `io` and `clock` must outlive the settler. `signer` is the
// only key that signs for this (chain, account); start() fails with permission if another process holds its nonces.
// start() refuses a wrong chain, a token without code, other decimals or another DOMAIN_SEPARATOR, with both values.
// When the node does not answer, or with an error of its own, start() succeeds, and nothing is prepared until these
// checks have passed.
base::Result<std::unique_ptr<Settler>> make_stablecoin(boost::asio::io_context& io, StablecoinOptions options,
                                                       crypto::SecretKey signer, const base::Clock& clock);

// The mandate: the payer's for this rail. Empty = a plain allowance. Otherwise u8 version (1) and 1 to 16 items, each
//   u8 kind (1 = EIP-2612 permit, 2 = EIP-3009 receive authorisation), token (20 bytes), owner (20),
//   permit: value, deadline; authorisation: value, validAfter, validBefore, nonce (each 32 bytes, big-endian),
//   u8 v (27 or 28), r (32), s (32).
// Spender (permit) and receiver (authorisation) are the operator's account. For an amount, the first authorisation of
// exactly that value and token is used, then the allowance, then the first permit of at least that value.
struct MandateItem {
  enum class Kind : std::uint8_t { permit = 1, receive_authorization = 2 };
  Kind kind = Kind::permit;
  base::Address token;
  base::Address owner;
  base::Hash value;         // uint256
  base::Hash deadline;      // permit
  base::Hash valid_after;   // authorisation
  base::Hash valid_before;  // authorisation
  base::Hash nonce;         // authorisation
  base::Signature signature;
  bool operator==(const MandateItem&) const = default;
};
base::Bytes encode_mandate(const std::vector<MandateItem>& items);
// invalid_argument says what is wrong.
base::Result<std::vector<MandateItem>> decode_mandate(base::ByteView bytes);

// What the owner signs (EIP-712) for the two kinds. `spender` / `receiver` is the operator's account.
base::Hash permit_digest(const base::Hash& domain_separator, const base::Address& owner, const base::Address& spender,
                         const base::Hash& value, const base::Hash& nonce, const base::Hash& deadline);
base::Hash receive_authorization_digest(const base::Hash& domain_separator, const MandateItem& item,
                                        const base::Address& receiver);

}  // namespace settlers::stablecoin
