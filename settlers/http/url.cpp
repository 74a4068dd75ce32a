#include "settlers/http/url.h"

#include <algorithm>
#include <charconv>

namespace settlers::http {

base::Result<Url> parse_url(std::string_view url, std::string_view key) {
  const auto refuse = [url, key](const char* what) {
    return base::error(base::ErrorCode::invalid_argument, std::string(key) + " \"" + std::string(url) + "\": " + what +
                                                              "; expected http[s]://host[:port][/path]");
  };
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  Url result;
  result.tls = url.starts_with(kTls);
  if (!result.tls && !url.starts_with(kPlain)) return refuse("it does not begin with http:// or https://");
  std::string_view rest = url.substr(result.tls ? kTls.size() : kPlain.size());
  const std::size_t slash = rest.find('/');
  result.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  rest = rest.substr(0, slash);
  result.host_header = std::string(rest);
  if (rest.find('@') != std::string_view::npos) return refuse("a user name does not belong here");
  result.port = result.tls ? "443" : "80";
  std::string_view port;
  if (!rest.empty() && rest[0] == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return refuse("the bracket is not closed");
    result.host = std::string(rest.substr(1, end - 1));
    port = rest.substr(end + 1);
  } else {
    const std::size_t colon = rest.find(':');
    result.host = std::string(rest.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (result.host.empty()) return refuse("the host is missing");
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || failed != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535)
      return refuse("the port is not a number from 1 to 65535");
    result.port = std::to_string(number);
  }
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return refuse("it has a space or control character");
  return result;
}

}  // namespace settlers::http
