#include "ops/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>

namespace {

std::string logged(const ops::LogConfig& config, const std::function<void(ops::Log&)>& body) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) /
      (std::string("tabd_log_") + testing::UnitTest::GetInstance()->current_test_info()->name() +
       std::to_string(getpid()));
  std::filesystem::remove(file);
  {
    ops::Log log(config, file.string());
    body(log);
  }
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  std::filesystem::remove(file);
  return text.str();
}

TEST(Log, TextLineHasTimeLevelMessageAndFields) {
  const std::string text = logged({}, [](ops::Log& log) {
    log.info("listening", {{"address", "127.0.0.1:1"}, {"count", 7}, {"tls", false}, {"note", "two words"}});
  });
  EXPECT_TRUE(std::regex_match(text, std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info    listening "
                                                "address=127.0.0.1:1 count=7 tls=false note=\"two words\"\n")))
      << text;
}

TEST(Log, JsonLineIsOneObject) {
  const std::string text = logged({ops::LogLevel::info, ops::LogFormat::json}, [](ops::Log& log) {
    log.error("a \"quoted\"\nthing", {{"path", "C:\\x"}, {"count", 7}, {"bad", std::string("\xff\x01")}});
  });
  EXPECT_TRUE(std::regex_match(
      text, std::regex(R"(\{"time":"[^"]+Z","level":"error","message":"a \\"quoted\\"\\nthing","path":"C:\\\\x",)"
                       R"("count":7,"bad":"\\ufffd\\u0001"\}\n)")))
      << text;
}

TEST(Log, BelowTheLevelNothingIsWritten) {
  const std::string text = logged({ops::LogLevel::warning, ops::LogFormat::text}, [](ops::Log& log) {
    log.info("quiet");
    log.debug("quieter");
    log.warning("loud");
  });
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

// A field's text cannot make a second line or forge a field.
TEST(Log, TextFromOutsideStaysInItsField) {
  const std::string text = logged({}, [](ops::Log& log) {
    log.info("refused", {{"reason", "x\n2026-01-01T00:00:00.000Z error   forged key=value"}});
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("reason=\"x\\n2026"), std::string::npos) << text;
}

TEST(Log, Utf8Passes) { EXPECT_EQ(ops::json_escape("Gr\xc3\xbc\xc3\x9f"), "Gr\xc3\xbc\xc3\x9f"); }

}  // namespace
