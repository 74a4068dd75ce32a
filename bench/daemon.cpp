#include "bench/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "bench/report.h"
#include "bench/traffic.h"
#include "clients/cpp/tabd_client.h"

extern char** environ;

namespace bench {
namespace {

namespace core = ledger::core;

constexpr std::uint64_t kStartNsMax = 300'000'000'000;  // a large ledger is opened again

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

bool answers(const std::string& socket) {
  const auto client = tabd::Client::connect(tabd::Endpoint::unix_socket(socket));
  if (!client) return false;
  const crypto::SecretKey key = operator_key();
  auto session = (*client)->login_operator(key);
  return session && session->head();
}

}  // namespace

base::Result<void> DaemonUnderTest::register_everyone(std::size_t payers) const {
  ASSIGN_OR_RETURN(auto client, tabd::Client::connect(tabd::Endpoint::unix_socket(socket_)));
  const crypto::SecretKey key = operator_key();
  ASSIGN_OR_RETURN(auto session, client->login_operator(key));
  core::Payee payee;
  payee.address = payee_address();
  payee.label = "payee";
  payee.payout_rail = *base::RailName::parse("sandbox");
  payee.payout_account = "bench";
  std::vector<base::Result<ledger::api::CommandReceipt>> receipts;
  receipts.push_back(session.set_payee(payee));
  for (const std::uint64_t server : {0u, 1u})
    receipts.push_back(
        session.set_server({server_key(server).address(), fmt::format("server {}", server), {payee_address()}, true}));
  for (std::size_t i = 0; i < payers; ++i)
    receipts.push_back(session.set_payer({payer_key(i).address(), fmt::format("payer {}", i), {"bench"}}));
  for (auto& receipt : receipts) {
    if (!receipt) return tl::unexpected<base::Error>(std::move(receipt).error());
    if (receipt->result.status != base::Status::ok)
      return base::error(base::ErrorCode::invalid_argument, receipt->result.detail);
  }
  return {};
}

base::Result<DaemonUnderTest> DaemonUnderTest::start(const std::string& program, const std::string& directory,
                                                     const base::Clock& clock, const std::string& more) {
  const std::string config = directory + "/tabd.toml", key = directory + "/operator.key";
  if (!std::filesystem::exists(config)) {
    std::filesystem::create_directories(directory);
    const bool whole = more.starts_with("network");
    RETURN_IF_ERROR(write_file(config, whole ? more : configuration(directory) + more, 0600));
    RETURN_IF_ERROR(write_file(key, base::to_hex(operator_key().reveal()) + "\n", 0400));
  }
  const std::uint64_t start = clock.monotonic_ns();
  std::array<std::string, 3> words = {program, "--config", config};
  std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0)
    return base::error(base::ErrorCode::io, "cannot start " + program);
  DaemonUnderTest daemon(pid, directory + "/tabd.sock");
  while (!answers(daemon.socket_)) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      daemon.pid_ = 0;
      return base::error(base::ErrorCode::io, program + " ended at its start");
    }
    if (clock.monotonic_ns() - start > kStartNsMax)
      return base::error(base::ErrorCode::timeout, program + " does not answer on " + daemon.socket_);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  daemon.start_s_ = static_cast<double>(clock.monotonic_ns() - start) / 1e9;
  daemon.start_cpu_s_ = cpu_seconds(daemon.pid_);
  return daemon;
}

DaemonUnderTest::~DaemonUnderTest() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace bench
