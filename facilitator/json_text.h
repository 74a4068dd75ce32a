#pragma once

// Writes JSON: an object or array is built by appending members in order. Keys are our own words; values are escaped.

#include <string>
#include <string_view>

namespace facilitator {

// `text` as a JSON text with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) { return raw(key, json_quote(value)); }
  JsonObject& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonObject& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
  // `json` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view json) {
    text_ += text_.empty() ? "{\"" : ",\"";
    text_.append(key);
    text_ += "\":";
    text_.append(json);
    return *this;
  }
  bool empty() const noexcept { return text_.empty(); }
  std::string done() && {
    if (text_.empty()) return "{}";
    text_ += '}';
    return std::move(text_);
  }

 private:
  std::string text_;
};

class JsonArray {
 public:
  void add(std::string_view json) {
    text_ += text_.empty() ? '[' : ',';
    text_.append(json);
  }
  std::string done() && {
    if (text_.empty()) return "[]";
    text_ += ']';
    return std::move(text_);
  }

 private:
  std::string text_;
};

}  // namespace facilitator
