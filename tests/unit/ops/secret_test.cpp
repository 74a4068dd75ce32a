#include "ops/secret.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace {

// The first publicly known development key of "test test ... junk".
constexpr const char* kKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr const char* kAddress = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

class Secret : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tabd_secret_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(folder_);
  }
  std::string write(const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string folder_;
};

TEST_F(Secret, ReadsAGuardedKey) {
  for (const mode_t mode : {0400u, 0600u}) {
    const auto key = ops::read_secret_key(write("k" + std::to_string(mode), std::string(kKey) + "\n", mode));
    ASSERT_TRUE(key.has_value()) << key.error().message;
    EXPECT_EQ(base::to_hex(key->address()), kAddress);
  }
}

TEST_F(Secret, RefusesAFileThatOthersCanRead) {
  for (const mode_t mode : {0440u, 0604u, 0640u, 0644u, 0700u, 0660u}) {
    const std::string path = write("k" + std::to_string(mode), kKey, mode);
    const auto key = ops::read_secret_key(path);
    ASSERT_FALSE(key.has_value()) << mode;
    EXPECT_EQ(key.error().code, base::ErrorCode::permission);
    EXPECT_NE(key.error().message.find(path), std::string::npos);
    EXPECT_NE(key.error().message.find("chmod 0400"), std::string::npos) << key.error().message;
  }
}

TEST_F(Secret, RefusesWhatIsNoKeyAndDoesNotRepeatIt) {
  for (const std::string& text : {std::string("hunter2"), std::string(64, '0'), std::string(64, 'f'), std::string()}) {
    const auto key = ops::read_secret_key(write("bad", text, 0600));
    ASSERT_FALSE(key.has_value()) << text;
    EXPECT_EQ(key.error().code, base::ErrorCode::invalid_argument);
    if (!text.empty()) {
      EXPECT_EQ(key.error().message.find(text), std::string::npos);
    }
    std::filesystem::remove(folder_ + "/bad");
  }
}

TEST_F(Secret, RefusesDirectoriesAndMissingFiles) {
  EXPECT_EQ(ops::read_secret(folder_).error().code, base::ErrorCode::permission);
  EXPECT_EQ(ops::read_secret(folder_ + "/none").error().code, base::ErrorCode::not_found);
}

TEST_F(Secret, CredentialsComeFromTheirDirectory) {
  write("operator.key", kKey, 0400);
  EXPECT_EQ(ops::read_secret_key("credential:operator.key").error().code, base::ErrorCode::not_found);
  ::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  EXPECT_TRUE(ops::read_secret_key("credential:operator.key").has_value());
  EXPECT_EQ(ops::secret_path("credential:operator.key").value(), folder_ + "/operator.key");
}

}  // namespace
