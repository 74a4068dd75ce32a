#include "ops/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ops {
namespace {

using base::error;
using base::ErrorCode;

constexpr std::string_view kCredentialPrefix = "credential:";
constexpr std::size_t kSecretBytesMax = 64 * 1024;

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

bool is_credential(const std::string& name) { return name.rfind(kCredentialPrefix, 0) == 0; }

base::Result<std::string> resolve(const std::string& name) {
  if (!is_credential(name)) return name;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0')
    return error(ErrorCode::not_found, name +
                                           ": there are no systemd credentials here ($CREDENTIALS_DIRECTORY is not "
                                           "set); start tabd by its unit, or name a file in the configuration");
  return std::string(directory) + "/" + name.substr(kCredentialPrefix.size());
}

// Owner, kind and mode of the open file.
base::Result<void> check_guarded(const File& file, const std::string& path, bool credential) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) return error(ErrorCode::io, path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return error(ErrorCode::permission, path + ": a secret must be a regular file");
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(status.st_mode & 07777));
  // systemd gives credentials of a DynamicUser mode 0440 and an access list for that user alone.
  const bool mode_ok = (status.st_mode & 07177) == 0 || (credential && (status.st_mode & 07137) == 0);
  if (!mode_ok)
    return error(ErrorCode::permission,
                 path + ": mode " + mode.data() + " lets others read this secret; run: chmod 0400 " + path);
  if (status.st_uid != ::geteuid() && !(credential && status.st_uid == 0))
    return error(ErrorCode::permission, path + ": owned by user " + std::to_string(status.st_uid) +
                                            ", not by the user that runs tabd (" + std::to_string(::geteuid()) +
                                            "); run: chown it, or use a systemd credential");
  return {};
}

base::Result<std::string> read_whole(const File& file, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = ::read(file.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error(ErrorCode::io, path + ": " + std::strerror(errno));
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kSecretBytesMax)
      return error(ErrorCode::invalid_argument, path + ": too large for a secret; allowed: at most 64 KiB");
  }
  ::explicit_bzero(buffer.data(), buffer.size());
  return text;
}

base::Result<void> open_checked(const File& file, const std::string& path, bool credential) {
  if (file.descriptor() < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::permission;
    return error(code, path + ": cannot read this secret: " + std::strerror(errno));
  }
  return check_guarded(file, path, credential);
}

}  // namespace

base::Result<std::string> secret_path(const std::string& name) {
  ASSIGN_OR_RETURN(std::string path, resolve(name));
  const File file(path);
  RETURN_IF_ERROR(open_checked(file, path, is_credential(name)));
  return path;
}

base::Result<std::string> read_secret(const std::string& name) {
  ASSIGN_OR_RETURN(const std::string path, resolve(name));
  const File file(path);
  RETURN_IF_ERROR(open_checked(file, path, is_credential(name)));
  return read_whole(file, path);
}

base::Result<crypto::SecretKey> read_secret_key(const std::string& name) {
  ASSIGN_OR_RETURN(std::string text, read_secret(name));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  std::optional<base::Bytes> bytes = base::from_hex(text);
  std::optional<crypto::SecretKey> key;
  if (bytes && bytes->size() == 32) key = crypto::SecretKey::from_bytes(*bytes);
  if (bytes) ::explicit_bzero(bytes->data(), bytes->size());
  ::explicit_bzero(text.data(), text.size());
  // The content stays out of the message.
  if (!key)
    return error(
        ErrorCode::invalid_argument,
        name + ": not a private key; allowed: one line of 64 hexadecimal digits, as `tabctl keygen` writes it");
  return std::move(*key);
}

}  // namespace ops
