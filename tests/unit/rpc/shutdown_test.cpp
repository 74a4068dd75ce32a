#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/rpc/raw_client.h"
#include "tests/unit/rpc/raw_socket.h"

namespace rpc {
namespace {

TEST(RpcShutdown, CallsInFlightAreAnswered) {
  RpcWorld world;
  auto session = world.server_session();
  world.ingest->set(SwitchedIngest::Mode::hold);
  std::vector<Status> answers;
  for (int i = 0; i < 3; ++i) {
    session.submit_async(world.batch(world.charges(2)), [&](tabd::Result<BatchAnswer> answer) {
      ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
      answers.push_back(answer->items.at(1).status);
    });
  }
  while (world.ingest->held() < 3) tabd::Client::run_for(1000);
  std::thread stopper([&] { world.server->stop(); });
  std::thread door([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    world.ingest->set(SwitchedIngest::Mode::pass);
  });
  while (session.in_flight() > 0) tabd::Client::run_for(100'000);
  stopper.join();
  door.join();
  EXPECT_EQ(answers, std::vector<Status>(3, Status::ok));
  EXPECT_EQ(session.submit(world.batch(world.charges(1))).error().code, base::ErrorCode::unavailable);
  EXPECT_FALSE(std::filesystem::exists(world.socket_path));
}

TEST(RpcShutdown, TheGraceEnds) {
  RpcServerOptions options;
  options.shutdown_grace_ms = 50;
  RpcWorld world(std::move(options));
  auto session = world.server_session();
  world.ingest->set(SwitchedIngest::Mode::hold);
  bool failed = false;
  session.submit_async(world.batch(world.charges(1)),
                       [&](tabd::Result<BatchAnswer> answer) { failed = !answer.has_value(); });
  while (world.ingest->held() < 1) tabd::Client::run_for(1000);
  world.server->stop();
  while (session.in_flight() > 0) tabd::Client::run_for(100'000);
  EXPECT_TRUE(failed);
  // The answer comes when nobody is left to hear it: it must find nothing broken.
  world.ingest->set(SwitchedIngest::Mode::pass);
  world.server->stop();
}

TEST(RpcShutdown, NewWorkIsRefusedMeanwhile) {
  RpcWorld world;
  auto session = world.server_session();
  world.ingest->set(SwitchedIngest::Mode::hold);
  session.submit_async(world.batch(world.charges(1)), [](tabd::Result<BatchAnswer>) {});
  while (world.ingest->held() < 1) tabd::Client::run_for(1000);
  std::thread stopper([&] { world.server->stop(); });
  Status status = Status::ok;
  while (status == Status::ok) {
    bool answered = false;
    session.submit_async(world.batch(world.charges(1)), [&](tabd::Result<BatchAnswer> answer) {
      answered = true;
      if (answer) status = answer->status;
    });
    tabd::Client::run_for(20'000);
    if (!answered) continue;  // it was still taken, and is held
  }
  EXPECT_EQ(status, Status::shutting_down);
  EXPECT_FALSE(tabd::Client::connect(tabd::Endpoint::unix_socket(world.socket_path)).has_value());
  world.ingest->set(SwitchedIngest::Mode::pass);
  while (session.in_flight() > 0) tabd::Client::run_for(100'000);
  stopper.join();
}

TEST(RpcShutdown, SubscribersAndFollowersAreTold) {
  RpcWorld world;
  auto session = world.auditor_session();
  std::string dropped;
  std::string ended;
  const auto subscription = session.subscribe({}, {{}, [&](const std::string& reason) { dropped = reason; }});
  const auto following = session.follow({}, {{}, [&](const std::string& reason) { ended = reason; }});
  ASSERT_TRUE(subscription.has_value() && following.has_value());
  for (int i = 0; i < 5; ++i) tabd::Client::run_for(20'000);
  std::thread stopper([&] { world.server->stop(); });
  for (int i = 0; i < 500 && (dropped.empty() || ended.empty()); ++i) tabd::Client::run_for(10'000);
  stopper.join();
  EXPECT_EQ(dropped, "the daemon is stopping");
  EXPECT_NE(ended.find("stopping"), std::string::npos) << ended;
  EXPECT_FALSE(subscription->active());
  EXPECT_FALSE(following->active());
}

TEST(RpcStart, TheSocketBelongsToOne) {
  RpcWorld world;
  RpcServerOptions options;
  options.unix_path = world.socket_path;
  RpcServer second(std::move(options));
  const auto started =
      second.start({*world.ingest, world.store->service(), world.store->reader(), world.clock, *world.hooks});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, base::ErrorCode::io);
  EXPECT_NE(started.error().message.find("another process listens"), std::string::npos) << started.error().message;
  second.stop();
  world.expect_alive();
}

TEST(RpcStart, AStaleSocketIsReplacedAndAFileIsNot) {
  RpcWorld world;
  const std::string path = world.directory / "other.sock";
  const auto start = [&](RpcServer& server) {
    return server.start({*world.ingest, world.store->service(), world.store->reader(), world.clock, *world.hooks});
  };
  RpcServerOptions options;
  options.unix_path = path;
  {
    // A process that died leaves its socket behind.
    RpcServer first(options);
    ASSERT_TRUE(start(first).has_value());
    std::filesystem::create_hard_link(path, path + ".kept");
    first.stop();
    std::filesystem::rename(path + ".kept", path);
  }
  RpcServer second(options);
  const auto replaced = start(second);
  ASSERT_TRUE(replaced.has_value()) << replaced.error().to_string();
  EXPECT_TRUE(tabd::Client::connect(tabd::Endpoint::unix_socket(path)).has_value());
  second.stop();
  std::ofstream(path) << "precious";
  RpcServer third(options);
  const auto refused = start(third);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("not a socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(RpcStart, WhatCannotBeUsedIsNamed) {
  RpcWorld world;
  const auto start = [&](RpcServerOptions options) {
    RpcServer server(std::move(options));
    return server.start({*world.ingest, world.store->service(), world.store->reader(), world.clock, *world.hooks});
  };
  const auto nothing = start({});
  ASSERT_FALSE(nothing.has_value());
  EXPECT_EQ(nothing.error().code, base::ErrorCode::invalid_argument);
  RpcServerOptions long_path;
  long_path.unix_path = "/" + std::string(200, 'x');
  EXPECT_NE(start(long_path).error().message.find("too long"), std::string::npos);
  RpcServerOptions nowhere;
  nowhere.unix_path = world.directory / "missing/tabd.sock";
  EXPECT_EQ(start(nowhere).error().code, base::ErrorCode::io);
  RpcServerOptions no_certificate;
  no_certificate.tcp_host = "127.0.0.1";
  EXPECT_NE(start(no_certificate).error().message.find("TLS certificate"), std::string::npos);
}

TEST(RpcClient, NobodyThere) {
  const auto client = tabd::Client::connect(tabd::Endpoint::unix_socket("/nonexistent/tabd.sock"));
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, base::ErrorCode::unavailable);
  EXPECT_NE(client.error().message.find("unix:/nonexistent/tabd.sock"), std::string::npos);
}

TEST(RpcClient, Addresses) {
  EXPECT_EQ(tabd::Endpoint::parse("unix:/run/t.sock")->unix_path, "/run/t.sock");
  EXPECT_EQ(tabd::Endpoint::parse("/run/t.sock")->unix_path, "/run/t.sock");
  EXPECT_EQ(tabd::Endpoint::parse("tabd.example:7402")->host, "tabd.example");
  EXPECT_EQ(tabd::Endpoint::parse("tabd.example:7402")->port, 7402);
  for (const char* wrong : {"", "unix:", "host", "host:", "host:0", "host:65536", "host:12x", ":12"})
    EXPECT_FALSE(tabd::Endpoint::parse(wrong).has_value()) << wrong;
}

TEST(RpcClient, ACallThatTakesTooLong) {
  RpcWorld world;
  tabd::Endpoint endpoint = tabd::Endpoint::unix_socket(world.socket_path);
  endpoint.call_timeout_ms = 300;
  auto client = tabd::Client::connect(endpoint);
  ASSERT_TRUE(client.has_value());
  auto session = (*client)->login_server(world.actors.key(support::Role::server, 0));
  ASSERT_TRUE(session.has_value());
  world.ingest->set(SwitchedIngest::Mode::hold);
  const auto answer = session->submit(world.batch(world.charges(1)));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, base::ErrorCode::timeout);
}

}  // namespace
}  // namespace rpc
