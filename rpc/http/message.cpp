#include "rpc/http/message.h"

namespace rpc::http {
namespace {

std::string_view phrase(unsigned status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

}  // namespace

std::string_view name(Route route) noexcept {
  switch (route) {
    case Route::supported: return "supported";
    case Route::verify: return "verify";
    case Route::settle: return "settle";
    case Route::batch: return "batch";
    case Route::statements: return "statements";
    case Route::statement: return "statement";
    case Route::charges: return "charges";
    case Route::exposure: return "exposure";
    case Route::mandates: return "mandates";
    case Route::revocations: return "revocations";
    case Route::settlements: return "settlements";
    case Route::channels: return "channels";
    case Route::channel: return "channel";
    case Route::webhook: return "webhook";
    case Route::openapi: return "openapi";
    case Route::well_known: return "well_known";
    case Route::healthz: return "healthz";
    case Route::other: return "other";
  }
  return "other";
}

Response refuse(facilitator::Refusal refusal) {
  Response response;
  response.status = refusal.http_status;
  response.body = facilitator::to_json(refusal);
  response.retry_after_ms = refusal.retry_after_ms;
  return response;
}

std::string render(const Response& response, bool keep_alive, bool head_only) {
  std::string out;
  out.reserve(256 + response.body.size());
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += phrase(response.status);
  out += "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ";
  out += std::to_string(response.body.size());
  if (response.retry_after_ms != 0) {
    out += "\r\nRetry-After: ";
    out += std::to_string((response.retry_after_ms + 999) / 1000);  // whole seconds
  }
  if (!response.allow.empty()) {
    out += "\r\nAllow: ";
    out += response.allow;
  }
  if (response.status == 401) out += "\r\nWWW-Authenticate: Bearer";
  if (!keep_alive) out += "\r\nConnection: close";
  out += "\r\n\r\n";
  if (!head_only) out += response.body;
  return out;
}

}  // namespace rpc::http
