#pragma once

// Valid proofs for the corpus, made by hand: a segment with a few entries, signed as the operator of the tests.

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace fuzz {

// Name and encoded proof (or extension).
std::vector<std::pair<std::string, base::Bytes>> make_proofs();

}  // namespace fuzz
