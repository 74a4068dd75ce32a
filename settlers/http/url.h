#pragma once

// An http:// or https:// address as the operator writes it.

#include <string>
#include <string_view>

#include "base/result.h"

namespace settlers::http {

struct Url {
  bool tls = false;  // https
  std::string host;  // without brackets
  std::string port;
  std::string target;  // path and query, at least "/"
  std::string host_header;
};
// http[s]://host[:port][/path]. invalid_argument says what is wrong; the message begins with `key`, the name of what
// was configured.
base::Result<Url> parse_url(std::string_view url, std::string_view key);

}  // namespace settlers::http
