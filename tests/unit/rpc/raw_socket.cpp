#include "tests/unit/rpc/raw_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/codec.h"

namespace rpc {

RawSocket::RawSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

RawSocket::RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RawSocket::~RawSocket() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawSocket::send(base::ByteView bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size());
}

bool RawSocket::wait_for_close(int timeout_ms, std::string* received) {
  std::array<char, 4096> buffer;
  while (true) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, timeout_ms) <= 0) return false;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return true;
    if (received != nullptr) received->append(buffer.data(), static_cast<std::size_t>(got));
  }
}

base::Bytes segment_table(std::uint32_t count_minus_one, std::initializer_list<std::uint32_t> sizes) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.u32(count_minus_one);
  for (const std::uint32_t size : sizes) out.u32(size);
  while (bytes.size() % 8 != 0) out.u8(0);
  return bytes;
}

}  // namespace rpc
