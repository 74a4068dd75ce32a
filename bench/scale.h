#pragma once

// What happens when a ledger is large: ten million records to open again, a million payers to bill. These runs skip the
// signature checks (which bench/submit measures) and use the ledger in this process, so that they take minutes, not
// hours.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace bench {

// Fills a new ledger at `directory` with `records` single-use charges of 1,000 payers.
base::Result<void> fill_ledger(const std::string& directory, std::uint64_t records);

struct OpenFigures {
  double seconds = 0;
  double rss_mib = 0;
};
// Opens it as a restart would.
base::Result<OpenFigures> open_ledger(const std::string& directory);

struct PayersFigures {
  double register_s = 0;
  double rss_mib = 0;         // with one open window each
  double rss_closed_mib = 0;  // after all of them were billed
  double close_s = 0;         // from the end of the window to the last statement, with ingest running
  double idle_p99_ms = 0;     // of a batch of 64 while nothing closes
  double closing_p99_ms = 0;  // ... and while everything closes
  std::uint64_t statements = 0;
  std::uint64_t charges = 0;
};
base::Result<PayersFigures> bill_payers(const std::string& directory, std::uint64_t payers);

}  // namespace bench
