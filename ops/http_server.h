#pragma once

// The operations port: a small HTTP/1.1 server for scrapers and probes (GET and HEAD only). It has deadlines, bounds
// for headers and bodies, and a cap on connections; it is not meant for the public internet.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ops/config.h"

namespace ops {

// Views into the request; valid during the call.
struct HttpRequest {
  std::string_view path;        // without the query
  std::string_view query;       // after the "?"; empty if there is none
  std::string_view host;        // the header Host
  std::string_view fetch_site;  // the header Sec-Fetch-Site, which browsers set and pages cannot
};

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

// Must not throw. An unknown path is answered 404 by returning status 404.
using HttpHandler = std::function<HttpAnswer(const HttpRequest&)>;

struct HttpServerOptions {
  Endpoint listen;
  std::uint32_t connections_max = 64;         // further connections are closed at once
  std::uint64_t request_timeout_ms = 10'000;  // from the first byte awaited to the last byte of the answer
  // Paths that begin so are answered on a second thread, which may read from disk: other requests never wait for them.
  // While more than half of the connections are taken, such an answer also ends its connection, so that watchers
  // cannot keep probes out. Empty: there are none.
  std::string background_prefix = {};
};

// One thread of its own, and one for the background paths. The handler is called on the first for every other path and
// must not block there. Stops when destroyed.
class HttpServer {
 public:
  // io if the address cannot be bound; the message names it.
  static base::Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  Endpoint endpoint() const;  // as bound: the port is known even if 0 was asked for
  void stop();                // idempotent

  class Impl;

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ops
