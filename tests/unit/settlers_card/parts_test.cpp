// The parts of the card rail that ask nobody.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/hmac.h"
#include "settlers/card/answer.h"
#include "settlers/card/currency.h"
#include "settlers/card/declines.h"
#include "settlers/card/form.h"
#include "settlers/card/rate_limit.h"
#include "settlers/card/request.h"
#include "settlers/card/signature.h"

namespace settlers::card {
namespace {

using base::Amount;
using ledger::core::FailureClass;
using ::testing::HasSubstr;

constexpr base::Time kNow = base::Time::from_seconds(1'800'000'000);

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// RFC 4231, test cases 1, 2, 6.
TEST(Hmac, PublishedVectors) {
  EXPECT_EQ(base::to_hex(crypto::hmac_sha256(base::Bytes(20, 0x0b), {view("Hi "), view("There")})),
            "0xb0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(base::to_hex(crypto::hmac_sha256(view("Jefe"), {view("what do ya want for nothing?")})),
            "0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(base::to_hex(crypto::hmac_sha256(base::Bytes(131, 0xaa),
                                             {view("Test Using Larger Than Block-Size Key - Hash Key First")})),
            "0x60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_TRUE(crypto::equal_in_constant_time(view("ab"), view("ab")));
  EXPECT_FALSE(crypto::equal_in_constant_time(view("ab"), view("ac")));
  EXPECT_FALSE(crypto::equal_in_constant_time(view("ab"), view("abc")));
}

TEST(Form, EncodesWhatIsNotUnreserved) {
  Form form;
  form.add("metadata[a b]", "x&y=z+1 \xc3\xa4").add("expand[]", "latest_charge.balance_transaction");
  EXPECT_EQ(form.text(), "metadata[a%20b]=x%26y%3Dz%2B1%20%C3%A4&expand[]=latest_charge.balance_transaction");
}

// Exponents 0, 2 and 3; one unit and the maximum.
TEST(Currency, ExponentsAndSteps) {
  const Rate one;
  const auto charge = [&](std::uint64_t units, unsigned scale, const char* currency) {
    return to_minor(Amount(units), scale, currency, one, Operation::charge);
  };
  EXPECT_EQ(charge(1'250'000, 6, "usd")->units, 125u);
  EXPECT_EQ(charge(500'000'000, 6, "jpy")->units, 500u);
  EXPECT_EQ(charge(1'230'000, 6, "kwd")->units, 1'230u);
  EXPECT_EQ(charge(3'000'000, 6, "isk")->units, 300u);
  EXPECT_EQ(charge(50, 2, "usd")->units, 50u);
  EXPECT_EQ(charge(5, 0, "usd")->units, 500u) << "an asset with fewer decimals than the currency";
  EXPECT_EQ(charge(999'999'990'000, 6, "usd")->units, 99'999'999u);
  EXPECT_EQ(to_minor(Amount(1), 2, "usd", one, Operation::transfer)->units, 1u) << "payouts have no minimum";
  const struct {
    std::uint64_t units;
    unsigned scale;
    const char* currency;
    const char* why;
  } refused[] = {{1'255'000'001, 9, "usd", "more decimals"}, {490'000, 6, "usd", "0.49 usd is below"},
                 {1'000'000'000'000, 6, "usd", "is above"},  {1'235'000, 6, "kwd", "multiple of 0.010"},
                 {3'500'000, 6, "isk", "multiple of 1.00"},  {49'000'000, 6, "jpy", "49 jpy is below"},
                 {~0ULL, 0, "usd", "more than a card"},      {0, 6, "usd", "below"}};
  for (const auto& one_case : refused) {
    const auto result = charge(one_case.units, one_case.scale, one_case.currency);
    ASSERT_FALSE(result) << one_case.currency << one_case.units;
    EXPECT_THAT(result.error().message, HasSubstr(one_case.why));
  }
  EXPECT_FALSE(to_minor(Amount(1'050), 2, "huf", one, Operation::transfer));
  EXPECT_TRUE(to_minor(Amount(20'050), 2, "huf", one, Operation::charge));
}

TEST(Currency, RatesRoundHalfToEvenAndSayBy) {
  const auto at = [](std::uint64_t cents, const char* rate) {
    return to_minor(Amount(cents), 2, "eur", *parse_rate(rate), Operation::charge).value();
  };
  EXPECT_EQ(at(100, "0.925").units, 92u);  // 92.5
  EXPECT_EQ(at(100, "0.935").units, 94u);  // 93.5
  EXPECT_EQ(at(100, "0.935").rounding, "rounded up by 0.500000000 minor units");
  EXPECT_EQ(at(1'000, "0.9251").units, 925u);
  EXPECT_EQ(at(1'000, "0.9251").rounding, "rounded down by 0.100000000 minor units");
  EXPECT_EQ(at(1'000, "0.9").rounding, "");
  for (const char* bad : {"", "0", "-1", "1e3", "0.0000000001", "one", "1000000000000000"})
    EXPECT_FALSE(parse_rate(bad)) << bad;
  EXPECT_TRUE(parse_rate("1.000")->is_one());
  EXPECT_EQ(from_minor(125, 6, "usd", Rate{}), Amount(1'250'000));
  EXPECT_FALSE(from_minor(125, 6, "usd", *parse_rate("0.9")));
}

TEST(Declines, FourBuckets) {
  const auto bucket = [](const char* decline, const char* advice = "", const char* network = "") {
    return bucket_of({"card_declined", decline, advice, network});
  };
  for (const char* code : {"insufficient_funds", "card_velocity_exceeded", "issuer_not_available", "processing_error",
                           "try_again_later", "generic_decline", "do_not_honor", "something_new", ""})
    EXPECT_EQ(bucket(code), Bucket::retry_later) << code;
  for (const char* code : {"authentication_required", "approve_with_id", "call_issuer"})
    EXPECT_EQ(bucket(code), Bucket::payer_action) << code;
  for (const char* code : {"expired_card", "incorrect_number", "invalid_account", "card_not_supported"})
    EXPECT_EQ(bucket(code), Bucket::new_instrument) << code;
  for (const char* code : {"lost_card", "stolen_card", "pickup_card", "restricted_card", "revocation_of_authorization",
                           "stop_payment_order", "fraudulent", "merchant_blacklist"})
    EXPECT_EQ(bucket(code), Bucket::never) << code;
  EXPECT_EQ(bucket("generic_decline", "do_not_try_again"), Bucket::never) << "the provider's advice comes first";
  EXPECT_EQ(bucket("generic_decline", "", "03"), Bucket::never);
  EXPECT_EQ(bucket("generic_decline", "confirm_card_data"), Bucket::new_instrument);
  EXPECT_EQ(bucket("lost_card", "try_again_later"), Bucket::never);
  EXPECT_EQ(bucket_of({"expired_card", "", "", ""}), Bucket::new_instrument) << "a code without a decline_code";
  EXPECT_EQ(failure_of(Bucket::retry_later), FailureClass::insufficient_funds);
  EXPECT_EQ(failure_of(Bucket::never), FailureClass::rejected);
  EXPECT_TRUE(is_confidential({"card_declined", "stolen_card", "", ""}));
}

class SignatureTest : public ::testing::Test {
 protected:
  const std::string body_ = R"({"id":"evt_1","object":"event"})";
  const std::vector<std::string> secrets_{"whsec_new", "whsec_old"};
  SignatureCheck check(const std::string& header, base::Time now = kNow) {
    return check_signature(header, view(body_), secrets_, now);
  }
};

TEST_F(SignatureTest, AnyOfTheSecretsFits) {
  EXPECT_TRUE(check(sign(view(body_), "whsec_new", kNow)).ok);
  EXPECT_TRUE(check(sign(view(body_), "whsec_old", kNow)).ok);
  const std::string both = sign(view(body_), "whsec_elsewhere", kNow) + ",v0=00," +
                           sign(view(body_), "whsec_old", kNow).substr(std::string("t=1800000000,").size());
  EXPECT_TRUE(check(both).ok) << "several signatures while a secret is rolled";
}

TEST_F(SignatureTest, ForgedStaleAndMalformedOnes) {
  const std::string good = sign(view(body_), "whsec_new", kNow);
  EXPECT_THAT(check(sign(view(body_), "whsec_wrong", kNow)).problem, HasSubstr("no signature fits"));
  EXPECT_THAT(check_signature(good, view(body_ + " "), secrets_, kNow).problem, HasSubstr("no signature fits"));
  for (const std::uint64_t off : {300ULL, 301ULL, 600ULL}) {
    const bool near = off <= 300;
    EXPECT_EQ(check(good, base::Time::from_seconds(kNow.seconds() + off)).ok, near) << off;
    EXPECT_EQ(check(good, base::Time::from_seconds(kNow.seconds() - off)).ok, near) << off;
  }
  EXPECT_THAT(check(good, base::Time::from_seconds(kNow.seconds() + 600)).problem, HasSubstr("600 s old"));
  std::string changed_time = good;
  changed_time[2] = '2';
  EXPECT_FALSE(check(changed_time).ok) << "the time is signed";
  for (const char* bad : {"", "nonsense", "t=1,t=2,v1=00", "t=x,v1=00", "t=1800000000", "v1=00",
                          "t=,v1=", "t=1800000000,v1=zz", "t=99999999999999999999999,v1=00"})
    EXPECT_FALSE(check(bad).ok) << bad;
  EXPECT_FALSE(check("t=1800000000," + std::string(5'000, 'v')).ok);
  EXPECT_FALSE(check_signature(good, view(body_), {}, kNow).ok) << "no secret admits nothing";
  const std::size_t v1 = good.find("v1=");
  EXPECT_FALSE(check(good.substr(0, v1) + "v0=" + good.substr(v1 + 3)).ok) << "only v1 counts";
}

TEST(Mandate, NamesOfCustomerAndPaymentMethod) {
  const auto parse = [](std::string_view text) { return parse_mandate(view(text)); };
  EXPECT_EQ(parse("cus_A1;pm_B_2")->customer, "cus_A1");
  EXPECT_EQ(parse("cus_A1;pm_B_2")->payment_method, "pm_B_2");
  EXPECT_TRUE(parse("cus_A1;card_1"));
  for (const char* bad : {"", "cus_1", "pm_1;cus_1", "cus_;pm_1", "cus_1;pm_", "cus_1;pm_1;pm_2", "cus_1;pm_1&amount=1",
                          "cus_1; pm_1", "cus_1/../x;pm_1"})
    EXPECT_FALSE(parse(bad)) << bad;
}

TEST(StoredRequest, ComesBackExactly) {
  StoredRequest request{Operation::transfer, 5, "2026-10-28.endive", "usd", 125, "acct_1", "1", "amount=125"};
  const base::Bytes bytes = encode(request);
  const StoredRequest back = decode_request(bytes).value();
  EXPECT_EQ(back.form, request.form);
  EXPECT_EQ(back.units, 125u);
  EXPECT_EQ(back.operation, Operation::transfer);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_request(base::ByteView(bytes).first(size))) << size;
}

TEST(Key, FollowsFromLedgerSettlementAndAttempt) {
  CardOptions options;
  options.ledger = "acme:tab";
  Settlement settlement;
  settlement.id = SettlementId(7);
  const Hash key = key_of(options, settlement);
  EXPECT_EQ(key_of(options, settlement), key);
  settlement.attempt = 2;
  EXPECT_NE(key_of(options, settlement), key);
  settlement.attempt = 1;
  options.ledger = "other:tab";
  EXPECT_NE(key_of(options, settlement), key);
}

TEST(Answers, StrictAboutMoneyAndNothingElse) {
  const Intent intent =
      read_intent(R"({"object":"payment_intent","id":"pi_1","status":"succeeded","amount":125,"amount_received":125,
        "currency":"usd","customer":{"id":"cus_1"},"livemode":false,"new_field":[1,2],"metadata":{"tabd_key":"k",
        "tabd_settlement":"7"},"latest_charge":{"id":"ch_1","disputed":true,"balance_transaction":{"fee":33,
        "available_on":5,"status":"available","currency":"usd"}}})")
          .value();
  EXPECT_EQ(intent.customer, "cus_1");
  EXPECT_EQ(intent.marks.settlement, 7u);
  EXPECT_TRUE(intent.charge->disputed);
  EXPECT_EQ(intent.charge->balance->fee, 33u);
  for (const char* bad : {"", "{", "[]", "null", R"({"object":"charge","id":"ch_1"})",
                          R"({"object":"payment_intent","id":"pi_1","status":"on_fire","amount":1})",
                          R"({"object":"payment_intent","id":"pi_1","status":"succeeded"})",
                          R"({"object":"payment_intent","id":"pi_1","status":"succeeded","amount":-1})",
                          R"({"object":"payment_intent","id":"pi_1","status":"succeeded","amount":1.5})",
                          R"({"object":"payment_intent","id":7,"status":"succeeded","amount":1})"})
    EXPECT_FALSE(read_intent(bad)) << bad;
  std::string deep(10'000, '[');
  EXPECT_FALSE(read_intent("{\"a\":" + deep)) << "nesting is bounded";
  EXPECT_FALSE(read_intents(R"({"data":[1]})"));
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a b [31m");
  EXPECT_LE(printable(std::string(500, 'x')).size(), 200u);
}

TEST(Answers, Events) {
  const Event event = read_event(R"({"id":"evt_1","object":"event","type":"charge.dispute.created","created":9,
      "api_version":"2026-10-28.endive","livemode":true,"data":{"object":{"id":"du_1","object":"dispute",
      "payment_intent":"pi_9","status":"needs_response","metadata":{}}}})")
                          .value();
  EXPECT_EQ(event.payment_intent, "pi_9");
  EXPECT_EQ(event.object_kind, "dispute");
  for (const char* bad : {R"({"id":"evt_1","object":"event","type":"x"})",
                          R"({"id":"x","object":"event","type":"x","data":{"object":{}}})",
                          R"({"id":"evt_1","object":"list","type":"x","data":{"object":{}}})"})
    EXPECT_FALSE(read_event(bad)) << bad;
}

TEST(RateLimit, OneKindDoesNotHoldUpTheOthers) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  RateLimit limit(10, 4);
  std::uint64_t now = kSecond;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(limit.wait_ns("a", now), 0u);
    limit.take("a");
  }
  EXPECT_GT(limit.wait_ns("a", now), 0u);
  EXPECT_EQ(limit.wait_ns("b", now), 0u);
  for (int i = 0; i < 4; ++i) limit.take("b");
  for (int i = 0; i < 2; ++i) limit.take("c");
  EXPECT_GT(limit.wait_ns("c", now), 0u) << "ten in all";
  now += kSecond;
  EXPECT_EQ(limit.wait_ns("a", now), 0u);
  limit.pause("a", now, 3 * kSecond, false);
  EXPECT_EQ(limit.wait_ns("a", now), 3 * kSecond);
  EXPECT_EQ(limit.wait_ns("b", now), 0u);
  limit.pause("b", now, 2 * kSecond, true);
  EXPECT_EQ(limit.wait_ns("c", now), 2 * kSecond);
}

}  // namespace
}  // namespace settlers::card
