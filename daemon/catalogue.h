#pragma once

// Assets and plans of the configuration become commands at start, so that the ledger has them; what is already the same
// writes nothing.

#include "base/result.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"
#include "ops/config.h"
#include "ops/log.h"

namespace tabd_daemon {

// invalid_argument when the ledger refuses one (for example because an asset's scale would change): the message names
// the table and the reason.
base::Result<void> bring_catalogue_up_to_date(const ops::Config& config, ledger::api::LedgerService& ledger,
                                              const ledger::api::LedgerReader& reader, ops::Log& log);

}  // namespace tabd_daemon
