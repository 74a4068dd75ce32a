#pragma once

// HMAC-SHA256 (RFC 2104, FIPS 198-1), and comparing secrets.

#include <initializer_list>

#include "base/bytes.h"

namespace crypto {

// Of the concatenation of the parts. Pure; safe from any thread.
base::Hash hmac_sha256(base::ByteView key, std::initializer_list<base::ByteView> parts);
// Takes the same time wherever they differ. False at once if the sizes differ.
bool equal_in_constant_time(base::ByteView a, base::ByteView b) noexcept;

}  // namespace crypto
