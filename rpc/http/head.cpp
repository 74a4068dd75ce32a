#include "rpc/http/head.h"

#include <algorithm>

#include <boost/beast/core/string.hpp>

namespace rpc::http {
namespace {

namespace beast = boost::beast;
using Field = beast::http::field;

bool digits_only(beast::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    const std::size_t end = bytes.find('\n', seen_);
    if (end == std::string_view::npos) {
      seen_ = bytes.size();
      return State::more;
    }
    if (end == 0 || bytes[end - 1] != '\r') {
      problem_ = "a line of the head does not end with CR LF";
      return State::broken;
    }
    const bool empty_line = end - 1 == line_;
    const bool folded = line_ != 0 && !empty_line && (bytes[line_] == ' ' || bytes[line_] == '\t');
    if (folded) {
      problem_ = "a header field continues on the next line (obsolete line folding)";
      return State::broken;
    }
    seen_ = line_ = end + 1;
    if (empty_line) return State::complete;
  }
}

std::string_view origin_form(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!beast::iequals(beast::string_view(target.data(), std::min(target.size(), scheme.size())), scheme)) continue;
    const std::size_t path = target.find('/', scheme.size());
    return path == std::string_view::npos ? "/" : target.substr(path);
  }
  return target;
}

std::optional<std::string> framing_problem(const RequestHead& head) {
  const auto transfer = head.count(Field::transfer_encoding);
  const auto length = head.count(Field::content_length);
  if (transfer > 1) return "there are several Transfer-Encoding fields";
  if (length > 1) return "there are several Content-Length fields";
  if (transfer > 0 && length > 0) return "Content-Length and Transfer-Encoding must not come together";
  if (transfer > 0 && head.version() < 11) return "Transfer-Encoding needs HTTP/1.1";
  if (transfer > 0 && !beast::iequals(head[Field::transfer_encoding], "chunked"))
    return "the only Transfer-Encoding here is chunked";
  if (length > 0 && !digits_only(head[Field::content_length])) return "Content-Length is not a number";
  const auto hosts = head.count(Field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) return "a request has exactly one Host field";
  if (head.count(Field::authorization) > 1) return "there are several Authorization fields";
  return std::nullopt;
}

}  // namespace rpc::http
