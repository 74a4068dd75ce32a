#include "facilitator/json.h"

#include <gtest/gtest.h>

#include "facilitator/json_text.h"

namespace facilitator {
namespace {

std::string mistake_in(std::string_view text, const JsonLimits& limits = {}) {
  JsonDocument document;
  return document.parse(text, limits) ? "no mistake" : document.mistake().to_string();
}

TEST(Json, ReadsEveryKindOfValue) {
  JsonDocument document;
  ASSERT_TRUE(document.parse(" {\"a\":[1,-2.5e3,true,false,null,\"x\\u00e9\\n\"],\"b\":{\"c\":{}}} \r\n", {}));
  const JsonNode& root = document.root();
  EXPECT_EQ(root.kind, JsonKind::object);
  EXPECT_EQ(root.count, 2u);
  const JsonNode* list = document.member(root, "a");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->count, 6u);
  const JsonNode* at = document.first(*list);
  EXPECT_EQ(at->text, "1");
  at = document.next(*at);
  EXPECT_EQ(at->text, "-2.5e3");
  EXPECT_EQ(document.path(*at), "a[1]");
  at = document.next(*at);
  EXPECT_TRUE(at->boolean);
  at = document.next(*document.next(*document.next(*at)));
  EXPECT_EQ(at->text, "x\xC3\xA9\n");
  EXPECT_EQ(document.next(*at), nullptr);
  EXPECT_EQ(document.path(*document.member(*document.member(root, "b"), "c")), "b.c");
  EXPECT_EQ(document.member(root, "nothing"), nullptr);
}

TEST(Json, IsReusable) {
  JsonDocument document;
  EXPECT_FALSE(document.parse("{\"a\":", {}));
  EXPECT_TRUE(document.parse("{\"a\":1}", {}));
  EXPECT_FALSE(document.parse("{\"a\":1,\"a\":2}", {}));
  EXPECT_TRUE(document.parse("[\"long enough to need more room than before\"]", {}));
  EXPECT_EQ(document.first(document.root())->text, "long enough to need more room than before");
}

TEST(Json, RefusesWhatParsersDisagreeAbout) {
  EXPECT_EQ(mistake_in("{\"a\":{\"b\":1,\"b\":2}}"), "a.b: the key occurs twice");
  EXPECT_EQ(mistake_in("{\"a\":1,\"\\u0061\":2}"), "a: the key occurs twice");
  EXPECT_EQ(mistake_in("{\"a\":1}{"), "there is more text after the value");
  EXPECT_EQ(mistake_in("{\"a\":1} x"), "there is more text after the value");
  EXPECT_EQ(mistake_in("[{\"a\":"), "[0]: the text ends in the middle of a value");
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":1,}",
                                      "[1,]",
                                      "[01]",
                                      "[+1]",
                                      "[.5]",
                                      "[1.]",
                                      "[0x10]",
                                      "[NaN]",
                                      "[Infinity]",
                                      "{a:1}",
                                      "{'a':1}",
                                      "// c\n{}",
                                      "{} // c",
                                      "[\"\n\"]",
                                      "[\"\\x\"]",
                                      "[\"\\ud800\"]",
                                      "[\"\\udc00\"]",
                                      "nul",
                                      "\"",
                                      "[\"\xFF\"]",
                                      "[\"\xC0\xAF\"]",
                                      "[\"\xED\xA0\x80\"]",
                                      "[\"\xF5\x80\x80\x80\"]",
                                      "\xEF\xBB\xBF{}"})
    EXPECT_NE(mistake_in(text), "no mistake") << text;
}

TEST(Json, IsBounded) {
  JsonLimits limits;
  limits.depth = 4;
  EXPECT_EQ(mistake_in("[[[[1]]]]", limits), "no mistake");
  EXPECT_EQ(mistake_in("{\"a\":[[[[1]]]]}", limits), "a[0][0][0]: nested too deeply; allowed: at most 4 levels");
  EXPECT_NE(mistake_in(std::string(100'000, '['), limits), "no mistake");
  EXPECT_NE(mistake_in(std::string(100'000, '['), {}), "no mistake");
  limits.nodes = 3;
  EXPECT_EQ(mistake_in("[1,2]", limits), "no mistake");
  EXPECT_EQ(mistake_in("[1,2,3]", limits), "too many values; allowed: at most 3");
  std::string wide = "{";
  for (int i = 0; i < 200; ++i) wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(mistake_in(wide + "}"), "too many members; allowed: at most 128");
  // What the sender wrote does not blow up the answer.
  EXPECT_LT(mistake_in("{\"" + std::string(5'000, 'k') + "\":1,\"" + std::string(5'000, 'k') + "\":1}").size(), 200u);
}

TEST(JsonText, EscapesAndMendsUtf8) {
  EXPECT_EQ(json_quote("a\"b\\c\n\x01\x7f"), "\"a\\\"b\\\\c\\u000a\\u0001\x7f\"");
  EXPECT_EQ(json_quote("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_quote("\xC3"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json_quote("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(JsonObject().done(), "{}");
  EXPECT_EQ(JsonArray().done(), "[]");
  JsonObject object;
  object.text("a", "b").number("n", 7).flag("f", false);
  EXPECT_EQ(std::move(object).done(), "{\"a\":\"b\",\"n\":7,\"f\":false}");
}

}  // namespace
}  // namespace facilitator
