#pragma once

// A small HTTP client over a plain socket, for what a correct client library would not send. Every wait is bounded.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rpc::http {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);  // CHECKs that it connects
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // What the server does not take is dropped.
  void send(std::string_view bytes);
  void shut_down_sending();
  // One whole answer; empty if the server closes or says nothing for 20 s.
  std::optional<HttpAnswer> receive(bool head_only = false);
  // True if the server closes within the limit; what it still says is dropped.
  bool closed_within(int limit_ms);

  std::optional<HttpAnswer> post(std::string_view path, std::string_view body, std::string_view api_key);
  std::optional<HttpAnswer> get(std::string_view path, std::string_view api_key = {});

 private:
  bool fill(int limit_ms);
  int fd_ = -1;
  std::string in_;
};

std::string post_text(std::string_view path, std::string_view body, std::string_view api_key);

}  // namespace rpc::http
