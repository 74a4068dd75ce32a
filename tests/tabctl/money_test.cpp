// Items, statements, settlements, balances, events.

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlMoney : public TabctlTest {
 protected:
  std::string unsigned_item(const std::string& kind, const std::string& fields) {
    return R"({"kind":")" + kind + R"(","payer":")" + address("payer") + R"(","payee":")" + address("payee") + "\"," +
           fields + "}\n";
  }
};

TEST_F(TabctlMoney, SubmitsUnsignedItemsOfEveryKind) {
  const std::string items =
      unsigned_item("charge", R"("maximum":"0.05","nonce":1,"valid_before":"+1h","amount":"0.01")") +
      unsigned_item("hold", R"("maximum":"0.50","nonce":2,"valid_before":"+1h")") + R"({"kind":"capture","payer":")" +
      address("payer") +
      R"(","nonce":2,"amount":"0.20"})"
      "\n" +
      unsigned_item("hold", R"("maximum":"0.50","nonce":3,"valid_before":"+1h")") + R"({"kind":"release","payer":")" +
      address("payer") +
      R"(","nonce":3})"
      "\n" +
      unsigned_item("voucher", R"("maximum":"1","usages":[{"amount":"0.10"},{"amount":"0.15","quantity":4}])");
  const std::string unsigned_refusal = fails(2, "server", {"submit", "-"}, items);
  EXPECT_TRUE(contains(unsigned_refusal, "line 1")) << unsigned_refusal;
  EXPECT_TRUE(contains(unsigned_refusal, "--sign-with")) << unsigned_refusal;

  const Words submit = {"submit", "-", "--sign-with", key("payer"), "--results"};
  EXPECT_TRUE(
      contains(good("server", {"submit", "-", "--sign-with", key("payer"), "--check"}, items), "Nothing was sent"));
  const std::string accepted = good("server", submit, items);
  EXPECT_TRUE(contains(accepted, "6 accepted, 0 refused.")) << accepted;
  // 0.01 + 0.20 + 0.25
  EXPECT_EQ(text_of(json("operator", {"balance", "--payer", "Crawler"}).at("items").at(0), "unbilled"), "0.460000");
  const cli::Json charges = json("operator", {"charge", "list", "Crawler", "--all"});
  EXPECT_EQ(charges.at("items").as_array().size(), 5u) << "a release charges nothing";
}

TEST_F(TabctlMoney, TheSameItemIsChargedOnce) {
  const std::string item = signed_charge("0.10");
  good("server", {"submit", "-"}, item);
  EXPECT_TRUE(contains(good("server", {"submit", "-"}, item), "1 of them before"));
  EXPECT_EQ(text_of(json("operator", {"balance", "--payer", "Crawler"}).at("items").at(0), "unbilled"), "0.100000");
}

TEST_F(TabctlMoney, RefusalsAreNamedItemByItem) {
  const std::string items =
      unsigned_item("charge", R"("maximum":"0.05","nonce":1,"valid_before":"+1h","amount":"0.06")") +
      unsigned_item("charge", R"("maximum":"0.05","nonce":2,"valid_before":"2001-01-01","amount":"0.05")") +
      unsigned_item("charge", R"("maximum":"0.05","nonce":3,"valid_before":"+1h","amount":"0.05","signature":"0x12")") +
      unsigned_item("charge", R"("maximum":"0.05","nonce":4,"valid_before":"+1h","amount":"0.05")");
  const std::string output = fails(1, "server", {"submit", "-", "--sign-with", key("payer")}, items);
  EXPECT_TRUE(contains(output, "line 1: charge_above_maximum")) << output;
  EXPECT_TRUE(contains(output, "line 2: expired")) << output;
  EXPECT_TRUE(contains(output, "line 3: signature_length")) << output;
  EXPECT_TRUE(contains(output, "1 accepted, 3 refused.")) << output;
  const std::string for_machines = fails(1, "server", {"submit", "-", "--sign-with", key("payer"), "--json"}, items);
  EXPECT_TRUE(contains(for_machines, R"("status":"charge_above_maximum","number":60)")) << for_machines;
  EXPECT_TRUE(contains(for_machines, R"("limit":"0.050000","allowed":"0.050000")")) << for_machines;
  EXPECT_TRUE(contains(for_machines, R"("limit":null,"allowed":null)")) << for_machines;
  EXPECT_TRUE(contains(fails(2, "server", {"submit", "-"}, "{oops\n"), "line 1"));
  EXPECT_TRUE(contains(good("server", {"submit", "-"}, "\n"), "holds no items"));
}

TEST_F(TabctlMoney, ManyItemsGoInBatches) {
  std::string items = "[";
  for (int i = 1; i <= 1500; ++i) {
    std::string item = unsigned_item(
        "charge", R"("maximum":"0.01","valid_before":"+1h","amount":"0.001","nonce":)" + std::to_string(i));
    item.pop_back();
    items += (i == 1 ? "" : ",") + item;
  }
  const std::string output = good("server", {"submit", "-", "--sign-with", key("payer")}, items + "]");
  EXPECT_TRUE(contains(output, "1,500 accepted, 0 refused.")) << output;
  EXPECT_EQ(text_of(json("operator", {"status"}).at("figures"), "rpc_batches_total"), "2");
}

TEST_F(TabctlMoney, AWindowBecomesAStatementAndIsPaid) {
  EXPECT_TRUE(contains(good("operator", {"statement", "list"}), "There are no statements yet"));
  EXPECT_TRUE(contains(good("operator", {"settlement", "list"}), "There are no settlements yet"));
  EXPECT_TRUE(contains(good("operator", {"charge", "list", "Crawler"}), "Nothing was charged yet"));
  charge("1.234567");
  charge("2");
  const std::string number = bill();
  const cli::Json statement = json("operator", {"statement", "show", number});
  EXPECT_EQ(text_of(statement, "total"), "3.234567");
  EXPECT_EQ(text_of(statement, "billed"), "3.230000") << "rounded down to what the rail can move";
  EXPECT_EQ(text_of(statement.at("carried_out").at(0), "amount"), "0.004567");
  EXPECT_EQ(text_of(statement, "entries"), "2");
  EXPECT_TRUE(contains(good("operator", {"statement", "show", number}), "weather"));
  EXPECT_TRUE(contains(good("payer", {"statement", "show", number, "--role", "payer"}), "3.230000 USD"));
  EXPECT_TRUE(contains(good("payer", {"statement", "list", "--role", "payer"}), "paid"));
  EXPECT_TRUE(contains(fails(1, "operator", {"statement", "show", "99"}), "There is no statement 99"));

  // 2.5 % of 3.23 is 0.08075; the payee gets what the rail can move of the rest.
  EXPECT_TRUE(eventually([&] {
    return text_of(json("operator", {"balance", "--payee", "weather"}).at("items").at(0), "paid_out") != "0.000000";
  })) << tabd_->log();
  const cli::Json collections = json("operator", {"settlement", "list", "--state", "final"});
  ASSERT_GE(collections.at("items").as_array().size(), 1u);
  EXPECT_EQ(text_of(collections.at("items").at(0), "amount"), "3.230000");
  EXPECT_TRUE(contains(good("operator", {"settlement", "show", "1"}), "sandbox-"));
  EXPECT_TRUE(contains(fails(1, "operator", {"settlement", "retry", "1"}), "wrong_state"));
  EXPECT_TRUE(contains(fails(1, "operator", {"settlement", "cancel", "1", "--reason", "x"}), "wrong_state"));
  EXPECT_TRUE(contains(fails(2, "operator", {"settlement", "list", "--state", "done"}), "States are"));
  EXPECT_TRUE(contains(good("operator", {"balance"}), "revenue"));
}

TEST_F(TabctlMoney, CreditNotesWriteOffsAndTheKillSwitch) {
  good("operator", {"credit-note", "Crawler", "0.50", "--reason", "welcome", "--reference", "one"});
  good("operator", {"rails", "disable", "sandbox"});
  EXPECT_TRUE(contains(good("operator", {"rails", "list"}), "off"));
  EXPECT_TRUE(contains(good("operator", {"status"}), "kill switch"));
  charge("2");
  good("operator", {"close", "Crawler"});
  const cli::Json statement = json("operator", {"statement", "show", "1"});
  EXPECT_EQ(text_of(statement, "credit_applied"), "0.500000");
  EXPECT_EQ(text_of(statement, "to_collect"), "1.500000");
  good("operator", {"write-off", "1", "--reason", "test"});
  EXPECT_EQ(text_of(json("operator", {"statement", "show", "1"}), "state"), "written_off");
  good("operator", {"rails", "enable", "sandbox"});
  EXPECT_TRUE(contains(fails(1, "operator", {"rails", "enable", "carrier-pigeon"}), "There is no rail carrier-pigeon"));
}

TEST_F(TabctlMoney, ChannelsThatAreNotThereAreSaidSo) {
  EXPECT_TRUE(contains(good("operator", {"channel", "list"}), "No payment channel is kept here yet"));
  EXPECT_TRUE(contains(good("auditor", {"channel", "earnings"}), "Nothing was earned through payment channels yet"));
  EXPECT_TRUE(json("operator", {"channel", "list"}).at("items").as_array().empty());
  EXPECT_TRUE(json("operator", {"channel", "earnings"}).at("items").as_array().empty());
  const std::string unknown = "0x" + std::string(64, '7');
  EXPECT_TRUE(contains(fails(1, "operator", {"channel", "show", unknown}), "There is no channel " + unknown));
  EXPECT_TRUE(contains(fails(1, "operator", {"channel", "release", "3"}), "There is no channel 3"));
  EXPECT_TRUE(contains(fails(1, "operator", {"channel", "aside", "0", "--reason", "x"}), "There is no channel 0"));
  fails(2, "operator", {"channel", "show", "0x12"});
  fails(2, "operator", {"channel", "show", "first"});
}

TEST_F(TabctlMoney, EventsAndJournalCanBeFollowed) {
  const auto follow = [&](const std::string& name, Words words, const std::string& file) {
    const Words common = {tabctl_binary(), "--socket", tabd_->socket(), "--key", key(name)};
    words.insert(words.begin(), common.begin(), common.end());
    return std::make_unique<Process>(words, path(file));
  };
  const auto events = follow("operator", {"events", "--kind", "accepted", "--count", "1"}, "events.out");
  const auto journal = follow("auditor", {"journal", "follow", "--count", "2", "--json"}, "journal.out");
  // Both say on stderr when they have begun.
  ASSERT_TRUE(eventually([&] { return contains(events->output(), "Following events"); })) << events->output();
  ASSERT_TRUE(eventually([&] { return contains(journal->output(), "Following the journal"); })) << journal->output();
  charge("0.70");
  EXPECT_EQ(events->wait(20'000), 0) << events->output();
  EXPECT_EQ(journal->wait(20'000), 0) << journal->output();
  EXPECT_TRUE(contains(events->output(), "0.700000 USD")) << events->output();
  EXPECT_TRUE(contains(journal->output(), "\"kind\":\"window_opened\"")) << journal->output();
  EXPECT_TRUE(contains(journal->output(), "\"kind\":\"charged\"")) << journal->output();
  EXPECT_TRUE(contains(good("auditor", {"journal", "list", "--limit", "1"}), "genesis"));
  EXPECT_TRUE(contains(fails(2, "operator", {"events", "--kind", "acepted"}), "Did you mean \"accepted\"?"));
  fails(1, "operator", {"journal", "list"});
}

}  // namespace
}  // namespace system_test
