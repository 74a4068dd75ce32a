#pragma once

// Bytes straight into the server's unix socket: what no client library would send.

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace rpc {

class RawSocket {
 public:
  // CHECKs that it connects.
  explicit RawSocket(const std::string& path);
  ~RawSocket();
  RawSocket(RawSocket&& other) noexcept;
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // False if the peer has closed. Does not wait for room.
  bool send(base::ByteView bytes);
  // Reads until the peer closes. False if that takes more than `timeout_ms`; `received` gets what came.
  bool wait_for_close(int timeout_ms, std::string* received = nullptr);

 private:
  int fd_;
};

// The table of a message: segment count - 1, then the sizes in words, padded to 8 bytes.
base::Bytes segment_table(std::uint32_t count_minus_one, std::initializer_list<std::uint32_t> sizes);

}  // namespace rpc
