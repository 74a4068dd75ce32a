// The bank's rows of docs/rails/faults.md that are not about the life of one payment: parts of a file refused, refunds,
// calendars and clocks, the smallest and the largest amount, and replies that are lost ten thousand times.

#include <map>
#include <set>

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

// What goes back goes to the account that it came from, as a credit.
TEST_F(BankEngine, ARefundIsATransferToTheMandatesAccount) {
  Instruction sepa = collection(7, 1'250, "town=Bern;country=CH;sequence=OOFF;");
  Instruction us = ach(8, 2'500, "ach-web");
  for (Instruction* each : {&sepa, &us}) {
    each->settlement.kind = SettlementKind::refund;
    each->origin_reference = "of the collection";
    send(*each);
  }
  at("2026-11-23", 8, 30);  // 9:30 in Berlin
  tick();
  at("2026-11-23", 19, 45);  // 14:45 in New York
  tick();
  ASSERT_THAT(names("out"), SizeIs(2));
  std::string all;
  for (const std::string& name : names("out")) all += content("out/" + name);
  EXPECT_THAT(all, HasSubstr("<Cdtr><Nm>Joerg Payer</Nm>"));
  EXPECT_THAT(all, HasSubstr("<IBAN>" + examples::german_iban(1'007) + "</IBAN>"));
  EXPECT_THAT(all, HasSubstr("Refund of statement 7"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("MndtId")));
  EXPECT_THAT(all, HasSubstr("6220210000215008")) << "a credit to a checking account";
  deliver();
  EXPECT_EQ(probe(sepa).state, S::accepted);
  Instruction gone = sepa;
  gone.settlement.request.clear();
  gone.payer_rail_mandate.clear();
  EXPECT_THAT(refusal(gone), HasSubstr("the account to refund to"));
}

// A refund that the bank books the wrong way round, or sends back, is not one that was paid.
TEST_F(BankEngine, ARefundIsBookedOutAndCanComeBack) {
  Instruction refund = collection(7, 1'250);
  refund.settlement.kind = SettlementKind::refund;
  send(refund);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  const auto booked = [&](const char* name, bool in, const char* reason) {
    tell(refund, receive(name, reports::statement_of(
                                   {{refund.settlement.reference, 1'250, in, reason, 0, "", 0, "BOOK"}}, name)));
  };
  booked("in.xml", true, "");
  EXPECT_EQ(probe(refund).state, S::accepted);
  booked("out.xml", false, "");
  EXPECT_EQ(probe(refund).state, S::settled);
  booked("back.xml", true, "AC04");
  EXPECT_EQ(probe(refund).state, S::returned);
  EXPECT_EQ(probe(refund).code, "AC04");
}

// pain.002 with the group status PART: of a hundred, three are refused one by one; the rest is booked as one sum.
TEST_F(BankEngine, APartOfAFileIsRefusedAndTheRestIsBooked) {
  std::vector<Instruction> all;
  for (std::uint64_t id = 1; id <= 100; ++id) send(all.emplace_back(collection(id, 100 + id)));
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  const std::string message = engine_->spool().files().begin()->second.message_id;
  const std::map<std::size_t, std::string> refused = {{4, "AM04"}, {50, "AC04"}, {99, "MD01"}};
  std::string statuses;
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto why = refused.find(i);
    const bool good = why == refused.end();
    statuses +=
        reports::payment_status(all[i].settlement.reference, good ? "ACSP" : "RJCT", good ? "" : why->second.c_str());
    rest += good ? 101 + i : 0;
  }
  std::string part =
      reports::status_head("<GrpSts>PART</GrpSts>", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>" + message +
                                                        "</OrgnlPmtInfId>" + statuses + "</OrgnlPmtInfAndSts>");
  part.replace(part.find("TABD-00000001"), 13, message);
  const Incoming status = receive("part.xml", part);
  EXPECT_EQ(status.problem, "");
  for (Instruction& each : all) tell(each, status);
  // A sum of the whole file is not what can have been booked now.
  const Incoming wrong =
      receive("wrong.xml", reports::statement_of({{"", rest + 101, true, "", 0, message, 98, "BOOK"}}, "WRONG"));
  ASSERT_THAT(wrong.notices, SizeIs(1));
  EXPECT_FALSE(wrong.notices[0].settlement.valid()) << "to suspense";
  const Incoming sum = receive("sum.xml", reports::statement_of({{"", rest, true, "", 0, message, 97, "BOOK"}}, "SUM"));
  EXPECT_THAT(sum.notices, SizeIs(97));
  for (std::size_t i = 0; i < all.size(); ++i) {
    tell(all[i], sum);
    const Outcome outcome = probe(all[i]);
    const auto why = refused.find(i);
    EXPECT_EQ(outcome.state, why == refused.end() ? S::settled : S::failed) << i;
    EXPECT_EQ(outcome.code, why == refused.end() ? "" : why->second) << i;
  }
}

// Of a file of fifty ACH debits, every fifth comes back: the others settle by time and stay.
TEST_F(BankEngine, SomeEntriesOfAnAchFileComeBack) {
  options_.ach->rate_entries_min = 1'000;
  open();
  std::vector<Instruction> all;
  for (std::uint64_t id = 1; id <= 50; ++id) send(all.emplace_back(ach(id, 100 + id)));
  at("2026-11-24", 19, 45);
  tick();
  deliver();
  const SpoolFile file = engine_->spool().files().begin()->second;
  ASSERT_THAT(file.payments, SizeIs(50));
  std::set<std::uint64_t> back;
  for (std::size_t i = 0; i < 50; i += 5) {
    const FiledPayment& filed = file.payments[i];
    const std::string returns =
        reports::ach_return(std::to_string(filed.trace), std::to_string(filed.cents), filed.reference);
    const Incoming incoming = receive("returns-" + std::to_string(i) + ".ach", returns);
    for (Instruction& each : all) tell(each, incoming);
    back.insert(filed.settlement.value);
  }
  at("2026-12-10", 19);
  for (Instruction& each : all) {
    const Outcome outcome = probe(each);
    const bool returned = back.count(each.settlement.id.value) == 1;
    EXPECT_EQ(outcome.state, returned ? S::failed : S::settled) << each.settlement.id.value;
    EXPECT_EQ(outcome.code, returned ? "R01" : "");
  }
}

// New York's clock and the Federal Reserve's days: winter, summer, the Sunday when one becomes the other, Thanksgiving.
TEST_F(BankEngine, AchFilesKeepNewYorksClockAndTheFederalReservesDays) {
  std::uint64_t id = 0;
  const auto written_at = [&](const char* date, unsigned hour, unsigned minute) {
    Instruction one = ach(++id, 100);
    at(date, hour, minute);
    send(one);
    const std::size_t before = engine_->spool().files().size();
    tick();
    return engine_->spool().files().size() > before;
  };
  const auto due = [&] { return date_text(engine_->spool().files().rbegin()->second.due); };
  EXPECT_FALSE(written_at("2026-11-25", 18, 29));  // Wednesday, 13:29: too late yesterday's, too early today's
  EXPECT_FALSE(written_at("2026-11-25", 19, 29));  // 14:29
  EXPECT_TRUE(written_at("2026-11-25", 19, 30));
  EXPECT_EQ(due(), "2026-11-27") << "not on Thanksgiving";
  EXPECT_FALSE(written_at("2026-11-26", 19, 45)) << "no file on Thanksgiving";
  EXPECT_TRUE(written_at("2026-11-27", 19, 45)) << "what came on the holiday leaves on the next day";
  EXPECT_EQ(due(), "2026-11-30");
  EXPECT_TRUE(written_at("2027-03-12", 19, 45)) << "the Friday before summer time";
  EXPECT_EQ(due(), "2027-03-15");
  EXPECT_FALSE(written_at("2027-03-14", 18, 45)) << "a Sunday";
  EXPECT_FALSE(written_at("2027-03-15", 19, 0)) << "15:00 by the summer's clock: the cut-off is over";
  EXPECT_TRUE(written_at("2027-03-16", 18, 30)) << "14:30 by the summer's clock";
}

TEST_F(BankEngine, SepaFilesKeepBerlinsClockInTheNightsOfAChange) {
  std::uint64_t id = 0;
  const auto written_at = [&](const char* date, unsigned hour, unsigned minute) {
    Instruction one = collection(++id, 100);
    at(date, hour, minute);
    send(one);
    const std::size_t before = engine_->spool().files().size();
    tick();
    return engine_->spool().files().size() > before;
  };
  EXPECT_TRUE(written_at("2027-03-24", 8, 30)) << "9:30 in winter";
  EXPECT_FALSE(written_at("2027-03-26", 8, 45)) << "Good Friday";
  EXPECT_FALSE(written_at("2027-03-28", 7, 45)) << "the Sunday of the change";
  EXPECT_FALSE(written_at("2027-03-30", 8, 0)) << "10:00 in summer: the cut-off is over";
  EXPECT_TRUE(written_at("2027-03-31", 7, 30)) << "9:30 in summer";
  EXPECT_TRUE(written_at("2027-10-29", 7, 45)) << "the Friday before winter time";
  EXPECT_FALSE(written_at("2027-11-01", 7, 45)) << "8:45 in winter";
  EXPECT_TRUE(written_at("2027-11-01", 8, 45));
  EXPECT_FALSE(written_at("2027-12-25", 8, 45));
  EXPECT_TRUE(written_at("2027-12-31", 8, 45)) << "New Year's Eve is a banking day";
  EXPECT_EQ(date_text(engine_->spool().files().rbegin()->second.due), "2028-01-03");
}

// The least that moves is a cent; the most is the scheme's; what is between two cents does not move by itself.
TEST_F(BankEngine, OneUnitAndTheMaximum) {
  const auto with_units = [](Instruction one, std::uint64_t units) {
    one.settlement.amount = Amount(units);
    return one;
  };
  EXPECT_THAT(refusal(with_units(collection(1, 1), 0)), HasSubstr("outside of what one payment can move"));
  EXPECT_THAT(refusal(with_units(collection(1, 1), 1)), HasSubstr("not whole cents"));
  EXPECT_THAT(refusal(with_units(collection(1, 1), 9'999)), HasSubstr("not whole cents"));
  EXPECT_THAT(refusal(collection(1, kSepaCentsMax + 1)), HasSubstr("larger than a bank can move"));
  EXPECT_THAT(refusal(ach(1, kAchCentsMax + 1)), HasSubstr("outside of what one payment can move"));
  EXPECT_THAT(refusal(with_units(collection(1, 1), ~std::uint64_t{0})), HasSubstr("larger than a bank can move"));
  Instruction cent = collection(1, 1), most = collection(2, kSepaCentsMax);
  Instruction us_cent = ach(3, 1), us_most = ach(4, kAchCentsMax);
  for (Instruction* each : {&cent, &most, &us_cent, &us_most}) send(*each);
  at("2026-11-23", 8, 30);
  tick();
  at("2026-11-23", 19, 45);
  tick();
  ASSERT_THAT(names("out"), SizeIs(2));
  for (const std::string& name : names("out")) {
    const std::string bytes = content("out/" + name);
    const bool is_sepa = name.ends_with(".xml");
    EXPECT_THAT(is_sepa ? sepa_rule_findings(bytes) : nacha_rule_findings(bytes), IsEmpty());
    EXPECT_THAT(bytes, HasSubstr(is_sepa ? "<InstdAmt Ccy=\"EUR\">0.01</InstdAmt>" : "0000000001"));
    EXPECT_THAT(bytes, HasSubstr(is_sepa ? "<InstdAmt Ccy=\"EUR\">999999999.99</InstdAmt>" : "9999999999"));
  }
}

// Assets of any scale are moved as cents; banks here move currencies of two decimals and no others.
TEST_F(BankEngine, AssetsOfEveryExponent) {
  for (const auto& [scale, units, cents] :
       {std::tuple{0u, 5ULL, 500ULL}, {2u, 5ULL, 5ULL}, {3u, 50ULL, 5ULL}, {18u, 50'000'000'000'000'000ULL, 5ULL}}) {
    options_.currencies[0].scale = scale;
    open();
    Instruction one = collection(1, 1);
    one.settlement.amount = Amount(units);
    const base::Result<Request> request = read_request(prepared(one).request);
    ASSERT_TRUE(request) << scale;
    EXPECT_EQ(request->cents, cents) << scale;
  }
  options_.currencies[0].scale = 3;
  open();
  Instruction odd = collection(1, 1);
  odd.settlement.amount = Amount(55);
  EXPECT_THAT(refusal(odd), HasSubstr("not whole cents"));
  for (const char* currency : {"JPY", "KWD"}) {
    options_.currencies[0].currency = currency;
    EXPECT_THAT(bank_options_problem(options_).value_or(""), HasSubstr("does not move here"));
  }
}

// A reply that is lost is a payment whose place nobody knows. Ten thousand are put into the spool, some of them twice
// because their reply did not come, some not at all, with a crash after every thousand: what is there is there once.
TEST_F(BankEngine, TenThousandLostReplies) {
  constexpr std::uint64_t kPayments = 10'000;
  std::vector<Settlement> sent;
  std::set<std::string> in_spool;
  for (std::uint64_t id = 1; id <= kPayments; ++id) {
    Instruction one = collection(id, 100 + id % 9);
    const Prepared made = prepared(one);
    one.settlement.request = made.request;
    one.settlement.reference = made.reference;
    one.settlement.state = S::sending;
    sent.push_back(one.settlement);
    if (id % 1'000 != 0) continue;
    std::vector<Settlement> some(sent.end() - 1'000, sent.end());
    some.erase(std::remove_if(some.begin(), some.end(), [](const auto& each) { return each.id.value % 3 == 0; }),
               some.end());
    ASSERT_TRUE(engine_->queue(some));
    open();  // the replies of all these were lost with the process
    for (const Settlement& each : sent) engine_->adopt(each);
    ASSERT_TRUE(engine_->queue(some)) << "asked again";
  }
  std::size_t absent = 0;
  for (const Settlement& each : sent) {
    Instruction one;
    one.settlement = each;
    const Outcome outcome = probe(one);
    if (outcome.state == S::accepted) {
      in_spool.insert(each.reference);
    } else {
      EXPECT_EQ(outcome.state, S::failed);
      EXPECT_EQ(outcome.failure, F::technical) << "it was never sent, and may be tried again";
      ++absent;
    }
  }
  EXPECT_EQ(absent, kPayments / 3);
  EXPECT_EQ(in_spool.size() + absent, kPayments);
  at("2026-11-23", 8, 30);
  tick();
  std::map<std::string, int> filed;
  for (const auto& [number, file] : engine_->spool().files()) {
    for (const FiledPayment& payment : file.payments) ++filed[payment.reference];
  }
  EXPECT_EQ(filed.size(), in_spool.size());
  for (const auto& [reference, times] : filed) EXPECT_EQ(times, 1) << reference;
}

// A file of ten thousand, of which the bank refuses every tenth and books the others, each as an entry of its own.
TEST_F(BankEngine, TenThousandEntriesOutAndIn) {
  constexpr std::uint64_t kPayments = 10'000;
  std::vector<Settlement> settlements;
  std::string statuses;
  std::vector<reports::Line> lines;
  for (std::uint64_t id = 1; id <= kPayments; ++id) {
    Instruction each = collection(id, 100 + id % 7);
    const Prepared made = prepared(each);
    each.settlement.request = made.request;
    each.settlement.reference = made.reference;
    settlements.push_back(each.settlement);
    if (id % 10 == 0)
      statuses += reports::payment_status(made.reference, "RJCT", "AC04");
    else
      lines.push_back({made.reference, 100 + id % 7, true, "", 0, "", 0, "BOOK"});
  }
  ASSERT_TRUE(engine_->queue(settlements));
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  ASSERT_THAT(engine_->spool().files(), SizeIs(1));
  const Incoming refused =
      receive("status.xml",
              reports::status_head("<GrpSts>PART</GrpSts>", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>X</OrgnlPmtInfId>" +
                                                                statuses + "</OrgnlPmtInfAndSts>"));
  const Incoming booked = receive("statement.xml", reports::statement_of(lines));
  EXPECT_THAT(refused.notices, SizeIs(kPayments / 10));
  EXPECT_THAT(booked.notices, SizeIs(kPayments - kPayments / 10));
  std::set<std::uint64_t> named;
  for (const Incoming* incoming : {&refused, &booked}) {
    for (const Notice& notice : incoming->notices) {
      ASSERT_TRUE(notice.settlement.valid()) << notice.detail;
      Instruction one;
      one.settlement = settlements[notice.settlement.value - 1];
      one.settlement.state = S::accepted;
      one.notices = {notice};
      EXPECT_EQ(probe(one).state, incoming == &refused ? S::failed : S::settled);
      named.insert(notice.settlement.value);
    }
  }
  EXPECT_THAT(named, SizeIs(kPayments));
  EXPECT_THAT(refusal(collection(10, 100)), HasSubstr("nothing is collected from this account"));
}

// Whatever file says it, and however often and in whatever order: the outcome is that of each fact once.
TEST_F(BankEngine, ReportsRepeatedAndReorderedChangeNothing) {
  Instruction one = collection(1, 1'250);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  const std::string booked =
      reports::statement_of({{one.settlement.reference, 1'250, true, "", 0, "", 0, "BOOK"}}, "S1");
  const std::string back =
      reports::statement_of({{one.settlement.reference, 1'250, false, "AM04", 0, "", 0, "BOOK"}}, "S2");
  const Incoming late = receive("late.xml", back);
  tell(one, late);
  EXPECT_EQ(probe(one).state, S::failed) << "a return that comes before its booking";
  const Incoming first = receive("first.xml", booked);
  tell(one, first);
  EXPECT_EQ(probe(one).state, S::returned);
  for (const std::string& file : {booked, back, booked}) {
    const Incoming again = receive("again.xml", file);
    ASSERT_THAT(again.notices, SizeIs(1));
    EXPECT_EQ(again.notices[0].key, (file == back ? late : first).notices[0].key);
    tell(one, again);
    EXPECT_EQ(probe(one).state, S::returned);
  }
}

}  // namespace
}  // namespace bank_test
