// What happens to the spool's directory while the rail runs.

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

TEST_F(BankEngine, WithoutItsDirectoryNothingIsTaken) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  fs::rename(directory_ / "out", directory_ / "away");
  EXPECT_THAT(tick(), ElementsAre(HasSubstr("cannot read")));
  EXPECT_THAT(tick(), IsEmpty()) << "said once";
  EXPECT_THAT(engine_->describe(), HasSubstr("DEGRADED: cannot read"));
  fs::rename(directory_ / "away", directory_ / "out");
  EXPECT_THAT(tick(), IsEmpty());
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for its transport"));
  EXPECT_THAT(engine_->describe(), ::testing::Not(HasSubstr("DEGRADED")));
}

TEST_F(BankEngine, AFileThatCannotBePutAwayHoldsUpNoOther) {
  put("in/a.xml", "junk");
  put("in/b.xml", reports::statement_of({}));
  fs::rename(directory_ / "in/rejected", directory_ / "in/gone");
  std::vector<std::string> said;
  std::vector<std::string> order;
  const auto read_all = [&] {
    for (int i = 0; i < 10; ++i) {
      const auto incoming = engine_->next_incoming();
      if (!incoming) return;
      order.push_back(incoming->name);
      for (const std::string& each : engine_->finish_incoming(*incoming)) said.push_back(each);
    }
  };
  read_all();
  EXPECT_THAT(order, ElementsAre("a.xml", "b.xml"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("in/a.xml stays there: "), HasSubstr("in/b.xml: 0 entries")));
  tick();
  read_all();
  EXPECT_THAT(order, ElementsAre("a.xml", "b.xml", "a.xml")) << "once more at the next look";
  EXPECT_THAT(said, SizeIs(2)) << "and not said again";
  fs::rename(directory_ / "in/gone", directory_ / "in/rejected");
  tick();
  read_all();
  EXPECT_THAT(names("in"), IsEmpty());
}

TEST_F(BankEngine, NamesOfAnyLengthArePutAway) {
  const std::string name = "a" + std::string(246, 'x');
  receive(name, "junk");
  EXPECT_THAT(names("in"), IsEmpty());
  EXPECT_THAT(names("in/rejected"), SizeIs(2));
  put("gate/" + std::string(250, 'g'), "");
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  EXPECT_THAT(tick(), SizeIs(2));
  EXPECT_THAT(names("out"), SizeIs(1));
  ASSERT_THAT(names("gate"), SizeIs(1));
  EXPECT_TRUE(names("gate")[0].ends_with(".refused"));
}

TEST_F(BankEngine, ANetworkThatIsSwitchedOffIsWaitedFor) {
  Instruction queued = ach(1, 100), taken = ach(2, 200);
  send(taken);
  at("2026-11-24", 19, 45);
  tick();
  deliver();
  send(queued);
  options_.ach.reset();
  open();
  at("2026-12-24", 12);
  engine_->adopt(queued.settlement);
  EXPECT_EQ(probe(queued).state, S::accepted);
  EXPECT_THAT(probe(queued).detail, HasSubstr("ACH is not configured"));
  EXPECT_EQ(probe(taken).state, S::accepted);
  taken.settlement.state = S::settled;
  EXPECT_EQ(probe(taken).state, S::settled);
  EXPECT_THAT(tick(), IsEmpty());
  EXPECT_THAT(engine_->describe(), HasSubstr("1 payments wait"));
}

TEST_F(BankEngine, ABookingOfANetworkThatIsSwitchedOffIsNotFinal) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  tell(one, receive("s.xml", reports::statement_of({{one.settlement.reference, 100, true, "", 0, "", 0, "BOOK"}})));
  options_.sepa.reset();
  open();
  at("2027-11-23", 8, 30);
  EXPECT_EQ(probe(one).state, S::settled);
  EXPECT_THAT(probe(one).detail, HasSubstr("SEPA is not configured"));
}

// One statement in two files is one; a bank may name its files as it likes.
TEST_F(BankEngine, TheBanksRecordCountsAnEntryOnce) {
  Instruction one = collection(1, 1'250);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  at("2026-11-24", 20);
  const std::string statement = reports::statement_of({{one.settlement.reference, 1'250, true, "", 0, "", 0, "BOOK"}});
  receive("TABD-answer.xml", statement);
  receive("TABD-answer.xml", statement);
  receive("copy.xml", statement);
  for (int run = 0; run < 2; ++run) {
    MovementQuery query;
    query.from = utc("2026-11-01", 0);
    query.to = clock_.now();
    std::vector<std::uint64_t> found;
    for (int page = 0; page < 20; ++page) {
      const auto answer = engine_->movements(query);
      ASSERT_TRUE(answer) << answer.error().message;
      for (const RailMovement& each : answer->movements) found.push_back(each.settlement.value);
      query.after = answer->next;
      if (query.after.empty()) break;
    }
    EXPECT_THAT(found, ElementsAre(1U)) << run;
  }
}

}  // namespace
}  // namespace bank_test
