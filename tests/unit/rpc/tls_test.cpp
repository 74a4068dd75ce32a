#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

// A certificate authority in a directory, made with the openssl program.
class Authority {
 public:
  explicit Authority(const std::string& name) : ca_(directory_ / (name + ".pem")), key_(directory_ / (name + ".key")) {
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name + " -keyout " +
        key_ + " -out " + ca_);
  }
  const std::string& certificate() const { return ca_; }

  struct Pair {
    std::string certificate;
    std::string key;
  };
  Pair issue(const std::string& name, const std::string& extension) {
    const Pair pair{directory_ / (name + ".crt"), directory_ / (name + ".key")};
    const std::string request = directory_ / (name + ".csr");
    const std::string extensions = directory_ / (name + ".ext");
    std::ofstream(extensions) << extension << "\n";
    run("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + name + " -keyout " + pair.key +
        " -out " + request);
    run("x509 -req -days 2 -CAcreateserial -in " + request + " -CA " + ca_ + " -CAkey " + key_ + " -extfile " +
        extensions + " -out " + pair.certificate);
    return pair;
  }

 private:
  static void run(const std::string& arguments) {
    const std::string command = std::string(TABD_OPENSSL) + " " + arguments + " 2>/dev/null >/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  TemporaryDirectory directory_;
  std::string ca_;
  std::string key_;
};

struct RpcTls : ::testing::Test {
  Authority authority{"authority"};
  Authority stranger{"stranger"};
  Authority::Pair server = authority.issue("localhost", "subjectAltName=DNS:localhost");

  RpcServerOptions options(bool client_certificates) const {
    RpcServerOptions out;
    out.tcp_host = "127.0.0.1";
    out.certificate_file = server.certificate;
    out.key_file = server.key;
    if (client_certificates) out.client_ca_file = authority.certificate();
    return out;
  }
  static tabd::Endpoint endpoint(const RpcWorld& world, const Authority& trusted) {
    return tabd::Endpoint::tls("localhost", world.server->tcp_port(), trusted.certificate());
  }
};

TEST_F(RpcTls, ServesOverTcp) {
  RpcWorld world(options(false));
  ASSERT_NE(world.server->tcp_port(), 0);
  const auto client = tabd::Client::connect(endpoint(world, authority));
  ASSERT_TRUE(client.has_value()) << client.error().to_string();
  auto session = (*client)->login_server(world.actors.key(support::Role::server, 0));
  ASSERT_TRUE(session.has_value()) << session.error().to_string();
  const auto answer = session->submit(world.batch(world.charges(1000)));
  ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
  EXPECT_EQ(answer->items.at(999).status, Status::ok);
  world.expect_alive();  // the unix socket beside it
}

TEST_F(RpcTls, TheClientChecksTheServer) {
  RpcWorld world(options(false));
  EXPECT_FALSE(tabd::Client::connect(endpoint(world, stranger)).has_value());
  tabd::Endpoint other_name = endpoint(world, authority);
  other_name.host = "127.0.0.1";
  EXPECT_FALSE(tabd::Client::connect(other_name).has_value()) << "the certificate is for localhost";
  EXPECT_TRUE(tabd::Client::connect(endpoint(world, authority)).has_value());
}

TEST_F(RpcTls, ClientCertificatesWhereTheyAreAskedFor) {
  RpcWorld world(options(true));
  const Authority::Pair good = authority.issue("agent", "extendedKeyUsage=clientAuth");
  Authority elsewhere{"elsewhere"};
  const Authority::Pair wrong = elsewhere.issue("intruder", "extendedKeyUsage=clientAuth");
  EXPECT_FALSE(tabd::Client::connect(endpoint(world, authority)).has_value()) << "no certificate";
  tabd::Endpoint with = endpoint(world, authority);
  with.certificate_file = wrong.certificate;
  with.key_file = wrong.key;
  EXPECT_FALSE(tabd::Client::connect(with).has_value()) << "a stranger's certificate";
  with.certificate_file = good.certificate;
  with.key_file = good.key;
  const auto client = tabd::Client::connect(with);
  ASSERT_TRUE(client.has_value()) << client.error().to_string();
  EXPECT_FALSE((*client)->login_operator(world.auditor_key).has_value()) << "a certificate is no login";
  EXPECT_TRUE((*client)->login_operator(world.operator_key).has_value());
}

TEST_F(RpcTls, PlainTcpGetsNothing) {
  RpcWorld world(options(false));
  const auto loop = tabd::detail::Loop::of_this_thread();
  auto address =
      loop->io.provider->getNetwork().parseAddress("127.0.0.1", world.server->tcp_port()).wait(loop->io.waitScope);
  auto stream = address->connect().wait(loop->io.waitScope);
  const std::uint8_t hello[] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  stream->write(hello, sizeof hello).wait(loop->io.waitScope);
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections_refused_total == 1; }));
  EXPECT_NE(world.log().find("TLS handshake"), std::string::npos);
  EXPECT_TRUE(tabd::Client::connect(endpoint(world, authority)).has_value());
}

}  // namespace
}  // namespace rpc
