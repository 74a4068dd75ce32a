#pragma once

// One probe on its way; shared by probe.cpp and absence.cpp.

#include <algorithm>

#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

struct StablecoinSettler::Probing {
  Instruction instruction;
  Done<Outcome> done;
  std::vector<SignedTransaction> request;   // as the ledger has it
  std::vector<SignedTransaction> variants;  // of the payment's nonce, oldest first
  std::vector<base::Hash> watched;          // their hashes, and the ledger's reference
  Transaction payment;
  Movement movement;                     // all but relays
  std::optional<evm::RelayOrder> relay;  // relays
  // The transaction in question is not ours: nothing about our nonces follows from it.
  bool foreign = false;
  bool sought = false;  // somebody else's transaction was looked for
  Block head;
  std::optional<Block> safe;
  std::optional<Block> finalized;
  std::uint64_t mined_nonces = 0;
  boost::json::value receipt_json;
  Receipt receipt;
  // absence.cpp: the nonce was not used yet at block `unused`, and was at block `used`.
  std::uint64_t unused = 0;
  std::uint64_t used = 0;
  std::uint64_t step = 1;
  bool bounded = false;  // `unused` is known

  // A relay's hash may be that of somebody else's transaction; of a payment every hash is one of ours.
  bool is_ours(const base::Hash& hash) const {
    return !relay || std::any_of(variants.begin(), variants.end(), [&](const auto& one) { return one.hash == hash; });
  }
  // Its receipt proves that what was asked for has happened.
  bool proved() const {
    if (!relay) return has_transfer(receipt_json, movement);
    return has_events(receipt_json, relay->proof) ||
           (!relay->elsewhere.empty() && has_events(receipt_json, relay->elsewhere));
  }
  const std::optional<Block>& tagged(const BlockRule& rule) const {
    return rule.kind == BlockRule::Kind::safe ? safe : finalized;
  }
  // The newest variant is the one that will be mined, most likely: the ledger keeps its hash too.
  void waiting(std::string detail, std::uint64_t next_probe_ms) {
    Outcome outcome;
    outcome.state = SettlementState::accepted;
    outcome.reference = base::to_hex(variants.back().hash);
    outcome.detail = std::move(detail);
    outcome.next_probe_ms = next_probe_ms;
    done(outcome);
  }
  void answer(SettlementState state, std::string detail, std::uint64_t next_probe_ms, bool rail_fault = false) {
    Outcome outcome;
    outcome.state = state;
    outcome.detail = std::move(detail);
    outcome.next_probe_ms = next_probe_ms;
    outcome.rail_fault = rail_fault;
    done(outcome);
  }
};

}  // namespace settlers::stablecoin
