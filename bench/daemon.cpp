#include "bench/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "bench/traffic.h"
#include "clients/cpp/tabd_client.h"

extern char** environ;

namespace bench {
namespace {

namespace core = ledger::core;

base::Result<void> write_file(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (!out || ::chmod(path.c_str(), mode) != 0) return base::error(base::ErrorCode::io, "cannot write " + path);
  return {};
}

std::string configuration(const std::string& directory) {
  return fmt::format(R"(network = "{0}"
data_dir = "{1}/data"
operator_key_file = "{1}/operator.key"

[rpc]
unix_socket = "{1}/tabd.sock"

[http]
listen = ""

[log]
level = "warning"

[rails.sandbox]
enabled = true

[[asset]]
id = {2}
text = "{3}"
symbol = "USD"
scale = 6
rail_scale = 6

[[plan]]
label = "bench"
asset = "USD"
window = "month"
credit_limit = "100000000"
rails = ["sandbox"]
)",
                     kNetwork, directory, kAsset.value, kAssetText);
}

base::Result<void> register_everyone(const std::string& socket, std::size_t payers) {
  ASSIGN_OR_RETURN(auto client, tabd::Client::connect(tabd::Endpoint::unix_socket(socket)));
  const crypto::SecretKey key = operator_key();
  ASSIGN_OR_RETURN(auto session, client->login_operator(key));
  core::Payee payee;
  payee.address = payee_address();
  payee.label = "payee";
  payee.payout_rail = *base::RailName::parse("sandbox");
  payee.payout_account = "bench";
  std::vector<base::Result<ledger::api::CommandReceipt>> receipts;
  receipts.push_back(session.set_payee(payee));
  receipts.push_back(session.set_server({server_key().address(), "server", {payee_address()}, true}));
  for (std::size_t i = 0; i < payers; ++i)
    receipts.push_back(session.set_payer({payer_key(i).address(), fmt::format("payer {}", i), {"bench"}}));
  for (auto& receipt : receipts) {
    if (!receipt) return tl::unexpected<base::Error>(std::move(receipt).error());
    if (receipt->result.status != base::Status::ok)
      return base::error(base::ErrorCode::invalid_argument, receipt->result.detail);
  }
  return {};
}

}  // namespace

base::Result<DaemonUnderTest> DaemonUnderTest::start(const std::string& program, const std::string& directory,
                                                     std::size_t payers, const base::Clock& clock) {
  const std::string config = directory + "/tabd.toml";
  RETURN_IF_ERROR(write_file(config, configuration(directory), 0600));
  RETURN_IF_ERROR(write_file(directory + "/operator.key", base::to_hex(operator_key().reveal()) + "\n", 0400));
  std::array<std::string, 3> words = {program, "--config", config};
  std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0)
    return base::error(base::ErrorCode::io, "cannot start " + program);
  DaemonUnderTest daemon(pid, directory + "/tabd.sock");
  const std::uint64_t start = clock.monotonic_ns();
  while (!tabd::Client::connect(tabd::Endpoint::unix_socket(daemon.socket_))) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      daemon.pid_ = 0;
      return base::error(base::ErrorCode::io, program + " ended at its start");
    }
    if (clock.monotonic_ns() - start > 20'000'000'000)
      return base::error(base::ErrorCode::timeout, program + " does not answer on " + daemon.socket_);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  RETURN_IF_ERROR(register_everyone(daemon.socket_, payers));
  return daemon;
}

DaemonUnderTest::~DaemonUnderTest() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

double DaemonUnderTest::cpu_seconds() const {
  std::ifstream in(fmt::format("/proc/{}/stat", pid_));
  std::string text;
  std::getline(in, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state .. cmajflt: utime is field 14
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace bench
