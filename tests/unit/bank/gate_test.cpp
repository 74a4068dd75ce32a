// The operator's word on files: what may be said of which, and when it is carried out.

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

class BankGate : public BankEngine {
 protected:
  void SetUp() override {
    options_.approve_above_cents = 50;
    BankEngine::SetUp();
  }
  // A file that has never been in out/.
  std::string held(Instruction& one) {
    send(one);
    tick();
    EXPECT_THAT(names("out"), IsEmpty());
    return engine_->files().files.back().name;
  }
  std::string say(const std::string& name, const std::string& word, bool sending = true) {
    put("gate/" + name + "." + word, "");
    const std::vector<std::string> news = engine_->tick(sending);
    return news.empty() ? std::string() : news.front();
  }
  BankFile last() const { return engine_->files().files.back(); }
};

TEST_F(BankGate, WhatIsReleasedWaitsUntilSendingIsAllowed) {
  at("2026-11-23", 8, 30);
  Instruction one = collection(1, 100);
  const std::string name = held(one);
  EXPECT_THAT(say(name, "release", false), HasSubstr("release by the operator"));
  EXPECT_THAT(names("gate"), IsEmpty());
  EXPECT_EQ(last().state, "written");
  EXPECT_THAT(last().reason, HasSubstr("the kill switch or the dry run is on"));
  EXPECT_THAT(probe(one).detail, HasSubstr("the kill switch or the dry run is on"));
  EXPECT_THAT(engine_->describe(), HasSubstr("1 may leave; waits"));
  EXPECT_THAT(say(name, "release", false), HasSubstr("as soon as sending is allowed"));
  EXPECT_THAT(say(name, "sent", false), HasSubstr("never left"));
  open();  // it is remembered
  engine_->tick(false);
  EXPECT_EQ(last().state, "written");
  EXPECT_THAT(names("out"), IsEmpty());
  tick();
  EXPECT_THAT(names("out"), ElementsAre(name));
  EXPECT_EQ(last().state, "out");
  EXPECT_EQ(last().reason, "");
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for its transport"));
  deliver();
  EXPECT_THAT(say(name, "resend", false), HasSubstr("resend by the operator"));
  EXPECT_THAT(names("out"), IsEmpty());
  EXPECT_EQ(last().state, "written");
  EXPECT_THAT(say(name, "sent", false), HasSubstr("sent by the operator")) << "it may have left before";
  tick();
  EXPECT_THAT(names("out"), IsEmpty());
}

TEST_F(BankGate, WhatWaitsForSendingCanBeVoided) {
  at("2026-11-23", 8, 30);
  Instruction one = collection(1, 100);
  const std::string name = held(one);
  say(name, "release", false);
  EXPECT_THAT(say(name, "void", false), HasSubstr("void by the operator"));
  tick();
  EXPECT_THAT(names("out"), IsEmpty());
  EXPECT_EQ(probe(one).failure, F::technical);
  EXPECT_THAT(say(name, "release"), HasSubstr("its payments have failed"));
}

TEST_F(BankGate, AFileThatNeverLeftCannotHaveBeenSent) {
  at("2026-11-24", 19, 45);
  Instruction one = ach(1, 1'250);
  const std::string name = held(one);
  EXPECT_FALSE(last().may_have_left);
  for (const char* word : {"sent", "resend"}) {
    EXPECT_THAT(say(name, word), HasSubstr("never left"));
    EXPECT_EQ(last().state, "held");
    EXPECT_EQ(last().refused_answer,
              std::string(word) + ": it has never left, so the bank cannot have it: release or void");
  }
  EXPECT_THAT(names("gate"), ElementsAre(name + ".resend.refused", name + ".sent.refused"));
  at("2026-12-10", 19);
  EXPECT_EQ(probe(one).state, S::accepted) << "nothing was sent, so nothing settles by time";
  say(name, "release");
  EXPECT_THAT(names("out"), ElementsAre(name));
  EXPECT_EQ(last().refused_answer, "");
  EXPECT_TRUE(last().may_have_left);
  EXPECT_THAT(say(name, "void"), HasSubstr("take it out of out/ first"));
  EXPECT_THAT(say(name, "sent"), HasSubstr("its state is out"));
}

TEST_F(BankGate, AFileThatMayHaveLeftIsNotReleasedAndThisIsRemembered) {
  options_.approve_above_cents = 0;
  open();
  at("2026-11-23", 8, 30);
  Instruction one = collection(1, 100);
  send(one);
  tick();
  const std::string name = names("out").at(0);
  // As a crash in the moment of handing over leaves it.
  engine_.reset();
  fs::resize_file(directory_ / "journal", fs::file_size(directory_ / "journal") - 10);
  fs::remove(directory_ / "out" / name);
  for (int i = 0; i < 3; ++i) open();
  EXPECT_TRUE(last().may_have_left);
  EXPECT_EQ(last().state, "held");
  EXPECT_THAT(say(name, "release"), HasSubstr("Ask the bank"));
  EXPECT_THAT(names("out"), IsEmpty());
  EXPECT_THAT(say(name, "sent"), HasSubstr("sent by the operator"));
  EXPECT_EQ(last().state, "taken");
  EXPECT_THAT(probe(one).detail, HasSubstr("delivered"));
}

TEST_F(BankGate, ThePaymentsOfAnAnsweredFileAreLookedAtAtOnce) {
  at("2026-11-23", 8, 30);
  Instruction one = collection(1, 100);
  const std::string name = held(one);
  EXPECT_THAT(engine_->take_answered(), IsEmpty());
  say(name, "release", false);
  const std::vector<Notice> waits = engine_->take_answered();
  ASSERT_THAT(waits, SizeIs(1));
  EXPECT_EQ(waits[0].settlement, one.settlement.id);
  EXPECT_EQ(waits[0].direction, ledger::core::Direction::none);
  EXPECT_THAT(engine_->take_answered(), IsEmpty());
  tick();
  const std::vector<Notice> left = engine_->take_answered();
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_NE(left[0].key, waits[0].key);
  EXPECT_THAT(left[0].detail, HasSubstr("is out"));
  one.notices = left;
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for its transport"));
}

TEST_F(BankGate, AnAnswerWaitsUntilItIsCarriedOut) {
  at("2026-11-23", 8, 30);
  Instruction one = collection(1, 100);
  const std::string name = held(one);
  put("gate/" + name + ".release", "");
  EXPECT_EQ(last().answer, "release");
  tick();
  EXPECT_EQ(last().answer, "");
}

}  // namespace
}  // namespace bank_test
