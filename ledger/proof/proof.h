#pragma once

// A proof that an entry is in the ledger, and, for charges, in a statement and in the batch that a resource server
// signed. Whoever has the operator's address can check it; nothing else of the ledger is needed. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "commitments/tab/types.h"
#include "ledger/core/entry.h"
#include "ledger/core/segment.h"

namespace ledger::proof {

// One entry under an operator signature: leaf -> Merkle path -> segment header -> signature.
struct Inclusion {
  core::Bytes entry;  // as stored
  core::SegmentHeader header;
  core::Signature signature;     // of the operator over header
  std::uint32_t index = 0;       // of the entry in its segment; sequence = header.first_sequence + index
  std::vector<core::Hash> path;  // RFC 6962, from the entry's leaf to header.entries_root
};

// The full names behind an entry's short numbers: what the payer and the server signed. A wrong name makes a signature
// fail, so these need no proof of their own. Present for entries of kinds 15 to 19 except expired holds.
struct Parties {
  core::Address payer;
  core::Address payee;   // zero for capture and release
  core::Address signer;  // the agent, if the entry names a mandate; otherwise zero: the payer signed
  std::string asset;     // text as signed; empty for capture and release
  core::Hash tab_salt;   // vouchers; otherwise zero
};

struct StatementPart {
  Inclusion window_closed;       // entry of kind 13
  std::uint64_t leaf_index = 0;  // of the proven entry among the window's charging entries
  std::vector<core::Hash> path;  // from the entry's leaf to window_closed.root
};

struct BatchPart {
  Inclusion batch_signed;        // entry of kind 20
  core::Address server;          // the registered key that signed
  std::uint32_t item_index = 0;  // position in the server's batch
  std::vector<core::Hash> path;  // from the item's batch leaf to the signed root
};

struct Proof {
  Inclusion inclusion;
  std::optional<Parties> parties;
  std::optional<StatementPart> statement;
  std::optional<BatchPart> batch;  // only with parties
};

// Canonical: one encoding for each proof. Layout: ledger/README.md, "Proofs".
core::Bytes encode(const Proof& proof);
// invalid_argument unless the bytes are exactly one proof.
base::Result<Proof> decode(base::ByteView bytes);

// What a valid proof says. Everything here is bound by a signature that was checked.
struct VerifiedClaims {
  core::Sequence sequence;
  core::SegmentId segment;
  core::Time time;  // when the ledger accepted the entry
  core::Hash segment_hash;
  core::Entry entry;
  std::optional<Parties> parties;  // bound by the payer's or agent's signature (charge, hold, voucher) or by the
                                   // server's (capture, release)
  struct InStatement {
    core::WindowClosed window;  // its statement number is none when everything was carried forward
    core::Sequence sequence;
    core::Time time;
  };
  std::optional<InStatement> statement;
  struct InBatch {
    core::Address server;
    std::uint64_t number = 0;
    std::uint32_t item_index = 0;
  };
  std::optional<InBatch> batch;
};

// Checks a proof against an operator's network name and address. invalid_argument says which step failed.
base::Result<VerifiedClaims> verify(const Proof& proof, const commitments::tab::Domain& domain,
                                    const core::Address& operator_key);

// A signed end of the ledger, as a receipt or a peer remembers it.
struct SignedHead {
  core::SegmentHeader header;
  core::Signature signature;
};

// Proof that the ledger with the newer head contains everything that the older head stood for.
struct Extension {
  SignedHead older;
  SignedHead newer;
  std::vector<core::Hash> inclusion;    // of the older segment's hash under newer.header.segments_root
  std::vector<core::Hash> consistency;  // older.header.segments_root is a prefix of newer.header.segments_root
};
core::Bytes encode(const Extension& extension);
base::Result<Extension> decode_extension(base::ByteView bytes);
// `segment_hashes`: of segments 1 .. newer.header.number - 1. CHECKs older.number <= newer.number.
Extension prove_extension(const SignedHead& older, const SignedHead& newer, std::span<const core::Hash> segment_hashes);
// invalid_argument says which step failed.
base::Result<void> verify_extension(const Extension& extension, const commitments::tab::Domain& domain,
                                    const core::Address& operator_key);

}  // namespace ledger::proof
