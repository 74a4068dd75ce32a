#pragma once

// What crypto/secp256k1.cpp and crypto/batch.cpp share. Not for other folders.

#include "crypto/secp256k1.h"

namespace crypto {

// Everything that can be said of a signature without the curve, in the order of docs/bindings/tab.md.
SignatureCheck check_form(const base::Signature& signature) noexcept;
// One signature by a known key. `item.key` must not be null.
SignatureCheck verify_with_key(const VerifyItem& item);
// x || y, big-endian.
using PointBytes = base::FixedBytes<64>;
PointBytes coordinates(const PublicKey& key);

}  // namespace crypto
