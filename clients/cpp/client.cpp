#include <charconv>
#include <fstream>
#include <iterator>

#include "clients/cpp/internal.h"

namespace tabd {
namespace {

using base::ErrorCode;
using detail::Connection;
using detail::Loop;
namespace wire = rpc::schema;

Result<std::string> read_file(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::error(ErrorCode::invalid_argument, std::string(what) + ": cannot read '" + path + "'");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

kj::StringPtr pem(const std::string& text) { return {text.c_str(), text.size()}; }

Result<kj::Own<kj::TlsContext>> make_tls(const Endpoint& endpoint) {
  std::string authority;
  std::string certificate;
  std::string key;
  if (!endpoint.ca_file.empty()) {
    ASSIGN_OR_RETURN(authority, read_file(endpoint.ca_file, "CA certificate"));
  }
  if (!endpoint.certificate_file.empty()) {
    ASSIGN_OR_RETURN(certificate, read_file(endpoint.certificate_file, "client certificate"));
    ASSIGN_OR_RETURN(key, read_file(endpoint.key_file, "client key"));
  }
  try {
    kj::TlsContext::Options options;
    options.minVersion = kj::TlsVersion::TLS_1_2;
    kj::Vector<kj::TlsCertificate> trusted;
    if (!authority.empty()) trusted.add(kj::TlsCertificate(pem(authority)));
    options.useSystemTrustStore = authority.empty();
    options.trustedCertificates = trusted.asPtr();
    if (certificate.empty()) return kj::heap<kj::TlsContext>(kj::mv(options));
    const kj::TlsKeypair keypair{kj::TlsPrivateKey(pem(key)), kj::TlsCertificate(pem(certificate))};
    options.defaultKeypair = keypair;
    return kj::heap<kj::TlsContext>(kj::mv(options));
  } catch (const kj::Exception& exception) {
    return base::error(ErrorCode::invalid_argument,
                       std::string("TLS files cannot be used: ") + exception.getDescription().cStr());
  }
}

kj::Promise<kj::Own<kj::AsyncIoStream>> open_stream(Loop& loop, const Endpoint& endpoint, kj::TlsContext* tls) {
  kj::Network& network = loop.io.provider->getNetwork();
  const std::string address =
      tls == nullptr ? "unix:" + endpoint.unix_path : endpoint.host + ":" + std::to_string(endpoint.port);
  return network.parseAddress(address.c_str())
      .then([](kj::Own<kj::NetworkAddress>&& parsed) { return parsed->connect().attach(kj::mv(parsed)); })
      .then(
          [tls, host = endpoint.host](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<kj::Own<kj::AsyncIoStream>> {
            if (tls == nullptr) return kj::mv(stream);
            return tls->wrapClient(kj::mv(stream), host.c_str());
          });
}

base::Error connect_error(const Endpoint& endpoint, const kj::Exception& exception) {
  return {ErrorCode::unavailable,
          "cannot connect to " + endpoint.to_string() + ": " + exception.getDescription().cStr()};
}

Result<void> load_info(Connection& connection) {
  Result<rpc::NetworkInfo> info = detail::call<rpc::NetworkInfo>(
      connection, connection.tabd.infoRequest(), [](wire::Tabd::InfoResults::Reader results, rpc::NetworkInfo& out) {
        return detail::fits(rpc::decode(results.getInfo(), out));
      });
  if (!info) return tl::unexpected<base::Error>(std::move(info).error());
  connection.info = std::move(*info);
  connection.domain = std::make_unique<commitments::tab::Domain>(connection.info.network);
  connection.assets = {};
  for (const core::Asset& asset : connection.info.assets) connection.assets.add(asset.id, asset.text);
  return {};
}

Result<std::unique_ptr<detail::SessionState>> login(const std::shared_ptr<Connection>& connection, rpc::Role role,
                                                    const crypto::SecretKey& key) {
  const core::Address address = key.address();
  try {
    auto request = connection->tabd.authenticateRequest();
    request.setRole(static_cast<wire::Role>(role));
    request.setKey(rpc::data(address));
    kj::Promise<capnp::Response<wire::Tabd::AuthenticateResults>> sent = request.send();
    const auto challenged = connection->wait(kj::mv(sent), connection->endpoint.call_timeout_ms);
    core::Hash challenge;
    if (!rpc::decode_fixed(challenged.getChallenge(), challenge))
      return base::error(ErrorCode::unsupported, "the daemon's challenge has another length than 32 bytes");
    auto answer = challenged.getLogin().loginRequest();
    answer.setSignature(rpc::data(commitments::tab::sign_login(key, *connection->domain, rpc::name(role), challenge)));
    kj::Promise<capnp::Response<wire::Login::LoginResults>> answered = answer.send();
    const auto response = connection->wait(kj::mv(answered), connection->endpoint.call_timeout_ms);
    const base::Status status = rpc::decode_status(response.getStatus());
    const std::string who = std::string(rpc::name(role)) + " " + base::to_hex(address);
    if (status != base::Status::ok)
      return base::error(ErrorCode::permission, "login as " + who + " was refused: " + std::string(base::name(status)) +
                                                    ": " + std::string(base::info(status).sentence));
    const auto session = response.getSession();
    switch (session.which()) {
      case wire::Session::NONE:
      case wire::Session::RAIL: break;  // a settler's: this library has none
      case wire::Session::SERVER:
        return std::unique_ptr<detail::SessionState>(new detail::SessionState{connection, session.getServer()});
      case wire::Session::PAYER:
        return std::unique_ptr<detail::SessionState>(new detail::SessionState{connection, session.getPayer()});
      case wire::Session::OPERATOR:
        return std::unique_ptr<detail::SessionState>(new detail::SessionState{connection, session.getOperator()});
      case wire::Session::AUDITOR:
        return std::unique_ptr<detail::SessionState>(new detail::SessionState{connection, session.getAuditor()});
    }
    return base::error(ErrorCode::unsupported, "the daemon gave no session for " + who);
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connection->to_error(exception));
  }
}

}  // namespace

Endpoint Endpoint::unix_socket(std::string path) {
  Endpoint endpoint;
  endpoint.unix_path = std::move(path);
  return endpoint;
}

Endpoint Endpoint::tls(std::string host, std::uint16_t port, std::string ca_file) {
  Endpoint endpoint;
  endpoint.host = std::move(host);
  endpoint.port = port;
  endpoint.ca_file = std::move(ca_file);
  return endpoint;
}

Result<Endpoint> Endpoint::parse(const std::string& text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix) && text.size() > kUnix.size()) return unix_socket(text.substr(kUnix.size()));
  if (text.starts_with('/') || text.starts_with('.')) return unix_socket(text);
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos && colon > 0) {
    const std::string digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure == std::errc() && end == digits.data() + digits.size() && port != 0)
      return tls(text.substr(0, colon), port, {});
  }
  return base::error(ErrorCode::invalid_argument,
                     "'" + text + "' is no address: use unix:/path/to/socket or host:port (TLS)");
}

std::string Endpoint::to_string() const {
  return unix_path.empty() ? host + ":" + std::to_string(port) : "unix:" + unix_path;
}

Client::Client(std::shared_ptr<detail::Connection> connection) : connection_(std::move(connection)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(const Endpoint& endpoint) {
  std::shared_ptr<Loop> loop = Loop::of_this_thread();
  kj::Own<kj::TlsContext> tls;
  if (endpoint.unix_path.empty()) {
    ASSIGN_OR_RETURN(tls, make_tls(endpoint));
  }
  std::shared_ptr<Connection> connection;
  try {
    auto stream =
        loop->io.provider->getTimer()
            .timeoutAfter(endpoint.connect_timeout_ms * kj::MILLISECONDS, open_stream(*loop, endpoint, tls.get()))
            .wait(loop->io.waitScope);
    connection = std::make_shared<Connection>(loop, endpoint, kj::mv(tls), kj::mv(stream));
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(connect_error(endpoint, exception));
  }
  RETURN_IF_ERROR(load_info(*connection));
  return std::unique_ptr<Client>(new Client(std::move(connection)));
}

const rpc::NetworkInfo& Client::info() const { return connection_->info; }
const commitments::tab::Domain& Client::domain() const { return *connection_->domain; }
const commitments::tab::AssetTable& Client::assets() const { return connection_->assets; }
Result<void> Client::refresh_info() { return load_info(*connection_); }

Result<core::Asset> Client::find_asset(const std::string& text) const {
  std::string known;
  for (const core::Asset& asset : connection_->info.assets) {
    if (asset.symbol == text || asset.text == text || std::to_string(asset.id.value) == text) return asset;
    known += (known.empty() ? "" : ", ") + asset.symbol;
  }
  return base::error(ErrorCode::not_found, "there is no asset '" + text +
                                               "' here; there is: " + (known.empty() ? std::string("none") : known));
}

Result<ServerSession> Client::login_server(const crypto::SecretKey& key) {
  ASSIGN_OR_RETURN(auto state, login(connection_, rpc::Role::server, key));
  return ServerSession(std::move(state));
}
Result<PayerSession> Client::login_payer(const crypto::SecretKey& key) {
  ASSIGN_OR_RETURN(auto state, login(connection_, rpc::Role::payer, key));
  return PayerSession(std::move(state));
}
Result<OperatorSession> Client::login_operator(const crypto::SecretKey& key) {
  ASSIGN_OR_RETURN(auto state, login(connection_, rpc::Role::operator_, key));
  return OperatorSession(std::move(state));
}
Result<AuditorSession> Client::login_auditor(const crypto::SecretKey& key) {
  ASSIGN_OR_RETURN(auto state, login(connection_, rpc::Role::auditor, key));
  return AuditorSession(std::move(state));
}

UnverifiedBatch Client::make_batch(const crypto::SecretKey& server, std::uint64_t number,
                                   std::vector<commitments::tab::Item> items) const {
  UnverifiedBatch batch;
  batch.header = commitments::tab::sign_batch(server, *connection_->domain, connection_->assets, number, items);
  batch.network = connection_->info.network;
  batch.items = std::move(items);
  return batch;
}

bool Client::run_for(std::uint64_t timeout_us) {
  const std::shared_ptr<Loop> loop = Loop::existing();
  if (!loop) return false;
  const std::uint64_t before = loop->callbacks;
  if (timeout_us == 0) {
    loop->io.waitScope.poll();
    return loop->callbacks != before;
  }
  kj::PromiseFulfillerPair<void> pair = kj::newPromiseAndFulfiller<void>();
  loop->progress = kj::mv(pair.fulfiller);
  kj::Timer& timer = loop->io.provider->getTimer();
  pair.promise.exclusiveJoin(timer.afterDelay(timeout_us * kj::MICROSECONDS)).wait(loop->io.waitScope);
  loop->progress = nullptr;
  return loop->callbacks != before;
}

}  // namespace tabd
