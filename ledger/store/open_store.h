#pragma once

// LedgerStore::open with what only tests change. Internal to ledger/store and its tests.

#include "ledger/store/failure.h"
#include "ledger/store/ledger_store.h"

namespace ledger::store {

base::Result<std::unique_ptr<LedgerStore>> open_store(StoreOptions options, const base::Clock& clock,
                                                      const aggregator::Calendar& calendar,
                                                      const crypto::SecretKey& operator_key, api::Observer* observer,
                                                      const Progress& progress, Failure::Action on_failure);

}  // namespace ledger::store
