#pragma once

// application/x-www-form-urlencoded as card providers read it: brackets for nesting ("metadata[key]"), everything that
// is not unreserved (RFC 3986, 2.3) percent-encoded. The order is that of the calls, so the same calls give the same
// bytes.

#include <string>
#include <string_view>

namespace settlers::card {

class Form {
 public:
  Form& add(std::string_view key, std::string_view value);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

// One component of a path or query.
std::string percent_encoded(std::string_view text);

}  // namespace settlers::card
