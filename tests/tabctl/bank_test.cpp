// The bank rail's gate and inbox, as an operator sees them: tabd with a spool, tabctl, and what lies in the folders.

#include <filesystem>
#include <fstream>

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

namespace fs = std::filesystem;

const char* const kBank =
    "[rails.bank]\nenabled = true\napprove_above = \"0.01\"\npoll_interval = \"100ms\"\n"
    "demonstration_day = \"200ms\"\n"
    "[rails.bank.sepa]\nenabled = true\nname = \"Acme GmbH\"\niban = \"DE89370400440532013000\"\n"
    "creditor_id = \"DE98ZZZ09999999999\"\n"
    "[[rails.bank.asset]]\nasset = \"USD\"\ncurrency = \"EUR\"\n";

// A statement of one wire that names no payment of ours.
const char* const kWire =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>"
    "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-11-20T20:00:00</CreDtTm></GrpHdr>"
    "<Stmt><Id>STATEMENT-1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
    "<Ntry><Amt Ccy=\"EUR\">42.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
    "<BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>WIRE-1</AcctSvcrRef><NtryDtls><TxDtls>"
    "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy=\"EUR\">42.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
    "<RltdPties><Dbtr><Pty><Nm>Crawler Holding</Nm></Pty></Dbtr>"
    "<DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct></RltdPties>"
    "<RmtInf><Ustrd>statement 4711\n</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>\n";

class TabctlBank : public TabctlTest {
 protected:
  std::string extra_config() const override { return kBank; }
  std::string network() const override { return "demo:tab"; }

  void SetUp() override {
    TabctlTest::SetUp();
    good("operator", {"plan", "add", "sepa", "--window", "day", "--credit-limit", "50", "--rail", "bank"});
    good("operator", {"payer", "add", address("payer"), "--label", "Crawler", "--plan", "sepa"});
    good("operator",
         {"mandate", "rail", "scheme=sepa-core;name=Jo Payer;iban=DE02120300000000202051;mandate=M-1;signed=2026-01-31",
          "--text", "--rail", "bank", "--payer", "Crawler"});
  }

  std::string spool(const std::string& name) const { return tabd_->data() + "/bank/" + name; }
  bool in_out(const std::string& file) const { return fs::exists(spool("out/" + file)); }
  cli::JsonArray files() { return json("operator", {"bank", "list"}).at("items").as_array(); }
  std::string detail() { return text_of(json("operator", {"settlement", "show", "1"}), "detail"); }
  // One collection in a file that is held for its sum; gives its name.
  std::string held_file() {
    charge("1.00");
    good("operator", {"close", "Crawler"});
    EXPECT_TRUE(eventually([&] { return !files().empty(); })) << tabd_->log();
    const cli::JsonArray listed = files();
    return listed.empty() ? std::string() : text_of(listed[0], "name");
  }
  void restart(bool dry_run) {
    tabd_->stop();
    const std::string on = "dry_run = true\n", section = "[settlement]\n";
    std::string config = read_file(tabd_->config_file());
    if (const std::size_t at = config.find(on); at != std::string::npos) config.erase(at, on.size());
    if (dry_run) config.insert(config.find(section) + section.size(), on);
    std::ofstream(tabd_->config_file()) << config;
    tabd_->start_ready();
  }
};

TEST_F(TabctlBank, WhatNeverLeftWasNotSentAndListsSayWhatTheyShow) {
  const std::string file = held_file();
  ASSERT_EQ(text_of(files().at(0), "state"), "held");
  EXPECT_EQ(text_of(files().at(0), "currency"), "EUR");
  EXPECT_TRUE(contains(good("auditor", {"bank", "list", "--state", "held"}), "1.00 EUR"));
  const std::string wrong = fails(2, "auditor", {"bank", "list", "--state", "foo"});
  EXPECT_TRUE(contains(wrong, "\"foo\"") && contains(wrong, "written, handing over, out, taken, held, void")) << wrong;
  for (const char* word : {"sent", "resend"})
    EXPECT_TRUE(contains(fails(1, "operator", {"bank", word, file}), "it has never left")) << word;
  EXPECT_EQ(text_of(files().at(0), "state"), "held");
  EXPECT_EQ(text_of(json("operator", {"settlement", "show", "1"}), "state"), "accepted");

  EXPECT_TRUE(contains(good("operator", {"bank", "release", file}), "is in out/"));
  EXPECT_TRUE(in_out(file));
  EXPECT_TRUE(eventually([&] { return contains(detail(), "waits for its transport"); })) << detail();
  EXPECT_TRUE(contains(fails(1, "operator", {"bank", "sent", file}), "its state is out"));
  EXPECT_TRUE(contains(fails(1, "operator", {"bank", "void", file, "--confirmed-by-bank"}), "take it out of out/"));
  fs::rename(spool("out/" + file), spool("archive/" + file));
  EXPECT_TRUE(eventually([&] { return text_of(files().at(0), "state") == "taken"; }));
  const cli::Json done = json("operator", {"bank", "void", file, "--confirmed-by-bank"});
  EXPECT_EQ(text_of(done, "carried_out"), "true");
  EXPECT_EQ(text_of(done, "state"), "void");
  EXPECT_TRUE(eventually([&] {
    return text_of(json("operator", {"settlement", "show", "1"}), "technical_retries") == "1";
  })) << tabd_->log();
}

TEST_F(TabctlBank, NothingLeavesInADryRunOrWithTheKillSwitchOn) {
  const std::string file = held_file();
  restart(true);
  const std::string told = good("operator", {"bank", "release", file});
  EXPECT_TRUE(contains(told, "waits: nothing is sent while the kill switch or the dry run is on")) << told;
  EXPECT_TRUE(contains(good("operator", {"bank", "list", "--state", "written"}), "nothing is sent while"));
  EXPECT_FALSE(in_out(file));
  restart(false);
  EXPECT_TRUE(eventually([&] { return in_out(file); })) << tabd_->log();
  EXPECT_TRUE(eventually([&] { return text_of(files().at(0), "state") == "out"; }));

  fs::rename(spool("out/" + file), spool("archive/" + file));
  EXPECT_TRUE(eventually([&] { return text_of(files().at(0), "state") == "taken"; }));
  good("operator", {"rails", "disable", "bank"});
  EXPECT_TRUE(contains(good("operator", {"bank", "resend", file}), "waits: nothing is sent while"));
  EXPECT_FALSE(in_out(file));
  EXPECT_TRUE(eventually([&] { return contains(detail(), "the kill switch"); })) << detail();
  good("operator", {"rails", "enable", "bank"});
  EXPECT_TRUE(eventually([&] { return in_out(file); })) << tabd_->log();
  EXPECT_TRUE(eventually([&] { return contains(detail(), "waits for its transport"); })) << detail();
}

TEST_F(TabctlBank, AWireInTheInboxSaysWhoSentItAndWhatFor) {
  std::ofstream(spool("in/statement.xml.part")) << kWire;
  fs::rename(spool("in/statement.xml.part"), spool("in/statement.xml"));
  const auto suspense = [&] {
    return json("operator", {"inbox", "list", "--state", "suspense"}).at("items").as_array();
  };
  ASSERT_TRUE(eventually([&] { return suspense().size() == 1; })) << tabd_->log();
  const std::string number = text_of(suspense().at(0), "id");
  const std::string wanted = "from \"Crawler Holding\", DE02120300000000202051; for \"statement 4711\"";
  const std::string shown = good("auditor", {"inbox", "show", number});
  EXPECT_TRUE(contains(shown, wanted)) << shown;
  EXPECT_TRUE(contains(text_of(json("operator", {"inbox", "show", number}), "detail"), wanted));
}

}  // namespace
}  // namespace system_test
