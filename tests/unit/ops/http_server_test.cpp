#include "ops/http_server.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class HttpServer : public testing::Test {
 protected:
  void start(std::uint32_t connections_max = 8, std::uint64_t timeout_ms = 10'000) {
    ops::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.connections_max = connections_max;
    options.request_timeout_ms = timeout_ms;
    options.background_prefix = "/slow";
    auto server = ops::HttpServer::start(options, [this](const ops::HttpRequest& request) -> ops::HttpAnswer {
      if (request.path == "/hello") return {200, "text/plain", "hello"};
      if (request.path == "/slow/gate") gate_.get_future().wait();
      if (request.path.starts_with("/slow"))
        return {200,
                "text/plain",
                std::string(request.query) + "|" + std::string(request.host) + "|" + std::string(request.fetch_site),
                {{"X-More", "yes"}}};
      return {404, "text/plain", "nothing here"};
    });
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
  }

  tcp::socket connect() {
    tcp::socket socket(context_);
    socket.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), server_->endpoint().port));
    return socket;
  }

  static std::string read_all(tcp::socket& socket) {
    std::string text;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(text), end);
    return text;
  }

  // Sends the bytes and reads until the server closes.
  std::string exchange(const std::string& request) {
    tcp::socket socket = connect();
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(request), ignored);
    return read_all(socket);
  }

  asio::io_context context_;
  std::promise<void> gate_;  // the path /slow/gate waits for it
  std::unique_ptr<ops::HttpServer> server_;
};

TEST_F(HttpServer, AnswersByPathWithoutItsQuery) {
  start();
  const std::string answer = exchange("GET /hello?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << answer;
  EXPECT_NE(answer.find("\r\n\r\nhello"), std::string::npos) << answer;
  const std::string missing = exchange("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(missing.rfind("HTTP/1.1 404 Not Found\r\n", 0), 0u) << missing;
}

TEST_F(HttpServer, HeadHasTheLengthAndNoBody) {
  start();
  const std::string answer = exchange("HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 5"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("hello"), std::string::npos) << answer;
}

TEST_F(HttpServer, KeepsTheConnectionForSeveralRequests) {
  start();
  const std::string one = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string last = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::string answer = exchange(one + one + last);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answer.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3u) << answer;
}

TEST_F(HttpServer, RefusesOtherMethods) {
  start();
  const std::string answer =
      exchange("POST /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(answer.rfind("HTTP/1.1 405", 0), 0u) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD"), std::string::npos) << answer;
}

TEST_F(HttpServer, RefusesHugeHeadersAndBodies) {
  start();
  const std::string header = exchange("GET /hello HTTP/1.1\r\nHost: " + std::string(20'000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(header.empty() || header.rfind("HTTP/1.1 431", 0) == 0) << header.substr(0, 100);  // empty: reset
  const std::string body = exchange("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(body.rfind("HTTP/1.1 431", 0), 0u) << body;
}

TEST_F(HttpServer, SaysThatNonsenseIsNoneAndCloses) {
  start();
  for (const char* nonsense : {"\x16\x03\x01 nonsense\r\n\r\n", "GET /hello\r\n\r\n", "GET /hello HTTP/3.7\r\n\r\n"}) {
    const std::string answer = exchange(nonsense);
    EXPECT_EQ(answer.rfind("HTTP/1.1 400", 0), 0u) << answer;
    EXPECT_NE(answer.find("This is not an HTTP request."), std::string::npos) << answer;
  }
  EXPECT_NE(exchange("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").find("hello"), std::string::npos);
}

TEST_F(HttpServer, ClosesWhenTheRequestDoesNotCome) {
  start(8, 100);
  tcp::socket socket = connect();
  asio::write(socket, asio::buffer(std::string("GET /hello HT")));
  EXPECT_EQ(read_all(socket), "");
}

TEST_F(HttpServer, ClosesConnectionsBeyondTheCap) {
  start(1);
  tcp::socket first = connect();
  asio::write(first, asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")));
  std::string begin(8, '\0');
  asio::read(first, asio::buffer(begin));  // the first connection is certainly counted now
  tcp::socket second = connect();
  EXPECT_EQ(read_all(second), "");
  first.close();
}

TEST_F(HttpServer, ProbesDoNotWaitForBackgroundPaths) {
  start();
  tcp::socket slow = connect();
  asio::write(slow, asio::buffer(std::string("GET /slow/gate?x=1 HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: none\r\n"
                                             "Connection: close\r\n\r\n")));
  for (int i = 0; i < 3; ++i) {
    const std::string answer = exchange("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("hello"), std::string::npos) << answer;
  }
  gate_.set_value();
  const std::string answer = read_all(slow);
  EXPECT_NE(answer.find("x=1|a|none"), std::string::npos) << answer;
  EXPECT_NE(answer.find("X-More: yes"), std::string::npos) << answer;
}

TEST_F(HttpServer, BackgroundPathsKnowMethodsAndHead) {
  start();
  const std::string head = exchange("HEAD /slow HTTP/1.1\r\nHost: abc\r\nConnection: close\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5"), std::string::npos) << head;
  EXPECT_EQ(head.find("|abc|"), std::string::npos) << head;
  const std::string post = exchange("POST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(post.rfind("HTTP/1.1 405", 0), 0u) << post;
}

TEST_F(HttpServer, BackgroundConnectionsEndWhenItGetsCrowded) {
  start(4);
  const auto count_answers = [](const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const std::string one = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string last = "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(count_answers(exchange(one + last)), 2u);
  std::vector<tcp::socket> probes;
  for (int i = 0; i < 2; ++i) {
    probes.push_back(connect());
    asio::write(probes.back(), asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")));
    std::string begin(8, '\0');
    asio::read(probes.back(), asio::buffer(begin));  // certainly counted now
  }
  const std::string answer = exchange(one + last);
  EXPECT_EQ(count_answers(answer), 1u) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
}

TEST_F(HttpServer, StopsWhileABackgroundAnswerIsDue) {
  start();
  tcp::socket slow = connect();
  asio::write(slow, asio::buffer(std::string("GET /slow/gate HTTP/1.1\r\nHost: a\r\n\r\n")));
  tcp::socket behind = connect();
  asio::write(behind, asio::buffer(std::string("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")));
  EXPECT_NE(exchange("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").find("hello"), std::string::npos);
  gate_.set_value();
  server_->stop();
  server_.reset();
}

TEST_F(HttpServer, SaysWhichAddressIsTaken) {
  start();
  ops::HttpServerOptions options;
  options.listen = server_->endpoint();
  const auto second = ops::HttpServer::start(options, [](const ops::HttpRequest&) { return ops::HttpAnswer{}; });
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(ops::to_string(options.listen)), std::string::npos) << second.error().message;
}

TEST_F(HttpServer, StopsWithConnectionsOpen) {
  start();
  tcp::socket socket = connect();
  server_->stop();
  server_->stop();
}

}  // namespace
