#include "tests/unit/rpc/raw_client.h"

#include <gtest/gtest.h>

namespace rpc {
namespace {

kj::Own<kj::AsyncIoStream> open_socket(tabd::detail::Loop& loop, const std::string& path) {
  auto address = loop.io.provider->getNetwork().parseAddress(("unix:" + path).c_str()).wait(loop.io.waitScope);
  return address->connect().wait(loop.io.waitScope);
}

}  // namespace

RawClient::RawClient(const RpcWorld& world)
    : loop(tabd::detail::Loop::of_this_thread()),
      connection(loop, tabd::Endpoint::unix_socket(world.socket_path), kj::Own<kj::TlsContext>(),
                 open_socket(*loop, world.socket_path)) {}

std::pair<core::Hash, schema::Login::Client> RawClient::authenticate(Role role, const core::Address& key) {
  auto request = connection.tabd.authenticateRequest();
  request.setRole(static_cast<schema::Role>(role));
  request.setKey(data(key));
  auto response = request.send().wait(loop->io.waitScope);
  core::Hash challenge;
  EXPECT_TRUE(decode_fixed(response.getChallenge(), challenge));
  return {challenge, response.getLogin()};
}

Status RawClient::login(schema::Login::Client login, base::ByteView signature) {
  auto request = login.loginRequest();
  request.setSignature(data(signature));
  auto response = request.send().wait(loop->io.waitScope);
  const Status status = decode_status(response.getStatus());
  EXPECT_EQ(status == Status::ok, response.getSession().which() != schema::Session::NONE);
  return status;
}

schema::ServerSession::Client RawClient::server_session(const RpcWorld& world, std::uint64_t index) {
  const crypto::SecretKey& key = world.actors.key(support::Role::server, index);
  auto [challenge, login] = authenticate(Role::server, key.address());
  auto request = login.loginRequest();
  request.setSignature(data(commitments::tab::sign_login(key, world.actors.domain(), "server", challenge)));
  return request.send().wait(loop->io.waitScope).getSession().getServer();
}

schema::AuditorSession::Client RawClient::auditor_session(const RpcWorld& world) {
  auto [challenge, login] = authenticate(Role::auditor, world.auditor_key.address());
  auto request = login.loginRequest();
  request.setSignature(
      data(commitments::tab::sign_login(world.auditor_key, world.actors.domain(), "auditor", challenge)));
  return request.send().wait(loop->io.waitScope).getSession().getAuditor();
}

void RawClient::sleep(std::uint64_t ms) {
  loop->io.provider->getTimer().afterDelay(ms * kj::MILLISECONDS).wait(loop->io.waitScope);
}

}  // namespace rpc
