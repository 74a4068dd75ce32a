#pragma once

// Private keys come from files that only their owner can read, or from systemd credentials; never from an argument or
// the environment.

#include <string>

#include "base/result.h"
#include "crypto/secp256k1.h"

namespace ops {

// `name` is a path, or "credential:NAME" for $CREDENTIALS_DIRECTORY/NAME (systemd's LoadCredential=). A file must be a
// regular file of mode 0400 or 0600, owned by the user that runs this process (or, for a credential, by root: systemd
// guards the directory). At most 64 KiB. permission, not_found, invalid_argument or io otherwise; the message names the
// remedy.
base::Result<std::string> read_secret(const std::string& name);

// The path that `name` stands for, for libraries that read a key file themselves. Checked as read_secret does.
base::Result<std::string> secret_path(const std::string& name);

// A secp256k1 key: one line of 64 hexadecimal digits, "0x" in front or not. What `tabctl keygen` writes.
base::Result<crypto::SecretKey> read_secret_key(const std::string& name);

}  // namespace ops
