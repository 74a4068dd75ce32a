#pragma once

// Builds proofs from a ledger that can be read. Any thread.

#include "ledger/api/reader.h"
#include "ledger/proof/proof.h"

namespace ledger::proof {

// The entry with everything that can be proven about it now: the statement part as soon as its window is closed, the
// batch part for items of servers. The proof has been verified before it is returned. Errors: not_found, corruption,
// io.
base::Result<Proof> make_proof(const api::LedgerReader& reader, core::Sequence sequence);

// From the end of segment `older` to the end of segment `newer` (none: the last one).
base::Result<Extension> make_extension(const api::LedgerReader& reader, core::SegmentId older, core::SegmentId newer);

}  // namespace ledger::proof
