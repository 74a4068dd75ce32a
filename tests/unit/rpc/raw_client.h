#pragma once

// The generated capabilities without the client library's methods around them: for what it would never send.

#include <memory>
#include <utility>

#include "clients/cpp/internal.h"
#include "tests/unit/rpc/rpc_world.h"

namespace rpc {

struct RawClient {
  explicit RawClient(const RpcWorld& world);

  std::pair<core::Hash, schema::Login::Client> authenticate(Role role, const core::Address& key);
  Status login(schema::Login::Client login, base::ByteView signature);
  schema::ServerSession::Client server_session(const RpcWorld& world, std::uint64_t index = 0);
  schema::AuditorSession::Client auditor_session(const RpcWorld& world);
  void sleep(std::uint64_t ms);

  template <typename T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(loop->io.waitScope);
  }
  // The exception's text, or "" if the call succeeded.
  template <typename Request>
  std::string failure(Request&& request) {
    try {
      request.send().wait(loop->io.waitScope);
    } catch (const kj::Exception& exception) {
      return exception.getDescription().cStr();
    }
    return {};
  }

  std::shared_ptr<tabd::detail::Loop> loop;
  tabd::detail::Connection connection;
};

}  // namespace rpc
