#pragma once

// A journal entry in one line.

#include <string>

#include "cli/assets.h"
#include "ledger/core/entry.h"

namespace cli {

// What the entry says, without its kind: "payer 3 to payee 1: 0.010000 USDC for 3 tokens".
std::string entry_text(const ledger::core::Entry& entry, const AssetBook& assets);

}  // namespace cli
