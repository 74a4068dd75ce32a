#pragma once

// What every fuzz target defines. The same function is run by libFuzzer (TABD_FUZZ, clang) and by the replay of the
// committed corpus, which is an ordinary test in every build.

#include "base/bytes.h"

namespace fuzz {

// Gives `bytes` to the code under test and CHECKs what must hold for every input. True if the input was accepted; the
// replay expects that of the corpus files whose names start with "valid-".
bool run_input(base::ByteView bytes);

}  // namespace fuzz
