#include "settlers/card/answer.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

namespace settlers::card {

namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kMessageBytesMax = 200;

tl::unexpected<base::Error> nonsense(std::string what) {
  return base::error(base::ErrorCode::io, "the provider's answer " + std::move(what));
}

base::Result<json::value> parse(std::string_view body) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code failed;
  json::value value = json::parse(json::string_view(body.data(), body.size()), failed, {}, options);
  if (failed) return nonsense("is not JSON: " + failed.message());
  if (!value.is_object()) return nonsense("is not a JSON object");
  return value;
}

const json::value* member(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->as_string());
}

// The id of something that is expanded or not.
std::string id_of(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value != nullptr && value->is_object()) return text(value->as_object(), "id");
  return text(object, key);
}

std::optional<std::uint64_t> number(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->as_uint64();
  if (value->is_int64() && value->as_int64() >= 0) return static_cast<std::uint64_t>(value->as_int64());
  return std::nullopt;
}

bool flag(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

const json::object* inner(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value == nullptr ? nullptr : value->if_object();
}

Marks marks_of(const json::object& object) {
  Marks marks;
  const json::object* metadata = inner(object, "metadata");
  if (metadata == nullptr) return marks;
  marks.ledger = text(*metadata, "tabd_ledger");
  marks.key = text(*metadata, "tabd_key");
  const std::string settlement = text(*metadata, "tabd_settlement");
  std::from_chars(settlement.data(), settlement.data() + settlement.size(), marks.settlement);
  return marks;
}

DeclineText decline_of(const json::object& error) {
  DeclineText decline;
  decline.code = text(error, "code");
  decline.decline_code = text(error, "decline_code");
  decline.advice_code = text(error, "advice_code");
  decline.network_advice_code = text(error, "network_advice_code");
  decline.message = printable(text(error, "message"));
  return decline;
}

std::optional<Charge> charge_of(const json::object& intent) {
  const json::object* object = inner(intent, "latest_charge");
  if (object == nullptr) return std::nullopt;
  Charge charge;
  charge.id = text(*object, "id");
  charge.amount_refunded = number(*object, "amount_refunded").value_or(0);
  charge.disputed = flag(*object, "disputed");
  charge.refunded = flag(*object, "refunded");
  if (const json::object* from = inner(*object, "balance_transaction")) {
    BalanceTransaction balance;
    balance.id = text(*from, "id");
    balance.currency = text(*from, "currency");
    balance.fee = number(*from, "fee").value_or(0);
    balance.available_on_s = number(*from, "available_on").value_or(0);
    balance.available = text(*from, "status") == "available";
    charge.balance = std::move(balance);
  }
  return charge;
}

base::Result<Intent> intent_of(const json::object& object) {
  Intent intent;
  intent.id = text(object, "id");
  if (text(object, "object") != "payment_intent" || !intent.id.starts_with("pi_"))
    return nonsense("is not a payment intent");
  intent.status_text = printable(text(object, "status"));
  if (intent.status_text == "succeeded") {
    intent.status = IntentStatus::succeeded;
  } else if (intent.status_text == "processing") {
    intent.status = IntentStatus::processing;
  } else if (intent.status_text == "canceled") {
    intent.status = IntentStatus::canceled;
  } else if (!intent.status_text.starts_with("requires_")) {
    return nonsense("has a payment intent in state \"" + intent.status_text + "\", which is not known here");
  }
  const std::optional<std::uint64_t> amount = number(object, "amount");
  if (!amount) return nonsense("has a payment intent without an amount");
  intent.amount = *amount;
  intent.amount_received = number(object, "amount_received").value_or(0);
  intent.currency = text(object, "currency");
  intent.customer = id_of(object, "customer");
  intent.created_s = number(object, "created").value_or(0);
  intent.livemode = flag(object, "livemode");
  intent.marks = marks_of(object);
  if (const json::object* error = inner(object, "last_payment_error")) intent.last_error = decline_of(*error);
  intent.charge = charge_of(object);
  return intent;
}

base::Result<Transfer> transfer_of(const json::object& object) {
  Transfer transfer;
  transfer.id = text(object, "id");
  const std::optional<std::uint64_t> amount = number(object, "amount");
  if (text(object, "object") != "transfer" || !transfer.id.starts_with("tr_") || !amount)
    return nonsense("is not a transfer");
  transfer.amount = *amount;
  transfer.amount_reversed = number(object, "amount_reversed").value_or(0);
  transfer.currency = text(object, "currency");
  transfer.destination = id_of(object, "destination");
  transfer.created_s = number(object, "created").value_or(0);
  transfer.livemode = flag(object, "livemode");
  transfer.marks = marks_of(object);
  return transfer;
}

base::Result<Refund> refund_of(const json::object& object) {
  Refund refund;
  refund.id = text(object, "id");
  const std::optional<std::uint64_t> amount = number(object, "amount");
  if (text(object, "object") != "refund" || refund.id.empty() || !amount) return nonsense("is not a refund");
  refund.status_text = printable(text(object, "status"));
  if (refund.status_text == "succeeded") {
    refund.status = RefundStatus::succeeded;
  } else if (refund.status_text == "failed" || refund.status_text == "canceled") {
    refund.status = RefundStatus::failed;
  } else if (refund.status_text != "pending" && refund.status_text != "requires_action") {
    return nonsense("has a refund in state \"" + refund.status_text + "\", which is not known here");
  }
  refund.amount = *amount;
  refund.currency = text(object, "currency");
  refund.payment_intent = id_of(object, "payment_intent");
  refund.failure_reason = printable(text(object, "failure_reason"));
  refund.created_s = number(object, "created").value_or(0);
  refund.marks = marks_of(object);
  if (const json::object* intent = inner(object, "payment_intent")) {
    refund.intent_marks = marks_of(*intent);
    refund.intent_created_s = number(*intent, "created").value_or(0);
  }
  return refund;
}

base::Result<Dispute> dispute_of(const json::object& object) {
  Dispute dispute;
  dispute.id = text(object, "id");
  dispute.status_text = printable(text(object, "status"));
  dispute.reason = printable(text(object, "reason"));
  const std::optional<std::uint64_t> amount = number(object, "amount");
  if (dispute.id.empty() || dispute.status_text.empty() || !amount) return nonsense("is not a dispute");
  dispute.amount = *amount;
  dispute.currency = text(object, "currency");
  dispute.created_s = number(object, "created").value_or(0);
  dispute.payment_intent = id_of(object, "payment_intent");
  if (const json::object* intent = inner(object, "payment_intent")) {
    ASSIGN_OR_RETURN(dispute.intent, intent_of(*intent));
  }
  // A status that is new is taken as money that is gone for now.
  if (dispute.status_text.starts_with("warning_") || dispute.status_text == "prevented") {
    dispute.status = DisputeStatus::inquiry;
  } else if (dispute.status_text == "won") {
    dispute.status = DisputeStatus::won;
  } else if (dispute.status_text == "lost") {
    dispute.status = DisputeStatus::lost;
  }
  if (const json::object* evidence = inner(object, "evidence_details"))
    dispute.due_by_s = number(*evidence, "due_by").value_or(0);
  return dispute;
}

base::Result<Event> event_of(const json::object& object) {
  Event event;
  event.id = text(object, "id");
  event.type = text(object, "type");
  event.api_version = text(object, "api_version");
  event.created_s = number(object, "created").value_or(0);
  event.livemode = flag(object, "livemode");
  if (text(object, "object") != "event" || !event.id.starts_with("evt_") || event.id.size() > 255)
    return nonsense("is not an event: \"object\" is \"event\" and \"id\" begins with evt_ in one");
  if (event.type.empty() || event.type.size() > 100) return nonsense("has an event without a type");
  const json::object* data = inner(object, "data");
  const json::object* subject = data == nullptr ? nullptr : inner(*data, "object");
  if (subject == nullptr) return nonsense("has an event without data.object");
  event.object_id = printable(text(*subject, "id"));
  event.object_kind = printable(text(*subject, "object"));
  event.status = printable(text(*subject, "status"));
  event.payment_intent = event.object_kind == "payment_intent" ? event.object_id : id_of(*subject, "payment_intent");
  event.marks = marks_of(*subject);
  return event;
}

template <typename T, typename Read>
base::Result<Page<T>> page_of(std::string_view body, const Read& read) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  const json::value* data = member(value.as_object(), "data");
  if (data == nullptr || !data->is_array()) return nonsense("is not a list: there is no \"data\"");
  Page<T> page;
  page.has_more = flag(value.as_object(), "has_more");
  for (const json::value& one : data->as_array()) {
    if (!one.is_object()) return nonsense("is a list with something that is not an object");
    ASSIGN_OR_RETURN(T item, read(one.as_object()));
    page.last_id = item.id;
    page.items.push_back(std::move(item));
  }
  return page;
}

template <typename T, typename Read>
base::Result<T> one_of(std::string_view body, const Read& read) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  return read(value.as_object());
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMessageBytesMax));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  // No half of a UTF-8 sequence at the end.
  while (!out.empty() && out.size() == kMessageBytesMax && (static_cast<unsigned char>(out.back()) & 0x80) != 0)
    out.pop_back();
  return out;
}

base::Result<Intent> read_intent(std::string_view body) { return one_of<Intent>(body, intent_of); }
base::Result<Transfer> read_transfer(std::string_view body) { return one_of<Transfer>(body, transfer_of); }
base::Result<Page<Intent>> read_intents(std::string_view body) { return page_of<Intent>(body, intent_of); }
base::Result<Page<Transfer>> read_transfers(std::string_view body) { return page_of<Transfer>(body, transfer_of); }
base::Result<Page<Dispute>> read_disputes(std::string_view body) { return page_of<Dispute>(body, dispute_of); }
base::Result<Refund> read_refund(std::string_view body) { return one_of<Refund>(body, refund_of); }
base::Result<Page<Refund>> read_refunds(std::string_view body) { return page_of<Refund>(body, refund_of); }
base::Result<Event> read_event(std::string_view body) { return one_of<Event>(body, event_of); }
base::Result<Page<Event>> read_events(std::string_view body) { return page_of<Event>(body, event_of); }

base::Result<ApiError> read_error(std::string_view body) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  const json::object* object = inner(value.as_object(), "error");
  if (object == nullptr) return nonsense("is an error without \"error\"");
  ApiError error;
  error.type = printable(text(*object, "type"));
  error.code = printable(text(*object, "code"));
  error.message = printable(text(*object, "message"));
  error.parameter = printable(text(*object, "param"));
  error.decline = decline_of(*object);
  if (const json::object* intent = inner(*object, "payment_intent")) {
    base::Result<Intent> read = intent_of(*intent);
    if (read) error.intent = std::move(*read);
  }
  return error;
}

base::Result<Customer> read_customer(std::string_view body) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  const json::object& object = value.as_object();
  Customer customer;
  customer.id = text(object, "id");
  if (!customer.id.starts_with("cus_")) return nonsense("is not a customer");
  customer.deleted = flag(object, "deleted");
  if (const json::object* metadata = inner(object, "metadata")) customer.payer = text(*metadata, "tabd_payer");
  return customer;
}

base::Result<Account> read_account(std::string_view body) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  Account account;
  account.id = text(value.as_object(), "id");
  if (!account.id.starts_with("acct_")) return nonsense("is not an account");
  if (member(value.as_object(), "charges_enabled") != nullptr)
    account.charges_enabled = flag(value.as_object(), "charges_enabled");
  return account;
}

base::Result<bool> read_livemode(std::string_view body) {
  ASSIGN_OR_RETURN(const json::value value, parse(body));
  const json::value* mode = member(value.as_object(), "livemode");
  if (mode == nullptr || !mode->is_bool()) return nonsense("does not say whether it is about real money (livemode)");
  return mode->as_bool();
}

}  // namespace settlers::card
