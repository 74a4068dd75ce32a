#pragma once

// What of a peer's answers is believed. Pure.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "ledger/api/rail.h"
#include "settlers/external/external.h"

namespace settlers::external {

enum class Asked : std::uint8_t { send, probe };

// Empty, or what is missing: the configuration promises more than the settler can do.
std::string missing(const Capabilities& can, const Options& promised);

// What can go to the ledger, with texts cleaned. An Error (io) says what makes no sense in it.
base::Result<Prepared> judged(Prepared said, const Instruction& instruction);
base::Result<Outcome> judged(Outcome said, const Instruction& instruction, Asked asked);
// Names and numbers that are fit for metrics, texts for people; what is not is left out.
ledger::api::rail::Report judged(ledger::api::rail::Report said);

// Empty, or what is wrong with a notice before the ledger has looked at it.
std::string flaw_of(const Notice& notice);

}  // namespace settlers::external
