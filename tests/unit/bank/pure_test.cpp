// Days, check digits and characters.

#include <gtest/gtest.h>

#include "settlers/bank/account_check.h"
#include "settlers/bank/business_days.h"
#include "settlers/bank/text.h"

namespace {

using namespace settlers::bank;
constexpr auto kTarget = BusinessCalendar::target;
constexpr auto kFed = BusinessCalendar::federal_reserve;

Day day(std::string_view text) { return parse_date(text).value(); }

TEST(BusinessDays, DatesAreThereAndBack) {
  EXPECT_EQ(day("1970-01-01"), 0);
  EXPECT_EQ(day("2000-03-01"), 11'017);
  for (Day each = day("1999-12-01"); each < day("2101-01-01"); ++each) {
    ASSERT_EQ(day_of(civil(each)), each);
    ASSERT_EQ(parse_date(date_text(each)), each);
  }
  EXPECT_EQ(weekday(day("2026-11-21")), 6U);
  for (const char* bad :
       {"2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "2026/01/01", "20260101", "", "2026-01-0a"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(BusinessDays, EasterAsTheChurchPublishesIt) {
  for (const char* sunday : {"2000-04-23", "2008-03-23", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05",
                             "2027-03-28", "2038-04-25", "1961-04-02", "2049-04-18"})
    EXPECT_EQ(date_text(easter(civil(day(sunday)).year)), sunday);
}

TEST(BusinessDays, TargetIsClosedOnSixDaysAndWeekends) {
  for (const char* closed :
       {"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2026-12-26", "2026-11-21", "2026-11-22"})
    EXPECT_FALSE(is_business_day(kTarget, day(closed))) << closed;
  // National holidays do not count: 3 October in Germany, Whit Monday.
  for (const char* open : {"2025-10-03", "2026-05-25", "2026-12-24", "2026-12-28"})
    EXPECT_TRUE(is_business_day(kTarget, day(open))) << open;
  EXPECT_EQ(date_text(add_business_days(kTarget, day("2026-04-02"), 1)), "2026-04-07");
  EXPECT_EQ(date_text(add_business_days(kTarget, day("2026-04-07"), -1)), "2026-04-02");
  EXPECT_EQ(date_text(add_business_days(kTarget, day("2026-12-25"), 0)), "2026-12-28");
  EXPECT_EQ(business_days_between(kTarget, day("2026-04-02"), day("2026-04-08")), 2);
}

TEST(BusinessDays, TheFederalReserveKeepsASundayHolidayOnMondayAndASaturdayHolidayNotAtAll) {
  for (const char* closed : {"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-09-07",
                             "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25", "2027-07-05", "2023-01-02"})
    EXPECT_FALSE(is_business_day(kFed, day(closed))) << closed;
  for (const char* open : {"2026-07-03", "2026-04-03", "2021-12-31", "2026-11-27", "2021-06-18"})
    EXPECT_TRUE(is_business_day(kFed, day(open))) << open;  // 2026-07-04 is a Saturday
}

TEST(AccountCheck, Ibans) {
  for (const char* good : {"DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606",
                           "NL91ABNA0417164300", "MT84MALT011000012345MTLCAST001S", "NO9386011117947"})
    EXPECT_FALSE(iban_problem(good)) << good;
  EXPECT_NE(iban_problem("DE88370400440532013000")->find("check digits 88"), std::string::npos);
  EXPECT_NE(iban_problem("DE8937040044053201300")->find("22 characters, not 21"), std::string::npos);
  EXPECT_NE(iban_problem("US89370400440532013000")->find("not in SEPA"), std::string::npos);
  EXPECT_TRUE(iban_problem("de89370400440532013000"));
  EXPECT_TRUE(iban_problem(""));
  EXPECT_FALSE(iban_problem(compact("de89 3704 0044 0532 0130 00")));
  EXPECT_TRUE(is_outside_eea("CH"));
  EXPECT_FALSE(is_outside_eea("DE"));
}

TEST(AccountCheck, OneMistypedCharacterIsAlwaysFound) {
  const std::string good = "DE89370400440532013000";
  for (std::size_t at = 2; at < good.size(); ++at) {
    for (char c = '0'; c <= '9'; ++c) {
      std::string typo = good;
      typo[at] = c;
      EXPECT_EQ(iban_problem(typo).has_value(), typo != good) << typo;
    }
  }
}

TEST(AccountCheck, OtherIdentifiers) {
  EXPECT_FALSE(creditor_id_problem("DE98ZZZ09999999999"));
  EXPECT_FALSE(creditor_id_problem("DE98ABC09999999999")) << "the business code is not in the check";
  EXPECT_TRUE(creditor_id_problem("DE97ZZZ09999999999"));
  EXPECT_TRUE(creditor_id_problem("DE98ZZZ"));
  EXPECT_FALSE(bic_problem("DEUTDEFF"));
  EXPECT_FALSE(bic_problem("DEUTDEFF500"));
  EXPECT_TRUE(bic_problem("DEUTDEFF50"));
  EXPECT_FALSE(routing_number_problem("021000021"));
  EXPECT_FALSE(routing_number_problem("231380104"));
  EXPECT_TRUE(routing_number_problem("021000022"));
  EXPECT_TRUE(routing_number_problem("000000000"));
  EXPECT_TRUE(routing_number_problem("02100002"));
}

TEST(Text, IsTranscribedTheSameWayEachTime) {
  EXPECT_EQ(to_sepa_text("M\xC3\xBCller & S\xC3\xB6hne GmbH", 70), "Mueller + Soehne GmbH");
  EXPECT_EQ(to_sepa_text("\xC5\x81\xC3\xB3"
                         "d\xC5\xBA, \xC8\x98tefan",
                         70),
            "Lodz, Stefan");
  EXPECT_EQ(to_sepa_text("\xCE\x91\xCE\xB8\xCE\xAE\xCE\xBD\xCE\xB1", 70), "Athina");
  EXPECT_EQ(to_sepa_text("\xD0\xA1\xD0\xBE\xD1\x84\xD0\xB8\xD1\x8F", 70), "Sofiya");
  EXPECT_EQ(to_sepa_text("cafe\xCC\x81  \t x\n", 70), "cafe x");
  EXPECT_EQ(to_sepa_text("\xF0\x9F\x92\xB8 \xFF\xFE <a>", 70), ". .. (a)");
  EXPECT_EQ(to_sepa_text("abc \xC3\x9F", 5), "abc s");
  EXPECT_EQ(to_nacha_text("Jos\xC3\xA9 (Bar) & Co", 22), "JOSE  BAR  & CO");
  for (unsigned byte = 0; byte < 256; ++byte)
    EXPECT_TRUE(is_sepa_text(to_sepa_text(std::string(3, static_cast<char>(byte)), 70))) << byte;
}

TEST(Text, References) {
  EXPECT_FALSE(reference_problem("A/B-1", 35));
  for (const char* bad : {"", "/A", "A/", "A//B", " A", "A ", "A_B", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"})
    EXPECT_TRUE(reference_problem(bad, 35)) << bad;
  EXPECT_EQ(base32(reinterpret_cast<const unsigned char*>("foobar"), 6), "MZXW6YTBOI");
}

}  // namespace
