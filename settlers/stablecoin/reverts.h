#pragma once

// What a contract's refusal means for a settlement. Pure; safe from any thread.

#include <string_view>

#include "ledger/core/types.h"

namespace settlers::stablecoin {

// Which kind of failure a revert's reason (evm::revert_reason) means; `technical` when evm::refusal_of does not know
// it.
ledger::core::FailureClass classify_revert(std::string_view reason);

}  // namespace settlers::stablecoin
