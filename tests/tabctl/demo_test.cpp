// `make demo` and `make run`, shortened.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "playground/chain/dev_chain.h"
#include "tests/support/skip.h"
#include "tests/system/harness.h"

namespace system_test {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Leaves nothing behind: TMPDIR is a folder of the test, which must be empty afterwards.
class DemoTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(temporary()); }
  std::string temporary() const { return folder_.path() + "/tmp"; }
  std::map<std::string, std::string> environment() const { return {{"TMPDIR", temporary()}, {"TZ", "UTC"}}; }
  bool left_nothing() const { return std::filesystem::is_empty(temporary()); }
  TempFolder folder_;
};

TEST_F(DemoTest, SandboxTellsTheWholeStory) {
  const Finished demo = run({DEMO_BINARY, "--rail", "sandbox", "--seconds", "4"}, {}, environment());
  EXPECT_EQ(demo.exit_code, 0) << demo.output;
  for (const char* part : {"mandate_cap_exceeded", "nonce_conflict", "signature_wrong", "charge_above_maximum",
                           "already_accepted", "expired", "signer_not_authorised", "The proof holds.",
                           "Everything is as it must be.", "the books and the rail agree"})
    EXPECT_TRUE(contains(demo.output, part)) << part << "\n" << demo.output;
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoTest, ThreePayersSettleOneWindowByThreeRails) {
  if (!playground::chain::find_anvil(TABD_SOURCE) || !playground::chain::find_token_artifact(TABD_SOURCE) ||
      std::system("node --version >/dev/null 2>&1") != 0)
    SKIP_LOUDLY("no anvil, no compiled token or no Node.js: run tools/setup.sh full");
  const Finished demo = run({DEMO_BINARY, "--seconds", "6"}, {}, environment());
  EXPECT_EQ(demo.exit_code, 0) << demo.output;
  for (const char* part : {"payer-8's rail card refused statement", "One window, three rails:", "The provider took",
                           "sent", "the books, the chain, the card provider and the bank agree"})
    EXPECT_TRUE(contains(demo.output, part)) << part << "\n" << demo.output;
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoTest, StablecoinMovesMoneyOnAChain) {
  if (!playground::chain::find_anvil(TABD_SOURCE) || !playground::chain::find_token_artifact(TABD_SOURCE) ||
      std::system("node --version >/dev/null 2>&1") != 0)
    SKIP_LOUDLY("no anvil, no compiled token or no Node.js: run tools/setup.sh full");
  const Finished demo = run({DEMO_BINARY, "--rail", "stablecoin", "--seconds", "5"}, {}, environment());
  EXPECT_EQ(demo.exit_code, 0) << demo.output;
  EXPECT_TRUE(contains(demo.output, "the books and the chain agree")) << demo.output;
  EXPECT_TRUE(contains(demo.output, "TRANSACTION")) << demo.output;
  EXPECT_TRUE(left_nothing());
}

TEST_F(DemoTest, RunEndsWithCtrlC) {
  Process demo({DEMO_BINARY, "--rail", "sandbox", "--keep"}, folder_.path() + "/out", environment());
  ASSERT_TRUE(eventually([&] { return contains(demo.output(), "== Traffic") || !demo.running(); }));
  ASSERT_TRUE(demo.running()) << demo.output();
  EXPECT_TRUE(contains(demo.output(), "export TABCTL_SOCKET=")) << demo.output();
  EXPECT_TRUE(contains(demo.output(), "In a browser: http://127.0.0.1:")) << demo.output();
  demo.signal(SIGINT);
  EXPECT_EQ(demo.wait(30'000), 0) << demo.output();
  EXPECT_TRUE(left_nothing());
}

}  // namespace
}  // namespace system_test
