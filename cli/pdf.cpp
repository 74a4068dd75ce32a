#include "cli/pdf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace cli {
namespace {

constexpr rlim_t kCpuSeconds = 600;
constexpr int kNotStarted = 127;
constexpr std::size_t kSaidBytesMax = 2000;

tl::unexpected<Failure> failure(std::string message, std::string next = {}) {
  return tl::unexpected<Failure>(Failure{ExitCode::unreachable, std::move(message), std::move(next), base::Status::ok});
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return number_; }

 private:
  int number_;
};

bool fill(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(file, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return ::lseek(file, 0, SEEK_SET) == 0;
}

std::string said_in(int file) {
  std::string text(kSaidBytesMax, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// In the child, which was forked from a program of one thread: only system calls until exec.
[[noreturn]] void become_renderer(int page, int pdf, int said, char* const* environment) {
  if (::unshare(CLONE_NEWNET) != 0) (void)!::unshare(CLONE_NEWUSER | CLONE_NEWNET);
  const struct rlimit cpu = {kCpuSeconds, kCpuSeconds};
  ::setrlimit(RLIMIT_CPU, &cpu);
  if (::dup2(page, STDIN_FILENO) >= 0 && ::dup2(pdf, STDOUT_FILENO) >= 0 && ::dup2(said, STDERR_FILENO) >= 0) {
    std::array<char, 11> program{"weasyprint"};
    std::array<char, 8> quiet{"--quiet"};
    std::array<char, 2> in{"-"}, out{"-"};
    const std::array<char*, 5> arguments = {program.data(), quiet.data(), in.data(), out.data(), nullptr};
    ::execvpe(program.data(), arguments.data(), environment);
  }
  ::_exit(kNotStarted);
}

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return std::string(name) + "=" + (value == nullptr ? otherwise : value);
}

}  // namespace

Outcome write_pdf(const std::string& html, const std::string& path) {
  const std::string temporary = path + ".part";
  const Descriptor page(::memfd_create("page", MFD_CLOEXEC));
  const Descriptor said(::memfd_create("said", MFD_CLOEXEC));
  const Descriptor pdf(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (pdf.get() < 0) return failure(fmt::format("cannot create {}: {}.", temporary, std::strerror(errno)));
  if (page.get() < 0 || said.get() < 0 || !fill(page.get(), html))
    return failure(fmt::format("cannot hold the page in memory: {}.", std::strerror(errno)));
  // Port 0 cannot be connected to.
  std::array<std::string, 8> variables = {variable("PATH", "/usr/bin:/bin"),
                                          "HOME=/nonexistent",
                                          "XDG_CACHE_HOME=" + std::string(P_tmpdir),
                                          "LANG=C.UTF-8",
                                          "SOURCE_DATE_EPOCH=0",
                                          "http_proxy=http://127.0.0.1:0",
                                          "https_proxy=http://127.0.0.1:0",
                                          "ftp_proxy=http://127.0.0.1:0"};
  std::array<char*, 9> environment{};
  for (std::size_t i = 0; i < variables.size(); ++i) environment[i] = variables[i].data();
  const pid_t child = ::fork();
  if (child < 0) return failure(fmt::format("cannot start weasyprint: {}.", std::strerror(errno)));
  if (child == 0) become_renderer(page.get(), pdf.get(), said.get(), environment.data());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    if (std::rename(temporary.c_str(), path.c_str()) == 0) return {};
    return failure(fmt::format("cannot create {}: {}.", path, std::strerror(errno)));
  }
  ::unlink(temporary.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotStarted)
    return failure("the program weasyprint, which makes PDF files, is not here.",
                   "Install it (apt install weasyprint), or write --html and print it from a browser.");
  return failure(fmt::format("weasyprint made no PDF: {}.", said_in(said.get())));
}

}  // namespace cli
