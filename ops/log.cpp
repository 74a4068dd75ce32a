#include "ops/log.h"

#include <array>
#include <cstdio>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"

namespace ops {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string json_line(std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = "\"message\":\"" + json_escape(message) + "\"";
  for (const LogField& field : fields) {
    line += ",\"" + json_escape(field.name()) + "\":";
    line += field.quoted() ? "\"" + json_escape(field.value()) + "\"" : std::string(field.value());
  }
  return line;
}

// message key=value key="two words"
std::string text_line(std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = json_escape(message);
  for (const LogField& field : fields) {
    const bool plain = field.value().find_first_of(" \"=\\\n") == std::string_view::npos && !field.value().empty();
    line += " " + std::string(field.name()) + "=";
    line += plain ? json_escape(field.value()) : "\"" + json_escape(field.value()) + "\"";
  }
  return line;
}

}  // namespace

std::string json_escape(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const char character = text[i];
    const std::size_t length = base::utf8_length(text.substr(i));
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (character == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(character)));
      result += code.data();
    } else if (length == 0) {
      result += "\\ufffd";
    } else {
      result += text.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return result;
}

struct Log::Sink {
  spdlog::logger logger;
  LogFormat format;
};

namespace {

spdlog::logger make_logger(const LogConfig& config, spdlog::sink_ptr sink) {
  const char* pattern = config.format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})"
                                                         : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
  spdlog::logger logger("tabd", std::move(sink));
  logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  logger.set_level(level_of(config.level));
  logger.flush_on(spdlog::level::info);
  return logger;
}

}  // namespace

Log::Log(const LogConfig& config)
    : sink_(std::make_unique<Sink>(
          Sink{make_logger(config, std::make_shared<spdlog::sinks::stderr_sink_mt>()), config.format})) {}

Log::Log(const LogConfig& config, const std::string& file)
    : sink_(std::make_unique<Sink>(
          Sink{make_logger(config, std::make_shared<spdlog::sinks::basic_file_sink_mt>(file)), config.format})) {}

Log::~Log() { flush(); }

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!sink_->logger.should_log(level_of(level))) return;
  const std::string line = sink_->format == LogFormat::json ? json_line(message, fields) : text_line(message, fields);
  sink_->logger.log(level_of(level), spdlog::string_view_t(line));
}

void Log::flush() { sink_->logger.flush(); }

}  // namespace ops
