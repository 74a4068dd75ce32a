#pragma once

// The words of the Solidity ABI, and what a revert says, under the names of this folder.

#include "evm/abi.h"
#include "evm/refusal.h"
#include "settlers/stablecoin/reverts.h"

namespace settlers::stablecoin {

using evm::call_data;
using evm::event_topic;
using evm::number_from_word;
using evm::revert_reason;
using evm::Word;
using evm::word_of;

}  // namespace settlers::stablecoin
