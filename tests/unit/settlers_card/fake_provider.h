#pragma once

// A card provider in memory, behind the transport: payment intents, transfers, disputes, idempotency keys that are kept
// for 24 hours of the test's clock, and faults by the call. playground/provider has one that speaks HTTP and is checked
// with the provider's own library; this one is for counting to ten thousand.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "settlers/card/card.h"

namespace fake {

namespace json = boost::json;
namespace http = settlers::http;

enum class Fault {
  none,
  unreachable,   // no connection
  drop_before,   // the request is lost
  drop_after,    // it is carried out, the reply is lost
  error_before,  // 500, nothing done, nothing stored
  error_stored,  // 500 after it was carried out, and stored under the key
  conflict,      // 409: the key is in use
  limited,       // 429 of the rate limiter
  locked,        // 429 lock_timeout
  nonsense,      // 200 with something else
  reused,        // 400: the key was used with other parameters
};

class Provider {
 public:
  using Fields = std::map<std::string, std::string>;

  explicit Provider(boost::asio::io_context& io, const base::Clock& clock) : io_(io), clock_(clock) {}

  struct Dispute {
    std::string id, payment_intent, status;
    std::uint64_t amount = 0;   // zero: of all of the charge
    std::string currency = {};  // empty: the charge's
  };
  struct Seen {
    std::string method, target, form, key, version;
  };
  std::function<Fault(const Seen&)> fault = [](const Seen&) { return Fault::none; };
  std::vector<Seen> calls;
  std::map<std::string, json::object> intents;                 // by id
  std::map<std::string, std::vector<std::string>> intents_of;  // by customer, oldest first
  std::map<std::string, json::object> transfers;
  std::vector<std::string> transfer_order;
  std::map<std::string, json::object> refunds;  // by id
  std::vector<std::string> refund_order;
  std::string refund_status = "succeeded";  // of those that are made
  std::vector<Dispute> disputes;
  std::map<std::string, std::string> owners;  // of customers: the payer's address
  std::vector<json::object> events;           // oldest first
  std::map<std::string, json::array> listed;  // by path: what that list has, instead of what follows from the rest
  bool endless_events = false;                // the newest one again and again
  bool livemode = false;
  std::string account = "acct_1platform";
  std::uint64_t balance = 1'000'000'000;
  std::size_t page_max = 100;
  std::uint64_t available_after_s = 2 * 86'400;

  // Payments that succeeded, by tabd_settlement.
  std::map<std::string, int> paid() const {
    std::map<std::string, int> result;
    for (const auto& [id, intent] : intents) {
      if (intent.at("status") == "succeeded") ++result[metadata(intent, "tabd_settlement")];
    }
    return result;
  }
  std::size_t count(std::string_view method_and_prefix) const {
    std::size_t n = 0;
    for (const Seen& seen : calls) n += (seen.method + " " + seen.target).starts_with(method_and_prefix) ? 1U : 0U;
    return n;
  }

  void handle(http::Request request, http::Done done) {
    Seen seen;
    seen.method = request.method == http::Method::post ? "POST" : "GET";
    seen.target = request.target;
    seen.form = request.body;
    for (const http::Field& field : request.fields) {
      if (field.name == "Idempotency-Key") seen.key = field.value;
      if (field.name == "Stripe-Version") seen.version = field.value;
    }
    calls.push_back(seen);
    http::Result result = answer(seen, fault(seen));
    boost::asio::post(io_, [done = std::move(done), result = std::move(result)] { done(result); });
  }

  static std::string metadata(const json::object& object, const char* key) {
    const json::value* value = object.at("metadata").as_object().if_contains(key);
    return value == nullptr ? "" : std::string(value->as_string());
  }

 private:
  struct Stored {
    std::string form;
    http::Response response;
    std::uint64_t at_s = 0;
  };
  http::Result answer(const Seen& seen, Fault what) {
    const auto lost = [](bool sent) {
      return http::Result(tl::unexpected<http::Failure>(http::Failure{"lost", sent}));
    };
    switch (what) {
      case Fault::unreachable: return lost(false);
      case Fault::drop_before: return lost(true);
      case Fault::error_before: return error(500, "api_error", "", "internal");
      case Fault::conflict: return error(409, "idempotency_error", "idempotency_key_in_use", "in use");
      case Fault::limited: return error(429, "invalid_request_error", "rate_limit", "too many");
      case Fault::locked: return error(429, "invalid_request_error", "lock_timeout", "locked");
      case Fault::reused: return error(400, "idempotency_error", "", "the key was used with other parameters");
      case Fault::nonsense: return http::Response{200, {}, "<html>gateway</html>"};
      default: break;
    }
    if (seen.method == "GET") {
      http::Response response = read(seen.target);
      return what == Fault::drop_after ? lost(true) : http::Result(response);
    }
    if (const auto stored = stored_.find(seen.key);
        stored != stored_.end() && clock_.now().seconds() < stored->second.at_s + 24 * 3600) {
      if (stored->second.form != seen.form)
        return error(400, "idempotency_error", "", "the key was used with other parameters");
      return what == Fault::drop_after ? lost(true) : http::Result(stored->second.response);
    }
    http::Response response = write(seen.target, fields_of(seen.form));
    if (what == Fault::error_stored) response = error(500, "api_error", "", "internal");
    if (response.status != 400 && response.status != 404)
      stored_[seen.key] = {seen.form, response, clock_.now().seconds()};
    return what == Fault::drop_after ? lost(true) : http::Result(response);
  }

  http::Response error(unsigned status, const char* type, const std::string& code, const std::string& message,
                       json::object more = {}) {
    json::object object{{"type", type}, {"message", message}};
    if (!code.empty()) object["code"] = code;
    for (auto& [key, value] : more) object[key] = std::move(value);
    return {status, {}, json::serialize(json::object{{"error", std::move(object)}})};
  }
  static http::Response ok(const json::value& value) { return {200, {}, json::serialize(value)}; }

  static Fields fields_of(const std::string& form) {
    Fields fields;
    for (std::size_t at = 0; at < form.size();) {
      const std::size_t end = std::min(form.find('&', at), form.size());
      const std::string one = form.substr(at, end - at);
      fields[one.substr(0, one.find('='))] = decoded(one.substr(one.find('=') + 1));
      at = end + 1;
    }
    return fields;
  }
  static std::string decoded(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    return out;
  }
  static json::object metadata_of(const Fields& fields) {
    json::object metadata;
    for (const auto& [key, value] : fields) {
      if (key.starts_with("metadata[")) metadata[key.substr(9, key.size() - 10)] = value;
    }
    return metadata;
  }

  http::Response write(const std::string& target, const Fields& fields) {
    if (target == "/v1/payment_intents") return create_intent(fields);
    if (target == "/v1/transfers") return create_transfer(fields);
    if (target == "/v1/refunds") return create_refund(fields);
    const std::string prefix = "/v1/payment_intents/";
    if (target.starts_with(prefix) && target.ends_with("/cancel")) {
      json::object& intent = intents.at(target.substr(prefix.size(), target.size() - prefix.size() - 7));
      const std::string status(intent.at("status").as_string());
      if (!status.starts_with("requires_"))
        return error(400, "invalid_request_error", "payment_intent_unexpected_state", "it is " + status,
                     {{"payment_intent", intent}});
      intent["status"] = "canceled";
      return ok(intent);
    }
    return error(404, "invalid_request_error", "resource_missing", "no such path");
  }

  http::Response create_intent(const Fields& fields) {
    if (!fields.at("customer").starts_with("cus_known"))
      return error(400, "invalid_request_error", "resource_missing", "no such customer", {{"param", "customer"}});
    const std::string id = "pi_" + std::to_string(intents.size() + 1);
    const std::string card = fields.at("payment_method");
    const std::uint64_t amount = std::stoull(fields.at("amount"));
    json::object intent{{"id", id},
                        {"object", "payment_intent"},
                        {"amount", amount},
                        {"amount_received", 0},
                        {"currency", fields.at("currency")},
                        {"customer", fields.at("customer")},
                        {"created", clock_.now().seconds()},
                        {"livemode", livemode},
                        {"metadata", metadata_of(fields)},
                        {"latest_charge", nullptr}};
    std::string decline;
    if (card == "pm_processing") {
      intent["status"] = "processing";
    } else if (card.starts_with("pm_decline_")) {
      decline = card.substr(11);
      intent["status"] = "requires_payment_method";
    } else if (card == "pm_onsession") {
      intent["status"] = "requires_action";
    } else {
      succeed(intent);
    }
    if (!decline.empty()) {
      const bool authentication = decline == "authentication_required";
      json::object last{{"type", "card_error"},
                        {"code", authentication ? "authentication_required" : "card_declined"},
                        {"decline_code", decline},
                        {"message", "Your card was declined."}};
      intent["last_payment_error"] = last;
      intents[id] = intent;
      intents_of[fields.at("customer")].push_back(id);
      last["payment_intent"] = intent;
      return {402, {}, json::serialize(json::object{{"error", std::move(last)}})};
    }
    intents[id] = intent;
    intents_of[fields.at("customer")].push_back(id);
    return ok(intent);
  }

 public:
  void succeed(json::object& intent) {
    const std::uint64_t amount = json::value_to<std::uint64_t>(intent.at("amount"));
    intent["status"] = "succeeded";
    intent["amount_received"] = amount;
    intent["latest_charge"] =
        json::object{{"id", "ch_" + std::string(intent.at("id").as_string()).substr(3)},
                     {"disputed", false},
                     {"refunded", false},
                     {"amount_refunded", 0},
                     {"balance_transaction", json::object{{"id", "txn_1"},
                                                          {"currency", intent.at("currency")},
                                                          {"fee", amount / 34},
                                                          {"available_on", clock_.now().seconds() + available_after_s},
                                                          {"status", "pending"}}}};
  }

  // Also what the operator does on the dashboard: then without our metadata.
  http::Response create_refund(const Fields& fields) {
    const std::string origin = fields.at("payment_intent");
    const auto intent = intents.find(origin);
    if (intent == intents.end())
      return error(404, "invalid_request_error", "resource_missing", "no such payment", {{"param", "payment_intent"}});
    json::object& charge = intent->second.at("latest_charge").as_object();
    const std::uint64_t whole = json::value_to<std::uint64_t>(intent->second.at("amount"));
    const std::uint64_t before = json::value_to<std::uint64_t>(charge.at("amount_refunded"));
    const std::uint64_t amount = std::stoull(fields.at("amount"));
    if (charge.at("disputed").as_bool())
      return error(400, "invalid_request_error", "charge_disputed", "the charge is disputed");
    if (before == whole) return error(400, "invalid_request_error", "charge_already_refunded", "it was refunded");
    if (amount > whole - before)
      return error(400, "invalid_request_error", "", "more than what is left", {{"param", "amount"}});
    charge["amount_refunded"] = before + amount;
    charge["refunded"] = before + amount == whole;
    const std::string id = "re_" + std::to_string(refunds.size() + 1);
    refunds[id] = {{"id", id},
                   {"object", "refund"},
                   {"amount", amount},
                   {"currency", intent->second.at("currency")},
                   {"payment_intent", origin},
                   {"created", clock_.now().seconds()},
                   {"status", refund_status},
                   {"metadata", metadata_of(fields)}};
    refund_order.push_back(id);
    return ok(refunds.at(id));
  }
  // The payer's bank sends it back.
  void fail_refund(const std::string& id, const char* reason) {
    json::object& refund = refunds.at(id);
    refund["status"] = "failed";
    refund["failure_reason"] = reason;
    json::object& charge =
        intents.at(std::string(refund.at("payment_intent").as_string())).at("latest_charge").as_object();
    charge["amount_refunded"] = json::value_to<std::uint64_t>(charge.at("amount_refunded")) -
                                json::value_to<std::uint64_t>(refund.at("amount"));
    charge["refunded"] = false;
  }

 private:
  http::Response create_transfer(const Fields& fields) {
    const std::uint64_t amount = std::stoull(fields.at("amount"));
    if (amount > balance) return error(400, "invalid_request_error", "balance_insufficient", "your balance is too low");
    if (!fields.at("destination").starts_with("acct_known"))
      return error(400, "invalid_request_error", "resource_missing", "no such account", {{"param", "destination"}});
    balance -= amount;
    const std::string id = "tr_" + std::to_string(transfers.size() + 1);
    transfers[id] = {{"id", id},
                     {"object", "transfer"},
                     {"amount", amount},
                     {"amount_reversed", 0},
                     {"currency", fields.at("currency")},
                     {"destination", fields.at("destination")},
                     {"created", clock_.now().seconds()},
                     {"livemode", livemode},
                     {"metadata", metadata_of(fields)},
                     {"transfer_group", fields.at("transfer_group")}};
    transfer_order.push_back(id);
    return ok(transfers.at(id));
  }

  http::Response read(const std::string& target) {
    const std::string path = target.substr(0, target.find('?'));
    const Fields query = fields_of(target.find('?') == std::string::npos ? "" : target.substr(target.find('?') + 1));
    if (path == "/v1/balance") return ok(json::object{{"object", "balance"}, {"livemode", livemode}});
    if (path == "/v1/account")
      return ok(json::object{{"object", "account"}, {"id", account}, {"charges_enabled", true}});
    if (const auto found = listed.find(path); found != listed.end())
      return ok(json::object{{"object", "list"}, {"data", found->second}, {"has_more", false}});
    if (path == "/v1/payment_intents") return page(intents, intents_of[query.at("customer")], query, "customer");
    if (path == "/v1/events") return event_page(query);
    if (path == "/v1/transfers") return page(transfers, transfer_order, query, "transfer_group");
    if (path == "/v1/refunds") return page(refunds, refund_order, query, "payment_intent");
    if (path == "/v1/disputes") {
      json::array data;
      bool begun = query.count("starting_after") == 0;
      bool more = false;
      for (const Dispute& one : disputes) {
        const bool from_here = begun;
        if (!begun && one.id == query.at("starting_after")) begun = true;
        if (!from_here || one.payment_intent != query.at("payment_intent")) continue;
        more = data.size() == page_max;
        if (more) break;
        data.push_back(dispute_of(one));
      }
      return ok(json::object{{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
    }
    const std::string id = path.substr(path.rfind('/') + 1);
    if (const auto found = owners.find(id); found != owners.end())
      return ok(
          json::object{{"object", "customer"}, {"id", id}, {"metadata", json::object{{"tabd_payer", found->second}}}});
    if (const auto found = intents.find(id); found != intents.end()) return ok(found->second);
    if (const auto found = refunds.find(id); found != refunds.end()) return ok(found->second);
    if (const auto found = transfers.find(id); found != transfers.end()) return ok(found->second);
    return error(404, "invalid_request_error", "resource_missing", "no such object", {{"param", "id"}});
  }

  json::object dispute_of(const Dispute& one) const {
    const json::object& intent = intents.at(one.payment_intent);
    return {{"id", one.id},
            {"object", "dispute"},
            {"amount", one.amount != 0 ? json::value(one.amount) : intent.at("amount")},
            {"currency", one.currency.empty() ? intent.at("currency") : json::value(one.currency)},
            {"payment_intent", one.payment_intent},
            {"status", one.status},
            {"reason", "fraudulent"},
            {"created", clock_.now().seconds()},
            {"evidence_details", json::object{{"due_by", clock_.now().seconds() + 864'000}}}};
  }

  http::Response page(const std::map<std::string, json::object>& all, const std::vector<std::string>& order,
                      const Fields& query, const std::string& by) {
    json::array data;
    bool more = false;
    bool begun = query.count("starting_after") == 0;
    for (auto id = order.rbegin(); id != order.rend(); ++id) {
      const json::object& object = all.at(*id);
      const bool from_here = begun;
      if (!begun && *id == query.at("starting_after")) begun = true;
      if (!from_here || std::string(object.at(by).as_string()) != query.at(by)) continue;
      if (const auto from = query.find("created[gte]");
          from != query.end() && json::value_to<std::uint64_t>(object.at("created")) < std::stoull(from->second))
        continue;
      if (data.size() == page_max) {
        more = true;
        break;
      }
      data.push_back(object);
    }
    return ok(json::object{{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
  }

  http::Response event_page(const Fields& query) {
    json::array data;
    bool more = false;
    bool begun = query.count("starting_after") == 0;
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      const bool from_here = begun;
      if (!begun && event->at("id").as_string() == query.at("starting_after")) begun = true;
      if (endless_events) {
        data.push_back(*event);
        more = true;
        break;
      }
      if (!from_here) continue;
      if (json::value_to<std::uint64_t>(event->at("created")) < std::stoull(query.at("created[gte]"))) break;
      if (data.size() == page_max) {
        more = true;
        break;
      }
      data.push_back(*event);
    }
    return ok(json::object{{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
  }

  boost::asio::io_context& io_;
  const base::Clock& clock_;
  std::map<std::string, Stored> stored_;
};

// What make_card() is given: the provider outlives the settler, as the real one does.
class ProviderTransport final : public settlers::card::Transport {
 public:
  explicit ProviderTransport(Provider& provider) : provider_(provider) {}
  void send(http::Request request, http::Done done) override { provider_.handle(std::move(request), std::move(done)); }

 private:
  Provider& provider_;
};

}  // namespace fake
