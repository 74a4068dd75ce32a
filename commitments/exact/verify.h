#pragma once

// x402 `exact` on EVM chains by EIP-3009: one signed transfer of exactly the amount, which anybody may submit.
// Stateless checks only: balance, use of the nonce and simulation are the chain's word. Pure; safe from any thread.
// Source: specs/schemes/exact/scheme_exact_evm.md, section 1 of the protocol's repository; docs/bindings/channel.md.

#include <span>

#include "base/bytes.h"
#include "commitments/exact/codes.h"
#include "crypto/eip3009.h"
#include "crypto/secp256k1.h"

namespace commitments::exact {

// What the seller asks for (PaymentRequirements), with the asset resolved to a token that is enabled here.
struct Terms {
  const crypto::TokenDomain* token = nullptr;  // outlives the call
  base::Address pay_to;
  base::Uint256 amount;  // the token's smallest units
};

// What the payer sent (PaymentPayload.payload).
struct Payment {
  crypto::Authorization authorization;
  base::Signature signature;
  bool signature_length_ok = true;  // false if it had another length than 65 bytes
};

struct Item {
  Terms terms;
  Payment payment;
};

struct Answer {
  Code code = Code::signature;
  crypto::SignatureCheck signature = crypto::SignatureCheck::wrong;  // why, when `code` is signature
};

// Checks every item, in order. The first check that fails answers: signature, recipient, validBefore (at least
// limits::kAuthorizationMarginSeconds after `now_s`), validAfter (not after `now_s`), value. `now_s` is Unix time.
void verify(std::span<const Item> items, std::uint64_t now_s, std::span<Answer> answers);

}  // namespace commitments::exact
