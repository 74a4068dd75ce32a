#pragma once

// The HTTP front on the real ledger of RpcWorld, with API keys for payees 0 and 1, payer 0, and one with a small quota;
// and what clients and resource servers send.

#include <optional>
#include <string>

#include "rpc/http/server.h"
#include "tests/unit/rpc/rpc_world.h"
#include "tests/unit/rpc_http/http_client.h"

namespace rpc::http {

inline constexpr std::string_view kServer0 = "key of server 0";  // charges for payee 0
inline constexpr std::string_view kServer1 = "key of server 1";  // charges for payee 1
inline constexpr std::string_view kPayer0 = "key of payer 0";
inline constexpr std::string_view kPayee0 = "key of payee 0";
inline constexpr std::string_view kHurried = "key with a quota";  // as kServer0; 1 request a second, 3 at once

struct HttpWorld {
  // `change` alters the options before the start.
  explicit HttpWorld(const std::function<void(ServerOptions&)>& change = {});
  ~HttpWorld();

  std::uint16_t port() const { return front.port(); }
  std::vector<std::string> webhook_bodies;  // what came to /webhooks/test; on the front's thread
  // On a connection of its own.
  HttpAnswer post(std::string_view path, const std::string& body, std::string_view api_key = kServer0);
  HttpAnswer get(std::string_view path, std::string_view api_key = {});
  // Expects 200.
  std::string verify(const std::string& body) { return ok("/verify", body); }
  std::string settle(const std::string& body) { return ok("/settle", body); }

  RpcWorld world;
  crypto::SecretKey front_key = support::secret_key(support::Role::server, 7);
  Server front;

 private:
  std::string ok(std::string_view path, const std::string& body);
};

// Texts of requests. `amount` is that of paymentRequirements.
std::string requirements(const support::Actors& actors, std::uint64_t amount, std::uint64_t payee = 0);
std::string commitment_payload(const support::Actors& actors, const SingleSpec& spec);
std::string voucher_payload(const support::Actors& actors, const VoucherSpec& spec);
// {"x402Version":2,"paymentPayload":{...},"paymentRequirements":...}; `extensions` goes into the payload, with a comma
// before it.
std::string request(const std::string& payload, const std::string& requirements, const std::string& extensions = {});
std::string commitment_request(const support::Actors& actors, const SingleSpec& spec, std::uint64_t amount);
std::string voucher_request(const support::Actors& actors, const VoucherSpec& spec, std::uint64_t amount);

bool contains(const std::string& text, std::string_view part);

}  // namespace rpc::http
