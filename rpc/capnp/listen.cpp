#include "rpc/capnp/listen.h"

#include <kj/debug.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace rpc {
namespace {

using base::ErrorCode;

constexpr int kBacklog = 512;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string reason(int error) { return std::strerror(error); }

// Does a process answer at this socket file?
bool alive(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe.get() >= 0 && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

base::Result<void> remove_stale(const sockaddr_un& address, const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return base::error(ErrorCode::invalid_argument, path + " exists and is not a socket: choose another path");
  if (alive(address))
    return base::error(ErrorCode::io, "another process listens on " + path + ": stop it, or choose another path");
  if (::unlink(path.c_str()) != 0)
    return base::error(ErrorCode::io, "cannot replace the stale socket " + path + ": " + reason(errno));
  return {};
}

base::Result<std::string> read_pem(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file)
    return base::error(ErrorCode::invalid_argument, std::string(what) + ": cannot read '" + path + "'");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

base::Result<kj::Own<kj::TlsContext>> make_tls(const RpcServerOptions& options) {
  ASSIGN_OR_RETURN(const std::string certificate, read_pem(options.certificate_file, "TLS certificate"));
  ASSIGN_OR_RETURN(const std::string key, read_pem(options.key_file, "TLS key"));
  std::string authority;
  if (!options.client_ca_file.empty()) {
    ASSIGN_OR_RETURN(authority, read_pem(options.client_ca_file, "TLS client CA"));
  }
  const char* at = options.key_file.c_str();
  try {
    kj::TlsKeypair keypair{kj::TlsPrivateKey(kj::StringPtr(key.c_str(), key.size())),
                           (at = options.certificate_file.c_str(),
                            kj::TlsCertificate(kj::StringPtr(certificate.c_str(), certificate.size())))};
    kj::TlsContext::Options tls;
    tls.useSystemTrustStore = false;
    tls.minVersion = kj::TlsVersion::TLS_1_2;
    tls.defaultKeypair = keypair;
    if (authority.empty()) return kj::heap<kj::TlsContext>(kj::mv(tls));
    at = options.client_ca_file.c_str();
    const kj::TlsCertificate trusted(kj::StringPtr(authority.c_str(), authority.size()));
    tls.verifyClients = true;
    tls.trustedCertificates = kj::arrayPtr(&trusted, 1);
    return kj::heap<kj::TlsContext>(kj::mv(tls));
  } catch (const kj::Exception& exception) {
    return base::error(ErrorCode::invalid_argument,
                       std::string("TLS: '") + at + "' cannot be used: " + exception.getDescription().cStr());
  }
}

}  // namespace

base::Result<kj::Own<kj::ConnectionReceiver>> listen_unix(kj::LowLevelAsyncIoProvider& io, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return base::error(ErrorCode::invalid_argument, "the socket path " + path + " is too long: at most 107 bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  RETURN_IF_ERROR(remove_stale(address, path));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Linux gives the file the socket's own mode: the file is never open to others, not even for a moment.
  if (socket.get() < 0 || ::fchmod(socket.get(), 0600) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return base::error(ErrorCode::io, "cannot listen on " + path + ": " + reason(errno));
  return io.wrapListenSocketFd(socket.release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                                     kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                                     kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK);
}

base::Result<TlsListener> listen_tls(kj::AsyncIoProvider& io, kj::WaitScope& wait, const RpcServerOptions& options) {
  TlsListener listener;
  ASSIGN_OR_RETURN(listener.tls, make_tls(options));
  const bool bare_v6 = options.tcp_host.find(':') != std::string::npos && options.tcp_host.front() != '[';
  const std::string host = bare_v6 ? "[" + options.tcp_host + "]" : options.tcp_host;
  try {
    auto address = io.getNetwork().parseAddress(kj::StringPtr(host.c_str()), options.tcp_port).wait(wait);
    listener.receiver = address->listen();
  } catch (const kj::Exception& exception) {
    return base::error(ErrorCode::io, "cannot listen on " + host + ":" + std::to_string(options.tcp_port) + ": " +
                                          exception.getDescription().cStr());
  }
  return listener;
}

}  // namespace rpc
