#include "rpc/capnp/guarded_stream.h"

#include <kj/debug.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/limits.h"

namespace rpc {
namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;
constexpr std::size_t kLoginMessageBytes = base::limits::kRpcLoginWordsMax * 8;
// A login takes three messages; the rest is room for questions to info() and for failed attempts.
constexpr std::uint64_t kLoginMessagesMax = 256;
// How often a held-back read looks again. Only connections that are held back pay for it.
constexpr kj::Duration kHeldBackDelay = 2 * kj::MILLISECONDS;

}  // namespace

GuardedStream::GuardedStream(kj::Own<kj::AsyncIoStream> inner, ReadBudget& budget, kj::Timer& timer,
                             std::function<void(const std::string&)> on_refused)
    : inner_(kj::mv(inner)),
      budget_(budget),
      timer_(timer),
      on_refused_(std::move(on_refused)),
      guard_(base::limits::kRpcLoginWordsMax) {}

GuardedStream::~GuardedStream() noexcept(false) { budget_.give_back(held_); }

void GuardedStream::lift_login_limits() {
  logged_in_ = true;
  guard_.set_words_max(base::limits::kRpcTraversalWordsMax);
}

void GuardedStream::refuse(const std::string& reason) {
  const std::function<void(const std::string&)> report = std::exchange(on_refused_, nullptr);
  if (report) report(reason);
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::heapString(reason.c_str())));
}

void GuardedStream::check(const kj::byte* bytes, std::size_t count) {
  if (!guard_.feed({bytes, count})) refuse(guard_.error());
  if (!logged_in_ && guard_.messages() > kLoginMessagesMax) refuse("too many messages without a login");
}

kj::Promise<std::size_t> GuardedStream::tryRead(void* buffer, std::size_t min_bytes, std::size_t max_bytes) {
  const std::size_t unread_max = logged_in_ ? base::limits::kRpcOutgoingBytesMax : kLoginMessageBytes;
  if (guard_.at_boundary() && queued_bytes_ && queued_bytes_() > unread_max) {
    return timer_.afterDelay(kHeldBackDelay).then([this, buffer, min_bytes, max_bytes]() {
      return tryRead(buffer, min_bytes, max_bytes);
    });
  }
  return fill(static_cast<kj::byte*>(buffer), min_bytes, max_bytes, 0);
}

kj::Promise<std::size_t> GuardedStream::read_some(void* buffer, std::size_t min_bytes, std::size_t max_bytes) {
  return inner_->tryRead(buffer, min_bytes, max_bytes)
      .then(
          [this, min_bytes](std::size_t count) {
            if (count < min_bytes) peer_gone_ = true;
            return count;
          },
          [this](kj::Exception&& exception) -> std::size_t {
            peer_gone_ = true;
            kj::throwFatalException(kj::mv(exception));
          });
}

kj::Promise<std::size_t> GuardedStream::fill(kj::byte* out, std::size_t min_bytes, std::size_t max_bytes,
                                             std::size_t got) {
  const std::size_t ready = std::min(end_ - begin_, max_bytes - got);
  if (ready > 0) {
    std::memcpy(out + got, buffer_.begin() + begin_, ready);
    check(out + got, ready);
    begin_ += ready;
    got += ready;
  }
  if (got >= min_bytes) return finish_read(got);
  if (min_bytes - got >= kBufferBytes) {
    return read_some(out + got, min_bytes - got, max_bytes - got).then([this, out, got](std::size_t count) {
      check(out + got, count);
      return finish_read(got + count);
    });
  }
  if (buffer_ == nullptr) buffer_ = kj::heapArray<kj::byte>(kBufferBytes);
  return read_some(buffer_.begin(), 1, kBufferBytes)
      .then([this, out, min_bytes, max_bytes, got](std::size_t count) -> kj::Promise<std::size_t> {
        if (count == 0) return got;  // the peer has ended the stream
        begin_ = 0;
        end_ = count;
        return fill(out, min_bytes, max_bytes, got);
      });
}

// Cap'n Proto allocates a message as soon as it has the table: that is when the budget has to be asked.
kj::Promise<std::size_t> GuardedStream::finish_read(std::size_t got) {
  if (guard_.at_boundary()) {
    budget_.give_back(std::exchange(held_, 0));
  } else if (held_ == 0 && guard_.message_bytes() > kLoginMessageBytes) {
    const auto wanted = static_cast<std::size_t>(guard_.message_bytes());
    if (!budget_.take(wanted)) {
      return timer_.afterDelay(kHeldBackDelay).then([this, got]() { return finish_read(got); });
    }
    held_ = wanted;
  }
  return got;
}

kj::Promise<void> GuardedStream::track(kj::Promise<void> writing) {
  ++writes_;
  return writing.then(
      [this]() {
        --writes_;
        ++writes_done_;
      },
      [this](kj::Exception&& exception) {
        peer_gone_ = true;
        kj::throwFatalException(kj::mv(exception));
      });
}

kj::Promise<void> GuardedStream::write(const void* buffer, std::size_t size) {
  return track(inner_->write(buffer, size));
}

kj::Promise<void> GuardedStream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  return track(inner_->write(pieces));
}

unsigned GuardedStream::stalled_ticks() {
  const bool same_message = !guard_.at_boundary() && guard_.messages() == seen_messages_;
  const bool same_write = writes_ > 0 && writes_done_ == seen_writes_;
  read_ticks_ = same_message ? read_ticks_ + 1 : 0;
  write_ticks_ = same_write ? write_ticks_ + 1 : 0;
  seen_messages_ = guard_.messages();
  seen_writes_ = writes_done_;
  return std::max(read_ticks_, write_ticks_);
}

}  // namespace rpc
