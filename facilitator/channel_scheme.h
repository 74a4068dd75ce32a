#pragma once

// x402 `batch-settlement` on one EVM chain: payment channels in the contract x402BatchSettlement
// (docs/bindings/channel.md).
//
//   verify   of a deposit, a voucher or a refund: signatures, and the chain's (for kept channels the ledger's) word
//   settle   of a deposit, a claim, a settle or a refund: one transaction, as a relay, however often it is asked for
//
//   reserve  of a deposit, a voucher or a refund: verifies it and keeps the channel's other vouchers out
//   capture  charges what was reserved, makes the deposit first, or pays the refund
//
// With verify and settle the channels' state is the servers' own, and nothing of a voucher is recorded; with reserve
// and capture it is in the ledger. Deposits come by EIP-3009 with the payer's own signature; Permit2, EIP-2612 and
// contract wallets are not taken, nor channels without a payerAuthorizer. Source:
// specs/schemes/batch-settlement/scheme_batch_settlement_evm.md of the protocol's repository.

#include <memory>

#include "base/clock.h"
#include "crypto/secp256k1.h"
#include "evm/chain.h"
#include "facilitator/relays.h"
#include "facilitator/scheme.h"

namespace facilitator {

struct ChannelSchemeParts {
  evm::Chain& chain;
  Relays& relays;
  ledger::api::IngestService& ingest;  // its threads check the signatures
  ledger::api::LedgerService& ledger;
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  Post post;  // of the facilitator that `relays` belongs to
  After after;
  base::Address contract = {};
  base::Address collector = {};                   // of EIP-3009 deposits
  const crypto::SecretKey* authorizer = nullptr;  // signs claims and refunds; null: servers do
  std::uint64_t withdraw_delay_s = 24 * 3600;     // suggested to servers
  std::uint64_t claim_gas_max = 5'000'000;        // of one transaction with claims
  std::uint64_t settle_wait_ms = 15'000;          // after it a settle is answered settlement_pending
  bool together = true;                           // vouchers that wait may be checked at once
  // Whether the ledger's channels are as the chain has them. Empty: never, the chain is asked.
  std::function<bool()> in_step = {};
};

// Everything that `parts` refers to must outlive it. Throws nothing, blocks nowhere.
std::unique_ptr<Scheme> make_channel_scheme(ChannelSchemeParts parts);

}  // namespace facilitator
