// Subscriptions, the journal's followers, and batches as a stream.

#include "clients/cpp/internal.h"

namespace tabd {
namespace {

namespace wire = rpc::schema;

class ListenerImpl final : public wire::Listener::Server {
 public:
  ListenerImpl(detail::Loop& loop, EventHandler handler, std::shared_ptr<bool> active)
      : loop_(loop), handler_(std::move(handler)), active_(std::move(active)) {}

  kj::Promise<void> events(EventsContext call) override {
    for (auto wire_event : call.getParams().getEvents()) {
      rpc::Event event;
      if (!rpc::decode(wire_event, event)) continue;  // of a newer daemon
      if (handler_.event) handler_.event(event);
      loop_.ran();
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> dropped(DroppedContext call) override {
    *active_ = false;
    if (handler_.dropped) handler_.dropped(rpc::string(call.getParams().getReason()));
    loop_.ran();
    return kj::READY_NOW;
  }

 private:
  detail::Loop& loop_;
  EventHandler handler_;
  std::shared_ptr<bool> active_;
};

class FollowerImpl final : public wire::Follower::Server {
 public:
  FollowerImpl(detail::Loop& loop, FollowHandler handler, std::shared_ptr<bool> active)
      : loop_(loop), handler_(std::move(handler)), active_(std::move(active)) {}

  kj::Promise<void> segment(SegmentContext call) override {
    Result<core::Segment> segment = core::decode_segment(rpc::view(call.getParams().getSegment()));
    call.releaseParams();
    if (!segment) {
      finish(segment.error().to_string());
      return KJ_EXCEPTION(FAILED, "the segment cannot be read");
    }
    if (*active_ && handler_.segment) handler_.segment(std::move(*segment));
    loop_.ran();
    return kj::READY_NOW;
  }

  kj::Promise<void> ended(EndedContext call) override {
    finish(rpc::string(call.getParams().getReason()));
    return kj::READY_NOW;
  }

 private:
  void finish(const std::string& reason) {
    if (!*active_) return;
    *active_ = false;
    if (handler_.ended) handler_.ended(reason);
    loop_.ran();
  }

  detail::Loop& loop_;
  FollowHandler handler_;
  std::shared_ptr<bool> active_;
};

Result<std::unique_ptr<detail::SubscriptionState>> subscribed(const std::shared_ptr<detail::Connection>& connection,
                                                              Result<wire::Subscription::Client> capability,
                                                              std::shared_ptr<bool> active) {
  if (!capability) return tl::unexpected<base::Error>(std::move(capability).error());
  detail::SubscriptionState state{connection, kj::mv(*capability), std::move(active)};
  return std::make_unique<detail::SubscriptionState>(std::move(state));
}

}  // namespace

Subscription detail::SessionState::make_subscription(std::unique_ptr<SubscriptionState> state) {
  return Subscription(std::move(state));
}

Subscription::Subscription(std::unique_ptr<detail::SubscriptionState> state) : state_(std::move(state)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;
bool Subscription::active() const { return *state_->active; }

Result<Subscription> Session::subscribe(const rpc::EventFilter& filter, EventHandler handler) {
  detail::Connection& connection = *state_->connection;
  auto active = std::make_shared<bool>(true);
  auto request = state_->as<wire::Events>().subscribeRequest();
  rpc::encode(filter, request.initFilter());
  request.setListener(kj::heap<ListenerImpl>(*connection.loop, std::move(handler), active));
  try {
    kj::Promise<capnp::Response<wire::Events::SubscribeResults>> sent = request.send();
    auto response = connection.wait(kj::mv(sent), connection.endpoint.call_timeout_ms);
    ASSIGN_OR_RETURN(auto state, subscribed(state_->connection, response.getSubscription(), active));
    return detail::SessionState::make_subscription(std::move(state));
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connection.to_error(exception));
  }
}

Result<Subscription> AuditorSession::follow(core::Sequence from, FollowHandler handler) {
  detail::Connection& connection = *state_->connection;
  auto active = std::make_shared<bool>(true);
  auto request = state_->as<wire::AuditorSession>().followRequest();
  request.setFromSequence(from.value);
  request.setFollower(kj::heap<FollowerImpl>(*connection.loop, std::move(handler), active));
  try {
    kj::Promise<capnp::Response<wire::AuditorSession::FollowResults>> sent = request.send();
    auto response = connection.wait(kj::mv(sent), connection.endpoint.call_timeout_ms);
    ASSIGN_OR_RETURN(auto state, subscribed(state_->connection, response.getSubscription(), active));
    return detail::SessionState::make_subscription(std::move(state));
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connection.to_error(exception));
  }
}

SubmitStream::SubmitStream(std::unique_ptr<detail::StreamState> state) : state_(std::move(state)) {}
SubmitStream::SubmitStream(SubmitStream&&) noexcept = default;
SubmitStream& SubmitStream::operator=(SubmitStream&&) noexcept = default;
SubmitStream::~SubmitStream() = default;

Result<void> SubmitStream::send(const UnverifiedBatch& batch) {
  detail::Connection& connection = *state_->connection;
  try {
    auto request = state_->submitter.submitRequest();
    rpc::encode(batch, request.initBatch());
    connection.wait(request.send(), connection.endpoint.call_timeout_ms);
    return {};
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connection.to_error(exception));
  }
}

Result<rpc::StreamSummary> SubmitStream::done() {
  return detail::call<rpc::StreamSummary>(*state_->connection, state_->submitter.doneRequest(),
                                          [](wire::Submitter::DoneResults::Reader results, rpc::StreamSummary& out) {
                                            out = rpc::decode(results.getSummary());
                                            return base::Status::ok;
                                          });
}

}  // namespace tabd
