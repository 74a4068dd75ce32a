#pragma once

// SHA-256 (FIPS 180-4), used for everything that only tabd hashes: journal, Merkle trees, proofs.

#include <initializer_list>

#include "base/bytes.h"

namespace crypto {

// Hash of the concatenation of the parts. Pure; safe from any thread.
base::Hash sha256(std::initializer_list<base::ByteView> parts) noexcept;
inline base::Hash sha256(base::ByteView data) noexcept { return sha256({data}); }

}  // namespace crypto
