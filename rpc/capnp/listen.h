#pragma once

// Opening the doors: the unix socket and the TLS port. KJ thread only.

#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "rpc/capnp/server.h"

namespace rpc {

// Binds with mode 0600. A socket file that nobody listens on is replaced; one that is alive is an io error.
base::Result<kj::Own<kj::ConnectionReceiver>> listen_unix(kj::LowLevelAsyncIoProvider& io, const std::string& path);

struct TlsListener {
  kj::Own<kj::ConnectionReceiver> receiver;  // plain TCP: the handshake is made for each connection on its own
  kj::Own<kj::TlsContext> tls;
};
// invalid_argument names the file that cannot be used, io the address that cannot be bound.
base::Result<TlsListener> listen_tls(kj::AsyncIoProvider& io, kj::WaitScope& wait, const RpcServerOptions& options);

}  // namespace rpc
