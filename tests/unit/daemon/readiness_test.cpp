#include "daemon/readiness.h"

#include <gtest/gtest.h>

namespace {

TEST(Readiness, SaysWhyNot) {
  tabd_daemon::Readiness readiness;
  EXPECT_EQ(readiness.answer().status, 503u);
  EXPECT_EQ(readiness.answer().body, "{\"ready\":false,\"cause\":\"starting\"}\n");
  readiness.set_not_ready("reading \"it\"");
  EXPECT_EQ(readiness.answer().body, "{\"ready\":false,\"cause\":\"reading \\\"it\\\"\"}\n");
  readiness.set_ready();
  EXPECT_EQ(readiness.answer().status, 200u);
  EXPECT_EQ(readiness.answer().body, "{\"ready\":true}\n");
}

}  // namespace
