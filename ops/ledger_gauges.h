#pragma once

// Gauges that need a look over the ledger: exposure, payers, open settlements, the operator's balances, and what is in
// channels. A thread of its own reads them page by page, never more than a twentieth of the time, so a scrape costs
// nothing and a large ledger is not disturbed.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "ledger/api/reader.h"
#include "ops/channel_totals.h"
#include "ops/metrics.h"

namespace ops {

// The same sums exactly, for whoever shows money to people.
struct AssetTotals {
  ledger::core::Asset asset;
  ledger::core::Amount held, unbilled, billed, credit;  // of all payers
  ledger::core::Amount payable, paid_out;               // of all payees
  ledger::core::OperatorBalance operators;
};
// Settlements that are not done.
struct OpenSettlements {
  ledger::core::SettlementKind kind{};
  ledger::core::SettlementState state{};
  ledger::core::AssetId asset;
  std::uint64_t count = 0;
  ledger::core::Amount amount;
};
struct LedgerTotals {
  base::Time looked;                // zero: not yet
  std::vector<AssetTotals> assets;  // ascending by id
  std::vector<OpenSettlements> settlements;
  std::uint64_t open_windows = 0;
  base::Time next_close;  // the earliest end of an open window; zero: none is open
  std::uint64_t payers_suspended = 0;
  ChannelTotals channels;
};

class LedgerGauges {
 public:
  // `reader` and `clock` must outlive this. Looks at once, then every `interval_ms` (later when a look takes long).
  LedgerGauges(const ledger::api::LedgerReader& reader, const base::Clock& clock, std::uint64_t interval_ms);
  ~LedgerGauges();
  LedgerGauges(const LedgerGauges&) = delete;
  LedgerGauges& operator=(const LedgerGauges&) = delete;

  // The latest look. Safe from any thread.
  std::vector<MetricFamily> collect() const;
  LedgerTotals totals() const;
  // Ends the thread; idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ops
