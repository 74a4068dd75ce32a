#include "crypto/hmac.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace crypto {

base::Hash hmac_sha256(base::ByteView key, std::initializer_list<base::ByteView> parts) {
  base::Bytes message;
  for (const base::ByteView part : parts) message.insert(message.end(), part.begin(), part.end());
  base::Hash digest;
  unsigned size = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(),
                                   message.size(), digest.data(), &size);
  CHECK(made != nullptr && size == digest.size());
  return digest;
}

bool equal_in_constant_time(base::ByteView a, base::ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace crypto
