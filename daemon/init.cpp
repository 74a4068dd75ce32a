#include "daemon/init.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "aggregator/calendar.h"
#include "crypto/secp256k1.h"
#include "ops/config.h"

namespace tabd_daemon {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;

// A new file with exactly this mode; never an existing one.
Result<void> write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0)
    return error(errno == EEXIST ? ErrorCode::invalid_argument : ErrorCode::io,
                 path + ": cannot make this file: " + std::strerror(errno));
  ::fchmod(file, mode);
  const ssize_t written = ::write(file, text.data(), text.size());
  const bool good = written == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!good) return error(ErrorCode::io, path + ": cannot write: " + std::strerror(errno));
  return {};
}

// A new secret key; its address.
Result<base::Address> write_key(const std::string& path) {
  const crypto::SecretKey key = crypto::SecretKey::generate();
  std::string secret = base::to_hex(key.reveal()) + "\n";
  const Result<void> written = write_new(path, secret, 0400);
  ::explicit_bzero(secret.data(), secret.size());
  RETURN_IF_ERROR(written);
  return key.address();
}

std::string configuration(const std::string& network) {
  return "# A tab to try things with: the sandbox rail says that it moves money and moves none.\n"
         "# Every key is explained in the reference configuration (see tabd --help).\n"
         "network = \"" +
         network +
         "\"\n"
         "data_dir = \"data\"\n"
         "operator_key_file = \"operator.key\"\n"
         "\n"
         "[rpc]\n"
         "unix_socket = \"tabd.sock\"\n"
         "unix_socket_mode = \"0600\"\n"
         "\n"
         "# x402 over HTTP. `tabctl apikey NAME --address PAYEE` makes an API key and prints the block to add here.\n"
         "[x402]\n"
         "listen = \"127.0.0.1:9403\"\n"
         "server_key_file = \"x402.key\"\n"
         "\n"
         "[[asset]]\n"
         "id = 1\n"
         "text = \"USD\"\n"
         "symbol = \"USD\"\n"
         "scale = 6\n"
         "rail_scale = 2\n"
         "\n"
         "[[plan]]\n"
         "label = \"daily\"\n"
         "asset = \"USD\"\n"
         "credit_limit = \"50\"\n"
         "rails = [\"sandbox\"]\n"
         "window = \"day\"\n"
         "\n"
         "[rails.sandbox]\n"
         "enabled = true\n";
}

}  // namespace

Result<std::string> initialise(const std::string& directory, const std::string& network) {
  const std::string folder = std::filesystem::path(directory).lexically_normal().string();
  const std::string file = (std::filesystem::path(folder) / "tabd.toml").string();
  const std::string text = configuration(network);
  const std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  RETURN_IF_ERROR(ops::parse_config(text, file, *calendar));
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return error(ErrorCode::io, folder + ": cannot make this folder: " + failure.message());
  RETURN_IF_ERROR(write_new(file, text, 0644));
  const std::string key_file = (std::filesystem::path(folder) / "operator.key").string();
  ASSIGN_OR_RETURN(const base::Address keeper, write_key(key_file));
  const std::string front_file = (std::filesystem::path(folder) / "x402.key").string();
  RETURN_IF_ERROR(write_key(front_file));
  return "Made " + file + ", " + key_file + " (operator " + base::to_hex(keeper) + ") and " + front_file + ".\n" +
         "Start it:    tabd --config " + file + "\n" + "Talk to it:  tabctl --socket " +
         (std::filesystem::path(folder) / "tabd.sock").string() + " --key " + key_file + " status\n";
}

}  // namespace tabd_daemon
