#pragma once

// The item that a resource server submitted, rebuilt from its entry and the full names. Internal to ledger/proof.

#include <optional>

#include "ledger/proof/proof.h"

namespace ledger::proof {

struct RebuiltItem {
  commitments::tab::Item item;
  core::Hash digest;             // what payer or agent signed
  core::Hash leaf;               // in the server's batch tree
  bool signed_by_payer = false;  // false for capture and release
  bool with_mandate = false;     // the entry names a mandate: an agent signed
};

// Empty for entries that are not an item of a server.
std::optional<RebuiltItem> rebuild_item(const core::Entry& entry, const Parties& parties,
                                        const commitments::tab::Domain& domain);

// Whether `signer` signed `digest`, whatever the signature's recovery bit says: the ledger accepts a signature under a
// known key without it.
bool signed_by(const core::Hash& digest, core::Signature signature, const core::Address& signer);

}  // namespace ledger::proof
