#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace base {
namespace {

TEST(Text, NamesOfAllLanguagesPass) {
  for (const char* name :
       {"", "weather", "Gr\xc3\xbc\xc3\x9f", "\xe6\x97\xa5\xe6\x9c\xac", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
        "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"})
    EXPECT_EQ(flaw_of_text(name), "") << name;
}

TEST(Text, BytesThatAreNoUtf8AreNamed) {
  // A lone follower, a cut character, overlong forms, a surrogate, above U+10FFFF.
  for (const char* bytes : {"\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
    EXPECT_EQ(flaw_of_text(bytes), "it is not UTF-8") << bytes;
}

TEST(Text, ControlsDirectionsAndInvisibleCharactersAreNamed) {
  for (const char* text : {"a\x1b[2J", "a\nb", "\x7f", "\xc2\x9b", "\xe2\x80\xa8"})
    EXPECT_EQ(flaw_of_text(text), "it has a control character") << text;
  EXPECT_EQ(flaw_of_text(std::string_view("a\0b", 3)), "it has a control character");
  // U+202E, U+061C, U+200F, U+2066, U+2069.
  for (const char* text : {"gpj\xe2\x80\xaezip", "\xd8\x9c", "\xe2\x80\x8f", "\xe2\x81\xa6", "\xe2\x81\xa9"})
    EXPECT_EQ(flaw_of_text(text), "it has a character that turns the direction of text") << text;
  // U+200B, U+FEFF, a tag, U+FFFE.
  for (const char* text : {"pay\xe2\x80\x8bpal", "\xef\xbb\xbf", "\xf3\xa0\x81\xa1", "\xef\xbf\xbe"})
    EXPECT_EQ(flaw_of_text(text), "it has an invisible character") << text;
}

TEST(Text, FlawsCanBeTakenOut) {
  EXPECT_EQ(without_flaws("Gr\xc3\xbc\xc3\x9f", 100), "Gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(without_flaws("a\xe2\x80\xaez\x1b\xff", 100), "a?z??");
  EXPECT_EQ(without_flaws("Gr\xc3\xbc\xc3\x9f", 5), "Gr\xc3\xbc") << "no half characters";
}

}  // namespace
}  // namespace base
