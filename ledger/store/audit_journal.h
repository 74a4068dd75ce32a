#pragma once

// The audit's way through the journal: one segment after the other into a fresh state machine. Internal to
// ledger/store.

#include <optional>
#include <unordered_map>
#include <vector>

#include "ledger/core/state_machine.h"
#include "ledger/store/audit.h"
#include "ledger/store/audit_indexes.h"
#include "ledger/store/audit_signatures.h"

namespace ledger::store {

// Gives a difference when there is one, an Error when the environment fails.
using Finding = base::Result<std::optional<AuditDifference>>;

class JournalAudit {
 public:
  JournalAudit(const Database& database, core::StateMachine& machine, SignatureChecks& signatures, IndexAudit& indexes,
               const AuditOptions& options, AuditReport& report);

  // The next segment, as stored.
  Finding segment(base::ByteView key, base::ByteView value);

 private:
  Finding check_header(base::ByteView key, const core::Segment& segment, const core::Hash& hash);
  Finding entries(const core::SegmentHeader& header, base::ByteView body);
  Finding entry(const core::Entry& entry, core::Sequence sequence, const core::Hash& leaf);
  Finding genesis(const core::Genesis& genesis);
  // Signatures and bookkeeping of one kind of entry. The state already has the entry's effect.
  void remember(const core::Entry& entry);
  void item(const core::Entry& entry, core::Sequence sequence);
  void mandate(const core::MandateSet& entry, core::Sequence sequence);
  Finding revocation(const core::MandateRevoked& entry, core::Sequence sequence);
  void voucher(const core::ChannelReserved& entry, core::Sequence sequence);
  Finding batch(const core::BatchSigned& entry, core::Sequence sequence);
  void history(const core::Entry& entry, core::Sequence sequence);

  AuditDifference difference(core::Sequence sequence, std::string kind, std::string field, std::string stored,
                             std::string computed) const;
  const core::Hash& asset_hash(core::AssetId asset) const;
  void check_signature(core::Sequence sequence, std::uint8_t kind, const char* field, const core::Hash& digest,
                       const core::Signature& signature, const core::Address& signer);

  const Database& database_;
  core::StateMachine& machine_;
  SignatureChecks& signatures_;
  IndexAudit& indexes_;
  const AuditOptions& options_;
  AuditReport& report_;

  std::optional<commitments::tab::Domain> domain_;  // known from the genesis entry on
  core::SegmentId segment_;                         // being read
  core::Time time_;
  struct ItemLeaf {
    core::Sequence sequence;
    core::Hash leaf;
  };
  std::vector<ItemLeaf> items_;  // of this segment
  std::unordered_map<core::ServerId, core::Address> servers_;
  std::unordered_map<core::TabId, core::PayerId> tabs_;
  struct VoucherTerms {  // of a channel: what its vouchers are signed over and by whom
    std::uint64_t chain_id = 0;
    core::Address contract;
    core::Hash key;
    core::Address signer;
  };
  std::unordered_map<core::ChannelId, VoucherTerms> channels_;
};

}  // namespace ledger::store
