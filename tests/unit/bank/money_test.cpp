// Whose money an entry is: what is exactly the payment's, and what stays open for the operator.

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

using reports::Line;

class BankMoney : public BankEngine {
 protected:
  // Filed and delivered.
  void file(Instruction& instruction) {
    send(instruction);
    at("2026-11-24", 8, 30);
    tick();
    at("2026-11-24", 19, 45);
    tick();
    deliver();
  }
  const FiledPayment& filed(const Instruction& instruction) const {
    const FiledPayment* found = engine_->spool().find_filed(instruction.settlement.reference);
    EXPECT_NE(found, nullptr);
    return *found;
  }
  static Line line(const Instruction& instruction, std::uint64_t cents, bool in = true,
                   const std::string& reason = {}) {
    return {instruction.settlement.reference, cents, in, reason, 0, "", 0, "BOOK"};
  }
  static std::string without(std::string text, const std::string& from, const std::string& to, bool all = true) {
    for (std::size_t found; (found = text.find(from)) != std::string::npos;) {
      text.replace(found, from.size(), to);
      if (!all) break;
    }
    return text;
  }
};

// Anybody's return can name any trace number.
TEST_F(BankMoney, AnAchReturnIsOfAPaymentOnlyIfAllOfItIs) {
  Instruction one = ach(1, 1'250);
  file(one);
  const std::string trace = std::to_string(filed(one).trace), reference = one.settlement.reference;
  const std::vector<std::pair<std::string, std::string>> others = {
      {reports::ach_return(trace, "1250", "OTHERS-INVOICE"), "its identification is not"},
      {reports::ach_return(trace, "123", reference), "another amount"},
      {reports::ach_return("999999990000001", "1250", reference), "a trace number that is not ours"},
      {reports::ach_return(trace, "1250", reference, "R02", "9999999999"), "company 9999999999"},
      {reports::ach_return(trace, "1250", reference, "R02", "1121042882", " 9999999990999999999"), "neither of them"},
  };
  for (const auto& [bytes, why] : others) {
    const Incoming incoming = receive("r.ach", bytes);
    ASSERT_THAT(incoming.notices, SizeIs(1)) << incoming.problem;
    EXPECT_FALSE(incoming.notices[0].settlement.valid()) << why;
    EXPECT_EQ(incoming.notices[0].direction, ledger::core::Direction::out);
    EXPECT_THAT(incoming.notices[0].detail, HasSubstr(why));
    EXPECT_THAT(incoming.blocks, IsEmpty());
    EXPECT_THAT(incoming.return_categories, IsEmpty());
  }
  EXPECT_EQ(probe(one).state, S::accepted);
  tell(one, receive("r.ach", reports::ach_return(trace, "1250", reference)));
  EXPECT_EQ(probe(one).state, S::failed);
}

// One copy of a debit that reached the bank twice comes back: the other stands.
TEST_F(BankMoney, AnAchReturnAsADuplicateFailsNothingAndRaisesAnAlarm) {
  Instruction one = ach(1, 1'250);
  file(one);
  const Incoming incoming =
      receive("r.ach", reports::ach_return(std::to_string(filed(one).trace), "1250", one.settlement.reference, "R24"));
  ASSERT_THAT(incoming.notices, SizeIs(1));
  EXPECT_FALSE(incoming.notices[0].settlement.valid());
  EXPECT_EQ(incoming.notices[0].amount, Amount(12'500'000)) << "the money is in suspense";
  tell(one, incoming);
  EXPECT_EQ(probe(one).state, S::accepted);
  EXPECT_THAT(engine_->describe(), HasSubstr("ALARM: R24"));
}

TEST_F(BankMoney, OnlyTheWholeAmountComesBack) {
  Instruction one = collection(1, 10'000);
  file(one);
  tell(one, receive("s1.xml", reports::statement_of({line(one, 10'000)}, "S1")));
  ASSERT_EQ(probe(one).state, S::settled);
  one.settlement.state = S::settled;
  // The payer sends a cent under our name, and calls it back.
  const Incoming cent = receive("s2.xml", reports::statement_of({line(one, 1), line(one, 1, false, "FOCR")}, "S2"));
  ASSERT_THAT(cent.notices, SizeIs(2));
  for (const Notice& notice : cent.notices) EXPECT_FALSE(notice.settlement.valid()) << notice.detail;
  tell(one, cent);
  EXPECT_EQ(probe(one).state, S::settled);
  EXPECT_FALSE(
      receive("s3.xml", reports::statement_of({line(one, 10'000, true, "MD06")}, "S3")).notices[0].settlement.valid())
      << "a return in the direction of the payment";
  tell(one, receive("s4.xml", reports::statement_of({line(one, 10'000, false, "MD06")}, "S4")));
  EXPECT_EQ(probe(one).state, S::returned);
  // Another mention of the return is other money, unless it is the same entry.
  const std::string again =
      without(reports::statement_of({line(one, 10'000, false, "MD06")}, "S5"), "BANKREF1", "OTHER");
  EXPECT_FALSE(receive("s5.xml", again).notices[0].settlement.valid());
  EXPECT_TRUE(
      receive("s6.xml", reports::statement_of({line(one, 10'000, false, "MD06")}, "S6")).notices[0].settlement.valid());
}

// Notices of the settlement that were recorded before, or that the spool does not know: the outcome looks itself.
TEST_F(BankMoney, AnOutcomeRestsOnWholeAmountsInTheRightDirection) {
  Instruction one = collection(1, 10'000);
  file(one);
  const auto say = [&](EntryKind kind, std::uint64_t cents, bool in) {
    NoticeBody body;
    body.kind = kind;
    body.reference = one.settlement.reference;
    body.cents = cents;
    body.incoming = in;
    Notice notice;
    notice.settlement = one.settlement.id;
    notice.body = write_notice_body(body);
    one.notices.push_back(notice);
  };
  say(EntryKind::booked, 10'000, true);
  say(EntryKind::returned, 1, false);
  say(EntryKind::returned, 10'000, true);
  EXPECT_EQ(probe(one).state, S::settled);
  say(EntryKind::returned, 10'000, false);
  EXPECT_EQ(probe(one).state, S::returned);
}

TEST_F(BankMoney, WhatIsBookedTwiceOrOfAnEarlierAttemptStaysOpen) {
  Instruction first = collection(1, 10'000);
  file(first);
  const std::string name = engine_->spool().files().begin()->second.name;
  put("gate/" + name + ".void", "");
  tick();
  const auto open = [&](const std::string& file, const std::vector<Line>& lines, const std::string& reference) {
    const Incoming incoming = receive(file, without(reports::statement_of(lines, file), "BANKREF", reference));
    EXPECT_THAT(incoming.notices, SizeIs(lines.size()));
    for (const Notice& notice : incoming.notices) EXPECT_NE(notice.direction, ledger::core::Direction::none);
    return static_cast<std::size_t>(std::count_if(incoming.notices.begin(), incoming.notices.end(),
                                                  [](const Notice& notice) { return !notice.settlement.valid(); }));
  };
  EXPECT_EQ(open("void.xml", {line(first, 10'000)}, "V"), 1U) << "its file is void, and was booked after all";
  Instruction second = first;
  second.settlement.attempt = 2;
  second.settlement.state = S::ready;
  send(second);
  EXPECT_EQ(open("old.xml", {line(first, 10'000)}, "O"), 1U);
  at("2026-11-25", 8, 30);
  tick();
  deliver();
  EXPECT_EQ(open("first.xml", {line(second, 10'000), line(second, 10'000)}, "F"), 1U);
  BankEngine::open();
  EXPECT_EQ(open("again.xml", {line(second, 10'000), line(second, 5'500)}, "A"), 2U);
  EXPECT_EQ(open("same.xml", {line(second, 10'000)}, "F"), 0U) << "the entry that it rests on, once more";
}

TEST_F(BankMoney, ABankThatDoesNotNameItsEntriesIsReadAllTheSame) {
  const auto keys = [&](const std::string& name, const std::string& id, const std::string& day,
                        const std::string& reference, std::size_t count) {
    std::vector<Line> lines(count, Line{"", 5'000, true, "", 0, "", 0, "BOOK"});
    std::string text = reports::statement_of(lines, id);
    for (std::size_t i = 1; i <= count; ++i) text = without(text, "BANKREF" + std::to_string(i), reference, false);
    text = without(text, "<BookgDt><Dt>2026-11-20", "<BookgDt><Dt>" + day);
    std::vector<base::Hash> found;
    for (const Notice& notice : receive(name, text).notices) found.push_back(notice.key);
    return found;
  };
  for (const std::string reference : {"NONREF", "NOTPROVIDED", "notprovided", "0000", "", "-"}) {
    const auto monday = keys("a.xml", "S1", "2026-11-23", reference, 1);
    ASSERT_THAT(monday, SizeIs(1));
    EXPECT_NE(monday, keys("b.xml", "S2", "2026-11-24", reference, 1)) << reference;
    EXPECT_EQ(monday, keys("c.xml", "S1-COPY", "2026-11-23", reference, 1)) << reference;
    const auto two = keys("d.xml", "S3", "2026-11-23", reference, 2);
    ASSERT_THAT(two, SizeIs(2));
    EXPECT_EQ(two[0], monday[0]);
    EXPECT_NE(two[1], monday[0]) << "two equal entries of a day are two";
  }
}

TEST_F(BankMoney, MoneyThatTheBooksHaveNoPlaceForIsShown) {
  const Incoming francs = receive(
      "chf.xml", without(reports::statement_of({{"X", 77'700, true, "", 0, "", 0, "BOOK"}}), "\"EUR\"", "\"CHF\""));
  ASSERT_THAT(francs.notices, SizeIs(1));
  EXPECT_EQ(francs.notices[0].recorded_as, NoticeState::refused);
  EXPECT_THAT(francs.notices[0].detail, HasSubstr("not booked: 777.00 CHF in, which no asset here is"));
}

TEST_F(BankMoney, AStatementMustSayThatItIsOfOurAccount) {
  const std::string own = "<IBAN>DE89370400440532013000</IBAN>", good = reports::statement_of({});
  EXPECT_THAT(receive("a.xml", without(good, own, "<Othr><Id>SOMEBODY</Id></Othr>")).problem,
              HasSubstr("about account SOMEBODY, which is not ours"));
  EXPECT_THAT(receive("b.xml", without(good, "<Acct><Id>" + own + "</Id></Acct>", "")).problem,
              HasSubstr("does not say by IBAN"));
  options_.sepa.reset();
  open();
  EXPECT_THAT(receive("c.xml", good).problem, HasSubstr("SEPA is not configured"));
}

TEST_F(BankMoney, AStatusThatIsSaidTwiceIsOneForEachPayment) {
  Instruction one = collection(1, 100), two = collection(2, 200);
  send(one);
  file(two);
  const std::string message = engine_->spool().files().begin()->second.message_id;
  const std::string block = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>" + message +
                            "</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>";
  const std::string status =
      without(reports::status_head("<GrpSts>RJCT</GrpSts>", block + block), "TABD-00000001", message);
  EXPECT_THAT(receive("status.xml", status).notices, SizeIs(2));
  Instruction three = collection(3, 300), four = collection(4, 400);
  send(three);
  at("2026-11-25", 8);
  send(four);
  at("2026-11-25", 8, 30);
  tick();
  const std::string sum = engine_->spool().files().rbegin()->second.message_id;
  const Line whole{"", 700, true, "", 0, sum, 2, "BOOK"};
  const Incoming booked = receive("sum.xml", reports::statement_of({whole, whole, whole}));
  EXPECT_THAT(booked.notices, SizeIs(4)) << "two payments, and two sums of their own";
}

}  // namespace
}  // namespace bank_test
