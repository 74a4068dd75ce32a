#include "cli/context.h"

#include <unistd.h>

#include "cli/key_file.h"

namespace cli {

Failure ledger_failure(base::Error error) {
  Failure failure;
  failure.message = std::move(error.message);
  switch (error.code) {
    case base::ErrorCode::not_found:
      failure.code = ExitCode::refused;
      failure.status = base::Status::not_found;
      break;
    case base::ErrorCode::permission:
      failure.code = ExitCode::refused;
      failure.status = base::Status::not_permitted;
      break;
    case base::ErrorCode::invalid_argument: failure.code = ExitCode::usage; break;
    case base::ErrorCode::corruption: failure.code = ExitCode::unverified; break;
    case base::ErrorCode::io:
    case base::ErrorCode::unavailable:
    case base::ErrorCode::timeout:
    case base::ErrorCode::unsupported: failure.code = ExitCode::unreachable; break;
  }
  return failure;
}

Result<ledger::api::CommandReceipt> decided(base::Result<ledger::api::CommandReceipt> answer) {
  CLI_TRY(ledger::api::CommandReceipt receipt, asked(std::move(answer)));
  if (!base::accepted(receipt.result.status)) return failure_from(receipt.result.status, receipt.result.detail);
  return receipt;
}

tabd::BooksSession* Viewer::books() noexcept {
  if (auto* session = std::get_if<tabd::OperatorSession>(&session_)) return session;
  return std::get_if<tabd::AuditorSession>(&session_);
}

tabd::PayerSession* Viewer::payer() noexcept { return std::get_if<tabd::PayerSession>(&session_); }

tabd::Session& Viewer::any() noexcept {
  return std::visit([](auto& session) -> tabd::Session& { return session; }, session_);
}

Context::Context(Settings settings, const base::Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      out_tty_(::isatty(STDOUT_FILENO) == 1),
      err_tty_(::isatty(STDERR_FILENO) == 1) {}

Result<tabd::Client*> Context::client() {
  if (client_) return client_.get();
  tabd::Endpoint endpoint = tabd::Endpoint::unix_socket(settings_.socket);
  if (!settings_.connect.empty()) {
    CLI_TRY(endpoint, tabd::Endpoint::parse(settings_.connect));
    endpoint.ca_file = settings_.ca_file;
    endpoint.certificate_file = settings_.certificate_file;
    endpoint.key_file = settings_.tls_key_file;
  }
  base::Result<std::unique_ptr<tabd::Client>> connected = tabd::Client::connect(endpoint);
  if (!connected) {
    Failure failure = ledger_failure(std::move(connected).error());
    if (failure.code == ExitCode::refused) failure.code = ExitCode::unreachable;
    failure.next = "Is tabd running? Name its socket with --socket PATH or TABCTL_SOCKET, or --connect HOST:PORT.";
    return tl::unexpected<Failure>(std::move(failure));
  }
  client_ = std::move(*connected);
  return client_.get();
}

Result<AssetBook> Context::assets() {
  CLI_TRY(tabd::Client * connected, client());
  return AssetBook(connected->info().assets);
}

Result<crypto::SecretKey> Context::key() const {
  if (settings_.key_file.empty())
    return usage_failure("This command needs a secret key, and none is named.",
                         "Name its file with --key FILE or TABCTL_KEY_FILE; make one with: tabctl keygen FILE");
  return read_key_file(settings_.key_file);
}

template <typename Session>
Result<Session> Context::login(base::Result<Session> (tabd::Client::*method)(const crypto::SecretKey&),
                               const char* role) {
  CLI_TRY(const crypto::SecretKey secret, key());
  CLI_TRY(tabd::Client * connected, client());
  Result<Session> session = asked((connected->*method)(secret));
  if (!session && session.error().code == ExitCode::refused) {
    session.error().next =
        fmt::format("The key in {} has the address {}. This command needs a key that is registered here as {}.",
                    settings_.key_file, base::to_hex(secret.address()), role);
  }
  return session;
}

Outcome Context::allow(Role role) const {
  CLI_TRY(const Role chosen, settings_.parsed_role());
  if (chosen == Role::any || chosen == role) return {};
  return usage_failure(fmt::format("This command does not work with --role {}.", settings_.role),
                       "Leave --role out, and the command takes the role that it needs.");
}

Result<tabd::OperatorSession> Context::operator_session() {
  CLI_CHECK(allow(Role::operator_));
  return login(&tabd::Client::login_operator, "operator");
}

Result<tabd::AuditorSession> Context::auditor_session() {
  CLI_CHECK(allow(Role::auditor));
  return login(&tabd::Client::login_auditor, "auditor");
}

Result<tabd::PayerSession> Context::payer_session() {
  CLI_CHECK(allow(Role::payer));
  return login(&tabd::Client::login_payer, "a payer");
}

Result<tabd::ServerSession> Context::server_session() {
  CLI_CHECK(allow(Role::server));
  return login(&tabd::Client::login_server, "a resource server");
}

Result<Viewer> Context::viewer(bool payer_too) {
  CLI_TRY(const Role role, settings_.parsed_role());
  const auto refused = [](const auto& session) { return session.error().code == ExitCode::refused; };
  if (role == Role::any || role == Role::operator_) {
    Result<tabd::OperatorSession> session = login(&tabd::Client::login_operator, "operator");
    if (session) return Viewer(std::move(*session));
    if (role == Role::operator_ || !refused(session)) return tl::unexpected<Failure>(session.error());
  }
  if (role == Role::any || role == Role::auditor) {
    Result<tabd::AuditorSession> session = login(&tabd::Client::login_auditor, "operator or auditor");
    if (session) return Viewer(std::move(*session));
    if (role == Role::auditor || !payer_too || !refused(session)) return tl::unexpected<Failure>(session.error());
  }
  if (!payer_too || role == Role::server) CLI_CHECK(allow(Role::operator_));
  Result<tabd::PayerSession> session = login(&tabd::Client::login_payer, "operator, auditor or payer");
  if (!session) return tl::unexpected<Failure>(session.error());
  return Viewer(std::move(*session));
}

void Context::write(const std::string& text) const { std::fwrite(text.data(), 1, text.size(), stdout); }

void Context::write_line(const std::string& text) const { write(text + "\n"); }

void Context::write_json(const Json& value) const { write_line(to_pretty(value)); }

void Context::write_json_line(const Json& value) const {
  write_line(to_line(value));
  std::fflush(stdout);
}

void Context::write_note(const std::string& text) const {
  if (!settings_.quiet) fmt::print(stderr, "{}\n", text);
}

void Context::report(const ledger::api::CommandReceipt& receipt, const std::string& sentence) const {
  if (json()) {
    JsonObject out;
    out["status"] = text_json(base::name(receipt.result.status));
    out["id"] = receipt.result.id;
    out["sequence"] = receipt.result.sequence.value;
    out["changed"] = receipt.result.sequence.valid();
    if (!receipt.result.detail.empty()) out["detail"] = receipt.result.detail;
    write_json(out);
    return;
  }
  write_line(sentence);
  if (receipt.result.status == base::Status::already_accepted)
    write_line("Nothing changed: it was asked for before with this reference.");
  else if (!receipt.result.sequence.valid())
    write_line("Nothing changed: it was so before.");
  else
    say("Recorded as entry {} of the journal.", receipt.result.sequence.value);
}

}  // namespace cli
