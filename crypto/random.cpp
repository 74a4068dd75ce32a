#include "crypto/random.h"

#include <cerrno>

#include <sys/random.h>

#include "base/check.h"

namespace crypto {

void random_bytes(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      CHECK_MSG(errno == EINTR, "getrandom(2) failed: this kernel cannot give random bytes");
      continue;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  random_bytes({reinterpret_cast<std::uint8_t*>(&value), sizeof(value)});
  return value;
}

}  // namespace crypto
