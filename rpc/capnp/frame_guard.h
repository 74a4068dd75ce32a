#pragma once

// Follows the framing of a Cap'n Proto byte stream (https://capnproto.org/encoding.html, "Serialization over a stream")
// and refuses a message before the library sees it. Reason: version 0.9.2 adds 1 to the segment count without a check,
// so a first word of 0xFFFFFFFF wraps to no segments (security advisory of 2026-03-12); and a table may claim more than
// a peer should make us hold.

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace rpc {

class FrameGuard {
 public:
  explicit FrameGuard(std::uint64_t words_max) noexcept : words_max_(words_max) {}

  // Takes the next bytes of the stream, cut anywhere. False: the stream must be closed, error() says why; then nothing
  // more may be fed.
  bool feed(base::ByteView bytes) noexcept;

  // Between two messages: nothing of the next one was fed.
  bool at_boundary() const noexcept { return table_read_ == 0; }
  // Size of the message at hand as its table claims it, in bytes; 0 until the table is complete.
  std::uint64_t message_bytes() const noexcept { return message_bytes_; }
  std::uint64_t messages() const noexcept { return messages_; }
  // For messages that begin from now on. Words of 8 bytes, table excluded.
  void set_words_max(std::uint64_t words) noexcept { words_max_ = words; }
  const std::string& error() const noexcept { return error_; }

 private:
  bool table_word(std::uint32_t value) noexcept;
  bool refuse(std::string reason) noexcept;

  std::uint64_t words_max_;
  std::uint64_t messages_ = 0;
  std::uint64_t message_bytes_ = 0;
  std::uint64_t body_left_ = 0;    // bytes
  std::uint64_t words_ = 0;        // summed segment sizes
  std::uint32_t segments_ = 0;     // known once the first 4 bytes were read
  std::uint32_t table_bytes_ = 0;  // length of the whole table with padding
  std::uint32_t table_read_ = 0;   // bytes of the table that were fed; 0 at a boundary
  std::uint32_t partial_ = 0;      // little-endian word that is being collected
  std::string error_;
};

}  // namespace rpc
