#pragma once

// One connection: reads requests, hands them to its host, writes the answers in the order of the requests. Knows
// HTTP/1.1 and no route.

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http/verb.hpp>

#include "base/clock.h"
#include "rpc/http/counters.h"
#include "rpc/http/head.h"
#include "rpc/http/message.h"
#include "rpc/http/server.h"

namespace rpc::http {

class Connection;

// What a connection remembers of the key that was shown on it, so that the same header is not hashed again.
struct KnownKey {
  std::string header;  // of Authorization; empty: none yet
  std::uint32_t api_key = 0;
  std::uint64_t generation = 0;  // of the API keys when it was looked up
};

// The server, as a connection sees it. All calls are on the server's thread.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const ServerOptions& options() const = 0;
  virtual const base::Clock& clock() const = 0;
  virtual Counters& counters() = 0;
  virtual bool stopping() const = 0;
  // After the head, before the body is read: fills `request` (route, API key) or says why not.
  virtual std::optional<Response> admit(const RequestHead& head, KnownKey& known, Request& request) = 0;
  // A whole request. `respond` may be called at once or later.
  virtual void handle(Request request, Respond respond) = 0;
  // What has been read from the connection for now has been given to handle().
  virtual void flush_soon() = 0;
  virtual void gone(Connection& connection) = 0;
};

// Lives as long as an operation of its socket or an answer is pending.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // Looks at the deadlines; called now and then.
  virtual void tick(std::uint64_t now_ns) = 0;
  // Ends it when everything that was asked is answered.
  virtual void drain() = 0;
  // Ends it now.
  virtual void abort() = 0;
};

// `host` must outlive the connection. `tls` null: plain.
std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls,
                                            ConnectionHost& host);

}  // namespace rpc::http
