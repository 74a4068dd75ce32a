#include "ops/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace {

TEST(Notify, SendsTheStateToTheNamedSocket) {
  char folder[] = "/tmp/tabd_notify_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/s";
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  ops::notify_service_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> buffer{};
  const ssize_t count = ::recv(receiver, buffer.data(), buffer.size(), MSG_DONTWAIT);
  ASSERT_EQ(count, 7);
  EXPECT_EQ(std::string(buffer.data(), 7), "READY=1");
  ::close(receiver);
  std::filesystem::remove_all(folder);
}

TEST(Notify, WithoutASocketNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  ops::notify_service_manager("READY=1");
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  ops::notify_service_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
