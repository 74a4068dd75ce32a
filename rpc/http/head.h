#pragma once

// The head of a request, before and after it is parsed: refuses what HTTP implementations read differently, which is
// what request smuggling lives on (RFC 9112, sections 2.2, 5.2, 6.3 and 11.2).

#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

namespace rpc::http {

// Finds the end of a head in bytes that come bit by bit. Every line must end with CR LF, and no line may continue the
// one before it (obs-fold).
class HeadScanner {
 public:
  enum class State { more, complete, broken };
  void reset() { seen_ = line_ = 0; }
  // `bytes` begins with the request's first byte and has grown since the last call.
  State scan(std::string_view bytes);
  std::size_t size() const noexcept { return seen_; }  // when complete: with the empty line
  std::string_view problem() const noexcept { return problem_; }

 private:
  std::size_t seen_ = 0;
  std::size_t line_ = 0;  // where the present line begins
  std::string_view problem_;
};

using RequestHead = boost::beast::http::header<true, boost::beast::http::fields>;

// Path and query of a request's target, which a proxy may send with scheme and authority before them (RFC 9112, 3.2.2).
std::string_view origin_form(std::string_view target) noexcept;

// What is wrong with a parsed head as a whole; empty if nothing is.
std::optional<std::string> framing_problem(const RequestHead& head);

}  // namespace rpc::http
