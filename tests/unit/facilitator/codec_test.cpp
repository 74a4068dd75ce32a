#include "facilitator/codec.h"

#include <gtest/gtest.h>

#include "facilitator/fields.h"

namespace facilitator {
namespace {

const std::string kRequirements =
    "{\"scheme\":\"batch-settlement\",\"network\":\"acme:tab\",\"amount\":\"2500\",\"asset\":\"USD\","
    "\"payTo\":\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\",\"maxTimeoutSeconds\":300,\"extra\":{\"version\":\"1\"}}";
const std::string kGood =
    "{\"x402Version\":2,\"paymentPayload\":{\"x402Version\":2,\"resource\":{\"url\":\"https://a.example/\"},"
    "\"accepted\":" +
    kRequirements + ",\"payload\":{\"type\":\"x\"}},\"paymentRequirements\":" + kRequirements + "}";

// The request with one place replaced; the refusal's message, or "good".
std::string changed(const std::string& from, const std::string& to, std::string* code = nullptr) {
  std::string text = kGood;
  const std::size_t at = text.rfind(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  JsonDocument document;
  if (!document.parse(text, {})) return document.mistake().to_string();
  const auto decoded = decode_request(Operation::settle, document, document.root());
  const auto* refusal = std::get_if<Refusal>(&decoded);
  if (refusal == nullptr) return "good";
  EXPECT_EQ(refusal->http_status, 400u);
  EXPECT_FALSE(refusal->hint.empty());
  if (code != nullptr) *code = refusal->code;
  return refusal->message;
}

TEST(Codec, ReadsARequest) {
  JsonDocument document;
  ASSERT_TRUE(document.parse(kGood, {}));
  const auto decoded = decode_request(Operation::settle, document, document.root());
  const auto* request = std::get_if<PaymentRequest>(&decoded);
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->requirements.scheme, "batch-settlement");
  EXPECT_EQ(request->requirements.network, "acme:tab");
  EXPECT_TRUE(request->requirements.amount == 2500);
  EXPECT_EQ(request->requirements.asset, "USD");
  EXPECT_EQ(base::to_hex(request->requirements.pay_to), "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc");
  EXPECT_EQ(request->requirements.max_timeout_s, 300u);
  EXPECT_EQ(request->resource_url, "https://a.example/");
  EXPECT_TRUE(request->accepted.has_value());
  EXPECT_TRUE(request->payment_identifier.empty());
}

TEST(Codec, WhatMayBeLeftOut) {
  EXPECT_EQ(changed("{\"x402Version\":2,\"paymentPayload\"", "{\"paymentPayload\""), "good");
  EXPECT_EQ(changed("\"resource\":{\"url\":\"https://a.example/\"},", ""), "good");
  EXPECT_EQ(changed("\"accepted\":" + kRequirements + ",", ""), "good");
  EXPECT_EQ(changed(",\"extra\":{\"version\":\"1\"}", ""), "good");
  EXPECT_EQ(changed("\"payload\":{\"type\":\"x\"}", "\"payload\":{},\"unknown\":[1]"), "good");
}

TEST(Codec, NamesThePlaceOfEveryMistake) {
  struct Case {
    std::string from, to, message;
  };
  const std::string amount = "\"amount\":\"2500\"";
  const std::string digits =
      "paymentRequirements.amount: not a number below 2^128; allowed: decimal digits in quotes, "
      "without sign, leading zeros or exponent";
  const Case cases[] = {
      {amount, "\"amount\":2500",
       "paymentRequirements.amount: this is a number; allowed: decimal digits in quotes, "
       "without sign, leading zeros or exponent"},
      {amount, "\"amount\":\"0x9c4\"", digits},
      {amount, "\"amount\":\"1e3\"", digits},
      {amount, "\"amount\":\"-1\"", digits},
      {amount, "\"amount\":\"+1\"", digits},
      {amount, "\"amount\":\"1.0\"", digits},
      {amount, "\"amount\":\" 1\"", digits},
      {amount, "\"amount\":\"007\"", digits},
      {amount, "\"amount\":\"\"", digits},
      {amount, "\"amount\":\"340282366920938463463374607431768211456\"", digits},  // 2^128
      {amount, "\"amount\":\"99999999999999999999999999999999999999999\"", digits},
      {amount, "\"amount\":\"\\u0661\"", digits},
      {amount, "\"amount\":null",
       "paymentRequirements.amount: this is null; allowed: decimal digits in quotes, "
       "without sign, leading zeros or exponent"},
      {amount, "\"amount\":\"1\",\"amount\":\"2\"", "paymentRequirements.amount: the key occurs twice"},
      {"\"asset\":\"USD\",", "", "paymentRequirements.asset: missing; this must be a text"},
      {"\"asset\":\"USD\"", "\"asset\":{}", "paymentRequirements.asset: this is an object; it must be a text"},
      {"4293bc\"", "4293bg\"", "paymentRequirements.payTo: this must be \"0x\" and 40 hexadecimal digits (20 bytes)"},
      {"\"0x3c44", "\"3c44", "paymentRequirements.payTo: this must be \"0x\" and 40 hexadecimal digits (20 bytes)"},
      {"\"0x3c44", "\"0x443c44", "paymentRequirements.payTo: this must be \"0x\" and 40 hexadecimal digits (20 bytes)"},
      {"\"maxTimeoutSeconds\":300", "\"maxTimeoutSeconds\":\"300\"",
       "paymentRequirements.maxTimeoutSeconds: this is a text; it must be a number"},
      {"\"maxTimeoutSeconds\":300", "\"maxTimeoutSeconds\":1.5",
       "paymentRequirements.maxTimeoutSeconds: not a whole number in 0 to 31622400"},
      {"\"maxTimeoutSeconds\":300", "\"maxTimeoutSeconds\":-1",
       "paymentRequirements.maxTimeoutSeconds: not a whole number in 0 to 31622400"},
      {"\"maxTimeoutSeconds\":300", "\"maxTimeoutSeconds\":3e2",
       "paymentRequirements.maxTimeoutSeconds: not a whole number in 0 to 31622400"},
      {"\"extra\":{\"version\":\"1\"}", "\"extra\":[]",
       "paymentRequirements.extra: this is a list; it must be an object"},
      {"\"payload\":{\"type\":\"x\"}", "\"payload\":\"x\"",
       "paymentPayload.payload: this is a text; it must be an object"},
      {"\"paymentRequirements\":" + kRequirements, "\"paymentRequirements\":null",
       "paymentRequirements: this is null; it must be an object"},
  };
  for (const Case& one : cases) {
    std::string code = "invalid_request";
    EXPECT_EQ(changed(one.from, one.to, &code), one.message) << one.to;
    EXPECT_EQ(code, "invalid_request");
  }
}

TEST(Codec, OtherVersionsAreNamed) {
  for (const char* version : {"1", "3", "2.0", "\"2\"", "null"}) {
    std::string code;
    EXPECT_EQ(
        changed("{\"x402Version\":2,\"resource\"", "{\"x402Version\":" + std::string(version) + ",\"resource\"", &code),
        "paymentPayload.x402Version: this facilitator speaks x402 version 2 alone");
    EXPECT_EQ(code, "invalid_x402_version");
  }
}

TEST(Codec, FingerprintsDoNotSeeOrderAndSpacing) {
  const auto of = [](std::string_view text) {
    JsonDocument document;
    EXPECT_TRUE(document.parse(text, {}));
    return fingerprint(document, document.root());
  };
  EXPECT_EQ(of("{\"a\":1,\"b\":[true,null]}"), of(" { \"b\" : [ true , null ] , \"\\u0061\" : 1 } "));
  EXPECT_NE(of("{\"a\":1}"), of("{\"a\":\"1\"}"));
  EXPECT_NE(of("[1,2]"), of("[2,1]"));
  EXPECT_NE(of("[[1],2]"), of("[[1,2]]"));
  EXPECT_NE(of("{\"a\":\"b\"}"), of("[\"a\",\"b\"]"));
  EXPECT_NE(of("[true]"), of("[false]"));
}

TEST(Decimal, IsStrict) {
  EXPECT_TRUE(parse_decimal("0") == base::u128{0});
  EXPECT_TRUE(parse_decimal("340282366920938463463374607431768211455") == ~base::u128{0});
  EXPECT_EQ(decimal(~base::u128{0}), "340282366920938463463374607431768211455");
  EXPECT_EQ(decimal(0), "0");
  for (const std::string_view text : {"", "00", "01", "-0", "1 ", "a", "340282366920938463463374607431768211456"})
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
}

}  // namespace
}  // namespace facilitator
