// The same port with TLS.

#include <gtest/gtest.h>

#include <cstdlib>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "tests/unit/rpc_http/http_world.h"

namespace rpc::http {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

struct Tls : testing::Test {
  TemporaryDirectory directory;
  std::string certificate = directory / "server.pem";
  std::string key = directory / "server.key";
  void SetUp() override {
    const std::string command = std::string(TABD_OPENSSL) +
                                " req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
                                "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
                                key + " -out " + certificate + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::function<void(ServerOptions&)> with_tls() const {
    return [this](ServerOptions& options) {
      options.certificate_file = certificate;
      options.key_file = key;
      options.header_ms = 500;
    };
  }
};

TEST_F(Tls, ServesSeveralRequestsAndEndsProperly) {
  HttpWorld world(with_tls());
  asio::io_context context;
  asio::ssl::context trust(asio::ssl::context::tls_client);
  trust.load_verify_file(certificate);
  asio::ssl::stream<tcp::socket> stream(context, trust);
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification("localhost"));
  stream.next_layer().connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), world.port()));
  stream.handshake(asio::ssl::stream_base::client);
  SingleSpec spec;
  const std::string verify = post_text("/verify", commitment_request(world.world.actors, spec, 10), kServer0);
  asio::write(stream, asio::buffer(verify + "GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  std::string text;
  boost::system::error_code end;
  asio::read(stream, asio::dynamic_buffer(text), end);
  EXPECT_EQ(end, asio::error::eof) << end.message();  // close_notify came: nothing was cut off
  EXPECT_TRUE(contains(text, "\"isValid\":true")) << text;
  EXPECT_TRUE(contains(text, "\"alive\":true")) << text;
}

TEST_F(Tls, PlainHttpAndSilenceGetNothing) {
  HttpWorld world(with_tls());
  HttpClient plain(world.port()), silent(world.port());
  plain.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(plain.closed_within(10'000));
  EXPECT_TRUE(silent.closed_within(10'000));
  EXPECT_EQ(world.front.counters().tls_failures_total, 1u);
}

TEST_F(Tls, AWrongFileIsNamed) {
  RpcWorld world;
  const crypto::SecretKey front_key = support::secret_key(support::Role::server, 7);
  Server front;
  ServerOptions options;
  options.host = "127.0.0.1";
  options.certificate_file = options.key_file = certificate;
  const auto started =
      front.start(options, {*world.ingest, world.store->service(), world.store->reader(), world.clock, front_key});
  ASSERT_FALSE(started.has_value());
  EXPECT_TRUE(contains(started.error().message, certificate)) << started.error().message;
}

}  // namespace
}  // namespace rpc::http
