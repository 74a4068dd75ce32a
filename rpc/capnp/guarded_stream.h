#pragma once

// The byte stream of one connection with its defences: message framing is checked before Cap'n Proto sees a byte, small
// reads are buffered (version 0.9.2 makes four for each message), a peer that does not read its answers is not read
// from, and memory for unfinished messages comes out of one budget. KJ thread only.

#include <kj/async-io.h>
#include <kj/timer.h>

#include <cstddef>
#include <functional>
#include <string>

#include "rpc/capnp/frame_guard.h"

namespace rpc {

// Bytes that all unfinished large messages may hold together.
class ReadBudget {
 public:
  explicit ReadBudget(std::size_t bytes) noexcept : left_(bytes) {}
  bool take(std::size_t bytes) noexcept {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void give_back(std::size_t bytes) noexcept { left_ += bytes; }

 private:
  std::size_t left_;
};

class GuardedStream final : public kj::AsyncIoStream {
 public:
  // `on_refused` runs once, before the read fails, with the reason; the RPC system then sends it to the peer and ends.
  GuardedStream(kj::Own<kj::AsyncIoStream> inner, ReadBudget& budget, kj::Timer& timer,
                std::function<void(const std::string&)> on_refused);
  ~GuardedStream() noexcept(false);
  KJ_DISALLOW_COPY(GuardedStream);

  // How many bytes wait to be written: asked before each message is read.
  void set_queue_probe(std::function<std::size_t()> queued_bytes) { queued_bytes_ = std::move(queued_bytes); }
  // After login.
  void lift_login_limits();
  bool logged_in() const noexcept { return logged_in_; }
  // The peer ended the stream or it broke. If neither, Cap'n Proto ended it because of what a message said.
  bool peer_gone() const noexcept { return peer_gone_; }
  // Called at regular intervals: for how many of them the same message has been unfinished, or the same write pending.
  unsigned stalled_ticks();

  kj::Promise<std::size_t> tryRead(void* buffer, std::size_t min_bytes, std::size_t max_bytes) override;
  kj::Promise<void> write(const void* buffer, std::size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, kj::uint length) override {
    inner_->setsockopt(level, option, value, length);
  }

 private:
  kj::Promise<std::size_t> read_some(void* buffer, std::size_t min_bytes, std::size_t max_bytes);
  kj::Promise<std::size_t> fill(kj::byte* out, std::size_t min_bytes, std::size_t max_bytes, std::size_t got);
  kj::Promise<std::size_t> finish_read(std::size_t got);
  void check(const kj::byte* bytes, std::size_t count);
  [[noreturn]] void refuse(const std::string& reason);
  kj::Promise<void> track(kj::Promise<void> writing);

  kj::Own<kj::AsyncIoStream> inner_;
  ReadBudget& budget_;
  kj::Timer& timer_;
  std::function<void(const std::string&)> on_refused_;
  std::function<std::size_t()> queued_bytes_;
  FrameGuard guard_;
  kj::Array<kj::byte> buffer_;  // made at the first read
  std::size_t begin_ = 0;       // unread part of buffer_
  std::size_t end_ = 0;
  std::size_t held_ = 0;  // bytes taken from the budget for the message at hand
  bool logged_in_ = false;
  bool peer_gone_ = false;
  unsigned writes_ = 0;  // pending now (0 or 1)
  std::uint64_t writes_done_ = 0;
  std::uint64_t seen_messages_ = 0;  // at the last tick
  std::uint64_t seen_writes_ = 0;
  unsigned read_ticks_ = 0;
  unsigned write_ticks_ = 0;
};

}  // namespace rpc
