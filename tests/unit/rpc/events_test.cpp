#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/support/channels.h"
#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

// Runs the client's loop until the condition holds, at most 10 s.
template <typename Condition>
bool run_until(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) tabd::Client::run_for(10'000);
  return condition();
}

struct Heard {
  std::vector<Event> events;
  std::string dropped;
  tabd::EventHandler handler() {
    return {[this](const Event& event) { events.push_back(event); },
            [this](const std::string& reason) { dropped = reason; }};
  }
  std::size_t count(EventKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; }));
  }
};

TEST(RpcEvents, TheOperatorHearsEverything) {
  RpcWorld world;
  auto session = world.operator_session();
  Heard heard;
  const auto subscription = session.subscribe({}, heard.handler());
  ASSERT_TRUE(subscription.has_value()) << subscription.error().to_string();
  auto server = world.server_session();
  SingleSpec hold;
  hold.nonce = 500;
  hold.maximum = 70;
  SingleSpec capture = hold;
  capture.amount = 60;
  VoucherSpec voucher;
  voucher.amounts = {1, 2};
  ASSERT_EQ(server.submit(world.batch(world.charges(1)))->items[0].status, Status::ok);
  ASSERT_EQ(server.submit(world.batch({world.actors.hold(hold), world.actors.voucher(voucher)}))->items[1].status,
            Status::ok);
  ASSERT_EQ(server.submit(world.batch({world.actors.capture(capture)}))->items[0].status, Status::ok);
  ASSERT_EQ(session.close_now(world.actors.payer(0), kUsdc)->result.status, Status::ok);
  ASSERT_EQ(session.suspend(world.actors.payer(1), "a test")->result.status, Status::ok);
  ASSERT_EQ(session.resume(world.actors.payer(1), "enough")->result.status, Status::ok);
  ASSERT_TRUE(run_until([&] { return heard.count(EventKind::resumed) == 1; }));
  ASSERT_EQ(heard.count(EventKind::accepted), 4u);
  EXPECT_EQ(heard.count(EventKind::window_closed), 1u);
  EXPECT_EQ(heard.count(EventKind::suspended), 1u);
  EXPECT_TRUE(std::is_sorted(heard.events.begin(), heard.events.end(),
                             [](const Event& a, const Event& b) { return a.sequence < b.sequence; }));
  std::vector<Event> accepted;
  for (const Event& event : heard.events) {
    if (event.kind == EventKind::accepted) accepted.push_back(event);
    if (event.kind == EventKind::window_closed) {
      EXPECT_EQ(event.payer, world.actors.payer(0));
      EXPECT_TRUE(event.statement.valid());
      EXPECT_EQ(event.amount, base::Amount(73));
    }
    if (event.kind == EventKind::suspended) {
      EXPECT_EQ(event.text, "a test");
    }
  }
  for (const Event& event : accepted) {
    EXPECT_EQ(event.payer, world.actors.payer(0));
    EXPECT_EQ(event.payee, world.actors.payee(0));
    EXPECT_EQ(event.asset, kUsdc);
  }
  EXPECT_EQ(accepted[0].amount, base::Amount(10));
  EXPECT_EQ(accepted[1].amount, base::Amount(70));
  EXPECT_EQ(accepted[2].amount, base::Amount(3));
  EXPECT_EQ(accepted[2].charges, 2u);
  EXPECT_EQ(accepted[3].amount, base::Amount(60));
  EXPECT_TRUE(subscription->active());
}

TEST(RpcEvents, ChannelsAndRelaysAreHeard) {
  RpcWorld world;
  auto session = world.operator_session();
  auto payer = world.payer_session(0);
  Heard heard;
  Heard by_payer;
  const auto a = session.subscribe({}, heard.handler());
  const auto b = payer.subscribe({}, by_payer.handler());
  world.must(support::sync_channel(0, support::escrow(1'000), 10));
  world.must(support::sync_channel(1, support::escrow(2'000), 10));
  world.must(support::reserve_charge(0, 100, 100));
  const auto reservation = session.channel(support::channel_key(0))->reservation.sequence;
  world.must(support::capture(0, reservation, 70));
  world.must(support::reserve_charge(0, 170, 100));
  ASSERT_EQ(
      session
          .release_reservation(support::channel_key(0), session.channel(support::channel_key(0))->reservation.sequence)
          ->result.status,
      Status::ok);
  world.must(support::sync_channel(0, support::escrow(1'000, 70), 11));
  world.must(support::sync_earnings(0, 70, 0, 11));
  ASSERT_EQ(session.put_channel_aside(support::channel_key(0), "reverts")->result.status, Status::ok);
  core::PlanRelay relay;
  relay.rail = *base::RailName::parse("stablecoin");
  relay.key = support::test_hash(7);
  relay.label = "claim";
  relay.order = {1};
  world.must(relay);
  ASSERT_TRUE(run_until([&] { return heard.count(EventKind::settling) == 1; }));
  std::vector<EventKind> kinds;
  for (const Event& event : heard.events) {
    if (event.kind == EventKind::settling) {
      EXPECT_EQ(event.text, "claim");
      continue;
    }
    kinds.push_back(event.kind);
    const bool second = event.channel == support::channel_key(1);
    EXPECT_EQ(event.payee, support::channel_config(second ? 1 : 0).receiver);
    if (event.kind == EventKind::channel_earnings) continue;
    EXPECT_EQ(event.payer, support::channel_config(second ? 1 : 0).payer);
    EXPECT_TRUE(second || event.channel == support::channel_key(0));
  }
  EXPECT_EQ(kinds, (std::vector<EventKind>{
                       EventKind::channel_opened, EventKind::channel_opened, EventKind::channel_reserved,
                       EventKind::channel_charged, EventKind::channel_reserved, EventKind::channel_released,
                       EventKind::channel_synced, EventKind::channel_earnings, EventKind::channel_put_aside}));
  const auto amount = [&](EventKind kind) {
    for (const Event& event : heard.events)
      if (event.kind == kind) return event.amount;
    return base::Amount();
  };
  EXPECT_EQ(amount(EventKind::channel_opened), base::Amount(1'000));
  EXPECT_EQ(amount(EventKind::channel_reserved), base::Amount(100));
  EXPECT_EQ(amount(EventKind::channel_charged), base::Amount(70));
  EXPECT_EQ(amount(EventKind::channel_synced), base::Amount(70));
  EXPECT_EQ(amount(EventKind::channel_earnings), base::Amount(70));
  // The payer hears of its own channel, and of nothing else.
  ASSERT_TRUE(run_until([&] { return by_payer.count(EventKind::channel_put_aside) == 1; }));
  EXPECT_EQ(by_payer.events.size(), 7u);
  for (const Event& event : by_payer.events) EXPECT_EQ(event.channel, support::channel_key(0));
}

TEST(RpcEvents, KindsOfChannelsCanBeAskedForAlone) {
  RpcWorld world;
  auto session = world.operator_session();
  for (unsigned kind = 1; kind <= static_cast<unsigned>(kLastEventKind); ++kind)
    EXPECT_NE(name(static_cast<EventKind>(kind)), name(EventKind::unspecified)) << kind;
  Heard heard;
  const auto a = session.subscribe({bit(EventKind::channel_charged), {}, {}}, heard.handler());
  world.must(support::sync_channel(0, support::escrow(1'000), 10));
  world.must(support::reserve_charge(0, 100, 100));
  world.must(support::capture(0, session.channel(support::channel_key(0))->reservation.sequence, 70));
  ASSERT_TRUE(run_until([&] { return heard.events.size() == 1; }));
  EXPECT_EQ(heard.events.front().kind, EventKind::channel_charged);
}

TEST(RpcEvents, PayersAndServersHearOnlyTheirOwn) {
  RpcWorld world;
  auto payer = world.payer_session(1);
  auto server = world.server_session(1);
  auto everyone = world.auditor_session();
  Heard by_payer;
  Heard by_server;
  Heard by_auditor;
  const auto a = payer.subscribe({}, by_payer.handler());
  const auto b = server.subscribe({}, by_server.handler());
  const auto c = everyone.subscribe({bit(EventKind::accepted), {}, {}}, by_auditor.handler());
  // A filter narrows what a session may see and never widens it.
  Heard by_curious;
  const auto d = payer.subscribe({0, world.actors.payer(0), {}}, by_curious.handler());
  auto other_server = world.server_session(0);
  for (std::uint64_t index = 0; index < 3; ++index) {
    ASSERT_EQ(other_server.submit(world.batch(world.charges(2, index, 0), 0))->status, Status::ok);
    ASSERT_EQ(server.submit(world.batch(world.charges(3, index, 1), 1))->status, Status::ok);
  }
  ASSERT_TRUE(run_until([&] {
    return by_auditor.events.size() == 15 && by_payer.count(EventKind::accepted) == 5 &&
           by_server.count(EventKind::accepted) == 9;
  }));
  for (const Event& event : by_payer.events) EXPECT_EQ(event.payer, world.actors.payer(1));
  for (const Event& event : by_server.events) EXPECT_EQ(event.payee, world.actors.payee(1));
  EXPECT_GE(by_payer.count(EventKind::window_opened), 1u);
  EXPECT_EQ(by_server.count(EventKind::window_opened), 0u) << "a payer's window is not the server's business";
  EXPECT_TRUE(by_curious.events.empty());
}

TEST(RpcEvents, DroppingTheSubscriptionEndsIt) {
  RpcWorld world;
  auto session = world.auditor_session();
  Heard heard;
  {
    const auto subscription = session.subscribe({}, heard.handler());
    ASSERT_TRUE(subscription.has_value());
    EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.subscribers == 1; }));
  }
  EXPECT_TRUE(session.head().has_value());
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.subscribers == 0; }));
  ASSERT_EQ(world.server_session().submit(world.batch(world.charges(1)))->status, Status::ok);
  EXPECT_TRUE(session.head().has_value());
  EXPECT_TRUE(heard.events.empty());
  EXPECT_TRUE(heard.dropped.empty());
}

TEST(RpcEvents, SubscriptionsOfOneConnectionAreBounded) {
  RpcWorld world;
  auto session = world.auditor_session();
  std::vector<tabd::Subscription> kept;
  for (std::size_t i = 0; i < base::limits::kSubscriptionsPerSessionMax; ++i) {
    auto subscription = session.subscribe({}, {});
    ASSERT_TRUE(subscription.has_value());
    kept.push_back(std::move(*subscription));
  }
  const auto refused = session.subscribe({}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("too many subscriptions"), std::string::npos);
  kept.pop_back();
  EXPECT_TRUE(session.head().has_value());
  EXPECT_TRUE(session.subscribe({}, {}).has_value());
}

// Hangs in its first events() until it is released. Cap'n Proto delivers nothing else to it meanwhile.
class StuckListener final : public schema::Listener::Server {
 public:
  StuckListener(kj::Promise<void> release, std::string& dropped_reason)
      : release_(release.fork()), reason_(dropped_reason) {}
  kj::Promise<void> events(EventsContext) override { return release_.addBranch(); }
  kj::Promise<void> dropped(DroppedContext call) override {
    reason_ = string(call.getParams().getReason());
    return kj::READY_NOW;
  }

 private:
  kj::ForkedPromise<void> release_;
  std::string& reason_;
};

TEST(RpcEvents, ASlowSubscriberIsDroppedAndNobodyElse) {
  RpcServerOptions options;
  options.subscriber_queue_events = 100;
  RpcWorld world(std::move(options));
  std::string reason;
  RawClient raw(world);
  auto request = raw.auditor_session(world).subscribeRequest();
  kj::PromiseFulfillerPair<void> release = kj::newPromiseAndFulfiller<void>();
  request.setListener(kj::heap<StuckListener>(kj::mv(release.promise), reason));
  const auto subscription = request.send().wait(raw.loop->io.waitScope);
  auto session = world.operator_session();
  Heard heard;
  const auto healthy = session.subscribe({bit(EventKind::accepted), {}, {}}, heard.handler());
  auto server = world.server_session();
  // More than fits between the two: flow control lets a few hundred kilobytes go out unanswered.
  for (std::size_t sent = 1; sent <= 60; ++sent) {
    ASSERT_EQ(server.submit(world.batch(world.charges(90)))->status, Status::ok);
    ASSERT_TRUE(run_until([&] { return heard.events.size() == sent * 90; })) << heard.dropped;
  }
  EXPECT_EQ(world.server->counters().subscribers_dropped_total, 1u);
  EXPECT_EQ(world.server->counters().subscribers, 1u);
  release.fulfiller->fulfill();
  ASSERT_TRUE(run_until([&] { return !reason.empty(); }));
  EXPECT_NE(reason.find("more than 100 events behind"), std::string::npos) << reason;
  EXPECT_TRUE(healthy->active());
  EXPECT_TRUE(heard.dropped.empty());
}

TEST(RpcFollow, TheWholeJournalThenLive) {
  RpcWorld world;
  auto session = world.auditor_session();
  std::vector<core::Segment> segments;
  std::string ended;
  const auto following = session.follow({}, {[&](core::Segment segment) { segments.push_back(std::move(segment)); },
                                             [&](const std::string& reason) { ended = reason; }});
  ASSERT_TRUE(following.has_value()) << following.error().to_string();
  const std::uint64_t before = world.store->reader().head()->last_segment.value;
  ASSERT_TRUE(run_until([&] { return segments.size() == before; }));
  auto server = world.server_session();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(server.submit(world.batch(world.charges(3)))->status, Status::ok);
  const auto head = *world.store->reader().head();
  ASSERT_TRUE(run_until([&] { return segments.size() == head.last_segment.value; }));
  core::Hash previous;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].header.number.value, i + 1);
    EXPECT_EQ(segments[i].header.previous, previous) << "the chain of segment " << i + 1;
    previous = core::hash_of(segments[i].header);
  }
  EXPECT_EQ(previous, head.last_segment_hash);
  EXPECT_TRUE(following->active());
  EXPECT_TRUE(ended.empty());
}

TEST(RpcFollow, FromASequenceAndFromTheEnd) {
  RpcWorld world;
  auto session = world.auditor_session();
  auto server = world.server_session();
  const auto first = server.submit(world.batch(world.charges(2)));
  const auto second = server.submit(world.batch(world.charges(2)));
  ASSERT_TRUE(first.has_value() && second.has_value());
  std::vector<std::uint64_t> from_middle;
  std::vector<std::uint64_t> from_end;
  const auto note = [](std::vector<std::uint64_t>& into) {
    return [&into](const core::Segment& segment) { into.push_back(segment.header.number.value); };
  };
  const auto a = session.follow(first->items[1].sequence, {note(from_middle), {}});
  const core::Sequence next(world.store->reader().head()->last_sequence.value + 1);
  const auto b = session.follow(next, {note(from_end), {}});
  const auto third = server.submit(world.batch(world.charges(1)));
  ASSERT_TRUE(third.has_value());
  ASSERT_TRUE(run_until([&] { return !from_end.empty() && from_middle.size() >= 3; }));
  EXPECT_EQ(from_middle.front(), first->segment.value);
  EXPECT_EQ(from_middle.back(), third->segment.value);
  EXPECT_EQ(from_end, std::vector<std::uint64_t>{third->segment.value});
}

// Takes one segment and then nothing, until told.
class PausedFollower final : public schema::Follower::Server {
 public:
  explicit PausedFollower(std::size_t& count) : count_(count) {}
  kj::Promise<void> segment(SegmentContext) override {
    ++count_;
    if (!paused) return kj::READY_NOW;
    kj::PromiseFulfillerPair<void> pair = kj::newPromiseAndFulfiller<void>();
    waiting.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }
  kj::Promise<void> ended(EndedContext) override { return kj::READY_NOW; }
  bool paused = true;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting;

 private:
  std::size_t& count_;
};

TEST(RpcFollow, ASlowFollowerIsBehindAndNotDropped) {
  RpcWorld world;
  RawClient raw(world);
  std::size_t count = 0;
  auto own = kj::heap<PausedFollower>(count);
  PausedFollower& follower = *own;
  auto request = raw.auditor_session(world).followRequest();
  request.setFollower(kj::mv(own));
  const auto subscription = request.send().wait(raw.loop->io.waitScope);
  auto server = world.server_session();
  for (int i = 0; i < 40; ++i) ASSERT_EQ(server.submit(world.batch(world.charges(50)))->status, Status::ok);
  raw.sleep(100);
  const std::uint64_t all = world.store->reader().head()->last_segment.value;
  EXPECT_LT(count, all) << "segments were sent without waiting for the follower";
  follower.paused = false;
  for (auto& fulfiller : follower.waiting) fulfiller->fulfill();
  ASSERT_TRUE(run_until([&] { return count == all; }));
  EXPECT_EQ(world.server->counters().subscribers_dropped_total, 0u);
}

}  // namespace
}  // namespace rpc
