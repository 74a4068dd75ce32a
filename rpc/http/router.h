#pragma once

// Which path means what, who may ask it, and what is asked of the parts behind it. Belongs to the server's thread.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/thread_pool.hpp>

#include "facilitator/facilitator.h"
#include "facilitator/tab_mandates.h"
#include "rpc/http/api_keys.h"
#include "rpc/http/books.h"
#include "rpc/http/connection.h"
#include "rpc/http/server.h"

namespace rpc::http {

// The OpenAPI document; made from openapi.json when this is built.
extern const std::string_view kOpenApi;

class Router {
 public:
  // `post` runs a function on the server's thread. `well_known`: the body of /.well-known/x402-tab. `webhooks` must
  // outlive this.
  Router(ApiKeys& keys, facilitator::Facilitator& facilitator, facilitator::TabMandates& mandates,
         const ledger::api::LedgerReader& reader, const base::Clock& clock, Counters& counters, facilitator::Post post,
         std::string well_known, const std::vector<Webhook>& webhooks);
  ~Router();

  std::optional<Response> admit(const RequestHead& head, KnownKey& known, Request& request, bool stopping);
  void handle(Request request, Respond respond);
  // Waits for the reads that are under way; their answers are posted.
  void stop();

 private:
  std::optional<Response> check_method(const RequestHead& head, Route route) const;
  std::optional<Response> check_key(const RequestHead& head, KnownKey& known, Request& request);
  // That the key still exists, and may ask for this.
  std::optional<Response> check_role(const Request& request) const;
  std::optional<Response> check_quota(const Request& request, std::uint64_t requests, bool take = true);
  void pay(facilitator::Operation operation, const Request& request, Respond respond);
  void pay_batch(const Request& request, const Respond& respond);
  void tell(const Request& request, Respond respond);
  void read(Request request, Respond respond);
  const Webhook* find_webhook(std::string_view path) const;
  void receive(Request request, Respond respond);

  ApiKeys& keys_;
  facilitator::Facilitator& facilitator_;
  facilitator::TabMandates& mandates_;
  const ledger::api::LedgerReader& reader_;
  const base::Clock& clock_;
  Counters& counters_;
  const facilitator::Post post_;
  const std::string well_known_;
  const std::vector<Webhook>& webhooks_;
  const std::string supported_;
  facilitator::JsonDocument document_;
  std::size_t reads_waiting_ = 0;
  boost::asio::thread_pool reading_{1};
};

}  // namespace rpc::http
