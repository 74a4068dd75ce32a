#include "cli/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cli {

Outcome write_file(const std::string& path, base::ByteView bytes) {
  const auto failure = [&](const char* what) {
    return tl::unexpected<Failure>(Failure{ExitCode::unreachable,
                                           fmt::format("cannot {} {}: {}.", what, path, std::strerror(errno)), "",
                                           base::Status::ok});
  };
  const std::string temporary = path + ".part";
  std::FILE* file = std::fopen(temporary.c_str(), "we");
  if (file == nullptr) return failure("create");
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (std::fclose(file) != 0 || !written) {
    ::unlink(temporary.c_str());
    return failure("write");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failure("create");
  return {};
}

Outcome write_file(const std::string& path, std::string_view text) {
  return write_file(path, base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace cli
