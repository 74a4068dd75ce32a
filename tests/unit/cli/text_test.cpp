#include "cli/text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "cli/progress.h"
#include "cli/suggest.h"
#include "crypto/keccak.h"

namespace cli {
namespace {

using base::Amount;
using base::Time;

// Sets the local time zone for one test.
class ZoneTest : public testing::Test {
 protected:
  void SetUp() override { zone("UTC"); }
  void TearDown() override { zone("UTC"); }
  static void zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
};

TEST(Text, MoneyShowsEveryDecimalAndTheSymbol) {
  EXPECT_EQ(money(Amount(1'250'000), 6, "USDC"), "1.250000 USDC");
  EXPECT_EQ(money(Amount(0), 2, "EUR"), "0.00 EUR");
  EXPECT_EQ(money(Amount(7), 0, "points"), "7 points");
}

TEST(Text, SignedDecimalKeepsTheSign) {
  EXPECT_EQ(signed_decimal(-1, 6), "-0.000001");
  EXPECT_EQ(signed_decimal(1'500'000, 6), "1.500000");
  EXPECT_EQ(signed_decimal(0, 2), "0.00");
}

TEST(Text, ThousandsGroupsFromTheRight) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(12345678), "12,345,678");
}

TEST(Text, DurationsAreReadAndWritten) {
  EXPECT_EQ(parse_duration("90").value(), 90u);
  EXPECT_EQ(parse_duration("90s").value(), 90u);
  EXPECT_EQ(parse_duration("15m").value(), 900u);
  EXPECT_EQ(parse_duration("12h").value(), 43200u);
  EXPECT_EQ(parse_duration("30d").value(), 2592000u);
  EXPECT_EQ(parse_duration("2w").value(), 1209600u);
  for (const char* wrong : {"", "s", "1x", "-5s", "1.5h", "1 h", "99999999999999999999s", "18446744073709551615w"}) {
    const auto result = parse_duration(wrong);
    ASSERT_FALSE(result) << wrong;
    EXPECT_EQ(result.error().code, ExitCode::usage);
    EXPECT_NE(result.error().message.find(wrong), std::string::npos);
  }
  for (const std::uint64_t seconds : {1ull, 59ull, 60ull, 90ull, 3600ull, 86400ull, 604800ull, 1209600ull})
    EXPECT_EQ(parse_duration(duration_spec(seconds)).value(), seconds);
}

TEST(Text, DurationTextNamesTheTwoLargestParts) {
  EXPECT_EQ(duration_text(250), "250 us");
  EXPECT_EQ(duration_text(250'000), "250 ms");
  EXPECT_EQ(duration_text(5'000'000), "5 s");
  EXPECT_EQ(duration_text(185'000'000), "3 min 5 s");
  EXPECT_EQ(duration_text(7'200'000'000), "2 h");
  EXPECT_EQ(duration_text(93'600'000'000), "1 d 2 h");
}

TEST(Text, BytesTextUsesBinaryUnits) {
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(1536 * 1024), "1.5 MiB");
}

TEST_F(ZoneTest, TimeTextSaysBothZonesWhereTheyDiffer) {
  const Time time = Time::from_seconds(1'700'000'000);  // 2023-11-14T22:13:20Z
  EXPECT_EQ(time_text(time), "2023-11-14 22:13:20 UTC");
  zone("Europe/Berlin");
  EXPECT_EQ(time_text(time), "2023-11-14 23:13:20 CET (22:13:20 UTC)");
  zone("Asia/Tokyo");
  EXPECT_EQ(time_text(time), "2023-11-15 07:13:20 JST (2023-11-14 22:13:20 UTC)");
  EXPECT_EQ(time_text(Time{}), "-");
  EXPECT_EQ(time_iso(Time{1'700'000'000'000'042}), "2023-11-14T22:13:20.000042Z");
}

TEST_F(ZoneTest, WhenAcceptsDatesAndOffsets) {
  const Time now = Time::from_seconds(1000);
  EXPECT_EQ(parse_when("never", now).value(), 0u);
  EXPECT_EQ(parse_when("+1h", now).value(), 4600u);
  EXPECT_EQ(parse_when("1700000000", now).value(), 1'700'000'000u);
  EXPECT_EQ(parse_when("2023-11-14T22:13:20Z", now).value(), 1'700'000'000u);
  EXPECT_EQ(parse_when("2023-11-14", now).value(), 1'699'920'000u);
  zone("America/New_York");
  EXPECT_EQ(parse_when("2023-11-14", now).value(), 1'699'920'000u) << "dates are UTC whatever the local zone";
  for (const char* wrong : {"", "tomorrow", "2023-13-01", "2023-11-14T22:13:20", "+", "+1y"})
    EXPECT_FALSE(parse_when(wrong, now)) << wrong;
}

TEST(Text, WindowsAreReadAndWritten) {
  for (const char* text : {"20s", "1h", "day@UTC", "week@Europe/Berlin", "month@America/New_York"})
    EXPECT_EQ(window_text(parse_window(text).value()), text);
  EXPECT_EQ(parse_window("day")->time_zone, "UTC");
  EXPECT_EQ(parse_window("20s")->duration_s, 20u);
  for (const char* wrong : {"", "year", "0s", "20s@UTC", "day@"}) EXPECT_FALSE(parse_window(wrong)) << wrong;
}

TEST(Text, NonceFitsExactly128Bits) {
  const base::u128 largest = ~static_cast<base::u128>(0);
  EXPECT_EQ(nonce_text(largest), "340282366920938463463374607431768211455");
  EXPECT_EQ(parse_nonce("340282366920938463463374607431768211455").value(), largest);
  EXPECT_FALSE(parse_nonce("340282366920938463463374607431768211456"));
  EXPECT_EQ(parse_nonce("0xffffffffffffffffffffffffffffffff").value(), largest);
  EXPECT_EQ(parse_nonce("0xFf").value(), 255u);
  EXPECT_EQ(nonce_text(0), "0");
  for (const char* wrong : {"", "0x", "-1", "1.5", "0xg", "0x1ffffffffffffffffffffffffffffffff1"})
    EXPECT_FALSE(parse_nonce(wrong)) << wrong;
}

TEST(Text, ResourceIsHashedUnlessItIsAHash) {
  const std::string url = "https://api.example/weather";
  EXPECT_EQ(parse_resource(url).value(),
            crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(url.data()), url.size())));
  EXPECT_TRUE(parse_resource("")->is_zero());
  EXPECT_TRUE(parse_resource("any")->is_zero());
  const std::string hash = "0x" + std::string(63, '0') + "1";
  EXPECT_EQ(base::to_hex(parse_resource(hash).value()), hash);
  EXPECT_FALSE(parse_resource("0x12"));
}

TEST(Text, FeesInPercentAndBasisPoints) {
  EXPECT_EQ(parse_basis_points("2.5%").value(), 250u);
  EXPECT_EQ(parse_basis_points("250").value(), 250u);
  EXPECT_EQ(parse_basis_points("100%").value(), 10'000u);
  EXPECT_EQ(basis_points_text(250), "2.50%");
  for (const char* wrong : {"", "%", "100.01%", "10001", "2.555%", "-1"})
    EXPECT_FALSE(parse_basis_points(wrong)) << wrong;
}

TEST(Text, MoneyParserSaysWhatIsWrong) {
  EXPECT_EQ(parse_money("--limit", "12.5", 6)->units(), 12'500'000u);
  const auto result = parse_money("--limit", "12.1234567", 6);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("--limit"), std::string::npos);
  EXPECT_NE(result.error().message.find("6 decimals"), std::string::npos);
}

TEST(Suggest, FindsSlipsAndNothingElse) {
  const std::vector<std::string> words = {"payer", "payee", "plan", "statement", "settlement"};
  EXPECT_EQ(closest("payr", words), "payer");
  EXPECT_EQ(closest("paeyr", words), "payer");
  EXPECT_EQ(closest("statment", words), "statement");
  EXPECT_EQ(closest("settle", words), "settlement");
  EXPECT_EQ(closest("zzz", words), "");
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(Progress, LinesCarryRateAndRemainingTime) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  EXPECT_EQ(progress_line("verifying", 450'000, 1'000'000, 5 * kSecond),
            "verifying  45 %  450,000 of 1,000,000  90,000/s  6 s left");
  EXPECT_EQ(progress_line("verifying", 10, 10, kSecond), "verifying  100 %  10 of 10  10/s  in 1 s");
  EXPECT_EQ(progress_line("reading", 42, 0, kSecond), "reading  42  42/s");
  EXPECT_EQ(progress_bar("verifying", 1, 2, kSecond, 10), "verifying  [#####.....]  50 %  1 of 2  1/s  1 s left");
  EXPECT_EQ(progress_line("verifying", 0, 5, 0), "verifying  0 %  0 of 5  0/s");
}

}  // namespace
}  // namespace cli
