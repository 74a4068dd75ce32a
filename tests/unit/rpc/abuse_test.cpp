// What a hostile or broken peer can send. Each time the peer is cut off with a reason, and everybody else is served.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <capnp/any.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>

#include "base/codec.h"
#include "tests/unit/rpc/raw_client.h"
#include "tests/unit/rpc/raw_socket.h"

namespace rpc {
namespace {

constexpr int kLongMs = 10'000;

// Words as they stand in a message: pointers of the encoding (https://capnproto.org/encoding.html).
std::uint64_t struct_pointer(std::uint32_t offset, std::uint16_t data_words, std::uint16_t pointers) {
  return std::uint64_t{offset} << 2 | std::uint64_t{data_words} << 32 | std::uint64_t{pointers} << 48;
}
std::uint64_t list_pointer(std::uint32_t offset, unsigned element, std::uint32_t count) {
  return 1u | std::uint64_t{offset} << 2 | std::uint64_t{element} << 32 | std::uint64_t{count} << 35;
}
constexpr unsigned kBytes = 2;
constexpr unsigned kPointers = 6;
// rpc.capnp, Message: an obsolete kind that is echoed back whole, so that all of it is traversed.
constexpr std::uint64_t kObsoleteSave = 7;

base::Bytes message(const std::vector<std::uint64_t>& words) {
  base::Bytes bytes = segment_table(0, {static_cast<std::uint32_t>(words.size())});
  base::Encoder out(bytes);
  for (const std::uint64_t word : words) out.u64(word);
  return bytes;
}

struct Abuse : ::testing::Test {
  static RpcServerOptions quick() {
    RpcServerOptions options;
    options.stall_ms = 200;
    options.login_ms = 600;
    return options;
  }
  // The peer was cut off, for this reason, and nobody else noticed.
  void expect_closed(RpcWorld& world, RawSocket& peer, const char* reason) {
    const std::uint64_t before = closed_;
    EXPECT_TRUE(peer.wait_for_close(kLongMs));
    EXPECT_TRUE(world.eventually([&](const RpcCounters& now) { return now.connections_closed_total > before; }));
    closed_ = world.server->counters().connections_closed_total;
    EXPECT_NE(world.log().find(reason), std::string::npos) << world.log();
    world.expect_alive();
  }
  std::uint64_t closed_ = 0;
};

TEST_F(Abuse, TheSegmentCountThatWraps) {
  RpcWorld world;
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(segment_table(UINT32_MAX, {0})));
  expect_closed(world, peer, "0xFFFFFFFF");
}

TEST_F(Abuse, ThePeerIsToldWhy) {
  RpcWorld world;
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(segment_table(UINT32_MAX, {0})));
  std::string received;
  ASSERT_TRUE(peer.wait_for_close(kLongMs, &received));
  EXPECT_NE(received.find("0xFFFFFFFF"), std::string::npos) << "no abort message with the reason";
}

// Well framed, and refused by Cap'n Proto itself.
TEST_F(Abuse, AMessageWithoutARoot) {
  RpcWorld world;
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(segment_table(0, {0})));
  expect_closed(world, peer, "breaks the protocol");
}

TEST_F(Abuse, APeerThatLeavesIsNoAbuse) {
  RpcWorld world;
  { RawSocket peer(world.socket_path); }
  { auto session = world.payer_session(0); }
  world.expect_alive();
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections <= 1; }));
  EXPECT_EQ(world.server->counters().connections_closed_total, 0u) << world.log();
}

TEST_F(Abuse, HalfABillionSegments) {
  RpcWorld world;
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(segment_table((1u << 29) - 1, {1})));
  expect_closed(world, peer, "536870912 segments");
}

TEST_F(Abuse, ALargeMessageBeforeLogin) {
  RpcWorld world;
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(segment_table(0, {base::limits::kRpcLoginWordsMax + 1})));
  expect_closed(world, peer, "more than 8192 words");
}

TEST_F(Abuse, AMessageAboveTheLimitAfterLogin) {
  RpcWorld world;
  auto session = world.server_session();
  tabd::UnverifiedBatch batch = world.batch(world.charges(1));
  batch.items[0].usages.resize(600'000, batch.items[0].usages[0]);
  batch.items[0].kind = commitments::tab::ItemKind::voucher;
  const auto answer = session.submit(batch);
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections_closed_total == 1; }));
  EXPECT_NE(world.log().find("more than 4194304 words"), std::string::npos) << world.log();
  world.expect_alive();
}

TEST_F(Abuse, Garbage) {
  RpcWorld world;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    RawSocket peer(world.socket_path);
    base::Bytes bytes;
    for (std::uint64_t i = 0; i < 40; ++i) {
      const core::Hash part = support::test_hash(seed * 1000 + i);
      bytes.insert(bytes.end(), part.bytes.begin(), part.bytes.end());
    }
    peer.send(bytes);
  }
  // A frame that is well-formed around nonsense.
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    RawSocket peer(world.socket_path);
    std::vector<std::uint64_t> words;
    for (std::uint64_t i = 0; i < 64; ++i) {
      const core::Hash part = support::test_hash(seed * 7777 + i);
      base::Decoder in(part.view());
      words.push_back(in.u64());
    }
    peer.send(message(words));
  }
  world.expect_alive();
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections <= 1; }));
}

TEST_F(Abuse, DeepNesting) {
  RpcWorld world;
  std::vector<std::uint64_t> words = {struct_pointer(0, 1, 1), kObsoleteSave};
  for (int i = 0; i < 5000; ++i) words.push_back(list_pointer(0, kPointers, 1));
  words.push_back(0);
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(message(words)));
  std::string received;
  EXPECT_TRUE(peer.wait_for_close(kLongMs, &received));
  EXPECT_NE(received.find("nest"), std::string::npos);
  world.expect_alive();
}

TEST_F(Abuse, ASmallMessageThatUnfoldsWithoutEnd) {
  RpcWorld world;
  constexpr std::uint32_t kCopies = 4000;
  constexpr std::uint32_t kShared = 32'000;  // bytes, pointed to by each
  std::vector<std::uint64_t> words = {struct_pointer(0, 1, 1), kObsoleteSave, list_pointer(0, kPointers, kCopies)};
  for (std::uint32_t i = 0; i < kCopies; ++i) words.push_back(list_pointer(kCopies - 1 - i, kBytes, kShared));
  words.insert(words.end(), kShared / 8, UINT64_C(0x4141414141414141));
  RawSocket peer(world.socket_path);
  ASSERT_TRUE(peer.send(message(words)));
  std::string received;
  EXPECT_TRUE(peer.wait_for_close(kLongMs, &received));
  EXPECT_NE(received.find("traversal limit"), std::string::npos);
  EXPECT_LT(received.size(), 1u << 20);
  world.expect_alive();
}

TEST_F(Abuse, AListOfNothingsWithoutEnd) {
  RpcWorld world;
  RawClient raw(world);
  auto session = raw.server_session(world);
  auto request = session.submitRequest();
  // 2^29 - 1 elements of no size: the list takes no space at all.
  auto batch = request.initBatch();
  capnp::AnyStruct::Builder any = capnp::toAny(batch);
  auto pointers = any.getPointerSection();
  pointers[3].initAsAnyList(capnp::ElementSize::VOID, (1u << 29) - 1);
  EXPECT_NE(raw.failure(request).find("traversal limit"), std::string::npos);
  EXPECT_EQ(raw.failure(session.accountRequest()), "") << "the connection itself did nothing wrong";
  world.expect_alive();
}

TEST_F(Abuse, HalfAMessage) {
  RpcWorld world(quick());
  RawSocket header(world.socket_path);
  ASSERT_TRUE(header.send(base::ByteView(segment_table(0, {4})).first(3)));
  expect_closed(world, header, "unfinished message");
  RawSocket body(world.socket_path);
  ASSERT_TRUE(body.send(segment_table(0, {4})));
  ASSERT_TRUE(body.send(base::Bytes(31, 0)));
  expect_closed(world, body, "unfinished message");
}

TEST_F(Abuse, AConnectionThatNeverLogsIn) {
  RpcWorld world(quick());
  RawSocket peer(world.socket_path);
  expect_closed(world, peer, "no login in time");
}

TEST_F(Abuse, ASessionMayBeIdle) {
  RpcWorld world(quick());
  auto session = world.server_session();
  tabd::Client::run_for(1'500'000);
  EXPECT_TRUE(session.submit(world.batch(world.charges(1))).has_value());
}

TEST_F(Abuse, APeerThatDoesNotReadItsAnswers) {
  RpcWorld world(quick());
  RawSocket peer(world.socket_path);
  // Bootstrap, then statuses() on it, 100 times: about 10 KB each.
  for (std::uint32_t question = 0; question <= 100; ++question) {
    capnp::MallocMessageBuilder builder;
    auto out = builder.initRoot<capnp::rpc::Message>();
    if (question == 0) {
      out.initBootstrap().setQuestionId(0);
    } else {
      auto call = out.initCall();
      call.setQuestionId(question);
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      call.setInterfaceId(capnp::typeId<schema::Tabd>());
      call.setMethodId(2);
    }
    const kj::Array<capnp::word> flat = capnp::messageToFlatArray(builder);
    const auto bytes = flat.asBytes();
    if (!peer.send({bytes.begin(), bytes.size()})) break;
  }
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections_closed_total == 1; }));
  EXPECT_NE(world.log().find("unread answer"), std::string::npos) << world.log();
  world.expect_alive();
}

TEST_F(Abuse, TooManyMessagesWithoutALogin) {
  RpcWorld world;
  RawClient raw(world);
  std::string failure;
  for (int i = 0; i < 10'000 && failure.empty(); ++i) failure = raw.failure(raw.connection.tabd.statusesRequest());
  EXPECT_NE(failure, "");
  EXPECT_NE(world.log().find("too many messages without a login"), std::string::npos) << world.log();
  world.expect_alive();
}

TEST_F(Abuse, AThousandConnections) {
  RpcWorld world;
  std::vector<RawSocket> peers;
  for (int i = 0; i < 1000; ++i) peers.emplace_back(world.socket_path);
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 1000; }));
  world.expect_alive();
  for (RawSocket& peer : peers) peer.send(segment_table(0, {4}));  // each with half a message
  world.expect_alive();
  peers.clear();
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 0; }));
}

TEST_F(Abuse, OneConnectionTooMany) {
  RpcServerOptions options;
  options.connections_max = 8;
  RpcWorld world(std::move(options));
  std::vector<RawSocket> peers;
  for (int i = 0; i < 8; ++i) peers.emplace_back(world.socket_path);
  ASSERT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 8; }));
  RawSocket late(world.socket_path);
  EXPECT_TRUE(late.wait_for_close(kLongMs));
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections_refused_total == 1; }));
  EXPECT_NE(world.log().find("a connection was refused: 8 are open"), std::string::npos);
  peers.pop_back();
  ASSERT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 7; }));
  world.expect_alive();
}

TEST_F(Abuse, ReadsWithoutEndAreRefusedNotQueued) {
  RpcWorld world;
  RawClient raw(world);
  auto session = raw.auditor_session(world);
  world.hooks->slow = true;
  std::vector<kj::Promise<bool>> calls;
  for (std::size_t i = 0; i < base::limits::kRpcReadQueueMax + 200; ++i) {
    calls.push_back(session.statusRequest().send().then(
        [](auto&&) { return true; },
        [](kj::Exception&& exception) { return exception.getType() != kj::Exception::Type::OVERLOADED; }));
  }
  const auto refused = [&] { return world.server->counters().overloaded_total; };
  for (int i = 0; i < 1000 && refused() < 100; ++i) raw.sleep(10);
  world.hooks->slow = false;
  // Submitting does not pass through the worker.
  std::size_t overloaded = 0;
  for (kj::Promise<bool>& call : calls) {
    if (!call.wait(raw.loop->io.waitScope)) ++overloaded;
  }
  EXPECT_GE(overloaded, 100u);
  EXPECT_EQ(world.server->counters().overloaded_total, overloaded);
  world.expect_alive();
}

}  // namespace
}  // namespace rpc
