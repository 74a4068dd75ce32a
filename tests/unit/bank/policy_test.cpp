// What is refused, presented again, held and rounded; ACH; references.

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

TEST_F(BankEngine, PresentationsAreCounted) {
  Instruction one = collection(1, 100);
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    one.settlement.attempt = attempt;
    const Prepared made = prepared(one);
    ASSERT_EQ(made.failure, F::none) << attempt;
    if (attempt == 2) {
      const std::string request(made.request.begin(), made.request.end());
      EXPECT_THAT(request, HasSubstr("payment.not_before=2026-11-26")) << "three banking days after the 23rd";
    }
    NoticeBody body;
    body.kind = EntryKind::returned;
    body.reference = made.reference;
    body.reason = "AM04";
    body.date = parse_date("2026-11-23");
    Notice notice;
    notice.settlement = one.settlement.id;
    notice.body = write_notice_body(body);
    one.notices.push_back(notice);
  }
  one.settlement.attempt = 4;
  const Prepared made = prepared(one);
  EXPECT_EQ(made.failure, F::rejected);
  EXPECT_THAT(made.detail, HasSubstr("presented 3 times"));
}

TEST_F(BankEngine, AnAchDebitSettlesByTimeComesBackAndIsRetried) {
  Instruction one = ach(1, 1'250), two = ach(2, 700);
  send(one);
  send(two);
  at("2026-11-24", 19, 45);  // 14:45 in New York
  tick();
  ASSERT_THAT(names("out"), SizeIs(1));
  EXPECT_THAT(nacha_rule_findings(content("out/" + names("out")[0])), IsEmpty());
  at("2026-12-10", 19);
  EXPECT_EQ(probe(one).state, S::accepted) << "a file that nobody took is not settled by time";
  deliver();
  EXPECT_EQ(probe(one).state, S::settled);
  const SpoolFile& file = engine_->spool().files().begin()->second;
  const std::string returns = reports::ach_return(std::to_string(file.payments[0].trace),
                                                  std::to_string(file.payments[0].cents), file.payments[0].reference);
  Instruction& back = file.payments[0].settlement == one.settlement.id ? one : two;
  tell(back, receive("returns.ach", returns));
  back.settlement.state = S::settled;
  const Outcome outcome = probe(back);
  EXPECT_EQ(outcome.state, S::returned);
  EXPECT_EQ(outcome.code, "R01");
  back.settlement.attempt = 2;
  back.settlement.state = S::ready;
  send(back);
  at("2026-12-11", 19, 45);
  tick();
  ASSERT_THAT(names("out"), SizeIs(1));
  EXPECT_THAT(content("out/" + names("out")[0]), HasSubstr("RETRY PYMT"));
  Instruction& other = file.payments[0].settlement == one.settlement.id ? two : one;
  other.settlement.state = S::settled;
  at("2027-03-01", 12);
  EXPECT_EQ(probe(other).state, S::final);
}

TEST_F(BankEngine, AboveTheLimitOfReturnsDebitsAreHeld) {
  options_.ach->rate_entries_min = 2;
  open();
  Instruction one = ach(1, 1'250), two = ach(2, 700, "ach-web");
  send(one);
  send(two);
  at("2026-11-24", 19, 45);
  tick();
  ASSERT_THAT(names("out"), SizeIs(2));
  deliver();
  const FiledPayment& filed = engine_->spool().files().begin()->second.payments[0];
  receive("returns.ach",
          reports::ach_return(std::to_string(filed.trace), std::to_string(filed.cents), filed.reference, "R10"));
  Instruction next = ach(3, 100);
  at("2026-11-25", 19, 45);
  send(next);
  EXPECT_THAT(tick(), ElementsAre(HasSubstr("unauthorised ACH returns is above its limit")));
  EXPECT_THAT(names("out"), IsEmpty());
  put("gate/" + names("files").back() + ".release", "");
  tick();
  EXPECT_THAT(names("out"), SizeIs(1));
}

TEST_F(BankEngine, ADuplicateAtTheBankRaisesAnAlarm) {
  Instruction one = collection(1, 100);
  send(one);
  at("2026-11-23", 8, 30);
  tick();
  deliver();
  std::string status = reports::status_of_file("RJCT", "AM05");
  const std::string message = engine_->spool().files().begin()->second.message_id;
  status.replace(status.find("TABD-00000001"), 13, message);
  tell(one, receive("status.xml", status));
  EXPECT_EQ(probe(one).state, S::accepted) << "the bank has it already: to fail would be to collect twice";
  EXPECT_THAT(engine_->describe(), HasSubstr("ALARM: AM05"));
  put("gate/alarm.clear", "");
  tick();
  EXPECT_THAT(engine_->describe(), ::testing::Not(HasSubstr("ALARM")));
}

TEST_F(BankEngine, MandatesAreRefusedWithTheKeyThatIsWrong) {
  const auto with = [&](const std::string& text) {
    Instruction instruction = collection(1, 100);
    instruction.payer_rail_mandate.assign(text.begin(), text.end());
    return refusal(instruction);
  };
  const std::string iban = examples::german_iban(1);
  EXPECT_THAT(with(""), HasSubstr("no bank mandate"));
  EXPECT_THAT(with("scheme=sepa;name=A"), HasSubstr("scheme"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=DE00"), HasSubstr("iban"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=" + iban), HasSubstr("mandate"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=" + iban + ";mandate=M"), HasSubstr("signed"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=" + iban + ";mandate=M;signed=2026-01-01;sequence=X"),
              HasSubstr("sequence"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=" + iban + ";mandate=M;signed=2026-01-01;colour=red"),
              HasSubstr("colour"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;name=B"), HasSubstr("given twice"));
  EXPECT_THAT(with("scheme=sepa-core;name=A;iban=CH9300762011623852957;mandate=M;signed=2026-01-01"),
              HasSubstr("town"));
  EXPECT_THAT(with("scheme=ach-ppd;name=A;routing=021000022"), HasSubstr("routing"));
  EXPECT_THAT(with("hello"), HasSubstr("key=value"));
  EXPECT_THAT(with("scheme=ach-ppd;name=A;routing=021000021;account=1;authorized=2026-01-01"), HasSubstr("takes USD"));
  Instruction other = collection(1, 100);
  other.asset.id = base::AssetId(9);
  EXPECT_THAT(refusal(other), HasSubstr("has no currency"));
  Instruction fraction = collection(1, 100);
  fraction.settlement.amount = Amount(12'345);
  EXPECT_THAT(refusal(fraction), HasSubstr("not whole cents"));
  Instruction large = collection(1, kSepaCentsMax + 1);
  EXPECT_THAT(refusal(large), HasSubstr("larger"));
  Instruction largest = collection(1, kSepaCentsMax);
  EXPECT_EQ(prepared(largest).failure, F::none);
}

TEST_F(BankEngine, ARateRoundsHalfToEvenAndSaysSo) {
  options_.currencies[0].rate = "0.5";
  open();
  const auto cents = [&](std::uint64_t units) {
    Instruction one = collection(1, 1);
    one.settlement.amount = Amount(units);
    return read_request(prepared(one).request)->cents;
  };
  EXPECT_EQ(cents(30'000), 2U);  // 1.5 cents
  EXPECT_EQ(cents(50'000), 2U);  // 2.5 cents
  EXPECT_EQ(cents(50'001), 3U);
  EXPECT_EQ(cents(40'000), 2U);
  Instruction one = collection(1, 1);
  one.settlement.amount = Amount(30'000);
  EXPECT_THAT(prepared(one).detail, HasSubstr("rounded to the cent at the rate 0.5"));
}

TEST(BankReferences, SayWhatTheyAreOfAndAreNobodyElses) {
  const base::Hash ours{{1}}, theirs{{2}};
  for (const std::uint64_t id : {1ULL, 77ULL, (1ULL << 40) - 1}) {
    for (const std::uint32_t attempt : {1U, 255U}) {
      for (const std::uint32_t retries : {0U, 511U}) {
        const PaymentName name{base::SettlementId(id), attempt, retries};
        const std::string sepa = sepa_reference(ours, name), ach = ach_reference(ours, name);
        EXPECT_EQ(sepa.size(), 26U);
        EXPECT_EQ(ach.size(), 15U);
        EXPECT_EQ(parse_reference(ours, sepa), name);
        EXPECT_EQ(parse_reference(ours, ach), name);
        EXPECT_FALSE(parse_reference(theirs, sepa));
        EXPECT_FALSE(parse_reference(theirs, ach));
      }
    }
  }
  EXPECT_EQ(ach_reference(ours, {base::SettlementId(1ULL << 40), 1, 0}), "");
  EXPECT_EQ(ach_reference(ours, {base::SettlementId(1), 256, 0}), "");
  EXPECT_EQ(sepa_reference(ours, {base::SettlementId(1), 70'000, 0}), "");
  for (const char* other : {"", "NOTPROVIDED", "ABCDEFGHIJKLMNO", "abcdefghijklmnopqrstuvwxyz"})
    EXPECT_FALSE(parse_reference(ours, other));
}

}  // namespace
}  // namespace bank_test
