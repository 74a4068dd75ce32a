#include "rpc/capnp/follow.h"

#include <utility>

#include "ledger/core/segment.h"
#include "rpc/capnp/convert.h"
#include "rpc/capnp/reads.h"

namespace rpc {
namespace {

using base::Status;

// When the worker's queue is full.
constexpr kj::Duration kRetryDelay = 50 * kj::MILLISECONDS;

// The first segment that holds `from` or a later sequence; past the end: the one that will be written next.
Reply<core::SegmentId> first_segment(const Reader& books, core::Sequence from) {
  Reply<core::SegmentId> reply;
  reply.value = core::SegmentId(1);
  if (from.value <= 1) return reply;
  const auto segment = books.segment_of(from);
  if (segment) {
    reply.value = segment->header.number;
    return reply;
  }
  if (segment.error().code != base::ErrorCode::not_found)
    return Reply<core::SegmentId>::of(tl::unexpected(segment.error()));
  const auto head = books.head();
  if (!head) return Reply<core::SegmentId>::of(tl::unexpected(head.error()));
  reply.value = core::SegmentId(head->last_segment.value + 1);
  return reply;
}

class Follow final : public schema::Subscription::Server, public Following {
 public:
  Follow(Context& context, core::Sequence from, schema::Follower::Client follower)
      : context_(context), from_(from), follower_(kj::mv(follower)) {
    task_ = start().eagerlyEvaluate([this](kj::Exception&& exception) {
      // Nobody is there to listen when the connection is the reason.
      if (exception.getType() != kj::Exception::Type::DISCONNECTED) end(exception.getDescription().cStr());
    });
    count(context_.counters.subscribers);
    context_.events.add(*this);
  }
  ~Follow() noexcept(false) {
    context_.events.remove(*this);
    context_.counters.subscribers.fetch_sub(1, std::memory_order_relaxed);
  }

  void stop(const std::string& reason) override {
    task_ = nullptr;
    end(reason);
  }

 private:
  kj::Promise<void> start() {
    const Reader& books = context_.deps.reader;
    return context_.read<Reply<core::SegmentId>>([&books, from = from_] { return first_segment(books, from); })
        .then([this](Reply<core::SegmentId> reply) -> kj::Promise<void> {
          if (reply.failure) return to_exception(*reply.failure);
          next_ = reply.value;
          return step();
        });
  }

  kj::Promise<void> step() {
    const Reader& books = context_.deps.reader;
    return context_
        .read<Reply<core::Segment>>([&books, id = next_] { return Reply<core::Segment>::of(books.segment(id)); })
        .then([this](Reply<core::Segment> reply) { return deliver(std::move(reply)); },
              [this](kj::Exception&& exception) -> kj::Promise<void> {
                if (exception.getType() != kj::Exception::Type::OVERLOADED || context_.stopping)
                  return kj::mv(exception);
                return context_.timer.afterDelay(kRetryDelay).then([this] { return step(); });
              });
  }

  kj::Promise<void> deliver(Reply<core::Segment> reply) {
    if (reply.failure) return to_exception(*reply.failure);
    if (reply.status != Status::ok) {
      return context_.events.when_committed(next_).then([this] { return step(); });
    }
    ++next_.value;
    const core::SegmentHeader& header = reply.value.header;
    if (header.first_sequence.value + header.count <= from_.value) return step();
    const core::Bytes bytes = core::encode(reply.value);
    auto request = follower_.segmentRequest();
    request.setSegment(data(base::ByteView(bytes)));
    return request.send().then([this] { return step(); });
  }

  void end(const std::string& reason) {
    if (std::exchange(ended_, true)) return;
    auto request = follower_.endedRequest();
    request.setReason(text(reason));
    context_.events.run(request.send().ignoreResult());
  }

  Context& context_;
  const core::Sequence from_;
  core::SegmentId next_;
  schema::Follower::Client follower_;
  bool ended_ = false;
  kj::Promise<void> task_ = nullptr;
};

}  // namespace

kj::Own<schema::Subscription::Server> start_follow(Context& context, core::Sequence from,
                                                   schema::Follower::Client follower) {
  return kj::heap<Follow>(context, from, kj::mv(follower));
}

}  // namespace rpc
