#include "settlers/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/unit/settlers_http/certificate.h"

namespace settlers::http {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using Tcp = asio::ip::tcp;

struct Answer {
  std::string bytes;
  bool close = false;
};

// Answers each request (they have no bodies here) with the next script; without one it is silent.
class Server {
 public:
  Server(asio::io_context& io, const support::Certificate* certificate, const char* host = "127.0.0.1")
      : acceptor_(io, Tcp::endpoint(asio::ip::make_address(host), 0)) {
    if (certificate != nullptr) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate_chain(asio::buffer(certificate->certificate_pem));
      tls_->use_private_key(asio::buffer(certificate->key_pem), asio::ssl::context::pem);
    }
    accept();
  }
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }
  std::deque<Answer> answers;
  std::vector<std::string> requests;
  int connections = 0;

 private:
  struct Session {
    explicit Session(Tcp::socket s, asio::ssl::context* tls) : socket(std::move(s)) {
      if (tls != nullptr) secure.emplace(socket, *tls);
    }
    Tcp::socket socket;
    std::optional<asio::ssl::stream<Tcp::socket&>> secure;
    asio::streambuf buffer;
    std::string out;
  };
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code failed, Tcp::socket socket) {
      if (failed) return;
      ++connections;
      auto session = std::make_shared<Session>(std::move(socket), tls_ ? &*tls_ : nullptr);
      if (session->secure) {
        session->secure->async_handshake(asio::ssl::stream_base::server,
                                         [this, session](boost::system::error_code refused) {
                                           if (!refused) read(session);
                                         });
      } else {
        read(session);
      }
      accept();
    });
  }
  void read(const std::shared_ptr<Session>& session) {
    const auto had = [this, session](boost::system::error_code failed, std::size_t size) {
      if (failed) return;
      requests.emplace_back(static_cast<const char*>(session->buffer.data().data()), size);
      session->buffer.consume(size);
      answer(session);
    };
    session->secure ? asio::async_read_until(*session->secure, session->buffer, "\r\n\r\n", had)
                    : asio::async_read_until(session->socket, session->buffer, "\r\n\r\n", had);
  }
  void answer(const std::shared_ptr<Session>& session) {
    if (answers.empty()) {
      silent_.push_back(session);
      return;
    }
    const Answer next = answers.front();
    answers.pop_front();
    session->out = next.bytes;
    const auto written = [this, session, close = next.close](boost::system::error_code failed, std::size_t) {
      if (!failed && !close) read(session);
    };
    session->secure ? asio::async_write(*session->secure, asio::buffer(session->out), written)
                    : asio::async_write(session->socket, asio::buffer(session->out), written);
  }
  Tcp::acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  std::vector<std::shared_ptr<Session>> silent_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpClientTest : public ::testing::Test {
 protected:
  void serve(bool tls) {
    if (tls) certificate_ = support::make_certificate();
    server_.emplace(io_, tls ? &*certificate_ : nullptr);
  }
  std::string ca_file() {
    const std::string path = ::testing::TempDir() + "/tabd_http_ca_" + server_->port() + ".pem";
    std::ofstream(path) << certificate_->certificate_pem;
    files_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const std::string& file : files_) std::filesystem::remove(file);
  }
  void connect(const std::string& url, ClientOptions options = {}) {
    options.url = parse_url(url, "url").value();
    client_.emplace(io_, std::move(options));
  }
  Result get(bool repeatable = false) {
    Request request;
    request.target = "/v1/thing?a=b";
    request.fields.push_back({"Authorization", "Bearer x"});
    request.repeatable = repeatable;
    std::optional<Result> result;
    client_->send(std::move(request), [&result](Result answer) { result = std::move(answer); });
    EXPECT_FALSE(result) << "never from within the starting call";
    for (int i = 0; i < 1'000 && !result; ++i) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(result);
    return result.value_or(tl::unexpected<Failure>(Failure{"the test gave up", false}));
  }
  asio::io_context io_;
  std::optional<support::Certificate> certificate_;
  std::optional<Server> server_;
  std::optional<Client> client_;
  std::vector<std::string> files_;
};

TEST_F(HttpClientTest, AsksAndReadsTheAnswer) {
  serve(false);
  connect("http://127.0.0.1:" + server_->port());
  server_->answers.push_back({ok("{}")});
  const Result answer = get();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(answer->field("request-ID"), "req_1");
  EXPECT_EQ(answer->field("absent"), "");
  EXPECT_THAT(server_->requests[0], HasSubstr("GET /v1/thing?a=b HTTP/1.1\r\n"));
  EXPECT_THAT(server_->requests[0], HasSubstr("Authorization: Bearer x\r\n"));
}

TEST_F(HttpClientTest, ACertificateThatIsTrustedAndNamesTheHost) {
  serve(true);
  ClientOptions options;
  options.ca_file = ca_file();
  for (const char* host : {"localhost", "127.0.0.1"}) {
    connect("https://" + std::string(host) + ":" + server_->port(), options);
    ASSERT_TRUE(client_->check());
    for (int i = 0; i < 3; ++i) {
      server_->answers.push_back({ok("secret")});
      const Result answer = get();
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(answer->body, "secret");
    }
  }
  EXPECT_EQ(server_->connections, 2) << "TLS connections are kept";
}

TEST_F(HttpClientTest, ACertificateThatNobodyTrustsGetsNoByteOfTheRequest) {
  serve(true);
  connect("https://localhost:" + server_->port());
  server_->answers.push_back({ok("{}")});
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().sent);
  EXPECT_THAT(answer.error().message, HasSubstr("certificate verify failed"));
  EXPECT_TRUE(server_->requests.empty());
}

TEST_F(HttpClientTest, ACertificateForAnotherNameIsRefused) {
  serve(true);
  ClientOptions options;
  options.ca_file = ca_file();
  // All of 127.0.0.0/8 is this machine; the certificate names 127.0.0.1 only.
  Server elsewhere(io_, &*certificate_, "127.0.0.2");
  connect("https://127.0.0.2:" + elsewhere.port(), options);
  elsewhere.answers.push_back({ok("{}")});
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().sent);
  EXPECT_TRUE(elsewhere.requests.empty());
}

TEST_F(HttpClientTest, AnUnreadableCaFileIsSaidAtOnce) {
  ClientOptions options;
  options.ca_file = "/nonexistent/ca.pem";
  connect("https://127.0.0.1:1", options);
  ASSERT_FALSE(client_->check());
  EXPECT_THAT(client_->check().error().message, HasSubstr("/nonexistent/ca.pem"));
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().sent);
}

TEST_F(HttpClientTest, ALostReplyMayHaveDoneSomething) {
  serve(false);
  connect("http://127.0.0.1:" + server_->port());
  server_->answers.push_back({"", true});
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().sent);
}

TEST_F(HttpClientTest, NobodyThereHasDoneNothing) {
  connect("http://127.0.0.1:1");
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().sent);
  EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1:1"));
}

TEST_F(HttpClientTest, OnlyWhatIsRepeatableIsSentAgainOnAClosedKeptConnection) {
  serve(false);
  connect("http://127.0.0.1:" + server_->port());
  server_->answers.push_back({ok("1"), true});
  ASSERT_TRUE(get());
  server_->answers.push_back({ok("2"), true});
  ASSERT_TRUE(get(true)) << "once more on a new connection";
  EXPECT_EQ(server_->connections, 2);
  const Result answer = get(false);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().sent) << "nobody can tell what the server did";
}

TEST_F(HttpClientTest, DeadlinesAndSizes) {
  serve(false);
  ClientOptions options;
  options.timeout_ms = 50;
  options.answer_bytes_max = 100;
  connect("http://127.0.0.1:" + server_->port(), options);
  const Result silent = get();
  ASSERT_FALSE(silent);
  EXPECT_TRUE(silent.error().sent);
  options.timeout_ms = 5'000;
  connect("http://127.0.0.1:" + server_->port(), options);
  server_->answers.push_back({ok(std::string(101, 'x'))});
  EXPECT_FALSE(get());
  server_->answers.push_back({ok(std::string(100, 'x'))});
  EXPECT_TRUE(get());
}

TEST_F(HttpClientTest, TheQueueIsBounded) {
  serve(false);
  ClientOptions options;
  options.connections_max = 1;
  options.queue_max = 0;
  connect("http://127.0.0.1:" + server_->port(), options);
  const Result answer = get();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().sent);
  EXPECT_THAT(answer.error().message, HasSubstr("too many requests"));
}

TEST(Url, PartsAndMistakes) {
  const Url url = parse_url("https://api.example:8443/v1?key=1", "base_url").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "api.example");
  EXPECT_EQ(url.port, "8443");
  EXPECT_EQ(url.target, "/v1?key=1");
  EXPECT_EQ(parse_url("https://api.example", "base_url")->port, "443");
  EXPECT_EQ(parse_url("http://api.example", "base_url")->port, "80");
  for (const char* bad : {"", "api.example", "ftp://x", "https://", "https://:1", "https://u:p@x", "https://x:0"}) {
    const auto refused = parse_url(bad, "base_url");
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("base_url \""));
  }
}

}  // namespace
}  // namespace settlers::http
