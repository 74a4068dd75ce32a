#pragma once

// Makes ledgers large: ten million records, a million payers. What is filled is the real store below a daemon's data
// folder, with its journal, group commits and fsyncs; the batches come verified, as the signatures' cost is measured
// elsewhere and would be hours here. Each function belongs into a process of its own, since it ends as by `kill -9`,
// with more work on its way: what the daemon opens afterwards is what a crash leaves behind.

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/result.h"

namespace bench {

// The first `signers` payers have keys (payer_key); the others have an address and cannot sign.
inline constexpr std::size_t kSigners = 20'000;

// A record is one entry of the journal, here always an accepted single-use commitment of its own. (A voucher's thousand
// charges are one entry, so counting charges would flatter.) Adds `records` of them, of the `payers` payers that the
// ledger has. Prints "records acknowledged" at the end.
base::Result<void> fill_records(const std::string& ledger, std::uint64_t records, std::uint64_t payers);

// Registers `payers` payers and charges each of them once, one unit, in a window that is the same for all. Prints
// "charges acknowledged" and the window's end in seconds.
base::Result<void> fill_payers(const std::string& ledger, std::uint64_t payers);

// Registers `payers` payers with a SEPA mandate each and charges each of them one cent, which closes the window: a
// statement and a collection each on the rail "bank". Ends in order, and returns how many seconds it took from the
// first charge.
base::Result<double> fill_collections(const std::string& ledger, std::uint64_t payers);

}  // namespace bench
