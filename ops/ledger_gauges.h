#pragma once

// Gauges that need a look over the ledger: exposure, payers, open settlements, the operator's balances. A thread of its
// own reads them page by page, never more than a twentieth of the time, so a scrape costs nothing and a large ledger is
// not disturbed.

#include <memory>

#include "base/clock.h"
#include "ledger/api/reader.h"
#include "ops/metrics.h"

namespace ops {

class LedgerGauges {
 public:
  // `reader` and `clock` must outlive this. Looks at once, then every `interval_ms` (later when a look takes long).
  LedgerGauges(const ledger::api::LedgerReader& reader, const base::Clock& clock, std::uint64_t interval_ms);
  ~LedgerGauges();
  LedgerGauges(const LedgerGauges&) = delete;
  LedgerGauges& operator=(const LedgerGauges&) = delete;

  // The latest look. Safe from any thread.
  std::vector<MetricFamily> collect() const;
  // Ends the thread; idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ops
