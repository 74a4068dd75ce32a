#include "cli/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace cli {
namespace {

// The first account of the well-known test mnemonic.
constexpr const char* kKnownKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr const char* kKnownAddress = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tabctl-key-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/key";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  void write(const std::string& text, ::mode_t mode) {
    std::ofstream(path_) << text;
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  std::string folder_;
  std::string path_;
};

TEST_F(KeyFileTest, WritesOncePrivatelyAndReadsBack) {
  const crypto::SecretKey key = crypto::SecretKey::generate();
  ASSERT_TRUE(write_key_file(path_, key));
  struct stat facts {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777u, 0400u);
  const auto read = read_key_file(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->address(), key.address());

  const Outcome again = write_key_file(path_, key);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ExitCode::unreachable);
}

TEST_F(KeyFileTest, ReadsAKnownKey) {
  write(std::string(kKnownKey) + "\n", 0600);
  const auto key = read_key_file(path_);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(base::to_hex(key->address()), kKnownAddress);
}

TEST_F(KeyFileTest, RefusesWhatOthersCanRead) {
  write(std::string(kKnownKey) + "\n", 0644);
  const auto key = read_key_file(path_);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ExitCode::usage);
  EXPECT_NE(key.error().message.find("0644"), std::string::npos);
  EXPECT_NE(key.error().message.find("chmod 0400"), std::string::npos);
}

TEST_F(KeyFileTest, RefusesWhatIsNoKeyWithoutShowingIt) {
  for (const char* wrong : {"", "hello", "0x00", "0x0000000000000000000000000000000000000000000000000000000000000000",
                            "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"}) {
    write(wrong, 0400);
    const auto key = read_key_file(path_);
    ASSERT_FALSE(key) << wrong;
    EXPECT_EQ(key.error().code, ExitCode::usage);
    if (*wrong != '\0') {
      EXPECT_EQ(key.error().message.find(wrong), std::string::npos);
    }
    ::unlink(path_.c_str());
  }
}

TEST_F(KeyFileTest, MissingFileSaysHowToMakeOne) {
  const auto key = read_key_file(path_);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ExitCode::unreachable);
  EXPECT_NE(key.error().next.find("tabctl keygen"), std::string::npos);
}

}  // namespace
}  // namespace cli
