#pragma once

// ERC-3009 (transfer with authorization): what the owner of a token signs so that somebody else can move it. The
// digests are EIP-712 in the token contract's own domain. Pure; safe from any thread.

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/uint256.h"

namespace crypto {

// A token's EIP-712 domain: (name, version, chainId, verifyingContract). Name and version differ between deployments of
// the same token: they belong into configuration, and are compared with the contract's DOMAIN_SEPARATOR() at start.
struct TokenDomain {
  TokenDomain(std::string_view name, std::string_view version, std::uint64_t chain_id, const base::Address& token);
  std::uint64_t chain_id;
  base::Address token;
  base::Hash separator;
};

// The contract accepts it while validAfter < block time < validBefore, and once: (from, nonce) is then used for ever.
struct Authorization {
  base::Address from;
  base::Address to;
  base::Uint256 value;         // the token's smallest units
  base::Uint256 valid_after;   // seconds, exclusive
  base::Uint256 valid_before;  // seconds, exclusive
  base::Hash nonce;            // random, or derived from what is paid for
};

// TransferWithAuthorization: anybody may submit it; the money goes to `to`.
base::Hash transfer_authorization_digest(const base::Hash& domain_separator, const Authorization& authorization);
// ReceiveWithAuthorization: only `to` may submit it.
base::Hash receive_authorization_digest(const base::Hash& domain_separator, const Authorization& authorization);
// CancelAuthorization: uses the nonce up.
base::Hash cancel_authorization_digest(const base::Hash& domain_separator, const base::Address& authorizer,
                                       const base::Hash& nonce);

// The identity of an authorisation for ever, whatever else is signed with it: a contract executes at most one for each.
// keccak256(chainId as 32 bytes || token || from || nonce).
base::Hash authorization_key(const TokenDomain& domain, const base::Address& from, const base::Hash& nonce);

}  // namespace crypto
