#include "base/status.h"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Status, NumbersAscendAndNamesAreUnique) {
  std::set<std::string_view> names;
  int previous = -1;
  for (int i = 0; i < kStatusCount; ++i) {
    const StatusInfo& entry = all_statuses()[i];
    EXPECT_GT(static_cast<int>(entry.status), previous) << entry.name;
    previous = static_cast<int>(entry.status);
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_TRUE(entry.sentence.ends_with('.')) << entry.name;
    EXPECT_EQ(&info(entry.status), &entry);
  }
}

TEST(Status, NumbersFromOutsideAreChecked) {
  EXPECT_EQ(status_from_number(62), Status::credit_limit_exceeded);
  EXPECT_FALSE(status_from_number(9999));
  EXPECT_FALSE(status_from_number(2));
}

TEST(Status, PermanentNumbers) {  // clients depend on these: never change a line here
  EXPECT_EQ(static_cast<int>(Status::ok), 0);
  EXPECT_EQ(static_cast<int>(Status::already_accepted), 1);
  EXPECT_EQ(static_cast<int>(Status::signature_wrong), 10);
  EXPECT_EQ(static_cast<int>(Status::expired), 30);
  EXPECT_EQ(static_cast<int>(Status::payer_unknown), 40);
  EXPECT_EQ(static_cast<int>(Status::mandate_cap_exceeded), 52);
  EXPECT_EQ(static_cast<int>(Status::credit_limit_exceeded), 62);
  EXPECT_EQ(static_cast<int>(Status::nonce_conflict), 70);
  EXPECT_EQ(static_cast<int>(Status::overloaded), 100);
}

}  // namespace
}  // namespace base
