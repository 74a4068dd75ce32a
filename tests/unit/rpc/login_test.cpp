#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

namespace wire = schema;

TEST(RpcLogin, InfoNeedsNoLogin) {
  RpcWorld world;
  const auto client = world.connect();
  EXPECT_EQ(client->info().network, support::kNetwork);
  EXPECT_EQ(client->info().operator_key, world.operator_key.address());
  EXPECT_EQ(client->info().version, "1.2.3");
  EXPECT_EQ(client->info().now, world.clock.now());
  ASSERT_EQ(client->info().assets.size(), 1u);
  EXPECT_EQ(client->info().assets[0].text, support::kUsdcText);
  EXPECT_EQ(client->find_asset("USDC")->id, kUsdc);
  EXPECT_EQ(client->find_asset("EUR").error().code, base::ErrorCode::not_found);
}

TEST(RpcLogin, EachRoleWithItsKey) {
  RpcWorld world;
  EXPECT_TRUE(world.connect()->login_server(world.actors.key(support::Role::server, 0)).has_value());
  EXPECT_TRUE(world.connect()->login_payer(world.actors.key(support::Role::payer, 0)).has_value());
  EXPECT_TRUE(world.connect()->login_operator(world.operator_key).has_value());
  EXPECT_TRUE(world.connect()->login_auditor(world.auditor_key).has_value());
  EXPECT_EQ(world.server->counters().logins_total, 4u);
}

TEST(RpcLogin, AKeyHasOnlyItsRole) {
  RpcWorld world;
  const auto client = world.connect();
  const auto refused = [](const auto& session, const char* status) {
    ASSERT_FALSE(session.has_value());
    EXPECT_EQ(session.error().code, base::ErrorCode::permission);
    EXPECT_NE(session.error().message.find(status), std::string::npos) << session.error().message;
  };
  refused(client->login_operator(world.auditor_key), "not_permitted");
  refused(client->login_auditor(world.operator_key), "not_permitted");
  refused(client->login_operator(world.actors.key(support::Role::server, 0)), "not_permitted");
  refused(client->login_server(world.operator_key), "server_unknown");
  refused(client->login_payer(world.actors.key(support::Role::payer, 9)), "payer_unknown");
  EXPECT_EQ(world.server->counters().login_failures_total, 5u);
}

TEST(RpcLogin, ASuspendedServerStaysOut) {
  RpcWorld world;
  world.must(core::SetServer{world.actors.server(0), "server 0", {world.actors.payee(0)}, /*active=*/false});
  const auto session = world.connect()->login_server(world.actors.key(support::Role::server, 0));
  ASSERT_FALSE(session.has_value());
  EXPECT_NE(session.error().message.find("server_suspended"), std::string::npos);
}

TEST(RpcLogin, TheSignatureBindsRoleKeyAndChallenge) {
  RpcWorld world;
  RawClient raw(world);
  const crypto::SecretKey& payer = world.actors.key(support::Role::payer, 0);
  const auto& domain = world.actors.domain();
  const auto sign = [&](const crypto::SecretKey& key, std::string_view role, const core::Hash& challenge) {
    return commitments::tab::sign_login(key, domain, role, challenge);
  };
  {
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    EXPECT_EQ(raw.login(login, sign(payer, "operator", challenge).view()), Status::signature_wrong);
  }
  {
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    EXPECT_EQ(raw.login(login, sign(world.operator_key, "payer", challenge).view()), Status::signature_wrong);
  }
  {
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    EXPECT_EQ(raw.login(login, sign(payer, "payer", support::test_hash(1)).view()), Status::signature_wrong);
  }
  {
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    const commitments::tab::Domain other("other:tab");
    EXPECT_EQ(raw.login(login, commitments::tab::sign_login(payer, other, "payer", challenge).view()),
              Status::signature_wrong);
  }
  {
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    const core::Signature good = sign(payer, "payer", challenge);
    EXPECT_EQ(raw.login(login, good.view().first(64)), Status::signature_length);
    EXPECT_EQ(raw.login(login, good.view()), Status::not_permitted) << "the challenge is for one use, failed or not";
  }
}

TEST(RpcLogin, AChallengeIsForOneUseAndNeverTheSame) {
  RpcWorld world;
  RawClient raw(world);
  const crypto::SecretKey& payer = world.actors.key(support::Role::payer, 0);
  auto [first, login] = raw.authenticate(Role::payer, payer.address());
  auto [second, other] = raw.authenticate(Role::payer, payer.address());
  EXPECT_NE(first, second);
  const core::Signature signature = commitments::tab::sign_login(payer, world.actors.domain(), "payer", first);
  EXPECT_EQ(raw.login(login, signature.view()), Status::ok);
  EXPECT_EQ(raw.login(login, signature.view()), Status::not_permitted);
  EXPECT_EQ(raw.login(other, signature.view()), Status::signature_wrong) << "another challenge's signature";
}

TEST(RpcLogin, AChallengeExpires) {
  RpcServerOptions options;
  options.login_ms = 50;
  RpcWorld world(std::move(options));
  RawClient raw(world);
  const crypto::SecretKey& payer = world.actors.key(support::Role::payer, 0);
  {  // a first login, so that the connection itself may stay
    auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
    ASSERT_EQ(raw.login(login, commitments::tab::sign_login(payer, world.actors.domain(), "payer", challenge).view()),
              Status::ok);
  }
  auto [challenge, login] = raw.authenticate(Role::payer, payer.address());
  raw.sleep(100);
  EXPECT_EQ(raw.login(login, commitments::tab::sign_login(payer, world.actors.domain(), "payer", challenge).view()),
            Status::not_permitted);
}

TEST(RpcLogin, MalformedQuestionsAreNamed) {
  RpcWorld world;
  RawClient raw(world);
  auto request = raw.connection.tabd.authenticateRequest();
  request.setKey(data(base::ByteView(support::test_hash(1).bytes).first(19)));
  const std::string text = raw.failure(request);
  EXPECT_NE(text.find("an address has 20 bytes, not 19"), std::string::npos) << text;
  auto unknown = raw.connection.tabd.authenticateRequest();
  unknown.setRole(static_cast<wire::Role>(77));
  unknown.setKey(data(world.actors.payer(0)));
  EXPECT_NE(raw.failure(unknown), "");
  EXPECT_TRUE(world.connect()->login_payer(world.actors.key(support::Role::payer, 0)).has_value());
}

TEST(RpcLogin, TooManyFailuresEndTheConnection) {
  RpcWorld world;
  const auto client = world.connect();
  for (std::uint32_t i = 0; i < base::limits::kRpcLoginFailuresMax; ++i)
    ASSERT_EQ(client->login_operator(world.auditor_key).error().code, base::ErrorCode::permission) << i;
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections_closed_total == 1; }));
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 0; }));
  EXPECT_EQ(client->login_operator(world.operator_key).error().code, base::ErrorCode::unavailable);
  EXPECT_NE(world.log().find("too many failed logins"), std::string::npos);
  world.expect_alive();
}

TEST(RpcLogin, LoginsUnderWayAreBounded) {
  RpcWorld world;
  RawClient raw(world);
  std::vector<wire::Login::Client> logins;
  EXPECT_ANY_THROW({
    for (int i = 0; i < 1000; ++i) logins.push_back(raw.authenticate(Role::payer, world.actors.payer(0)).second);
  });
  EXPECT_LT(logins.size(), 100u);
  logins.clear();
  EXPECT_NO_THROW(raw.authenticate(Role::payer, world.actors.payer(0)));
}

TEST(RpcLogin, TheSocketIsForItsOwnerAlone) {
  RpcWorld world;
  struct stat info {};
  ASSERT_EQ(::stat(world.socket_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace rpc
