#include "ledger/proof/proof.h"

#include <utility>

#include "base/check.h"
#include "crypto/merkle.h"
#include "crypto/secp256k1.h"
#include "ledger/proof/proof_item.h"

namespace ledger::proof {

namespace {

using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> invalid(std::string what) {
  return base::error(ErrorCode::invalid_argument, "the proof is not valid: " + std::move(what));
}

Result<void> check_signature(const SignedHead& head, const commitments::tab::Domain& domain,
                             const core::Address& operator_key, const char* which) {
  const core::Hash digest =
      commitments::tab::segment_digest(domain, head.header.number.value, core::hash_of(head.header));
  const crypto::Recovered signer = crypto::recover(digest, head.signature);
  if (signer.check != crypto::SignatureCheck::ok || crypto::address_of(signer.key) != operator_key)
    return invalid(std::string(which) + " is not signed by the operator's key " + base::to_hex(operator_key));
  return {};
}

// Entry -> leaf -> root -> header -> signature.
Result<core::Entry> check_inclusion(const Inclusion& inclusion, const commitments::tab::Domain& domain,
                                    const core::Address& operator_key, const std::string& which) {
  const core::Hash leaf = crypto::merkle_leaf(inclusion.entry);
  if (!crypto::merkle_verify_inclusion(leaf, inclusion.index, inclusion.header.count, inclusion.path,
                                       inclusion.header.entries_root))
    return invalid("the path does not lead from " + which + " to its segment's root");
  RETURN_IF_ERROR(check_signature({inclusion.header, inclusion.signature}, domain, operator_key,
                                  ("the segment of " + which).c_str()));
  Result<core::Entry> entry = core::decode_entry(inclusion.entry);
  if (!entry) return invalid(which + " cannot be read: " + entry.error().message);
  return entry;
}

core::Sequence sequence_of(const Inclusion& inclusion) {
  return core::Sequence(inclusion.header.first_sequence.value + inclusion.index);
}

bool charges(const core::Entry& entry) {
  return std::holds_alternative<core::Charged>(entry) || std::holds_alternative<core::HoldCaptured>(entry) ||
         std::holds_alternative<core::VoucherCharged>(entry);
}

core::Signature payer_signature(const core::Entry& entry) {
  if (const auto* charged = std::get_if<core::Charged>(&entry)) return charged->commitment.signature;
  if (const auto* hold = std::get_if<core::HoldMade>(&entry)) return hold->commitment.signature;
  return std::get<core::VoucherCharged>(entry).signature;
}

// One way to write the same names: what is not signed is empty.
bool canonical(const Parties& parties, const RebuiltItem& rebuilt) {
  if (parties.signer.is_zero() == rebuilt.with_mandate) return false;
  if (rebuilt.item.kind != commitments::tab::ItemKind::voucher && !parties.tab_salt.is_zero()) return false;
  return rebuilt.signed_by_payer || (parties.payee.is_zero() && parties.asset.empty());
}

Result<void> check_parties(const Proof& proof, const core::Entry& entry, const RebuiltItem& rebuilt) {
  const Parties& parties = *proof.parties;
  if (!canonical(parties, rebuilt)) return invalid("the parties do not fit the entry");
  if (!rebuilt.signed_by_payer) {
    if (!proof.batch) return invalid("the parties of a capture or release need the server's batch");
    return {};
  }
  const core::Address& signer = parties.signer.is_zero() ? parties.payer : parties.signer;
  if (!signed_by(rebuilt.digest, payer_signature(entry), signer))
    return invalid("the commitment was not signed by " + base::to_hex(signer));
  return {};
}

Result<VerifiedClaims::InBatch> check_batch(const Proof& proof, const core::Hash& leaf,
                                            const commitments::tab::Domain& domain, const core::Address& operator_key) {
  const BatchPart& part = *proof.batch;
  ASSIGN_OR_RETURN(const core::Entry entry,
                   check_inclusion(part.batch_signed, domain, operator_key, "the batch entry"));
  const auto* batch = std::get_if<core::BatchSigned>(&entry);
  if (batch == nullptr) return invalid("the batch entry is of another kind");
  const core::Sequence sequence = sequence_of(proof.inclusion);
  if (sequence < batch->first || sequence >= sequence_of(part.batch_signed))
    return invalid("the entry is not one of the batch");
  const commitments::tab::BatchHeader header{part.server, batch->number, batch->count, batch->root, batch->signature};
  if (!signed_by(commitments::tab::digest(domain, header), batch->signature, part.server))
    return invalid("the batch was not signed by " + base::to_hex(part.server));
  if (!crypto::merkle_verify_inclusion(leaf, part.item_index, batch->count, part.path, batch->root))
    return invalid("the path does not lead from the item to the batch's root");
  return VerifiedClaims::InBatch{part.server, batch->number, part.item_index};
}

Result<VerifiedClaims::InStatement> check_statement(const Proof& proof, const commitments::tab::Domain& domain,
                                                    const core::Address& operator_key) {
  const StatementPart& part = *proof.statement;
  ASSIGN_OR_RETURN(const core::Entry entry,
                   check_inclusion(part.window_closed, domain, operator_key, "the window_closed entry"));
  const auto* window = std::get_if<core::WindowClosed>(&entry);
  if (window == nullptr) return invalid("the window_closed entry is of another kind");
  if (sequence_of(proof.inclusion) >= sequence_of(part.window_closed))
    return invalid("the entry comes after its window was closed");
  if (!crypto::merkle_verify_inclusion(crypto::merkle_leaf(proof.inclusion.entry), part.leaf_index, window->entries,
                                       part.path, window->root))
    return invalid("the path does not lead from the entry to the window's root");
  return VerifiedClaims::InStatement{*window, sequence_of(part.window_closed), part.window_closed.header.time};
}

}  // namespace

Result<VerifiedClaims> verify(const Proof& proof, const commitments::tab::Domain& domain,
                              const core::Address& operator_key) {
  ASSIGN_OR_RETURN(core::Entry entry, check_inclusion(proof.inclusion, domain, operator_key, "the entry"));
  VerifiedClaims claims;
  claims.sequence = sequence_of(proof.inclusion);
  claims.segment = proof.inclusion.header.number;
  claims.time = proof.inclusion.header.time;
  claims.segment_hash = core::hash_of(proof.inclusion.header);
  if (proof.batch && !proof.parties) return invalid("a batch part needs the parties");
  if (proof.parties) {
    const std::optional<RebuiltItem> rebuilt = rebuild_item(entry, *proof.parties, domain);
    if (!rebuilt) return invalid("the entry has no parties");
    RETURN_IF_ERROR(check_parties(proof, entry, *rebuilt));
    claims.parties = proof.parties;
    if (proof.batch) {
      ASSIGN_OR_RETURN(claims.batch, check_batch(proof, rebuilt->leaf, domain, operator_key));
    }
  }
  if (proof.statement) {
    if (!charges(entry)) return invalid("the entry is not a charge, so it is in no statement");
    ASSIGN_OR_RETURN(claims.statement, check_statement(proof, domain, operator_key));
  }
  claims.entry = std::move(entry);
  return claims;
}

Extension prove_extension(const SignedHead& older, const SignedHead& newer, std::span<const core::Hash> hashes) {
  CHECK(older.header.number.valid() && older.header.number <= newer.header.number);
  CHECK(hashes.size() == newer.header.number.value - 1);
  Extension extension{older, newer, {}, {}};
  if (older.header.number == newer.header.number) return extension;
  const std::uint64_t before_older = older.header.number.value - 1;
  extension.inclusion = crypto::merkle_inclusion_proof(hashes, before_older);
  if (before_older > 0) extension.consistency = crypto::merkle_consistency_proof(hashes, before_older);
  return extension;
}

Result<void> verify_extension(const Extension& extension, const commitments::tab::Domain& domain,
                              const core::Address& operator_key) {
  const core::SegmentHeader& older = extension.older.header;
  const core::SegmentHeader& newer = extension.newer.header;
  RETURN_IF_ERROR(check_signature(extension.older, domain, operator_key, "the older head"));
  RETURN_IF_ERROR(check_signature(extension.newer, domain, operator_key, "the newer head"));
  if (!older.number.valid() || older.number > newer.number) return invalid("the heads are not in order");
  if (older.number == newer.number) {
    if (older != newer) return invalid("the operator signed two different segments with the same number");
    if (!extension.inclusion.empty() || !extension.consistency.empty()) return invalid("a path too many");
    return {};
  }
  const std::uint64_t before_older = older.number.value - 1;
  const std::uint64_t before_newer = newer.number.value - 1;
  if (!crypto::merkle_verify_inclusion(core::hash_of(older), before_older, before_newer, extension.inclusion,
                                       newer.segments_root))
    return invalid("the older head is not one of the segments before the newer head");
  if (before_older == 0) {
    if (!extension.consistency.empty()) return invalid("a path too many");
    return {};
  }
  if (!crypto::merkle_verify_consistency(before_older, before_newer, older.segments_root, newer.segments_root,
                                         extension.consistency))
    return invalid("the segments before the older head are not those of the newer head");
  return {};
}

}  // namespace ledger::proof
