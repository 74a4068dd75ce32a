#pragma once

// Writes XML without indentation. What is put in as text is escaped; names are ours. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace settlers::bank {

class XmlWriter {
 public:
  XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

  // `attributes` as it stands in the tag: `Ccy="EUR"`.
  void open(std::string_view name, std::string_view attributes = {}) {
    tag(name, attributes);
    open_.emplace_back(name);
  }
  void close() {
    CHECK(!open_.empty());
    end(open_.back());
    open_.pop_back();
  }
  void close(std::size_t count) {
    for (; count > 0; --count) close();
  }
  // <name>text</name>; nothing when the text is empty.
  void text(std::string_view name, std::string_view value, std::string_view attributes = {}) {
    if (value.empty()) return;
    tag(name, attributes);
    escape(value);
    end(name);
  }
  // `path` is "Id/IBAN": the innermost element holds the text, the others nothing else.
  void nested(std::string_view path, std::string_view value) {
    if (value.empty()) return;
    std::size_t opened = 0;
    for (std::size_t slash; (slash = path.find('/')) != std::string_view::npos; path.remove_prefix(slash + 1)) {
      open(path.substr(0, slash));
      ++opened;
    }
    text(path, value);
    close(opened);
  }
  // The document. Every element must be closed.
  std::string done() && {
    CHECK(open_.empty());
    out_ += '\n';
    return std::move(out_);
  }

 private:
  void tag(std::string_view name, std::string_view attributes) {
    out_.append("<").append(name);
    if (!attributes.empty()) out_.append(" ").append(attributes);
    out_ += '>';
  }
  void end(std::string_view name) { out_.append("</").append(name).append(">"); }
  void escape(std::string_view value) {
    for (const char c : value) {
      switch (c) {
        case '&': out_ += "&amp;"; break;
        case '<': out_ += "&lt;"; break;
        case '>': out_ += "&gt;"; break;
        default: out_ += c;
      }
    }
  }

  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace settlers::bank
