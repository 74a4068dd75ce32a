#include "cli/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ops/secret.h"

namespace cli {
namespace {

tl::unexpected<Failure> io_failure(std::string message, std::string next = {}) {
  return tl::unexpected<Failure>(Failure{ExitCode::unreachable, std::move(message), std::move(next), base::Status::ok});
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Result<crypto::SecretKey> read_key_file(const std::string& path) {
  base::Result<crypto::SecretKey> key = ops::read_secret_key(path);
  if (key) return std::move(*key);
  const base::ErrorCode code = key.error().code;
  Failure failure = failure_from(std::move(key).error()).value();
  if (code == base::ErrorCode::permission) failure.code = ExitCode::usage;
  if (code == base::ErrorCode::not_found) failure.next = "Make one with: tabctl keygen " + path;
  return tl::unexpected<Failure>(std::move(failure));
}

Outcome write_key_file(const std::string& path, const crypto::SecretKey& key) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400)};
  if (file.fd < 0) {
    return io_failure(fmt::format("cannot create the key file {}: {}.", path, std::strerror(errno)),
                      errno == EEXIST ? "A key is never overwritten: choose another name." : "");
  }
  std::string text = base::to_hex(key.reveal()) + "\n";
  const ssize_t put = ::write(file.fd, text.data(), text.size());
  const bool written = put == static_cast<ssize_t>(text.size()) && ::fsync(file.fd) == 0;
  const int reason = errno;
  ::explicit_bzero(text.data(), text.size());
  if (!written) {
    ::unlink(path.c_str());
    return io_failure(fmt::format("cannot write the key file {}: {}.", path, std::strerror(reason)));
  }
  return {};
}

}  // namespace cli
