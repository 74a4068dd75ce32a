#include "rpc/http/head.h"

#include <gtest/gtest.h>

namespace rpc::http {
namespace {

using State = HeadScanner::State;

TEST(HeadScanner, FindsTheEndHoweverTheBytesCome) {
  const std::string head = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
  for (std::size_t first = 0; first < head.size(); ++first) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(std::string_view(head).substr(0, first)), State::more) << first;
    EXPECT_EQ(scanner.scan(head + "body\n"), State::complete) << first;
    EXPECT_EQ(scanner.size(), head.size()) << first;
  }
}

TEST(HeadScanner, RefusesBareLineFeedsAndFoldedLines) {
  for (const std::string_view head :
       {"GET / HTTP/1.1\nHost: t\r\n\r\n", "\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\n",
        "GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n"}) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(head), State::broken) << head;
    EXPECT_FALSE(scanner.problem().empty());
  }
}

TEST(Target, IsPathAndQueryHoweverItWasSent) {
  EXPECT_EQ(origin_form("/v1/charges?limit=2"), "/v1/charges?limit=2");
  EXPECT_EQ(origin_form("http://tabd.example/v1/charges?limit=2"), "/v1/charges?limit=2");
  EXPECT_EQ(origin_form("HTTPS://tabd.example:9403/verify"), "/verify");
  EXPECT_EQ(origin_form("http://tabd.example"), "/");
  EXPECT_EQ(origin_form("/verify?to=http://a/b"), "/verify?to=http://a/b");
  EXPECT_EQ(origin_form("ftp://a/b"), "ftp://a/b");
  EXPECT_EQ(origin_form("*"), "*");
}

}  // namespace
}  // namespace rpc::http
