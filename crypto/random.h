#pragma once

// The operating system's random source, for keys, challenges and hash table seeds. The only code that reads it.

#include <cstdint>
#include <span>

namespace crypto {

// Fills `out` from getrandom(2). Waits until the source is seeded (early boot only); safe from any thread.
void random_bytes(std::span<std::uint8_t> out);
std::uint64_t random_u64();

}  // namespace crypto
