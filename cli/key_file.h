#pragma once

// Secret keys in files: "0x", 64 hexadecimal digits, a line end. Only the owner may read them.

#include <string>

#include "cli/exit_code.h"
#include "crypto/secp256k1.h"

namespace cli {

// Refuses a file that group or others can read, with the chmod that mends it.
Result<crypto::SecretKey> read_key_file(const std::string& path);

// Creates the file with mode 0400; an existing file is never overwritten.
Outcome write_key_file(const std::string& path, const crypto::SecretKey& key);

}  // namespace cli
