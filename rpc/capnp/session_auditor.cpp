// Auditors: the journal itself.

#include "base/limits.h"
#include "rpc/capnp/follow.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;
using base::Status;

class AuditorSessionImpl final : public schema::AuditorSession::Server, public BooksImpl {
 public:
  using BooksImpl::BooksImpl;

  kj::Promise<void> entries(EntriesContext call) override {
    using Entries = std::vector<RawEntry>;
    const auto params = call.getParams();
    const core::Sequence from(params.getFrom());
    const std::size_t limit = page_limit({0, params.getLimit()});
    return read<Entries>([&books = reader(), from, limit] { return read_entries(books, from, limit); })
        .then([call](Reply<Entries> reply) mutable {
          check(reply);
          encode_list(reply.value, call.getResults().initEntries(list_size(reply.value.size())));
        });
  }

  kj::Promise<void> segments(SegmentsContext call) override {
    using Segments = std::vector<core::Bytes>;
    const auto params = call.getParams();
    const core::SegmentId from(params.getFrom());
    const std::size_t limit = page_limit({0, params.getLimit()});
    return read<Segments>([&books = reader(), from, limit] { return read_segments(books, from, limit); })
        .then([call](Reply<Segments> reply) mutable {
          check(reply);
          auto list = call.getResults().initSegments(list_size(reply.value.size()));
          for (std::size_t i = 0; i < reply.value.size(); ++i)
            list.set(list_size(i), data(base::ByteView(reply.value[i])));
        });
  }

  kj::Promise<void> follow(FollowContext call) override {
    const auto params = call.getParams();
    auto share = kj::heap<Share>(connection_.subscriptions, limits::kSubscriptionsPerSessionMax,
                                 "follow: too many subscriptions on this connection");
    const core::Sequence from(params.getFromSequence());
    call.getResults().setSubscription(start_follow(context_, from, params.getFollower()).attach(kj::mv(share)));
    return kj::READY_NOW;
  }

  kj::Promise<void> extensionProof(ExtensionProofContext call) override {
    const auto params = call.getParams();
    const core::SegmentId from(params.getFromSegment());
    const core::SegmentId to(params.getToSegment());
    if (!from.valid() || (to.valid() && from > to)) {
      call.getResults().setStatus(number(Status::value_invalid));
      return kj::READY_NOW;
    }
    return read<core::Bytes>(
               [&hooks = context_.deps.hooks, from, to] { return Reply<core::Bytes>::of(hooks.extension(from, to)); })
        .then([call](Reply<core::Bytes> reply) mutable {
          check(reply);
          call.getResults().setStatus(number(reply.status));
          if (reply.status == Status::ok) call.getResults().setProof(data(base::ByteView(reply.value)));
        });
  }
};

}  // namespace

schema::AuditorSession::Client make_auditor_session(Context& context, Connection& connection) {
  return kj::heap<AuditorSessionImpl>(context, connection);
}

}  // namespace rpc
