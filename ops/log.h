#pragma once

// Structured log lines on stderr: a sentence and named values, as text or as one JSON object a line. Nothing secret is
// logged: callers pass addresses, numbers and paths, and there is no conversion from a key.

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "ops/config.h"

namespace ops {

class LogField {
 public:
  LogField(std::string_view name, std::string_view text) : name_(name), value_(text), quoted_(true) {}
  LogField(std::string_view name, const char* text) : LogField(name, std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text) : LogField(name, std::string_view(text)) {}
  LogField(std::string_view name, bool value) : name_(name), value_(value ? "true" : "false"), quoted_(false) {}
  template <std::integral Number>
  LogField(std::string_view name, Number value) : name_(name), value_(std::to_string(value)), quoted_(false) {}

  std::string_view name() const noexcept { return name_; }
  std::string_view value() const noexcept { return value_; }
  bool quoted() const noexcept { return quoted_; }

 private:
  std::string_view name_;
  std::string value_;
  bool quoted_;
};

// Safe from any thread. A line is written whole.
class Log {
 public:
  explicit Log(const LogConfig& config);
  // Tests: to a file instead of stderr.
  Log(const LogConfig& config, const std::string& file);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, message, fields);
  }
  void flush();

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

// `text` as a JSON string without its quotes; bytes that are not valid UTF-8 become U+FFFD.
std::string json_escape(std::string_view text);

}  // namespace ops
