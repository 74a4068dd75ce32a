#pragma once

// What a command works with: its settings, the connection, the output. Made once for each run of tabctl.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/assets.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "clients/cpp/tabd_client.h"

namespace cli {

namespace core = ledger::core;

// An answer of the client library. Other than failure_from(Error), "no such object" and "you may not" are answers of
// the ledger: exit code 1.
[[nodiscard]] Failure ledger_failure(base::Error error);
template <typename T>
Result<T> asked(base::Result<T> answer) {
  if (answer) {
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return std::move(*answer);
  }
  return tl::unexpected<Failure>(ledger_failure(std::move(answer).error()));
}
// As asked(), for one object: a refusal says that there is no `what` ("statement 17").
template <typename T>
Result<T> asked_for(const std::string& what, base::Result<T> answer) {
  Result<T> result = asked(std::move(answer));
  if (!result && result.error().status == base::Status::not_found)
    result.error().message = "not_found: There is no " + what + ".";
  return result;
}
// A command's receipt: a failure unless its status is ok.
Result<ledger::api::CommandReceipt> decided(base::Result<ledger::api::CommandReceipt> answer);

// A session that can read: an operator's or auditor's, which see everything, or a payer's, which sees its own.
class Viewer {
 public:
  template <typename Session>
  explicit Viewer(Session session) : session_(std::move(session)) {}
  tabd::BooksSession* books() noexcept;  // null for a payer
  tabd::PayerSession* payer() noexcept;  // null for the others
  tabd::Session& any() noexcept;

 private:
  std::variant<tabd::OperatorSession, tabd::AuditorSession, tabd::PayerSession> session_;
};

class Context {
 public:
  // `clock` must outlive the context.
  Context(Settings settings, const base::Clock& clock);

  const Settings& settings() const noexcept { return settings_; }
  const base::Clock& clock() const noexcept { return clock_; }
  base::Time now() const { return clock_.now(); }
  bool json() const noexcept { return settings_.json; }
  bool out_is_tty() const noexcept { return out_tty_; }
  bool color() const noexcept { return out_tty_ && !settings_.no_color; }

  // The connection, made at the first call.
  Result<tabd::Client*> client();
  Result<AssetBook> assets();
  // The key that logs in and signs.
  Result<crypto::SecretKey> key() const;

  Result<tabd::OperatorSession> operator_session();
  Result<tabd::AuditorSession> auditor_session();
  Result<tabd::PayerSession> payer_session();
  Result<tabd::ServerSession> server_session();
  // By --role, or whatever the key is: operator, auditor, then (where `payer_too`) payer.
  Result<Viewer> viewer(bool payer_too);

  // stdout.
  template <typename... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) const {
    write_line(fmt::format(text, std::forward<Args>(args)...));
  }
  void write(const std::string& text) const;  // as it is
  void write_line(const std::string& text) const;
  void write_json(const Json& value) const;       // indented
  void write_json_line(const Json& value) const;  // one line, for streams
  // stderr, unless --quiet.
  template <typename... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) const {
    write_note(fmt::format(text, std::forward<Args>(args)...));
  }
  Progress progress() const { return {clock_, stderr, err_tty_, settings_.quiet}; }
  // What a command did: one sentence, or {"status":"ok","sequence":..,"id":..} with --json.
  void report(const ledger::api::CommandReceipt& receipt, const std::string& sentence) const;

 private:
  template <typename Session>
  Result<Session> login(base::Result<Session> (tabd::Client::*method)(const crypto::SecretKey&), const char* role);
  Outcome allow(Role role) const;
  void write_note(const std::string& text) const;
  Settings settings_;
  const base::Clock& clock_;
  bool out_tty_;
  bool err_tty_;
  std::unique_ptr<tabd::Client> client_;
};

}  // namespace cli
