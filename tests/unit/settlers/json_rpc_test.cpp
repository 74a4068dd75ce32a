#include "settlers/stablecoin/json_rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <deque>

namespace settlers::stablecoin {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using Tcp = asio::ip::tcp;

// Answers each request with the next script: bytes to write, then whether to close the connection.
struct Answer {
  std::string bytes;
  bool close = false;
};

class Server {
 public:
  explicit Server(asio::io_context& io) : acceptor_(io, Tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    accept();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/rpc"; }
  std::deque<Answer> answers;
  std::vector<std::string> requests;
  int connections = 0;

 private:
  struct Session {
    explicit Session(Tcp::socket s) : socket(std::move(s)) {}
    Tcp::socket socket;
    asio::streambuf buffer;
    std::string out;
  };
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code failed, Tcp::socket socket) {
      if (failed) return;
      ++connections;
      read(std::make_shared<Session>(std::move(socket)));
      accept();
    });
  }
  void read(const std::shared_ptr<Session>& session) {
    // Bodies here are JSON arrays: the request ends with "]".
    asio::async_read_until(session->socket, session->buffer, "}]",
                           [this, session](boost::system::error_code failed, std::size_t size) {
                             if (failed) return;
                             const auto* data = static_cast<const char*>(session->buffer.data().data());
                             requests.emplace_back(data, size);
                             session->buffer.consume(size);
                             answer(session);
                           });
  }
  void answer(const std::shared_ptr<Session>& session) {
    if (answers.empty()) {
      silent_.push_back(session);  // never answered, and kept open
      return;
    }
    const Answer next = answers.front();
    answers.pop_front();
    session->out = next.bytes;
    asio::async_write(session->socket, asio::buffer(session->out),
                      [this, session, close = next.close](boost::system::error_code failed, std::size_t) {
                        if (!failed && !close) read(session);
                      });
  }
  Tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<Session>> silent_;
};

std::string http(const std::string& body, const std::string& status = "200 OK", const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class JsonRpcTest : public ::testing::Test {
 protected:
  void connect(std::uint64_t timeout_ms = 5'000) {
    client_ = std::make_unique<JsonRpcClient>(io_, parse_rpc_url(server_.url()).value(), timeout_ms);
  }
  std::vector<RpcResult> batch(std::size_t count) {
    std::vector<RpcCall> calls;
    for (std::size_t i = 0; i < count; ++i) calls.push_back({"method" + std::to_string(i), {}});
    std::optional<std::vector<RpcResult>> results;
    client_->batch(std::move(calls), [&results](std::vector<RpcResult> answer) { results = std::move(answer); });
    EXPECT_FALSE(results) << "never from within the starting call";
    for (int i = 0; i < 1'000 && !results; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(results);
    return results.value_or(std::vector<RpcResult>(count, tl::unexpected<RpcError>(RpcError{})));
  }
  asio::io_context io_;
  Server server_{io_};
  std::unique_ptr<JsonRpcClient> client_;
};

TEST_F(JsonRpcTest, AnswersInAnyOrderFindTheirCalls) {
  connect();
  server_.answers.push_back({http(R"([{"id":2,"result":"0x2"},{"id":99,"result":"0x9"},{"id":1,"result":"0x1"}])")});
  const auto results = batch(3);
  EXPECT_EQ(quantity64(*results[0]), 1u);
  EXPECT_EQ(quantity64(*results[1]), 2u);
  ASSERT_FALSE(results[2]);
  EXPECT_TRUE(results[2].error().transport);
  EXPECT_THAT(results[2].error().message, HasSubstr("unanswered"));
  EXPECT_THAT(server_.requests[0], HasSubstr("POST /rpc HTTP/1.1"));
  EXPECT_THAT(server_.requests[0], HasSubstr(R"("jsonrpc":"2.0","id":1,"method":"method0")"));
}

TEST_F(JsonRpcTest, KeepsTheConnection) {
  connect();
  for (int i = 1; i <= 3; ++i) {
    server_.answers.push_back({http("[{\"id\":" + std::to_string(i) + ",\"result\":null}]")});
    EXPECT_TRUE(batch(1)[0]);
  }
  EXPECT_EQ(server_.connections, 1);
}

TEST_F(JsonRpcTest, OpensAnotherWhenTheNodeClosedTheKeptOne) {
  connect();
  server_.answers.push_back({http(R"([{"id":1,"result":null}])"), true});
  EXPECT_TRUE(batch(1)[0]);
  server_.answers.push_back({http(R"([{"id":2,"result":"0x2"}])")});
  EXPECT_TRUE(batch(1)[0]);
  EXPECT_EQ(server_.connections, 2);
}

TEST_F(JsonRpcTest, RevertsCarryTheirData) {
  connect();
  server_.answers.push_back(
      {http(R"([{"id":1,"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}},)"
            R"({"id":2,"error":{"code":-32000,"message":"nonce too low"}},)"
            R"({"id":3,"error":{"code":3,"message":"reverted","data":{"data":"0xd93c0665"}}}])")});
  const auto results = batch(3);
  EXPECT_EQ(results[0].error().code, 3);
  EXPECT_EQ(base::to_hex(results[0].error().data), "0x08c379a0");
  EXPECT_FALSE(results[0].error().transport);
  EXPECT_EQ(results[1].error().message, "nonce too low");
  EXPECT_EQ(base::to_hex(results[2].error().data), "0xd93c0665");
}

TEST_F(JsonRpcTest, WhatIsNotJsonRpcIsATransportError) {
  connect();
  server_.answers.push_back({http("<html>bad gateway</html>", "502 Bad Gateway")});
  EXPECT_THAT(batch(1)[0].error().message, HasSubstr("HTTP 502"));
  server_.answers.push_back({http(R"({"error":{"code":-32600,"message":"batch limit"}})")});
  const auto refused = batch(2);
  EXPECT_TRUE(refused[0].error().transport);
  EXPECT_EQ(refused[1].error().message, "batch limit");
  server_.answers.push_back({http(R"([{"id":4}])")});
  EXPECT_TRUE(batch(1)[0].error().transport);
  server_.answers.push_back({"nonsense\r\n\r\n", true});
  EXPECT_TRUE(batch(1)[0].error().transport);
}

TEST_F(JsonRpcTest, ASilentNodeTimesOut) {
  connect(500);
  const auto results = batch(1);
  ASSERT_FALSE(results[0]);
  EXPECT_TRUE(results[0].error().transport);
  EXPECT_EQ(server_.requests.size(), 1u) << "what timed out is not repeated by the client";
}

TEST_F(JsonRpcTest, AnAnswerThatIsTooLargeIsRefused) {
  connect();
  server_.answers.push_back({"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n[", false});
  EXPECT_TRUE(batch(1)[0].error().transport);
}

TEST_F(JsonRpcTest, NobodyThereIsATransportError) {
  client_ = std::make_unique<JsonRpcClient>(io_, parse_rpc_url("http://127.0.0.1:1").value(), 5'000);
  EXPECT_TRUE(batch(1)[0].error().transport);
}

TEST(RpcUrl, PartsAndMistakes) {
  const RpcUrl url = parse_rpc_url("http://node.example:8545/v1?key=1").value();
  EXPECT_EQ(url.host, "node.example");
  EXPECT_EQ(url.port, "8545");
  EXPECT_EQ(url.target, "/v1?key=1");
  EXPECT_EQ(parse_rpc_url("http://localhost")->port, "80");
  EXPECT_EQ(parse_rpc_url("http://localhost")->target, "/");
  EXPECT_EQ(parse_rpc_url("http://[::1]:8545")->host, "::1");
  for (const char* bad : {"", "localhost:8545", "https://", "ws://x", "http://", "http://:1", "http://x:0",
                          "http://x:65536", "http://x:1x", "http://[::1", "http://u:p@x", "http://x/a b"}) {
    const auto refused = parse_rpc_url(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("rpc_url"));
  }
}

TEST(Quantities, HexadecimalOnly) {
  EXPECT_EQ(quantity64("0x0"), 0u);
  EXPECT_EQ(quantity64("0xffffffffffffffff"), ~std::uint64_t{0});
  EXPECT_FALSE(quantity64("0x10000000000000000"));
  EXPECT_EQ(quantity128("0xffffffffffffffffffffffffffffffff"), ~base::u128{0});
  for (const char* bad : {"", "0x", "12", "0xg", "-0x1", "0x100000000000000000000000000000000"})
    EXPECT_FALSE(quantity128(bad)) << bad;
  EXPECT_FALSE(quantity128(12));
  EXPECT_EQ(to_quantity(0), "0x0");
  EXPECT_EQ(to_quantity(255), "0xff");
  EXPECT_FALSE(data_bytes("00"));
  EXPECT_EQ(data_bytes("0x00ff"), (base::Bytes{0, 0xff}));
}

}  // namespace
}  // namespace settlers::stablecoin
