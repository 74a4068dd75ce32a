#pragma once

// The operations port: a small HTTP/1.1 server for scrapers and probes (GET and HEAD only). It has deadlines, bounds
// for headers and bodies, and a cap on connections; it is not meant for the public internet.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ops/config.h"

namespace ops {

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Gets the path without its query. Called on the server's thread; must not block for long nor throw. An unknown path is
// answered 404 by returning status 404.
using HttpHandler = std::function<HttpAnswer(std::string_view path)>;

struct HttpServerOptions {
  Endpoint listen;
  std::uint32_t connections_max = 64;         // further connections are closed at once
  std::uint64_t request_timeout_ms = 10'000;  // from the first byte awaited to the last byte of the answer
};

// One thread of its own. Stops when destroyed.
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
