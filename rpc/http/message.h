#pragma once

// A request after it was read and before it is answered, and the answer.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "facilitator/protocol.h"

namespace rpc::http {

// The routes; also the label of the metrics. `other`: no such path.
enum class Route : std::uint8_t {
  supported,
  verify,
  settle,
  batch,
  statements,
  statement,
  settlements,
  charges,
  exposure,
  mandates,
  revocations,
  channels,
  channel,
  webhook,
  openapi,
  well_known,
  healthz,
  other
};
inline constexpr std::size_t kRoutes = static_cast<std::size_t>(Route::other) + 1;
// "supported", "verify", ...
std::string_view name(Route route) noexcept;

struct Request {
  Route route = Route::other;
  std::string target;         // path and query as sent
  std::string body;           // empty for GET
  std::uint32_t api_key = 0;  // index, for routes that need one
  bool head_only = false;     // HEAD: the answer's head alone
  std::string signature;      // webhooks: the value of its signature header
};

struct Response {
  unsigned status = 200;
  std::string body;                  // JSON
  std::uint32_t retry_after_ms = 0;  // 0: no Retry-After
  std::string_view allow;            // with 405
  bool close = false;                // the connection ends after it
};

Response refuse(facilitator::Refusal refusal);
inline Response refuse(unsigned status, std::string code, std::string message, std::string hint) {
  return refuse(facilitator::Refusal{status, std::move(code), std::move(message), std::move(hint)});
}

// Called once, on the server's thread.
using Respond = std::function<void(Response)>;

// The bytes on the wire. `keep_alive` false adds Connection: close.
std::string render(const Response& response, bool keep_alive, bool head_only);

}  // namespace rpc::http
