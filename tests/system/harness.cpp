#include "tests/system/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "base/clock.h"

namespace system_test {
namespace {

// A publicly known development key.
constexpr const char* kOperatorKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

[[noreturn]] void become(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment,
                         int input, int output) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment,
            const std::string& input_file, const std::string& output_file) {
  const int input = ::open(input_file.c_str(), O_RDONLY | O_CLOEXEC);
  const int output = ::open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(input >= 0 && output >= 0);
  const pid_t pid = ::fork();
  CHECK(pid >= 0);
  if (pid == 0) become(command, environment, input, output);
  ::close(input);
  ::close(output);
  return pid;
}

}  // namespace

void sleep_ms(std::uint64_t ms) { ::usleep(static_cast<useconds_t>(ms * 1000)); }
std::uint64_t now_ms() { return base::SystemClock().monotonic_ns() / 1'000'000; }

TempFolder::TempFolder() {
  char name[] = "/tmp/tabd_system_XXXXXX";
  CHECK(::mkdtemp(name) != nullptr);
  path_ = name;
}

TempFolder::~TempFolder() {
  if (testing::Test::HasFailure()) {
    std::fprintf(stderr, "kept for a look: %s\n", path_.c_str());
    return;
  }
  std::filesystem::remove_all(path_);
}

std::string TempFolder::write(const std::string& name, const std::string& text, unsigned mode) const {
  const std::string file = path_ + "/" + name;
  std::filesystem::remove(file);
  std::ofstream(file, std::ios::binary) << text;
  CHECK(::chmod(file.c_str(), mode) == 0);
  return file;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Process::Process(const std::vector<std::string>& command, std::string output_file,
                 const std::map<std::string, std::string>& environment)
    : output_file_(std::move(output_file)) {
  pid_ = spawn(command, environment, "/dev/null", output_file_);
}

Process::~Process() {
  if (running()) {
    signal(SIGKILL);
    wait();
  }
}

bool Process::running() {
  if (exit_code_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = exit_code_of(status);
  return !exit_code_;
}

void Process::signal(int number) const { ::kill(pid_, number); }

std::optional<int> Process::wait(std::uint64_t limit_ms) {
  eventually([this] { return !running(); }, limit_ms);
  return exit_code_;
}

Finished run(const std::vector<std::string>& command, const std::string& input,
             const std::map<std::string, std::string>& environment) {
  const TempFolder folder;
  const std::string input_file = folder.write("input", input);
  const std::string output_file = folder.path() + "/output";
  const pid_t pid = spawn(command, environment, input_file, output_file);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {exit_code_of(status), read_file(output_file)};
}

Answer http_get(std::uint16_t port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    std::array<char, 4096> buffer{};
    if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()))
      for (ssize_t count = 0; (count = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::close(socket);
  const std::size_t body = text.find("\r\n\r\n");
  if (text.size() < 12 || body == std::string::npos) return {};
  return {std::atoi(text.substr(9, 3).c_str()), text.substr(body + 4)};
}

KeptConnection::KeptConnection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval limit{10, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}

KeptConnection::~KeptConnection() { ::close(socket_); }

int KeptConnection::get(const std::string& path, const std::string& headers) const {
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
  if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return 0;
  const std::string length_name = "Content-Length: ";
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const std::size_t body = text.find("\r\n\r\n");
    const std::size_t length = text.find(length_name);
    if (body != std::string::npos && length < body) {
      const auto wanted = static_cast<std::size_t>(std::atoi(text.c_str() + length + length_name.size()));
      if (text.size() >= body + 4 + wanted) return std::atoi(text.substr(9, 3).c_str());
    }
    const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return 0;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  socklen_t size = sizeof(address);
  CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

Tabd::Tabd(const TempFolder& folder, const std::string& more, const std::string& top)
    : folder_(folder.path()), config_file_(folder_ + "/tabd.toml") {
  folder.write("operator.key", kOperatorKey, 0400);
  folder.write("tabd.toml",
               "network = \"test:tab\"\n"
               "data_dir = \"data\"\n"
               "operator_key_file = \"operator.key\"\n" +
                   top +
                   "[rpc]\n"
                   "unix_socket = \"tabd.sock\"\n"
                   "unix_socket_mode = \"0600\"\n"
                   "[http]\n"
                   "listen = \"127.0.0.1:0\"\n"
                   "[ledger]\n"
                   "memory = \"32MiB\"\n" +
                   more);
}

void Tabd::start(const std::map<std::string, std::string>& environment) {
  log_file_ = folder_ + "/log." + std::to_string(++starts_);
  process_.emplace(std::vector<std::string>{tabd_binary(), "--config", config_file_}, log_file_, environment);
}

void Tabd::start_ready() {
  start();
  const std::uint16_t port = http_port();
  ASSERT_NE(port, 0) << log();
  ASSERT_TRUE(eventually([&] { return !process_->running() || http_get(port, "/readyz").status == 200; })) << log();
  ASSERT_TRUE(process_->running()) << log();
}

std::optional<int> Tabd::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void Tabd::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

std::string Tabd::log() const { return read_file(log_file_); }

std::uint16_t Tabd::http_port() {
  const std::string mark = "what=http address=127.0.0.1:";
  std::size_t at = std::string::npos;
  eventually([&] {
    at = log().find(mark);
    return at != std::string::npos || !process_->running();
  });
  if (at == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::atoi(log().substr(at + mark.size(), 5).c_str()));
}

std::string tabd_binary() { return TABD_BINARY; }
std::string tabctl_binary() { return TABCTL_BINARY; }

}  // namespace system_test
