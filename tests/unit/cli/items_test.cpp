#include "cli/items.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace cli {
namespace {

namespace tab = commitments::tab;

constexpr const char* kPayer = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
constexpr const char* kPayee = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

AssetBook book() {
  ledger::core::Asset usdc;
  usdc.id = base::AssetId(1);
  usdc.text = "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3";
  usdc.symbol = "USDC";
  usdc.scale = 6;
  return AssetBook({usdc});
}

Result<ParsedItem> parse(const std::string& text) {
  Result<Json> json = parse_json(text, "line 1");
  if (!json) return tl::unexpected<Failure>(json.error());
  return item_from_json(*json, book(), base::Time::from_seconds(1000), "line 1");
}

std::string with(const std::string& kind, const std::string& fields) {
  return R"({"kind":")" + kind + R"(","payer":")" + kPayer + R"(",)" + fields + "}";
}
std::string charge(const std::string& more) {
  return with("charge", std::string(R"("payee":")") + kPayee +
                            R"(","maximum":"0.05","nonce":7,"valid_before":"+1h","amount":"0.01")" + more);
}

TEST(Items, ReadsACharge) {
  const auto parsed =
      parse(charge(R"(,"asset":"usdc","resource":"https://api.example/a","quantity":3,"unit":"tokens")"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const tab::Item& item = parsed->item;
  EXPECT_EQ(item.kind, tab::ItemKind::charge);
  EXPECT_EQ(base::to_hex(item.single.payer), kPayer);
  EXPECT_EQ(base::to_hex(item.single.payee), kPayee);
  EXPECT_EQ(item.single.maximum, base::Amount(50'000));
  EXPECT_EQ(item.single.valid_before, 4600u);
  EXPECT_EQ(item.single.nonce, 7u);
  ASSERT_EQ(item.usages.size(), 1u);
  EXPECT_EQ(item.usages[0].amount, base::Amount(10'000));
  EXPECT_EQ(item.usages[0].quantity, 3u);
  EXPECT_EQ(item.usages[0].unit.view(), "tokens");
  EXPECT_EQ(item.usages[0].resource, item.single.resource);
  EXPECT_FALSE(item.single.resource.is_zero());
  EXPECT_FALSE(parsed->is_signed);
}

TEST(Items, ReadsAVoucher) {
  const auto parsed = parse(with("voucher", std::string(R"("payee":")") + kPayee +
                                                R"(","maximum":"2","first_index":4,)"
                                                R"("usages":[{"amount":"0.1"},{"amount":"0.2","quantity":9}])"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->item.voucher.maximum, base::Amount(2'000'000));
  EXPECT_EQ(parsed->item.voucher.valid_before, 0u);
  EXPECT_EQ(parsed->item.first_index, 4u);
  ASSERT_EQ(parsed->item.usages.size(), 2u);
  EXPECT_EQ(parsed->item.usages[1].quantity, 9u);
}

TEST(Items, CaptureAndReleaseNeedNoSignature) {
  const auto capture = parse(with("capture", R"("nonce":"9","amount":"0.02")"));
  ASSERT_TRUE(capture) << capture.error().message;
  EXPECT_TRUE(capture->is_signed);
  EXPECT_EQ(capture->item.usages.size(), 1u);
  const auto release = parse(with("release", R"("nonce":"9")"));
  ASSERT_TRUE(release) << release.error().message;
  EXPECT_TRUE(release->item.usages.empty());
}

TEST(Items, AWrongSignatureLengthIsTheLedgersToRefuse) {
  const auto parsed = parse(charge(R"(,"signature":"0x1234")"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_TRUE(parsed->is_signed);
  EXPECT_FALSE(parsed->item.signature_length_ok);
}

TEST(Items, EveryMistakeIsNamedWithItsPlace) {
  struct Case {
    std::string text;
    const char* names;
  };
  const std::vector<Case> cases = {
      {"7", "braces"},
      {R"({"kind":"charg"})", "charg"},
      {R"({"kind":"charge"})", "payer"},
      {charge(R"(,"maxmum":"1")"), "maxmum"},
      {charge(R"(,"asset":"EUR")"), "EUR"},
      {charge(R"(,"quantity":"many")"), "quantity"},
      {charge(R"(,"unit":"kilobytes")"), "unit"},
      {charge(R"(,"signature":"zz")"), "signature"},
      {with("charge", std::string(R"("payee":")") + kPayee +
                          R"(","maximum":0.05,"nonce":7,"valid_before":"+1h","amount":"0.01")"),
       "maximum"},
      {with("charge", std::string(R"("payee":")") + kPayee + R"(","maximum":"0.05","valid_before":"+1h")"), "nonce"},
      {with("charge", std::string(R"("payee":")") + kPayee + R"(","maximum":"0.05","nonce":1,"amount":"1")"),
       "valid_before"},
      {with("charge", R"("payee":"0x12","maximum":"0.05","nonce":1,"amount":"1")"), "payee"},
      {with("voucher", std::string(R"("payee":")") + kPayee + R"(","maximum":"2","usages":[])"), "usages"},
      {with("voucher", std::string(R"("payee":")") + kPayee + R"(","maximum":"2","usages":[{"amount":"x"}])"),
       "usage 0"},
  };
  for (const Case& one : cases) {
    const auto parsed = parse(one.text);
    ASSERT_FALSE(parsed) << one.text;
    EXPECT_EQ(parsed.error().code, ExitCode::usage);
    EXPECT_NE(parsed.error().message.find("line 1"), std::string::npos) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(one.names), std::string::npos) << parsed.error().message;
  }
  EXPECT_NE(parse(charge(R"(,"untt":"x")")).error().next.find("unit"), std::string::npos);
}

TEST(Items, WhatIsWrittenIsReadBack) {
  for (const std::string& text :
       {charge(R"(,"asset":"USDC","resource":"https://api.example/a","delivered":"https://api.example/b")"),
        with("hold", std::string(R"("payee":")") + kPayee + R"(","maximum":"1","nonce":"8","valid_before":99)"),
        with("capture", R"("nonce":"9","amount":"0.02")"), with("release", R"("nonce":"9")"),
        with("voucher", std::string(R"("payee":")") + kPayee + R"(","maximum":"2","usages":[{"amount":"0.1"}])")}) {
    const auto first = parse(text);
    ASSERT_TRUE(first) << first.error().message;
    const Json written = item_to_json(first->item, book());
    const auto second = parse(to_line(written));
    ASSERT_TRUE(second) << second.error().message << " in " << to_line(written);
    EXPECT_EQ(to_line(item_to_json(second->item, book())), to_line(written));
  }
}

TEST(Json, NamesWhereTextStopsBeingJson) {
  EXPECT_TRUE(parse_json(" {\"a\": [1, 2]} \n", "x"));
  EXPECT_FALSE(parse_json("", "x"));
  EXPECT_FALSE(parse_json("{} {}", "x"));
  const auto broken = parse_json("{\"a\": }", "items.jsonl, line 3");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message.find("items.jsonl, line 3"), 0u);
}

TEST(Json, PrettyKeepsTheOrderOfMembers) {
  JsonObject object;
  object["b"] = 1;
  object["a"] = JsonArray{"x", JsonObject{}};
  EXPECT_EQ(to_pretty(object), "{\n  \"b\": 1,\n  \"a\": [\n    \"x\",\n    {}\n  ]\n}");
}

class ItemReaderTest : public testing::Test {
 protected:
  void TearDown() override { ::unlink(path_.c_str()); }
  std::vector<std::string> read(const std::string& text) {
    std::ofstream(path_) << text;
    auto reader = ItemReader::open(path_);
    EXPECT_TRUE(reader);
    std::vector<std::string> all;
    for (;;) {
      auto next = (*reader)->next();
      if (!next) {
        all.push_back("failure: " + next.error().message);
        break;
      }
      if (!*next) break;
      all.push_back((*next)->where.substr(path_.size() + 2) + " " + to_line((*next)->value));
    }
    return all;
  }
  std::string path_ = testing::TempDir() + "tabctl-items-" + std::to_string(::getpid()) + ".json";
};

TEST_F(ItemReaderTest, LinesAndArraysGiveTheSame) {
  EXPECT_EQ(read("{\"a\":1}\n\n  {\"a\":2}"), (std::vector<std::string>{"line 1 {\"a\":1}", "line 3 {\"a\":2}"}));
  EXPECT_EQ(read("\n[{\"a\":1},\n {\"a\":2}]\n"), (std::vector<std::string>{"item 1 {\"a\":1}", "item 2 {\"a\":2}"}));
  EXPECT_EQ(read(""), std::vector<std::string>{});
  EXPECT_EQ(read("[]"), std::vector<std::string>{});
}

TEST_F(ItemReaderTest, ABrokenLineIsNamed) {
  const auto all = read("{\"a\":1}\n{oops\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[1].find("line 2"), std::string::npos);
}

TEST_F(ItemReaderTest, AMissingFileIsNotAUsageMistake) {
  const auto reader = ItemReader::open(path_ + ".none");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ExitCode::unreachable);
}

}  // namespace
}  // namespace cli
