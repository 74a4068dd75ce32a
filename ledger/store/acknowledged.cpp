#include "ledger/store/acknowledged.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ledger::store {

namespace {
constexpr std::size_t kBytes = 2 * sizeof(std::uint64_t);
}  // namespace

base::Result<std::unique_ptr<Acknowledged>> Acknowledged::open(const std::string& directory) {
  const std::string file = directory + "/" + kAcknowledgedFile;
  const auto failed = [&file](const char* what) {
    return base::error(base::ErrorCode::io, std::string("cannot ") + what + " " + file + ": " + std::strerror(errno));
  };
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("open");
  // Allocated, not only extended: a store into a hole of a full disk would be a SIGBUS.
  const int allocated = ::posix_fallocate(descriptor, 0, kBytes);
  if (allocated != 0) {
    ::close(descriptor);
    errno = allocated;
    return failed("allocate");
  }
  void* const mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (mapped == MAP_FAILED) return failed("map");
  std::unique_ptr<Acknowledged> result(new Acknowledged());
  result->words_ = static_cast<std::uint64_t*>(mapped);
  return result;
}

Acknowledged::~Acknowledged() {
  if (words_ != nullptr) ::munmap(words_, kBytes);
}

core::Sequence Acknowledged::last() const noexcept {
  if (words_[0] != ~words_[1]) return {};
  return core::Sequence(words_[0]);
}

void Acknowledged::set(core::Sequence sequence) noexcept {
  words_[0] = sequence.value;
  words_[1] = ~sequence.value;
}

}  // namespace ledger::store
