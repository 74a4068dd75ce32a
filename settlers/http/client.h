#pragma once

// An HTTP/1.1 client for one server, over TCP or TLS: a few kept-alive connections, each with one request at a time; a
// deadline for every request; answers of bounded size. With https:// the certificate is verified (RFC 9110, 4.3.4), TLS
// 1.2 or newer. Requests that find no free connection wait in their order.
//
// Everything runs on the io_context's thread; completions come from it, never from within the starting call.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "settlers/http/url.h"

namespace settlers::http {

struct Field {
  std::string name;
  std::string value;
};

enum class Method : std::uint8_t { get, post };

struct Request {
  Method method = Method::get;
  std::string target = "/";   // origin form: path and query
  std::vector<Field> fields;  // beside Host, User-Agent and Content-Length
  std::string body;
  // The server does the same thing once, however often it gets this request. A kept connection that the server had
  // closed in the meantime is then replaced without a word, once.
  bool repeatable = false;
};

struct Response {
  unsigned status = 0;
  std::vector<Field> fields;
  std::string body;
  // The value of the first field of this name, in any case of letters; empty if there is none.
  std::string_view field(std::string_view name) const noexcept;
};

struct Failure {
  std::string message;  // names the server
  bool sent = false;    // bytes of the request may have reached the server: it may or may not have done what was asked
};
using Result = tl::expected<Response, Failure>;
using Done = std::function<void(Result)>;

struct ClientOptions {
  Url url;                            // its target is not used
  std::uint64_t timeout_ms = 10'000;  // from the moment a connection is free to the last byte of the answer
  std::size_t connections_max = 4;
  std::size_t queue_max = 1024;  // requests that wait for a connection; beyond it a request fails at once
  std::size_t answer_bytes_max = 8 * 1024 * 1024;
  std::string ca_file;  // PEM; empty: the system's certificate authorities
};

class Client {
 public:
  // `io` must outlive this.
  Client(boost::asio::io_context& io, ClientOptions options);
  ~Client();  // drops what is under way: completions are not called
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // An Error if TLS cannot be used (ca_file cannot be read); every request would fail with it.
  base::Result<void> check() const;
  void send(Request request, Done done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace settlers::http
