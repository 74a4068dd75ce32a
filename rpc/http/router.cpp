#include "rpc/http/router.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/verb.hpp>
#include <charconv>

#include "base/limits.h"
#include "facilitator/codec.h"
#include "facilitator/json_text.h"

namespace rpc::http {
namespace {

namespace limits = base::limits;
using boost::beast::http::verb;
using facilitator::Answer;
using facilitator::JsonKind;
using facilitator::JsonNode;
using facilitator::Operation;
using facilitator::Refusal;

enum class Access : std::uint8_t { open, server, any_key };

struct RouteInfo {
  std::string_view path;  // with a slash at its end it is a prefix
  Route route;
  bool posts;
  Access access;
};

constexpr std::array<RouteInfo, kRoutes - 1> kTable = {{
    {"/verify", Route::verify, true, Access::server},
    {"/settle", Route::settle, true, Access::server},
    {"/v1/batch", Route::batch, true, Access::server},
    {"/supported", Route::supported, false, Access::open},
    {"/v1/statements", Route::statements, false, Access::any_key},
    {"/v1/statements/", Route::statement, false, Access::any_key},
    {"/v1/settlements", Route::settlements, false, Access::any_key},
    {"/v1/charges", Route::charges, false, Access::any_key},
    {"/v1/exposure", Route::exposure, false, Access::any_key},
    {"/v1/mandates", Route::mandates, true, Access::any_key},
    {"/v1/revocations", Route::revocations, true, Access::any_key},
    {"/v1/channels", Route::channels, false, Access::any_key},
    {"/v1/channels/", Route::channel, false, Access::any_key},
    {"/webhooks/", Route::webhook, true, Access::open},
    {"/openapi.json", Route::openapi, false, Access::open},
    {"/.well-known/x402-tab", Route::well_known, false, Access::open},
    {"/healthz", Route::healthz, false, Access::open},
}};

const RouteInfo* find_route(std::string_view path) {
  for (const RouteInfo& info : kTable) {
    const bool prefix = info.path.ends_with('/');
    if (prefix ? path.size() > info.path.size() && path.starts_with(info.path) : path == info.path) return &info;
  }
  return nullptr;
}

const RouteInfo& info_of(Route route) {
  const RouteInfo* found = nullptr;
  for (const RouteInfo& info : kTable)
    if (info.route == route) found = &info;
  return *found;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Refusal bad_query(std::string message) {
  return {400, "invalid_request", std::move(message),
          "Query: after=<next of the page before>&limit=1.." + std::to_string(limits::kHttpPageItemsMax) + "."};
}

tl::expected<PageQuery, Refusal> page_of(std::string_view target) {
  std::optional<std::uint64_t> after, limit;
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const std::string_view key = one.substr(0, one.find('='));
    const std::optional<std::uint64_t> value = number_of(one.substr(std::min(one.size(), key.size() + 1)));
    if (key != "after" && key != "limit")
      return tl::unexpected(bad_query("there is an unknown parameter in the query"));
    if (!value || *value == UINT64_MAX)
      return tl::unexpected(bad_query(std::string(key) + " is not a number in decimal digits below 2^64 - 1"));
    std::optional<std::uint64_t>& target_value = key == "after" ? after : limit;
    if (target_value) return tl::unexpected(bad_query(std::string(key) + " is there twice"));
    target_value = value;
  }
  if (limit && (*limit == 0 || *limit > limits::kHttpPageItemsMax))
    return tl::unexpected(bad_query("limit is out of range"));
  return PageQuery{after.value_or(0), limit.value_or(limits::kHttpPageItemsMax)};
}

Response respond_json(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

Response to_response(const Answer& answer) {
  Response response;
  std::tie(response.status, response.body) = facilitator::to_http(answer);
  if (const auto* refusal = std::get_if<Refusal>(&answer)) response.retry_after_ms = refusal->retry_after_ms;
  return response;
}

// Of an item of /v1/batch.
std::optional<Operation> operation_of(std::string_view word) {
  if (word == "verify") return Operation::verify;
  if (word == "settle") return Operation::settle;
  if (word == "reserve") return Operation::reserve;
  if (word == "capture") return Operation::capture;
  return std::nullopt;
}

facilitator::JsonLimits json_limits(std::size_t items) {
  facilitator::JsonLimits result;
  result.depth = limits::kHttpJsonDepthMax;
  result.nodes = limits::kHttpJsonNodesMax * std::max<std::size_t>(items, 1) +
                 limits::kHttpClaimJsonNodesMax * limits::kClaimRowsMax;
  return result;
}

// The answers of a batch, as they come.
struct Gathered {
  std::vector<std::string> results;
  std::size_t missing = 0;
  Respond respond;
  void add(std::size_t index, const Answer& answer) {
    results[index] = facilitator::to_http(answer).second;
    if (--missing > 0) return;
    facilitator::JsonArray all;
    for (const std::string& result : results) all.add(result);
    respond(respond_json(std::move(facilitator::JsonObject().raw("results", std::move(all).done())).done()));
  }
};

}  // namespace

Router::Router(ApiKeys& keys, facilitator::Facilitator& facilitator, facilitator::TabMandates& mandates,
               const ledger::api::LedgerReader& reader, const base::Clock& clock, Counters& counters,
               facilitator::Post post, std::string well_known, const std::vector<Webhook>& webhooks)
    : keys_(keys),
      facilitator_(facilitator),
      mandates_(mandates),
      reader_(reader),
      clock_(clock),
      counters_(counters),
      post_(std::move(post)),
      well_known_(std::move(well_known)),
      webhooks_(webhooks),
      supported_(facilitator.supported()) {}

Router::~Router() { stop(); }

void Router::stop() { reading_.join(); }

std::optional<Response> Router::admit(const RequestHead& head, KnownKey& known, Request& request, bool stopping) {
  const RouteInfo* info = find_route(path_of(request.target));
  const Webhook* webhook =
      info != nullptr && info->route == Route::webhook ? find_webhook(path_of(request.target)) : nullptr;
  if (info == nullptr || (info->route == Route::webhook && webhook == nullptr))
    return refuse(404, "not_found", "there is no such path here", "GET /openapi.json lists the paths.");
  request.route = info->route;
  if (std::optional<Response> wrong = check_method(head, info->route)) return wrong;
  const auto coding = head[boost::beast::http::field::content_encoding];
  if (info->posts && !coding.empty() && !boost::beast::iequals(coding, "identity"))
    return refuse(415, "unsupported_encoding", "compressed bodies are not taken", "Send the JSON text as it is.");
  if (stopping)
    return refuse(Refusal{503, "shutting_down", "the daemon is stopping; nothing was recorded",
                          "Send the same request again, here or to another instance.", 1000});
  if (webhook != nullptr) {
    const auto signature = head[webhook->signature_header];
    request.signature.assign(signature.data(), signature.size());
  }
  if (info->access == Access::open) return std::nullopt;
  return check_key(head, known, request);
}

std::optional<Response> Router::check_method(const RequestHead& head, Route route) const {
  const bool posts = info_of(route).posts;
  const verb method = head.method();
  if (posts ? method == verb::post : method == verb::get || method == verb::head) return std::nullopt;
  const std::string_view allow = posts ? "POST" : "GET, HEAD";
  Response response =
      refuse(405, "method_not_allowed", "this path does not take this method", "Use " + std::string(allow) + ".");
  response.allow = allow;
  return response;
}

std::optional<Response> Router::check_key(const RequestHead& head, KnownKey& known, Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto field = head[boost::beast::http::field::authorization];
  const std::string_view header(field.data(), field.size());
  if (header.empty() || header != known.header || known.generation != keys_.generation()) {
    const bool bearer = header.size() > kBearer.size() && boost::beast::iequals(field.substr(0, 7), "bearer ");
    const auto found = bearer ? keys_.find(header.substr(kBearer.size())) : std::nullopt;
    if (!found) {
      ++counters_.unauthorised_total;
      return refuse(401, "unauthorised", bearer ? "the API key is not known" : "an API key is needed",
                    "Send \"Authorization: Bearer <API key>\"; the operator gives keys.");
    }
    known = {std::string(header), *found, keys_.generation()};
  }
  request.api_key = known.api_key;
  return check_role(request);
}

std::optional<Response> Router::check_role(const Request& request) const {
  if (!keys_.valid(request.api_key))
    return refuse(401, "unauthorised", "the API key is not known", "The operator gives keys.");
  const bool server_route = info_of(request.route).access == Access::server;
  if (server_route && keys_.at(request.api_key).role != KeyRole::server)
    return refuse(403, "role_not_allowed", "this API key reads, and may not verify or settle payments",
                  "Use a resource server's API key.");
  return std::nullopt;
}

std::optional<Response> Router::check_quota(const Request& request, std::uint64_t requests, bool take) {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const std::uint32_t wait_ms =
      take ? keys_.take(request.api_key, requests, now_ns) : keys_.wait_ms(request.api_key, requests, now_ns);
  if (wait_ms == 0) return std::nullopt;
  return refuse(Refusal{429, "quota_exceeded", "the API key's requests are used up for now",
                        "Wait for Retry-After, or ask the operator for a higher quota.", wait_ms});
}

void Router::handle(Request request, Respond respond) {
  // The keys may have changed since its head.
  if (info_of(request.route).access != Access::open)
    if (std::optional<Response> refusal = check_role(request)) return respond(std::move(*refusal));
  switch (request.route) {
    case Route::verify: return pay(Operation::verify, request, std::move(respond));
    case Route::settle: return pay(Operation::settle, request, std::move(respond));
    case Route::batch: return pay_batch(request, respond);
    case Route::statements:
    case Route::statement:
    case Route::settlements:
    case Route::charges:
    case Route::channels:
    case Route::channel:
    case Route::exposure: return read(std::move(request), std::move(respond));
    case Route::mandates:
    case Route::revocations: return tell(request, std::move(respond));
    case Route::supported: return respond(respond_json(supported_));
    case Route::openapi: return respond(respond_json(std::string(kOpenApi)));
    case Route::well_known: return respond(respond_json(well_known_));
    case Route::healthz: return respond(respond_json("{\"alive\":true}"));
    case Route::webhook: return receive(std::move(request), std::move(respond));
    case Route::other: break;
  }
  respond(refuse(404, "not_found", "there is no such path here", "GET /openapi.json lists the paths."));
}

void Router::pay(Operation operation, const Request& request, Respond respond) {
  if (std::optional<Response> wait = check_quota(request, 1)) return respond(std::move(*wait));
  ++counters_.payments_total;
  if (!document_.parse(request.body, json_limits(1)))
    return respond(refuse(facilitator::malformed(document_.mistake())));
  const facilitator::Caller caller{request.api_key, keys_.at(request.api_key).addresses};
  facilitator_.run(caller, operation, document_, document_.root(),
                   [respond = std::move(respond)](const Answer& answer) { respond(to_response(answer)); });
}

void Router::pay_batch(const Request& request, const Respond& respond) {
  // How many requests it is stands in the body: one is needed for that to be read, and taken if it is no batch at all.
  if (std::optional<Response> wait = check_quota(request, 1, false)) return respond(std::move(*wait));
  const auto malformed = [&](const facilitator::JsonMistake& mistake) {
    std::optional<Response> wait = check_quota(request, 1);
    respond(wait ? std::move(*wait) : refuse(facilitator::malformed(mistake)));
  };
  if (!document_.parse(request.body, json_limits(limits::kHttpBatchItemsMax))) return malformed(document_.mistake());
  const JsonNode* items = document_.member(document_.root(), "items");
  if (items == nullptr || items->kind != JsonKind::array || items->count == 0 ||
      items->count > limits::kHttpBatchItemsMax)
    return malformed({"items", "this must be a list of 1 to " + std::to_string(limits::kHttpBatchItemsMax) + " items"});
  if (std::optional<Response> wait = check_quota(request, items->count)) return respond(std::move(*wait));
  counters_.payments_total += items->count;
  const facilitator::Caller caller{request.api_key, keys_.at(request.api_key).addresses};
  auto gathered = std::make_shared<Gathered>();
  gathered->results.resize(items->count);
  gathered->missing = items->count;
  gathered->respond = respond;
  std::size_t index = 0;
  for (const JsonNode* item = document_.first(*items); item != nullptr; item = document_.next(*item), ++index) {
    const JsonNode* op = document_.member(*item, "op");
    const std::string_view word = op != nullptr && op->kind == JsonKind::text ? op->text : std::string_view();
    const std::optional<Operation> operation = operation_of(word);
    if (!operation) {
      gathered->add(index, facilitator::malformed({document_.path(*item, "op"),
                                                   "allowed: \"verify\", \"settle\", \"reserve\", \"capture\""}));
      continue;
    }
    facilitator_.run(caller, *operation, document_, *item,
                     [gathered, index](const Answer& answer) { gathered->add(index, answer); });
  }
}

// What a payer signed carries its own proof: any key may bring it.
void Router::tell(const Request& request, Respond respond) {
  if (std::optional<Response> wait = check_quota(request, 1)) return respond(std::move(*wait));
  if (!document_.parse(request.body, json_limits(1)))
    return respond(refuse(facilitator::malformed(document_.mistake())));
  facilitator::TabMandates::Told told = [respond = std::move(respond)](std::variant<std::string, Refusal> answer) {
    if (auto* refusal = std::get_if<Refusal>(&answer)) return respond(refuse(std::move(*refusal)));
    respond(respond_json(std::move(std::get<std::string>(answer))));
  };
  request.route == Route::mandates ? mandates_.set(document_, std::move(told))
                                   : mandates_.revoke(document_, std::move(told));
}

void Router::read(Request request, Respond respond) {
  if (std::optional<Response> wait = check_quota(request, 1)) return respond(std::move(*wait));
  const auto page = page_of(request.target);
  if (!page) return respond(refuse(page.error()));
  std::optional<std::uint64_t> id;
  if (request.route == Route::statement) {
    id = number_of(path_of(request.target).substr(info_of(Route::statement).path.size()));
    if (!id) return respond(refuse(404, "not_found", "a statement's id is a number", "GET /v1/statements lists them."));
  }
  std::optional<base::Hash> channel;
  if (request.route == Route::channel) {
    channel = base::hash_from_hex(path_of(request.target).substr(info_of(Route::channel).path.size()));
    if (!channel)
      return respond(
          refuse(404, "not_found", "a channel's id is 0x and 64 hexadecimal digits", "GET /v1/channels lists them."));
  }
  if (reads_waiting_ >= limits::kHttpReadQueueMax)
    return respond(
        refuse(Refusal{503, "overloaded", "too many reads are waiting", "Try again after Retry-After.", 1000}));
  ++reads_waiting_;
  boost::asio::post(reading_, [this, request = std::move(request), key = keys_.at(request.api_key), page = *page, id,
                               channel, respond = std::move(respond)] {
    BookAnswer answer;
    std::size_t looked = 0;
    if (request.route == Route::statements) answer = read_statements(reader_, key, page, looked);
    if (request.route == Route::statement) answer = read_statement(reader_, key, *id);
    if (request.route == Route::settlements) answer = read_settlements(reader_, key, page, looked);
    if (request.route == Route::charges) answer = read_charges(reader_, key, page, looked);
    if (request.route == Route::exposure) answer = read_exposure(reader_, key);
    if (request.route == Route::channels) answer = read_channels(reader_, key, page, looked);
    if (request.route == Route::channel) answer = read_channel(reader_, key, *channel);
    post_([this, respond, api_key = request.api_key, looked, answer = std::move(answer)]() mutable {
      --reads_waiting_;
      // The first page of rows is what the request was taken for.
      const std::size_t pages = (looked + limits::kHttpPageItemsMax - 1) / limits::kHttpPageItemsMax;
      if (pages > 1) keys_.charge(api_key, pages - 1, clock_.monotonic_ns());
      respond(answer ? respond_json(std::move(*answer)) : refuse(std::move(answer.error())));
    });
  });
}

const Webhook* Router::find_webhook(std::string_view path) const {
  for (const Webhook& webhook : webhooks_) {
    if (webhook.path == path) return &webhook;
  }
  return nullptr;
}

void Router::receive(Request request, Respond respond) {
  const Webhook* webhook = find_webhook(path_of(request.target));
  if (request.body.size() > kWebhookBytesMax)
    return respond(refuse(413, "body_too_large", "a webhook is at most " + std::to_string(kWebhookBytesMax) + " bytes",
                          "Is this the provider's webhook?"));
  webhook->receive(std::move(request.signature), std::move(request.body),
                   [this, respond = std::move(respond)](unsigned status, std::string problem) {
                     post_([respond, status, problem = std::move(problem)]() mutable {
                       if (status < 300) return respond(respond_json("{\"received\":true}"));
                       if (status >= 500)
                         return respond(refuse(Refusal{503, "webhook_not_recorded", std::move(problem),
                                                       "Send it again after Retry-After.", 5000}));
                       respond(refuse(status, "webhook_refused", std::move(problem),
                                      "Nothing was changed. tabctl inbox list shows what was refused."));
                     });
                   });
}

}  // namespace rpc::http
