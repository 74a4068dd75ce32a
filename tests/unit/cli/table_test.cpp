#include "cli/table.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Table, AlignsByCharactersAndStripsTheEnd) {
  Table table({{"NAME"}, {"AMOUNT", Align::right}, {"NOTE"}});
  table.row({"Zoë", "1.50", ""});
  table.row({"Alexander", "120.00", "late"});
  EXPECT_EQ(table.render(false),
            "NAME       AMOUNT  NOTE\n"
            "Zoë          1.50\n"
            "Alexander  120.00  late\n");
}

TEST(Table, TitlesAreBoldWithColor) {
  Table table({{"A"}});
  table.row({"x"});
  EXPECT_EQ(table.render(true), "\x1b[1mA\x1b[0m\nx\n");
}

TEST(Table, MissingCellsAreEmpty) {
  Table table({{"A"}, {"B"}});
  EXPECT_TRUE(table.empty());
  table.row({"1"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.render(false), "A  B\n1\n");
}

TEST(Fields, AlignsTheValues) {
  Fields fields;
  fields.add("network", "acme:tab");
  fields.add("up", "");
  EXPECT_EQ(fields.render(), "network  acme:tab\nup\n");
}

}  // namespace
}  // namespace cli
