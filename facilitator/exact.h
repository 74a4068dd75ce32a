#pragma once

// x402 `exact` on one EVM chain by EIP-3009: the payer signs one transfer of exactly the amount, and we send it. The
// payment becomes a relay of the ledger, so that it settles once however often it is asked for. Signatures of contract
// wallets (ERC-1271, ERC-6492) are not taken.
// Source: specs/schemes/exact/scheme_exact_evm.md of the protocol's repository.

#include <memory>

#include "base/clock.h"
#include "evm/chain.h"
#include "facilitator/relays.h"
#include "facilitator/scheme.h"

namespace facilitator {

struct ExactParts {
  evm::Chain& chain;
  Relays& relays;
  const base::Clock& clock;
  Post post;                              // of the facilitator that `relays` belongs to
  std::uint64_t settle_wait_ms = 15'000;  // after it a settle is answered settlement_pending
};

// Everything that `parts` refers to must outlive it. Throws nothing, blocks nowhere but for one signature check.
std::unique_ptr<Scheme> make_exact(ExactParts parts);

}  // namespace facilitator
