#include "rpc/capnp/frame_guard.h"

#include <algorithm>

#include "base/limits.h"

namespace rpc {

bool FrameGuard::refuse(std::string reason) noexcept {
  error_ = std::move(reason);
  return false;
}

// One complete 32-bit word of the table: number `table_read_ / 4 - 1`.
bool FrameGuard::table_word(std::uint32_t value) noexcept {
  const std::uint32_t index = table_read_ / 4 - 1;
  if (index == 0) {
    if (value == UINT32_MAX) return refuse("the segment count of a message is 0xFFFFFFFF");
    if (value >= base::limits::kRpcSegmentsMax)
      return refuse("a message claims " + std::to_string(std::uint64_t{value} + 1) + " segments; at most " +
                    std::to_string(base::limits::kRpcSegmentsMax) + " are read");
    segments_ = value + 1;
    words_ = 0;
    // Count and sizes, padded to a whole word of 8 bytes.
    table_bytes_ = (4 + 4 * segments_ + 7) / 8 * 8;
    return true;
  }
  if (index > segments_) return true;  // padding
  words_ += value;
  if (words_ > words_max_) return refuse("a message claims more than " + std::to_string(words_max_) + " words");
  return true;
}

bool FrameGuard::feed(base::ByteView bytes) noexcept {
  if (!error_.empty()) return false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (body_left_ > 0) {
      const std::uint64_t step = std::min<std::uint64_t>(body_left_, bytes.size() - at);
      body_left_ -= step;
      at += static_cast<std::size_t>(step);
      if (body_left_ > 0) return true;
    } else {
      partial_ |= static_cast<std::uint32_t>(bytes[at++]) << (8 * (table_read_ % 4));
      ++table_read_;
      if (table_read_ % 4 != 0) continue;
      const std::uint32_t word = partial_;
      partial_ = 0;
      if (!table_word(word)) return false;
      if (table_read_ < table_bytes_) continue;
      body_left_ = words_ * 8;
      message_bytes_ = body_left_ + table_bytes_;
      if (body_left_ > 0) continue;
    }
    // The message is complete.
    ++messages_;
    message_bytes_ = 0;
    table_read_ = 0;
  }
  return true;
}

}  // namespace rpc
