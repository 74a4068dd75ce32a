#pragma once

// keccak-256 with the original padding (0x01), as Ethereum uses it; not SHA3-256.

#include "base/bytes.h"

namespace crypto {

// Pure; safe from any thread.
base::Hash keccak256(base::ByteView data) noexcept;

}  // namespace crypto
