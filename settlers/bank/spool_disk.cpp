#include "settlers/bank/spool_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/codec.h"
#include "base/limits.h"
#include "crypto/sha256.h"

namespace settlers::bank {
namespace {

constexpr mode_t kFileMode = 0640;  // the transport reads as a member of the group

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

base::Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open", path);
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  if (!ok) return io_error("cannot sync", path);
  return {};
}

}  // namespace

tl::unexpected<base::Error> io_error(const std::string& what, const std::string& path) {
  return base::error(base::ErrorCode::io, what + " " + path + ": " + std::strerror(errno));
}

std::string shortened_name(const std::string& name) {
  constexpr std::size_t kNameMax = 200, kHashDigits = 16;  // of 255 in all
  if (name.size() <= kNameMax) return name;
  const base::Hash hash =
      crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(name.data()), name.size()));
  return name.substr(0, kNameMax - kHashDigits - 1) + "-" + base::to_hex(hash).substr(2, kHashDigits);
}

base::Result<std::set<std::string>> names_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed))
    names.insert(entry->path().filename().string());
  if (failed) return base::error(base::ErrorCode::io, "cannot read " + directory + ": " + failed.message());
  return names;
}

base::Result<void> make_directory(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return base::error(base::ErrorCode::io, "cannot make " + path + ": " + failed.message());
  return {};
}

base::Result<void> write_file(const std::string& directory, const std::string& name, std::string_view bytes) {
  const std::string fresh = directory + "/." + name + ".tmp", path = directory + "/" + name;
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (fd < 0) return io_error("cannot create", fresh);
  const bool ok = write_all(fd, bytes.data(), bytes.size()) && ::fsync(fd) == 0;
  if (!ok) {
    const auto failed = io_error("cannot write", fresh);
    ::close(fd);
    return failed;
  }
  ::close(fd);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error("cannot rename to", path);
  return sync_directory(directory);
}

base::Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return io_error("cannot open", path);
  std::string bytes;
  char block[65536];
  for (;;) {
    const ssize_t got = ::read(fd, block, sizeof(block));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const auto failed = io_error("cannot read", path);
      ::close(fd);
      return failed;
    }
    if (got == 0) break;
    bytes.append(block, static_cast<std::size_t>(got));
    if (bytes.size() > base::limits::kBankFileBytesMax) break;  // the reader refuses it with the reason
  }
  ::close(fd);
  return bytes;
}

base::Result<void> move_file(const std::string& from, const std::string& to, const std::string& name,
                             const std::string& new_name) {
  const std::string path = from + "/" + name, target = to + "/" + new_name;
  if (::rename(path.c_str(), target.c_str()) != 0) return io_error("cannot move to " + target + " from", path);
  RETURN_IF_ERROR(sync_directory(to));
  return sync_directory(from);
}

base::Result<void> append_synced(int fd, base::ByteView bytes, const std::string& path) {
  if (!write_all(fd, reinterpret_cast<const char*>(bytes.data()), bytes.size()) || ::fdatasync(fd) != 0)
    return io_error("cannot write", path);
  return {};
}

}  // namespace settlers::bank
