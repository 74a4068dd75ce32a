// The low-level interface is marked as deprecated since OpenSSL 3.0, but it is three times as fast for our short inputs
// as SHA256() or EVP, which look the algorithm up again for each message.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha256.h"

#include <openssl/sha.h>

namespace crypto {

base::Hash sha256(std::initializer_list<base::ByteView> parts) noexcept {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const base::ByteView part : parts) {
    if (!part.empty()) SHA256_Update(&context, part.data(), part.size());
  }
  base::Hash digest;
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace crypto
