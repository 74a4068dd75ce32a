#include "tests/unit/rpc_http/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace rpc::http {

HttpClient::HttpClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

HttpClient::~HttpClient() { ::close(fd_); }

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpClient::shut_down_sending() { ::shutdown(fd_, SHUT_WR); }

bool HttpClient::fill(int limit_ms) {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, limit_ms) <= 0) return false;
  std::array<char, 16384> buffer;
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<HttpAnswer> HttpClient::receive(bool head_only) {
  std::size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos)
    if (!fill(20'000)) return std::nullopt;
  HttpAnswer answer;
  answer.status = std::atoi(in_.c_str() + 9);
  std::size_t at = in_.find("\r\n") + 2;
  while (at < end + 2) {
    const std::size_t stop = in_.find("\r\n", at);
    const std::string line = in_.substr(at, stop - at);
    const std::size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (colon != std::string::npos) answer.headers[name] = line.substr(colon + 2);
    at = stop + 2;
  }
  in_.erase(0, end + 4);
  if (head_only || answer.status == 100) return answer;
  const auto length = static_cast<std::size_t>(std::atoll(answer.headers["content-length"].c_str()));
  while (in_.size() < length)
    if (!fill(20'000)) return std::nullopt;
  answer.body = in_.substr(0, length);
  in_.erase(0, length);
  return answer;
}

bool HttpClient::closed_within(int limit_ms) {
  std::array<char, 4096> buffer;
  for (;;) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, limit_ms) <= 0) return false;
    if (::recv(fd_, buffer.data(), buffer.size(), 0) <= 0) return true;
  }
}

std::string post_text(std::string_view path, std::string_view body, std::string_view api_key) {
  std::string text = "POST " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n";
  if (!api_key.empty()) text += "Authorization: Bearer " + std::string(api_key) + "\r\n";
  return text + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

std::optional<HttpAnswer> HttpClient::post(std::string_view path, std::string_view body, std::string_view api_key) {
  send(post_text(path, body, api_key));
  return receive();
}

std::optional<HttpAnswer> HttpClient::get(std::string_view path, std::string_view api_key) {
  std::string text = "GET " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n";
  if (!api_key.empty()) text += "Authorization: Bearer " + std::string(api_key) + "\r\n";
  send(text + "\r\n");
  return receive();
}

}  // namespace rpc::http
