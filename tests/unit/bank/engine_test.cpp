// From instruction to final: files, answers, crashes and the operator.

#include "base/limits.h"
#include "base/text.h"
#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

TEST_F(BankEngine, ACollectionFromMandateToFinal) {
  Instruction one = collection(1, 1'250), two = collection(2, 99);
  send(one);
  send(two);
  EXPECT_THAT(tick(), IsEmpty());  // before the window
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for the file of 2026-11-23"));
  at("2026-11-23", 8, 30);  // 9:30 in Berlin
  EXPECT_THAT(tick(), SizeIs(1));
  ASSERT_THAT(names("out"), SizeIs(1));
  const std::string xml = content("out/" + names("out")[0]);
  EXPECT_THAT(sepa_rule_findings(xml), IsEmpty());
  EXPECT_THAT(xml, HasSubstr("<ReqdColltnDt>2026-11-24</ReqdColltnDt>"));
  EXPECT_THAT(xml, HasSubstr("<Nm>Joerg Payer</Nm>"));
  EXPECT_THAT(xml, HasSubstr("<EndToEndId>" + one.settlement.reference + "</EndToEndId>"));
  EXPECT_EQ(xml, content("files/" + names("files")[0]));
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for its transport"));
  deliver();
  EXPECT_THAT(probe(one).detail, HasSubstr("delivered"));
  EXPECT_EQ(probe(one).state, S::accepted) << "a delivered file is not money";

  at("2026-11-24", 20);
  const Incoming statement =
      receive("statement.xml", reports::statement_of({{one.settlement.reference, 1'250, true, "", 0, "", 0, "BOOK"}}));
  ASSERT_THAT(statement.notices, SizeIs(1));
  EXPECT_EQ(statement.notices[0].kind, ledger::core::NoticeKind::booked);
  EXPECT_EQ(statement.notices[0].amount, Amount(12'500'000));
  tell(one, statement);
  tell(two, statement);
  EXPECT_EQ(probe(one).state, S::settled);
  EXPECT_EQ(probe(two).state, S::accepted);
  EXPECT_GT(probe(one).next_probe_ms, 50ULL * 86'400'000);
  EXPECT_THAT(names("archive"), SizeIs(2));

  one.settlement.state = S::settled;
  at("2027-01-16", 0);
  EXPECT_EQ(probe(one).state, S::final);
}

TEST_F(BankEngine, ARejectionAReturnAndARefund) {
  Instruction rejected = collection(1, 100), returned = collection(2, 200), refunded = collection(3, 300);
  for (Instruction* each : {&rejected, &returned, &refunded}) send(*each);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  const std::string message = engine_->spool().files().begin()->second.message_id;
  std::string status = reports::status_head(
      "", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>" + message + "</OrgnlPmtInfId>" +
              reports::payment_status(rejected.settlement.reference, "RJCT", "AC04") + "</OrgnlPmtInfAndSts>");
  tell(rejected, receive("status.xml", status));
  Outcome outcome = probe(rejected);
  EXPECT_EQ(outcome.state, S::failed);
  EXPECT_EQ(outcome.failure, F::no_mandate);
  EXPECT_EQ(outcome.code, "AC04");
  // The bank books what is left of the file in one sum.
  const Incoming booked =
      receive("statement-1.xml", reports::statement_of({{"", 500, true, "", 0, message, 2, "BOOK"}}, "S1"));
  ASSERT_THAT(booked.notices, SizeIs(2));
  tell(returned, booked);
  tell(refunded, booked);
  EXPECT_EQ(probe(returned).state, S::settled);
  EXPECT_EQ(probe(refunded).state, S::settled);
  const Incoming back = receive(
      "statement-2.xml", reports::statement_of({{returned.settlement.reference, 200, false, "AM04", 350, "", 0, "BOOK"},
                                                {refunded.settlement.reference, 300, false, "MD01", 0, "", 0, "BOOK"}},
                                               "S2"));
  tell(returned, back);
  tell(refunded, back);
  outcome = probe(returned);
  EXPECT_EQ(outcome.state, S::returned);
  EXPECT_EQ(outcome.failure, F::insufficient_funds);
  EXPECT_EQ(outcome.fee, Amount(3'500'000));
  outcome = probe(refunded);
  EXPECT_EQ(outcome.state, S::returned);
  EXPECT_EQ(outcome.code, "MD01");
  // Nothing more is collected from that account under that mandate; another mandate is another matter.
  EXPECT_THAT(refusal(collection(3, 300)), HasSubstr("MD01"));
  Instruction other = collection(9, 1);
  Instruction same = collection(3, 300);
  same.settlement.id = SettlementId(77);
  EXPECT_THAT(refusal(same), HasSubstr("nothing is collected"));
  std::string text(same.payer_rail_mandate.begin(), same.payer_rail_mandate.end());
  text.replace(text.find("mandate=M-3"), 11, "mandate=M-3b");
  same.payer_rail_mandate.assign(text.begin(), text.end());
  EXPECT_EQ(prepared(same).failure, F::none);
}

TEST_F(BankEngine, AmountsAndDirectionsMustFit) {
  Instruction one = collection(1, 1'250);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  const Incoming less =
      receive("a.xml", reports::statement_of({{one.settlement.reference, 1'240, true, "", 0, "", 0, "BOOK"}}, "A"));
  EXPECT_FALSE(less.notices[0].settlement.valid());
  EXPECT_EQ(less.notices[0].amount, Amount(12'400'000));
  EXPECT_THAT(less.notices[0].detail, HasSubstr("another amount than its payment's, 12.50, settlement 1"));
  const Incoming out =
      receive("b.xml", reports::statement_of({{one.settlement.reference, 1'250, false, "", 0, "", 0, "BOOK"}}, "B"));
  EXPECT_FALSE(out.notices[0].settlement.valid());
  tell(one, less);
  tell(one, out);
  EXPECT_EQ(probe(one).state, S::accepted);
}

TEST_F(BankEngine, WhatMatchesNothingGoesToSuspenseAndWhatCannotBeReadIsKept) {
  const Incoming stray =
      receive("stray.xml", reports::statement_of({{"SOMEBODY-ELSE", 4'200, true, "", 0, "", 0, "BOOK"},
                                                  {"", 300, true, "", 0, "UNKNOWN", 3, "BOOK"}}));
  ASSERT_THAT(stray.notices, SizeIs(2));
  EXPECT_FALSE(stray.notices[0].settlement.valid());
  EXPECT_EQ(stray.notices[0].amount, Amount(42'000'000));
  EXPECT_EQ(stray.notices[0].direction, ledger::core::Direction::in);
  EXPECT_EQ(stray.notices[0].external_id, "SOMEBODY-ELSE");
  EXPECT_THAT(stray.notices[1].detail, HasSubstr("a file that is not known"));
  const Incoming broken = receive("broken.xml", "<Document>\n<oops>\n");
  ASSERT_THAT(broken.notices, SizeIs(1));
  EXPECT_EQ(broken.notices[0].recorded_as, NoticeState::refused);
  EXPECT_THAT(broken.notices[0].detail, HasSubstr("broken.xml, line "));
  EXPECT_THAT(names("in/rejected"), ElementsAre("broken.xml", "broken.xml.reason"));
  EXPECT_THAT(content("in/rejected/broken.xml.reason"), HasSubstr("line "));
  const Incoming other = receive("other.xml", reports::statement_of({}, "X", "DE02120300000000202051"));
  EXPECT_THAT(other.problem, HasSubstr("which is not ours"));
  // The same name again: neither is lost.
  receive("broken.xml", "<Document>\n<other>\n");
  EXPECT_THAT(names("in/rejected"), SizeIs(6));
  // A file that is still being written is left alone.
  put("in/half.xml.part", "x");
  put("in/.half.xml", "x");
  EXPECT_FALSE(engine_->next_incoming());
}

TEST_F(BankEngine, AWireSaysWhoSentItAndWhatFor) {
  const auto with = [](const std::string& details) {
    std::string xml = reports::statement_of({{"NOTPROVIDED", 4'200, true, "", 0, "", 0, "BOOK"}});
    xml.insert(xml.find("</TxDtls>"), details);
    return xml;
  };
  const std::string parties =
      "<RltdPties><Dbtr><Pty><Nm>Crawler\n  Inc "
      "\xE2\x80\xAE</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE02120300000000202051"
      "</IBAN></Id></DbtrAcct><Cdtr><Pty><Nm>Tabd Operator GmbH</Nm></Pty></Cdtr></RltdPties>";
  const Notice wire =
      receive("a.xml", with(parties + "<RmtInf><Ustrd>INV 4711</Ustrd><Ustrd>thanks</Ustrd><Strd><CdtrRefInf><Ref>"
                                      "RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"))
          .notices.at(0);
  EXPECT_THAT(wire.detail, HasSubstr("; from \"Crawler Inc ?\", DE02120300000000202051; for \"INV 4711 thanks "
                                     "RF18539007547034\""));
  const std::optional<NoticeBody> body = read_notice_body(wire.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->other_side.name, "Crawler Inc ?");
  EXPECT_EQ(body->other_side.account, "DE02120300000000202051");
  EXPECT_EQ(body->other_side.remittance, "INV 4711 thanks RF18539007547034");
  // Older versions have no choice of party and agent; other accounts are not IBANs; some banks have text of their own.
  const Notice older =
      receive("b.xml", with("<RltdPties><Dbtr><Nm>Jo</Nm></Dbtr><DbtrAcct><Id><Othr><Id>12-34</Id></Othr>"
                            "</Id></DbtrAcct></RltdPties><AddtlTxInf>wire</AddtlTxInf>"))
          .notices.at(0);
  EXPECT_THAT(older.detail, HasSubstr("; from \"Jo\", 12-34; for \"wire\""));
  std::string plain = reports::statement_of({{"", 4'200, true, "", 0, "", 0, "BOOK"}});
  plain.insert(plain.find("</Ntry>"), "<AddtlNtryInf>cash at the counter</AddtlNtryInf>");
  EXPECT_THAT(receive("c.xml", plain).notices.at(0).detail, HasSubstr("; for \"cash at the counter\""));
  // Long texts are cut between characters, and the whole is one that the ledger takes.
  std::string many;
  for (int i = 0; i < 300; ++i) many += "<Ustrd>\xC3\xA4\xC3\xB6\xC3\xBC</Ustrd>";
  const Notice large = receive("d.xml", with("<RmtInf>" + many + "</RmtInf>")).notices.at(0);
  EXPECT_LE(large.detail.size(), 512U);
  EXPECT_EQ(base::flaw_of_text(large.detail), "");
  EXPECT_TRUE(read_notice_body(large.body));
  EXPECT_LE(large.body.size(), base::limits::kNoticeBodyBytesMax);
  // Of our own payments it is known already.
  Instruction own = collection(1, 4'200);
  send(own);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  at("2026-11-24", 20);
  std::string ours = with(parties);
  ours.replace(ours.find("NOTPROVIDED"), 11, own.settlement.reference);
  const Notice known = receive("e.xml", ours).notices.at(0);
  EXPECT_EQ(known.settlement, own.settlement.id);
  EXPECT_THAT(known.detail, ::testing::Not(HasSubstr("Crawler")));
}

TEST_F(BankEngine, TheSameEntryHasTheSameKeyWhateverFileBringsIt) {
  const std::vector<reports::Line> lines = {{"REF", 100, true, "", 0, "", 0, "BOOK"}};
  const Incoming first = receive("a.xml", reports::statement_of(lines, "S1"));
  const Incoming again = receive("b.xml", reports::statement_of(lines, "S2"));
  EXPECT_EQ(first.notices[0].key, again.notices[0].key);
  const Incoming other = receive("c.xml", reports::statement_of({{"REF", 101, true, "", 0, "", 0, "BOOK"}}, "S1"));
  EXPECT_NE(first.notices[0].key, other.notices[0].key);
}

TEST_F(BankEngine, AfterACrashWhatIsNotInTheSpoolWasNotSent) {
  Instruction sent = collection(1, 100), lost = collection(2, 200);
  send(sent);
  lost.settlement.request = prepared(lost).request;
  lost.settlement.state = S::sending;
  sent.settlement.state = S::sending;
  open();
  engine_->adopt(sent.settlement);
  engine_->adopt(lost.settlement);
  EXPECT_EQ(probe(sent).state, S::accepted);
  const Outcome outcome = probe(lost);
  EXPECT_EQ(outcome.state, S::failed);
  EXPECT_EQ(outcome.failure, F::technical);
  // Queued once more by whatever mistake: still one payment.
  ASSERT_TRUE(engine_->queue({sent.settlement}));
  EXPECT_THAT(engine_->spool().queued(), SizeIs(1));
}

TEST_F(BankEngine, ASpoolThatWasLostSaysNothingIsAbsent) {
  Instruction one = collection(1, 100);
  send(one);
  Instruction other = collection(2, 100);
  other.settlement.request = prepared(other).request;
  other.settlement.state = S::sending;
  engine_.reset();
  fs::remove_all(directory_);
  open();
  engine_->adopt(one.settlement);
  engine_->adopt(other.settlement);
  EXPECT_EQ(probe(other).state, S::unknown);
  EXPECT_THAT(engine_->describe(), HasSubstr("Restore it from a backup"));
  // What is collected from now on is held until somebody has looked.
  Instruction next = collection(3, 100);
  send(next);
  at("2026-11-23", 8, 30);
  tick();
  EXPECT_THAT(names("out"), IsEmpty());
}

TEST_F(BankEngine, AFileWhoseFateIsUnknownWaitsForTheOperatorAndLeavesWithTheSameBytes) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  const std::string name = names("out").at(0), bytes = content("out/" + name);
  // The moment between "about to appear" and "has appeared", as a crash leaves it: cut the last record off.
  engine_.reset();
  const auto size = fs::file_size(directory_ / "journal");
  fs::resize_file(directory_ / "journal", size - 10);
  fs::remove(directory_ / "out" / name);
  open();
  engine_->adopt(one.settlement);
  EXPECT_EQ(probe(one).state, S::accepted);
  EXPECT_THAT(probe(one).detail, HasSubstr("held"));
  tick();
  EXPECT_THAT(names("out"), IsEmpty());
  put("gate/" + name + ".resend", "");
  tick();
  ASSERT_THAT(names("out"), ElementsAre(name));
  EXPECT_EQ(content("out/" + name), bytes);
  EXPECT_THAT(names("gate"), IsEmpty());
  // Found again in out/: nothing is held.
  engine_.reset();
  fs::resize_file(directory_ / "journal", fs::file_size(directory_ / "journal") - 10);
  open();
  EXPECT_THAT(probe(one).detail, HasSubstr("waits for its transport"));
  deliver();
  put("gate/" + name + ".void", "");
  tick();
  const Outcome outcome = probe(one);
  EXPECT_EQ(outcome.state, S::failed);
  EXPECT_EQ(outcome.failure, F::technical);
  put("gate/" + name + ".nonsense", "");
  tick();
  EXPECT_THAT(names("gate"), ElementsAre(name + ".nonsense.refused"));
}

TEST_F(BankEngine, BytesThatWereChangedOnDiskDoNotLeave) {
  options_.approve_above_cents = 50;
  open();
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  EXPECT_THAT(tick(), ElementsAre(HasSubstr("approve_above")));
  const std::string name = names("files").at(0);
  put("files/" + name, content("files/" + name) + " ");
  put("gate/" + name + ".release", "");
  tick();
  EXPECT_THAT(names("out"), IsEmpty());
  EXPECT_THAT(probe(one).detail, HasSubstr("not those that were written"));
}

TEST_F(BankEngine, FilesAreWrittenBeforeTheCutOffOfTheWallClockOnBankingDays) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 9, 1);  // 10:01 in Berlin: too late today
  EXPECT_THAT(tick(), IsEmpty());
  at("2026-11-24", 8, 29);
  EXPECT_THAT(tick(), IsEmpty());
  at("2026-11-24", 8, 30);
  EXPECT_THAT(tick(), SizeIs(1));
  // Before Easter: Thursday's file is due on Tuesday.
  Instruction easter = collection(2, 100);
  at("2027-03-25", 7);
  send(easter);
  at("2027-03-25", 8, 45);
  tick();
  EXPECT_EQ(date_text(engine_->spool().files().rbegin()->second.due), "2027-03-30");
  // In summer the same wall time is an hour earlier.
  Instruction summer = collection(3, 100);
  at("2027-03-29", 8);  // Easter Monday
  send(summer);
  at("2027-03-29", 7, 45);
  EXPECT_THAT(tick(), IsEmpty());
  at("2027-03-30", 7, 29);
  EXPECT_THAT(tick(), IsEmpty());
  at("2027-03-30", 7, 30);
  EXPECT_THAT(tick(), SizeIs(1));
}

// A Sunday, at a time when no bank is open: files are written, and what is booked is final a moment later.
TEST_F(BankEngine, ADemonstrationsDaysAreAsShortAsItLikes) {
  options_.ach.reset();
  options_.demonstration_day_ms = 2'000;
  options_.sepa->core_final_days = 3;
  clock_.set(utc("2026-11-22", 23));
  open();
  Instruction one = collection(1, 1'250);
  send(one);
  EXPECT_THAT(tick(), SizeIs(1));
  ASSERT_THAT(names("out"), SizeIs(1));
  const std::string xml = content("out/" + names("out")[0]);
  EXPECT_THAT(sepa_rule_findings(xml), IsEmpty());
  EXPECT_THAT(xml, HasSubstr("<ReqdColltnDt>2026-11-24</ReqdColltnDt>")) << "the dates are the calendar's";
  Instruction two = collection(2, 99);
  send(two);
  EXPECT_THAT(tick(), IsEmpty()) << "one file a day";
  clock_.advance_us(2'000'000);
  EXPECT_THAT(tick(), SizeIs(1));
  deliver();
  tell(one, receive("statement.xml",
                    reports::statement_of({{one.settlement.reference, 1'250, true, "", 0, "", 0, "BOOK"}})));
  EXPECT_EQ(probe(one).state, S::settled);
  EXPECT_EQ(probe(one).next_probe_ms, 6'001U);
  one.settlement.state = S::settled;
  clock_.advance_us(6'000'000);
  EXPECT_EQ(probe(one).state, S::final);
}

// What the archive's statements say, singly and as the sum of a file, with what came back and what is not ours.
TEST_F(BankEngine, TheBanksOwnRecordIsReadFromItsStatements) {
  Instruction one = collection(1, 1'250), two = collection(2, 99), three = collection(3, 500, "sequence=OOFF");
  for (Instruction* each : {&one, &two, &three}) send(*each);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  at("2026-11-24", 20);
  std::string batch;
  for (const auto& [number, file] : engine_->spool().files())
    if (file.payments.size() == 2) batch = file.message_id;
  receive("a.xml", reports::statement_of({{"", 1'349, true, "", 0, batch, 2, "BOOK"},
                                          {three.settlement.reference, 500, true, "", 0, "", 0, "BOOK"},
                                          {"RENT", 70'000, false, "", 0, "", 0, "BOOK"}},
                                         "STATEMENT-1"));
  receive("b.xml",
          reports::statement_of({{three.settlement.reference, 500, false, "AM04", 0, "", 0, "BOOK"}}, "STATEMENT-2"));
  receive("c.xml", reports::status());
  MovementQuery query;
  query.from = utc("2026-11-01", 0);
  query.to = clock_.now();
  std::vector<std::string> found;
  int pages = 0;
  do {
    const auto page = engine_->movements(query);
    ASSERT_TRUE(page) << page.error().message;
    for (const RailMovement& each : page->movements)
      found.push_back(std::to_string(each.settlement.value) + (each.incoming ? " in " : " out ") +
                      each.amount->to_decimal_string(6));
    query.after = page->next;
  } while (!query.after.empty() && ++pages < 20);
  EXPECT_THAT(found,
              ElementsAre("1 in 12.500000", "2 in 0.990000", "3 in 5.000000", "0 out 700.000000", "3 out 5.000000"));
}

TEST_F(BankEngine, TheKillSwitchKeepsFilesIn) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  EXPECT_THAT(engine_->tick(false), IsEmpty());
  EXPECT_THAT(names("out"), IsEmpty());
}

TEST_F(BankEngine, FilesAreGroupedAndHoldTenThousand) {
  std::vector<Settlement> settlements;
  for (std::uint64_t id = 1; id <= 10'001; ++id) {
    Instruction each = collection(id, 100 + id % 7);
    each.settlement.request = prepared(each).request;
    settlements.push_back(each.settlement);
  }
  ASSERT_TRUE(engine_->queue(settlements));
  Instruction once = collection(20'000, 5, "sequence=OOFF");
  send(once);
  Instruction payout = collection(20'001, 7);
  payout.settlement.kind = SettlementKind::payout;
  payout.payee_account = "scheme=sepa;name=Payee;iban=" + examples::german_iban(42);
  send(payout);
  at("2026-11-23", 8, 30);
  tick();
  ASSERT_THAT(names("out"), SizeIs(4));
  std::size_t payments = 0;
  for (const auto& [number, file] : engine_->spool().files()) {
    payments += file.payments.size();
    EXPECT_LE(file.payments.size(), 10'000U);
    EXPECT_THAT(sepa_rule_findings(content("out/" + file.name)), IsEmpty());
  }
  EXPECT_EQ(payments, 10'003U);
  EXPECT_THAT(engine_->spool().queued(), IsEmpty());
  open();
  EXPECT_THAT(engine_->spool().files(), SizeIs(4));
  // A one-off mandate is used up by another statement, not by its own next attempt.
  Instruction again = once;
  again.settlement.id = SettlementId(20'002);
  EXPECT_THAT(refusal(again), HasSubstr("used"));
  once.settlement.attempt = 2;
  EXPECT_EQ(prepared(once).failure, F::none);
}

}  // namespace
}  // namespace bank_test
