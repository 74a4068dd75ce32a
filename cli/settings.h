#pragma once

// What every command shares: where the ledger is, which key speaks, how the answer looks. The command line wins over
// the environment, and the environment over tabctl.toml.

#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"

namespace cli {

inline constexpr const char* kDefaultSocket = "/run/tabd/tabd.sock";

enum class Role : std::uint8_t { any, server, payer, operator_, auditor };

// [invoice] of tabctl.toml: what an invoice says of the operator.
struct InvoiceSettings {
  std::string name;
  std::vector<std::string> address;  // lines
  std::string tax_id;
  std::string verify_url;     // a page to which the QR code leads; empty: the code says what to verify
  std::string page_template;  // a file; empty: the one that is built in
  std::string note_template;  // the same of credit notes
};

struct Settings {
  std::string socket;            // a path
  std::string connect;           // "host:port" over TLS; wins over socket
  std::string ca_file;           // TLS: PEM, empty = the system's trust store
  std::string certificate_file;  // TLS: the client's own certificate and its key
  std::string tls_key_file;
  std::string key_file;     // the secret key that logs in and signs
  std::string role;         // empty = what the command needs
  std::string config_file;  // empty = $XDG_CONFIG_HOME/tabctl.toml or ~/.config/tabctl.toml
  InvoiceSettings invoice;
  bool json = false;
  bool no_color = false;
  bool quiet = false;

  Result<Role> parsed_role() const;
};

// Fills what is still empty from the environment (TABCTL_SOCKET, TABCTL_CONNECT, TABCTL_KEY_FILE, NO_COLOR), then from
// the configuration file, then with defaults. A configuration file that was named must exist.
Outcome complete(Settings& settings);

}  // namespace cli
