#pragma once

// EIP-3009 (transfer with authorisation) as a token contract speaks it: calldata, answers, events. What owners sign:
// crypto/eip3009.h. Pure; safe from any thread.

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "crypto/eip3009.h"
#include "evm/order.h"

namespace evm {

// ---- Transactions. A signature goes as v, r and s, which every EIP-3009 token takes, or as bytes: USDC from version
// 2.2, which then also takes those of contract wallets (EIP-1271).
base::Bytes call_transfer_with_authorization(const crypto::Authorization& authorization,
                                             const base::Signature& signature);
base::Bytes call_transfer_with_authorization(const crypto::Authorization& authorization, base::ByteView signature);
base::Bytes call_receive_with_authorization(const crypto::Authorization& authorization,
                                            const base::Signature& signature);
base::Bytes call_receive_with_authorization(const crypto::Authorization& authorization, base::ByteView signature);
base::Bytes call_cancel_authorization(const base::Address& authorizer, const base::Hash& nonce,
                                      base::ByteView signature);

// ---- The view authorizationState, and its answer: whether the nonce is used or cancelled; empty unless it is a bool.
base::Bytes call_authorization_state(const base::Address& authorizer, const base::Hash& nonce);
std::optional<bool> decode_authorization_state(base::ByteView answer);

// ---- Events: first topics. The other topics are (authorizer, nonce).
base::Hash authorization_used_topic();
base::Hash authorization_canceled_topic();
// ERC-20 Transfer; the other topics are (from, to), the data is the value.
base::Hash transfer_topic();

// The logs of a transaction in which `token` executed the authorisation: it was used, and the money moved. For both
// lists of a RelayOrder; a token uses an authorisation at most once.
std::vector<EventPattern> authorized_transfer_events(const base::Address& token,
                                                     const crypto::Authorization& authorization);

}  // namespace evm
