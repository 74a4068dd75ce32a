#include "facilitator/tab_payload.h"

#include <gtest/gtest.h>

#include "crypto/keccak.h"
#include "facilitator/codec.h"

namespace facilitator {
namespace {

namespace tab = commitments::tab;

// The example of docs/bindings/tab.md, section 12.
const std::string kCommitment =
    "{\"payer\":\"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266\",\"payee\":"
    "\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\","
    "\"asset\":\"USD\",\"maximum\":\"2500\","
    "\"resource\":\"0xe5cffde0ca6ed95eef57957aecabf759701cc14d519479df450d8b5f986f28a2\","
    "\"nonce\":\"1512366075204170947332355369683137040\",\"validAfter\":\"1893456000\",\"validBefore\":\"1893456300\"}";
const std::string kSignature = "\"signature\":\"0x" + std::string(130, '1') + "\"";
const std::string kVoucher =
    "{\"payer\":\"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266\",\"payee\":"
    "\"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\","
    "\"asset\":\"USD\",\"salt\":\"0x" +
    std::string(64, '2') + "\",\"maximum\":\"100000\",\"validBefore\":\"0\"}";

std::string request_with(const std::string& payload) {
  const std::string requirements =
      "{\"scheme\":\"batch-settlement\",\"network\":\"acme:tab\",\"amount\":\"2300\",\"asset\":\"USD\","
      "\"payTo\":\"0x3C44CDDDB6A900FA2B585DD299E03D12FA4293BC\",\"maxTimeoutSeconds\":300}";
  return "{\"paymentPayload\":{\"x402Version\":2,\"resource\":{\"url\":\"https://api.example/weather\"},\"payload\":" +
         payload + "},\"paymentRequirements\":" + requirements + "}";
}

TabAssets assets() {
  ledger::core::Asset usd;
  usd.id = base::AssetId(7);
  usd.text = "USD";
  return TabAssets({usd});
}

std::variant<TabPayment, TabRejection> decode(const std::string& text) {
  JsonDocument document;
  EXPECT_TRUE(document.parse(text, {})) << document.mistake().to_string();
  const auto decoded = decode_request(Operation::verify, document, document.root());
  EXPECT_TRUE(std::holds_alternative<PaymentRequest>(decoded)) << text;
  return decode_tab(std::get<PaymentRequest>(decoded), assets());
}

std::string commitment_text() {
  return request_with("{\"type\":\"commitment\",\"commitment\":" + kCommitment + "," + kSignature + "}");
}
std::string voucher_text() {
  return request_with("{\"type\":\"voucher\",\"voucher\":" + kVoucher + ",\"index\":\"7\"," + kSignature + "}");
}

// reason and message of the rejection after one place was replaced.
std::pair<std::string, std::string> changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto decoded = decode(text);
  const auto* rejection = std::get_if<TabRejection>(&decoded);
  if (rejection == nullptr) return {"good", ""};
  return {rejection->reason, rejection->message};
}

TEST(TabPayload, ReadsACommitment) {
  const auto decoded = decode(commitment_text());
  const auto* payment = std::get_if<TabPayment>(&decoded);
  ASSERT_NE(payment, nullptr) << std::get<TabRejection>(decoded).message;
  EXPECT_EQ(payment->item.kind, tab::ItemKind::hold);
  EXPECT_EQ(payment->item.single.asset, base::AssetId(7));
  EXPECT_EQ(payment->item.single.maximum, base::Amount(2500));
  EXPECT_EQ(base::to_hex(payment->item.single.payer), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  EXPECT_EQ(payment->item.single.valid_before, 1893456300u);
  EXPECT_TRUE(payment->item.signer.is_zero());
  EXPECT_EQ(payment->usage.amount, base::Amount(2300));
  // resource.url is the one whose hash was signed.
  EXPECT_EQ(payment->usage.resource, payment->item.single.resource);
}

TEST(TabPayload, ReadsAVoucher) {
  const auto decoded = decode(voucher_text());
  const auto* payment = std::get_if<TabPayment>(&decoded);
  ASSERT_NE(payment, nullptr) << std::get<TabRejection>(decoded).message;
  EXPECT_EQ(payment->item.kind, tab::ItemKind::voucher);
  EXPECT_EQ(payment->item.first_index, 7u);
  ASSERT_EQ(payment->item.usages.size(), 1u);
  EXPECT_EQ(payment->item.usages[0].amount, base::Amount(2300));
}

TEST(TabPayload, NamesThePlaceOfEveryMistake) {
  const std::string digits =
      ": not a number below 2^128; allowed: decimal digits in quotes, without sign, leading "
      "zeros or exponent";
  struct Case {
    std::string text, from, to, message;
  };
  const std::string payload = "paymentPayload.payload";
  const std::string commitment = payload + ".commitment", voucher = payload + ".voucher";
  const Case cases[] = {
      {commitment_text(), "\"type\":\"commitment\"", "\"type\":\"deposit\"",
       payload + ".type: unknown; allowed: \"commitment\", \"voucher\""},
      {commitment_text(), "\"type\":\"commitment\",", "", payload + ".type: missing; this must be a text"},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":2500",
       commitment + ".maximum: this is a number; allowed: decimal digits in quotes, without sign, leading zeros or "
                    "exponent"},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":\"0x9c4\"", commitment + ".maximum" + digits},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":\"2.5e3\"", commitment + ".maximum" + digits},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":\"-2500\"", commitment + ".maximum" + digits},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":\"340282366920938463463374607431768211456\"",
       commitment + ".maximum" + digits},
      {commitment_text(), "\"maximum\":\"2500\"", "\"maximum\":\"170141183460469231731687303715884105728\"",
       commitment + ".maximum: too large; allowed: 0 to 2^127 - 1"},
      {commitment_text(), "\"validAfter\":\"1893456000\"", "\"validAfter\":\"18446744073709551616\"",
       commitment + ".validAfter: too large; allowed: 0 to 2^64 - 1"},
      {commitment_text(), "\"asset\":\"USD\",\"maximum\"", "\"asset\":\"USD\",\"memo\":\"x\",\"maximum\"",
       commitment + ".memo: unknown here; what is not signed must not stand beside what is"},
      {commitment_text(), "\"resource\":\"0xe5", "\"resource\":\"0x",
       commitment + ".resource: this must be \"0x\" and 64 hexadecimal digits (32 bytes)"},
      {commitment_text(), kSignature, "\"signature\":\"0xzz\"",
       payload + ".signature: this must be \"0x\" and 130 hexadecimal digits (65 bytes)"},
      {commitment_text(), kSignature, "\"signer\":7," + kSignature,
       payload + ".signer: this is a number; it must be a text"},
      {voucher_text(), "\"index\":\"7\"", "\"index\":7",
       payload +
           ".index: this is a number; allowed: decimal digits in quotes, without sign, leading zeros or exponent"},
      {voucher_text(), "\"index\":\"7\",", "",
       payload + ".index: missing; allowed: decimal digits in quotes, without sign, leading zeros or exponent"},
      {voucher_text(), "\"salt\":\"0x22", "\"salt\":\"0x",
       voucher + ".salt: this must be \"0x\" and 64 hexadecimal digits (32 bytes)"},
  };
  for (const Case& one : cases) {
    const auto [reason, message] = changed(one.text, one.from, one.to);
    EXPECT_EQ(reason, "invalid_payload") << one.to;
    EXPECT_EQ(message, one.message) << one.to;
  }
}

TEST(TabPayload, WhatDoesNotFitTheRequirements) {
  EXPECT_EQ(changed(commitment_text(), "\"payee\":\"0x3c", "\"payee\":\"0x4c").first,
            "invalid_batch_settlement_tab_payee_mismatch");
  EXPECT_EQ(changed(commitment_text(), "\"asset\":\"USD\"", "\"asset\":\"usd\"").first,
            "invalid_batch_settlement_tab_asset_mismatch");
  EXPECT_EQ(changed(commitment_text(), "api.example/weather", "api.example/other").first,
            "invalid_batch_settlement_tab_resource_mismatch");
  // A 64-byte signature (EIP-2098) is one, of the wrong length.
  EXPECT_EQ(changed(commitment_text(), kSignature, "\"signature\":\"0x" + std::string(128, '1') + "\"").first,
            "invalid_signature");
  // A zero resource is any.
  EXPECT_EQ(changed(commitment_text(), "e5cffde0ca6ed95eef57957aecabf759701cc14d519479df450d8b5f986f28a2",
                    std::string(64, '0'))
                .first,
            "good");
}

TEST(TabPayload, TheServerSaysWhatItCounts) {
  const std::string timeout = "\"maxTimeoutSeconds\":300";
  const auto with = [&](const std::string& usage) { return timeout + ",\"extra\":{\"usage\":" + usage + "}"; };
  std::string text = commitment_text();
  const auto usage_of = [](const std::string& request) {
    const auto decoded = decode(request);
    const auto* payment = std::get_if<TabPayment>(&decoded);
    return payment == nullptr ? tab::Usage{} : payment->usage;
  };
  EXPECT_EQ(usage_of(text).quantity, 1u);
  EXPECT_EQ(usage_of(text).unit.view(), "request");
  text.replace(text.find(timeout), timeout.size(), with(R"({"quantity":"3238","unit":"tokens"})"));
  EXPECT_EQ(usage_of(text).quantity, 3238u);
  EXPECT_EQ(usage_of(text).unit.view(), "tokens");

  const std::string place = "paymentRequirements.extra.usage";
  for (const auto& [usage, message] : std::vector<std::pair<std::string, std::string>>{
           {"7", place + ": this is a number; it must be an object"},
           {R"({"unit":"tokens"})", place + ".quantity: missing"},
           {R"({"quantity":7,"unit":"tokens"})", place + ".quantity: this is a number"},
           {R"({"quantity":"18446744073709551616","unit":"tokens"})", place + ".quantity: too large"},
           {R"({"quantity":"7"})", place + ".unit: missing"},
           {R"({"quantity":"7","unit":"kilotokens"})", place + ".unit: allowed: up to 8"},
           {R"({"quantity":"7","unit":"a b"})", place + ".unit: allowed: up to 8"},
           {R"({"quantity":"7","unit":"kB","price":"1"})", place + ".price: unknown here"}}) {
    const auto [reason, said] = changed(commitment_text(), timeout, with(usage));
    EXPECT_EQ(reason, "invalid_payment_requirements") << usage;
    EXPECT_TRUE(said.starts_with(message)) << said;
  }
}

}  // namespace
}  // namespace facilitator
