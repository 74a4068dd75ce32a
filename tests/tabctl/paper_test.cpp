// Proofs, audits, checkpoints: what can be checked without the daemon.

#include <filesystem>
#include <fstream>

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlPaper : public TabctlTest {
 protected:
  Finished verify(const std::string& file, const std::string& network, const std::string& operator_key) {
    return tabctl({"verify-proof", file, "--network", network, "--operator", operator_key, "--quiet"});
  }
  std::string operator_address() { return text_of(json("operator", {"status"}), "operator"); }
};

TEST_F(TabctlPaper, AChargeIsProvenOffline) {
  const std::string sequence = charge("0.40");
  const std::string statement = bill();
  const std::string file = path("charge.proof");
  good("payer", {"prove", sequence, "-o", file, "--role", "payer"});
  const std::string operator_key = operator_address();
  tabd_->stop();  // nothing of the daemon is needed from here on

  const Finished proven = verify(file, "test:tab", operator_key);
  EXPECT_EQ(proven.exit_code, 0) << proven.output;
  EXPECT_TRUE(contains(proven.output, "The proof holds.")) << proven.output;
  EXPECT_TRUE(contains(proven.output, address("payer"))) << proven.output;
  EXPECT_TRUE(contains(proven.output, address("server"))) << proven.output;
  EXPECT_TRUE(contains(proven.output, "statement " + statement)) << proven.output;

  EXPECT_EQ(verify(file, "other:tab", operator_key).exit_code, 4);
  EXPECT_EQ(verify(file, "test:tab", address("stranger")).exit_code, 4);
  EXPECT_EQ(verify(file, "test:tab", "0x12").exit_code, 2);
  std::string bytes = read_file(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_EQ(verify(folder_.write("forged.proof", bytes), "test:tab", operator_key).exit_code, 4);
  EXPECT_EQ(verify(folder_.write("no.proof", "hello"), "test:tab", operator_key).exit_code, 4);
}

TEST_F(TabctlPaper, ProofsCanBePrinted) {
  const std::string sequence = charge("0.40");
  const std::string file = folder_.write("charge.hex", good("operator", {"prove", sequence}));
  EXPECT_EQ(verify(file, "test:tab", operator_address()).exit_code, 0);
  EXPECT_TRUE(contains(fails(1, "operator", {"prove", "99999"}), "There is no entry 99999"));
  fails(1, "payer", {"prove", "1", "--role", "payer"});  // not its own
  const std::string payees = folder_.write("payees.hex", good("server", {"prove", sequence}));
  EXPECT_EQ(read_file(payees), read_file(file)) << "the payee's side gets the same proof";
  fails(1, "server", {"prove", "1", "--role", "server"});
}

TEST_F(TabctlPaper, TheLedgerOnlyGrew) {
  charge("0.40");
  const std::string older = text_of(json("operator", {"status"}).at("head"), "last_segment");
  charge("0.50");
  const std::string file = path("grew.proof");
  good("auditor", {"prove-extension", older, "-o", file});
  const Finished grew = verify(file, "test:tab", operator_address());
  EXPECT_EQ(grew.exit_code, 0) << grew.output;
  EXPECT_TRUE(contains(grew.output, "contains everything of segment " + older)) << grew.output;
  EXPECT_EQ(verify(file, "test:tab", address("stranger")).exit_code, 4);
  fails(2, "auditor", {"prove-extension", "99999"});
}

TEST_F(TabctlPaper, CheckpointsAreAuditedAndRestored) {
  charge("0.40");
  bill();
  const std::string made = good("operator", {"checkpoint", "monday"});
  const std::string checkpoint = text_of(json("operator", {"checkpoint", "tuesday"}), "directory");
  EXPECT_TRUE(contains(made, "monday")) << made;
  EXPECT_TRUE(contains(fails(1, "operator", {"checkpoint", "monday"}), "exists"));
  fails(1, "operator", {"checkpoint", "../monday"});

  const Finished running = tabctl({"audit", tabd_->data()});
  EXPECT_EQ(running.exit_code, 3) << running.output;
  EXPECT_TRUE(contains(running.output, "checkpoint")) << running.output;

  const std::string operator_key = operator_address();
  const Finished audited = tabctl({"audit", checkpoint, "--network", "test:tab", "--operator", operator_key});
  EXPECT_EQ(audited.exit_code, 0) << audited.output;
  EXPECT_TRUE(contains(audited.output, "Everything is as it must be.")) << audited.output;
  EXPECT_NE(tabctl({"audit", checkpoint, "--network", "other:tab"}).exit_code, 0);

  const Finished restored = tabctl({"restore", checkpoint, path("copy"), "--quiet"});
  EXPECT_EQ(restored.exit_code, 0) << restored.output;
  const Finished again = tabctl({"audit", path("copy"), "--json", "--quiet"});
  const cli::Result<cli::Json> report = cli::parse_json(again.output, "output");
  ASSERT_TRUE(report) << again.output;
  EXPECT_EQ(text_of(*report, "clean"), "true");
  EXPECT_NE(tabctl({"restore", checkpoint, path("copy")}).exit_code, 0) << "never overwrites";

  // One changed bit is found, wherever it is.
  for (const auto& entry : std::filesystem::directory_iterator(path("copy"))) {
    if (entry.path().extension() != ".sst") continue;
    std::string bytes = read_file(entry.path());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(entry.path(), std::ios::binary) << bytes;
  }
  const Finished damaged = tabctl({"audit", path("copy"), "--quiet"});
  EXPECT_EQ(damaged.exit_code, 4) << damaged.output;
  EXPECT_FALSE(contains(damaged.output, "Everything is as it must be.")) << damaged.output;

  // A stopped daemon's own folder can be audited too.
  tabd_->stop();
  const Finished stopped = tabctl({"audit", tabd_->data(), "--quiet"});
  EXPECT_EQ(stopped.exit_code, 0) << stopped.output;
}

}  // namespace
}  // namespace system_test
